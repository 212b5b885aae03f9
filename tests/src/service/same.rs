//! Whatever way an event takes, what is found is the same.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Place, replayed, sorted};
use crate::live::{Live, eventually};
use crate::records;
use crate::servers::{Amazon, LookupStub, Server};
use crate::support::Run;

/// Records of the last hour, since not every source looks further back.
fn recent() -> Vec<Value> {
    let mut records: Vec<Value> = (0..20).map(records::policy_detached).collect();
    records.extend((20..28).map(records::policy_attached));
    records.extend((28..36).map(records::account_left));
    for (minutes, record) in (1..).zip(&mut records) {
        let time = Timestamp::now() - SignedDuration::from_mins(minutes);
        record["eventTime"] = json!(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    }
    records
}

/// Runs live with a source until it has found as much as was expected. Returns what it found.
fn live(source: &str, expected: usize) -> Vec<String> {
    let place = Place::new();
    let live = Live::start(&format!("{source}\n{}", place.sink()));
    eventually("as much is found as in a replay", || {
        assert!(!live.told().contains(" ERROR "), "{}", live.told());
        place.lines().len() >= expected
    });
    let (code, told, _folder) = live.stop();
    assert_eq!(code, 0, "{told}");
    sorted(place.lines())
}

#[test]
fn same_events_through_every_source_give_byte_identical_findings_equal_to_the_replay_of_the_files() {
    let records = recent();
    let expected = replayed(&records);
    assert_eq!(expected.len(), records.len());
    let check = |way: &str, found: &[String]| assert_eq!(found, expected, "by way of {way}");

    let input = Run::new(["--rules", "rules", "-"]).with_rules().input(records::file(&records)).run();
    check("standard input", &sorted(input.stdout.lines().map(str::to_owned).collect()));

    let place = Place::new();
    place.bring("a.json.gz", records::gzip(records::file(&records[..10])));
    place.bring("b.json", records::lines(&records[10..20]));
    place.bring("c.json", records::looked_up(&records[20..30]));
    place.bring("d.json", records::envelopes(&records[30..]));
    check("directory", &live(&place.source(), expected.len()));

    let stub = LookupStub::start();
    stub.rate(0);
    for record in &records {
        stub.event(record);
    }
    let source = format!(
        "[[source]]\nkind = \"cloudtrail\"\nname = \"history\"\nevery = \"1s\"\nstart = \"3h\"\n\
         aws = {{ region = \"us-east-1\", endpoint = \"{}\" }}\n",
        stub.url()
    );
    check("LookupEvents", &live(&source, expected.len()));

    let moto = Server::moto();
    let amazon = Amazon::at(moto.url());
    let at = format!("{{ region = \"us-east-1\", endpoint = \"{}\" }}", moto.url());
    let queue_source = |queue: &str| {
        format!(
            "[[source]]\nkind = \"sqs\"\nname = \"queue\"\nqueue_url = \"{queue}\"\naws = {at}\nbuckets = [{{ bucket = \"trail\" }}]\n"
        )
    };
    let direct = amazon.queue("direct");
    for record in &records {
        amazon.send(&direct, records::envelopes(std::slice::from_ref(record)).trim());
    }
    check("SQS", &live(&queue_source(&direct), expected.len()));

    amazon.bucket("trail");
    let told = amazon.queue("told");
    let now = Timestamp::now();
    for (number, part) in records.chunks(9).enumerate() {
        let (day, date) = (now.strftime("%Y/%m/%d"), now.strftime("%Y%m%d"));
        let key = format!(
            "AWSLogs/111122223333/CloudTrail/us-east-1/{day}/111122223333_CloudTrail_us-east-1_{date}T0000Z_{number:016}.json.gz"
        );
        amazon.put("trail", &key, records::gzip(records::file(part)));
        let body = json!({ "Records": [{ "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": { "bucket": { "name": "trail" }, "object": { "key": key } } }] });
        amazon.send(&told, &body.to_string());
    }
    check("SQS and S3", &live(&queue_source(&told), expected.len()));

    let since = now - SignedDuration::from_hours(48);
    let source = format!(
        "[[source]]\nkind = \"s3\"\nname = \"bucket\"\nbucket = \"trail\"\nsince = \"{since}\"\nevery = \"1s\"\naws = {at}\n"
    );
    check("S3", &live(&source, expected.len()));

    let ran = Run::new(["--rules", "rules", "s3://trail/AWSLogs/"])
        .with_rules()
        .env("AWS_ENDPOINT_URL", moto.url())
        .env("AWS_ACCESS_KEY_ID", "111122223333")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_REGION", "us-east-1")
        .run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    check("s3:// on the command line", &sorted(ran.stdout.lines().map(str::to_owned).collect()));
}
