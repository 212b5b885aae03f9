//! Reads five fields and reports: the evaluation whose cost is measured.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports every account that is invited and not expected.
    FiveReads,
    id: "guest.five-reads",
    title: "An account was invited",
    severity: Medium,
    matches: [{ "eventSource": ["organizations.amazonaws.com"], "eventName": ["InviteAccountToOrganization"] }],
}

struct FiveReads {
    expected: BTreeSet<String>,
}

/// Settings of the rule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Accounts that may be invited.
    expected: BTreeSet<String>,
}

impl Rule for FiveReads {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { expected: settings.expected })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let account = event.string("/requestParameters/target/id").unwrap_or_default();
        if event.string("/errorCode").is_some() || self.expected.contains(&account) {
            return Findings::none();
        }
        let caller = event.string("/userIdentity/arn");
        let title = format!("{} invited account {account}", caller.as_deref().unwrap_or("Somebody"));
        Finding::new(account)
            .title(title)
            .detail("caller", caller)
            .detail("source_ip", event.string("/sourceIPAddress"))
            .detail("organization", event.string("/recipientAccountId"))
            .into()
    }
}
