//! `cis.cloudtrail-changes`: the configuration of CloudTrail was changed.

use orgwatch_rules_cis_aws_foundations::changes::{Changes, Control, beyond, listed};
use orgwatch_rules_cis_aws_foundations::controls;
use orgwatch_rules_cis_aws_foundations::settings::Settings;
use orgwatch_rules_sdk::prelude::*;

use Severity::{High, Low, Medium};

rule! {
    /// Reports changes to trails and to what they record.
    ///
    /// ## What it does
    ///
    /// Reports the 5 operations that control 4.5 (5.5 from version 6.0 on) lists, where they were called on CloudTrail, and 7 more that decide
    /// what is recorded and that the control leaves out, such as `PutEventSelectors`, which blinds a trail without stopping it.
    ///
    /// With `strict = true` the rule reports what the control's published metric filter matches, and no other record: the 5 names, whatever
    /// service was called. Calls that failed are reported in both readings, as the filter counts them; they are graded one step lower.
    ///
    /// Calls by `expected_automation` are not reported: roles, users and services by fields of the record that a caller cannot choose. See
    /// `strict` for the control's own reading, which makes no exceptions.
    ///
    /// ## Why it matters
    ///
    /// Without a trail nobody sees what follows. Stopping it, deleting it or narrowing what it records is often the first thing that an attacker
    /// with rights does.
    ///
    /// ## What it misses
    ///
    /// * What happens to the places that a trail writes to: its bucket, its key, its topic, its log group.
    /// * A trail that goes on logging and cannot deliver: only its status says so.
    /// * What is called in an account that has no trail any more.
    ///
    /// ## What to do
    ///
    /// Find the change ticket, or ask the caller. If nobody asked for it, switch logging on again at once, as the finding says, and look for what
    /// was done meanwhile in the event history of the account, which cannot be switched off, and in the logs of the services themselves.
    CloudtrailChanges,
    id: "cis.cloudtrail-changes",
    version: "1.0.0",
    title: "The configuration of CloudTrail was changed",
    severity: Medium,
    status: Test,
    matches: [(CONTROL.pattern(true))],
    attack: ["T1562.008"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.5",
        "CIS AWS Foundations 6.0 and 7.0 §5.5",
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-create-and-update-a-trail.html",
    ],
    false_positives: [
        "Planned changes to trails",
        "Infrastructure as code, Control Tower: list its role or service in `expected_automation`",
    ],
}

struct CloudtrailChanges(Changes);

const CONTROL: Control = Control {
    source: "cloudtrail.amazonaws.com",
    filter: controls::CLOUDTRAIL_CHANGES,
    operations: &[
        listed("CreateTrail", Low, "DeleteTrail"),
        beyond("DeleteEventDataStore", High, "RestoreEventDataStore within seven days"),
        listed("DeleteTrail", High, "CreateTrail with the same settings, then StartLogging"),
        beyond(
            "DeregisterOrganizationDelegatedAdmin",
            High,
            "RegisterOrganizationDelegatedAdmin with the same account",
        ),
        beyond("PutEventSelectors", High, "PutEventSelectors with the selectors before"),
        beyond("PutInsightSelectors", Medium, "PutInsightSelectors with the selectors before"),
        beyond(
            "RegisterOrganizationDelegatedAdmin",
            Medium,
            "DeregisterOrganizationDelegatedAdmin with the same account",
        ),
        listed("StartLogging", Low, "StopLogging"),
        beyond("StopEventDataStoreIngestion", High, "StartEventDataStoreIngestion"),
        listed("StopLogging", High, "StartLogging"),
        beyond("UpdateEventDataStore", Medium, "UpdateEventDataStore with the settings before"),
        listed("UpdateTrail", Medium, "UpdateTrail with the settings before"),
    ],
    targets: &[
        ("trail", "/requestParameters/trailName"),
        ("trail", "/requestParameters/name"),
        ("event_data_store", "/requestParameters/eventDataStore"),
        ("account", "/requestParameters/memberAccountId"),
        ("account", "/requestParameters/delegatedAdminAccountId"),
    ],
};

impl Rule for CloudtrailChanges {
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

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/cloudtrail_changes");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<CloudtrailChanges>("{}", EVENTS);
    }
}
