//! Rules that change while the service runs.

use std::fs;

use super::{Place, beside};
use crate::live::eventually;
use crate::records;
use crate::support::{Run, pack};

#[test]
fn changed_rules_are_taken_a_broken_set_is_not_and_both_are_told() {
    let place = Place::new();
    let rules = place.folder.path().join("rules");
    fs::create_dir(&rules).expect("the folder can be made");
    let component = |of: &str, name: &str| pack(of).join("dist").join(name);
    let departed = component("rules/aws-organizations", "account_departed.wasm");
    fs::copy(departed, rules.join("a.wasm")).expect("a component can be copied");
    let configuration = format!("{}{}[telemetry]\nlisten = \"127.0.0.1:0\"\n", place.sink(), place.source());
    let run =
        Run::new(["--rules"]).argument(&rules).argument("--state-dir").argument(place.folder.path().join("state"));
    let (mut service, _folder) = run.file("orgwatch.toml", configuration).spawn();
    let has = |text: &str| place.lines().iter().any(|line| line.contains(text));

    place.bring("1.json", records::lines(&[records::policy_attached(1), records::account_left(2)]));
    eventually("the first rule judges", || has("444400000002"));
    let changes = component("rules/cis-aws-foundations", "organizations_changes.wasm");
    fs::copy(changes, rules.join("b.wasm")).expect("a component can be copied");
    let mut number = 10;
    eventually("the second rule judges, too", || {
        number += 1;
        place.bring(&format!("{number}.json"), records::lines(&[records::policy_attached(number)]));
        has("cis.organizations-changes")
    });

    fs::write(rules.join("c.wasm"), "no component").expect("the folder can be written to");
    eventually("the broken set is told", || has("\"orgwatch.reload-failed\""));
    place.bring("2.json", records::lines(&[records::account_left(3)]));
    eventually("the last good rules go on", || has("444400000003"));
    fs::remove_file(rules.join("c.wasm")).expect("a file can be removed");
    eventually("it is told that this is over", || has("Over: Changed rules could not be loaded"));
    service.kill().expect("it can be killed");
    service.wait().expect("it is a child");
}

#[test]
fn a_rule_that_panics_is_told_and_the_gap_closes_when_the_rule_is_mended() {
    let place = Place::new();
    let rules = place.folder.path().join("rules");
    fs::create_dir(&rules).expect("the folder can be made");
    for name in ["panic.wasm", "count_calls.wasm"] {
        fs::copy(pack("tests/guests").join("dist").join(name), rules.join(name)).expect("a component can be copied");
    }
    let state = place.folder.path().join("state");
    let configuration = |component: &str| {
        format!(
            "[rule.\"guest.panic\"]\nenabled = false\n[rule.\"guest.count-calls\"]\nenabled = false\n\
             [rule.\"team.own\"]\nuse = \"{component}\"\nseverity = \"critical\"\n{}{}[telemetry]\nlisten = \"127.0.0.1:0\"\n",
            place.sink(),
            place.source()
        )
    };
    let run = Run::new(["--rules"]).argument(&rules).argument("--state-dir").argument(&state);
    let (mut service, folder) = run.file("orgwatch.toml", configuration("guest.panic")).spawn();
    let has = |text: &str| place.lines().iter().any(|line| line.contains(text));
    let gaps = || beside(&state, &["gaps", "list", "--all", "--output", "json"]).stdout;

    place.bring("1.json", records::lines(&[records::account_left(1)]));
    eventually("the fault is told", || has("\"orgwatch.rule-fault\""));
    let told = place.lines().into_iter().find(|line| line.contains("\"orgwatch.rule-fault\"")).unwrap_or_default();
    assert!(told.contains("\"severity\":\"critical\"") && told.contains("\"rule\":\"team.own\""), "{told}");
    assert!(gaps().contains("\"rule\":\"team.own\"") && gaps().contains("\"closed\":null"), "{}", gaps());

    fs::write(folder.path().join("orgwatch.toml"), configuration("guest.count-calls")).expect("it can be written");
    eventually("the mended rule has judged it", || has("\"title\":\"Called\""));
    eventually("the gap is closed", || !gaps().contains("\"closed\":null"));
    service.kill().expect("it can be killed");
    service.wait().expect("it is a child");
}

#[test]
fn a_hangup_loads_rules_and_settings_anew_and_says_so() {
    let place = Place::new();
    let live = place.start(&place.sink());
    let reloads = || live.told().matches("loaded the rules anew").count();
    eventually("it starts", || live.told().contains(" started"));
    live.signal("HUP");
    eventually("it says so, though nothing has changed", || reloads() == 1);

    let severity = |severity: &str| {
        format!("{}{}[rule.\"org.account-departed\"]\nseverity = \"{severity}\"\n", place.sink(), place.source())
    };
    live.configure(&severity("critical"));
    live.signal("HUP");
    eventually("it loads what has changed", || reloads() > 1);
    place.bring("a.json", records::lines(&[records::account_left(1)]));
    eventually("the new setting holds", || place.findings_of("org.account-departed").len() == 1);
    assert_eq!(place.findings_of("org.account-departed")[0]["severity"], "critical");

    live.configure(&severity("dreadful"));
    live.signal("HUP");
    eventually("it is told that this is no severity", || {
        place.told_of("orgwatch.reload-failed", "rules")
            == ["Changed rules could not be loaded, and the ones before go on"]
    });
    assert!(live.told().contains("the changed rules are not taken, and those before go on: "), "{}", live.told());
    place.bring("b.json", records::lines(&[records::account_left(2)]));
    eventually("the last good setting holds", || place.findings_of("org.account-departed").len() == 2);
    assert_eq!(place.findings_of("org.account-departed")[1]["severity"], "critical");
    let (code, told, _) = live.stop();
    assert_eq!(code, 0, "{told}");
}
