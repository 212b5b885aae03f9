//! Sinks that are down, slow, or answer whatever they like: nothing is lost, nobody else waits for them. And what a sink gets first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::{Place, beside, ids, routes};
use crate::live::eventually;
use crate::records;
use crate::servers::{Hook, Manner, free_port};

/// A hook that behaves badly until it is well.
fn ill(well: &Arc<AtomicBool>, manner: Manner) -> Hook {
    let well = Arc::clone(well);
    Hook::start(move |_| if well.load(Ordering::Relaxed) { Manner::status(200) } else { manner })
}

#[test]
fn hooks_that_are_down_or_answer_badly_get_everything_when_they_are_well_and_delay_no_other_sink() {
    let place = Place::new();
    let well = Arc::new(AtomicBool::new(false));
    let hooks = [
        ("failing", ill(&well, Manner::status(500))),
        ("garbling", ill(&well, Manner { garbage: true, ..Manner::status(200) })),
        ("throttling", ill(&well, Manner { retry_after: Some(1), ..Manner::status(429) })),
        // Slower than a request may take.
        ("slow", ill(&well, Manner { delay: Duration::from_secs(11), ..Manner::status(500) })),
        ("picky", ill(&well, Manner::status(400))),
    ];
    let port = free_port();
    let retry = |concurrency| format!("retry = {{ first = \"100ms\", longest = \"1s\", concurrency = {concurrency} }}");
    let mut configuration = place.sink() + &place.hook("down", &format!("http://127.0.0.1:{port}/hook"), &retry(4));
    for (name, hook) in &hooks {
        configuration += &place.hook(name, hook.url(), &retry(if *name == "throttling" { 1 } else { 4 }));
    }
    let names = ["file", "down", "failing", "garbling", "throttling", "slow", "picky"];
    let records: Vec<Value> = (0..10).map(records::policy_detached).collect();
    place.bring("a.json", records::lines(&records[..5]));
    let live = place.start(&(configuration + &routes(&names, &["file"])));
    let arrived = || place.findings_of("cis.organizations-changes");
    eventually("the file has what came first", || arrived().len() == 5);
    for name in ["down", "failing", "garbling", "throttling"] {
        eventually(&format!("it is told that {name} takes nothing"), || {
            place.told_of("orgwatch.sink-stuck", name) == [format!("The sink {name} takes no findings")]
        });
    }
    place.bring("b.json", records::lines(&records[5..]));
    eventually("the file has what came next", || arrived().len() == 10);
    assert!(hooks.iter().all(|(_, hook)| hook.taken().is_empty()), "a hook was well before its time");
    let asked = hooks[2].1.asked();
    let patient = asked.windows(2).all(|two| two[1] - two[0] >= Duration::from_secs(1));
    assert!(asked.len() >= 5 && patient, "it did not wait as it was asked to: {asked:?}");

    // What was refused for good is a dead letter with its reason, and nothing else is.
    let letters = || -> Vec<Value> {
        let listed = beside(&live.state(), &["dead-letters", "list", "--output", "json"]).stdout;
        listed.lines().map(|line| serde_json::from_str(line).expect("a dead letter is JSON")).collect()
    };
    eventually("all that was refused is a dead letter", || letters().len() == 10);
    for letter in letters() {
        let reason = letter["reason"].as_str().unwrap_or_default();
        assert!(letter["sink"] == "picky" && reason.starts_with("the service answered 400"), "{letter}");
    }
    eventually("it is told that one gave up", || !place.told_of("orgwatch.sink-gave-up", "picky").is_empty());

    well.store(true, Ordering::Relaxed);
    let down = Hook::start_at(port, |_| Manner::status(200));
    let retried = beside(&live.state(), &["dead-letters", "retry", "--sink", "picky"]);
    assert_eq!(retried.code, 0, "{}", retried.stderr);
    let expected = ids(&arrived());
    for (name, hook) in hooks.iter().map(|(name, hook)| (*name, hook)).chain([("down", &down)]) {
        eventually(&format!("{name} has everything"), || ids(&hook.taken()) == expected);
    }
    for name in ["down", "failing", "garbling", "throttling"] {
        eventually(&format!("it is told that {name} is well"), || {
            place.told_of("orgwatch.sink-stuck", name).contains(&format!("Over: The sink {name} takes no findings"))
        });
    }
    assert_eq!(letters(), Vec::<Value>::new());
    let (code, told, _folder) = live.stop();
    assert_eq!(code, 0, "{told}");
}

#[test]
fn a_critical_finding_overtakes_two_thousand_low_ones() {
    let place = Place::new();
    let hook = Hook::start(|_| Manner::after(Duration::from_millis(5)));
    let configuration = place.hook("hook", hook.url(), "retry = { concurrency = 1 }")
        + "[rule.\"cis.organizations-changes\"]\nseverity = \"low\"\n[rule.\"org.account-departed\"]\nseverity = \"critical\"\n";
    let low: Vec<Value> = (0..2_000).map(records::policy_attached).collect();
    place.bring("a.json", records::lines(&low));
    let live = place.start(&configuration);
    eventually("the flood has begun", || hook.taken().len() > 10);
    place.bring("b.json", records::lines(&[records::account_left(5_000)]));
    eventually("the critical finding is filed", || {
        !beside(&live.state(), &["findings", "list", "--severity", "critical"]).stdout.is_empty()
    });
    let before = hook.taken().len();
    assert!(before < 2_000, "the flood was over before anything could overtake it");
    let place_of_critical =
        || hook.taken().iter().position(|sent| sent.to_string().contains("AccountDepartedOrganization"));
    eventually("the critical finding comes", || place_of_critical().is_some());
    assert!(place_of_critical() <= Some(before + 3), "{:?} with {before} before it", place_of_critical());
}
