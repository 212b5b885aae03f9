//! How findings are written.

mod json;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Finding;

pub use json::harmless_json;
pub use text::paint;

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// One JSON object a line, for programs.
    Json,
    /// Some lines a finding, for people; with colours where the terminal has them.
    Text {
        /// True to use colours.
        color: bool,
    },
}

impl Encoding {
    /// Appends a finding in this form, with the line end.
    pub fn encode(self, finding: &Finding, out: &mut Vec<u8>) {
        match self {
            Self::Json => json::encode(finding, out),
            Self::Text { color } => text::encode(finding, color, out),
        }
    }
}

/// The name of a form of output, as the configuration and `--output` have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EncodingName {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl EncodingName {
    /// Returns the form, with colours where `color` allows them and the form has them.
    pub const fn encoding(self, color: bool) -> Encoding {
        match self {
            Self::Text => Encoding::Text { color },
            Self::Json => Encoding::Json,
        }
    }
}
