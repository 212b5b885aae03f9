//! Every rule, compiled, on the events of its pack.
//!
//! A rule's events lie in its pack: `events/RULE/fires_….json` has to give findings, which a snapshot shows, and `quiet_….json` none. With
//! a `settings.toml` beside them the rule is judged with those settings. A rule that looks back has stories of several events, a line each, in
//! `….ndjson`. A new rule or event is found by itself.

mod coverage;
mod day;
mod evasions;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use orgwatch_host::digest::Digest;
use orgwatch_host::rule::RuleFile;
use orgwatch_host::sandbox::Component;
use orgwatch_rules_sdk::json::Document;
use serde_json::{Value, json};

use crate::support::{Ran, Run, root, rules};

/// A shipped rule with its events.
struct Subject {
    component: Component,
    pack: PathBuf,
    name: String,
}

impl Subject {
    fn of(rule: RuleFile) -> Self {
        let name = rule.path.file_stem().expect("a component has a name").to_string_lossy().into_owned();
        let pack = rule.path.ancestors().nth(2).expect("a component lies in its pack's dist/").to_owned();
        let component = rule.component.unwrap_or_else(|fault| panic!("{}: {fault}", rule.path.display()));
        Self { component, pack, name }
    }

    fn folder(&self) -> PathBuf {
        self.pack.join("events").join(&self.name)
    }

    /// The events, by the names of their files.
    fn events(&self) -> Vec<PathBuf> {
        let mut files = entries(&self.folder());
        files.retain(|path| path.extension().is_some_and(|extension| extension == "json" || extension == "ndjson"));
        files
    }

    /// The id that the rule runs under: its own, or that of a rule which uses it where it is generic.
    fn id(&self) -> String {
        let metadata = self.component.metadata();
        if metadata.generic { format!("configured.{}", metadata.id) } else { metadata.id.clone() }
    }

    fn configuration(&self) -> String {
        let metadata = self.component.metadata();
        let mut text = format!("[rule.\"{}\"]\n", self.id());
        if metadata.generic {
            let _ = writeln!(text, "use = \"{}\"", metadata.id);
        }
        let settings = fs::read_to_string(self.folder().join("settings.toml")).unwrap_or_default();
        format!("{text}[rule.\"{}\".settings]\n{settings}", self.id())
    }

    /// True for a rule that looks back: what it finds in an event depends on the others of the run.
    fn looks_back(&self) -> bool {
        self.component.metadata().state_version.is_some()
    }

    /// What the rule finds in one file of events alone.
    fn judge_alone(&self, event: &Path) -> Vec<Value> {
        let run = Run::new(["--rules", "pack", "events"]).link("pack", &self.pack).link("events", event);
        let ran = run.file("orgwatch.toml", self.configuration()).run();
        assert_eq!(ran.code, 0, "{}: {}", event.display(), ran.stderr);
        let mut findings = shown(&ran);
        findings.retain(|finding| finding["rule"]["id"] == self.id());
        findings
    }

    /// The name that an event has in a run, where those of all rules lie side by side.
    fn place(&self, event: &Path) -> String {
        format!("{}__{}", self.name, file_name(event))
    }
}

/// The shipped rules, pack by pack.
fn packs() -> BTreeMap<PathBuf, Vec<Subject>> {
    let mut packs: BTreeMap<PathBuf, Vec<Subject>> = BTreeMap::new();
    for subject in rules().into_iter().map(Subject::of) {
        packs.entry(subject.pack.clone()).or_default().push(subject);
    }
    assert!(!packs.is_empty());
    packs
}

/// What the rules of a pack find in all events of the pack: one run, since starting the program and its rules takes longer than judging.
/// By rule and by record, because a finding names the record and not the file that it came from.
fn judge(pack: &Path, subjects: &[Subject]) -> BTreeMap<(String, String), Vec<Value>> {
    if subjects.iter().all(Subject::looks_back) {
        return BTreeMap::new();
    }
    let mut run = Run::new(["--rules", "pack"]).link("pack", pack);
    let mut configuration = String::new();
    for subject in subjects {
        let _ = writeln!(configuration, "{}", subject.configuration());
        if subject.looks_back() {
            continue;
        }
        for event in subject.events() {
            let place = subject.place(&event);
            run = run.link(&place, &event).argument(place);
        }
    }
    let ran = run.file("orgwatch.toml", configuration).run();
    assert_eq!(ran.code, 0, "{}: {}", pack.display(), ran.stderr);
    let mut found: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for finding in shown(&ran) {
        let text = |pointer: &str| finding.pointer(pointer).and_then(Value::as_str).expect("text").to_owned();
        let findings = found.entry((text("/rule/id"), text("/event/digest"))).or_default();
        // Two rules may have the same event among theirs.
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    found
}

/// The digest by which findings name the record in an event's file.
fn digest(event: &Path) -> String {
    let text = fs::read_to_string(event).expect("the event can be read");
    let record = Document::parse(text).unwrap_or_else(|error| panic!("{}: {error}", event.display()));
    Digest::of(record.root().canonical()).tagged()
}

/// The findings of a run without what every compilation changes.
fn shown(ran: &Ran) -> Vec<Value> {
    let mut findings = ran.findings();
    for finding in &mut findings {
        let digest = finding.pointer_mut("/rule/digest").expect("a finding names its rule's digest");
        assert!(digest.as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{digest}");
        *digest = json!("of the component");
    }
    findings
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("the file has a name").to_string_lossy().into_owned()
}

#[test]
fn every_rule_judges_its_events_as_they_are_named() {
    for (pack, subjects) in packs() {
        let found = judge(&pack, &subjects);
        for subject in &subjects {
            let mut text = String::new();
            for event in subject.events() {
                let name = file_name(&event);
                let alone = subject.looks_back().then(|| subject.judge_alone(&event));
                let together = || found.get(&(subject.id(), digest(&event))).map_or(&[][..], Vec::as_slice);
                let findings = alone.as_deref().unwrap_or_else(together);
                if name.starts_with("quiet_") {
                    assert!(findings.is_empty(), "{name} of {} should be quiet: {findings:#?}", subject.id());
                    continue;
                }
                assert!(!findings.is_empty(), "{name} of {} gives no finding", subject.id());
                for finding in findings {
                    let _ = writeln!(text, "{name}\n{finding:#}\n");
                }
            }
            insta::assert_snapshot!(subject.id(), text);
        }
    }
}

#[test]
fn every_rule_has_events_that_fire_and_events_that_stay_quiet() {
    for subject in rules().into_iter().map(Subject::of) {
        let folder = subject.folder();
        let names: Vec<String> = subject.events().iter().map(|path| file_name(path)).collect();
        for kind in ["fires_", "quiet_"] {
            let any = names.iter().any(|name| name.starts_with(kind));
            assert!(any, "{} has no {kind}….json: add an event to {}", subject.id(), folder.display());
        }
        for name in names {
            let known = name.starts_with("fires_") || name.starts_with("quiet_");
            assert!(known, "{name}: begin the name with fires_ or quiet_, so that it says what the rule does");
        }
    }
}

#[test]
fn every_folder_of_events_belongs_to_a_rule_and_every_rule_is_built() {
    for (pack, subjects) in packs() {
        let built: BTreeSet<String> = subjects.iter().map(|subject| subject.name.clone()).collect();
        let sources = entries(&pack.join("src/bin"));
        let sources: BTreeSet<String> = sources.iter().map(|path| file_name(&path.with_extension(""))).collect();
        assert_eq!(built, sources, "{}: dist/ and src/bin/ differ: build the pack", pack.display());
        let folders = entries(&pack.join("events")).into_iter().filter(|path| path.is_dir());
        for folder in folders {
            let owned = built.contains(&file_name(&folder));
            assert!(owned, "{}: no rule is called that; name the folder after its rule", folder.display());
        }
    }
}

#[test]
fn the_example_is_a_story_that_the_mission_rules_tell() {
    let run = Run::new(["--rules", "rules", "events"]).with_all_rules();
    let ran = run.link("events", root().join("examples/events")).run();
    let mut text = ran.told() + "\n";
    for finding in shown(&ran) {
        let _ = writeln!(text, "{finding:#}\n");
    }
    insta::assert_snapshot!("examples/events".replace('/', "-"), text);
}
