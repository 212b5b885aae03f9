//! The state directory: one host at a time, no more than fits, and nothing lost.

use serde_json::Value;

use super::{Place, beside, replayed, sorted};
use crate::live::{Live, eventually};
use crate::records;
use crate::servers::{Hook, Manner};
use crate::support::Run;

#[test]
fn a_second_host_on_one_state_directory_is_refused_while_readers_are_welcome() {
    let place = Place::new();
    place.bring("a.json", records::lines(&[records::account_left(1)]));
    let live = place.start(&place.sink());
    eventually("the finding is there", || place.lines().len() == 1);
    let second = Run::new(["--rules", "rules", "--state-dir"])
        .argument(live.state())
        .with_rules()
        .file("orgwatch.toml", format!("{}[telemetry]\nenabled = false\n", place.source()))
        .run();
    assert_eq!(second.code, 4, "{}", second.stderr);
    assert!(second.stderr.contains("is in use by process "), "{}", second.stderr);
    assert!(second.stderr.contains("hint: one host runs on one state directory"), "{}", second.stderr);
    let listed = beside(&live.state(), &["findings", "list", "--output", "json"]);
    assert_eq!((listed.code, listed.stdout.lines().count()), (0, 1), "{}", listed.stderr);
    let (code, told, _) = live.stop();
    assert_eq!(code, 0, "{told}");
}

#[test]
fn a_full_ledger_stops_the_intake_with_a_clear_message_and_loses_nothing() {
    let place = Place::new();
    let records: Vec<Value> = (0..3_000).map(records::policy_attached).collect();
    place.bring("a.json", records::lines(&records));
    let small = format!("[state]\nlimit_mib = 1\nreserve_mib = 0\n{}{}", place.sink(), place.source());
    let live = Live::start(&small);
    eventually("it says that there is no room", || live.told().contains("the ledger has no room left"));
    let (code, told, folder) = live.stop();
    assert_eq!(code, 0, "{told}");
    let roomy = format!("[state]\nreserve_mib = 0\n{}{}", place.sink(), place.source());
    let live = Live::start_in(folder, &roomy);
    let ours = || place.lines().into_iter().filter(|line| !line.contains("\"id\":\"orgwatch.")).collect::<Vec<_>>();
    eventually("everything has arrived", || ours().len() >= records.len());
    drop(live);
    let mut arrived = sorted(ours());
    arrived.dedup();
    assert_eq!(arrived, replayed(&records));
}

#[test]
fn what_a_sink_refuses_is_a_dead_letter_and_is_sent_when_somebody_asks() {
    let place = Place::new();
    let hook = Hook::start(|number| Manner {
        status: if number == 0 { 400 } else { 200 },
        ..Manner::after(std::time::Duration::ZERO)
    });
    place.bring("a.json", records::lines(&[records::account_left(1)]));
    // What tells of the dead letter goes elsewhere.
    let routes =
        "[[route]]\nrules = [\"org.*\"]\nsinks = [\"hook\"]\n[[route]]\nrules = [\"orgwatch.*\"]\nsinks = [\"file\"]\n";
    let live = place.start(&format!("{}{}{routes}", place.hook("hook", hook.url(), ""), place.sink()));
    eventually("it is told", || place.lines().iter().any(|line| line.contains("orgwatch.sink-gave-up")));
    let listed = beside(&live.state(), &["dead-letters", "list", "--output", "json"]);
    let letter: Value = serde_json::from_str(listed.stdout.trim()).expect("one dead letter");
    assert_eq!((letter["sink"].as_str(), letter["attempts"].as_u64()), (Some("hook"), Some(1)));
    assert!(letter["reason"].as_str().is_some_and(|reason| reason.contains("400")), "{letter}");
    let retried = beside(&live.state(), &["dead-letters", "retry", "--all"]);
    assert!(retried.stdout.starts_with("1 dead letter will be sent again"), "{}{}", retried.stdout, retried.stderr);
    eventually("it arrives", || hook.taken().iter().any(|sent| sent["finding"] == letter["finding"]));
    assert_eq!(beside(&live.state(), &["dead-letters", "list", "--output", "json"]).stdout, "");
}

#[test]
fn what_cannot_be_read_is_told_and_kept_and_the_rest_is_judged() {
    let place = Place::new();
    let [first, last] = [records::account_left(1), records::account_left(2)];
    place.bring("a.json", format!("{first}\n{{\"eventVersion\": broken\n{last}\n"));
    let live = place.start(&place.sink());
    eventually("three findings come", || place.lines().len() >= 3);
    let lines = place.lines();
    assert_eq!(lines.iter().filter(|line| line.contains("AccountDepartedOrganization")).count(), 2, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.contains("\"orgwatch.unreadable\"")).count(), 1, "{lines:?}");
    let listed = beside(&live.state(), &["gaps", "list", "--output", "json"]);
    let gap: Value = serde_json::from_str(listed.stdout.trim()).expect("one gap");
    assert_eq!((gap["number"].as_u64(), gap["rule"].is_null(), gap["closed"].is_null()), (Some(1), true, true));
    let retried = beside(&live.state(), &["gaps", "retry", "1"]);
    assert!(retried.stdout.starts_with("1 gap will be tried again"), "{}{}", retried.stdout, retried.stderr);
    eventually("it was tried again and is still open", || {
        let listed = beside(&live.state(), &["gaps", "list", "--output", "json"]).stdout;
        listed.contains("\"retry\":false") && listed.contains("\"closed\":null")
    });
    let nothing_named = beside(&live.state(), &["gaps", "retry"]);
    assert_eq!(nothing_named.code, 3);
}

#[test]
fn a_damaged_ledger_is_told_and_nothing_is_taken() {
    let place = Place::new();
    let live = place.start(&place.sink());
    eventually("it starts", || live.told().contains("started"));
    let (code, told, folder) = live.stop();
    assert_eq!(code, 0, "{told}");
    let state = folder.path().join("state");
    // A program that stopped leaves nothing beside the ledger from which SQLite would mend it.
    assert!(!state.join("ledger.sqlite-wal").exists());
    std::fs::write(state.join("ledger.sqlite"), "no database at all, whatever it is called".repeat(200))
        .expect("it can be written");
    place.bring("a.json", records::lines(&[records::account_left(1)]));
    let ran = Run::new(["--rules", "rules", "--state-dir"])
        .argument(&state)
        .with_rules()
        .file("orgwatch.toml", format!("{}{}", place.sink(), place.source()))
        .run();
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the ledger is damaged") && ran.stderr.contains("\nhint: stop the host"),
        "{}",
        ran.stderr
    );
    assert!(place.lines().is_empty() && place.input.join("a.json").exists());
}
