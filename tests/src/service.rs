//! The whole program live, and what it promises whatever happens around it.

mod configured;
mod ledger;
mod reload;
mod running;
mod same;
mod sinks;
mod tables;
mod tuning;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::live::Live;
use crate::records;
use crate::support::{Ran, Run};

/// A folder with what stands around a service: the files that come in, the findings that go out, the addresses of hooks, and its ledger.
pub(crate) struct Place {
    folder: TempDir,
    input: PathBuf,
    output: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [input, output] = ["input", "findings.ndjson"].map(|name| folder.path().join(name));
        fs::create_dir(&input).expect("the folder can be made");
        Self { folder, input, output }
    }

    /// The source of the files that come in.
    pub(crate) fn source(&self) -> String {
        let path = self.input.display();
        format!("[[source]]\nkind = \"directory\"\nname = \"folder\"\npath = \"{path}\"\nevery = \"100ms\"\n")
    }

    /// A sink that writes a file.
    pub(crate) fn sink(&self) -> String {
        format!("[[sink]]\nkind = \"file\"\nname = \"file\"\npath = \"{}\"\n", self.output.display())
    }

    /// A sink that sends to a hook, which is tried again soon.
    fn hook(&self, name: &str, url: &str, more: &str) -> String {
        let secret = self.folder.path().join(name);
        fs::write(&secret, url).expect("the folder can be written to");
        format!(
            "[[sink]]\nkind = \"webhook\"\nname = \"{name}\"\nurl = {{ file = \"{}\" }}\n{more}\n",
            secret.display()
        )
    }

    /// Has records come in, at once and whole.
    pub(crate) fn bring(&self, name: &str, content: impl AsRef<[u8]>) {
        let hidden = self.input.join(format!(".{name}"));
        fs::write(&hidden, content).expect("the folder can be written to");
        fs::rename(&hidden, self.input.join(name)).expect("a file can be renamed");
    }

    /// Starts the service with a ledger that stays in a folder of its own.
    fn start(&self, configuration: &str) -> Live {
        Live::start(&format!("{configuration}{}", self.source()))
    }

    /// The findings in the file, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.output).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }
}

/// Runs a command beside the service, or after it.
fn beside(state: &Path, arguments: &[&str]) -> Ran {
    Run::new(arguments).argument("--state-dir").argument(state).run()
}

/// Replays records. Returns the findings, a line each, sorted.
fn replayed(records: &[Value]) -> Vec<String> {
    let ran = Run::new(["--rules", "rules", "events"]).with_rules().file("events", records::lines(records)).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    sorted(ran.stdout.lines().map(str::to_owned).collect())
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}
