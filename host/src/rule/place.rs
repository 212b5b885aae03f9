//! Places of rules: what `--rules` and `[[rules]]` name.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pack::registry::{Reference, ReferenceError};

/// Where rules come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Place {
    /// A component, a pack, or a folder of either, on this machine.
    Path(PathBuf),
    /// A pack in a registry.
    Registry(Reference),
}

impl Place {
    /// Returns the place seen from a folder: a relative path begins there.
    #[must_use]
    pub fn seen_from(self, folder: &Path) -> Self {
        match self {
            Self::Path(path) => Self::Path(folder.join(path)),
            reference @ Self::Registry(_) => reference,
        }
    }
}

impl FromStr for Place {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.starts_with("oci:") { text.parse().map(Self::Registry) } else { Ok(Self::Path(text.into())) }
    }
}

impl TryFrom<String> for Place {
    type Error = ReferenceError;

    fn try_from(text: String) -> Result<Self, ReferenceError> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => formatter.write_str(&path.to_string_lossy()),
            Self::Registry(reference) => reference.fmt(formatter),
        }
    }
}

/// Several places in one text, as an environment variable holds them: with `:` between paths. A reference has a `:` of its own, so where there is
/// one, white space stands between places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places(pub Vec<Place>);

impl FromStr for Places {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let places = if text.contains("oci:") {
            text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?
        } else {
            text.split(':').map(str::parse).collect::<Result<_, _>>()?
        };
        Ok(Self(places))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_paths_or_references() {
        let places = |text: &str| text.parse::<Places>().map(|Places(places)| places);
        assert_eq!(places("a/b:c").unwrap(), [PathBuf::from("a/b").into(), PathBuf::from("c").into()]);
        assert_eq!(places("a b").unwrap(), [PathBuf::from("a b").into()]);
        let reference = "oci://localhost:5000/acme/watch:1";
        let expected = [Place::Registry(reference.parse().unwrap()), PathBuf::from("rules").into()];
        assert_eq!(places(&format!("{reference} rules")).unwrap(), expected);
        assert!(places("oci://Example.com/x").is_err());
    }

    #[test]
    fn a_reference_is_seen_the_same_from_everywhere() {
        let folder = Path::new("/etc/orgwatch");
        assert_eq!(Place::Path("rules".into()).seen_from(folder), Place::Path("/etc/orgwatch/rules".into()));
        let reference: Place = "oci://registry.example.com/a:1".parse().unwrap();
        assert_eq!(reference.clone().seen_from(folder), reference);
    }
}
