//! `org.unit-changed`: an organizational unit was created, renamed or deleted.

use orgwatch_rules_aws_organizations::ids::UnitId;
use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{console, names, operations};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an organizational unit that was created, renamed or deleted.
    ///
    /// ## What it does
    ///
    /// Sees `CreateOrganizationalUnit` (informational), `UpdateOrganizationalUnit`, which gives a new name (low), and `DeleteOrganizationalUnit` (medium)
    /// that succeeded. To rename or delete one that the settings list as guarded is high, whoever does it. A root user makes each one step worse.
    ///
    /// ## Why it matters
    ///
    /// People and programs find their way by the names of organizational units. One that is renamed misleads both; a new one without policies beside the
    /// real one is a place where accounts can be moved to; a deleted one takes its place in the tree, and what was attached to it, with it.
    ///
    /// ## What it misses
    ///
    /// * The old name: the record has only the new one.
    /// * Where the accounts went that were in a deleted unit: AWS deletes only an empty one. See `org.account-moved`.
    /// * Calls that were denied: see `org.unauthorized-attempt`.
    ///
    /// ## What to do
    ///
    /// Ask whether the change was planned. After a deletion look for the accounts that were moved out before, and for the policies that were attached:
    /// a new unit has another id and none of them.
    UnitChanged,
    id: "org.unit-changed",
    version: "1.0.0",
    title: "An organizational unit was changed: created, renamed or deleted",
    severity: Low,
    status: Test,
    tables: (names::TABLES),
    matches: [{
        "eventSource": [event::organizations::EVENT_SOURCE],
        "eventName": ["CreateOrganizationalUnit", "DeleteOrganizationalUnit", "UpdateOrganizationalUnit"]
    }],
    attack: ["T1666"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeleteOrganizationalUnit.html",
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_UpdateOrganizationalUnit.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_ous.html",
    ],
    false_positives: ["A planned reorganization", "Infrastructure as code, until expected_automation lists its role"],
}

const ADVICE: Advice = Advice {
    check_next: "Which accounts were moved out of the unit or into it, and which policies are attached to it.",
    undo: "Give the old name back, or create the unit again, attach its policies and move its accounts: a new one has another id.",
};

struct UnitChanged {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles and users by their ARNs, and services by their names, that change organizational units; guarded ones nobody is expected to.
    expected_automation: Automation,
    /// Organizational units that are neither renamed nor deleted in daily work.
    guarded_units: BTreeSet<UnitId>,
}

impl Rule for UnitChanged {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let (severity, did, do_it) = match operations::called(event).as_deref() {
            Some("CreateOrganizationalUnit") => (Severity::Informational, "created", "create"),
            Some("UpdateOrganizationalUnit") => (Severity::Low, "renamed", "rename"),
            Some("DeleteOrganizationalUnit") => (Severity::Medium, "deleted", "delete"),
            _ => return Findings::none(),
        };
        let Some(report) = Report::if_succeeded(event) else {
            return Findings::none();
        };
        let response = |field: &str| event.response(&format!("/organizationalUnit/{field}")).into_string();
        let request = |field: &str| event.request(&format!("/{field}")).into_string();
        let id = request("organizationalUnitId").or_else(|| response("id"));
        let name = response("name").or_else(|| request("name")).map(|name| plain(&name));
        let guarded = &self.settings.guarded_units;
        // A new unit cannot be guarded yet; an old one that the record does not name may be.
        let guarded =
            severity > Severity::Informational && id.as_deref().map_or(!guarded.is_empty(), |id| guarded.contains(id));
        if !guarded && self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let id = id.map(|id| plain(&id));
        let unit = match (&id, &name) {
            (Some(id), Some(name)) if did == "renamed" => format!("{id}: its name is {name} now"),
            (Some(id), Some(name)) => format!("{id} ({name})"),
            (Some(id), None) => id.clone(),
            (None, _) => "that the record does not name".to_owned(),
        };
        let what = if guarded { "guarded organizational unit" } else { "organizational unit" };
        let title = format!("{} {what} {unit}", report.who(did, do_it));
        let severity = report.raised_for_root(if guarded { Severity::High } else { severity });
        let page = id.as_deref().and_then(|id| console::organizational_unit(event, id));
        let report = report.link("organizational_unit", page);
        let finding =
            report.finding(id.clone().unwrap_or_else(|| unreadable(event)), ADVICE).title(title).severity(severity);
        finding
            .detail("organizational_unit", id)
            .detail("name", name)
            .detail("parent", request("parentId").map(|parent| plain(&parent)))
            .detail("guarded", guarded)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/unit_changed");
    const CREATED: &str = include_str!("../../events/unit_changed/fires_created.json");
    const RENAMED: &str = include_str!("../../events/unit_changed/fires_renamed.json");
    const DELETED: &str = include_str!("../../events/unit_changed/fires_deleted.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<UnitChanged>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<UnitChanged>("{}", EVENTS);
    }

    #[test]
    fn each_change_has_its_words_and_its_severity() {
        for (record, severity, end) in [
            (CREATED, Severity::Informational, "created organizational unit ou-ab12-cdef3456 (Workloads)"),
            (RENAMED, Severity::Low, "renamed organizational unit ou-ab12-cdef3456: its name is Quarantine now"),
            (DELETED, Severity::Medium, "deleted organizational unit ou-ab12-cdef3456"),
        ] {
            let finding = judge("{}", record).expect(end);
            let title = finding.get_title().unwrap();
            assert!(title.ends_with(end), "{title}");
            assert_eq!((finding.get_severity(), finding.key()), (Some(severity), "ou-ab12-cdef3456"));
            assert_eq!(judge(r#"{"expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#, record), None);
        }
    }

    #[test]
    fn a_guarded_unit_is_changed_by_nobody() {
        let settings = r#"{"guarded_units": ["ou-ab12-cdef3456"], "expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#;
        for record in [RENAMED, DELETED] {
            assert_eq!(judge(settings, record).unwrap().get_severity(), Some(Severity::High));
            let unnamed = record.replace("organizationalUnitId", "x").replace("\"id\"", "\"y\"");
            assert_eq!(
                judge(settings, &unnamed).unwrap().get_severity(),
                Some(Severity::High),
                "it may be the guarded one"
            );
        }
    }
}
