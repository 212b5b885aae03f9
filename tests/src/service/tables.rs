//! The operator's tables: checked before anything runs, and read again when they change.

use std::fs;

use super::Place;
use crate::live::eventually;
use crate::records;
use crate::support::{Run, pack};

const ACCOUNTS: &str = "[[table]]\nname = \"accounts\"\npath = \"accounts.csv\"\nkey = \"account\"\n";

#[test]
fn a_table_that_cannot_be_used_stops_the_start_and_says_where_and_why() {
    for arguments in [&["--rules", "rules", "events"][..], &["config", "check", "--rules", "rules"]] {
        let ran = Run::new(arguments)
            .with_rules()
            .file("events", records::lines(&[records::account_left(1)]))
            .file("orgwatch.toml", ACCOUNTS)
            .file("accounts.csv", "account,name\n111122223333,One\n111122223333,Two\n")
            .run();
        let message = "error: the table `accounts.csv` cannot be used: line 3, column `account`: `111122223333` stands in line 2 already\nhint: keep one of the two lines\n";
        assert_eq!((ran.code, ran.stderr.as_str()), (3, message));
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn a_table_lies_beside_the_configuration_that_names_it() {
    let ran = Run::new(["config", "check", "--rules", "rules", "--config", "deep/orgwatch.toml"])
        .with_rules()
        .file("deep/orgwatch.toml", ACCOUNTS)
        .file("deep/accounts.csv", "account,name\n111122223333,One\n")
        .run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains(", 1 table, "), "{}", ran.stdout);
}

#[test]
fn a_table_that_a_rule_reads_and_nobody_configured_is_told_by_config_check() {
    let check = |configuration: &str| {
        Run::new(["config", "check", "--rules", "rule.wasm"])
            .link("rule.wasm", pack("tests/guests").join("dist/looks_back.wasm"))
            .file("accounts.csv", "account,name\n111122223333,One\n")
            .file("orgwatch.toml", configuration)
            .run()
    };
    let without = check("");
    let warning = "warning: guest.looks-back reads the table `accounts`, which is not configured: to the rule it is empty\nhint: add a [[table]] with name = \"accounts\"\n";
    assert_eq!((without.code, without.stderr.as_str()), (0, warning));
    let with = check(ACCOUNTS);
    assert_eq!((with.code, with.stderr.as_str()), (0, ""));
}

#[test]
fn a_changed_table_that_cannot_be_used_leaves_the_last_good_one_and_is_told() {
    let place = Place::new();
    let run = Run::new(["--rules", "rules", "--state-dir"]).argument(place.folder.path().join("state")).with_rules();
    let configuration = format!("{ACCOUNTS}{}{}[telemetry]\nlisten = \"127.0.0.1:0\"\n", place.sink(), place.source());
    let (mut service, folder) =
        run.file("orgwatch.toml", configuration).file("accounts.csv", "account,name\n111122223333,One\n").spawn();
    let table = folder.path().join("accounts.csv");
    let has = |text: &str| place.lines().iter().any(|line| line.contains(text));
    place.bring("1.json", records::lines(&[records::account_left(1)]));
    eventually("the service judges", || has("444400000001"));
    fs::write(&table, "account,name\n1.11122E+11,One\n").expect("it can be written");
    eventually("the broken table is told", || has("\"orgwatch.reload-failed\"") && has("1.11122E+11"));
    place.bring("2.json", records::lines(&[records::account_left(2)]));
    eventually("the last good set goes on", || has("444400000002"));
    fs::write(&table, "account,name\n444400000001,Two\n").expect("it can be written");
    eventually("it is told that this is over", || has("Over: Changed rules could not be loaded"));
    service.kill().expect("it can be killed");
    service.wait().expect("it is a child");
}
