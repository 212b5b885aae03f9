//! Looks back in every way there is: counts, reads what is latest and earliest, waits, and stands for a period.

use std::time::Duration;

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Looks back in every way there is.
    LooksBack,
    id: "guest.looks-back",
    title: "Looked back",
    severity: Medium,
    matches: everything,
    tables: ["accounts"],
    state_version: 1,
}

struct LooksBack {
    settings: Settings,
}

/// Settings of the rule.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// How many accounts are many.
    many: u64,
    /// Within how many seconds.
    within: u64,
    /// How far it says that it looks back, in seconds, where that is not `within`.
    keep: Option<u64>,
    /// True to look back while noting, which no rule may.
    early: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { many: 3, within: 3600, keep: None, early: false }
    }
}

impl Rule for LooksBack {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn keep(&self) -> Duration {
        Duration::from_secs(self.settings.keep.unwrap_or(self.settings.within))
    }

    fn note(&self, event: &Event) -> Vec<Note> {
        if self.settings.early {
            event.notes("calls", "anybody").count(1);
        }
        let actor = event.string("/userIdentity/arn").unwrap_or_default();
        vec![Note::new("calls", actor).value(event.string("/recipientAccountId"))]
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let within = Duration::from_secs(self.settings.within);
        let actor = event.string("/userIdentity/arn").unwrap_or_default();
        let calls = event.notes("calls", &actor).within(within);
        let tally = calls.count(100);
        let name = event.string("/recipientAccountId").and_then(|account| {
            let row = event.table("accounts").row(&account)?;
            row.get("name").map(str::to_owned)
        });
        let latest: Vec<String> = calls.latest(3).into_iter().map(|note| note.time).collect();
        let earliest: Vec<String> = calls.earliest(3).into_iter().map(|note| note.value.to_string()).collect();
        let mut findings = vec![
            Finding::new("each")
                .detail("actions", tally.actions)
                .detail("values", tally.values)
                .detail("account", name)
                .detail("latest", latest)
                .detail("earliest", earliest),
        ];
        if calls.of_others().count(1).actions == 0 {
            findings.push(Finding::new("first").when_settled());
        }
        if tally.values >= self.settings.many {
            let finding = Finding::new(format!("many {actor}")).detail("values", tally.values);
            findings.push(finding.once_per(within));
        }
        findings.into()
    }
}
