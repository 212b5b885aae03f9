//! `org.mass-departure`: many accounts are leaving the organization within a short time.

use std::time::Duration;

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::event::organizations::{DepartureMethod, EVENT_SOURCE};
use orgwatch_rules_sdk::prelude::*;
use orgwatch_rules_sdk::serde_json::json;

rule! {
    /// Reports that several accounts left, were removed from, or were closed in the organization within a short time.
    ///
    /// ## What it does
    ///
    /// Counts different accounts: those that `RemoveAccountFromOrganization` removed, those that `CloseAccount` closed, and those that left by
    /// themselves, as `AccountDepartedOrganization` tells the management account. Three within an hour by default. It fires at the event that makes
    /// them too many, also when an event arrives late, and makes one finding an hour; when everything of that hour has arrived, its last form
    /// names all accounts. What expected automation removes or closes is not counted, and neither are accounts that are cleaned up some 90 days after
    /// their closing, unless a setting says so.
    ///
    /// ## Why it matters
    ///
    /// One account that departs is a decision. Many at once are an attacker with the rights of the management account, or a script that runs
    /// wild, and each closed account starts a clock of 90 days after which nothing brings it back.
    ///
    /// ## What it misses
    ///
    /// * Departures spread over more time than the setting says. Each is a finding of `org.account-departed`, `org.account-removed` or
    ///   `org.account-closed` all the same.
    /// * An account that leaves by itself where no trail in the management account brings the service's event.
    ///
    /// ## What to do
    ///
    /// Stop the actor first: take the role's sessions away, or detach its permissions. Then reopen closed accounts (AWS Support can, for 90
    /// days) and invite removed ones again.
    MassDeparture,
    id: "org.mass-departure",
    version: "1.0.0",
    title: "A mass departure of accounts from the organization",
    severity: Critical,
    status: Test,
    tables: (names::TABLES),
    state_version: 1,
    matches: [{
        "eventSource": [EVENT_SOURCE],
        "eventName": ["AccountDepartedOrganization", "RemoveAccountFromOrganization", "CloseAccount"],
    }],
    attack: ["T1531", "T1666"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_remove.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_close.html",
    ],
    false_positives: ["A planned migration of accounts into another organization", "A clean-up of sandbox accounts that is not listed as automation"],
}

const ADVICE: Advice = Advice {
    check_next: "Find out who is behind the actor, take its sessions away if nobody knows, and look for more calls of the same access key.",
    undo: "Reopen closed accounts by AWS Support within 90 days; invite removed accounts again.",
};

/// The series of departures, under the management account; the values are the accounts.
const DEPARTURES: &str = "departures";

/// How many accounts a finding lists.
const LISTED: u32 = 100;

struct MassDeparture {
    settings: Settings,
    within: Duration,
}

/// Settings of the rule.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// How many accounts are too many: 3 by default, 2 at least.
    accounts: u64,
    /// Within how many minutes: 60 by default, a week at most.
    minutes: u64,
    /// Count accounts too that are cleaned up after their closing.
    count_cleaned: bool,
    /// Roles, users and services that may remove and close any number of accounts.
    expected_automation: Automation,
}

impl Default for Settings {
    fn default() -> Self {
        Self { accounts: 3, minutes: 60, count_cleaned: false, expected_automation: Automation::default() }
    }
}

impl Rule for MassDeparture {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        if settings.accounts < 2 {
            return Err("`accounts` is less than 2: for single accounts there is org.account-departed".into());
        }
        if !(1..=7 * 24 * 60).contains(&settings.minutes) {
            return Err("`minutes` is not between 1 and 10080, which is a week".into());
        }
        Ok(Self { within: Duration::from_mins(settings.minutes), settings })
    }

    fn keep(&self) -> Duration {
        self.within
    }

    fn note(&self, event: &Event) -> Vec<Note> {
        let departure = self.departure(event);
        departure
            .map(|(organization, account)| Note::new(DEPARTURES, organization).value(account))
            .into_iter()
            .collect()
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some((organization, _)) = self.departure(event) else {
            return Findings::none();
        };
        let departures = event.notes(DEPARTURES, &organization).within(self.within);
        let many = departures.count(10_000).values;
        if many < self.settings.accounts {
            return Findings::none();
        }
        let accounts: BTreeMap<String, String> = departures
            .latest(LISTED)
            .into_iter()
            .filter_map(|note| Some((note.value.as_str()?.to_owned(), note.time)))
            .collect();
        let listed = accounts.iter().map(|(account, time)| {
            let known = account.parse().ok().and_then(|account| names::known_account(event, account));
            json!({ "account": account, "time": time, "known_as": known })
        });
        let title = format!(
            "{many} accounts departed from the organization of {organization} within {} minutes",
            self.settings.minutes
        );
        Report::of(event)
            .finding(organization, ADVICE)
            .title(title)
            .once_per(self.within)
            .detail("accounts", listed.collect::<Vec<_>>())
            .detail("number", many)
            .into()
    }
}

impl MassDeparture {
    /// Returns the organization, by its management account, and the account that departed from it.
    fn departure(&self, event: &Event) -> Option<(String, String)> {
        let organization = event.string("/recipientAccountId")?;
        if let Some(departure) = event.account_departed() {
            // What was removed is counted by the call that removed it, which says who made it.
            let counts = match departure.method() {
                Some(DepartureMethod::Removed) => false,
                Some(DepartureMethod::Cleaned) => self.settings.count_cleaned,
                _ => !departure.is_management_account(),
            };
            return Some((organization, departure.member()?.to_string())).filter(|_| counts);
        }
        let account = event.account("/requestParameters/accountId")?;
        let counts = event.outcome().is_success() && !self.settings.expected_automation.expects(event);
        counts.then(|| (organization, account.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/mass_departure");
    const REMOVED: &str = include_str!("../../events/account_removed/fires_removed.json");
    const LEFT: &str = include_str!("../../events/account_departed/fires_left.json");

    fn removed(number: u32, time: &str) -> String {
        REMOVED
            .replace("444455556666", &format!("{:012}", 444_400_000_000_u64 + u64::from(number)))
            .replace("2227e392", &format!("2227e{number:03}"))
            .replace("2026-11-01T10:04:22Z", time)
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<MassDeparture>("{}", EVENTS);
    }

    #[test]
    fn accounts_are_counted_and_not_events() {
        let same = testing::given::<MassDeparture>("{}")
            .earlier(removed(1, "2026-11-01T10:00:00Z"))
            .earlier(removed(1, "2026-11-01T10:01:00Z"))
            .earlier(removed(2, "2026-11-01T10:02:00Z"));
        assert_eq!(same.judge(removed(2, "2026-11-01T10:03:00Z")), []);
        let third = same.judge(removed(3, "2026-11-01T10:03:00Z")).remove(0);
        assert_eq!(
            third.get_title(),
            Some("3 accounts departed from the organization of 111122223333 within 60 minutes")
        );
        assert_eq!(third.details()["accounts"][2]["account"], "444400000003");
        assert_eq!(third.period(), Some(3600));
    }

    #[test]
    fn what_is_longer_ago_does_not_count() {
        let given = testing::given::<MassDeparture>("{}")
            .earlier(removed(1, "2026-11-01T08:59:59Z"))
            .earlier(removed(2, "2026-11-01T09:30:00Z"));
        assert_eq!(given.judge(removed(3, "2026-11-01T10:00:00Z")), []);
    }

    #[test]
    fn expected_automation_may_remove_any_number_and_nobody_can_pass_for_it() {
        let settings = r#"{"expected_automation": ["arn:aws:iam::111122223333:role/Cleaner"]}"#;
        let by = |number, role: &str| {
            removed(number, "2026-11-01T10:00:00Z").replace("role/OrgAdmin", &format!("role/{role}"))
        };
        let given = testing::given::<MassDeparture>(settings).earlier(by(1, "Cleaner")).earlier(by(2, "Cleaner"));
        assert_eq!(given.judge(by(3, "Cleaner")), []);
        let session = |number| removed(number, "2026-11-01T10:00:00Z").replace("anaya", "Cleaner");
        let given = testing::given::<MassDeparture>(settings).earlier(session(1)).earlier(session(2));
        assert_eq!(given.judge(session(3)).len(), 1);
    }

    #[test]
    fn cleaned_accounts_count_where_a_setting_says_so() {
        let cleaned = |number: u32| {
            LEFT.replace("LEFT", "CLEANED")
                .replace("444455556666", &format!("{:012}", 444_400_000_000_u64 + u64::from(number)))
                .replace("b7a69584", &format!("b7a69{number:03}"))
        };
        for (settings, findings) in [("{}", 0), (r#"{"count_cleaned": true}"#, 1)] {
            let given = testing::given::<MassDeparture>(settings).earlier(cleaned(1)).earlier(cleaned(2));
            assert_eq!(given.judge(cleaned(3)).len(), findings, "{settings}");
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for settings in [r#"{"accounts": 1}"#, r#"{"minutes": 0}"#, r#"{"minutes": 10081}"#, r#"{"account": 3}"#] {
            assert!(testing::evaluate::<MassDeparture>(settings, LEFT).is_err(), "{settings}");
        }
    }
}
