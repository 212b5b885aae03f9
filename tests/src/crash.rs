//! Killed at any instant, the program loses nothing: every finding reaches every sink, every copy of it has the same id, nothing else arrives, and
//! the queue ends empty.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use orgwatch_host::ledger::{FindingQuery, Reader};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::live::{Live, eventually};
use crate::records;
use crate::servers::{Amazon, Call, Hook, Manner, Recorder, Server};
use crate::support::Run;

/// How often the program is killed, for each way to acknowledge.
const KILLS: u32 = 55;

/// Messages that are sent before each start: as many with a record in them as with the name of a file.
const MESSAGES: u32 = 4;

/// How long after it has begun to work the program is killed at the latest, in milliseconds.
const LATEST: u64 = 900;

/// A small generator of numbers that look random: the same seed kills at the same instants, as far as the machine allows.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What the program was at when it was killed, as the world outside shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// It had been given a message of which the ledger knows nothing.
    BeforeCommit,
    /// The ledger knew what a message gave that had not been acknowledged.
    BeforeAcknowledgement,
    /// A message was acknowledged whose findings were still owed to a sink.
    BeforeDelivery,
    /// A sink had been sent something that the ledger did not know to be delivered.
    MiddleOfSend,
}

#[test]
fn killed_at_any_instant_it_loses_nothing_when_the_ledger_acknowledges() {
    let phases = crash("ledger", 0x5eed_1ed6e4);
    for phase in [Phase::BeforeCommit, Phase::BeforeAcknowledgement, Phase::BeforeDelivery, Phase::MiddleOfSend] {
        assert!(phases.contains_key(&phase), "never killed in {phase:?}: {phases:?}");
    }
}

#[test]
fn killed_at_any_instant_and_bereft_of_its_disk_it_loses_nothing_when_the_sinks_acknowledge() {
    let phases = crash("sinks", 0x5eed_51142);
    for phase in [Phase::BeforeCommit, Phase::BeforeAcknowledgement, Phase::MiddleOfSend] {
        assert!(phases.contains_key(&phase), "never killed in {phase:?}: {phases:?}");
    }
    assert!(!phases.contains_key(&Phase::BeforeDelivery), "acknowledged what a sink did not have: {phases:?}");
}

/// The servers around the program.
struct World {
    amazon: Amazon,
    recorder: Recorder,
    hook: Hook,
    queue: String,
    delivered: String,
    configuration: String,
    _moto: Server,
}

impl World {
    fn new(ack: &str) -> Self {
        let moto = Server::moto();
        let amazon = Amazon::at(moto.url());
        let queue = amazon.queue("orgwatch");
        let delivered = amazon.queue("delivered");
        let topic = amazon.topic_into("findings", &delivered);
        amazon.bucket("trail");
        let recorder = Recorder::before(moto.url());
        let hook = Hook::start(|number| Manner::after(Duration::from_millis(20 + number as u64 % 4 * 80)));
        let mut configuration = format!("[state]\nack = \"{ack}\"\n");
        let _ = write!(
            configuration,
            r#"
            [[source]]
            kind = "sqs"
            name = "queue"
            queue_url = "{queue}"
            visibility = "10s"
            aws = {{ region = "us-east-1", endpoint = "{}" }}
            objects = {{ region = "us-east-1", endpoint = "{moto}" }}
            buckets = [{{ bucket = "trail" }}]
            [[sink]]
            kind = "sns"
            name = "topic"
            topic = "{topic}"
            message = "json"
            aws = {{ region = "us-east-1", endpoint = "{moto}" }}
            retry = {{ first = "100ms" }}
            [[sink]]
            kind = "webhook"
            name = "hook"
            url = {{ file = "HOOK" }}
            retry = {{ first = "100ms" }}
            [[sink]]
            kind = "stdout"
            name = "own"
            [[route]]
            rules = ["org.*", "cis.*"]
            sinks = ["topic", "hook"]
            [[route]]
            rules = ["orgwatch.*"]
            sinks = ["own"]
            "#,
            recorder.url(),
            moto = moto.url(),
        );
        Self { amazon, recorder, hook, queue, delivered, configuration, _moto: moto }
    }

    /// Sends some messages, each about records of its own: one in two has the record in it, the other names a file with two.
    fn send(&self, first: u32, records: &mut Vec<Value>) {
        for number in first..first + MESSAGES {
            let new = [records::policy_detached(2 * number), records::policy_detached(2 * number + 1)];
            if number % 2 == 0 {
                self.amazon.send(&self.queue, &records::envelopes(&new[..1]));
                records.push(new[0].clone());
            } else {
                let key = format!(
                    "AWSLogs/111122223333/CloudTrail/us-east-1/2026/10/05/111122223333_CloudTrail_us-east-1_20261005T1000Z_{number:016}.json.gz"
                );
                self.amazon.put("trail", &key, records::gzip(records::file(&new)));
                let body = json!({ "Records": [{ "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                    "s3": { "bucket": { "name": "trail" }, "object": { "key": key } } }] });
                self.amazon.send(&self.queue, &body.to_string());
                records.extend(new);
            }
        }
    }

    /// Starts the program on a folder. The address of the hook is a secret, and stands in a file.
    fn start(&self, folder: TempDir) -> Live {
        let secret = folder.path().join("hook");
        fs::write(&secret, self.hook.url()).expect("the folder can be written to");
        let configuration = self.configuration.replace("HOOK", secret.to_str().expect("the path is text"));
        Live::start_in(folder, &configuration)
    }
}

/// Kills the program again and again while it works, then lets it finish. Returns how often it was in which phase.
fn crash(ack: &str, seed: u64) -> BTreeMap<Phase, u32> {
    let world = World::new(ack);
    let mut chance = Chance(seed);
    let mut records = Vec::new();
    let mut phases = BTreeMap::new();
    let mut folder = tempfile::tempdir().expect("a temporary folder");
    for kill in 0..KILLS {
        world.send(kill * MESSAGES, &mut records);
        let before = ledger(&folder.path().join("state"));
        world.recorder.take();
        world.hook.take_sent();
        let live = world.start(folder);
        // Now and then it is killed while it starts. Otherwise it gets as far as to begin to work, however slow the machine.
        if kill % 11 != 0 {
            eventually("it starts", || live.told().contains("started"));
        }
        sleep(Duration::from_millis(chance.below(LATEST)));
        folder = live.kill();
        // What was under way on the wire arrives still.
        sleep(Duration::from_millis(100));
        let state = folder.path().join("state");
        for phase in phases_of(&world.recorder.take(), &world.hook.take_sent(), &before, &ledger(&state), &records) {
            *phases.entry(phase).or_default() += 1;
        }
        if ack == "sinks" {
            // The disk is gone with the machine.
            let _ = fs::remove_dir_all(&state);
        }
    }
    let expected = expected(&records);
    let live = world.start(folder);
    let deadline = Instant::now() + Duration::from_mins(3);
    let mut at_topic = Vec::new();
    loop {
        at_topic.extend(world.amazon.drain(&world.delivered));
        let hook: BTreeSet<String> = world.hook.taken().iter().map(id).collect();
        let topic: BTreeSet<String> =
            at_topic.iter().filter_map(|body| Some(id(&serde_json::from_str(body).ok()?))).collect();
        if hook.len() >= expected.len()
            && topic.len() >= expected.len()
            && world.amazon.messages(&world.queue) == (0, 0)
        {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "{} of {} at the hook, {} at the topic, {:?} messages left\n{}",
            hook.len(),
            expected.len(),
            topic.len(),
            world.amazon.messages(&world.queue),
            live.told()
        );
        sleep(Duration::from_millis(200));
    }
    assert_eq!(live.next(Duration::ZERO), None, "nothing is wrong with the service");
    let (code, told, _folder) = live.stop();
    assert_eq!(code, 0, "{told}");
    at_topic.extend(world.amazon.drain(&world.delivered));
    let at_topic: Vec<Value> =
        at_topic.iter().map(|body| serde_json::from_str(body).expect("a finding is JSON")).collect();
    for (sink, arrived) in [("hook", world.hook.taken()), ("topic", at_topic)] {
        let copies: BTreeMap<String, String> = arrived.iter().map(|finding| (event(finding), id(finding))).collect();
        assert_eq!(copies, expected, "what arrived at the {sink}");
        let all: BTreeSet<(String, String)> = arrived.iter().map(|finding| (event(finding), id(finding))).collect();
        assert_eq!(all.len(), expected.len(), "every copy has the same id");
    }
    println!("{ack}: {} findings, {KILLS} kills: {phases:?}", expected.len());
    phases
}

/// Tells from outside what the program was at.
fn phases_of(
    calls: &[Call],
    sent: &[Value],
    before: &BTreeMap<String, Vec<(String, String)>>,
    after: &BTreeMap<String, Vec<(String, String)>>,
    records: &[Value],
) -> BTreeSet<Phase> {
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut deleted = BTreeSet::new();
    for call in calls {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        if call.operation.ends_with("ReceiveMessage") {
            let messages = call.answer.as_ref().and_then(|answer| answer["Messages"].as_array().cloned());
            for message in messages.unwrap_or_default() {
                let body = text(&message, "Body");
                // A message tells of its records either itself or by the number in its file's name.
                let of = records.iter().map(|record| text(record, "eventID")).filter(|id| is_about(&body, id));
                given.insert(text(&message, "ReceiptHandle"), of.collect());
            }
        } else if call.operation.ends_with("DeleteMessage") {
            deleted.insert(text(&call.request, "ReceiptHandle"));
        } else if call.operation.ends_with("DeleteMessageBatch") {
            let entries = call.request["Entries"].as_array().cloned().unwrap_or_default();
            deleted.extend(entries.iter().map(|entry| text(entry, "ReceiptHandle")));
        }
    }
    let mut phases = BTreeSet::new();
    for (receipt, events) in &given {
        assert!(!events.is_empty(), "a message is about records that were sent");
        let all_known = events.iter().all(|event| after.contains_key(event));
        let some_new = events.iter().any(|event| !before.contains_key(event));
        let acknowledged = deleted.contains(receipt);
        assert!(all_known || !acknowledged, "acknowledged before it was on disk: {events:?}");
        if !all_known {
            phases.insert(Phase::BeforeCommit);
        } else if some_new && !acknowledged {
            phases.insert(Phase::BeforeAcknowledgement);
        }
        let owed =
            |event: &String| after.get(event).is_some_and(|sinks| sinks.iter().any(|(_, became)| became != "taken"));
        if acknowledged && events.iter().any(owed) {
            phases.insert(Phase::BeforeDelivery);
        }
    }
    for finding in sent {
        let at_hook = after.get(&event(finding)).and_then(|sinks| sinks.iter().find(|(sink, _)| sink == "hook"));
        if at_hook.is_some_and(|(_, became)| became != "taken") {
            phases.insert(Phase::MiddleOfSend);
        }
    }
    phases
}

/// Tells whether a message is about the record with an event id: the last part of the id is the record's number.
fn is_about(body: &str, event: &str) -> bool {
    let number =
        event.rsplit('-').next().and_then(|hex| u32::from_str_radix(hex, 16).ok()).expect("an id ends with a number");
    body.contains(event) || body.contains(&format!("_{:016}.json.gz", number / 2))
}

/// What a ledger holds: by event id, what became of the finding at each sink.
fn ledger(state: &Path) -> BTreeMap<String, Vec<(String, String)>> {
    let Ok(reader) = Reader::open(state) else { return BTreeMap::new() };
    let findings = reader.findings(&FindingQuery::default()).expect("a ledger can be read after any crash");
    let by_event = |stored: orgwatch_host::ledger::StoredFinding| Some((stored.finding.event.id?, stored.deliveries));
    findings.into_iter().filter_map(by_event).collect()
}

/// The ids of the findings that a replay of the same records gives, by event.
fn expected(records: &[Value]) -> BTreeMap<String, String> {
    let replayed = Run::new(["--rules", "rules", "events"]).with_rules().file("events", records::lines(records)).run();
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    replayed.findings().iter().map(|finding| (event(finding), id(finding))).collect()
}

/// A webhook has the finding inside.
fn unwrapped(sent: &Value) -> &Value {
    sent.get("finding").unwrap_or(sent)
}

fn id(sent: &Value) -> String {
    unwrapped(sent)["id"].as_str().unwrap_or_default().to_owned()
}

fn event(sent: &Value) -> String {
    unwrapped(sent)["event"]["id"].as_str().unwrap_or_default().to_owned()
}
