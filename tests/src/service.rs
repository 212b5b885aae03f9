//! The whole program live, and what it promises whatever happens around it.

mod clock;
mod configured;
mod ledger;
mod reload;
mod running;
mod same;
mod sinks;
mod tables;
mod telemetry;
mod tuning;

use std::collections::BTreeSet;
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

    /// The findings in the file of a rule.
    pub(crate) fn findings_of(&self, rule: &str) -> Vec<Value> {
        let lines = self.lines();
        let findings = lines.iter().map(|line| serde_json::from_str::<Value>(line).expect("a finding is JSON"));
        findings.filter(|finding| finding["rule"]["id"] == rule).collect()
    }

    /// What the file has to say of a trouble with a part of the service, title by title.
    fn told_of(&self, condition: &str, subject: &str) -> Vec<String> {
        let findings = self.findings_of(condition).into_iter();
        let findings = findings.filter(|finding| finding["details"]["subject"] == subject);
        findings.map(|finding| finding["title"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// Routes: what the rules of the project find goes to some sinks, and what the service says of itself to others.
fn routes(findings: &[&str], own: &[&str]) -> String {
    let route = |rules: &str, sinks: &[&str]| format!("[[route]]\nrules = [{rules}]\nsinks = {sinks:?}\n");
    route("\"org.*\", \"cis.*\"", findings) + &route("\"orgwatch.*\"", own)
}

/// The ids of findings, as a webhook or a file has them.
fn ids(findings: &[Value]) -> BTreeSet<String> {
    let id = |finding: &Value| finding.get("finding").unwrap_or(finding)["id"].as_str().map(str::to_owned);
    findings.iter().filter_map(id).collect()
}

/// Runs a command beside the service, or after it.
pub(crate) fn beside(state: &Path, arguments: &[&str]) -> Ran {
    Run::new(arguments).argument("--state-dir").argument(state).run()
}

/// Replays records. Returns the findings, a line each, sorted.
pub(crate) fn replayed(records: &[Value]) -> Vec<String> {
    let ran = Run::new(["--rules", "rules", "events"]).with_rules().file("events", records::lines(records)).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    sorted(ran.stdout.lines().map(str::to_owned).collect())
}

pub(crate) fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}
