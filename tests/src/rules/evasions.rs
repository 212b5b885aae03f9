//! Policies written to exhaust the rules that read them: a rule that runs out of fuel judges nothing, so it has to be hard to bring it there.

use serde_json::{Value, json};

use crate::support::Run;

/// As long as AWS takes a policy and longer, and the most that CloudTrail keeps of a request.
const LENGTHS: [usize; 2] = [20 << 10, 100 << 10];

/// The record of an update that gives a text to a service control policy.
fn update(number: usize, text: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/anaya", "accountId": "111122223333", "userName": "anaya"},
        "eventTime": "2026-11-01T10:04:22Z",
        "eventSource": "organizations.amazonaws.com",
        "eventName": "UpdatePolicy",
        "awsRegion": "us-east-1",
        "requestParameters": {"policyId": format!("p-exhaust{number}"), "content": text},
        "responseElements": {"policy": {"policySummary": {"type": "SERVICE_CONTROL_POLICY"}}},
        "eventID": format!("6f0e1d2c-3b4a-4958-8776-6554433221{number:02}"),
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    })
}

/// Repeats what a function writes until the text is as long as it may be.
fn filled(length: usize, front: &str, back: &str, piece: impl Fn(usize) -> String) -> String {
    let mut text = front.to_owned();
    for number in 0.. {
        let next = piece(number);
        if text.len() + next.len() + back.len() > length {
            break;
        }
        text.push_str(if number == 0 { "" } else { "," });
        text.push_str(&next);
    }
    text + back
}

/// Texts of a length, each of which opens everything and takes long to read.
fn texts(length: usize) -> Vec<String> {
    let opens = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let deny = r#"{"Statement":[{"Effect":"Deny","Action":["#;
    let never = format!(r#"],"Resource":"*","Condition":{{"StringNotLike":{{"aws:PrincipalArn":"*"}}}}}},{opens}]}}"#);
    let statements = format!(",{opens}]}}");
    let exempt = r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"ArnNotLike":{"aws:PrincipalArn":["*","#;
    vec![
        // Actions that nearly match every action that the rules try.
        filled(length, deny, &never, |number| format!(r#""*a*e*i*o*{number}""#)),
        filled(length, deny, &never, |_| r#""?*:*?""#.to_owned()),
        // One pattern as long as the text.
        format!(r#"{deny}"{}"{never}"#, "*a".repeat(length / 2 - 100)),
        // As many statements as there is room for.
        filled(length, r#"{"Statement":["#, &statements, |_| {
            r#"{"Effect":"Deny","NotAction":"*","Resource":"*"}"#.to_owned()
        }),
        filled(length, r#"{"Statement":["#, &statements, |number| {
            format!(r#"{{"Effect":"Deny","Action":"x:{number}"}}"#)
        }),
        // Exemptions without end.
        filled(length, exempt, &format!("]}}}}}},{opens}]}}"), |number| format!(r#""arn:aws:iam::*:role/*{number}""#)),
        // Nothing but depth.
        r#"{"a":"#.repeat(length / 6),
    ]
}

#[test]
fn a_policy_made_to_exhaust_a_rule_is_judged_all_the_same() {
    let texts: Vec<String> = LENGTHS.into_iter().flat_map(texts).collect();
    let records: Vec<Value> = texts.iter().enumerate().map(|(number, text)| update(number, text)).collect();
    let run = Run::new(["--rules", "rules/aws-organizations", "events.json"]).with_all_rules();
    let ran = run.file("events.json", json!({ "Records": records }).to_string()).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let findings = ran.findings();
    for (number, text) in texts.iter().enumerate() {
        let of_text = findings.iter().filter(|finding| finding["key"] == format!("p-exhaust{number}"));
        let rules: Vec<&Value> = of_text.map(|finding| &finding["rule"]["id"]).collect();
        assert_eq!(rules, ["org.policy-weakened"], "{number}: {}", &text[..80]);
    }
}
