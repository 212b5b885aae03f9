//! Versions of the forms that files are written in.

use serde::{Deserialize, Serialize};

/// The version of a file's form, of which this host knows one. A file in another form is refused by that, and not by what it happens to lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct FormVersion<const KNOWN: u32>;

impl<const KNOWN: u32> TryFrom<u32> for FormVersion<KNOWN> {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        if version == KNOWN { Ok(Self) } else { Err(format!("version {version} is unknown; this host knows {KNOWN}")) }
    }
}

impl<const KNOWN: u32> From<FormVersion<KNOWN>> for u32 {
    fn from(_: FormVersion<KNOWN>) -> Self {
        KNOWN
    }
}
