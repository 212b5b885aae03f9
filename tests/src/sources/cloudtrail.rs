//! The source `cloudtrail`, against the stub of `LookupEvents`.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{condition, expect};
use crate::live::{Live, eventually};
use crate::records;
use crate::servers::{Amazon, LookupStub, Server};

fn configuration(stub: &LookupStub) -> String {
    let url = stub.url();
    format!(
        "[[source]]\nkind = \"cloudtrail\"\nname = \"history\"\nevery = \"1s\"\nstart = \"2h\"\n\
         aws.region = \"us-east-1\"\naws.endpoint = \"{url}\"\n"
    )
}

/// A record of so many minutes ago.
fn ago(minutes: i64, number: u32) -> Value {
    let mut record = records::policy_detached(number);
    let time = Timestamp::now() - SignedDuration::from_mins(minutes);
    record["eventTime"] = json!(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    record
}

#[test]
fn every_page_is_read_and_copies_late_events_and_forgotten_tokens_do_no_harm() {
    let stub = LookupStub::start();
    stub.rate(0);
    let records: Vec<Value> = (0..115).map(|number| ago(i64::from(number) + 1, number)).collect();
    for record in &records {
        stub.event(record);
    }
    stub.event(&records[3]);
    stub.forget_token();
    let late = ago(14, 500);
    stub.late_event(&late, Duration::from_secs(8));
    let mut other = ago(1, 600);
    other["eventSource"] = json!("iam.amazonaws.com");
    stub.event(&other);
    let live = Live::start(&configuration(&stub));
    let mut expected: Vec<&Value> = records.iter().collect();
    expected.push(&late);
    expect(&live, &expected);
    let (code, told, folder) = live.stop();
    assert_eq!(code, 0, "{told}");

    let new = ago(0, 700);
    stub.event(&new);
    let live = Live::start_in(folder, &configuration(&stub));
    expect(&live, &[&new]);
}

#[test]
fn throttled_calls_are_made_again() {
    let stub = LookupStub::start();
    stub.rate(1);
    let records: Vec<Value> = (0..115).map(|number| ago(5, number)).collect();
    for record in &records {
        stub.event(record);
    }
    let live = Live::start(&configuration(&stub));
    expect(&live, &records.iter().collect::<Vec<_>>());
    assert!(stub.throttled() > 0 && stub.calls() > stub.throttled());
    eventually("it is counted", || {
        live.ask("/metrics").1.contains("orgwatch_source_throttled_total{source=\"history\"} ")
    });
}

#[test]
fn expired_credentials_are_told_and_the_source_goes_on_when_they_are_renewed() {
    let stub = LookupStub::start();
    stub.expire_credentials(2);
    let record = ago(5, 1);
    stub.event(&record);
    let live = Live::start(&configuration(&stub));
    let finding = condition(&live, "orgwatch.source-stuck", Vec::new());
    assert!(finding.to_string().contains("ExpiredTokenException"), "{finding}");
    expect(&live, &[&record]);
    eventually("it asks again and again", || stub.calls() > 4);
}

#[test]
fn a_server_that_records_the_calls_made_to_it_is_read_like_the_stub() {
    let ministack = Server::ministack();
    Amazon::at(ministack.url()).queue("made");
    let configuration = format!(
        "[[source]]\nkind = \"cloudtrail\"\nname = \"history\"\nevery = \"1s\"\nevent_source = \"\"\n\
         aws.region = \"us-east-1\"\naws.endpoint = \"{}\"\n\
         [rule.\"team.queue-made\"]\nuse = \"pattern\"\n\
         [rule.\"team.queue-made\".settings]\ntitle = \"A queue was made\"\n\
         patterns = [{{ eventSource = [\"sqs.amazonaws.com\"], eventName = [\"CreateQueue\"] }}]\n",
        ministack.url()
    );
    let finding = Live::start(&configuration).finding();
    assert_eq!((&finding["rule"]["id"], &finding["event"]["name"]), (&json!("team.queue-made"), &json!("CreateQueue")));
}
