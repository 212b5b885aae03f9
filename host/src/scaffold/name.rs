//! Names of packs and rules, checked before anything is written: what they become has to be a crate, a type, a file and a rule's id.

use std::path::Path;

use crate::pack::PackId;

/// The longest name, in bytes: lines of the templates stay within rustfmt's width with it.
const LONGEST: usize = 40;

/// Words that Rust keeps for itself, and names that cargo keeps for its own folders.
const RESERVED: &str = "\
    abstract as async await become box break build const continue crate deps do dyn else enum examples extern false final fn \
    for gen if impl in incremental let loop macro match mod move mut override priv pub ref return self static struct super \
    trait true try type typeof unsafe unsized use virtual where while yield";

/// Types that a rule's file has already.
const TAKEN: &str = "\
    AccountId BTreeMap BTreeSet Box Default Deserialize Err Event Finding Findings JsonSchema Matches MetricFilter \
    NoSettings None Note Ok Option Outcome Refusal Result Rule Serialize Settings Severity Some String Timestamp Value";

/// Crates that the pack's crate depends on, and so cannot be called itself.
const CRATES: [&str; 4] = ["orgwatch-rules-sdk", "schemars", "serde", "serde-json"];

/// What is wrong with a name, and what a good one looks like.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A rule's name.
    #[error("{name:?} is no name for a rule: {why}\nhint: say what happened, as in `policy_detached` or `root_used`")]
    Rule {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A pack's name that was given.
    #[error("{id:?} is no name for a pack: {why}\nhint: name the publisher and the pack, as in `example/my-rules`")]
    Pack {
        /// The name.
        id: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A folder's name from which no pack's name can be made.
    #[error("no pack can be named after the folder {0:?}\nhint: name it, as in `--id example/my-rules`")]
    Folder(String),
}

/// A rule's name: that of its file in `src/bin/` and of its folder in `events/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleName(String);

impl RuleName {
    /// Takes a name: lower-case words joined by `_`.
    ///
    /// # Errors
    ///
    /// Fails with what is wrong with it.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let refused = |why| Err(NameError::Rule { name: name.to_owned(), why });
        if name.len() > LONGEST {
            return refused("it has more than 40 letters");
        }
        if !is_words(name, '_') {
            return refused("it is not lower-case words joined by `_`");
        }
        if RESERVED.split_whitespace().any(|word| word == name) {
            return refused("Rust or cargo keeps that word for itself");
        }
        let name = Self(name.to_owned());
        if TAKEN.split_whitespace().any(|word| word == name.type_name()) {
            return refused("the SDK has a type of that name");
        }
        Ok(name)
    }

    /// Makes a name of a file's, as far as its letters go.
    ///
    /// # Errors
    ///
    /// Fails where that is no name.
    pub fn of_file(file: &Path) -> Result<Self, NameError> {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let mut name = words(&stem, '_');
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            name = format!("pattern_{name}");
        }
        Self::new(name.trim_end_matches('_'))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the rule's type, such as `PolicyDetached`.
    pub fn type_name(&self) -> String {
        let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        self.0.split('_').map(capital).collect()
    }

    /// Returns the rule's id in a pack, such as `my-rules.policy-detached`.
    pub fn id(&self, pack: &PackId) -> String {
        format!("{}.{}", pack.name(), self.0.replace('_', "-"))
    }
}

/// Checks the name of a new pack, of which the second part becomes a crate's name and the beginning of its rules' ids.
///
/// # Errors
///
/// Fails with what is wrong with it.
pub fn pack_id(id: &str) -> Result<PackId, NameError> {
    let refused = |why| Err(NameError::Pack { id: id.to_owned(), why });
    let Ok(parsed) = PackId::try_from(id.to_owned()) else {
        return refused("it is not `publisher/name` in lower case");
    };
    if !is_words(parsed.name(), '-') || !is_words(parsed.publisher(), '-') {
        return refused("each part has to be words joined by `-`");
    }
    if parsed.name().len() > LONGEST {
        return refused("its second part has more than 40 letters");
    }
    if parsed.name() == "orgwatch" {
        return refused("`orgwatch` is where the findings of the program itself are");
    }
    if CRATES.contains(&parsed.name()) {
        return refused("the pack's crate depends on a crate of that name");
    }
    Ok(parsed)
}

/// Names a pack after its folder, under the publisher `example`.
///
/// # Errors
///
/// Fails where the folder's name has no letters to make one of.
pub fn pack_id_of(folder: &Path) -> Result<PackId, NameError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    pack_id(&format!("example/{}", words(&name, '-'))).map_err(|_| NameError::Folder(name))
}

/// Tells whether a text is lower-case words with one character between them.
fn is_words(text: &str, joint: char) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.split(joint).all(word)
}

/// Makes lower-case words of a text.
fn words(text: &str, joint: char) -> String {
    let mut out = String::new();
    for character in text.chars() {
        let character = character.to_ascii_lowercase();
        if character.is_ascii_alphanumeric() {
            out.push(character);
        } else if !out.is_empty() && !out.ends_with(joint) {
            out.push(joint);
        }
    }
    out.trim_end_matches(joint).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rules_name_becomes_a_type_and_an_id() {
        let pack = pack_id("example/my-rules").unwrap();
        let name = RuleName::new("s3_bucket_opened").unwrap();
        assert_eq!(
            (name.type_name().as_str(), name.id(&pack).as_str()),
            ("S3BucketOpened", "my-rules.s3-bucket-opened")
        );
        assert!(crate::sandbox::is_rule_id(&name.id(&pack)));
    }

    #[test]
    fn names_that_would_not_compile_are_refused() {
        let long = "a".repeat(41);
        for name in [
            "",
            "Trail",
            "trail-stopped",
            "_trail",
            "trail_",
            "a__b",
            "4th",
            "é",
            "type",
            "deps",
            "event",
            "b_tree_map",
            "../x",
            &long,
        ] {
            assert!(RuleName::new(name).is_err(), "{name}");
        }
        for id in ["rules", "Me/rules", "me/", "me/-rules", "me/4", "me/a--b", "me/orgwatch", "me/serde", "me/../x"] {
            assert!(pack_id(id).is_err(), "{id}");
        }
    }

    #[test]
    fn folders_and_files_lend_their_names() {
        assert_eq!(pack_id_of(Path::new("/home/anaya/My rules (2)")).unwrap().to_string(), "example/my-rules-2");
        assert!(pack_id_of(Path::new("/home/42")).is_err());
        assert_eq!(RuleName::of_file(Path::new("x/Console Sign-in.json")).unwrap().as_str(), "console_sign_in");
        assert_eq!(RuleName::of_file(Path::new("4.1.txt")).unwrap().as_str(), "pattern_4_1");
        assert_eq!(RuleName::of_file(Path::new("…")).unwrap().as_str(), "pattern");
    }
}
