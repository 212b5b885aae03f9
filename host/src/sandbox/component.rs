//! A component file as it is, before anything of it is compiled or run.
//!
//! Reading is linear in the file's size and bounded: whether the file is a component at all, what it says of itself, what it wants, and
//! whether a compiler can be let near it. A hand-made module of 300 kB can take a compiler a minute and gigabytes; the caps here refuse
//! the plain cases and the compiling process's own limits the rest.

use orgwatch_rules_sdk::{METADATA_SECTION, Metadata};
use serde::{Deserialize, Serialize};
use wasmparser::{Encoding, Parser, Payload};

use super::fault::brief;
use super::imports::{EXPORT, IMPORTS, STATE};
use super::limits::Limits;
use crate::digest::Digest;

/// A checked component: it imports nothing foreign, exports the rule interface and carries metadata.
#[derive(Clone, Debug)]
pub struct Component {
    bytes: Vec<u8>,
    digest: Digest,
    metadata: Metadata,
    imports: Vec<String>,
}

/// Why a file is not a component that the host runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentFault {
    /// The file is larger than the host takes.
    #[error("it is {size} bytes large, more than {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file is no WebAssembly, or broken.
    #[error("it is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// The file is a core module, which cargo makes and `build` turns into a component.
    #[error("it is a WebAssembly module and not yet a component; `orgwatch-host build` makes one of it")]
    Module,
    /// It wants something that no rule gets.
    #[error("it imports `{0}`; a rule may import only {list}", list = IMPORTS.join(", "))]
    ForeignImport(String),
    /// It does not export the interface that makes a component a rule.
    #[error("it does not export `{EXPORT}`{}", found.as_ref().map(|name| format!("; it exports `{name}`")).unwrap_or_default())]
    NoRule {
        /// Another version of the interface, where it exports one.
        found: Option<String>,
    },
    /// A function is larger than the host lets its compiler at.
    #[error("one of its functions has {size} bytes of code, more than {limit}")]
    FunctionTooLarge {
        /// The function's size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A function has more variables than the host lets its compiler at.
    #[error("one of its functions has {locals} local variables, more than {limit}")]
    TooManyLocals {
        /// The function's variables.
        locals: u32,
        /// The limit.
        limit: u32,
    },
    /// There is no metadata section, or more than one.
    #[error("it has {0} sections `{METADATA_SECTION}` where it should have one; `orgwatch-host build` writes it")]
    MetadataSections(usize),
    /// The metadata section is larger than the host takes.
    #[error("its metadata section is {size} bytes large, more than {limit}")]
    MetadataTooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The metadata section cannot be understood.
    #[error("its metadata section cannot be understood: {0}")]
    Metadata(String),
}

impl Component {
    /// Checks a component file's content.
    ///
    /// # Errors
    ///
    /// Fails when it is no rule, wants what no rule gets, or is beyond the limits.
    pub fn check(bytes: Vec<u8>, limits: &Limits) -> Result<Self, ComponentFault> {
        if bytes.len() > limits.component {
            return Err(ComponentFault::TooLarge { size: bytes.len(), limit: limits.component });
        }
        let survey = Survey::of(&bytes, limits)?;
        for import in &survey.imports {
            if !IMPORTS.contains(&import.as_str()) {
                return Err(ComponentFault::ForeignImport(brief(import)));
            }
        }
        if !survey.exports.iter().any(|export| export == EXPORT) {
            let family = EXPORT.split('@').next().unwrap_or(EXPORT);
            let found = survey.exports.iter().find(|export| export.starts_with(family)).map(|export| brief(export));
            return Err(ComponentFault::NoRule { found });
        }
        let &[section] = survey.metadata.as_slice() else {
            return Err(ComponentFault::MetadataSections(survey.metadata.len()));
        };
        let metadata = parse_metadata(section, limits)?;
        Ok(Self { digest: Digest::of(&bytes), imports: survey.imports, metadata, bytes })
    }

    /// Returns the file's content.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the SHA-256 digest of the file's content.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns what the rule says of itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Returns the names of the interfaces that it imports.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Tells whether the rule may look back at earlier events: it imports what was noted, or says that it notes something.
    pub fn looks_back(&self) -> bool {
        self.metadata.state_version.is_some() || self.imports.iter().any(|import| import == STATE)
    }
}

fn parse_metadata(section: &[u8], limits: &Limits) -> Result<Metadata, ComponentFault> {
    if section.len() > limits.metadata {
        return Err(ComponentFault::MetadataTooLarge { size: section.len(), limit: limits.metadata });
    }
    let metadata: Metadata =
        serde_json::from_slice(section).map_err(|error| ComponentFault::Metadata(brief(&error.to_string())))?;
    if !is_rule_id(&metadata.id) {
        let words = "lower-case words joined by `-`, in namespaces joined by `.`, at most 128 characters";
        return Err(ComponentFault::Metadata(format!("the id {:?} is not made of {words}", brief(&metadata.id))));
    }
    if semver::Version::parse(&metadata.version).is_err() {
        return Err(ComponentFault::Metadata(format!("the version {:?} is not semantic", brief(&metadata.version))));
    }
    for (field, text) in [("title", &metadata.title), ("description", &metadata.description)] {
        if text.trim().is_empty() {
            return Err(ComponentFault::Metadata(format!("the {field} is empty")));
        }
    }
    Ok(metadata)
}

/// Tells whether a text can be a rule's id, such as `org.account-departed`.
pub fn is_rule_id(id: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    id.len() <= 128 && id.split('.').all(|part| part.split('-').all(word))
}

/// What one pass over the file finds.
#[derive(Default)]
struct Survey<'a> {
    imports: Vec<String>,
    exports: Vec<String>,
    metadata: Vec<&'a [u8]>,
}

impl<'a> Survey<'a> {
    fn of(bytes: &'a [u8], limits: &Limits) -> Result<Self, ComponentFault> {
        let broken = |error: wasmparser::BinaryReaderError| ComponentFault::NotAComponent(error.to_string());
        if !bytes.starts_with(b"\0asm") {
            return Err(ComponentFault::NotAComponent("it does not begin like one".to_owned()));
        }
        let mut survey = Self::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(broken)? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                    return Err(ComponentFault::Module);
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        survey.imports.push(import.map_err(broken)?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        survey.exports.push(export.map_err(broken)?.name.name.to_owned());
                    }
                }
                Payload::CustomSection(section) if depth == 0 && section.name() == METADATA_SECTION => {
                    survey.metadata.push(section.data());
                }
                Payload::CodeSectionEntry(body) => check_function(&body, limits)?,
                _ => {}
            }
        }
        Ok(survey)
    }
}

fn check_function(body: &wasmparser::FunctionBody<'_>, limits: &Limits) -> Result<(), ComponentFault> {
    let size = body.range().len();
    if size > limits.function {
        return Err(ComponentFault::FunctionTooLarge { size, limit: limits.function });
    }
    let broken = |error: wasmparser::BinaryReaderError| ComponentFault::NotAComponent(error.to_string());
    let mut locals = 0_u32;
    for group in body.get_locals_reader().map_err(broken)? {
        let (count, _) = group.map_err(broken)?;
        locals = locals.saturating_add(count);
        if locals > limits.locals {
            return Err(ComponentFault::TooManyLocals { locals, limit: limits.locals });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_lower_case_words_in_namespaces() {
        for id in ["pattern", "org.account-departed", "cis.4-15"] {
            assert!(is_rule_id(id), "{id}");
        }
        for id in ["", "Org.x", "org..x", "org.-x", "org.x ", "org/x", "örg", &"x".repeat(129)] {
            assert!(!is_rule_id(id), "{id}");
        }
    }

    #[test]
    fn what_is_no_component_is_refused_with_its_reason() {
        let check = |bytes: &[u8]| Component::check(bytes.to_vec(), &Limits::default()).expect_err("no rule");
        assert!(matches!(check(b"hello"), ComponentFault::NotAComponent(_)));
        assert!(matches!(check(b"\0asm\x01\0\0\0"), ComponentFault::Module));
        assert!(matches!(check(b"\0asm\x0d\0\x01\0"), ComponentFault::NoRule { found: None }));
    }
}
