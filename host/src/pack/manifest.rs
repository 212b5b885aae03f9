//! `pack.toml`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::form::FormVersion;

/// What a pack says of itself. Its rules are discovered and not listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this file's own form.
    pub schema_version: FormVersion<1>,
    /// The pack's name: `publisher/name`.
    pub id: PackId,
    /// The pack's version.
    pub version: semver::Version,
    /// One line.
    pub title: String,
    /// What the pack is for.
    pub description: String,
    /// Who wrote it.
    #[serde(default)]
    pub authors: Vec<String>,
    /// SPDX expression.
    pub license: String,
    /// Where to read more.
    #[serde(default)]
    pub homepage: Option<String>,
    /// The least version of the host that the pack runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_host_version: Option<semver::Version>,
    /// The interface between host and rule that its rules are built for, such as `orgwatch:rule@0.1.0`: packing refuses a rule that is built for another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The file at the top of the pack that tells what changed from version to version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changelog: Option<String>,
    /// Events and fields that its rules are right to ask for although the catalogue of this host does not know them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known_names: Vec<KnownName>,
}

/// An event that the pack's author knows of, all events of a source, or a field of their records: `check` takes the author's word for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownName {
    /// The `eventSource`.
    pub source: String,
    /// The `eventName`; every name of the source where there is none.
    #[serde(default)]
    pub name: Option<String>,
    /// A field of the records, as a JSON Pointer; the event as a whole where there is none.
    #[serde(default)]
    pub field: Option<String>,
    /// How it is known: where it is documented, or where it was seen.
    pub reason: String,
}

impl Manifest {
    /// Returns the pack as it stands in findings: `publisher/name@version`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }
}

/// A pack's name: `publisher/name`, each of lower-case letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackId(String);

impl PackId {
    /// Returns who publishes the pack.
    pub fn publisher(&self) -> &str {
        self.0.split_once('/').map_or("", |(publisher, _)| publisher)
    }

    /// Returns the pack's name among those of its publisher.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl TryFrom<String> for PackId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        let word = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        match id.split_once('/') {
            Some((publisher, name)) if word(publisher) && word(name) => Ok(Self(id)),
            _ => Err(format!("the pack id {id:?} is not `publisher/name` in lower-case letters, digits and `-`")),
        }
    }
}

impl From<PackId> for String {
    fn from(id: PackId) -> Self {
        id.0
    }
}

impl fmt::Display for PackId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACK: &str = r#"
        schema_version = 1
        id = "orgwatch/demo"
        version = "1.2.0"
        title = "Demo"
        description = "A pack."
        license = "MIT"
    "#;

    #[test]
    fn a_pack_is_read_and_named() {
        let manifest: Manifest = toml::from_str(PACK).unwrap();
        assert_eq!(manifest.reference(), "orgwatch/demo@1.2.0");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let cases = [
            ("schema_version = 1", "schema_version = 2", "version 2 is unknown"),
            ("orgwatch/demo", "demo", "is not `publisher/name`"),
            ("orgwatch/demo", "../demo", "is not `publisher/name`"),
            ("1.2.0", "1.2", "unexpected end of input"),
            ("title", "titel", "unknown field `titel`"),
        ];
        for (from, to, message) in cases {
            let error = toml::from_str::<Manifest>(&PACK.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
