//! Messages to chats: Slack's blocks against PyPI's `slack_sdk`, the card for Teams against npm's `adaptivecards`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use orgwatch_host::sink::Preset;
use serde_json::{Value, json};

use super::{assert_valid, deliveries, python};
use crate::support::host;

const SLACK: &str = r"
import json, sys
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
def faults(document):
    block = Block.parse(document)
    if block is None:
        return ['unknown type']
    try:
        block.validate_json()
        return []
    except SlackObjectFormationError as error:
        return [str(error)]
print(json.dumps([faults(d) for d in json.load(sys.stdin)]))
";

const CARD: &str = r"
const { AdaptiveCard, SerializationContext, Versions } = require('adaptivecards/dist/adaptivecards.js');
const faults = document => {
    const card = new AdaptiveCard();
    const context = new SerializationContext(Versions.v1_5);
    card.parse(document, context);
    const found = [];
    for (let i = 0; i < context.eventCount; i++) found.push(context.getEventAt(i).message);
    return found.concat(card.validateProperties().validationEvents.map(event => event.message));
};
const documents = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(documents.map(faults)));
";

/// The version of npm's package.
const ADAPTIVE_CARDS: &str = "adaptivecards@3.0.6";

fn bodies(preset: Preset) -> Vec<Value> {
    deliveries().iter().map(|delivery| serde_json::from_str(&preset.body(delivery, "token")).expect("JSON")).collect()
}

#[test]
fn every_message_to_slack_is_made_of_valid_blocks() {
    let mut blocks = Vec::new();
    for body in bodies(Preset::Slack) {
        let of_body = body["blocks"].as_array().expect("a list").clone();
        assert!((1..=50).contains(&of_body.len()));
        assert!(!body["text"].as_str().expect("a text").is_empty());
        assert!(!body.to_string().contains("<!channel>") && !body.to_string().contains("://evil"), "{body:#}");
        blocks.extend(of_body);
    }
    assert_eq!(blocks[0]["type"], "header");
    let broken = [("/text", Value::Null), ("/text/text", json!("x".repeat(151))), ("/type", json!("heading"))];
    assert_valid(|| python("validators-slack", SLACK), &blocks, &broken);
    let section = blocks.iter().find(|block| block.get("fields").is_some()).expect("a message has fields").clone();
    let field = section["fields"][0].clone();
    let broken =
        [("/fields", json!(vec![field; 11])), ("/text", json!({ "type": "mrkdwn", "text": "x".repeat(3001) }))];
    assert_valid(|| python("validators-slack", SLACK), &[section], &broken);
}

/// The folder of the package, installed where it is missing.
static NODE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = host().parent().expect("the program lies in a folder").join("test-node/adaptivecards");
    if !folder.join("node_modules/adaptivecards/dist/adaptivecards.js").exists() {
        fs::create_dir_all(&folder).expect("the folder can be made");
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).arg(ADAPTIVE_CARDS);
        let output = npm.output().unwrap_or_else(|error| {
            panic!("npm is needed to check cards for Teams (Debian: npm), and does not run: {error}")
        });
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "failed to install {ADAPTIVE_CARDS} with npm, which needs a package registry:\n{said}"
        );
    }
    folder
});

fn node() -> Command {
    let mut node = Command::new("node");
    node.args(["-e", CARD]).current_dir(&*NODE);
    node
}

#[test]
fn every_message_to_teams_holds_a_valid_card() {
    let mut cards = Vec::new();
    for body in bodies(Preset::Teams) {
        assert_eq!(body["type"], "message");
        let [attachment] = body["attachments"].as_array().expect("a list").as_slice() else { panic!("one attachment") };
        assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
        assert!(body.to_string().len() < 28_000, "{} bytes", body.to_string().len());
        assert!(
            !body.to_string().contains("<at>")
                && !body.to_string().contains("](")
                && !body.to_string().contains("://evil")
        );
        for element in attachment["content"]["body"].as_array().expect("a list") {
            assert!(element["type"] != "TextBlock" || element["text"].is_string(), "{element}");
        }
        cards.push(attachment["content"].clone());
    }
    let broken = [
        ("/body", json!([{ "type": "TextBlok", "text": "x" }])),
        ("/body", json!([{ "type": "TextBlock", "text": "x", "color": "Red" }])),
        ("/version", json!("9.9")),
    ];
    assert_valid(node, &cards, &broken);
}

/// Neither service has a validator in a package: the limits are those of their documentation.
#[test]
fn events_for_pagerduty_and_splunk_keep_to_their_limits() {
    for body in bodies(Preset::Pagerduty) {
        assert_eq!((&body["routing_key"], &body["event_action"]), (&json!("token"), &json!("trigger")));
        assert!(body["dedup_key"].as_str().is_some_and(|key| (1..=255).contains(&key.len())));
        let payload = &body["payload"];
        assert!(
            payload["summary"].as_str().is_some_and(|summary| (1..=1024).contains(&summary.chars().count())),
            "{payload}"
        );
        assert!(payload["source"].as_str().is_some_and(|source| !source.is_empty()));
        assert!(["critical", "error", "warning", "info"].contains(&payload["severity"].as_str().unwrap_or_default()));
        assert!(body.to_string().len() < 512_000);
    }
    for body in bodies(Preset::SplunkHec) {
        assert!(body["time"].as_str().is_some_and(|time| time.parse::<f64>().is_ok_and(|time| time > 1e9)));
        assert!(body["event"]["finding"]["id"].is_string() && body["sourcetype"].is_string());
    }
}
