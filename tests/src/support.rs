//! What the tests share: the program, the built rules and guests, and folders that go away.

use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use orgwatch_host::rule::{RuleFile, discover};
use orgwatch_host::sandbox::Limits;
use tempfile::TempDir;
use wait_timeout::ChildExt as _;

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace")
}

/// The program under test. Building it here means that no order of commands can test an old one.
pub(crate) fn host() -> &'static Path {
    static HOST: LazyLock<PathBuf> = LazyLock::new(|| {
        let mut cargo = Command::new(env!("CARGO"));
        // What cargo tells a test of its own package would make it build again what watches those variables.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(name);
            }
        }
        let cargo = cargo
            // With the tests beside it, which are built already, so that no dependency is built twice for other features.
            .args(["build", "--quiet", "--workspace", "--tests", "--bin", "orgwatch-host", "--message-format=json"])
            .current_dir(root())
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(cargo.status.success(), "the host does not build");
        let messages = String::from_utf8(cargo.stdout).expect("cargo writes UTF-8");
        let mut executable = messages.lines().filter_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            let is_host = message["target"]["name"] == "orgwatch-host" && message["profile"]["test"] == false;
            Some(message["executable"].as_str().filter(|_| is_host)?.to_owned())
        });
        executable.next_back().expect("cargo names the executable").into()
    });
    &HOST
}

/// The folder of a pack whose rules are built, or of several: each once for all tests.
pub(crate) fn pack(path: &str) -> PathBuf {
    const FOLDERS: [&str; 4] = ["rules", "examples/first-rule", "tests/guests", "tests/upgrade"];
    static BUILT: [OnceLock<bool>; FOLDERS.len()] = [const { OnceLock::new() }; FOLDERS.len()];
    let place = FOLDERS.iter().position(|folder| path.starts_with(folder)).expect("the path is one of a pack");
    let built = BUILT[place].get_or_init(|| {
        let mut build = Command::new(host());
        build.arg("build").arg(root().join(FOLDERS[place])).status().expect("the host runs").success()
    });
    assert!(built, "{} does not build", FOLDERS[place]);
    root().join(path)
}

/// The packs that the project ships with few of their rules: what is tested about the program with them should not change with each new rule.
pub(crate) fn few_rules() -> &'static Path {
    const FEW: [&str; 4] = [
        "aws-organizations/dist/account_departed.wasm",
        "aws-organizations/dist/unexpected_join.wasm",
        "cis-aws-foundations/dist/organizations_changes.wasm",
        "generic/dist/pattern.wasm",
    ];
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = host().parent().expect("the program lies in a folder").join("test-rules");
        // What an earlier run left may be of other rules.
        let _ = fs::remove_dir_all(&folder);
        for file in FEW {
            let (from, to) = (pack("rules").join(file), folder.join(file));
            let manifest = |file: &Path| file.ancestors().nth(2).expect("it lies in a pack").join("pack.toml");
            fs::create_dir_all(to.parent().expect("a file has a folder")).expect("the folder can be made");
            fs::copy(&from, &to).expect("the rule is built");
            fs::copy(manifest(&from), manifest(&to)).expect("a pack has a manifest");
        }
        folder
    });
    &FOLDER
}

/// The rules that the project ships, built, as the host finds them.
pub(crate) fn rules() -> Vec<RuleFile> {
    let limits = Limits::default();
    let found = discover(&pack("rules")).expect("rules/ holds packs");
    found.files(&limits).expect("the packs are built")
}

/// How long a run of the program may take that is expected to end.
const PATIENCE: Duration = Duration::from_mins(5);

/// Reads a pipe to its end, so that whoever writes into it does not wait.
fn gather(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).expect("the pipe holds UTF-8");
        text
    })
}

/// Waits for the end of a process and returns how it ended and what it wrote to its pipes. One that takes longer than this is ended, with no status.
pub(crate) fn outcome(mut child: Child, within: Duration) -> (Option<ExitStatus>, String, String) {
    let stdout = child.stdout.take().map(gather);
    let stderr = child.stderr.take().map(gather);
    let status = child.wait_timeout(within).expect("it is a child");
    if status.is_none() {
        child.kill().expect("it can be killed");
        child.wait().expect("it is a child");
    }
    let [stdout, stderr] =
        [stdout, stderr].map(|pipe| pipe.map(|pipe| pipe.join().expect("output is UTF-8")).unwrap_or_default());
    (status, stdout, stderr)
}

/// The most memory that a process has had so far, in KiB.
#[cfg(target_os = "linux")]
pub(crate) fn peak_of_memory(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process is there");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel tells the peak");
    peak.trim().trim_end_matches(" kB").parse().expect("the peak is a number")
}

/// A run of the program in an empty folder of its own, with a cache of its own for all tests, and none of the caller's settings.
pub(crate) struct Run {
    command: Command,
    stdout: Option<Stdio>,
    input: Vec<u8>,
    folder: TempDir,
}

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn new<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(host());
        command.args(arguments).current_dir(folder.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ORGWATCH_") {
                command.env_remove(name);
            }
        }
        command.env("XDG_CACHE_HOME", cache());
        for name in ["NO_COLOR", "COLUMNS", "TERM"] {
            command.env_remove(name);
        }
        Self { command, stdout: None, input: Vec::new(), folder }
    }

    /// Puts a file into the run's folder.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
        fs::write(path, content).expect("the file can be written");
        self
    }

    /// Puts something of the workspace into the run's folder, so that messages name it alike on every machine.
    pub(crate) fn link(self, name: &str, target: impl AsRef<Path>) -> Self {
        symlink(target, self.folder.path().join(name)).expect("the link can be made");
        self
    }

    /// Puts some of the rules that the project ships into the run's folder, built, as `rules`: [`few_rules`].
    pub(crate) fn with_rules(self) -> Self {
        self.link("rules", few_rules())
    }

    /// Puts the packs that the project ships into the run's folder, built, as `rules`.
    pub(crate) fn with_all_rules(self) -> Self {
        self.link("rules", pack("rules"))
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sets what the program reads from standard input.
    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// The run's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sends the findings somewhere else than into a pipe.
    pub(crate) fn stdout(mut self, stdout: Stdio) -> Self {
        self.stdout = Some(stdout);
        self
    }

    /// Starts the program with pipes for its streams. The folder goes away when what is returned with the process does.
    pub(crate) fn spawn(mut self) -> (Child, TempDir) {
        let stdout = self.stdout.take().unwrap_or_else(Stdio::piped);
        self.command.stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped());
        (self.command.spawn().expect("the host runs"), self.folder)
    }

    pub(crate) fn run(mut self) -> Ran {
        let input = std::mem::take(&mut self.input);
        let (mut child, _folder) = self.spawn();
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        let writer = thread::spawn(move || {
            // A program that ends before it has read everything closes the pipe.
            let _ = stdin.write_all(&input);
        });
        let (status, stdout, stderr) = outcome(child, PATIENCE);
        writer.join().expect("the writer does not panic");
        let Some(status) = status else { panic!("it did not end within {PATIENCE:?}\n{stderr}") };
        Ran { code: status.code().unwrap_or(-1), stdout, stderr }
    }
}

impl Ran {
    /// What the user is told beside the findings: the exit code and the messages, without the time that the summary ends with.
    pub(crate) fn told(&self) -> String {
        let mut told = format!("exit {}\n", self.code);
        for line in self.stderr.lines() {
            let timed = line.starts_with("read ") && line.ends_with(" s");
            let line = if timed { line.rsplit_once("; ").map_or(line, |(line, _)| line) } else { line };
            told.push_str(line);
            told.push('\n');
        }
        told
    }

    /// The findings, one JSON object a line.
    pub(crate) fn findings(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("a finding is JSON")).collect()
    }
}

/// A cache of compiled rules for all tests of this run, beside the program.
pub(crate) fn cache() -> PathBuf {
    host().parent().expect("the program lies in a folder").join("test-cache")
}
