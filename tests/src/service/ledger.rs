//! The state directory: one host at a time, no more than fits, and nothing lost.

use std::time::Duration;

use serde_json::Value;

use super::{Place, beside, replayed, routes, sorted};
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
fn a_ledger_that_another_program_holds_locked_stops_the_intake_with_a_clear_message_and_loses_nothing() {
    let place = Place::new();
    let records: Vec<Value> = (0..20).map(records::account_left).collect();
    place.bring("a.json", records::lines(&records[..1]));
    let live = place.start(&place.sink());
    let departed = || place.lines().into_iter().filter(|line| line.contains("\"id\":\"org.")).collect::<Vec<_>>();
    eventually("the finding is there", || departed().len() == 1);

    let other = rusqlite::Connection::open(live.state().join("ledger.sqlite")).expect("the ledger can be opened");
    other.busy_timeout(Duration::from_secs(30)).expect("a plain setting");
    other.execute_batch("BEGIN EXCLUSIVE").expect("it can be locked");
    place.bring("b.json", records::lines(&records[1..]));
    eventually("it says what holds it up", || {
        live.told().contains("the intake waits: the ledger is locked by another process")
    });
    let (status, text) = live.ask("/readyz");
    assert!(status == 503 && text.contains("the ledger is locked by another process"), "{text}");
    assert_eq!(live.ask("/healthz").0, 200);
    assert_eq!(departed().len(), 1);

    other.execute_batch("ROLLBACK").expect("it can be unlocked");
    eventually("everything has arrived", || departed().len() == records.len());
    assert_eq!(sorted(departed()), replayed(&records));
    eventually("it is told that it was so and is over", || {
        let told = place.told_of("orgwatch.disk-full", "ledger");
        told.last().is_some_and(|title| title.starts_with("Over: "))
    });
    assert!(place.findings_of("orgwatch.disk-full")[0].to_string().contains("locked by another process"));
    eventually("it is ready", || live.ask("/readyz").0 == 200);
    let (code, told, _) = live.stop();
    assert_eq!(code, 0, "{told}");
}

#[test]
fn findings_are_listed_and_shown_with_what_became_of_them() {
    let place = Place::new();
    let hook = Hook::start(|_| Manner::status(400));
    place.bring("a.json", records::lines(&[records::account_left(1), records::policy_detached(2)]));
    let routes = routes(&["file", "hook"], &["file"]);
    let live = place.start(&format!("{}{}{routes}", place.sink(), place.hook("hook", hook.url(), "")));
    let filed = |rule: &str| place.findings_of(rule).pop();
    eventually("both are there", || {
        filed("org.account-departed").is_some() && filed("cis.organizations-changes").is_some()
    });
    let departed = filed("org.account-departed").expect("it is there");
    let listed = beside(&live.state(), &["findings", "list", "--rule", "org.account-departed", "--output", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&listed.stdout).expect("one finding"), departed, "{}", listed.stderr);
    let id = departed["id"].as_str().expect("an id");
    let show = |more: &[&str]| beside(&live.state(), &[&["findings", "show", &id[..12]], more].concat());
    eventually("its deliveries are settled", || {
        let shown: Value = serde_json::from_str(&show(&["--output", "json"]).stdout).expect("one finding");
        assert_eq!((&shown["finding"], &shown["revision"]), (&departed, &Value::from(1)));
        let became = |sink: &str| shown["deliveries"][sink].as_str().unwrap_or_default().to_owned();
        became("file") == "taken" && became("hook").contains("the service answered 400")
    });
    let text = show(&["--output", "text"]).stdout;
    assert!(text.contains("444400000001 left the organization") && text.contains("file: taken"), "{text}");
    for (id, words) in [("ffff", "no finding has an id that begins with ffff"), ("me", "the digits 0 to 9 and a to f")]
    {
        let ran = beside(&live.state(), &["findings", "show", id]);
        assert!(ran.code == 3 && ran.stderr.contains(words), "{}", ran.stderr);
    }
}

#[test]
fn what_a_sink_refuses_is_a_dead_letter_and_is_sent_when_somebody_asks() {
    let place = Place::new();
    let hook =
        Hook::start(|number| Manner { status: if number == 0 { 400 } else { 200 }, ..Manner::after(Duration::ZERO) });
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
