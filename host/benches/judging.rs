//! What judging costs, part by part: a fresh sandbox, decoding, finding the rules that care, loading rules.
//!
//! Run with `cargo bench -p orgwatch-host`; the rules are built first where they are not.

use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use orgwatch_host::config::{Config, RuleConfig};
use orgwatch_host::event::Event;
use orgwatch_host::judge::{Asked, Judge};
use orgwatch_host::plan;
use orgwatch_host::rule::{RuleFile, discover, load};
use orgwatch_host::sandbox::{Compiler, Component, Engine, Limits, LoadedRule};
use orgwatch_host::source::Place;
use orgwatch_host::source::decode::{DecodeLimits, Decoded, Decoder};
use orgwatch_rules_sdk::json::Document;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host lies in the workspace")
}

fn compiler(cache: Option<&Path>) -> Compiler {
    Compiler::new(env!("CARGO_BIN_EXE_orgwatch-host"), cache, Limits::default())
}

/// The rules of a folder of packs, built.
fn built(folder: &str) -> Vec<RuleFile> {
    let folder = root().join(folder);
    let built = Command::new(env!("CARGO_BIN_EXE_orgwatch-host")).arg("build").arg(&folder).status();
    assert!(built.expect("the host runs").success(), "the rules do not build");
    let found = discover(&folder).expect("the rules are there");
    found.files(&Limits::default()).expect("the rules are built")
}

/// The project's own rules.
fn rule_files() -> Vec<RuleFile> {
    built("rules")
}

/// The rule that reads five fields and reports, and nothing else.
fn five_reads() -> Vec<RuleFile> {
    let mut files = built("tests/guests");
    files.retain(|file| file.path.ends_with("five_reads.wasm"));
    assert_eq!(files.len(), 1);
    files
}

fn find<'a>(files: &'a [RuleFile], id: &str) -> &'a Component {
    let mut components = files.iter().filter_map(|file| file.component.as_ref().ok());
    components.find(|component| component.metadata().id == id).expect("the rule is there")
}

/// A setting with so many accounts.
fn accounts(setting: &str, count: u64, first: u64) -> String {
    let list: Vec<String> = (first..first + count).map(|account| format!("\"{account:012}\"")).collect();
    format!("{{\"{setting}\":[{}]}}", list.join(","))
}

fn event(name: &str) -> Arc<Document> {
    let path: PathBuf = root().join("rules/aws-organizations/events").join(name);
    Arc::new(Document::parse(std::fs::read(path).expect("the event is there")).expect("the event is JSON"))
}

const FIVE_READS: &str = "guest.five-reads";
const INVITED: &str = "account_invited/fires_by_id.json";

/// One evaluation: a fresh instance from the image of the loaded rule, its reads, its finding, its end.
fn evaluation(criterion: &mut Criterion) {
    let (files, guests) = (rule_files(), five_reads());
    let engine = Engine::for_evaluation(1, Limits::default()).expect("the engine starts");
    let unexpected_join = find(&files, "org.unexpected-join");
    for (group, component, setting, cases) in [
        ("five reads", find(&guests, FIVE_READS), "expected", vec![("a finding", INVITED, 1)]),
        (
            "fresh sandbox",
            unexpected_join,
            "expected_accounts",
            vec![
                ("a finding", "unexpected_join/fires_invited.json", 1),
                ("no finding", "unexpected_join/quiet_management_account.json", 0),
            ],
        ),
    ] {
        let mut group = criterion.benchmark_group(group);
        for count in [0_u64, 1_000, 20_000] {
            let settings = accounts(setting, count, 500_000_000_000);
            let preparation = compiler(None).prepare(component, &settings).expect("the rule loads");
            assert!(preparation.frozen(), "evaluations start from the loaded image");
            let tables = component.metadata().tables.clone();
            let rule =
                LoadedRule::link(&engine, preparation, &settings, Arc::default(), tables).expect("the rule links");
            for (what, name, findings) in &cases {
                let event = event(name);
                assert_eq!(rule.evaluate(Arc::clone(&event), None).outcome.expect("no fault").len(), *findings);
                group.bench_function(BenchmarkId::new(*what, format!("{count} accounts")), |bencher| {
                    bencher.iter(|| rule.evaluate(Arc::clone(&event), None));
                });
            }
        }
        group.finish();
    }
}

/// Rules that ask for the same events and have their turns: the time of a batch over the number of its evaluations. Each rule has settings, and so a
/// memory image, of its own.
fn turns(criterion: &mut Criterion) {
    const MOST: u64 = 1_000;
    let files = five_reads();
    let cache = kept("turns");
    let engine = Engine::for_evaluation(1, Limits::default()).expect("the engine starts");
    let mut config = Config::default();
    for number in 0..MOST {
        let settings = toml::from_str(&accounts("expected", 1, number).replace(['{', '}'], "").replace(':', "="));
        let settings = settings.expect("the settings are TOML");
        let rule = RuleConfig { r#use: Some(FIVE_READS.to_owned()), settings, ..RuleConfig::default() };
        config.rule.insert(format!("bench.turn-{number}"), rule);
    }
    let mut instances = plan::instances(&config, &files, false).expect("the plan holds");
    instances.retain(|instance| instance.id != FIVE_READS);
    let text = event(INVITED).text().to_owned();
    let mut group = criterion.benchmark_group("an evaluation in turn");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    for (count, events) in [(1, 256), (10, 256), (100, 256), (200, 256), (200, 1), (1_000, 64), (1_000, 1)] {
        let rules = load(&files, &instances[..count], &compiler(Some(&cache)), &engine, &Arc::default(), 2);
        assert!(rules.iter().all(|rule| rule.judge.is_ok()));
        let judge = Judge::new(rules);
        let ask = || judge.ask(Event::new(Document::parse(text.as_str()).expect("JSON"), Place::default()));
        let batch: Vec<Asked> = (0..events).map(|_| ask().expect("every rule asks for it")).collect();
        group.throughput(Throughput::Elements((count * events) as u64));
        group.bench_function(format!("{count} rules, {events} events a batch"), |bencher| {
            bencher.iter(|| {
                let mut findings = 0;
                judge.judge(&batch, |verdicts| {
                    findings += verdicts.iter().map(|verdicts| verdicts.findings.len()).sum::<usize>();
                });
                assert_eq!(findings, count * events);
            });
        });
    }
    group.finish();
}

/// A folder of prepared rules that is there again the next time: preparing a thousand of them takes minutes.
fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Records of the shape that most of CloudTrail has, and that no rule asks for.
fn records(count: usize) -> String {
    let text = event("unexpected_join/quiet_invitation.json")
        .text()
        .replace("InviteAccountToOrganization", "DescribeInstances");
    format!("{{\"Records\":[{}]}}", vec![text; count].join(","))
}

/// Bytes in, documents out.
fn decoding(criterion: &mut Criterion) {
    let plain = records(2_000).into_bytes();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&plain).expect("a vector takes everything");
    let gzip = gzip.finish().expect("a vector takes everything");
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(plain.len() as u64));
    for (name, input) in [("plain", &plain), ("gzip", &gzip)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut decoder = Decoder::new(input.as_slice(), DecodeLimits::default());
                let mut count = 0;
                while let Some(Decoded::Record(record)) = decoder.next().expect("memory does not fail") {
                    count += 1;
                    black_box(record);
                }
                assert_eq!(count, 2_000);
            });
        });
    }
    group.finish();
}

/// Many rules of one component, as an operator's own `pattern` rules are.
fn many(count: usize) -> Config {
    let mut config = Config::default();
    for number in 0..count {
        let settings = format!(
            "title = \"Rule {number}\"\nseverity = \"low\"\npatterns = [{{ eventSource = [\"service{number}.amazonaws.com\"], eventName = [\"Call{number}\"] }}]"
        );
        let settings = toml::from_str(&settings).expect("the settings are TOML");
        let rule = RuleConfig { r#use: Some("pattern".to_owned()), settings, ..RuleConfig::default() };
        config.rule.insert(format!("bench.rule-{number}"), rule);
    }
    config
}

/// Loading rules, and then the price of a record that none of them asks for.
fn rules(criterion: &mut Criterion) {
    let files = rule_files();
    let cache = tempfile::tempdir().expect("a temporary folder");
    let engine = Engine::for_evaluation(2, Limits::default()).expect("the engine starts");
    let load_all = |count: usize, cache: &Path| {
        let instances = plan::instances(&many(count), &files, false).expect("the plan holds");
        let rules = load(&files, &instances, &compiler(Some(cache)), &engine, &Arc::default(), 2);
        assert!(rules.iter().all(|rule| rule.judge.is_ok()));
        Judge::new(rules)
    };
    let started = Instant::now();
    load_all(100, cache.path());
    println!("load/100 rules, cold          {:?}", started.elapsed());
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.bench_function("100 rules, cached", |bencher| bencher.iter(|| load_all(100, cache.path())));
    let thousand = kept("thousand");
    load_all(1_000, thousand.as_path());
    group.bench_function("1,000 rules, cached", |bencher| bencher.iter(|| load_all(1_000, thousand.as_path())));
    group.finish();
    let mut group = criterion.benchmark_group("a record nobody asked for");
    let quiet = event("unexpected_join/quiet_invitation.json")
        .text()
        .replace("InviteAccountToOrganization", "DescribeInstances");
    for count in [1, 100] {
        let judge = load_all(count, cache.path());
        group.bench_function(BenchmarkId::from_parameter(format!("{count} rules")), |bencher| {
            bencher.iter_batched(
                || orgwatch_host::event::Event::new(Document::parse(quiet.as_str()).expect("JSON"), Place::default()),
                |event| assert!(judge.ask(event).is_none()),
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, evaluation, turns, decoding, rules);
criterion_main!(benches);
