//! `org.delegation-policy-changed`: the organization's resource policy was put or deleted.

use orgwatch_rules_aws_organizations::delegation::Delegation;
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_aws_organizations::{console, names, operations};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a change of the organization's delegation policy, the one that lets member accounts manage its policies.
    ///
    /// ## What it does
    ///
    /// Sees `PutResourcePolicy` and `DeleteResourcePolicy` and reads the policy's text as IAM does: who is granted what. Critical where
    /// everybody is granted something, or an account that `organization_accounts` does not list; high where an action that changes something is
    /// granted, where an account is granted something that the operator's table of accounts does not list (if it lists the management account), or
    /// where the record holds no text that can be read; medium where only reading is; low where `expected_accounts` lists
    /// every account that is granted something. A deletion is medium. A call that failed is one step lower. Expected automation is quiet.
    ///
    /// ## Why it matters
    ///
    /// The delegation policy hands out the right to write, attach and detach service control policies. Whoever gets into it takes the guard rails off
    /// from a member account, where nobody looks for it.
    ///
    /// ## What it misses
    ///
    /// * Calls that were denied: see `org.unauthorized-attempt`. Calls that AWS put off (throttling, concurrent changes): they are tried again.
    /// * What the policy's conditions narrow: a grant is taken to be as wide as it reads without them.
    /// * What was granted before: the record holds the new policy only, so that a grant which has been there for long is reported again.
    ///
    /// ## What to do
    ///
    /// Read `principals` and `actions` in the finding. If one of them is not wanted, put the former policy back (an earlier `PutResourcePolicy`
    /// record holds it), and look at what the accounts named in it have changed since.
    DelegationPolicyChanged,
    id: "org.delegation-policy-changed",
    version: "1.0.0",
    title: "The organization's delegation policy was changed",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [
        { "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["PutResourcePolicy", "DeleteResourcePolicy"] },
    ],
    attack: ["T1098.003", "T1484"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_PutResourcePolicy.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_delegate_policies.html",
    ],
    false_positives: ["A planned delegation of backup or tag policies to another team, until expected_accounts lists its account"],
}

const PUT: Advice = Advice {
    check_next: "Read principals and actions: does each account need to change policies? Then look for AttachPolicy, DetachPolicy and UpdatePolicy by them.",
    undo: "Put the former policy back from the record of the PutResourcePolicy before, or: aws organizations delete-resource-policy.",
};
const DELETED: Advice = Advice {
    check_next: "Ask the caller. The accounts that managed policies by delegation no longer can: ask them as well.",
    undo: "Put the policy back from the record of the last PutResourcePolicy: aws organizations put-resource-policy --content file://policy.json.",
};

/// The principals, actions and accounts that are shown and looked up; a policy may name hundreds.
const MOST: usize = 50;

struct DelegationPolicyChanged {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Accounts that may manage policies for the organization.
    expected_accounts: BTreeSet<AccountId>,
    /// All accounts of the organization. With none listed no account is taken for one outside.
    organization_accounts: BTreeSet<AccountId>,
    /// Roles, users and services that may change the policy.
    expected_automation: Automation,
}

impl Rule for DelegationPolicyChanged {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(report) = Report::unless_denied(event) else {
            return Findings::none();
        };
        if operations::is_passing(report.outcome()) || self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let report = report.link("settings", console::settings(event));
        if event.event_name().as_deref() == Some("DeleteResourcePolicy") {
            let title = format!("{} the organization's delegation policy", report.who("deleted", "delete"));
            let severity = report.severity(Severity::Medium);
            return report.finding("delegation policy", DELETED).title(title).severity(severity).into();
        }

        let delegation = event.request("/content").as_str().and_then(Delegation::read);
        let outside = delegation.as_ref().map(|delegation| self.outside(delegation)).unwrap_or_default();
        let (severity, grant) = match &delegation {
            None => (Severity::High, "whose text cannot be read".to_owned()),
            Some(delegation) => self.weigh(delegation, &outside, &unlisted(event, delegation)),
        };
        let title = format!("{} a delegation policy {grant}", report.who("put in place", "put in place"));
        let severity = report.severity(severity);
        report
            .finding("delegation policy", PUT)
            .title(title)
            .severity(severity)
            .detail("principals", delegation.as_ref().map(|delegation| first(&delegation.principals)))
            .detail("actions", delegation.as_ref().map(|delegation| first(&delegation.actions)))
            .detail("outside_accounts", first(&outside))
            .into()
    }
}

impl DelegationPolicyChanged {
    fn weigh(
        &self,
        delegation: &Delegation,
        outside: &BTreeSet<AccountId>,
        unlisted: &BTreeSet<AccountId>,
    ) -> (Severity, String) {
        let accounts = listed(&delegation.accounts);
        if delegation.everybody {
            return (Severity::Critical, "that grants something to everybody".to_owned());
        }
        if !outside.is_empty() {
            let accounts = listed(outside);
            return (Severity::Critical, format!("that grants something to {accounts}, outside the organization"));
        }
        if !unlisted.is_empty() {
            let accounts = listed(unlisted);
            return (
                Severity::High,
                format!("that grants something to {accounts}, which the table of accounts does not list"),
            );
        }
        if delegation.accounts.is_empty() && !delegation.strangers {
            return (Severity::Medium, "that grants nothing to anybody".to_owned());
        }
        let known = !delegation.strangers && delegation.accounts.is_subset(&self.settings.expected_accounts);
        match (known, delegation.writes) {
            (true, _) => (Severity::Low, format!("for {accounts}, which it is expected for")),
            (false, true) => (Severity::High, format!("that lets {accounts} change the organization")),
            (false, false) => (Severity::Medium, format!("that lets {accounts} read")),
        }
    }

    fn outside(&self, delegation: &Delegation) -> BTreeSet<AccountId> {
        let known = &self.settings.organization_accounts;
        if known.is_empty() {
            return BTreeSet::new();
        }
        delegation.accounts.difference(known).copied().collect()
    }
}

/// Returns the accounts that the operator's table does not list. A table that lacks the management account lists too little to go by.
fn unlisted(event: &Event, delegation: &Delegation) -> BTreeSet<AccountId> {
    let known = |account: &AccountId| names::known_account(event, *account).is_some();
    if !event.recipient_account_id().as_ref().is_some_and(known) {
        return BTreeSet::new();
    }
    delegation.accounts.iter().take(MOST).filter(|account| !known(account)).copied().collect()
}

/// Lists accounts for a title: the first three, and how many more there are.
fn listed(accounts: &BTreeSet<AccountId>) -> String {
    if accounts.is_empty() {
        return "somebody without an account".to_owned();
    }
    let names: Vec<String> = accounts.iter().take(3).map(ToString::to_string).collect();
    match accounts.len() - names.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// Returns as many as a reader can take in.
fn first<T: Ord + Clone>(all: &BTreeSet<T>) -> Vec<T> {
    all.iter().take(MOST).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/delegation_policy_changed");
    const WRITES: &str = include_str!("../../events/delegation_policy_changed/fires_put.json");
    const READS: &str = include_str!("../../events/delegation_policy_changed/fires_put_for_reading.json");
    const EVERYBODY: &str = include_str!("../../events/delegation_policy_changed/fires_put_for_everybody.json");
    const OMITTED: &str = include_str!("../../events/delegation_policy_changed/fires_text_omitted.json");
    const FAILED: &str = include_str!("../../events/delegation_policy_changed/fires_malformed.json");
    const DELETED: &str = include_str!("../../events/delegation_policy_changed/fires_deleted.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<DelegationPolicyChanged>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<DelegationPolicyChanged>("{}", EVENTS);
    }

    #[test]
    fn who_gets_what_decides_how_serious_it_is() {
        let anaya = "Identity Center user anaya@example.com as OrgAdmin of 111122223333";
        for (record, severity, title) in [
            (
                WRITES,
                Severity::High,
                format!("{anaya} put in place a delegation policy that lets 444455556666 change the organization"),
            ),
            (READS, Severity::Medium, format!("{anaya} put in place a delegation policy that lets 444455556666 read")),
            (
                EVERYBODY,
                Severity::Critical,
                "User carlos of 111122223333 put in place a delegation policy that grants something to everybody"
                    .to_owned(),
            ),
            (
                OMITTED,
                Severity::High,
                "User carlos of 111122223333 put in place a delegation policy whose text cannot be read".to_owned(),
            ),
            (
                FAILED,
                Severity::Medium,
                "User carlos of 111122223333 failed to put in place a delegation policy whose text cannot be read"
                    .to_owned(),
            ),
            (
                DELETED,
                Severity::Medium,
                "User carlos of 111122223333 deleted the organization's delegation policy".to_owned(),
            ),
        ] {
            let finding = judge("{}", record).expect(&title);
            assert_eq!(finding.get_title(), Some(title.as_str()));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
    }

    #[test]
    fn an_account_outside_the_organization_is_worse_and_an_expected_one_better() {
        let outside =
            r#"{"organization_accounts": ["111122223333", "777788889999"], "expected_accounts": ["444455556666"]}"#;
        let finding = judge(outside, READS).unwrap();
        assert_eq!(finding.get_severity(), Some(Severity::Critical));
        assert_eq!(finding.details()["outside_accounts"][0], "444455556666");
        let inside = r#"{"organization_accounts": ["444455556666"]}"#;
        assert_eq!(judge(inside, WRITES).unwrap().get_severity(), Some(Severity::High));
        let expected = r#"{"expected_accounts": ["444455556666"]}"#;
        assert_eq!(judge(expected, WRITES).unwrap().get_severity(), Some(Severity::Low));
        let two = WRITES.replace("arn:aws:iam::444455556666:root", "777788889999");
        assert_eq!(judge(expected, &two).unwrap().get_severity(), Some(Severity::High));
    }

    #[test]
    fn an_account_that_the_table_does_not_list_is_worse_if_the_table_can_be_relied_upon() {
        let judge = |listed: &[&str]| {
            let mut given = testing::given::<DelegationPolicyChanged>("{}");
            for account in listed {
                given = given.row("accounts", account, [("name", "example")]);
            }
            given.judge(READS).pop().unwrap().get_severity()
        };
        assert_eq!(judge(&["111122223333"]), Some(Severity::High));
        assert_eq!(judge(&["111122223333", "444455556666"]), Some(Severity::Medium));
        assert_eq!(judge(&["777788889999"]), Some(Severity::Medium));
    }

    #[test]
    fn no_way_of_writing_hides_a_grant() {
        for (from, to) in [
            (r#"\"Principal\""#, r#"\"PRINCIPAL\""#),
            (r#"\"Action\""#, r#"\"NotAction\""#),
            (r#"\"Statement\""#, r#"\"\\u0053tatement\""#),
            (r#"\"Effect\":\"Allow\""#, r#"\"effect\":\"allow\""#),
        ] {
            let record = WRITES.replace(from, to);
            assert_ne!(record, WRITES, "{from}");
            let finding = judge("{}", &record).unwrap();
            assert_eq!(finding.get_severity(), Some(Severity::High), "{to}");
            assert!(finding.get_title().unwrap().contains("444455556666"), "{to}");
        }
        let star = EVERYBODY.replace(r#"{\"AWS\":\"*\"}"#, r#"\"*\""#);
        assert_ne!(star, EVERYBODY);
        assert_eq!(judge("{}", &star).unwrap().get_severity(), Some(Severity::Critical));
    }

    #[test]
    fn expected_automation_is_quiet() {
        let expected = r#"{"expected_automation": ["arn:aws:iam::111122223333:user/carlos"]}"#;
        assert_eq!(judge(expected, EVERYBODY), None);
        assert!(judge(expected, WRITES).is_some());
    }
}
