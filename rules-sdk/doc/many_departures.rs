// The rule that the documentation's examples of looking back are about.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an hour in which several accounts depart.
    ManyDepartures,
    id: "demo.many-departures",
    title: "Several accounts departed within an hour",
    severity: Critical,
    matches: [{ "eventSource": ["organizations.amazonaws.com"], "eventName": ["AccountDepartedOrganization"] }],
    state_version: 1,
}

pub struct ManyDepartures {
    accounts: u64,
}

/// Settings of the rule.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How many accounts are several: 3 by default.
    accounts: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { accounts: 3 }
    }
}

const HOUR: Duration = Duration::from_hours(1);

impl Rule for ManyDepartures {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        if settings.accounts < 2 {
            return Err("`accounts` is less than 2: one departure is not several".into());
        }
        Ok(Self { accounts: settings.accounts })
    }

    fn keep(&self) -> Duration {
        HOUR
    }

    fn note(&self, event: &Event) -> Vec<Note> {
        let member = event.account_departed().and_then(|departure| departure.member());
        member.map(|member| Note::new("departures", "all").value(member)).into_iter().collect()
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let departed = event.notes("departures", "all").within(HOUR).count(100).values;
        if departed < self.accounts {
            return Findings::none();
        }
        Finding::new("all")
            .title(format!("{departed} accounts departed within an hour"))
            .detail("accounts", departed)
            .once_per(HOUR)
            .into()
    }
}
