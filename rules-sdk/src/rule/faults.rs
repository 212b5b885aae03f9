//! What the compiler says of a rule that is put together wrongly: one sentence that names the fault, and one that shows the way out.
//!
//! `tests/compile/` holds a rule for each of these sentences.

/// A text in [`rule!`](crate::rule!): a string in quotes.
#[diagnostic::on_unimplemented(message = "rule!: `{Self}` is no text", label = "write it in quotes")]
#[doc(hidden)]
pub trait RuleText {
    /// Returns the text.
    fn into_text(self) -> String;
}

impl RuleText for &str {
    fn into_text(self) -> String {
        self.to_owned()
    }
}

/// Takes a text of the macro.
#[doc(hidden)]
pub fn rule_text(text: impl RuleText) -> String {
    text.into_text()
}

/// Takes the id of the macro, and stops the compiler at one that no host would take.
///
/// # Panics
///
/// Panics, while the rule is compiled, when the id is none.
#[doc(hidden)]
#[track_caller]
pub const fn rule_id(id: &str) -> &str {
    let bytes = id.as_bytes();
    let mut after_a_letter = false;
    let mut at = 0;
    while at < bytes.len() {
        let letter = bytes[at].is_ascii_lowercase() || bytes[at].is_ascii_digit();
        let joint = after_a_letter && (bytes[at] == b'-' || bytes[at] == b'.');
        assert!(
            letter || joint,
            "rule!: `id` is made of lower-case words joined by `-`, in namespaces joined by `.`: team.trail-stopped"
        );
        after_a_letter = letter;
        at += 1;
    }
    assert!(after_a_letter, "rule!: `id` has to end with a word, as in team.trail-stopped");
    assert!(bytes.len() <= 128, "rule!: `id` is longer than 128 characters");
    id
}

/// Finds what is wrong with a rule and says it as an error of the compiler. Used by [`rule!`](crate::rule!).
#[doc(hidden)]
#[macro_export]
macro_rules! rule_fault {
    // Each field that has to be there is there.
    (@required $($field:ident)+) => {
        $crate::rule_fault!(@has id $($field)+);
        $crate::rule_fault!(@has title $($field)+);
        $crate::rule_fault!(@has severity $($field)+);
        $crate::rule_fault!(@has matches $($field)+);
    };
    (@has id id $($rest:ident)*) => {};
    (@has title title $($rest:ident)*) => {};
    (@has severity severity $($rest:ident)*) => {};
    (@has matches matches $($rest:ident)*) => {};
    (@has $wanted:ident $other:ident $($rest:ident)*) => { $crate::rule_fault!(@has $wanted $($rest)*); };
    (@has $wanted:ident) => { $crate::rule_fault!(@say $wanted, " is missing"); };

    // No field is there twice.
    (@unique $first:ident $($rest:ident)*) => {
        $crate::rule_fault!(@again $first $($rest)*);
        $crate::rule_fault!(@unique $($rest)*);
    };
    (@unique) => {};
    (@again id id $($rest:ident)*) => { $crate::rule_fault!(@twice id); };
    (@again title title $($rest:ident)*) => { $crate::rule_fault!(@twice title); };
    (@again severity severity $($rest:ident)*) => { $crate::rule_fault!(@twice severity); };
    (@again matches matches $($rest:ident)*) => {
        compile_error!("rule!: `matches` is given twice\nhint: put all patterns into one list: a record that one of them matches is asked for");
    };
    (@again version version $($rest:ident)*) => { $crate::rule_fault!(@twice version); };
    (@again status status $($rest:ident)*) => { $crate::rule_fault!(@twice status); };
    (@again attack attack $($rest:ident)*) => { $crate::rule_fault!(@twice attack); };
    (@again references references $($rest:ident)*) => { $crate::rule_fault!(@twice references); };
    (@again false_positives false_positives $($rest:ident)*) => { $crate::rule_fault!(@twice false_positives); };
    (@again runbook runbook $($rest:ident)*) => { $crate::rule_fault!(@twice runbook); };
    (@again generic generic $($rest:ident)*) => { $crate::rule_fault!(@twice generic); };
    (@again tables tables $($rest:ident)*) => { $crate::rule_fault!(@twice tables); };
    (@again state_version state_version $($rest:ident)*) => { $crate::rule_fault!(@twice state_version); };
    (@again $field:ident $other:ident $($rest:ident)*) => { $crate::rule_fault!(@again $field $($rest)*); };
    (@again $field:ident) => {};
    (@twice $field:ident) => {
        compile_error!(concat!("rule!: `", stringify!($field), "` is given twice\nhint: keep one of the two"));
    };

    // A rule without patterns asks for nothing, unless its settings bring them.
    (@asks $fields:tt matches [] $($rest:tt)*) => { $crate::rule_fault!(@generic $fields); };
    (@asks $fields:tt $field:ident $value:tt $($rest:tt)*) => { $crate::rule_fault!(@asks $fields $($rest)*); };
    (@asks $fields:tt) => {};
    (@generic [generic $($rest:ident)*]) => {};
    (@generic [$field:ident $($rest:ident)*]) => { $crate::rule_fault!(@generic [$($rest)*]); };
    (@generic []) => {
        compile_error!(
            "rule!: `matches` is empty, so that the rule would never see a record\n\
             hint: list a pattern, or write `matches: everything`; where the settings say what is asked for, add `generic: true`"
        );
    };

    // A pattern names fields in quotes, and for each a list of alternatives.
    (@pattern {}) => {
        compile_error!("rule!: a pattern in `matches` is empty\nhint: name a field in it, or write `matches: everything`");
    };
    (@pattern { $($field:tt)+ }) => { $crate::rule_fault!(@alternatives $($field)+); };
    (@pattern $pattern:literal) => {
        compile_error!(concat!(
            "rule!: ", stringify!($pattern), " in `matches` is no pattern\n\
             hint: say in braces which field has to hold it: { \"eventName\": [", stringify!($pattern), "] }"
        ));
    };
    // The value of an expression.
    (@pattern $pattern:tt) => {};
    (@alternatives) => {};
    (@alternatives $field:literal : [$($value:tt)*] $(, $($rest:tt)*)?) => {
        $($crate::rule_fault!(@alternatives $($rest)*);)?
    };
    (@alternatives $field:literal : ($($value:tt)*) $(, $($rest:tt)*)?) => {
        $($crate::rule_fault!(@alternatives $($rest)*);)?
    };
    (@alternatives $field:literal : { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $crate::rule_fault!(@pattern { $($inner)* });
        $($crate::rule_fault!(@alternatives $($rest)*);)?
    };
    (@alternatives $field:literal : $value:literal $($rest:tt)*) => {
        compile_error!(concat!(
            "rule!: the value of ", stringify!($field), " in `matches` is no list of alternatives\n\
             hint: put it in brackets, also where there is one: ", stringify!($field), ": [", stringify!($value), "]"
        ));
    };
    (@alternatives $field:ident : $($rest:tt)*) => {
        compile_error!(concat!(
            "rule!: the field `", stringify!($field), "` in `matches` has no quotes\nhint: write \"", stringify!($field), "\": […]"
        ));
    };
    // The rest is an expression, or JSON's own macro says what is wrong.
    (@alternatives $($rest:tt)*) => {};

    // A field whose value is of the wrong kind, or that does not exist.
    (@value $field:ident) => { $crate::rule_fault!(@say $field, " has a value of the wrong kind"); };
    (@say id, $fault:literal) => {
        compile_error!(concat!("rule!: `id`", $fault, "\nhint: give the rule a name that stays, in quotes: id: \"team.trail-stopped\","));
    };
    (@say title, $fault:literal) => {
        compile_error!(concat!(
            "rule!: `title`", $fault, "\nhint: say in one line, in quotes, what the rule sees: title: \"A CloudTrail trail was stopped\","
        ));
    };
    (@say severity, $fault:literal) => {
        compile_error!(concat!(
            "rule!: `severity`", $fault, "\nhint: write Informational, Low, Medium, High or Critical, just so: severity: High,"
        ));
    };
    (@say matches, $fault:literal) => {
        compile_error!(concat!(
            "rule!: `matches`", $fault, "\nhint: list patterns of the records that the rule asks for: ",
            "matches: [{ \"eventSource\": [\"cloudtrail.amazonaws.com\"], \"eventName\": [\"StopLogging\"] }],"
        ));
    };
    (@say version, $fault:literal) => { compile_error!(concat!("rule!: `version`", $fault, "\nhint: write it in quotes: version: \"1.0.0\",")); };
    (@say runbook, $fault:literal) => {
        compile_error!(concat!("rule!: `runbook`", $fault, "\nhint: write an address in quotes: runbook: \"https://…\","));
    };
    (@say status, $fault:literal) => {
        compile_error!(concat!(
            "rule!: `status`", $fault, "\nhint: write Experimental, Test, Stable, Deprecated or Unsupported, just so: status: Test,"
        ));
    };
    (@say generic, $fault:literal) => {
        compile_error!(concat!("rule!: `generic`", $fault, "\nhint: write `generic: true`, or leave it out"));
    };
    (@say state_version, $fault:literal) => {
        compile_error!(concat!("rule!: `state_version`", $fault, "\nhint: write a whole number, to begin with: state_version: 1,"));
    };
    (@say attack, $fault:literal) => {
        compile_error!(concat!("rule!: `attack`", $fault, "\nhint: list techniques in brackets: attack: [\"T1562.008\"],"));
    };
    (@say references, $fault:literal) => {
        compile_error!(concat!("rule!: `references`", $fault, "\nhint: list texts in brackets: references: [\"https://…\"],"));
    };
    (@say false_positives, $fault:literal) => {
        compile_error!(concat!("rule!: `false_positives`", $fault, "\nhint: list texts in brackets: false_positives: [\"A drill\"],"));
    };
    (@say tables, $fault:literal) => {
        compile_error!(concat!("rule!: `tables`", $fault, "\nhint: list names in brackets: tables: [\"accounts\"],"));
    };
    (@say description, $fault:literal) => {
        compile_error!("rule!: there is no field `description`\nhint: the doc comment above the rule's name is the description");
    };
    (@say settings, $fault:literal) => {
        compile_error!("rule!: there is no field `settings`\nhint: name the type of the settings in `impl Rule`, with `type Settings = …;`");
    };
    (@say $unknown:ident, $fault:literal) => {
        compile_error!(concat!(
            "rule!: there is no field `", stringify!($unknown), "`\n\
             hint: the fields are id, title, severity, matches, version, status, attack, references, false_positives, runbook, generic, \
             tables and state_version"
        ));
    };

    // What has not even the form of a list of fields: find the first place where it has not.
    (@fields $field:ident : $value:tt, $($rest:tt)*) => { $crate::rule_fault!(@fields $($rest)*); };
    (@fields $field:ident : $value:tt $next:ident : $($rest:tt)*) => {
        compile_error!(concat!("rule!: a comma is missing between `", stringify!($field), "` and `", stringify!($next), "`"));
    };
    (@fields $field:ident = $($rest:tt)*) => {
        compile_error!(concat!(
            "rule!: `", stringify!($field), "` is followed by `=`\nhint: write a colon: ", stringify!($field), ": …,"
        ));
    };
    (@fields $field:ident : $($rest:tt)*) => { $crate::rule_fault!(@value $field); };
    (@fields $($rest:tt)*) => { $crate::rule_fault!(@form); };
    (@form) => {
        compile_error!(
            "rule!: this is not the form of a rule\n\
             hint: write a doc comment, the name of the type, and fields, with a comma after each:\n    \
                 /// Reports a trail that was stopped.\n    \
                 TrailStopped,\n    \
                 id: \"team.trail-stopped\",\n    \
                 title: \"A CloudTrail trail was stopped\",\n    \
                 severity: High,\n    \
                 matches: [{ \"eventSource\": [\"cloudtrail.amazonaws.com\"], \"eventName\": [\"StopLogging\"] }],"
        );
    };
    (#[doc = $first:expr] $(#[doc = $doc:expr])* $rule:ident, $($rest:tt)+) => { $crate::rule_fault!(@fields $($rest)+); };
    (#[doc = $first:expr] $(#[doc = $doc:expr])* $rule:ident $(,)?) => { $crate::rule_fault!(@required none); };
    (#[doc = $first:expr] $(#[doc = $doc:expr])* $rule:ident $field:ident : $($rest:tt)*) => {
        compile_error!(concat!("rule!: a comma is missing after `", stringify!($rule), "`"));
    };
    ($rule:ident, $($rest:tt)*) => {
        compile_error!(concat!(
            "rule!: `", stringify!($rule), "` has no doc comment\n\
             hint: describe the rule above its name, in lines that begin with ///, under the headings What it does, Why it matters, \
             What it misses and What to do"
        ));
    };
    ($($rest:tt)*) => { $crate::rule_fault!(@form); };
}
