//! Credentials in records do not leave in findings, whatever a rule does with them, nor in messages.

use serde_json::{Value, json};

use crate::records::{file, policy_detached};
use crate::support::Run;

const TOKEN: &str = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQ";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const PASSWORD: &str = "correct \"horse\" battery";

/// A rule that puts everything everywhere.
const CURIOUS: &str = r#"
[rule."team.curious"]
use = "pattern"
settings.title = "{eventName} gave {/responseElements/credentials/sessionToken}"
settings.patterns = [{ eventName = ["AssumeRole", "CreateAccessKey"] }]
settings.key = ["/responseElements/credentials/secretAccessKey", "/responseElements/accessKey/secretAccessKey"]
settings.details = ["/responseElements", "/requestParameters", "/responseElements/credentials/sessionToken"]
"#;

fn events() -> String {
    let mut assumed = policy_detached(1);
    assumed["eventName"] = json!("AssumeRole");
    assumed["requestParameters"] = json!({
        "roleArn": "arn:aws:iam::111122223333:role/OrgAdmin",
        "body": json!({ "masterUserPassword": PASSWORD }).to_string(),
        "echo": format!("the password is {PASSWORD}"),
    });
    assumed["responseElements"] = json!({ "credentials": {
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE", "secretAccessKey": SECRET, "sessionToken": TOKEN
    } });
    let mut created = policy_detached(2);
    created["eventName"] = json!("CreateAccessKey");
    created["responseElements"] =
        json!({ "accessKey": { "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": SECRET } });
    file(&[assumed, created])
}

#[test]
fn credentials_in_records_are_redacted_in_every_form_of_a_finding() {
    for output in ["json", "text", "ocsf", "asff"] {
        let run = Run::new(["--rules", "rules", "--output", output, "--log-level", "debug", "events"]).with_rules();
        let ran = run.file("events", events()).file("orgwatch.toml", CURIOUS).run();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        for secret in [TOKEN, SECRET, "horse"] {
            assert!(
                !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
                "{output}: {}{}",
                ran.stdout,
                ran.stderr
            );
        }
        assert!(ran.stdout.contains("[redacted]") && ran.stdout.contains("ASIAIOSFODNN7EXAMPLE"), "{}", ran.stdout);
        assert!(ran.stdout.contains("arn:aws:iam::111122223333:role/OrgAdmin"), "{}", ran.stdout);
    }
}

/// The lines of `ocsf` and `asff` do not depend on when they are written.
#[test]
fn a_replay_gives_the_same_line_each_time_in_every_form() {
    for output in ["ocsf", "asff"] {
        let lines = || {
            let run = Run::new(["--rules", "rules", "--output", output, "events"]).with_rules();
            run.file("events", events()).file("orgwatch.toml", CURIOUS).run().stdout
        };
        let first = lines();
        assert_eq!(first, lines());
        assert_eq!(first.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count(), 2, "{first}");
    }
}
