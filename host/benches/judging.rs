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
use orgwatch_host::judge::Judge;
use orgwatch_host::plan;
use orgwatch_host::rule::{RuleFile, discover, load};
use orgwatch_host::sandbox::{Compiler, Engine, Limits, LoadedRule};
use orgwatch_host::source::Place;
use orgwatch_host::source::decode::{DecodeLimits, Decoded, Decoder};
use orgwatch_rules_sdk::json::Document;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host lies in the workspace")
}

fn compiler(cache: Option<&Path>) -> Compiler {
    Compiler::new(env!("CARGO_BIN_EXE_orgwatch-host"), cache, Limits::default())
}

/// The project's own rules, built.
fn rule_files() -> Vec<RuleFile> {
    let built = Command::new(env!("CARGO_BIN_EXE_orgwatch-host")).arg("build").arg(root().join("rules")).status();
    assert!(built.expect("the host runs").success(), "the rules do not build");
    let found = discover(&root().join("rules")).expect("the rules are there");
    found.files(&Limits::default()).expect("the rules are built")
}

fn event(name: &str) -> Arc<Document> {
    let path: PathBuf = root().join("rules/aws-organizations/events").join(name);
    Arc::new(Document::parse(std::fs::read(path).expect("the event is there")).expect("the event is JSON"))
}

/// One evaluation: a fresh instance from the image of the loaded rule, its reads, its finding, its end.
fn evaluation(criterion: &mut Criterion) {
    let files = rule_files();
    let component = files
        .iter()
        .filter_map(|file| file.component.as_ref().ok())
        .find(|component| component.metadata().id == "org.unexpected-join")
        .expect("the rule is there");
    let engine = Engine::for_evaluation(1, Limits::default()).expect("the engine starts");
    let mut group = criterion.benchmark_group("fresh sandbox");
    for accounts in [0_u64, 1_000, 20_000] {
        let list: Vec<String> = (0..accounts).map(|account| format!("\"{:012}\"", 500_000_000_000 + account)).collect();
        let settings = format!("{{\"expected_accounts\":[{}]}}", list.join(","));
        let preparation = compiler(None).prepare(component, &settings).expect("the rule loads");
        assert!(preparation.frozen(), "evaluations start from the loaded image");
        let rule =
            LoadedRule::link(&engine, preparation, &settings, Arc::default(), Vec::new()).expect("the rule links");
        for (what, name, findings) in [
            ("a finding", "unexpected_join/fires_invited.json", 1),
            ("no finding", "unexpected_join/quiet_management_account.json", 0),
        ] {
            let event = event(name);
            assert_eq!(rule.evaluate(Arc::clone(&event), None).outcome.expect("no fault").len(), findings);
            group.bench_function(BenchmarkId::new(what, format!("{accounts} accounts")), |bencher| {
                bencher.iter(|| rule.evaluate(Arc::clone(&event), None));
            });
        }
    }
    group.finish();
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

/// Loading 100 rules, and then the price of a record that none of them asks for.
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

criterion_group!(benches, evaluation, decoding, rules);
criterion_main!(benches);
