//! The rules of the CIS pack against the metric filters that the benchmark prescribes.
//!
//! `filters.json` has the filters as they are published, `oracle.py` judges records by them and shares nothing with the rules. With
//! `strict = true` a rule reports what its filter matches, on every record; with its default settings it departs from that in the ways that
//! `departures` lists, and in no other. The records are all events of all packs, the examples, and thousands of variants of them.
//!
//! With a folder of records in `ORGWATCH_TEST_RECORDS`, in any form that the program reads, they are compared too:
//! `ORGWATCH_TEST_RECORDS=/var/log/cloudtrail cargo test --workspace --test orgwatch -- cis:: --nocapture` prints the counts.

mod departures;
mod language;
mod variants;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use orgwatch_host::digest::Digest;
use orgwatch_host::source::decode::{DecodeLimits, Decoded, Decoder};
use orgwatch_host::source::files;
use orgwatch_rules_sdk::json::Document;
use serde_json::{Value, json};

use crate::support::{Run, pack, root};

/// The published filters, by the numbers of the controls.
const FILTERS: &str = include_str!("cis/filters.json");

const ORACLE: &str = include_str!("cis/oracle.py");

/// The rules, by the numbers of their controls in the versions up to 5.0.
const RULES: [(&str, &str); 15] = [
    ("4.1", "cis.unauthorized-api-calls"),
    ("4.2", "cis.console-signin-without-mfa"),
    ("4.3", "cis.root-usage"),
    ("4.4", "cis.iam-policy-changes"),
    ("4.5", "cis.cloudtrail-changes"),
    ("4.6", "cis.console-authentication-failures"),
    ("4.7", "cis.kms-key-disabled"),
    ("4.8", "cis.s3-bucket-policy-changes"),
    ("4.9", "cis.config-changes"),
    ("4.10", "cis.security-group-changes"),
    ("4.11", "cis.network-acl-changes"),
    ("4.12", "cis.network-gateway-changes"),
    ("4.13", "cis.route-table-changes"),
    ("4.14", "cis.vpc-changes"),
    ("4.15", "cis.organizations-changes"),
];

/// Returns the published filters.
pub(crate) fn filters() -> BTreeMap<String, String> {
    serde_json::from_str(FILTERS).expect("filters.json holds texts by number")
}

/// Has the oracle judge records: for each filter, whether it matches each of them.
fn oracle(filters: &BTreeMap<String, String>, records: &[String]) -> BTreeMap<String, Vec<bool>> {
    let mut python = Command::new("python3")
        .args(["-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    let task = json!({ "filters": filters, "records": records }).to_string();
    let mut stdin = python.stdin.take().expect("standard input is a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(task.as_bytes()).expect("the oracle reads everything"));
    let output = python.wait_with_output().expect("the oracle ends");
    writer.join().expect("the writer does not panic");
    assert!(output.status.success(), "the oracle fails");
    serde_json::from_slice(&output.stdout).expect("the oracle writes JSON")
}

/// Records with all verdicts on them.
struct Judged {
    /// Their canonical texts.
    records: Vec<String>,
    /// What the published filters say, by control.
    published: BTreeMap<String, Vec<bool>>,
    /// What the rules say with `strict = true`.
    strict: BTreeMap<String, Vec<bool>>,
    /// What the rules say with their default settings.
    default: BTreeMap<String, Vec<bool>>,
}

/// All records, judged once for all tests.
static JUDGED: LazyLock<Judged> = LazyLock::new(|| {
    let mut records = BTreeSet::new();
    let examples = departures::DEPARTURES.iter().map(departures::Departure::record);
    for text in own_events().into_iter().chain(variants::of(&own_events())).chain(examples) {
        read(text.as_bytes(), &mut records);
    }
    Judged::of(records.into_iter().collect())
});

/// The texts of all events of all packs and of the examples.
pub(crate) fn own_events() -> Vec<String> {
    let mut texts = Vec::new();
    let folders = fs::read_dir(root().join("rules")).expect("there are packs");
    let packs = folders.map(|folder| folder.expect("the folder can be read").path().join("events"));
    for folder in packs.chain([root().join("examples/events")]) {
        let mut records = BTreeSet::new();
        read_folder(&folder, &mut records);
        texts.extend(records);
    }
    assert!(texts.len() > 100, "the packs have more events than {}", texts.len());
    texts
}

/// Adds the records of every file in a folder.
fn read_folder(folder: &Path, records: &mut BTreeSet<String>) {
    let (inputs, faults) = files::find(&[folder.to_string_lossy().into_owned()]);
    assert!(faults.is_empty(), "{}: {faults:?}", folder.display());
    for input in inputs {
        let name = input.name.to_string();
        if [".md", ".toml", ".LICENSE"].iter().any(|end| name.ends_with(end)) {
            continue;
        }
        read(&fs::read(&name).unwrap_or_else(|error| panic!("{name}: {error}")), records);
    }
}

/// Adds the records of an input, as the program reads them.
fn read(bytes: &[u8], records: &mut BTreeSet<String>) {
    let mut decoder = Decoder::new(bytes, DecodeLimits::default());
    while let Some(item) = decoder.next().expect("memory can be read") {
        if let Decoded::Record(record) = item {
            records.insert(record.document.root().canonical());
        }
    }
}

impl Judged {
    fn of(records: Vec<String>) -> Self {
        let published = oracle(&filters(), &records);
        let mut configuration = String::new();
        for (_, rule) in RULES {
            let _ = writeln!(configuration, "[rule.\"strict.{rule}\"]\nuse = \"{rule}\"\nsettings.strict = true");
        }
        let pack = pack("rules/cis-aws-foundations");
        let run = Run::new(["--rules", "pack", "records"]).link("pack", pack);
        let ran = run.file("records", records.join("\n")).file("orgwatch.toml", configuration).run();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let said = format!("read {} records in 1 input", records.len());
        assert!(ran.stderr.replace(',', "").contains(&said), "{said}: {}", ran.stderr);

        let places: BTreeMap<String, usize> =
            records.iter().enumerate().map(|(place, text)| (Digest::of(text).tagged(), place)).collect();
        let verdicts = |prefix: &str| -> BTreeMap<String, Vec<bool>> {
            let ids = RULES.map(|(control, rule)| (control, format!("{prefix}{rule}")));
            let mut verdicts: BTreeMap<String, Vec<bool>> =
                ids.iter().map(|(control, _)| ((*control).to_owned(), vec![false; records.len()])).collect();
            for finding in ran.findings() {
                let id = finding["rule"]["id"].as_str().expect("text");
                let Some((control, _)) = ids.iter().find(|(_, rule)| rule == id) else { continue };
                let digest = finding["event"]["digest"].as_str().expect("text");
                verdicts.get_mut(*control).expect("all are there")[places[digest]] = true;
            }
            verdicts
        };
        let (strict, default) = (verdicts("strict."), verdicts(""));
        Self { records, published, strict, default }
    }

    /// Compares the strict readings with the published filters.
    fn assert_strict(&self) {
        for (control, rule) in RULES {
            for (place, record) in self.records.iter().enumerate() {
                let (published, strict) = (self.published[control][place], self.strict[control][place]);
                assert_eq!(strict, published, "{rule} (left) and the filter of {control} (right) differ on {record}");
            }
        }
    }

    /// Compares the default readings with the published filters and the departures from them.
    fn assert_default(&self) {
        for (control, rule) in RULES {
            for (place, record) in self.records.iter().enumerate() {
                let value: Value = serde_json::from_str(record).expect("a record is JSON");
                let expected = departures::expected(control, self.published[control][place], &value);
                let default = self.default[control][place];
                assert_eq!(
                    default, expected,
                    "{rule} (left) and the departures of {control} (right) differ on {record}"
                );
            }
        }
    }
}

#[test]
fn every_rule_reports_with_strict_what_its_published_filter_matches() {
    JUDGED.assert_strict();
    for (control, _) in RULES {
        let published = &JUDGED.published[control];
        let fired = published.iter().filter(|matches| **matches).count();
        assert!(fired > 20 && fired < published.len(), "{control} matches {fired} records: that tests too little");
    }
    assert!(JUDGED.records.len() > 5_000, "{} records are too few", JUDGED.records.len());
}

#[test]
fn every_rule_departs_from_its_filter_as_is_listed_and_not_otherwise() {
    JUDGED.assert_default();
}

#[test]
fn the_rules_carry_the_filters_as_they_are_published() {
    let source =
        fs::read_to_string(root().join("rules/cis-aws-foundations/src/controls.rs")).expect("the file is there");
    // The pieces of a long filter stand in raw strings of their own.
    let texts: String = source.split("pub const").skip(1).map(raw_strings).collect::<Vec<_>>().join("\n");
    for (control, filter) in filters() {
        assert!(texts.lines().any(|text| text == filter), "controls.rs has not the filter of {control}: {filter}");
    }
}

/// Joins the raw strings of a piece of Rust.
fn raw_strings(source: &str) -> String {
    let mut text = String::new();
    for line in source.lines() {
        let piece = line.trim().trim_end_matches([',', ';']);
        let inside = piece.strip_prefix("r#\"").and_then(|rest| rest.strip_suffix("\"#"));
        text.push_str(
            inside.or_else(|| piece.strip_prefix("r\"").and_then(|rest| rest.strip_suffix('"'))).unwrap_or_default(),
        );
    }
    text
}

#[test]
fn records_that_somebody_brings_along_are_judged_alike() {
    let Some(folder) = std::env::var_os("ORGWATCH_TEST_RECORDS") else {
        // Without a folder the same comparison runs over the project's own records, above.
        return;
    };
    let mut records = BTreeSet::new();
    read_folder(Path::new(&folder), &mut records);
    let judged = Judged::of(records.into_iter().collect());
    judged.assert_strict();
    judged.assert_default();
    eprintln!("{} records: control, published filter, strict rule, default rule", judged.records.len());
    for (control, rule) in RULES {
        let count = |verdicts: &BTreeMap<String, Vec<bool>>| verdicts[control].iter().filter(|fires| **fires).count();
        let (published, strict, default) = (count(&judged.published), count(&judged.strict), count(&judged.default));
        eprintln!("{control:<5} {rule:<36} {published:>7} {strict:>7} {default:>7}");
    }
}

/// Reads a record for the evaluator of the SDK.
fn event(record: &str) -> orgwatch_rules_sdk::Event {
    orgwatch_rules_sdk::Event::from_json(record).unwrap_or_else(|error| panic!("{error:?}: {record}"))
}

fn document(record: &str) -> Document {
    Document::parse(record).unwrap_or_else(|error| panic!("{error:?}: {record}"))
}
