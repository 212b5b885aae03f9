//! `cis.kms-key-disabled`: a customer managed key was disabled or is scheduled for deletion.

use orgwatch_rules_cis_aws_foundations::changes::{Changes, Control, beyond, listed};
use orgwatch_rules_cis_aws_foundations::controls;
use orgwatch_rules_cis_aws_foundations::report::shortened;
use orgwatch_rules_cis_aws_foundations::settings::Settings;
use orgwatch_rules_sdk::prelude::*;

use Severity::{High, Medium};

rule! {
    /// Reports customer managed keys that were disabled or scheduled for deletion.
    ///
    /// ## What it does
    ///
    /// Reports the 2 operations that control 4.7 (5.7 from version 6.0 on) lists, and `DeleteImportedKeyMaterial`, which makes a key with
    /// imported material useless at once. The finding says when a key will be deleted.
    ///
    /// With `strict = true` the rule reports what the control's published metric filter matches, and no other record: the 2 operations. Calls
    /// that failed are reported in both readings, as the filter counts them; they are graded one step lower.
    ///
    /// Calls by `expected_automation` are not reported: roles, users and services by fields of the record that a caller cannot choose. See
    /// `strict` for the control's own reading, which makes no exceptions.
    ///
    /// ## Why it matters
    ///
    /// What is encrypted with a key is gone when the key is. A ransom needs no more than a call, and the waiting period of 7 to 30 days is the
    /// time there is to notice it.
    ///
    /// ## What it misses
    ///
    /// * A changed policy of the key, or a grant that was taken away: the data is as unreadable, and the key enabled.
    /// * The stores of keys outside AWS and in CloudHSM.
    /// * The deletion itself, which is a service event without a caller.
    ///
    /// ## What to do
    ///
    /// Ask the owner of the key what it is for. If nobody knows, cancel the deletion or enable the key, as the finding says, before the date that
    /// the finding names. Then revoke the caller's sessions.
    KmsKeyDisabled,
    id: "cis.kms-key-disabled",
    version: "1.0.0",
    title: "A KMS key was disabled or scheduled for deletion",
    severity: High,
    status: Test,
    matches: [(CONTROL.pattern(true))],
    attack: ["T1485", "T1489"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.7",
        "CIS AWS Foundations 6.0 and 7.0 §5.7",
        "https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
    ],
    false_positives: [
        "Keys of environments that are taken down",
    ],
}

struct KmsKeyDisabled(Changes);

const CONTROL: Control = Control {
    source: "kms.amazonaws.com",
    filter: controls::KMS_KEY_DISABLED,
    operations: &[
        beyond("DeleteImportedKeyMaterial", High, "ImportKeyMaterial with the same material"),
        listed("DisableKey", Medium, "EnableKey"),
        listed("ScheduleKeyDeletion", High, "CancelKeyDeletion within the waiting period, then EnableKey"),
    ],
    targets: &[("key", "/requestParameters/keyId"), ("key", "/responseElements/keyId")],
};

impl Rule for KmsKeyDisabled {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Changes::load(&CONTROL, settings).map(Self)
    }

    fn matches(&self) -> Option<Matches> {
        Some(self.0.asked())
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(change) = self.0.judge(event) else {
            return Findings::none();
        };
        let finding = change.finding(event);
        match event.response("/deletionDate") {
            Value::String(date) => finding.detail("deletion_date", shortened(&date)).into(),
            _ => finding.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/kms_key_disabled");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<KmsKeyDisabled>("{}", EVENTS);
    }
}
