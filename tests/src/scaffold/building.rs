//! What `build` says before and instead of building.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{Outside, assert_narrow};

#[test]
fn without_cargo_it_says_what_to_install() {
    let outside = Outside::new();
    outside.run(&["new", "my-rules"]);
    let ran = outside.run_with(&["build", "my-rules"], &[("PATH", "")]);
    assert_eq!(ran.code, 2);
    assert_narrow(&ran.stderr);
    insta::assert_snapshot!("build-without-cargo", ran.stderr);
}

#[test]
fn without_the_target_it_says_what_to_install() {
    let outside = Outside::new();
    outside.run(&["new", "my-rules"]);
    // A compiler that knows the target and has nothing for it, and an installer that cannot get it.
    for (name, text) in [
        ("rustc", "#!/bin/sh\necho /nowhere/wasm32-unknown-unknown/lib\n"),
        ("rustup", "#!/bin/sh\nexit 1\n"),
        ("cargo", "#!/bin/sh\necho cargo must not be run >&2\nexit 1\n"),
    ] {
        outside.file(&format!("bin/{name}"), text);
        fs::set_permissions(outside.path("bin").join(name), fs::Permissions::from_mode(0o755)).expect("it is mine");
    }
    let path = outside.path("bin").to_string_lossy().into_owned();
    let ran = outside.run_with(&["build", "my-rules"], &[("PATH", &path)]);
    assert_eq!(ran.code, 2);
    assert_narrow(&ran.stderr);
    insta::assert_snapshot!("build-without-the-target", ran.stderr);
    fs::remove_file(outside.path("bin/rustup")).expect("it is there");
    assert_eq!(outside.run_with(&["build", "my-rules"], &[("PATH", &path)]).stderr, ran.stderr, "without rustup");
}

/// How the note begins that somebody else's code is about to run here.
const NOTE: &str = "note: building `";

#[test]
fn it_says_whose_build_scripts_run_unless_they_are_ones_own() {
    let outside = Outside::new();
    outside.run(&["new", "own"]);
    fs::create_dir(outside.path("packs")).expect("it is new");
    for name in ["one", "two"] {
        outside.file(
            &format!("packs/{name}/pack.toml"),
            &fs::read_to_string(outside.path("own/pack.toml")).expect("it is written"),
        );
    }
    // Without cargo nothing is built; the note comes before.
    let build = |path: &str| outside.run_with(&["build", path], &[("PATH", "")]).stderr;
    assert!(!build("own").contains(NOTE), "{}", build("own"));
    insta::assert_snapshot!("build-somebody-elses", build("packs/one"));
    // Moved, it is no longer where `new` made it; and what lies there now is not what `new` made.
    fs::rename(outside.path("own"), outside.path("moved")).expect("it is mine");
    assert!(build("moved").contains(NOTE));
}
