//! A clock that was wrong: nothing that the ledger wrote down by it is waited for, and no date of a record keeps it from being judged.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Place, ids};
use crate::live::{Live, eventually};
use crate::records;
use crate::servers::{Hook, LookupStub, Manner, free_port};

/// Opens the ledger of a service that has ended, to leave in it what a clock gone wrong would have left.
fn ledger(folder: &Path) -> Connection {
    Connection::open(folder.join("state/ledger.sqlite")).expect("the ledger can be opened")
}

fn text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[test]
fn deliveries_that_were_put_off_by_a_clock_that_was_ahead_or_behind_are_made_when_it_is_right() {
    for days in [400, -400] {
        let place = Place::new();
        let port = free_port();
        let retry = "retry = { first = \"100ms\", longest = \"1s\" }";
        let hook = place.hook("hook", &format!("http://127.0.0.1:{port}/hook"), retry);
        let configuration = format!("{hook}{}{}", place.sink(), place.source());
        place.bring("a.json", records::lines(&[records::account_left(1), records::account_left(2)]));
        let live = Live::start(&configuration);
        eventually("the hook was tried", || live.told().contains("not delivered, trying again"));
        eventually("the file has both", || place.findings_of("org.account-departed").len() == 2);
        let (_, _, folder) = live.stop();
        let shift = SignedDuration::from_hours(24 * days).as_secs() * 1000;
        let shifted = ledger(folder.path())
            .execute("UPDATE delivery SET due = due + ?1, since = since + ?1 WHERE state = 0", [shift])
            .expect("the ledger can be written");
        assert!(shifted >= 2, "{shifted} were owed");

        let hook = Hook::start_at(port, |_| Manner::status(200));
        let live = Live::start_in(folder, &configuration);
        let expected = ids(&place.findings_of("org.account-departed"));
        eventually("the hook has both", || expected.is_subset(&ids(&hook.taken())));
        assert_eq!(live.stop().0, 0);
    }
}

#[test]
fn an_event_history_that_was_read_up_to_tomorrow_is_read_on_from_today() {
    let stub = LookupStub::start();
    let configuration = format!(
        "[[source]]\nkind = \"cloudtrail\"\nname = \"history\"\nevery = \"1s\"\nstart = \"2h\"\n\
         aws.region = \"us-east-1\"\naws.endpoint = \"{}\"\n",
        stub.url()
    );
    let ago = |minutes: i64, number: u32| {
        let mut record = records::policy_detached(number);
        record["eventTime"] = json!(text(Timestamp::now() - SignedDuration::from_mins(minutes)));
        record
    };
    stub.event(&ago(5, 1));
    let live = Live::start(&configuration);
    assert_eq!(live.finding()["event"]["name"], "DetachPolicy");
    let (_, _, folder) = live.stop();
    let tomorrow = (Timestamp::now() + SignedDuration::from_hours(24)).to_string();
    let set = ledger(folder.path()).execute("UPDATE checkpoint SET value = ?1 WHERE source = 'history'", [tomorrow]);
    assert_eq!(set, Ok(1));

    let second = ago(2, 2);
    stub.event(&second);
    let live = Live::start_in(folder, &configuration);
    assert_eq!(live.finding()["event"]["id"], second["eventID"]);
    let (_, _, folder) = live.stop();
    let checkpoint: String = ledger(folder.path())
        .query_row("SELECT value FROM checkpoint WHERE source = 'history'", [], |row| row.get(0))
        .expect("there is a checkpoint");
    // A start that comes hours later goes on from here, and not from tomorrow.
    assert!(checkpoint.parse::<Timestamp>().expect("a time") <= Timestamp::now(), "{checkpoint}");
}

#[test]
fn records_of_any_date_are_judged_and_only_the_present_counts_as_progress() {
    let place = Place::new();
    let dates = ["2006-01-02T15:04:05Z".to_owned(), "9999-12-01T00:00:00Z".to_owned(), text(Timestamp::now())];
    let records: Vec<Value> = (1..)
        .zip(&dates)
        .map(|(number, date)| {
            let mut record = records::account_left(number);
            record["eventTime"] = json!(date);
            record
        })
        .collect();
    place.bring("a.json", records::lines(&records[..2]));
    let live = place.start(&place.sink());
    eventually("both are judged", || place.findings_of("org.account-departed").len() == 2);
    eventually("the future is told", || place.findings_of("orgwatch.future-event").len() == 1);
    let lag = || -> Option<f64> {
        let metrics = live.ask("/metrics").1;
        let lag = metrics.lines().find_map(|line| line.strip_prefix("orgwatch_source_lag_seconds{source=\"folder\"} "));
        lag.and_then(|value| value.parse().ok())
    };
    eventually("the lag is that of the past", || lag().is_some_and(|seconds| seconds > 20.0 * 365.0 * 86_400.0));
    place.bring("b.json", records::lines(&records[2..]));
    eventually("the lag is that of the present", || lag().is_some_and(|seconds| (0.0..600.0).contains(&seconds)));
    assert_eq!(live.stop().0, 0);
}
