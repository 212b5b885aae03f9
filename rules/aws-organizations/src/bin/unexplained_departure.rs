//! `org.unexplained-departure`: an account departed, and nothing that was seen before explains it.

use std::time::Duration;

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_sdk::event::organizations::{DepartureMethod, EVENT_SOURCE};
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account that departed from the organization without the call that such a departure needs.
    ///
    /// ## What it does
    ///
    /// A departure that AWS reports (`AccountDepartedOrganization`) has a call before it: *Removed* a `RemoveAccountFromOrganization`, *Left* a
    /// `LeaveOrganization` or an `AcceptHandshake` of the account itself, or the end of the whole organization, *Cleaned* a `CloseAccount` some 90
    /// days before. Where none was seen, this rule says so, some minutes later, since the call's record may arrive after the departure's.
    /// *Cleaned* is judged only where the history goes back 100 days.
    ///
    /// ## Why it matters
    ///
    /// A call that should be in the trail and is not means that the trail has a hole: somebody stopped it, narrowed it or deleted files, or it never
    /// covered the account. Whatever else was done in that hole is not known either.
    ///
    /// ## What it misses
    ///
    /// * *Left*, where the trail covers the management account only: the call is recorded in the account that leaves. Set `member_trails = false` then.
    /// * Departures that are explained and still nobody's wish: see `org.account-departed`.
    ///
    /// ## What to do
    ///
    /// Check the organization trail for gaps around the time (`aws cloudtrail validate-logs`), and the account's own event history, which
    /// goes back 90 days. Then treat the departure as `org.account-departed` says.
    UnexplainedDeparture,
    id: "org.unexplained-departure",
    version: "1.0.0",
    title: "An unexplained departure of an account from the organization",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    state_version: 1,
    matches: [{
        "eventSource": [EVENT_SOURCE],
        "eventName": [
            "AccountDepartedOrganization", "RemoveAccountFromOrganization", "LeaveOrganization", "AcceptHandshake", "CloseAccount",
            "CloseAccountResult", "DeleteOrganization",
        ],
    }],
    attack: ["T1562.008", "T1666"],
    references: ["https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html"],
    false_positives: ["A trail that does not cover the account that left, until member_trails is set to false"],
}

const ADVICE: Advice = Advice {
    check_next: "Look for a hole in the organization trail around the departure, and for who stopped or narrowed it.",
    undo: "",
};

const REMOVED: &str = "removed";
const LEFT: &str = "left";
const CLOSED: &str = "closed";
/// That anything was noted at all: how far back anything is known.
const HISTORY: &str = "history";

const DAY: Duration = Duration::from_hours(24);

/// How long before a departure its call may be. Seconds as a rule; the records of the two may come from two accounts.
const CALL: Duration = DAY;

/// How long before the cleaning an account was closed: 90 days, and what the service takes for it.
const CLOSING: Duration = Duration::from_hours(24 * 120);

/// How far back the history has to go before a missing closing means anything.
const KNOWN: Duration = Duration::from_hours(24 * 100);

struct UnexplainedDeparture {
    settings: Settings,
}

/// Settings of the rule.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// False where records of member accounts do not come here: an account that left by itself needs no explanation then.
    member_trails: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { member_trails: true }
    }
}

impl Rule for UnexplainedDeparture {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn keep(&self) -> Duration {
        CLOSING
    }

    fn note(&self, event: &Event) -> Vec<Note> {
        let mut notes = vec![Note::new(HISTORY, "")];
        let target = || event.account("/requestParameters/accountId");
        let own = || event.account("/recipientAccountId").or_else(|| event.account("/userIdentity/accountId"));
        let explains = match event.event_name().as_deref() {
            _ if !event.outcome().is_success() => None,
            Some("RemoveAccountFromOrganization") => target().map(|account| (REMOVED, account)),
            Some("CloseAccount") => target().map(|account| (CLOSED, account)),
            Some("CloseAccountResult") => {
                event.account("/serviceEventDetails/closeAccountStatus/accountId").map(|account| (CLOSED, account))
            }
            Some("LeaveOrganization" | "AcceptHandshake" | "DeleteOrganization") => {
                own().map(|account| (LEFT, account))
            }
            _ => None,
        };
        notes.extend(explains.map(|(series, account)| Note::new(series, account.to_string())));
        notes
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(departure) = event.account_departed() else {
            return Findings::none();
        };
        let member = departure.member();
        let key = member.map(|member| member.to_string()).unwrap_or_default();
        let seen = |series: &str, within| event.notes(series, &key).within(within).count(1).actions > 0;
        let (explained, call) = match departure.method() {
            // An account that cannot be named cannot be looked for, and org.account-departed reports it.
            _ if member.is_none() => return Findings::none(),
            Some(DepartureMethod::Removed) => (seen(REMOVED, CALL), "RemoveAccountFromOrganization"),
            Some(DepartureMethod::Left) => {
                (!self.settings.member_trails || seen(LEFT, CALL), "LeaveOrganization or AcceptHandshake")
            }
            Some(DepartureMethod::Cleaned) => (seen(CLOSED, CLOSING) || !knows_enough(event), "CloseAccount"),
            None => {
                (seen(REMOVED, CALL) || seen(LEFT, CALL) || seen(CLOSED, CLOSING), "call that takes an account out")
            }
        };
        if explained {
            return Findings::none();
        }
        let name = names::account(event, member);
        let title = format!("{}{} departed, and no {call} was seen before", name[..1].to_uppercase(), &name[1..]);
        let key = if key.is_empty() { unreadable(event) } else { key };
        Report::of(event)
            .account(member)
            .finding(key, ADVICE)
            .title(title)
            .when_settled()
            .detail("member_account", member)
            .detail("method", departure.method_word())
            .detail("looked_for", call)
            .into()
    }
}

/// Tells whether the history goes back far enough for a closing to be in it.
fn knows_enough(event: &Event) -> bool {
    let earliest = event.notes(HISTORY, "").earliest(1);
    let since = earliest.first().and_then(|note| note.time.parse::<Timestamp>().ok());
    let known = since.zip(event.event_time()).map(|(since, now)| now.epoch_milliseconds() - since.epoch_milliseconds());
    known.is_some_and(|known| u128::try_from(known).is_ok_and(|known| known >= KNOWN.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/unexplained_departure");
    const DEPARTED: &str = include_str!("../../events/account_departed/fires_left.json");
    const REMOVE: &str = include_str!("../../events/account_removed/fires_removed.json");

    fn at(record: &str, time: &str) -> String {
        let mut record: serde_json::Value = serde_json::from_str(record).unwrap();
        record["eventTime"] = time.into();
        record.to_string()
    }

    fn departed(method: &str) -> String {
        at(&DEPARTED.replace("LEFT", method), "2026-11-01T10:04:23Z")
    }

    fn call(name: &str, time: &str) -> String {
        at(&REMOVE.replace("RemoveAccountFromOrganization", name), time)
    }

    fn own_call(name: &str) -> String {
        call(name, "2026-11-01T10:04:22Z")
            .replace("\"recipientAccountId\":\"111122223333\"", "\"recipientAccountId\":\"444455556666\"")
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<UnexplainedDeparture>("{}", EVENTS);
    }

    #[test]
    fn each_way_to_depart_is_explained_by_its_own_call() {
        for (method, explained, otherwise) in [
            ("REMOVED", call("RemoveAccountFromOrganization", "2026-11-01T10:04:22Z"), own_call("LeaveOrganization")),
            ("LEFT", own_call("LeaveOrganization"), call("RemoveAccountFromOrganization", "2026-11-01T10:04:22Z")),
            ("LEFT", own_call("AcceptHandshake"), call("AcceptHandshake", "2026-11-01T10:04:22Z")),
        ] {
            let judged =
                |record: &str| testing::given::<UnexplainedDeparture>("{}").earlier(record).judge(departed(method));
            assert_eq!(judged(&explained), [], "{method}");
            let finding = judged(&otherwise).remove(0);
            assert!(finding.waits(), "the call's record may still be on its way");
        }
    }

    #[test]
    fn a_call_that_was_denied_explains_nothing() {
        let denied = call("RemoveAccountFromOrganization", "2026-11-01T10:04:22Z")
            .replace("\"eventName\"", "\"errorCode\":\"AccessDeniedException\",\"eventName\"");
        assert_eq!(testing::given::<UnexplainedDeparture>("{}").earlier(&denied).judge(departed("REMOVED")).len(), 1);
    }

    #[test]
    fn cleaning_is_judged_where_the_history_goes_back_far_enough() {
        let given = |name: &str, time: &str| testing::given::<UnexplainedDeparture>("{}").earlier(call(name, time));
        assert_eq!(given("CreateAccount", "2026-07-20T10:00:00Z").judge(departed("CLEANED")).len(), 1);
        assert_eq!(given("CreateAccount", "2026-09-01T10:00:00Z").judge(departed("CLEANED")), []);
        let closed =
            given("CreateAccount", "2026-07-20T10:00:00Z").earlier(call("CloseAccount", "2026-08-02T10:00:00Z"));
        assert_eq!(closed.judge(departed("CLEANED")), []);
    }

    #[test]
    fn an_account_that_left_needs_no_explanation_where_member_trails_do_not_come_here() {
        assert_eq!(testing::given::<UnexplainedDeparture>("{}").judge(departed("LEFT")).len(), 1);
        assert_eq!(testing::given::<UnexplainedDeparture>(r#"{"member_trails": false}"#).judge(departed("LEFT")), []);
    }
}
