//! Source files.

use super::{files, name, read};
use crate::support::root;

/// Names that say nothing about what a file holds.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "manager", "misc", "imp"];

const LONGEST: usize = 600;

fn sources() -> Vec<std::path::PathBuf> {
    files("", "rs")
}

#[test]
fn no_file_is_longer_than_six_hundred_lines() {
    for path in sources() {
        let lines = read(&path).lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines: divide it by what its parts are about", name(&path));
    }
}

#[test]
fn every_file_is_named_for_what_it_holds() {
    for path in sources() {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let parent =
            path.parent().and_then(|folder| folder.file_name()).unwrap_or_default().to_string_lossy().into_owned();
        let empty = EMPTY_NAMES.iter().any(|name| stem == *name || parent == *name);
        assert!(!empty, "{}: name it after the noun of the program that it holds", name(&path));
    }
}

#[test]
fn every_module_says_what_it_is() {
    for path in sources() {
        let opens = read(&path)
            .lines()
            .find(|line| !line.starts_with("#!") && !line.is_empty())
            .is_some_and(|line| line.starts_with("//!"));
        assert!(opens, "{}: open the file with `//!` and what it holds", name(&path));
    }
}

#[test]
fn rules_and_their_sdk_have_no_hash_maps() {
    for path in [files("rules-sdk/src", "rs"), files("rules", "rs"), files("examples", "rs")].concat() {
        for (number, line) in read(&path).lines().enumerate() {
            let hashed = ["HashMap", "HashSet", "RandomState"].iter().any(|word| line.contains(word));
            assert!(
                !hashed,
                "{}:{}: use BTreeMap or BTreeSet: a hash's seed would be frozen in the rule's snapshot",
                name(&path),
                number + 1
            );
        }
    }
}

#[test]
fn the_lint_bans_hash_maps_too() {
    let lints = read(&root().join("clippy.toml"));
    for path in ["std::collections::HashMap", "std::collections::HashSet"] {
        let banned = lints.split("disallowed-types").nth(1).is_some_and(|types| types.contains(path));
        assert!(banned, "clippy.toml: put {path} into disallowed-types");
    }
    for manifest in files("", "toml").iter().filter(|path| path.ends_with("Cargo.toml")) {
        let text = read(manifest);
        let covered = text.contains("[lints]\nworkspace = true") || text.contains("[workspace.lints");
        assert!(covered, "{}: put `[lints]` with `workspace = true` into it", name(manifest));
    }
}
