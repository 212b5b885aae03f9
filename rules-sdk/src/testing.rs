//! Runs a rule natively, for `cargo test`: the same code that the sandbox runs, without WebAssembly.

use crate::rule::{Describe, load};
use crate::{Event, Finding, Metadata, Refusal};

/// Loads a rule with settings (JSON text) and has it judge one record (JSON text).
///
/// Patterns are not applied: the rule judges the record whether it asks for it or not.
///
/// # Errors
///
/// Fails when the rule refuses the settings.
///
/// # Panics
///
/// Panics when the record is not JSON, when two findings have the same key, or when the metadata is incomplete: each would be a fault
/// in the host.
pub fn evaluate<R: Describe>(settings: &str, record: &str) -> Result<Vec<Finding>, Refusal> {
    check_metadata(&R::metadata());
    let (rule, _) = load::<R>(settings)?;
    let event = Event::from_json(record).unwrap_or_else(|error| panic!("the record is not JSON: {error}"));
    let findings = rule.evaluate(&event).into_vec();
    for (index, finding) in findings.iter().enumerate() {
        let repeated = findings[..index].iter().any(|earlier| earlier.key() == finding.key());
        assert!(!repeated, "two findings of one evaluation have the key {:?}", finding.key());
    }
    Ok(findings)
}

fn check_metadata(metadata: &Metadata) {
    for (field, value) in [("id", &metadata.id), ("title", &metadata.title), ("description", &metadata.description)] {
        assert!(!value.is_empty(), "rule!: `{field}` is missing");
    }
}

/// What a rule's binary does when somebody runs it natively.
#[doc(hidden)]
pub fn explain_that_this_is_a_rule<R: Describe>() {
    let id = R::metadata().id;
    eprintln!(
        "{id} is a rule, not a program: build it with `orgwatch-host build` and run it with `orgwatch-host --rules`"
    );
}
