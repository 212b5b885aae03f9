//! `pattern`: a rule out of settings, without a compiler.

use std::time::Duration;

use orgwatch_rules_generic::choice::{Choice, Texts};
use orgwatch_rules_generic::title::{Title, check_pointer, shown};
use orgwatch_rules_sdk::json::escape_pointer_token;
use orgwatch_rules_sdk::prelude::*;
use orgwatch_rules_sdk::serde_json::{self, Value as Json, json};

rule! {
    /// Reports every record that the patterns in its settings choose: those of EventBridge, or those of CloudWatch's metric filters.
    ///
    /// ## What it does
    ///
    /// Makes a rule of a few lines of configuration. The patterns are those of EventBridge, written over the CloudTrail record itself, without
    /// the envelope's `detail`:
    ///
    /// ```toml
    /// [rule."team.trail-stopped"]
    /// use = "pattern"
    /// severity = "high"
    ///
    /// [rule."team.trail-stopped".settings]
    /// title = "Trail {/requestParameters/name} was stopped in {recipientAccountId}"
    /// patterns = [{ eventSource = ["cloudtrail.amazonaws.com"], eventName = ["StopLogging", "DeleteTrail"] }]
    /// key = ["/recipientAccountId", "/requestParameters/name"]
    /// details = ["/userIdentity/arn", "/sourceIPAddress"]
    /// ```
    ///
    /// A metric filter that counts CloudTrail records in CloudWatch becomes a rule as it stands, one finding for each record that it counts:
    ///
    /// ```toml
    /// [rule."team.console-sign-in"]
    /// use = "pattern"
    ///
    /// [rule."team.console-sign-in".settings]
    /// title = "{/userIdentity/arn} signed in to the console without MFA"
    /// metric_filter = '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }'
    /// ```
    ///
    /// With `count`, one record is no finding, but so many of them with one key within `minutes` are, as an alarm over a metric would have it.
    /// With `distinct`, different values of a field are counted instead of actions:
    ///
    /// ```toml
    /// [rule."team.password-guessing"]
    /// use = "pattern"
    ///
    /// [rule."team.password-guessing".settings]
    /// title = "Many failed sign-ins from {sourceIPAddress}"
    /// metric_filter = '{ ($.eventName = "ConsoleLogin") && ($.errorMessage = "Failed authentication") }'
    /// key = ["/sourceIPAddress"]
    /// count = 5
    /// minutes = 10
    /// ```
    ///
    /// There is one finding for each key and stretch of `minutes`, made by the record that is one too many, and brought up to date when the stretch
    /// is over. Copies of one action count once.
    ///
    /// Such a filter judges a field that is missing as CloudWatch does: `!=` is false for it, as every comparison is. Patterns for text that is
    /// not JSON are refused.
    ///
    /// ## Why it matters
    ///
    /// At three in the morning a new rule should need a text editor and nothing else.
    ///
    /// ## What it misses
    ///
    /// Whatever a pattern cannot say: comparing two fields, looking at the outcome of another call. Failed calls match too, unless the pattern
    /// asks for `"errorCode": [{ "exists": false }]`, or the filter for `$.errorCode NOT EXISTS`.
    ///
    /// ## What to do
    ///
    /// What the settings' own description says; the finding carries it.
    Pattern,
    id: "pattern",
    version: "1.2.0",
    title: "A record matched a pattern",
    severity: Medium,
    status: Test,
    matches: [],
    generic: true,
    state_version: 1,
    references: [
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html",
    ],
}

struct Pattern {
    choice: Choice,
    title: Title,
    severity: Option<Severity>,
    description: Option<String>,
    references: Vec<String>,
    key: Vec<String>,
    details: Vec<String>,
    count: Option<Count>,
}

/// How many records make a finding.
struct Count {
    many: u64,
    within: Duration,
    distinct: Option<String>,
}

/// Settings of the rule. `title` is required, and either `patterns` or `metric_filter`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["title"], "oneOf" = [{ "required": ["patterns"] }, { "required": ["metric_filter"] }]))]
struct Settings {
    /// EventBridge event patterns over the CloudTrail record, each an object or its JSON text in a string. A record that one of them
    /// matches is a finding.
    #[schemars(extend("items" = { "type": ["object", "string"] }))]
    patterns: Vec<Json>,
    /// Instead of `patterns`, the pattern of a CloudWatch metric filter for JSON, as in `{ $.eventName = "StopLogging" }`, or a list of them. A
    /// record that one of them matches is a finding.
    metric_filter: Texts,
    /// What happened, in a few words. `{eventName}` stands for a field at the top of the record, `{/userIdentity/arn}` for one by its JSON
    /// Pointer, `{{` for a brace. A field that is not there, or is no text, number or boolean, is shown as `-`.
    title: String,
    /// The severity of the findings; otherwise the rule's own, medium.
    severity: Option<Severity>,
    /// What a finding means and what to do; goes into its details as `description`.
    description: Option<String>,
    /// Controls and addresses of documents; go into its details as `references`.
    references: Vec<String>,
    /// JSON Pointers of the values that the findings are grouped by.
    #[serde(default = "default_key")]
    key: Vec<String>,
    /// JSON Pointers of values to copy into the details, each under its pointer. One that is not there is `null`; more than 4,096 bytes of
    /// JSON are cut off.
    details: Vec<String>,
    /// How many such records with one key make a finding, from 2 to 10,000; otherwise each is one.
    count: Option<u64>,
    /// Within how many minutes, where there is a `count`: 60 by default, 31 days at most.
    minutes: Option<u64>,
    /// JSON Pointer of a value, where there is a `count`: different values of it are counted instead of actions.
    distinct: Option<String>,
}

fn default_key() -> Vec<String> {
    vec!["/recipientAccountId".to_owned(), "/eventName".to_owned()]
}

/// What one value of a record may add to the details, in bytes: whoever makes a call may fill a field with 100 KB, and a finding that is too
/// large would be lost.
const LARGEST_DETAIL: usize = 4096;

impl Rule for Pattern {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        let choice = Choice::of(settings.patterns, &settings.metric_filter)?;
        if settings.title.trim().is_empty() {
            return Err("`title` is missing: say in a few words what a finding of this rule means".into());
        }
        for (name, pointers) in [("key", &settings.key), ("details", &settings.details)] {
            for pointer in pointers {
                check_pointer(pointer).map_err(|fault| format!("`{name}`: {fault}"))?;
            }
        }
        Ok(Self {
            choice,
            count: count(settings.count, settings.minutes, settings.distinct)?,
            title: Title::parse(&settings.title).map_err(|fault| format!("`title`: {fault}"))?,
            severity: settings.severity,
            description: settings.description,
            references: settings.references,
            key: settings.key,
            details: settings.details,
        })
    }

    fn matches(&self) -> Option<Matches> {
        Some(self.choice.asked())
    }

    fn keep(&self) -> Duration {
        self.count.as_ref().map(|count| count.within).unwrap_or_default()
    }

    fn note(&self, event: &Event) -> Vec<Note> {
        let Some(count) = self.count.as_ref().filter(|_| self.choice.chooses(event)) else {
            return Vec::new();
        };
        let value = count.distinct.as_ref().map(|pointer| shown(event, pointer));
        vec![Note::new(MATCHED, self.key(event)).value(value)]
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if !self.choice.chooses(event) {
            return Findings::none();
        }
        let key = self.key(event);
        let mut finding = Finding::new(&key).title(self.title.of(event));
        if let Some(count) = &self.count {
            let tally = event.notes(MATCHED, &key).within(count.within).count(MOST_COUNTED);
            let many = if count.distinct.is_some() { tally.values } else { tally.actions };
            if many < count.many {
                return Findings::none();
            }
            finding = finding.once_per(count.within).detail("count", many);
        }
        if let Some(severity) = self.severity {
            finding = finding.severity(severity);
        }
        if let Some(description) = &self.description {
            finding = finding.detail("description", description);
        }
        if !self.references.is_empty() {
            finding = finding.detail("references", &self.references);
        }
        for pointer in &self.details {
            finding = finding.detail(pointer, copied(event, pointer));
        }
        finding.into()
    }
}

/// The series of records that a pattern chose, under the key of their finding.
const MATCHED: &str = "matched";

/// What is counted to at most: as far as the host counts.
const MOST_COUNTED: u64 = 10_000;

/// The longest time to count over, in minutes.
const LONGEST: u64 = 31 * 24 * 60;

fn count(count: Option<u64>, minutes: Option<u64>, distinct: Option<String>) -> Result<Option<Count>, String> {
    let Some(count) = count else {
        return match (minutes, distinct) {
            (None, None) => Ok(None),
            _ => Err("`minutes` and `distinct` say how to count, and there is no `count`".to_owned()),
        };
    };
    if !(2..=MOST_COUNTED).contains(&count) {
        return Err(format!("`count` is not between 2 and {MOST_COUNTED}: without it each record is a finding"));
    }
    let minutes = minutes.unwrap_or(60);
    if !(1..=LONGEST).contains(&minutes) {
        return Err(format!("`minutes` is not between 1 and {LONGEST}, which is 31 days"));
    }
    if let Some(pointer) = &distinct {
        check_pointer(pointer).map_err(|fault| format!("`distinct`: {fault}"))?;
    }
    Ok(Some(Count { many: count, within: Duration::from_mins(minutes), distinct }))
}

impl Pattern {
    /// Returns the key of a record's finding. Escaped, so that two values and one value with a slash in it never make the same.
    fn key(&self, event: &Event) -> String {
        let values = self.key.iter().map(|pointer| escape_pointer_token(&shown(event, pointer)).into_owned());
        values.collect::<Vec<_>>().join("/")
    }
}

/// Returns a value for the details, with everything inside it.
fn copied(event: &Event, pointer: &str) -> Json {
    let Some(text) = event.json(pointer) else {
        return Json::Null;
    };
    if text.len() > LARGEST_DETAIL {
        return json!(format!("{}…", &text[..text.floor_char_boundary(LARGEST_DETAIL)]));
    }
    // A number that does not fit is kept as the text that it is.
    serde_json::from_str(&text).unwrap_or(Json::String(text))
}

#[cfg(test)]
mod tests {
    use orgwatch_rules_generic::title::LONGEST_TEXT;

    use super::*;

    const STOPPED: &str = include_str!("../../events/pattern/fires_trail_stopped.json");
    const DELETED: &str = include_str!("../../events/pattern/fires_trail_deleted_by_service.json");

    const SETTINGS: &str = r#"{
        "patterns": [{"eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLogging", "DeleteTrail"]}],
        "title": "{eventName} of {/requestParameters/name} in {recipientAccountId} by {/userIdentity/arn}"
    }"#;

    fn load(settings: &str) -> Result<Pattern, String> {
        let settings = serde_json::from_str(settings).map_err(|error| error.to_string())?;
        Pattern::load(settings).map_err(|refusal| refusal.to_string())
    }

    fn refusal(settings: &str) -> String {
        load(settings).err().unwrap_or_else(|| panic!("{settings} was not refused"))
    }

    fn with(more: &str) -> String {
        format!(r#"{{"patterns": [{{"eventName": ["StopLogging"]}}], {more}}}"#)
    }

    fn finding(settings: &str, record: &str) -> Finding {
        testing::evaluate::<Pattern>(settings, record).unwrap().remove(0)
    }

    #[test]
    fn the_title_is_filled_in_from_the_record() {
        let stopped = finding(SETTINGS, STOPPED);
        assert_eq!(
            stopped.get_title(),
            Some(
                "StopLogging of organization-trail in 111122223333 by arn:aws:sts::111122223333:assumed-role/OrgAdmin/anaya"
            )
        );
        assert_eq!(stopped.key(), "111122223333/StopLogging");
        assert_eq!(stopped.get_severity(), None);
        let deleted = finding(SETTINGS, DELETED);
        assert_eq!(deleted.get_title(), Some("DeleteTrail of - in 111122223333 by -"));
    }

    #[test]
    fn severity_description_references_key_and_details_come_from_the_settings() {
        let settings = with(
            r#""title": "{{not a field}}", "severity": "critical", "description": "Call Anaya.", "references": ["CIS 4.5"],
               "key": ["/requestParameters/name", "/nothing", "/sourceIPAddress"], "details": ["/requestParameters", "/readOnly", "/nothing"]"#,
        );
        let finding = finding(&settings, STOPPED);
        assert_eq!(finding.get_title(), Some("{not a field}"));
        assert_eq!(finding.get_severity(), Some(Severity::Critical));
        assert_eq!(finding.key(), "organization-trail/-/192.0.2.44");
        assert_eq!(finding.details()["description"], "Call Anaya.");
        assert_eq!(finding.details()["references"], json!(["CIS 4.5"]));
        assert_eq!(finding.details()["/requestParameters"], json!({ "name": "organization-trail" }));
        assert_eq!(finding.details()["/readOnly"], false);
        assert!(finding.details()["/nothing"].is_null());
    }

    #[test]
    fn with_a_count_so_many_records_of_one_key_are_one_finding() {
        let at = |second: u32, trail: &str| {
            let mut record: Json = serde_json::from_str(STOPPED).unwrap();
            record["eventTime"] = format!("2026-11-01T10:00:{second:02}Z").into();
            record["eventID"] = format!("{second}").into();
            record["requestParameters"]["name"] = trail.into();
            record.to_string()
        };
        let given = |more: &str| {
            let settings = with(&format!(r#""title": "t", "count": 3, {more} "minutes": 5"#));
            testing::given::<Pattern>(&settings).earlier(at(1, "a")).earlier(at(2, "a"))
        };
        assert_eq!(testing::given::<Pattern>(&with(r#""title": "t", "count": 3"#)).judge(at(1, "a")), []);
        let finding = given("").judge(at(3, "a")).remove(0);
        assert_eq!((finding.details()["count"].as_u64(), finding.period()), (Some(3), Some(300)));
        assert_eq!(given("").judge(at(2, "a")), [], "a copy counts once");
        assert_eq!(
            given(r#""key": ["/requestParameters/name"],"#).judge(at(3, "b")),
            [],
            "another key is counted apart"
        );
        let distinct = given(r#""distinct": "/requestParameters/name","#).earlier(at(3, "b"));
        assert_eq!(distinct.judge(at(4, "b")), []);
        assert_eq!(distinct.judge(at(4, "c")).remove(0).details()["count"], 3);
    }

    #[test]
    fn a_pattern_may_be_the_text_of_one() {
        let rule = load(r#"{"title": "t", "patterns": ["{\"eventName\": [\"StopLogging\"]}"]}"#).unwrap();
        assert_eq!(rule.matches(), Some(Matches::Patterns(vec![json!({ "eventName": ["StopLogging"] })])));
    }

    #[test]
    fn a_metric_filter_chooses_what_it_matches_and_asks_for_no_less() {
        let one = r#"{"title": "t", "metric_filter": "{ $.eventName = StopLogging && $.errorCode NOT EXISTS }"}"#;
        assert_eq!(
            load(one).unwrap().matches(),
            Some(Matches::Patterns(vec![json!({ "eventName": ["StopLogging"] })]))
        );
        assert_eq!(testing::evaluate::<Pattern>(one, STOPPED).unwrap().len(), 1);
        let failed = STOPPED.replacen('{', r#"{"errorCode": "AccessDenied","#, 1);
        assert!(testing::evaluate::<Pattern>(one, &failed).unwrap().is_empty());

        let two =
            r#"{"title": "t", "metric_filter": ["{ $.eventName = StopLogging }", "{ $.eventName = \"Delete*\" }"]}"#;
        let asked = vec![json!({ "eventName": ["StopLogging"] }), json!({ "eventName": [{ "wildcard": "Delete*" }] })];
        assert_eq!(load(two).unwrap().matches(), Some(Matches::Patterns(asked)));
        for record in [STOPPED, DELETED] {
            assert_eq!(testing::evaluate::<Pattern>(two, record).unwrap().len(), 1);
        }

        let everything = r#"{"title": "t", "metric_filter": ["{ $.eventName = A }", "{ $.errorCode NOT EXISTS }"]}"#;
        assert_eq!(load(everything).unwrap().matches(), Some(Matches::Everything));
    }

    #[test]
    fn settings_that_make_no_rule_are_refused_with_a_reason() {
        for (settings, reason) in [
            ("{}".to_owned(), "`patterns` and `metric_filter` are missing"),
            (r#"{"title": "t", "patterns": []}"#.to_owned(), "`patterns` and `metric_filter` are missing"),
            (with(r#""title": "t", "metric_filter": "{ $.a = b }""#), "both given"),
            (r#"{"title": "t", "metric_filter": 5}"#.to_owned(), "expected a string or a list of strings"),
            (
                r#"{"title": "t", "metric_filter": "ERROR"}"#.to_owned(),
                "`metric_filter` is not a metric filter pattern: at character 1: ",
            ),
            (
                r#"{"title": "t", "metric_filter": ["{ $.a = b }", "{ $.a }"]}"#.to_owned(),
                "`metric_filter[1]` is not a metric filter pattern: at character 7",
            ),
            (r#"{"title": "t", "metric_filter": "{ $.a = b && $.a = c }"}"#.to_owned(), "would choose no record"),
            (r#"{"title": "t", "patterns": [{}]}"#.to_owned(), "`patterns[0]` is empty"),
            (r#"{"title": "t", "patterns": ["{"]}"#.to_owned(), "`patterns[0]` is not JSON"),
            (r#"{"title": "t", "patterns": [[]]}"#.to_owned(), "`patterns[0]` is not an EventBridge pattern"),
            (r#"{"title": "t", "patterns": [{"detail": {}}]}"#.to_owned(), "without the envelope"),
            (r#"{"title": "t", "patterns": [{"source": ["aws.iam"]}]}"#.to_owned(), "without the envelope"),
            (with(r#""severity": "low""#), "`title` is missing"),
            (with(r#""title": "t", "minutes": 5"#), "there is no `count`"),
            (with(r#""title": "t", "distinct": "/eventName""#), "there is no `count`"),
            (with(r#""title": "t", "count": 1"#), "`count` is not between 2 and 10000"),
            (with(r#""title": "t", "count": 2, "minutes": 0"#), "`minutes` is not between 1 and 44640"),
            (
                with(r#""title": "t", "count": 2, "distinct": "eventName""#),
                "`distinct`: \"eventName\" is not a JSON Pointer",
            ),
            (with(r#""title": " ""#), "`title` is missing"),
            (with(r#""title": "t", "severity": "urgent""#), "unknown variant `urgent`"),
            (with(r#""title": "t", "key": ["eventName"]"#), "`key`: \"eventName\" is not a JSON Pointer"),
            (with(r#""title": "t", "details": ["/a~2b"]"#), "`details`: \"/a~2b\" is not a JSON Pointer"),
            (with(r#""title": "{eventName""#), "`title`: a single brace"),
            (with(r#""title": "100 }""#), "`title`: a single brace"),
            (with(r#""title": "{}""#), "`title`: {} is neither"),
            (with(r#""title": "{userIdentity.arn}""#), "such as {/userIdentity/arn}"),
            (with(r#""title": "t", "colour": "red""#), "unknown field `colour`"),
        ] {
            let message = refusal(&settings);
            assert!(message.contains(reason), "{settings}: {message}");
        }
    }

    #[test]
    fn the_schema_asks_for_a_title_and_patterns_of_one_kind() {
        let schema = Json::from(schemars::schema_for!(Settings));
        assert_eq!(schema["required"], json!(["title"]));
        assert_eq!(schema["oneOf"], json!([{ "required": ["patterns"] }, { "required": ["metric_filter"] }]));
        assert_eq!(schema["properties"]["patterns"]["items"]["type"], json!(["object", "string"]));
    }

    #[test]
    fn a_caller_cannot_make_a_finding_too_large_or_join_two_groups() {
        let long = "é".repeat(100_000);
        let record = json!({ "eventName": long, "recipientAccountId": "1/2", "requestParameters": { "name": long } });
        let settings = with(r#""title": "{eventName}", "details": ["/requestParameters"]"#);
        let finding = finding(&settings, &record.to_string());
        assert_eq!(finding.get_title().unwrap().chars().count(), LONGEST_TEXT + 1);
        assert!(finding.key().starts_with("1~12/é"));
        assert!(finding.details()["/requestParameters"].as_str().unwrap().len() <= LARGEST_DETAIL + '…'.len_utf8());
    }
}
