//! Faults on the way to AWS, which microburst makes in front of moto: what fails is asked for again, and nothing is lost or found twice.

use serde_json::{Value, json};

use super::sqs::{configuration, file, notification};
use super::{condition, expect, hurry, key, over};
use crate::live::{Live, eventually};
use crate::records;
use crate::servers::{Amazon, Recorder, Server};
use crate::service::{Place, replayed, sorted};

/// The configuration of a source that reaches its queue and its bucket in different places.
fn apart(queues: &str, queue: &str, objects: &str) -> String {
    format!("{}objects = {{ region = \"us-east-1\", endpoint = \"{objects}\" }}\n", configuration(queues, queue))
}

#[test]
fn a_queue_and_a_bucket_that_fail_reset_throttle_and_are_slow_give_exactly_what_a_replay_gives() {
    let moto = Server::moto();
    let amazon = Amazon::at(moto.url());
    let faulty = Server::microburst(moto.url());
    let recorder = Recorder::before(faulty.url());
    faulty.faults(&json!([
        { "service": "sqs", "operation": "ReceiveMessage", "times": 2, "error": { "code": "InternalError", "status": 500 } },
        { "service": "sqs", "operation": "ReceiveMessage", "times": 2,
          "error": { "code": "RequestThrottled", "status": 403 } },
        { "service": "sqs", "operation": "ReceiveMessage", "times": 1, "reset": true },
        { "service": "s3", "operation": "GetObject", "times": 4, "error": { "code": "InternalError", "status": 500 } },
        { "service": "s3", "operation": "GetObject", "times": 3, "error": { "code": "SlowDown", "status": 503 } },
        { "service": "s3", "operation": "GetObject", "times": 3, "reset": true },
        { "service": "s3", "operation": "GetObject", "times": 2, "latency": 2000 },
        { "service": "s3", "operation": "GetObject", "times": 2, "response": { "abort_frac": 0.5 } },
        { "service": "sqs", "operation": "DeleteMessageBatch", "times": 2,
          "error": { "code": "InternalError", "status": 500 } },
        // The messages are deleted, and nobody hears of it.
        { "service": "sqs", "operation": "DeleteMessageBatch", "times": 1, "response": { "abort_frac": 0.2 } },
        { "service": "sqs", "operation": "DeleteMessageBatch", "times": 2, "reset": true },
    ]));
    let queue = amazon.queue("orgwatch");
    amazon.bucket("trail");
    let mut records: Vec<Value> = (0..24).map(records::policy_detached).collect();
    records.extend((24..32).map(records::account_left));
    let (in_files, alone) = records.split_at(20);
    for (number, part) in in_files.chunks(2).enumerate() {
        let place = key("logs/", "111122223333", "2026/11/05", &number.to_string());
        amazon.put("trail", &place, records::gzip(records::file(part)));
        amazon.send(&queue, &notification("trail", &place).to_string());
    }
    for record in alone {
        amazon.send(&queue, &record.to_string());
    }
    let place = Place::new();
    let live = Live::start(&(apart(recorder.url(), &queue, faulty.url()) + &place.sink()));
    let ours = || place.lines().into_iter().filter(|line| !line.contains("\"id\":\"orgwatch.")).collect::<Vec<_>>();
    eventually("everything is found and the queue is empty", || {
        hurry(&amazon, &recorder, &queue);
        ours().len() >= records.len() && amazon.messages(&queue) == (0, 0)
    });
    let fired = faulty.fired();
    let times = |operation: &str, action: &str| {
        fired.iter().filter(|fault| fault.starts_with(operation) && fault.contains(action)).count()
    };
    for (operation, action, count) in [
        ("ReceiveMessage", "InternalError", 2),
        ("ReceiveMessage", "RequestThrottled", 2),
        ("ReceiveMessage", "reset", 1),
        ("GetObject", "InternalError", 4),
        ("GetObject", "SlowDown", 3),
        ("GetObject", "reset", 3),
        ("GetObject", "latency", 2),
        ("GetObject", "abort", 2),
        ("DeleteMessageBatch", "InternalError", 2),
        ("DeleteMessageBatch", "abort", 1),
    ] {
        assert_eq!(times(operation, action), count, "{operation} {action}: {fired:?}");
    }
    let (code, told, _folder) = live.stop();
    assert_eq!(code, 0, "{told}");
    assert_eq!(sorted(ours()), replayed(&records));
    assert!(place.findings_of("orgwatch.unreadable").is_empty() && place.findings_of("orgwatch.rule-fault").is_empty());
}

#[test]
fn a_file_that_may_not_be_read_is_told_with_the_right_that_is_missing_and_is_read_when_access_comes() {
    let moto = Server::moto();
    let amazon = Amazon::at(moto.url());
    let recorder = Recorder::before(moto.url());
    let denying = Server::microburst(moto.url());
    denying.faults(&json!([
        { "service": "s3", "operation": "GetObject", "error": { "code": "AccessDenied", "status": 403 } },
    ]));
    let queue = amazon.queue("orgwatch");
    amazon.bucket("trail");
    let [denied, free] = [records::policy_detached(1), records::policy_detached(2)];
    let place = key("logs/", "111122223333", "2026/11/05", "a");
    amazon.put("trail", &place, file(&denied));
    amazon.send(&queue, &notification("trail", &place).to_string());
    amazon.send(&queue, &free.to_string());
    let live = Live::start(&apart(recorder.url(), &queue, denying.url()));
    // What needs no file is not held up.
    let before = expect(&live, &[&free]);
    let finding = condition(&live, "orgwatch.source-stuck", before);
    let problem = finding["details"]["problem"].as_str().unwrap_or_default();
    let expected = format!("failed to read s3://trail/{place}: AccessDenied");
    assert!(problem.starts_with(&expected) && problem.contains("\nhint: allow s3:GetObject on "), "{problem}");
    assert_eq!(live.ask("/readyz").0, 503);
    eventually("its message stays", || amazon.messages(&queue) == (0, 1));

    denying.reset();
    eventually("it was received again, and the queue is empty", || {
        hurry(&amazon, &recorder, &queue);
        amazon.messages(&queue) == (0, 0)
    });
    let before = expect(&live, &[&denied]);
    over(&live, "orgwatch.source-stuck", &before);
    assert_eq!(live.ask("/readyz").0, 200);
    let (code, told, _) = live.stop();
    assert_eq!(code, 0, "{told}");
}

#[test]
fn a_queue_that_finds_the_credentials_expired_is_told_at_once_and_is_read_when_they_are_renewed() {
    let moto = Server::moto();
    let amazon = Amazon::at(moto.url());
    let expired = Server::microburst(moto.url());
    expired.faults(&json!([
        { "service": "sqs", "operation": "ReceiveMessage", "error": { "code": "ExpiredToken", "status": 403 } },
    ]));
    let queue = amazon.queue("orgwatch");
    let record = records::policy_detached(1);
    amazon.send(&queue, &record.to_string());
    let live = Live::start(&configuration(expired.url(), &queue));
    let finding = condition(&live, "orgwatch.source-stuck", Vec::new());
    let problem = finding["details"]["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("ExpiredToken") && problem.contains("\nhint: renew the credentials"), "{problem}");
    expired.reset();
    let before = expect(&live, &[&record]);
    over(&live, "orgwatch.source-stuck", &before);
    eventually("the queue is empty", || amazon.messages(&queue) == (0, 0));
    let (code, told, _) = live.stop();
    assert_eq!(code, 0, "{told}");
}
