//! People who mean well, and machines that change under them: nothing is lost without a word.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::process::Command;

use orgwatch_host::digest::Digest;
use tempfile::TempDir;

use super::publisher::{Publisher, TRAIL_STOPPED, folder, packed, run, trusting};
use crate::support::{Ran, Run, pack};

/// Runs a command with a configuration that lies in a folder of its own.
fn at(folder: &Path, arguments: &str) -> Ran {
    let configuration = folder.join("orgwatch.toml");
    let configuration = configuration.to_str().expect("it is text");
    let arguments = arguments.split(' ').chain(["--config", configuration]);
    Run::new(arguments).env("ORGWATCH_STATE_DIR", folder.join("state").to_str().expect("it is text")).run()
}

/// A folder with a configuration, and two rules in `rules/`, that are locked.
fn locked() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("rules")).expect("a folder can be made");
    fs::write(folder.path().join("orgwatch.toml"), "[[rules]]\npath = \"rules\"\n")
        .expect("the folder can be written to");
    for rule in [TRAIL_STOPPED, "rules/aws-organizations/dist/account_departed.wasm"] {
        let built = pack(rule);
        fs::copy(&built, folder.path().join("rules").join(built.file_name().expect("a file has a name")))
            .expect("it is built");
    }
    let ran = at(folder.path(), "pack lock");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    folder
}

#[test]
fn a_locked_rule_that_was_taken_away_is_missed() {
    let folder = locked();
    assert_eq!(at(folder.path(), "rules --locked").code, 0);
    fs::remove_file(folder.path().join("rules/account_departed.wasm")).unwrap();
    let ran = at(folder.path(), "rules --locked");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("the rules of `rules/account_departed.wasm` are not loaded"), "{}", ran.stderr);
    // The others are there nevertheless.
    assert!(ran.stdout.contains("demo.trail-stopped"), "{}", ran.stdout);
    assert_eq!(at(folder.path(), "pack lock").code, 0);
    assert_eq!(at(folder.path(), "rules --locked").code, 0);
}

#[test]
fn where_every_place_is_refused_nothing_is_run() {
    let acme = Publisher::new();
    let unknown = packed("acme/watch", "1.0.0", &[TRAIL_STOPPED]).layout().to_tar();
    let ran = run("one.tar:two.tar", "[trust]\n", &acme).file("one.tar", &unknown).file("two.tar", &unknown).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    for refusal in ["the rules of `one.tar` are not loaded", "the rules of `two.tar` are not loaded"] {
        assert!(ran.stderr.contains(refusal), "{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("0 findings"), "{}", ran.stderr);
}

#[test]
fn the_folder_of_something_else_is_not_written_over() {
    let source = folder("acme/watch", "1.0.0", &[TRAIL_STOPPED]);
    let out = tempfile::tempdir().unwrap();
    let build = || {
        let arguments = ["pack", "build", "--layout", "--out"];
        Run::new(arguments).argument(out.path()).argument(source.path()).run()
    };
    // Empty, and what it made itself.
    for _ in 0..2 {
        let ran = build();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    // An image beside it, as another program adds it.
    let index = out.path().join("index.json");
    let text = fs::read_to_string(&index).unwrap();
    let image = r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}"#;
    fs::write(&index, text.replace("\"manifests\":[", &format!("\"manifests\":[{image},"))).unwrap();
    let blob = out.path().join("blobs/sha256/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    fs::write(&blob, "{}").unwrap();
    let ran = build();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("holds something else than a pack"), "{}", ran.stderr);
    assert_eq!(fs::read(&blob).unwrap(), b"{}");
}

#[test]
fn what_is_no_plain_file_is_written_to_and_not_replaced() {
    let source = folder("acme/watch", "1.0.0", &[TRAIL_STOPPED]);
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap()
    });
    let ran = Run::new(["pack", "build", "--out"]).argument(&pipe).argument(source.path()).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert_eq!(&reader.join().unwrap()[257..262], b"ustar");
}

#[test]
fn a_lock_file_does_not_turn_a_reference_with_a_digest_into_another_pack() {
    let folder = tempfile::tempdir().unwrap();
    let [meant, locked] = ["a", "b"].map(|text| Digest::of(text).tagged());
    // Nobody listens there: it is refused before anybody is asked.
    let place = format!("oci://localhost:1/acme/watch@{meant}");
    fs::write(folder.path().join("orgwatch.toml"), format!("[[rules]]\npath = \"{place}\"\n")).unwrap();
    let lock = format!("version = 1\n[[pack]]\nplace = \"{place}\"\ndigest = \"{locked}\"\n");
    fs::write(folder.path().join("orgwatch.lock"), lock).unwrap();
    for arguments in ["rules", "rules --locked"] {
        let ran = at(folder.path(), arguments);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("it is {meant} now, and orgwatch.lock says {locked}")), "{}", ran.stderr);
    }
}

#[test]
fn every_command_looks_at_the_state_directory_that_the_environment_names() {
    let acme = Publisher::new();
    let folder = tempfile::tempdir().unwrap();
    let file = packed("acme/watch", "1.0.0", &[TRAIL_STOPPED]).layout().to_tar();
    fs::write(folder.path().join("pack.tar.sig"), acme.beside(&file)).unwrap();
    fs::write(folder.path().join("pack.tar"), file).unwrap();
    fs::write(folder.path().join("acme.pub"), acme.public()).unwrap();
    let configuration = trusting("") + "[[rules]]\npath = \"pack.tar\"\n";
    fs::write(folder.path().join("orgwatch.toml"), configuration).unwrap();
    fs::create_dir_all(folder.path().join("state/packs")).unwrap();
    let seen = folder.path().join("state/packs/seen.json");
    let before = r#"{"versions":{"acme/watch":"2.0.0"},"references":{}}"#;
    fs::write(&seen, before).unwrap();
    let ran = at(folder.path(), "rules");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("acme/watch@1.0.0 is a lower version than 2.0.0"), "{}", ran.stderr);
    // To look at rules is not to load them: what was loaded stays as it was.
    fs::write(&seen, before.replace("2.0.0", "0.1.0")).unwrap();
    assert_eq!(at(folder.path(), "rules").code, 0);
    assert!(fs::read_to_string(&seen).unwrap().contains("0.1.0"));
}
