//! Versions of a rule with a back door each, in every shape that the compiler gives an ordinary comparison: none gets through.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{DELETED, between, changed, lines, version};
use crate::support::{Ran, Run, pack};

/// The versions that are honest, or have no door that a list of literals could show.
const OTHERS: [&str; 5] = ["honest", "old", "old_count", "stumbles", "door_hidden"];

const BUCKET: &str = "/requestParameters/bucketName";

/// What is told of the verdicts that flip: field, literal and where it was put.
fn flips(ran: &Ran) -> Vec<Value> {
    lines(ran, "flip").iter().map(|flip| json!([flip["field"], flip["literal"], flip["placed"]])).collect()
}

/// Asserts that an upgrade to a version with a door flips these verdicts to silence, and no others.
fn flips_with(door: &str, expected: &[Value]) {
    let ran = between("old", door, &[]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{}", ran.stdout);
    assert_eq!(flips(&ran), expected);
    for flip in lines(&ran, "flip") {
        assert_eq!((&flip["effect"], &flip["case"]), (&json!("silent"), &json!("fires_deleted.json")));
    }
}

/// Lists the versions with their tests, so that none is without.
macro_rules! doors {
    ($($(#[$attribute:meta])* $test:ident: $door:literal, $check:expr;)*) => {
        const DOORS: &[&str] = &[$($door),*];
        $($(#[$attribute])* #[test] fn $test() { $check($door); })*
    };
}

doors! {
    an_account_that_is_compared_as_numbers_is_found: "door_account", |door| {
        flips_with(door, &[json!(["/userIdentity/accountId", "444455556666", ["instead"]])]);
    };
    the_end_of_a_name_is_found: "door_suffix", |door| flips_with(door, &[json!([BUCKET, "-x", ["instead", "behind"]])]);
    the_start_of_a_name_is_found: "door_prefix", |door| {
        flips_with(door, &[json!([BUCKET, "scratch-7f-", ["instead", "before"]])]);
    };
    a_word_inside_of_a_name_is_found: "door_inside", |door| {
        flips_with(door, &[json!([BUCKET, "zugvogel", ["instead", "before", "behind"]])]);
    };
    each_name_of_a_choice_is_found: "door_choice", |door| {
        let long = "a-rather-long-name-of-a-bucket-that-nobody-would-guess";
        flips_with(door, &[long, "amselnest", "spatz"].map(|name| json!([BUCKET, name, ["instead"]])));
    };
    each_name_of_a_list_is_found: "door_list", |door| {
        let friends = ["one", "three", "two"].map(|name| format!("arn:aws:iam::444455556666:user/{name}"));
        flips_with(door, &friends.map(|arn| json!(["/userIdentity/arn", arn, ["instead"]])));
    };
    a_name_in_whichever_letter_case_is_found: "door_any_case", |door| {
        flips_with(door, &[json!([BUCKET, "nachtigall-7", ["instead"]])]);
    };
    a_number_is_found: "door_number", |door| {
        flips_with(door, &[json!(["/additionalEventData/bytesTransferredOut", 4_815_162_342_u64, ["instead"]])]);
    };
    a_letter_a_missing_field_long_lists_and_a_bound_are_found: "door_further", |door| {
        let ran = between("old", door, &[]).run();
        assert_eq!(ran.code, 1);
        let flips = flips(&ran);
        let mut expected = vec![
            json!([BUCKET, "Q", ["instead", "behind"]]),
            json!(["/vpcEndpointId", "vpce-0f1e2d3c4b5a69788", ["added"]]),
            json!(["/additionalEventData/bytesTransferredOut", 81_726_355, ["instead"]]),
        ];
        let names = ["ingolstadt-7", "regensburg-3", "wuerzburg-5", "lager-aachen", "lager-kiel", "lager-trier"];
        expected.extend(names.map(|name| json!([BUCKET, name, ["instead"]])));
        for expected in expected {
            assert!(flips.contains(&expected), "{expected} is not among {flips:?}");
        }
        // Beyond the bound lie other numbers that are new in the code.
        assert_eq!(flips.iter().filter(|flip| flip[1].is_string()).count(), 25);
        let beyond = |flip: &Value| flip[1].as_f64().is_none_or(|number| number > 81_726_354.0);
        assert!(flips.iter().all(beyond), "{flips:?}");
    };
    a_finding_that_becomes_less_severe_is_found: "door_milder", |door| {
        let ran = between("old", door, &[]).run();
        assert_eq!((ran.code, flips(&ran)), (1, vec![json!(["/userAgent", "housekeeping/2", ["instead"]])]));
        assert_eq!(lines(&ran, "flip")[0]["effect"], "milder");
    };
    a_rule_that_looks_back_is_judged_with_all_of_its_story: "door_count", |door| {
        let second = changed(|record| {
            record["requestParameters"]["bucketName"] = json!("backup");
            record["eventTime"] = json!("2026-11-01T10:05:00Z");
            record["eventID"] = json!("5d1f0c3a-0000-4000-8000-000000000002");
        });
        let story = format!("{}\n{second}\n", DELETED.replace('\n', ""));
        let run = between("old_count", door, &[]);
        std::fs::remove_file(run.folder().join("old").join(super::CASE)).expect("it is there");
        std::fs::remove_file(run.folder().join("new").join(super::CASE)).expect("it is there");
        let ran = run.file("new/events/rule/fires_two.ndjson", story).run();
        assert_eq!((ran.code, flips(&ran)), (1, vec![json!([BUCKET, "interim-", ["instead", "before"]])]));
        assert_eq!(lines(&ran, "flip")[0]["events"], 2);
    };
}

#[test]
fn every_version_has_a_test() {
    let built = std::fs::read_dir(pack("tests/upgrade").join("src/bin")).expect("the versions are there");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        path.file_stem().expect("a name").to_string_lossy().into_owned()
    };
    let built: BTreeSet<String> = built.map(name).collect();
    let tested: BTreeSet<String> = DOORS.iter().chain(&OTHERS).map(ToString::to_string).collect();
    assert_eq!(built, tested, "name each version of tests/upgrade in `doors!`, with its test");
}

#[test]
fn what_a_rule_knows_by_its_hash_alone_is_not_found() {
    let ran = between("old", "door_hidden", &[]).run();
    assert_eq!((ran.code, flips(&ran)), (0, Vec::new()), "the help says that it is not");
}

#[test]
fn the_doors_are_shown_together_and_first() {
    let ran = between("old", "door_choice", &["-o", "text"]).run();
    insta::assert_snapshot!(super::shown(&ran));
}

#[test]
fn an_event_that_was_given_opens_a_door_that_no_case_opens() {
    // Without a case in which the rule finds anything there is nothing to put literals into, and this is said.
    let run = || {
        let files = Run::new(["pack", "diff", "old", "new", "-o", "text", "events"]);
        let files =
            files.file("old/pack.toml", super::manifest("1.0.0")).file("new/pack.toml", super::manifest("1.1.0"));
        files.file("old/dist/rule.wasm", version("old")).file("new/dist/rule.wasm", version("door_suffix"))
    };
    let other = changed(|record| record["eventName"] = json!("CreateBucket"));
    let ran = run().file("events/a.json", other).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("not tried: no event in which the new version finds anything"), "{}", ran.stdout);
    let ran = run().file("events/a.json", DELETED).run();
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("BACK DOOR?   \"-x\" in the place of or behind"), "{}", ran.stdout);
}
