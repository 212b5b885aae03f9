//! Packs of somebody who wants more than is given, against the whole program: each attack meets its refusal, and not one finding comes of it.

use orgwatch_host::pack::packed::Packed;

use super::publisher::{Publisher, TRAIL_STOPPED, packed, run, trusting};
use crate::support::{Ran, Run};

/// Runs a packed file with a signature beside it.
fn load(packed: &Packed, signer: &Publisher, configuration: &str, trusted: &Publisher) -> Ran {
    let file = packed.layout().to_tar();
    let signature = signer.beside(&file);
    run("pack.tar", configuration, trusted).file("pack.tar", file).file("pack.tar.sig", signature).run()
}

/// Asserts that a run was refused, for this reason, and that its rules judged nothing.
#[track_caller]
fn assert_refused(ran: &Ran, reason: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains(reason), "{}", ran.stderr);
}

fn watch(version: &str) -> Packed {
    packed("acme/watch", version, &[TRAIL_STOPPED])
}

#[test]
fn a_pack_that_is_what_it_should_be_finds_what_it_should() {
    let acme = Publisher::new();
    let ran = load(&watch("1.0.0"), &acme, &trusting(""), &acme);
    assert_eq!((ran.code, ran.findings().len()), (0, 1), "{}", ran.stderr);
    assert_eq!(ran.findings()[0]["rule"]["pack"], "acme/watch@1.0.0");
}

#[test]
fn a_pack_that_nobody_signed_is_refused() {
    let acme = Publisher::new();
    let ran = run("pack.tar", &trusting(""), &acme).file("pack.tar", watch("1.0.0").layout().to_tar()).run();
    assert_refused(&ran, "0 of the 1 keys of [[trust.publisher]] `acme` signed it");
}

#[test]
fn the_signature_of_another_pack_is_refused() {
    let acme = Publisher::new();
    let (one, other) = (watch("1.0.0"), watch("1.0.1"));
    let signature = acme.beside(&one.layout().to_tar());
    let ran = run("pack.tar", &trusting(""), &acme)
        .file("pack.tar", other.layout().to_tar())
        .file("pack.tar.sig", signature)
        .run();
    assert_refused(&ran, "0 of the 1 keys");
    // The same in cosign's layout: the signature's manifest is put beside a pack that it does not speak of.
    let (mut one, mut other) = (one, other);
    acme.sign(&mut one);
    let signed = one.layout().signatures(one.digest()).unwrap();
    let digest = other.digest();
    other.layout_mut().sign(digest, signed).unwrap();
    let ran = run("pack.tar", &trusting(""), &acme).file("pack.tar", other.layout().to_tar()).run();
    assert_refused(&ran, "0 of the 1 keys");
}

#[test]
fn a_stolen_key_signs_nothing_outside_its_namespace() {
    let acme = Publisher::new();
    let narrow = trusting("").replace("rules = [\"*\"]", "rules = [\"acme.*\"]");
    let ran = load(&watch("1.0.0"), &acme, &narrow, &acme);
    assert_refused(&ran, "has the rule demo.trail-stopped, and rules of [[trust.publisher]] `acme` may be acme.*");
    let other = packed("orgwatch/watch", "1.0.0", &[TRAIL_STOPPED]);
    let ran = load(&other, &acme, &trusting(""), &acme);
    assert_refused(&ran, "there is no [[trust.publisher]] `orgwatch`");
}

#[test]
fn a_key_that_is_over_signs_nothing() {
    let acme = Publisher::new();
    let over = trusting("") + "expires = \"2024-01-31\"\n";
    let ran = load(&watch("1.0.0"), &acme, &over, &acme);
    assert_refused(&ran, "was over at 2024-02-01T00:00:00Z");
}

#[test]
fn one_key_of_two_is_not_enough_and_the_same_one_twice_neither() {
    let (acme, second) = (Publisher::new(), Publisher::new());
    let both = trusting("required = 2") + "[[trust.publisher.key]]\nfile = \"second.pub\"\n";
    let file = watch("1.0.0").layout().to_tar();
    let signed = |signatures: Vec<u8>| {
        run("pack.tar", &both, &acme)
            .file("second.pub", second.public())
            .file("pack.tar", &file)
            .file("pack.tar.sig", signatures)
            .run()
    };
    let (one, other) = (acme.beside(&file), second.beside(&file));
    assert_refused(&signed(one.clone()), "1 of the 2 keys");
    let ran = signed([one.clone(), one.clone()].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    let ran = signed([one, other].concat());
    assert_eq!((ran.code, ran.findings().len()), (0, 1), "{}", ran.stderr);
}

#[test]
fn an_older_version_served_again_is_refused_unless_that_is_allowed() {
    let acme = Publisher::new();
    let state = tempfile::tempdir().unwrap();
    let load = |version: &str, more: &str| {
        let file = watch(version).layout().to_tar();
        let signature = acme.beside(&file);
        run("pack.tar", &trusting(more), &acme)
            .env("ORGWATCH_STATE_DIR", state.path().to_str().unwrap())
            .file("pack.tar", file)
            .file("pack.tar.sig", signature)
            .run()
    };
    assert_eq!(load("1.0.0", "").code, 0);
    assert_eq!(load("1.2.0", "").code, 0);
    assert_refused(&load("1.0.0", ""), "acme/watch@1.0.0 is a lower version than 1.2.0");
    assert_eq!(load("1.0.0", "allow_rollback = true").code, 0);
    assert_refused(&load("1.1.0", ""), "acme/watch@1.1.0 is a lower version than 1.2.0");
}

#[test]
fn imports_that_are_wider_than_before_are_refused() {
    let acme = Publisher::new();
    let wider = packed("acme/watch", "1.1.0", &[TRAIL_STOPPED, "rules/generic/dist/pattern.wasm"]);
    let ran = load(&wider, &acme, &trusting(""), &acme);
    assert_refused(&ran, "pattern of acme/watch@1.1.0 looks back at earlier events");
    let reads = packed("acme/watch", "1.1.0", &["rules/aws-organizations/dist/account_departed.wasm"]);
    assert_refused(
        &load(&reads, &acme, &trusting(""), &acme),
        "org.account-departed of acme/watch@1.1.0 reads the table `accounts`",
    );
}

#[test]
fn a_severity_above_the_ceiling_is_refused() {
    let acme = Publisher::new();
    let ran = load(&watch("1.0.0"), &acme, &trusting("max_severity = \"medium\""), &acme);
    assert_refused(&ran, "demo.trail-stopped of acme/watch@1.0.0 has the severity high");
}

#[test]
fn fuel_above_the_ceiling_is_refused() {
    let acme = Publisher::new();
    let ran = load(&watch("1.0.0"), &acme, &trusting("max_fuel = 1000"), &acme);
    assert_refused(&ran, "units of fuel on an event of its own tests");
}

#[test]
fn a_damaged_pack_is_refused_and_stops_no_other() {
    let acme = Publisher::new();
    let mut file = watch("1.0.0").layout().to_tar();
    let signature = acme.beside(&file);
    let last = file.len() - 3000;
    file[last] ^= 1;
    let ran = run("pack.tar", &trusting("").replace("[trust]", "[trust]\nlocal = \"allow\""), &acme)
        .file("pack.tar", file)
        .file("pack.tar.sig", signature)
        .link("good", crate::support::pack("examples/first-rule"))
        .argument("--rules")
        .argument("good")
        .run();
    assert_eq!((ran.code, ran.findings().len()), (2, 1), "{}", ran.stderr);
    assert!(ran.stderr.contains("error: the rules of `pack.tar` are not loaded: "), "{}", ran.stderr);
}

#[test]
fn without_a_policy_a_file_runs_with_a_warning_and_a_registry_is_not_believed() {
    let acme = Publisher::new();
    let file = watch("1.0.0").layout().to_tar();
    let ran = run("pack.tar", "", &acme).file("pack.tar", file).run();
    assert_eq!((ran.code, ran.findings().len()), (0, 1), "{}", ran.stderr);
    assert!(ran.stderr.contains("runs without bounds, whoever signed it"), "{}", ran.stderr);
}

#[test]
fn what_is_not_in_the_lock_file_or_otherwise_there_is_refused() {
    let acme = Publisher::new();
    let file = watch("1.0.0").layout().to_tar();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pack.tar"), &file).unwrap();
    let at = |arguments: &[&str]| {
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        let config = folder.path().join("orgwatch.toml").to_str().unwrap().to_owned();
        let rules = folder.path().join("pack.tar").to_str().unwrap().to_owned();
        Run::new(arguments.chain(["--config".to_owned(), config, "--rules".to_owned(), rules]))
            .file("events", run("x", "", &acme).folder().join("events").to_str().unwrap())
    };
    std::fs::write(folder.path().join("orgwatch.toml"), "").unwrap();
    let none = at(&["events", "--locked"]).run();
    assert_eq!(none.code, 3, "{}", none.stderr);
    assert!(none.stderr.contains("`orgwatch-host pack lock` writes it"), "{}", none.stderr);
    let locked = at(&["pack", "lock"]).run();
    assert_eq!(locked.code, 0, "{}", locked.stderr);
    assert!(std::fs::read_to_string(folder.path().join("orgwatch.lock")).unwrap().contains("place = \"pack.tar\""));
    assert_ne!(at(&["rules", "list", "--locked"]).run().stdout, "");
    std::fs::write(folder.path().join("pack.tar"), watch("1.0.1").layout().to_tar()).unwrap();
    let moved = at(&["rules", "list", "--locked"]).run();
    assert_refused(&moved, "and orgwatch.lock says sha256:");
    let followed = at(&["rules", "list"]).run();
    assert_eq!(followed.code, 0, "{}", followed.stderr);
}
