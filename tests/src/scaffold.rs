//! Writing rules of one's own: what `new` writes and refuses, rules out of patterns, and what `build` says.

mod building;
mod pattern;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::{Ran, cache, host, outcome, root};

/// How long a command may take. One that fetches and builds crates takes minutes on a small machine that does other things beside.
const PATIENCE: Duration = Duration::from_mins(20);

/// A folder outside the workspace, with a state folder of its own.
struct Outside(TempDir);

impl Outside {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
        fs::write(path, content).expect("the file can be written");
    }

    /// Runs the host in this folder.
    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
        let mut command = host_in(self.0.path());
        command.args(arguments).env("XDG_STATE_HOME", self.path("state")).envs(environment.iter().copied());
        ran(command)
    }
}

/// A run of the host in a folder, without the caller's settings.
fn host_in(folder: &Path) -> Command {
    let mut command = Command::new(host());
    command.current_dir(folder).env_remove("NO_COLOR").env_remove("COLUMNS").env("XDG_CACHE_HOME", cache());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ORGWATCH_") {
            command.env_remove(name);
        }
    }
    command
}

fn ran(mut command: Command) -> Ran {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let (status, stdout, stderr) = outcome(child.expect("it runs"), PATIENCE);
    let Some(status) = status else { panic!("{command:?} did not end within {PATIENCE:?}:\n{stdout}{stderr}") };
    let [stdout, stderr] =
        [stdout, stderr].map(|text| text.replace(&root().to_string_lossy().into_owned(), "CHECKOUT"));
    Ran { code: status.code().unwrap_or(-1), stdout, stderr }
}

/// All files of a folder with what is in them.
fn written(folder: &Path) -> String {
    let mut paths = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() { folders.push(path) } else { paths.push(path) }
        }
    }
    paths.sort();
    let mut text = String::new();
    for path in paths {
        let content = fs::read_to_string(&path).expect("the file can be read");
        let name = path.strip_prefix(folder).expect("it lies there").display().to_string();
        let content = content.replace(&root().to_string_lossy().into_owned(), "CHECKOUT");
        let _ = writeln!(text, "=== {name}\n{content}");
    }
    text
}

/// Asserts that rustfmt would change nothing in the rules of a pack, with its own settings and not those of a folder above.
fn assert_well_formed(pack: &Path) {
    let rules = fs::read_dir(pack.join("src/bin")).expect("a pack has rules");
    let rules = rules.map(|rule| rule.expect("the folder can be read").path());
    let output = Command::new("rustfmt")
        .args(["--check", "--edition", "2024", "--config", "max_width=100,use_small_heuristics=Default"])
        .args(rules)
        .output();
    let output = output.expect("rustfmt is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Asserts that a terminal of the usual width shows each line as one.
fn assert_narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn new_writes_a_pack_and_says_what_comes_next() {
    let outside = Outside::new();
    let ran = outside.run(&["new", "my-rules"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!("new", ran.stdout);
    insta::assert_snapshot!("new-files", written(&outside.path("my-rules")));
    assert_well_formed(&outside.path("my-rules"));
    assert_narrow(&ran.stdout);
}

#[test]
fn new_takes_the_packs_name_and_the_sdks_repository() {
    let outside = Outside::new();
    let ran = outside.run(&[
        "new",
        "x",
        "--id",
        "acme/cloud",
        "--sdk",
        "https://example.com/orgwatch.git",
        "--rule",
        "root_used",
    ]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let read = |name: &str| fs::read_to_string(outside.path("x").join(name)).expect("the file is written");
    assert!(read("pack.toml").contains("id = \"acme/cloud\""));
    assert!(read("Cargo.toml").contains("orgwatch-rules-sdk = { git = \"https://example.com/orgwatch.git\" }"));
    assert!(read(".github/workflows/rules.yml").contains("--git 'https://example.com/orgwatch.git' orgwatch-host"));
    assert!(read("src/bin/root_used.rs").contains("id: \"cloud.root-used\""));
    assert!(outside.path("x/events/root_used/cases.toml").is_file());
}

#[test]
fn a_pack_gets_one_rule_more() {
    let outside = Outside::new();
    outside.run(&["new", "my-rules"]);
    let before = written(&outside.path("my-rules"));
    let ran = outside.run(&["new", "--rule", "trail_stopped", "my-rules"]);
    insta::assert_snapshot!("new-rule", ran.stdout);
    // The longest name that there may be, to see that it still fits; and the pack of the current folder.
    let longest = "somebody_did_something_to_somethings_end";
    let mut here = host_in(&outside.path("my-rules"));
    here.args(["new", "--rule", longest]).env("XDG_STATE_HOME", outside.path("state"));
    assert_eq!((longest.len(), ran_code(here)), (40, 0));
    assert_well_formed(&outside.path("my-rules"));
    let after = written(&outside.path("my-rules"));
    for file in before.split("=== ").filter(|file| !file.is_empty()) {
        assert!(after.contains(file), "changed: {file}");
    }
    assert!(after.contains("=== events/trail_stopped/cases.toml"), "{after}");
}

fn ran_code(command: Command) -> i32 {
    ran(command).code
}

#[test]
fn what_cannot_be_written_is_refused_with_the_reason() {
    let outside = Outside::new();
    outside.run(&["new", "pack"]);
    let before = written(&outside.path("pack"));
    outside.file("half/README.md", "mine");
    outside.file("file", "");
    outside.file("empty/file", "");
    let refused: [&[&str]; 18] = [
        &["new"],
        &["new", "--rule", "trail_stopped"],
        &["new", "pack"],
        &["new", "pack", "--rule", "policy_detached"],
        &["new", "pack", "--rule", "trail_stopped", "--id", "me/pack"],
        &["new", "half"],
        &["new", "file"],
        &["new", "42"],
        &["new", "x", "--id", "rules"],
        &["new", "x", "--id", "me/4rules"],
        &["new", "x", "--id", "me/orgwatch"],
        &["new", "x", "--rule", "Trail-Stopped"],
        &["new", "x", "--rule", "type"],
        &["new", "x", "--rule", "event"],
        &["new", "x", "--sdk", "missing"],
        &["new", "x", "--sdk", "empty"],
        &["new", "x", "--sdk", "git@example.com:orgwatch.git"],
        &["new", "x", "--events", "file"],
    ];
    let mut told = String::new();
    for arguments in refused {
        let ran = outside.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{arguments:?}");
        let stderr = ran.stderr.replace(&*outside.0.path().to_string_lossy(), "FOLDER");
        let _ = writeln!(told, "$ orgwatch-host {}\n{stderr}", arguments.join(" "));
    }
    assert_narrow(&told);
    insta::assert_snapshot!("new-refused", told);
    assert_eq!(written(&outside.path("pack")), before);
    assert_eq!(fs::read_to_string(outside.path("half/README.md")).expect("it is there"), "mine");
    assert!(!outside.path("x").exists() && !outside.path("half/Cargo.toml").exists());
}

#[test]
fn a_program_outside_its_checkout_has_to_be_told_where_the_sdk_is() {
    let outside = Outside::new();
    let program = outside.path("orgwatch-host");
    fs::copy(host(), &program).expect("the program can be copied");
    let mut command = Command::new(&program);
    command.args(["new", "my-rules"]).current_dir(outside.0.path()).env("XDG_STATE_HOME", outside.path("state"));
    let told = ran(command);
    assert_eq!(told.code, 3);
    insta::assert_snapshot!("new-without-an-sdk", told.stderr);
}

#[test]
fn five_minutes_are_enough_from_nothing_to_a_finding() {
    let mut script = Command::new("sh");
    script.arg(root().join("tests/five_minutes.sh")).arg(host());
    let ran = ran(script);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("from nothing to a finding in "), "{}{}", ran.stdout, ran.stderr);
}
