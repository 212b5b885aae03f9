//! The macro that makes a program of a rule. What it says of a rule that is put together wrongly stands in `faults.rs`.

/// Makes a rule of a type that implements [`Rule`](crate::Rule): its metadata, and its exports when it is compiled to WebAssembly.
///
/// ```
/// use orgwatch_rules_sdk::prelude::*;
///
/// rule! {
///     /// Reports a CloudTrail trail that was stopped.
///     TrailStopped,
///     id: "demo.trail-stopped",
///     title: "A CloudTrail trail was stopped",
///     severity: High,
///     matches: [{ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLogging"] }],
///     attack: ["T1562.008"],
/// }
///
/// # impl Rule for TrailStopped {
/// #     type Settings = NoSettings;
/// #     fn load(_: NoSettings) -> Result<Self, Refusal> { Ok(Self) }
/// #     fn evaluate(&self, _: &Event) -> Findings { Findings::none() }
/// # }
/// struct TrailStopped;
///
/// assert_eq!(<TrailStopped as orgwatch_rules_sdk::Describe>::metadata().severity, Severity::High);
/// ```
///
/// The doc comment is the rule's description; it should say, under these headings, *What it does*, *Why it matters*, *What it misses* and
/// *What to do*. Then comes the type, then the fields, in any order:
///
/// | field | value | |
/// | --- | --- | --- |
/// | `id` | `"org.account-departed"` | required |
/// | `title` | `"An account left the organization"` | required |
/// | `severity` | `Informational`, `Low`, `Medium`, `High`, `Critical` | required |
/// | `matches` | a list of EventBridge event patterns over the CloudTrail record, or `everything` | required |
/// | `version` | `"1.0.0"` | the crate's version |
/// | `status` | `Experimental`, `Test`, `Stable`, `Deprecated`, `Unsupported` | `Experimental` |
/// | `attack` | `["T1531"]`: MITRE ATT&CK techniques | |
/// | `references` | `["CIS AWS Foundations 3.0.0 §4.15"]`: controls and addresses | |
/// | `false_positives` | `["…"]` | |
/// | `runbook` | `"https://…"` | |
/// | `generic` | `true` for a rule that is nothing without settings | `false` |
/// | `tables` | `["accounts"]`: the operator's lookup tables that the rule reads | |
/// | `state_version` | `1` for a rule that looks back at earlier events, another number when what it notes has changed | |
///
/// A value that is an expression stands in parentheses: `tables: (names::TABLES)`, `"eventName": (OPERATIONS)`, `matches: [(pattern())]`. What is missing, unknown, given
/// twice or of the wrong kind is an error of the compiler that says what to write.
///
/// The macro defines `main`, so a rule is a file of its own in `src/bin/`.
#[macro_export]
macro_rules! rule {
    (
        $(#[doc = $doc:expr])+
        $rule:ident,
        $($field:ident : $value:tt),+ $(,)?
    ) => {
        // A second `rule!` in the file defines this a second time, and the compiler's answer is the name.
        #[doc(hidden)]
        mod a_file_holds_one_rule_and_the_next_one_needs_a_file_of_its_own_in_src_bin {}

        $crate::rule_fault!(@required $($field)+);
        $crate::rule_fault!(@unique $($field)+);
        $crate::rule_fault!(@asks [$($field)+] $($field $value)+);

        impl $crate::Describe for $rule {
            fn declared() -> $crate::Metadata {
                let mut metadata = $crate::Metadata::new(
                    concat!($($doc, "\n"),*),
                    env!("CARGO_PKG_VERSION"),
                    $crate::serde_json::Value::Null,
                );
                $($crate::rule_field!(metadata, $field, $value);)+
                metadata
            }
        }

        #[cfg(not(target_family = "wasm"))]
        fn main() {
            $crate::testing::explain_that_this_is_a_rule::<$rule>();
        }

        #[cfg(target_family = "wasm")]
        fn main() {}

        #[cfg(target_family = "wasm")]
        $crate::export_rule!($rule);

        #[cfg(target_family = "wasm")]
        $crate::rule_export_of_memory!($rule, $($field)+);
    };
    ($($wrong:tt)*) => {
        $crate::rule_fault!($($wrong)*);

        // Without it the compiler would complain of a second thing, which is none.
        fn main() {}
    };
}

/// Sets one field of the metadata. Used by [`rule!`](crate::rule!).
#[doc(hidden)]
#[macro_export]
macro_rules! rule_field {
    ($metadata:ident, id, $value:literal) => {
        const ID: &str = $crate::rule_id($value);
        $metadata.id = ID.to_owned();
    };
    ($metadata:ident, title, $value:literal) => { $metadata.title = $crate::rule_text($value); };
    ($metadata:ident, version, $value:literal) => { $metadata.version = $crate::rule_text($value); };
    ($metadata:ident, runbook, $value:literal) => { $metadata.runbook = Some($crate::rule_text($value)); };
    ($metadata:ident, severity, Informational) => { $metadata.severity = $crate::Severity::Informational; };
    ($metadata:ident, severity, Low) => { $metadata.severity = $crate::Severity::Low; };
    ($metadata:ident, severity, Medium) => { $metadata.severity = $crate::Severity::Medium; };
    ($metadata:ident, severity, High) => { $metadata.severity = $crate::Severity::High; };
    ($metadata:ident, severity, Critical) => { $metadata.severity = $crate::Severity::Critical; };
    ($metadata:ident, status, Experimental) => { $metadata.status = $crate::Status::Experimental; };
    ($metadata:ident, status, Test) => { $metadata.status = $crate::Status::Test; };
    ($metadata:ident, status, Stable) => { $metadata.status = $crate::Status::Stable; };
    ($metadata:ident, status, Deprecated) => { $metadata.status = $crate::Status::Deprecated; };
    ($metadata:ident, status, Unsupported) => { $metadata.status = $crate::Status::Unsupported; };
    ($metadata:ident, matches, everything) => { $metadata.matches = $crate::Matches::Everything; };
    ($metadata:ident, matches, [$($pattern:tt),* $(,)?]) => {
        $($crate::rule_fault!(@pattern $pattern);)*
        $metadata.matches = $crate::Matches::Patterns(vec![$($crate::serde_json::json!($pattern)),*]);
    };
    ($metadata:ident, generic, true) => { $metadata.generic = true; };
    ($metadata:ident, generic, false) => { $metadata.generic = false; };
    ($metadata:ident, attack, $value:tt) => { $metadata.attack = $crate::rule_texts!(attack, $value); };
    ($metadata:ident, references, $value:tt) => { $metadata.references = $crate::rule_texts!(references, $value); };
    ($metadata:ident, false_positives, $value:tt) => {
        $metadata.false_positives = $crate::rule_texts!(false_positives, $value);
    };
    ($metadata:ident, tables, $value:tt) => { $metadata.tables = $crate::rule_texts!(tables, $value); };
    ($metadata:ident, state_version, $value:literal) => { $metadata.state_version = Some($value); };
    ($metadata:ident, $field:ident, $value:tt) => { $crate::rule_fault!(@value $field); };
}

/// Reads a list of texts: `["T1531", "T1666"]`, or an expression in parentheses. Used by [`rule!`](crate::rule!).
#[doc(hidden)]
#[macro_export]
macro_rules! rule_texts {
    ($field:ident, [$($value:expr),* $(,)?]) => { vec![$($crate::rule_text($value)),*] };
    ($field:ident, ($list:expr)) => { $list.map($crate::rule_text).to_vec() };
    ($field:ident, $value:tt) => {{ $crate::rule_fault!(@value $field); Vec::new() }};
}

/// Exports what a rule with a `state_version` has beside the rest. Used by [`rule!`](crate::rule!).
#[doc(hidden)]
#[macro_export]
macro_rules! rule_export_of_memory {
    ($rule:ident, state_version $($rest:ident)*) => { $crate::export_memory!($rule); };
    ($rule:ident, $field:ident $($rest:ident)*) => { $crate::rule_export_of_memory!($rule, $($rest)*); };
    ($rule:ident,) => {};
}
