//! `org.account-moved`: an account was moved to another place in the organization.

use orgwatch_rules_aws_organizations::ids::UnitId;
use orgwatch_rules_aws_organizations::policy::Target;
use orgwatch_rules_aws_organizations::report::{Advice, Report, raise, unreadable};
use orgwatch_rules_aws_organizations::{console, names, operations};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account that was moved from one organizational unit to another, or to the root.
    ///
    /// ## What it does
    ///
    /// Sees `MoveAccount` that succeeded. To the root it is high, because no organizational unit's policies bind the account there; between organizational units medium;
    /// from the root into one low, which is how a new account gets its place. Out of one that the settings list as guarded, such as a quarantine, it is
    /// one step worse, and no automation is expected to do that; into one it is low. A root user makes each one step worse.
    ///
    /// ## Why it matters
    ///
    /// Policies bind by place. Moved to a place with fewer policies, an account is open without a single policy having been touched.
    ///
    /// ## What it misses
    ///
    /// * Which policies there are at the old and at the new place: the record does not say. The finding links to both.
    /// * Calls that were denied: see `org.unauthorized-attempt`. Calls that failed changed nothing.
    ///
    /// ## What to do
    ///
    /// Compare the policies of the two places. If the move was not planned, move the account back, then look for what was done in it in between.
    AccountMoved,
    id: "org.account-moved",
    version: "1.0.0",
    title: "An account was moved within the organization",
    severity: Medium,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["MoveAccount"] }],
    attack: ["T1666", "T1562"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_MoveAccount.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/move_account_to_ou.html",
    ],
    false_positives: ["Account vending, until expected_automation lists its role", "A planned reorganization"],
}

const ADVICE: Advice = Advice {
    check_next: "Which policies are attached to the old place and not to the new one, and what was done in the account since then.",
    undo: "Move the account back: aws organizations move-account, with the two places exchanged.",
};

struct AccountMoved {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles and users by their ARNs, and services by their names, that move accounts; out of a guarded unit nobody is expected to.
    expected_automation: Automation,
    /// Organizational units that accounts do not leave in daily work, such as a quarantine.
    guarded_units: BTreeSet<UnitId>,
}

impl Rule for AccountMoved {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if operations::called(event).as_deref() != Some("MoveAccount") {
            return Findings::none();
        }
        let Some(report) = Report::if_succeeded(event) else {
            return Findings::none();
        };
        let account = event.account("/requestParameters/accountId");
        // AWS takes the call only where the source is where the account was, so the caller does not choose it freely.
        let place = |field: &str| event.request(field).into_string().map(|id| Target::of(&id));
        let (source, destination) = (place("/sourceParentId"), place("/destinationParentId"));
        let leaves_guarded = self.may_be_guarded(source.as_ref());
        if !leaves_guarded && self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let severity = match (&source, &destination) {
            (_, Some(Target::Unit(id))) if self.settings.guarded_units.contains(id.as_str()) => Severity::Low,
            (Some(Target::Root(_)), Some(Target::Unit(_))) => Severity::Low,
            (_, Some(Target::Unit(_))) => Severity::Medium,
            _ => Severity::High,
        };
        let severity = if leaves_guarded { raise(severity) } else { severity };
        let severity = report.raised_for_root(severity);
        let words = |place: Option<&Target>| match place {
            Some(Target::Root(_)) => "the root".to_owned(),
            Some(place) => place.id(),
            None => "a place that the record does not name".to_owned(),
        };
        let guarded = if leaves_guarded { "guarded " } else { "" };
        let title = format!(
            "{} {} from {guarded}{} to {}",
            report.who("moved", "move"),
            names::account(event, account),
            words(source.as_ref()),
            words(destination.as_ref())
        );
        let page = |place: Option<&Target>| place.and_then(|place| console::organizational_unit(event, &place.id()));
        let report = report.account(account);
        let report = report.link("source", page(source.as_ref())).link("destination", page(destination.as_ref()));
        let key = account.map_or_else(|| unreadable(event), |account| account.to_string());
        let finding = report.finding(key, ADVICE).title(title).severity(severity);
        finding
            .detail("account", account)
            .detail("source", source.as_ref().map(Target::id))
            .detail("destination", destination.as_ref().map(Target::id))
            .detail("out_of_guarded_unit", leaves_guarded)
            .into()
    }
}

impl AccountMoved {
    /// A place that the record does not name may be a guarded one.
    fn may_be_guarded(&self, place: Option<&Target>) -> bool {
        let guarded = &self.settings.guarded_units;
        place.map_or(!guarded.is_empty(), |place| guarded.contains(place.id().as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/account_moved");
    const TO_ROOT: &str = include_str!("../../events/account_moved/fires_to_the_root.json");
    const BETWEEN: &str = include_str!("../../events/account_moved/fires_between_units.json");
    const FROM_ROOT: &str = include_str!("../../events/account_moved/fires_from_the_root.json");
    const VENDED: &str = include_str!("../../events/account_moved/fires_placed_by_control_tower.json");
    const FACTORY: &str = r#"{"expected_automation": ["arn:aws:iam::111122223333:role/service-role/AWSControlTowerAdmin"],
                              "guarded_units": ["ou-ab12-quar7890"]}"#;

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<AccountMoved>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<AccountMoved>("{}", EVENTS);
    }

    #[test]
    fn where_to_says_how_bad_it_is() {
        for (record, severity, end) in [
            (TO_ROOT, Severity::High, "moved account 444455556666 from ou-ab12-cdef3456 to the root"),
            (BETWEEN, Severity::Medium, "moved account 444455556666 from ou-ab12-quar7890 to ou-ab12-cdef3456"),
            (FROM_ROOT, Severity::Low, "moved account 444455556666 from the root to ou-ab12-cdef3456"),
        ] {
            let finding = judge("{}", record).expect(end);
            let title = finding.get_title().unwrap();
            assert!(title.ends_with(end), "{title}");
            assert_eq!((finding.get_severity(), finding.key()), (Some(severity), "444455556666"));
        }
    }

    #[test]
    fn the_way_out_of_a_guarded_unit_is_expected_of_nobody() {
        let guarded = r#"{"guarded_units": ["ou-ab12-quar7890"], "expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#;
        let finding = judge(guarded, BETWEEN).unwrap();
        assert_eq!(finding.get_severity(), Some(Severity::High));
        assert!(finding.get_title().unwrap().ends_with("from guarded ou-ab12-quar7890 to ou-ab12-cdef3456"));
        assert_eq!(judge(guarded, TO_ROOT), None, "automation is expected elsewhere");
        let unnamed = BETWEEN.replace("sourceParentId", "x");
        assert!(judge(guarded, &unnamed).is_some(), "it may have been the guarded one");
        let into = BETWEEN
            .replace("ou-ab12-cdef3456", "ou-ab12-zzzz9999")
            .replace("quar7890", "cdef3456")
            .replace("zzzz9999", "quar7890");
        assert_eq!(
            judge(r#"{"guarded_units": ["ou-ab12-quar7890"]}"#, &into).unwrap().get_severity(),
            Some(Severity::Low)
        );
    }

    #[test]
    fn a_vended_account_finds_its_place_without_a_word() {
        assert!(judge("{}", VENDED).is_some());
        assert_eq!(judge(FACTORY, VENDED), None);
    }

    #[test]
    fn a_place_of_unknown_form_is_taken_for_the_worst() {
        for odd in ["", "OU-AB12-CDEF3456", "444455556666"] {
            let record = BETWEEN.replace("ou-ab12-cdef3456", odd);
            assert_eq!(judge("{}", &record).unwrap().get_severity(), Some(Severity::High), "{odd}");
        }
    }
}
