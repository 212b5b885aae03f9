//! The program live: started with a configuration, read while it runs, told to stop.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::servers::get;
use crate::support::{Run, few_rules};

/// How long anything may take that is expected to happen.
const PATIENCE: Duration = Duration::from_mins(1);

/// A run of the program as a service, which writes its findings to a pipe.
pub(crate) struct Live {
    child: Child,
    findings: Receiver<Value>,
    messages: Arc<Mutex<String>>,
    configuration: PathBuf,
    folder: TempDir,
}

impl Live {
    /// Starts the program with these tables in its configuration and the rules of the project.
    pub(crate) fn start(configuration: &str) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder"), configuration)
    }

    /// Starts it with the ledger that an earlier run left in a folder.
    pub(crate) fn start_in(folder: TempDir, configuration: &str) -> Self {
        Self::start_rules(folder, few_rules(), configuration)
    }

    /// Starts it with other rules than those of the project.
    pub(crate) fn start_rules(folder: TempDir, rules: &Path, configuration: &str) -> Self {
        let state = folder.path().join("state");
        let run = Run::new(["--rules", "rules", "--state-dir"]).argument(&state).link("rules", rules);
        let path = run.folder().join("orgwatch.toml");
        let run = run
            .file("orgwatch.toml", complete(configuration))
            .env("AWS_ACCESS_KEY_ID", "111122223333")
            .env("AWS_SECRET_ACCESS_KEY", "example")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        let (mut child, run_folder) = run.spawn();
        let (sender, findings) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let finding = serde_json::from_str(&line).expect("a finding is JSON");
                if sender.send(finding).is_err() {
                    return;
                }
            }
        });
        let messages = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(child.stderr.take().expect("standard error is a pipe"));
        let told = Arc::clone(&messages);
        thread::spawn(move || {
            // The run's own folder stays as long as the program may look into it.
            let _folder = run_folder;
            for line in stderr.lines().map_while(Result::ok) {
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                told.push_str(&line);
                told.push('\n');
            }
        });
        Self { child, findings, messages, configuration: path, folder }
    }

    /// The state directory.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Replaces its configuration, at once and whole.
    pub(crate) fn configure(&self, configuration: &str) {
        let hidden = self.configuration.with_extension("new");
        fs::write(&hidden, complete(configuration)).expect("the folder can be written to");
        fs::rename(&hidden, &self.configuration).expect("a file can be renamed");
    }

    /// Asks it at the address where it answers. Returns the status and the text.
    pub(crate) fn ask(&self, path: &str) -> (u16, String) {
        eventually("it tells where it answers", || self.told().contains("address="));
        let told = self.told();
        let address = told.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next());
        get(&format!("http://{}{path}", address.expect("an address"))).expect("it answers")
    }

    /// The most memory that it has had, in KiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_of_memory(&self) -> usize {
        crate::support::peak_of_memory(self.child.id())
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill runs").success());
    }

    /// Waits for a finding.
    pub(crate) fn finding(&self) -> Value {
        self.next(PATIENCE).unwrap_or_else(|| panic!("no finding came\n{}", self.told()))
    }

    /// Returns a finding that comes within a time.
    pub(crate) fn next(&self, within: Duration) -> Option<Value> {
        match self.findings.recv_timeout(within) {
            Ok(finding) => Some(finding),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the program ended\n{}", self.told()),
        }
    }

    /// What it wrote to standard error so far.
    pub(crate) fn told(&self) -> String {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Kills it, as a loss of power would. Returns the folder with its ledger.
    pub(crate) fn kill(mut self) -> TempDir {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is a child");
        std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a temporary folder"))
    }

    /// Asks it to stop as a service manager does. Returns the exit code, what it told, and the folder with its ledger.
    pub(crate) fn stop(self) -> (i32, String, TempDir) {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for its end. Returns the exit code, what it told, and the folder with its ledger.
    pub(crate) fn ended(mut self) -> (i32, String, TempDir) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is a child") {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not stop\n{}", self.told());
            thread::sleep(Duration::from_millis(20));
        };
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a temporary folder"));
        (status.code().unwrap_or(-1), self.told(), folder)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("what the program told:\n{}", self.told());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A configuration with an address that is free.
fn complete(configuration: &str) -> String {
    let listen = "[telemetry]\nlisten = \"127.0.0.1:0\"\n";
    match configuration.split_once("[telemetry]\n") {
        Some((before, after)) => format!("{before}{listen}{after}"),
        None => format!("{configuration}\n{listen}"),
    }
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}
