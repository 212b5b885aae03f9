//! What a check has to say.

use serde::Serialize;

/// Something that a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What kind of thing it is.
    pub code: Code,
    /// Where in what the rule says of itself, such as `matches[0].eventName[2]` or `title`.
    pub place: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Remark {
    pub(super) fn new(code: Code, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, place: place.into(), message: message.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// How much a remark weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Gravity {
    /// The rule's reader is left without something.
    Warning,
    /// The rule cannot do what it is for, or says what is not so.
    Error,
}

impl Gravity {
    /// Returns the word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])+ $code:ident: $name:literal, $gravity:ident;)+) => {
        /// The kinds of remarks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])+ $code,)+
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            /// Returns the name, which stays the same in later versions.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }

            /// Returns how much such a remark weighs.
            pub const fn gravity(self) -> Gravity {
                match self {
                    $(Self::$code => Gravity::$gravity,)+
                }
            }
        }
    };
}

codes! {
    /// No event has this name.
    EventNameUnknown: "event-name-unknown", Error;
    /// The events of this name are of another source.
    EventNameElsewhere: "event-name-elsewhere", Error;
    /// CloudTrail records nothing under this source.
    EventSourceUnknown: "event-source-unknown", Error;
    /// A name or source is excluded that does not exist.
    ExcludedUnknown: "excluded-unknown", Warning;
    /// A pattern asks for a field that the records cannot have.
    FieldImpossible: "field-impossible", Warning;
    /// A pattern is no EventBridge event pattern.
    PatternMalformed: "pattern-malformed", Error;
    /// The rule asks for no event.
    AsksForNothing: "asks-for-nothing", Error;
    /// The rule does not take its own default settings.
    DefaultSettingsRefused: "default-settings-refused", Error;
    /// A setting that is misspelt would be passed over.
    SettingsOpen: "settings-open", Error;
    /// A setting is not explained.
    SettingUndocumented: "setting-undocumented", Warning;
    /// The id is in no namespace, where two packs can have the same one.
    IdWithoutNamespace: "id-without-namespace", Warning;
    /// Two rules have the same id.
    IdRepeated: "id-repeated", Error;
    /// The title is no short sentence.
    TitleForm: "title-form", Warning;
    /// The description lacks a part, or has it in another order.
    DescriptionParts: "description-parts", Warning;
    /// A part of the description says next to nothing.
    DescriptionShort: "description-short", Warning;
    /// No technique of ATT&CK is named.
    TechniqueMissing: "technique-missing", Warning;
    /// A technique is written as none is.
    TechniqueMalformed: "technique-malformed", Error;
    /// A technique is not among those that are known to be seen in CloudTrail.
    TechniqueUnknown: "technique-unknown", Warning;
    /// The rule refers to nothing.
    ReferenceMissing: "reference-missing", Warning;
    /// A reference is neither an address nor a control.
    ReferenceMalformed: "reference-malformed", Warning;
    /// It is not said when a finding is no reason to worry.
    FalsePositivesMissing: "false-positives-missing", Warning;
    /// The runbook is no https address.
    RunbookMalformed: "runbook-malformed", Error;
    /// No table can have this name.
    TableNameMalformed: "table-name-malformed", Error;
    /// The pack names an event that the catalogue knows by now.
    KnownNameNeedless: "known-name-needless", Warning;
    /// The pack names an event without saying how it knows of it.
    KnownNameWithoutReason: "known-name-without-reason", Error;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_words_joined_by_dashes_and_each_is_used_once() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for name in names {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
        }
    }
}
