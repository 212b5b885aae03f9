//! The glue between a rule and the WIT interface. Exists only where a rule is compiled to WebAssembly.

mod allocator;

use std::sync::OnceLock;

use crate::rule::{Describe, load};
use crate::state::{Noted, Scope, Tally};
use crate::table::Row;
use crate::{Event, Value};

#[expect(missing_docs, clippy::pedantic, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        world: "detection",
        pub_export_macro: true,
        export_macro_name: "export_detection",
        default_bindings_module: "orgwatch_rules_sdk::guest::bindings",
    });
}

#[expect(missing_docs, clippy::pedantic, reason = "generated")]
pub mod memory {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        world: "looking-back",
        pub_export_macro: true,
        export_macro_name: "export_looking_back",
        default_bindings_module: "orgwatch_rules_sdk::guest::memory",
    });
}

pub use bindings::exports::orgwatch::rule::rule::Guest as Exports;
use bindings::orgwatch::rule::event as import;
use bindings::orgwatch::rule::log::{Level, write};
use bindings::orgwatch::rule::tables;
pub use memory::exports::orgwatch::rule::memory::Guest as MemoryExports;
use memory::orgwatch::rule::state;

/// Reads a value of the event by way of the host.
pub(crate) fn read(path: &str) -> Value {
    match import::read(path) {
        import::Value::Absent => Value::Absent,
        import::Value::Null => Value::Null,
        import::Value::Boolean(value) => Value::Boolean(value),
        import::Value::Number(text) => Value::Number(text),
        import::Value::Text(text) => Value::String(text),
        import::Value::Array(len) => Value::Array(len as usize),
        import::Value::Object(keys) => Value::Object(keys),
    }
}

/// Reads a part of the event as canonical JSON by way of the host.
pub(crate) fn json(path: &str) -> Option<String> {
    import::json(path)
}

/// Reads a row of a table by way of the host.
pub(crate) fn row(table: &str, key: &str) -> Option<Row> {
    tables::row(table, key).map(|cells| Row::new(cells.into_iter().collect()))
}

fn scope(scope: &Scope<'_>) -> state::Scope {
    state::Scope {
        series: scope.series.to_owned(),
        key: scope.key.to_owned(),
        seconds: scope.seconds,
        others: scope.others,
    }
}

/// Counts notes by way of the host.
pub(crate) fn count(of: &Scope<'_>, most: u64) -> Tally {
    let tally = state::count(&scope(of), most);
    Tally { actions: tally.actions, values: tally.values }
}

/// Reads notes by way of the host.
pub(crate) fn notes(of: &Scope<'_>, latest_first: bool, most: u32) -> Vec<Noted> {
    let notes = if latest_first { state::latest(&scope(of), most) } else { state::earliest(&scope(of), most) };
    notes.into_iter().map(|note| Noted::new(note.time, note.action, &note.value)).collect()
}

/// The one rule that a component holds: set by `load`, part of the memory image that every evaluation starts from.
pub struct Loaded<R>(OnceLock<R>);

impl<R: Describe> Loaded<R> {
    /// Makes the empty place.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The export `describe`.
    pub fn describe() -> String {
        serde_json::to_string(&R::metadata()).expect("metadata is plain data")
    }

    /// The export `load`.
    pub fn load(&self, settings: &str) -> Result<Vec<String>, String> {
        // A panic would otherwise reach the host as a bare trap, without its message.
        std::panic::set_hook(Box::new(|panic| write(Level::Error, &panic.to_string())));
        let (rule, matches) = load::<R>(settings).map_err(|refusal| refusal.to_string())?;
        assert!(self.0.set(rule).is_ok(), "load was called twice");
        let patterns = matches.to_wire();
        allocator::open_arena();
        Ok(patterns)
    }

    /// The export `evaluate`.
    pub fn evaluate(&self) -> Vec<String> {
        let rule = self.0.get().expect("load was not called");
        let findings = rule.evaluate(&Event::from_host());
        findings.into_iter().map(|finding| finding.written()).collect()
    }

    /// The export `keep`.
    pub fn keep(&self) -> u64 {
        self.0.get().expect("load was not called").keep().as_secs()
    }

    /// The export `note`.
    pub fn note(&self) -> Vec<String> {
        let rule = self.0.get().expect("load was not called");
        let notes = rule.note(&Event::from_host());
        notes.iter().map(|note| serde_json::to_string(note).expect("a note is plain data")).collect()
    }
}

impl<R: Describe> Default for Loaded<R> {
    fn default() -> Self {
        Self::new()
    }
}

/// Exports a rule from its component. Used by [`rule!`](crate::rule!).
#[doc(hidden)]
#[macro_export]
macro_rules! export_rule {
    ($rule:ident) => {
        static LOADED: $crate::guest::Loaded<$rule> = $crate::guest::Loaded::new();

        const _: () = {
            struct Export;

            impl $crate::guest::Exports for Export {
                fn describe() -> String {
                    $crate::guest::Loaded::<$rule>::describe()
                }

                fn load(settings: String) -> Result<Vec<String>, String> {
                    LOADED.load(&settings)
                }

                fn evaluate() -> Vec<String> {
                    LOADED.evaluate()
                }
            }

    $crate::guest::bindings::export_detection!(Export with_types_in $crate::guest::bindings);
        };
    };
}

/// Exports what a rule that looks back has beside the rest. Used by [`rule!`](crate::rule!).
#[doc(hidden)]
#[macro_export]
macro_rules! export_memory {
    ($rule:ident) => {
        const _: () = {
            struct Export;

            impl $crate::guest::MemoryExports for Export {
                fn keep() -> u64 {
                    LOADED.keep()
                }

                fn note() -> Vec<String> {
                    LOADED.note()
                }
            }

    $crate::guest::memory::export_looking_back!(Export with_types_in $crate::guest::memory);
        };
    };
}
