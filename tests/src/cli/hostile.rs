//! Promise 8: whoever makes an API call chooses much of its record, and none of it does anything to the reader.

use serde_json::{Value, json};

use super::run;
use crate::records::{account_left, file, policy_detached};
use crate::support::Run;

/// Clears the screen, colours by C1 control, turns the direction, hides, rings, breaks lines, ends strings, names fields.
const HOSTILE: &str = "\x1b[2J\x1b]0;owned\x07\u{9b}31m\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}\r\nerror: nothing to see\n\u{2028}\u{e0041}\u{3164}\t\"}\\u{1b}\\";

/// Characters that do something other than to stand there and be seen; the host's own list is not asked.
fn does_something(character: char) -> bool {
    let invisible = ['\u{ad}', '\u{61c}', '\u{180e}', '\u{3164}', '\u{feff}'];
    let ranges = ['\u{200b}'..='\u{200f}', '\u{2028}'..='\u{202e}', '\u{2060}'..='\u{206f}', '\u{e0000}'..='\u{e0fff}'];
    (character.is_control() && character != '\n')
        || invisible.contains(&character)
        || ranges.iter().any(|range| range.contains(&character))
}

fn assert_harmless(what: &str, text: &str) {
    let harm = text.lines().find(|line| line.chars().any(does_something));
    assert!(harm.is_none(), "{what}: {harm:?}");
}

/// Records with the hostile text wherever a caller can put one, and in the places of AWS's own words too.
fn events() -> String {
    let mut detached = policy_detached(1);
    detached["requestParameters"] =
        json!({ "policyId": HOSTILE, "targetId": [HOSTILE], HOSTILE: { HOSTILE: HOSTILE } });
    for path in [
        "/userAgent",
        "/sourceIPAddress",
        "/userIdentity/arn",
        "/awsRegion",
        "/eventTime",
        "/recipientAccountId",
        "/eventID",
    ] {
        *detached.pointer_mut(path).expect(path) = json!(HOSTILE);
    }
    detached["errorCode"] = json!(HOSTILE);
    detached["errorMessage"] = json!(HOSTILE);
    let mut left = account_left(2);
    left["serviceEventDetails"] = json!({ "accountId": HOSTILE, "departureMethod": HOSTILE, "departureTime": HOSTILE });
    left["eventID"] = json!(HOSTILE);
    let broken = format!("{{\"eventID\":\"{HOSTILE}\", {HOSTILE}");
    format!("{}\n{broken}\n", file(&[detached, left]))
}

/// A rule that shows all that it can of the record.
const CURIOUS: &str = r#"
[rule."team.curious"]
use = "pattern"
settings.title = "{/userIdentity/arn} did {eventName} with {userAgent}"
settings.patterns = [{ eventName = ["DetachPolicy"] }]
settings.key = ["/userAgent", "/requestParameters/policyId"]
settings.details = ["/userAgent", "/requestParameters", "/errorMessage"]
"#;

fn judged(output: &str) -> Run {
    run(&["--rules", "rules", "--output", output, "hostile"]).file("hostile", events()).file("orgwatch.toml", CURIOUS)
}

#[test]
fn hostile_event_text_is_shown_harmlessly_in_text() {
    let ran = judged("text").run();
    assert_harmless("findings", &ran.stdout);
    assert_harmless("messages", &ran.stderr);
    assert_eq!(
        ran.stdout.lines().filter(|line| !line.is_empty() && !line.starts_with(' ')).count(),
        3,
        "{}",
        ran.stdout
    );
    insta::assert_snapshot!("hostile-text", ran.stdout);
}

#[test]
fn hostile_event_text_is_shown_harmlessly_in_json_and_means_the_same() {
    let ran = judged("json").run();
    assert_harmless("findings", &ran.stdout);
    assert_harmless("messages", &ran.stderr);
    let findings = ran.findings();
    assert_eq!(findings.len(), 3, "{}", ran.stderr);
    let curious = findings.iter().find(|finding| finding["rule"]["id"] == "team.curious").expect("the rule fired");
    assert_eq!(curious["details"]["/userAgent"], HOSTILE);
    assert_eq!(curious["event"]["actor"], HOSTILE);
    assert_eq!(curious["event"]["time"], Value::Null);
}

/// Names that a downloaded bucket can hold.
#[test]
fn hostile_file_names_are_shown_harmlessly() {
    let run_on = |paths: &[&str]| run(&[&["--rules", "rules"], paths].concat());
    let ran = run_on(&["folder", &format!("missing{HOSTILE}")]).file(&format!("folder/{HOSTILE}"), "not JSON").run();
    assert_eq!(ran.code, 4);
    assert_harmless("messages", &ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 3, "{}", ran.stderr);
    let run = run_on(&["folder"]).file("folder/sound", file(&[policy_detached(1)]));
    std::os::unix::fs::symlink("nowhere", run.folder().join(format!("folder/{HOSTILE}")))
        .expect("the link can be made");
    let ran = run.run();
    assert_eq!((ran.code, ran.findings().len()), (4, 1), "{}", ran.stderr);
    assert_harmless("messages", &ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 2, "{}", ran.stderr);
}

/// Rules may come from strangers, and their names from a download.
#[test]
fn hostile_names_of_rules_are_shown_harmlessly() {
    let name = format!("rules-of-others/{HOSTILE}.wasm");
    let ran = run(&["--rules", "rules", "--rules", "rules-of-others", "events"]).file(&name, "not a rule").run();
    assert_eq!((ran.code, ran.findings().len()), (2, 2), "{}", ran.stderr);
    assert_harmless("messages", &ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 2, "{}", ran.stderr);
}
