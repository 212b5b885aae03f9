//! Metric filters as a whole: what they match, what they ask for, what they refuse.

use serde_json::json;

use super::*;

const RECORD: &str = r#"{
    "eventName": "ConsoleLogin", "eventSource": "signin.amazonaws.com", "sourceIPAddress": "10.0.0.7", "readOnly": false,
    "errorCode": null, "recipientAccountId": "111122223333", "size": 1024, "share": 0.5, "0": "zero", "a.b": "dotted", "quoted\"name": 1,
    "flag": "true", "text": "", "deep": { "0": "member", "list": ["x", "y", 3, null, {"k": "v"}], "empty": [], "none": {} },
    "requestParameters": null
}"#;

fn matches(filter: &str) -> bool {
    let event = Event::from_json(RECORD).unwrap();
    MetricFilter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}")).matches(&event)
}

fn asked(filter: &str) -> Matches {
    MetricFilter::parse(filter).unwrap().asked()
}

#[test]
fn conditions_hold_as_they_are_written() {
    for (condition, expected) in [
        (r#"$.eventName = "ConsoleLogin""#, true),
        ("$.eventName = ConsoleLogin", true),
        ("$.eventName=ConsoleLogin", true),
        (r#"$.eventName = "consolelogin""#, false),
        (r#"$.eventName = "Console*""#, true),
        ("$.eventName = *Log*", true),
        (r#"$.eventName != "ConsoleLogin""#, false),
        (r#"$.eventName != "Other""#, true),
        ("$.eventSource = signin.amazonaws.com", true),
        ("$.sourceIPAddress != 123.123.*", true),
        ("$.sourceIPAddress = 10.0.*", true),
        (r"$.sourceIPAddress = %^10\.[0-9]+\.%", true),
        (r"$.sourceIPAddress != %^10\.%", false),
        ("$.size = 1024", true),
        ("$.size = 1.024e3", true),
        ("$.size = 10*", true),
        (r#"$.size = "1024""#, false),
        (r#"$.size != "1024""#, true),
        ("$.size > 1023", true),
        ("$.size >= 1024", true),
        ("$.size < 1024", false),
        ("$.size <= 1e3", false),
        ("$.share < 1", true),
        ("$.recipientAccountId = 111122223333", true),
        ("$.recipientAccountId > 1", false),
        (r#"$.text = """#, true),
        (r#"$.text = "*""#, true),
        ("$.readOnly IS FALSE", true),
        ("$.readOnly IS TRUE", false),
        ("$.flag IS TRUE", false),
        (r#"$.readOnly = "false""#, false),
        (r#"$.readOnly != "false""#, true),
        ("$.errorCode IS NULL", true),
        ("$.errorCode NOT EXISTS", false),
        ("$.errorMessage IS NULL", false),
        ("$.errorMessage NOT EXISTS", true),
        ("$.requestParameters.name NOT EXISTS", true),
        ("$.deep NOT EXISTS", false),
        ("$.deep.none.x not exists", true),
    ] {
        assert_eq!(matches(&format!("{{ {condition} }}")), expected, "{condition}");
    }
}

#[test]
fn a_comparison_with_nothing_is_false_whichever_the_operator() {
    for field in ["nothing", "errorCode", "deep", "deep.list", "requestParameters.name", "eventName.x"] {
        for test in
            [r#"= "x""#, r#"!= "x""#, "= *", "!= 1", "= 1", "< 1", "> 1", "IS TRUE", "IS FALSE", "= %x%", "!= %x%"]
        {
            assert!(!matches(&format!("{{ $.{field} {test} }}")), "{field} {test}");
        }
    }
}

#[test]
fn selectors_lead_to_members_and_elements_and_never_to_one_for_the_other() {
    for (condition, expected) in [
        ("$.deep.list[0] = x", true),
        ("$.deep.list[2] = 3", true),
        ("$.deep.list[3] IS NULL", true),
        ("$.deep.list[4].k = v", true),
        ("$.deep.list[5] NOT EXISTS", true),
        ("$.deep.list[0] NOT EXISTS", false),
        ("$.deep.list.0 = x", false),
        ("$.deep.list.0 NOT EXISTS", true),
        ("$.deep[0] = member", false),
        ("$.deep.0 = member", true),
        ("$.0 = zero", true),
        ("$[0] NOT EXISTS", true),
        ("$.['a.b'] = dotted", true),
        ("$['a.b'] = dotted", true),
        (r#"$.["a.b"] = dotted"#, true),
        ("$.a.b NOT EXISTS", true),
        ("$.deep.list[*] = y", true),
        ("$.deep.list[*] = z", false),
        ("$.deep.list[*] != x", true),
        ("$.deep.list[*].k = v", true),
        ("$.deep.list[*] NOT EXISTS", false),
        ("$.deep.empty[*] NOT EXISTS", true),
        ("$.deep.none.* NOT EXISTS", true),
        ("$.eventName[*] NOT EXISTS", true),
        ("$.* = ConsoleLogin", true),
        ("$.deep.* = member", true),
        ("$.deep.list.* = x", false),
        ("$.deep[*] = member", false),
    ] {
        assert_eq!(matches(&format!("{{ {condition} }}")), expected, "{condition}");
    }
}

#[test]
fn and_binds_tighter_than_or_and_parentheses_tightest() {
    let (yes, no) = ("$.readOnly IS FALSE", "$.readOnly IS TRUE");
    for (expression, expected) in [
        (format!("{yes} || {no} && {no}"), true),
        (format!("({yes} || {no}) && {no}"), false),
        (format!("{no} && {no} || {yes}"), true),
        (format!("(({no}) || (({yes}))) && {yes}"), true),
    ] {
        assert_eq!(matches(&format!("{{{expression}}}")), expected, "{expression}");
    }
}

#[test]
fn quotes_are_escaped_by_a_backslash() {
    let event = Event::from_json(r#"{"a": "say \"x\"", "b": "c:\\d"}"#).unwrap();
    for filter in [r#"{ $.a = "say \"x\"" }"#, r#"{ $.b = "c:\\d" }"#, r#"{ $.b = "c:\d" }"#] {
        assert!(MetricFilter::parse(filter).unwrap().matches(&event), "{filter}");
    }
}

#[test]
fn the_records_that_every_way_to_match_needs_are_asked_for() {
    for (filter, pattern) in [
        ("{ $.eventName = A }", json!({ "eventName": ["A"] })),
        ("{ ($.eventName = A) || ($.eventName = \"B\") }", json!({ "eventName": ["A", "B"] })),
        (
            "{ $.eventSource = s && ($.eventName = A || $.eventName = B) }",
            json!({ "eventName": ["A", "B"], "eventSource": ["s"] }),
        ),
        ("{ $.eventSource = s && $.eventName = A || $.eventName = B }", json!({ "eventName": ["A", "B"] })),
        (
            "{ ($.eventName = A || $.eventName = B) && ($.eventName = B || $.eventName = C) }",
            json!({ "eventName": ["B"] }),
        ),
        ("{ $.userIdentity.type = Root && $.x NOT EXISTS }", json!({ "userIdentity.type": ["Root"] })),
        (r#"{ $.errorCode = "Access**Denied\*" }"#, json!({ "errorCode": [{ "wildcard": r"Access*Denied\\*" }] })),
    ] {
        assert_eq!(asked(filter), Matches::Patterns(vec![pattern]), "{filter}");
    }
    for filter in [
        "{ $.eventName != A }",
        "{ $.eventName = A || $.errorCode NOT EXISTS }",
        "{ $.eventName = A* }",
        "{ $.eventName = 5 }",
        "{ $.eventName = %A% }",
        "{ $.* = A }",
        "{ $.list[0] = A }",
        "{ $['$or'] = A }",
    ] {
        assert_eq!(asked(filter), Matches::Everything, "{filter}");
    }
    assert_eq!(asked("{ $.eventName = A && $.eventName = B }"), Matches::Patterns(Vec::new()));
}

#[test]
fn values_are_made_up_that_make_a_pattern_true_or_false_and_change_no_more_than_has_to() {
    let made_up = |filter: &str, truth: bool| {
        let event = Event::from_json(RECORD).unwrap();
        let ways = MetricFilter::parse(filter).unwrap().made_up(truth, &event);
        serde_json::to_value(ways).unwrap()
    };
    for (filter, truth, expected) in [
        (
            "$.eventName = ConsoleLogin && $.flag != true",
            true,
            json!([{ "/eventName": "ConsoleLogin", "/flag": "false" }]),
        ),
        (
            "$.eventName = ConsoleLogin && $.flag != true",
            false,
            json!([{ "/eventName": "another" }, { "/flag": "true" }]),
        ),
        ("$.eventName = A* || $.errorCode IS NULL", true, json!([{ "/eventName": "A" }, { "/errorCode": null }])),
        ("$.eventName = A* || $.size > 1024", false, json!([{ "/eventName": "ConsoleLogin", "/size": 1024 }])),
        ("$.size > 1024 && $.deep.list[*] = z", true, json!([{ "/size": 1025.0, "/deep/list/0": "z" }])),
        ("$.owner = 444455556666 && $.flag NOT EXISTS", true, json!([{ "/owner": "444455556666", "/flag": null }])),
        ("$.a = b && $.a = c", true, json!([])),
        ("$.ip = %^10\\.[0-9]+$%", true, json!([{ "/ip": "10.9" }])),
    ] {
        assert_eq!(made_up(&format!("{{ {filter} }}"), truth), expected, "{filter} {truth}");
    }
}

#[test]
fn what_is_no_pattern_is_refused_where_it_goes_wrong() {
    for (filter, position, message) in [
        ("", 1, "begins with `{`"),
        ("ERROR", 1, "begins with `{`"),
        ("[ip, user]", 1, "begins with `{`"),
        ("{}", 2, "expected a selector"),
        ("{ eventName = A }", 3, "expected a selector such as $.eventName, or `(`, not \"eventName\""),
        ("{ $ = A }", 5, "the name of a field after `$`"),
        ("{ $. = A }", 6, "expected a name"),
        ("{ $.a", 6, "the pattern ends there"),
        ("{ $.a = }", 9, "expected a value"),
        ("{ $.a == A }", 8, "expected a value"),
        ("{ $.a = A", 10, "expected `&&`, `||` or the closing `}`"),
        ("{ ($.a = A }", 12, "closing `)`"),
        ("{ $.a = A ) }", 11, "closing `}`, not \")\""),
        ("{ $.a = A } x", 13, "nothing after the closing `}`"),
        ("{ $.a = A & $.b = B }", 11, "expected `&&`"),
        ("{ $.a = A B }", 11, "expected `&&`"),
        ("{ $.a EXISTS }", 7, "has no EXISTS"),
        ("{ $.a NOT NULL }", 11, "EXISTS after NOT"),
        ("{ $.a IS NOT NULL }", 10, "has no IS NOT, not \"NOT\""),
        ("{ $.a > A }", 9, "expected a number"),
        ("{ $.a > \"5\" }", 9, "expected a number"),
        ("{ $.a LIKE A }", 7, "expected =, !="),
        ("{ $.a = \"A }", 9, "quotes are not closed"),
        ("{ $.a = %A }", 9, "not closed by `%`"),
        ("{ $.a = %(A)% }", 9, "groups"),
        ("{ $.a[x] = A }", 7, "expected a place"),
        ("{ $.a[0 = A }", 9, "closing `]`"),
        ("{ $.a['x] = A }", 8, "not closed"),
        ("{ $.*.* = A }", 3, "one wildcard at most"),
        ("{ $.a[*] = A || $.b[*] = A || $.c[*] = A || $.d[*] = A }", 45, "3 selectors"),
        ("{ $.a = %a% || $.a = %b% || $.a = %c% }", 35, "2 regular expressions"),
        ("{ $.é = A && é }", 14, "expected a selector"),
    ] {
        let error = MetricFilter::parse(filter).unwrap_err();
        assert!(error.to_string().contains(message), "{filter}: {error}");
        assert_eq!(error.position(), position, "{filter}: {error}");
    }
}

#[test]
fn length_and_nesting_are_bounded() {
    let nested = |depth: usize| format!("{{ {}$.a = b{} }}", "(".repeat(depth), ")".repeat(depth));
    assert!(MetricFilter::parse(&nested(50)).is_ok());
    assert!(MetricFilter::parse(&nested(51)).unwrap_err().to_string().contains("more than 50 deep"));
    let long = format!("{{ $.a = \"{}\" }}", "b".repeat(20_000));
    assert!(MetricFilter::parse(&long).unwrap_err().to_string().contains("longer than"));
    let row = vec!["($.eventName = DescribeInstances)"; 400].join(" || ");
    assert!(MetricFilter::parse(&format!("{{ {row} }}")).is_ok(), "more than CloudWatch's 1,024 characters are taken");
}

#[test]
fn a_pattern_can_be_parsed_as_any_other_text() {
    let filter: MetricFilter = "{ $.eventName = ConsoleLogin }".parse().unwrap();
    assert!(filter.matches(&Event::from_json(RECORD).unwrap()));
}
