//! The forms that findings leave in, against validators that are not the project's own. Each test shows first that its validator catches what is
//! broken.

mod asff;
mod attack;
mod messages;
mod ocsf;
mod redaction;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use orgwatch_host::digest::Digest;
use orgwatch_host::finding::{EventReference, Finding, RuleReference};
use orgwatch_host::sink::Delivery;
use orgwatch_rules_sdk::Severity;
use serde_json::{Value, json};

/// What callers may put wherever they can: it ends strings, breaks lines, hides, calls everybody, and is a link.
const HOSTILE: &str = "\x1b[2J\u{202e}\"}]\\\r\n<!channel>|<https://evil.example|x> [x](https://evil.example) {{DATE(x)}} <at>all</at> \u{0}\u{e0041}é東京";

/// Findings as rules make them, and as nobody would want them; each new, and as an update.
fn deliveries() -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for finding in [ordinary(), service(), bare(), hostile(), enormous()] {
        for revision in [1, 2] {
            let filed = "2026-11-01T10:00:01.5Z".parse().expect("a time");
            let updated = if revision == 1 { filed } else { "2026-11-01T10:15:00.123456Z".parse().expect("a time") };
            deliveries.push(Delivery { finding: finding.clone(), revision, filed, updated });
        }
    }
    deliveries
}

fn ordinary() -> Finding {
    let text = |text: &str| Some(text.to_owned());
    let rule = RuleReference {
        id: "org.account-departed".to_owned(),
        component: "org.account-departed".to_owned(),
        version: "1.0.0".to_owned(),
        digest: Digest::of("component").tagged(),
        settings: Digest::of("settings").tagged(),
        pack: text("orgwatch/aws-organizations@1.0.0"),
    };
    let event = EventReference {
        id: text("4e5f6071-8293-44a5-8617-000000000001"),
        action: "4e5f6071-8293-44a5-8617-000000000001".to_owned(),
        digest: Digest::of("record"),
        time: text("2026-11-01T10:00:00Z"),
        source: text("organizations.amazonaws.com"),
        name: text("DetachPolicy"),
        account: text("111122223333"),
        region: text("us-east-1"),
        actor: text("arn:aws:sts::111122223333:assumed-role/OrgAdmin/anaya"),
        source_ip: text("2001:db8::7"),
        error_code: text("AccessDenied"),
    };
    let details =
        json!({ "account": "444455556666", "tags": ["a", "b"], "owner": null, "count": 3, "policy": { "id": "p-1" } });
    Finding {
        id: Digest::of("finding"),
        rule: Arc::new(rule),
        title: "Account 444455556666 left the organization".to_owned(),
        severity: Severity::High,
        key: "444455556666".to_owned(),
        event,
        details: details.as_object().cloned().expect("an object"),
        attack: ["T1666".to_owned(), "T1136.003".to_owned(), "T9999".to_owned()].into(),
        references: ["https://docs.aws.amazon.com/organizations/".to_owned(), "CIS 4.15".to_owned()].into(),
    }
}

/// A service acted by itself.
fn service() -> Finding {
    let mut finding = ordinary();
    finding.severity = Severity::Informational;
    finding.event.actor = finding.event.source.clone();
    finding.event.source_ip = finding.event.source.clone();
    finding.event.error_code = None;
    finding.attack = [].into();
    finding
}

/// A record that says nothing.
fn bare() -> Finding {
    let mut finding = ordinary();
    finding.severity = Severity::Low;
    finding.event = EventReference {
        id: None,
        action: String::new(),
        digest: Digest::of("bare"),
        time: None,
        source: None,
        name: None,
        account: None,
        region: None,
        actor: None,
        source_ip: None,
        error_code: None,
    };
    finding.title = String::new();
    finding.key = String::new();
    finding.details.clear();
    finding.references = [].into();
    finding
}

fn hostile() -> Finding {
    let mut finding = ordinary();
    let text = || Some(HOSTILE.to_owned());
    finding.severity = Severity::Critical;
    HOSTILE.clone_into(&mut finding.title);
    HOSTILE.clone_into(&mut finding.key);
    finding.details =
        json!({ HOSTILE: HOSTILE, "nested": { HOSTILE: [HOSTILE] } }).as_object().cloned().expect("an object");
    let event = &mut finding.event;
    HOSTILE.clone_into(&mut event.action);
    event.id = text();
    event.source = text();
    event.name = text();
    event.account = text();
    event.region = text();
    event.actor = text();
    event.source_ip = text();
    event.error_code = text();
    finding
}

/// More of everything than any receiver takes.
fn enormous() -> Finding {
    let mut finding = hostile();
    let long = HOSTILE.repeat(200);
    finding.title.clone_from(&long);
    finding.key.clone_from(&long);
    finding.event.actor = Some(format!("arn:aws:iam::111122223333:user/{long}"));
    finding.event.name = Some(long.clone());
    finding.event.source_ip = Some("0000:0000:0000:0000:0000:ffff:255.255.255.255".to_owned());
    for number in 0..80 {
        finding.details.insert(format!("{number}{long}"), long.clone().into());
    }
    finding
}

/// Runs a validator: it reads a list of documents as JSON, and writes a list of the faults of each.
fn faults(mut validator: Command, documents: &[Value]) -> Vec<Vec<String>> {
    let mut child = validator.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the validator runs");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = Value::from(documents).to_string();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the validator ends");
    let _ = writer.join().expect("the writer does not panic");
    assert!(output.status.success(), "the validator failed");
    serde_json::from_slice(&output.stdout).expect("the validator writes a list of lists")
}

/// Asserts that a validator finds nothing wrong with the documents, and something with each way to break the first of them.
fn assert_valid(validator: impl Fn() -> Command, documents: &[Value], broken: &[(&str, Value)]) {
    let mutated: Vec<Value> = broken.iter().map(|(path, value)| with(&documents[0], path, value)).collect();
    for ((path, _), faults) in broken.iter().zip(faults(validator(), &mutated)) {
        assert!(!faults.is_empty(), "the validator does not see what is wrong with `{path}`");
    }
    for (document, faults) in documents.iter().zip(faults(validator(), documents)) {
        assert!(faults.is_empty(), "{faults:#?}\n{document:#}");
    }
}

/// Sets a member of a document; `null` takes it away.
fn with(document: &Value, path: &str, value: &Value) -> Value {
    let mut document = document.clone();
    let (parent, name) = path.rsplit_once('/').expect("a path has a slash");
    let parent =
        document.pointer_mut(parent).expect("the path exists").as_object_mut().expect("it leads into an object");
    if value.is_null() {
        parent.remove(name).expect("the member exists");
    } else {
        parent.insert(name.to_owned(), value.clone());
    }
    document
}

/// A Python program of a validator's environment.
fn python(environment: &str, program: &str) -> Command {
    let mut command = crate::python::command(environment, "python");
    command.args(["-c", program]);
    command
}
