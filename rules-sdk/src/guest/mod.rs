//! The glue between a rule and the WIT interface. Exists only where a rule is compiled to WebAssembly.

mod allocator;

use std::sync::OnceLock;

use crate::rule::{Describe, load};
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

pub use bindings::exports::orgwatch::rule::rule::Guest as Exports;
use bindings::orgwatch::rule::event as import;
use bindings::orgwatch::rule::log::{Level, write};

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
        findings.into_iter().map(|finding| serde_json::to_string(&finding).expect("a finding is plain data")).collect()
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
        const _: () = {
            static LOADED: $crate::guest::Loaded<$rule> = $crate::guest::Loaded::new();

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
