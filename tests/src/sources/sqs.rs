//! The source `sqs`.

use serde_json::{Value, json};

use super::{condition, expect, hurry, key, over};
use crate::live::{Live, eventually};
use crate::records;
use crate::servers::{Amazon, Recorder, Server};

pub(super) fn configuration(url: &str, queue: &str) -> String {
    format!(
        "[[source]]\nkind = \"sqs\"\nname = \"queue\"\nqueue_url = \"{queue}\"\nvisibility = \"10s\"\n\
         aws.region = \"us-east-1\"\naws.endpoint = \"{url}\"\nbuckets = [{{ bucket = \"trail\", prefix = \"logs\" }}]\n"
    )
}

pub(super) fn file(record: &Value) -> Vec<u8> {
    records::gzip(records::file(std::slice::from_ref(record)))
}

pub(super) fn notification(bucket: &str, key: &str) -> Value {
    json!({ "Records": [{ "eventVersion": "2.6", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": bucket }, "object": { "key": key } } }] })
}

fn in_sns(message: &Value) -> Value {
    json!({ "Type": "Notification", "MessageId": "m", "TopicArn": "t", "Message": message.to_string(),
        "Timestamp": "2026-11-05T09:55:00.000Z" })
}

#[test]
fn every_kind_of_message_brings_its_records_and_the_queue_ends_empty() {
    let moto = Server::moto();
    let amazon = Amazon::at(moto.url());
    let queue = amazon.queue("orgwatch");
    amazon.bucket("trail");
    let detached: Vec<Value> = (0..9).map(records::policy_detached).collect();
    let keys: Vec<String> = (0..5).map(|n| key("logs/", "111122223333", "2026/11/05", &format!("file {n}"))).collect();
    for (key, record) in keys.iter().zip(&detached) {
        amazon.put("trail", key, file(record));
    }
    let digest = keys[0].replace("CloudTrail", "CloudTrail-Digest");
    let bodies = [
        notification("trail", &keys[0].replace(' ', "+").replace('/', "%2F")).to_string(),
        in_sns(&notification("trail", &keys[1].replace(' ', "+"))).to_string(),
        in_sns(&json!({ "s3Bucket": "trail", "s3ObjectKey": [keys[2], keys[3]] })).to_string(),
        json!({ "detail-type": "Object Created", "source": "aws.s3",
            "detail": { "bucket": { "name": "trail" }, "object": { "key": keys[4] } } })
        .to_string(),
        json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail" }).to_string(),
        notification("trail", &digest.replace(' ', "+")).to_string(),
        records::envelopes(&detached[5..6]),
        in_sns(&detached[6]).to_string(),
        records::log_payload(&detached[7..8]),
        detached[8].to_string(),
    ];
    for body in &bodies {
        amazon.send(&queue, body);
    }
    let live = Live::start(&configuration(moto.url(), &queue));
    let others = expect(&live, &detached.iter().collect::<Vec<_>>());
    assert_eq!(others, Vec::<Value>::new());
    eventually("the queue is empty", || amazon.messages(&queue) == (0, 0));
    let metrics = live.ask("/metrics").1;
    assert!(metrics.contains("orgwatch_source_skipped_total{source=\"queue\"} 1\n"), "{metrics}");
    let (code, told, _) = live.stop();
    assert_eq!(code, 0, "{told}");
}

#[test]
fn an_object_that_is_not_allowed_is_reported_and_not_read_and_its_message_stays() {
    let moto = Server::moto();
    let amazon = Amazon::at(moto.url());
    let queue = amazon.queue("orgwatch");
    let [ours, foreign] = [records::policy_detached(1), records::policy_detached(2)];
    for bucket in ["trail", "mallory"] {
        amazon.bucket(bucket);
    }
    let place = key("logs/", "111122223333", "2026/11/05", "a");
    amazon.put("trail", &place, file(&ours));
    amazon.put("mallory", &place, file(&foreign));
    amazon.send(&queue, &notification("mallory", &place).to_string());
    amazon.send(&queue, &notification("trail", &place).to_string());
    let live = Live::start(&configuration(moto.url(), &queue));
    let before = expect(&live, &[&ours]);
    let finding = condition(&live, "orgwatch.foreign-object", before);
    assert!(finding.to_string().contains("s3://mallory/"), "{finding}");
    eventually("one message is left", || amazon.messages(&queue) == (0, 1));
}

#[test]
fn a_file_that_is_missing_is_told_leaves_its_message_in_the_queue_and_is_read_when_it_is_there() {
    let moto = Server::moto();
    let amazon = Amazon::at(moto.url());
    let recorder = Recorder::before(moto.url());
    let queue = amazon.queue("orgwatch");
    amazon.bucket("trail");
    let place = key("logs/", "111122223333", "2026/11/05", "late");
    amazon.send(&queue, &notification("trail", &place).to_string());
    let [record, late] = [records::policy_detached(1), records::policy_detached(2)];
    amazon.send(&queue, &record.to_string());
    let live = Live::start(&configuration(recorder.url(), &queue));
    expect(&live, &[&record]);
    eventually("one message is left", || live.told().contains("NoSuchKey") && amazon.messages(&queue) == (0, 1));
    eventually("it was received again and again", || {
        hurry(&amazon, &recorder, &queue);
        live.told().contains("condition=\"orgwatch.source-stuck\"")
    });
    let finding = condition(&live, "orgwatch.source-stuck", Vec::new());
    assert!(finding.to_string().contains("hint: did a lifecycle rule of the bucket remove it?"), "{finding}");

    amazon.put("trail", &place, file(&late));
    eventually("it was received once more, and the queue is empty", || {
        hurry(&amazon, &recorder, &queue);
        amazon.messages(&queue) == (0, 0)
    });
    let before = expect(&live, &[&late]);
    over(&live, "orgwatch.source-stuck", &before);
    let (code, told, _) = live.stop();
    assert_eq!(code, 0, "{told}");
}

#[test]
fn what_cannot_be_read_is_a_gap_and_left_to_the_redrive_policy_or_deleted_where_there_is_none() {
    let moto = Server::moto();
    let amazon = Amazon::at(moto.url());
    let record = records::policy_detached(1);
    for (queue, left) in [(amazon.queue("without"), (0, 0)), (amazon.queue_with_redrive("with"), (0, 1))] {
        amazon.send(&queue, "nonsense");
        amazon.send(&queue, &record.to_string());
        let live = Live::start(&configuration(moto.url(), &queue));
        let before = expect(&live, &[&record]);
        condition(&live, "orgwatch.unreadable", before);
        eventually("the queue holds what it should", || amazon.messages(&queue) == left);
    }
}
