//! What the tests share: the program, the built rules and guests, and folders that go away.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

/// The workspace's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace")
}

/// The program under test. Building it here means that no order of commands can test an old one.
pub fn host() -> &'static Path {
    static HOST: LazyLock<PathBuf> = LazyLock::new(|| {
        let cargo = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "-p", "orgwatch-host", "--message-format=json"])
            .current_dir(root())
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(cargo.status.success(), "the host does not build");
        let messages = String::from_utf8(cargo.stdout).expect("cargo writes UTF-8");
        let executable = messages.lines().filter_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(message["executable"].as_str()?.to_owned())
        });
        executable.last().expect("cargo names the executable").into()
    });
    &HOST
}

/// The folder of a pack whose rules are built.
pub fn pack(path: &str) -> PathBuf {
    static BUILT: LazyLock<()> = LazyLock::new(|| {
        for folder in ["rules", "examples/first-rule", "tests/guests"] {
            let status = Command::new(host()).arg("build").arg(root().join(folder)).status().expect("the host runs");
            assert!(status.success(), "{folder} does not build");
        }
    });
    LazyLock::force(&BUILT);
    root().join(path)
}

/// A run of the program in an empty folder of its own, with a cache of its own for all tests, and none of the caller's settings.
pub struct Run {
    command: Command,
    input: Vec<u8>,
    folder: TempDir,
}

/// What a run gave.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn new<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(host());
        command.args(arguments).current_dir(folder.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ORGWATCH_") {
                command.env_remove(name);
            }
        }
        command.env("ORGWATCH_CACHE_DIR", cache()).env_remove("NO_COLOR");
        Self { command, input: Vec::new(), folder }
    }

    /// Puts a file into the run's folder.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
        fs::write(path, content).expect("the file can be written");
        self
    }

    /// Sets what the program reads from standard input.
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn run(mut self) -> Ran {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the host runs");
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        let input = std::mem::take(&mut self.input);
        let writer = std::thread::spawn(move || {
            // A program that ends before it has read everything closes the pipe.
            let _ = stdin.write_all(&input);
        });
        let output: Output = child.wait_with_output().expect("the host ends");
        writer.join().expect("the writer does not panic");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("findings are UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
        }
    }
}

impl Ran {
    /// The findings, one JSON object a line.
    pub fn findings(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("a finding is JSON")).collect()
    }
}

/// A cache of compiled rules for all tests of this run, beside the program.
fn cache() -> PathBuf {
    host().parent().expect("the program lies in a folder").join("test-cache")
}
