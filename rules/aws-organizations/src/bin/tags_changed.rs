//! `org.tags-changed`: tags in the organization were changed, among them those that control access.

use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{console, names, operations};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports tags of accounts, organizational units, policies and the root that were set or removed.
    ///
    /// ## What it does
    ///
    /// Sees `TagResource` and `UntagResource` of AWS Organizations. A tag key that the setting `access_tags` lists, in any letter case, because IAM
    /// compares keys so, is high. Any other is informational while that setting lists something, and low while it lists nothing, because then
    /// the rule cannot tell which tags matter. A call that failed is one step lower. Expected automation is quiet.
    ///
    /// ## Why it matters
    ///
    /// Policies may grant by tag: `aws:ResourceTag/team`, or a service control policy that spares accounts tagged `exempt`. Where they do, whoever
    /// may write the tag may write the permission, and no policy changes that anybody could notice.
    ///
    /// ## What it misses
    ///
    /// * Calls that were denied: see `org.unauthorized-attempt`. Calls that AWS put off (throttling, concurrent changes): they are tried again.
    /// * Tags that are given when an account, a policy or an organizational unit is created, or with an invitation.
    /// * Which value a tag had before: the record has the new one only.
    ///
    /// ## What to do
    ///
    /// For a tag that controls access, find out which policies use it and what the resource may now do, or who may now use it. Set it back and ask the
    /// caller. Fill in `access_tags`, so that the rest does not disturb you.
    TagsChanged,
    id: "org.tags-changed",
    version: "1.0.0",
    title: "Tags in the organization were changed",
    severity: Low,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["TagResource", "UntagResource"] }],
    attack: ["T1484", "T1098"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_TagResource.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_tagging_abac.html",
    ],
    false_positives: ["Tags for costs and owners that are kept up by hand, until access_tags says which ones matter"],
}

const ADVICE: Advice = Advice {
    check_next: "Search the organization's policies, and the roles of the management account, for conditions on the tag's key: aws:ResourceTag/KEY, aws:PrincipalTag/KEY.",
    undo: "Set the tag back to its former value, or remove it: aws organizations tag-resource or untag-resource with the resource's id.",
};

/// The keys that a finding lists. A resource has 50 tags at most.
const SHOWN: usize = 50;

struct TagsChanged {
    settings: Settings,
    access_tags: BTreeSet<String>,
}

/// Settings of the rule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Keys of the tags by which policies grant or deny, in any letter case.
    access_tags: BTreeSet<String>,
    /// Roles, users and services that may change any tag.
    expected_automation: Automation,
}

impl Rule for TagsChanged {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        let access_tags: BTreeSet<String> = settings.access_tags.iter().map(|key| key.to_lowercase()).collect();
        if access_tags.contains("") {
            return Err("\"access_tags\" lists an empty key".into());
        }
        Ok(Self { settings, access_tags })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(report) = Report::unless_denied(event) else {
            return Findings::none();
        };
        if operations::is_passing(report.outcome()) || self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let keys = changed_keys(event);
        let access: Vec<String> = match &keys {
            Some(keys) => keys.iter().filter(|key| self.access_tags.contains(&key.to_lowercase())).cloned().collect(),
            None => Vec::new(),
        };
        let severity = match &keys {
            _ if !access.is_empty() => Severity::High,
            // Which tags they are cannot be read, so it may be one that matters.
            None if !self.access_tags.is_empty() => Severity::Medium,
            _ if self.access_tags.is_empty() => Severity::Low,
            _ => Severity::Informational,
        };
        let resource = event.request("/resourceId").as_str().map(plain);
        let account = resource.as_deref().and_then(|resource| resource.parse().ok());
        let removed = event.event_name().as_deref() == Some("UntagResource");
        let (did, do_it) = if removed { ("removed", "remove") } else { ("set", "set") };
        let what = match access.as_slice() {
            [] => format!("tags of {}", resource.as_deref().unwrap_or("a resource whose id cannot be read")),
            [key, more @ ..] => {
                let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
                let resource = resource.as_deref().unwrap_or("a resource whose id cannot be read");
                format!("the tag {}{more}, which controls access, of {resource}", plain(key))
            }
        };
        let page = resource
            .as_deref()
            .and_then(|id| console::organizational_unit(event, id).or_else(|| console::policy(event, id, None)));
        let report = report.account(account).link("resource", page);
        report
            .finding(resource.clone().unwrap_or_else(|| unreadable(event)), ADVICE)
            .title(format!("{} {what}", report.who(did, do_it)))
            .severity(report.severity(severity))
            .detail("resource", resource)
            .detail("tag_keys", keys.map(|keys| keys.iter().take(SHOWN).map(|key| plain(key)).collect::<Vec<_>>()))
            .detail("access_tags", access.iter().map(|key| plain(key)).collect::<Vec<_>>())
            .into()
    }
}

/// Returns the keys that the call sets or removes; nothing where the record does not say.
///
/// A list of one may be written without a list, and a tag with its names in capitals, as the API's own JSON has them.
fn changed_keys(event: &Event) -> Option<Vec<String>> {
    let text = |path: &str| event.request(path).into_string();
    let mut keys = Vec::new();
    let mut whole = true;
    for list in ["/tags", "/Tags"] {
        let read = |at: &str| text(&format!("{at}/key")).or_else(|| text(&format!("{at}/Key")));
        match event.request(list) {
            Value::Array(length) => {
                let found = (0..length).map(|index| read(&format!("{list}/{index}")));
                for key in found {
                    whole &= key.is_some();
                    keys.extend(key);
                }
            }
            Value::Object(_) => {
                let key = read(list);
                whole &= key.is_some();
                keys.extend(key);
            }
            _ => {}
        }
    }
    for list in ["/tagKeys", "/TagKeys"] {
        match event.request(list) {
            Value::Array(length) => keys.extend((0..length).filter_map(|index| text(&format!("{list}/{index}")))),
            Value::String(key) => keys.push(key),
            _ => {}
        }
    }
    (whole && !keys.is_empty()).then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/tags_changed");
    const SET: &str = include_str!("../../events/tags_changed/fires_set.json");
    const REMOVED: &str = include_str!("../../events/tags_changed/fires_removed.json");
    const FAILED: &str = include_str!("../../events/tags_changed/fires_failed.json");
    const BARE: &str = include_str!("../../events/tags_changed/fires_without_parameters.json");
    const ACCESS: &str = r#"{"access_tags": ["Exempt"]}"#;

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<TagsChanged>(settings, record).unwrap().pop()
    }

    fn severity(settings: &str, record: &str) -> Severity {
        judge(settings, record).unwrap().get_severity().unwrap()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<TagsChanged>("{}", EVENTS);
    }

    #[test]
    fn a_tag_that_controls_access_matters_and_others_hardly() {
        assert_eq!(severity(ACCESS, SET), Severity::High);
        assert_eq!(severity(ACCESS, REMOVED), Severity::High);
        assert_eq!(severity(ACCESS, FAILED), Severity::Medium);
        assert_eq!(severity(r#"{"access_tags": ["team"]}"#, SET), Severity::Informational);
        assert_eq!(severity("{}", SET), Severity::Low);
        assert_eq!(severity(ACCESS, BARE), Severity::Medium);
        assert_eq!(
            judge(ACCESS, SET).unwrap().get_title(),
            Some(
                "Role deploy of 111122223333 (session build-7) set the tag exempt, which controls access, of 444455556666"
            )
        );
        assert_eq!(
            judge("{}", REMOVED).unwrap().get_title(),
            Some("User carlos of 111122223333 removed tags of ou-ab12-cdef3456")
        );
    }

    #[test]
    fn no_letter_case_and_no_list_of_one_hides_a_tag() {
        for (from, to) in [
            ("\"exempt\"", "\"EXEMPT\""),
            ("\"key\"", "\"Key\""),
            ("\"tags\"", "\"Tags\""),
            ("\"exempt\"", "\"\\u0065xempt\""),
        ] {
            let record = SET.replace(from, to);
            assert_ne!(record, SET);
            assert_eq!(severity(ACCESS, &record), Severity::High, "{to}");
        }
        let single = r#"{"eventName":"TagResource","requestParameters":{"resourceId":"p-a1b2c3d4","tags":{"key":"exempt","value":""}}}"#;
        assert_eq!(severity(ACCESS, single), Severity::High);
        let single = r#"{"eventName":"UntagResource","requestParameters":{"resourceId":"r-ab12","tagKeys":"exempt"}}"#;
        assert_eq!(severity(ACCESS, single), Severity::High);
    }

    #[test]
    fn an_access_tag_among_fifty_others_is_found() {
        let others: Vec<String> = (0..50).map(|number| format!(r#"{{"key":"k{number}","value":"v"}}"#)).collect();
        let record = format!(
            r#"{{"eventName":"TagResource","requestParameters":{{"resourceId":"444455556666","tags":[{},{{"key":"exempt","value":"true"}}]}}}}"#,
            others.join(",")
        );
        assert_eq!(severity(ACCESS, &record), Severity::High);
    }

    #[test]
    fn expected_automation_is_its_role_and_not_its_sessions_name() {
        let expected = r#"{"expected_automation": ["arn:aws:iam::111122223333:role/deploy"]}"#;
        assert_eq!(judge(expected, SET), None);
        assert!(judge(expected, &SET.replace("role/deploy\"", "role/other\"").replace("build-7", "deploy")).is_some());
    }

    #[test]
    fn an_empty_key_is_refused() {
        assert!(testing::evaluate::<TagsChanged>(r#"{"access_tags": [""]}"#, SET).is_err());
    }
}
