//! Rules written as WebAssembly text, for what no compiler would make.

use std::borrow::Cow;
use std::fmt::Write as _;

use orgwatch_rules_sdk::{METADATA_SECTION, Matches, Metadata};
use serde_json::json;
use wasm_encoder::{ComponentSection, CustomSection};

/// A rule by hand. As it is, it takes any settings, asks for every record and returns one finding with the key `handmade`; a test replaces
/// the part that it is about.
///
/// All that the functions return stands in memory already: the answer of `describe` at 16, of `load` at 32, of `evaluate` at 80 (a list of
/// one) and the finding's text at 2048. From 4096 on memory is free.
#[derive(Clone)]
pub(crate) struct Handmade {
    pub(super) id: &'static str,
    /// All that it says of itself, where that is more than an id.
    pub(super) metadata: Option<Metadata>,
    /// The size of the memory, in pages.
    pub(super) memory: &'static str,
    /// More items of the core module.
    pub(super) items: String,
    pub(super) realloc: &'static str,
    pub(super) describe: &'static str,
    pub(super) load: &'static str,
    pub(super) evaluate: &'static str,
    /// What comes before the core module in the component.
    pub(super) before: String,
    /// What the core module is instantiated with.
    pub(super) with: &'static str,
    /// More options of the lifting of `evaluate`.
    pub(super) lift: &'static str,
    /// The types of `evaluate`: of the component's function and of the core module's.
    pub(super) evaluate_type: &'static str,
    /// What comes after everything else in the component.
    pub(super) after: String,
    pub(super) finding: Vec<u8>,
}

impl Default for Handmade {
    fn default() -> Self {
        Self {
            id: "guest.handmade",
            metadata: None,
            memory: "1",
            items: String::new(),
            realloc: "(i32.const 4096)",
            describe: "(i32.const 16)",
            load: "(i32.const 32)",
            evaluate: "(i32.const 80)",
            before: String::new(),
            with: "",
            lift: "",
            evaluate_type: "(result (list string))",
            after: String::new(),
            finding: br#"{"key":"handmade"}"#.to_vec(),
        }
    }
}

impl Handmade {
    /// A rule that says this of itself.
    pub(crate) fn of(metadata: Metadata) -> Self {
        Self { metadata: Some(metadata), ..Self::default() }
    }

    /// Makes the component with its metadata.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut bytes = self.without_metadata();
        add_metadata(&mut bytes, self.metadata_text().as_bytes());
        bytes
    }

    pub(super) fn metadata(&self) -> Metadata {
        if let Some(metadata) = &self.metadata {
            return metadata.clone();
        }
        let mut metadata = Metadata::new("Made by hand.", "1.0.0", json!({ "type": "object" }));
        metadata.id.push_str(self.id);
        metadata.title.push_str("Made by hand");
        metadata.matches = Matches::Everything;
        metadata
    }

    fn metadata_text(&self) -> String {
        serde_json::to_string(&self.metadata()).expect("metadata is plain data")
    }

    pub(super) fn without_metadata(&self) -> Vec<u8> {
        wat::parse_str(self.text()).expect("the text is sound")
    }

    /// The component as text.
    pub(super) fn text(&self) -> String {
        let Self { memory, items, realloc, describe, load, evaluate, before, with, lift, evaluate_type, after, .. } =
            self;
        let description = self.metadata_text();
        // Its place is between 1024 and 2048; one that is larger stands where the memory of this rule ends.
        let described_at = if description.len() <= 1024 { 1024 } else { 32_768 };
        assert!(description.len() <= 32_768, "it has a place");
        let described = string(described_at, description.len());
        // `ok` of a result, and in it a list of one string.
        let loaded = [words(&[0, 48, 1]), vec![0; 4], string(64, EVERYTHING.len())].concat();
        let evaluated = [words(&[96, 1]), vec![0; 8], string(2048, self.finding.len())].concat();
        let at = [
            (16, described),
            (32, loaded),
            (64, EVERYTHING.into()),
            (80, evaluated),
            (described_at, description.into()),
            (2048, self.finding.clone()),
        ];
        let mut data = String::new();
        for (at, bytes) in at {
            // Writing to a String cannot fail.
            let _ = writeln!(data, "(data (i32.const {at}) \"{}\")", escape(&bytes));
        }
        format!(
            r#"(component
              {before}
              (core module $rule
                {imports}
                (memory (export "memory") {memory})
                {items}
                (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32) {realloc})
                (func (export "describe") (result i32) {describe})
                (func (export "load") (param i32 i32) (result i32) {load})
                (func (export "evaluate") (result i32) {evaluate})
                {data})
              (core instance $rule (instantiate $rule {with}))
              (func $describe (result string) (canon lift (core func $rule "describe") (memory (core memory $rule "memory"))))
              (func $load (param "settings" string) (result (result (list string) (error string)))
                (canon lift (core func $rule "load") (memory (core memory $rule "memory")) (realloc (core func $rule "realloc"))))
              (func $evaluate {evaluate_type}
                (canon lift (core func $rule "evaluate") (memory (core memory $rule "memory")) {lift}))
              (instance $exports
                (export "describe" (func $describe))
                (export "load" (func $load))
                (export "evaluate" (func $evaluate)))
              (export "orgwatch:rule/rule@0.1.0" (instance $exports))
              {after})"#,
            imports = self.imports(),
        )
    }

    /// The imports of the core module, which must come first: those that [`reading_the_event`](Self::reading_the_event) needs.
    fn imports(&self) -> &'static str {
        if self.with.is_empty() { "" } else { CORE_READ }
    }

    /// Gives the rule the function `$read` of the interface `event`: path and length, and where to put the answer.
    pub(super) fn reading_the_event(self, options: &str) -> Self {
        let before = EVENT_IMPORT.replace("OPTIONS", options);
        Self { before, with: r#"(with "event" (instance (export "read" (func $read_core))))"#, ..self }
    }
}

const EVERYTHING: &str = "\"everything\"";

const CORE_READ: &str = r#"(import "event" "read" (func $read (param i32 i32 i32)))"#;

/// Lowering needs a memory before the rule's own exists, so the memory for it is another module's.
const EVENT_IMPORT: &str = r#"
  (type $event (instance
    (type $value (variant (case "absent") (case "null") (case "boolean" bool) (case "number" string) (case "text" string)
      (case "array" u32) (case "object" (list string))))
    (export "value" (type $exported (eq $value)))
    (export "read" (func (param "path" string) (result $exported)))))
  (import "orgwatch:rule/event@0.1.0" (instance $event (type $event)))
  (core module $answers
    (memory (export "memory") 400)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
    (func (export "loops") (param i32 i32 i32 i32) (result i32) (loop (br 0)) (unreachable))
    (func (export "traps") (param i32 i32 i32 i32) (result i32) (unreachable))
    (func (export "lies") (param i32 i32 i32 i32) (result i32) (i32.const -16))
    (func (export "crooked") (param i32 i32 i32 i32) (result i32) (i32.const 4097))
    (data (i32.const 0) "/eventName")
    (data (i32.const 64) "/\ff\fe")
    (data (i32.const 96) "/\00\00\d8"))
  (core instance $answers (instantiate $answers))
  (core func $read_core (canon lower (func $event "read") (memory (core memory $answers "memory")) OPTIONS))"#;

/// Appends a metadata section to a component.
pub(super) fn add_metadata(component: &mut Vec<u8>, metadata: &[u8]) {
    CustomSection { name: METADATA_SECTION.into(), data: Cow::Borrowed(metadata) }.append_to_component(component);
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A string as it stands in memory: where, and how long.
fn string(at: u32, length: usize) -> Vec<u8> {
    words(&[at, u32::try_from(length).expect("it is short")])
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(out, "\\{byte:02x}");
    }
    out
}
