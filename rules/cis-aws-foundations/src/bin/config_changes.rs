//! `cis.config-changes`: the configuration of AWS Config was changed.

use orgwatch_rules_cis_aws_foundations::changes::{Changes, Control, beyond, listed};
use orgwatch_rules_cis_aws_foundations::controls;
use orgwatch_rules_cis_aws_foundations::settings::Settings;
use orgwatch_rules_sdk::prelude::*;

use Severity::{High, Low, Medium};

rule! {
    /// Reports changes to what AWS Config records and where it delivers that.
    ///
    /// ## What it does
    ///
    /// Reports the 4 operations that control 4.9 (5.9 from version 6.0 on) lists, and 4 more that end or narrow recording and that the control
    /// leaves out: `DeleteConfigurationRecorder` ends it as `StopConfigurationRecorder` does.
    ///
    /// With `strict = true` the rule reports what the control's published metric filter matches, and no other record: the 4 operations. Calls
    /// that failed are reported in both readings, as the filter counts them; they are graded one step lower.
    ///
    /// Calls by `expected_automation` are not reported: roles, users and services by fields of the record that a caller cannot choose. See
    /// `strict` for the control's own reading, which makes no exceptions.
    ///
    /// ## Why it matters
    ///
    /// AWS Config is the memory of how every resource was set up, and what Security Hub and most compliance reports rest on. With the recorder
    /// stopped they go on showing what was true before.
    ///
    /// ## What it misses
    ///
    /// * Config rules, conformance packs and aggregators that are changed or deleted.
    /// * What becomes of the bucket and the topic that Config delivers to.
    ///
    /// ## What to do
    ///
    /// Find the change ticket, or ask the caller. If nobody asked for it, start the recorder again, as the finding says, and look at what was
    /// changed while nothing was recorded.
    ConfigChanges,
    id: "cis.config-changes",
    version: "1.0.0",
    title: "The configuration of AWS Config was changed",
    severity: Medium,
    status: Test,
    matches: [(CONTROL.pattern(true))],
    attack: ["T1562.008", "T1562.001"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.9",
        "CIS AWS Foundations 6.0 and 7.0 §5.9",
        "https://docs.aws.amazon.com/config/latest/developerguide/stop-start-recorder.html",
    ],
    false_positives: [
        "Accounts and Regions that are set up or taken down",
        "Infrastructure as code, Control Tower: list its role or service in `expected_automation`",
    ],
}

struct ConfigChanges(Changes);

const CONTROL: Control = Control {
    source: "config.amazonaws.com",
    filter: controls::CONFIG_CHANGES,
    operations: &[
        beyond(
            "DeleteConfigurationRecorder",
            High,
            "PutConfigurationRecorder with the settings before, then StartConfigurationRecorder",
        ),
        listed("DeleteDeliveryChannel", High, "PutDeliveryChannel with the settings before"),
        beyond("DeleteServiceLinkedConfigurationRecorder", High, "PutServiceLinkedConfigurationRecorder"),
        beyond("DisassociateResourceTypes", Medium, "AssociateResourceTypes with the same types"),
        listed("PutConfigurationRecorder", Medium, "PutConfigurationRecorder with the settings before"),
        listed("PutDeliveryChannel", Medium, "PutDeliveryChannel with the settings before"),
        beyond("PutRetentionConfiguration", Low, "PutRetentionConfiguration with the period before"),
        listed("StopConfigurationRecorder", High, "StartConfigurationRecorder"),
    ],
    targets: &[
        ("recorder", "/requestParameters/configurationRecorderName"),
        ("recorder", "/requestParameters/configurationRecorder/name"),
        ("recorder", "/requestParameters/configurationRecorderArn"),
        ("channel", "/requestParameters/deliveryChannelName"),
        ("channel", "/requestParameters/deliveryChannel/name"),
    ],
};

impl Rule for ConfigChanges {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Changes::load(&CONTROL, settings).map(Self)
    }

    fn matches(&self) -> Option<Matches> {
        Some(self.0.asked())
    }

    fn evaluate(&self, event: &Event) -> Findings {
        self.0.judge(event).map(|change| change.finding(event)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/config_changes");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<ConfigChanges>("{}", EVENTS);
    }
}
