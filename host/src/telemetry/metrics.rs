//! What is counted and measured, for Prometheus.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::escape::label;
use crate::judge::Verdicts;
use crate::rule::Rule;
use crate::sink::Delivery;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSource {
    source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRule {
    rule: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfException {
    rule: String,
    exception: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSink {
    sink: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSeverity {
    severity: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    sink: String,
    outcome: &'static str,
}

type Seconds = Gauge<f64, AtomicU64>;

/// The program's counters. Labels are names out of the configuration and rules' ids, never text of an event.
pub struct Metrics {
    registry: Registry,
    records: Family<OfSource, Counter>,
    evaluations: Family<OfRule, Counter>,
    fuel: Family<OfRule, Counter>,
    faults: Family<OfRule, Counter>,
    findings: Family<OfSeverity, Counter>,
    excepted: Family<OfException, Counter>,
    observed: Family<OfRule, Counter>,
    grouped: Family<OfRule, Counter>,
    deliveries: Family<OfOutcome, Counter>,
    delivery_latency: Histogram,
    intake_latency: Histogram,
    gaps_open: Gauge,
    queue_depth: Family<OfSink, Gauge>,
    dead_letters: Family<OfSink, Gauge>,
    lag: Family<OfSource, Seconds>,
    oldest_waiting: Family<OfSource, Seconds>,
    watermark_age: Family<OfSource, Seconds>,
    throttled: Family<OfSource, Counter>,
    skipped: Family<OfSource, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("orgwatch");
        let metrics = Self {
            records: Family::default(),
            evaluations: Family::default(),
            fuel: Family::default(),
            faults: Family::default(),
            findings: Family::default(),
            excepted: Family::default(),
            observed: Family::default(),
            grouped: Family::default(),
            deliveries: Family::default(),
            delivery_latency: Histogram::new(exponential_buckets(0.01, 4.0, 12)),
            intake_latency: Histogram::new(exponential_buckets(0.001, 2.0, 16)),
            gaps_open: Gauge::default(),
            queue_depth: Family::default(),
            dead_letters: Family::default(),
            lag: Family::default(),
            oldest_waiting: Family::default(),
            watermark_age: Family::default(),
            throttled: Family::default(),
            skipped: Family::default(),
            registry: Registry::default(),
        };
        registry.register("records", "CloudTrail records read", metrics.records.clone());
        registry.register(
            "source_throttled",
            "Calls that a source's service throttled, and that were made again",
            metrics.throttled.clone(),
        );
        registry.register(
            "source_skipped",
            "Objects that a source passed over because they hold no records",
            metrics.skipped.clone(),
        );
        registry.register("evaluations", "Times that a rule judged an event", metrics.evaluations.clone());
        registry.register("fuel", "Work of rules, in units of fuel", metrics.fuel.clone());
        registry.register("rule_faults", "Times that a rule could not judge an event", metrics.faults.clone());
        registry.register(
            "findings",
            "Findings that the ledger did not have yet, but for those that tuning keeps from every sink",
            metrics.findings.clone(),
        );
        registry.register("excepted", "Findings that an exception kept from every sink", metrics.excepted.clone());
        registry.register("observed", "Findings of rules under observation", metrics.observed.clone());
        registry.register("grouped", "Times that a finding was held for a summary", metrics.grouped.clone());
        registry.register(
            "deliveries",
            "Deliveries by what became of them: taken, failed, given up",
            metrics.deliveries.clone(),
        );
        let latency = metrics.delivery_latency.clone();
        registry.register_with_unit(
            "delivery_latency",
            "From the event's time until a sink took the finding",
            Unit::Seconds,
            latency,
        );
        let latency = metrics.intake_latency.clone();
        registry.register_with_unit(
            "intake_latency",
            "From a batch's arrival until it was on disk",
            Unit::Seconds,
            latency,
        );
        registry.register("gaps_open", "Events that could not be judged and wait to be", metrics.gaps_open.clone());
        registry.register("queue_depth", "Deliveries that a sink is owed", metrics.queue_depth.clone());
        registry.register("dead_letters", "Deliveries that were given up", metrics.dead_letters.clone());
        registry.register_with_unit(
            "source_lag",
            "Age of the latest event of a source",
            Unit::Seconds,
            metrics.lag.clone(),
        );
        let oldest = metrics.oldest_waiting.clone();
        registry.register_with_unit(
            "source_oldest_waiting",
            "Age of the oldest thing that waits at a source",
            Unit::Seconds,
            oldest,
        );
        let age = metrics.watermark_age.clone();
        registry.register_with_unit(
            "watermark_age",
            "How far behind now a source is known to be complete",
            Unit::Seconds,
            age,
        );
        Self { registry, ..metrics }
    }
}

/// How a series of values behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl Metrics {
    /// The series that there are, by their names in the text: known before anything is counted. A histogram stands for its sum and its count.
    pub(super) const SERIES: [(&str, Kind); 21] = [
        ("orgwatch_records_total", Kind::Counter),
        ("orgwatch_source_throttled_total", Kind::Counter),
        ("orgwatch_source_skipped_total", Kind::Counter),
        ("orgwatch_evaluations_total", Kind::Counter),
        ("orgwatch_fuel_total", Kind::Counter),
        ("orgwatch_rule_faults_total", Kind::Counter),
        ("orgwatch_findings_total", Kind::Counter),
        ("orgwatch_excepted_total", Kind::Counter),
        ("orgwatch_observed_total", Kind::Counter),
        ("orgwatch_grouped_total", Kind::Counter),
        ("orgwatch_deliveries_total", Kind::Counter),
        ("orgwatch_delivery_latency_seconds_sum", Kind::Counter),
        ("orgwatch_delivery_latency_seconds_count", Kind::Counter),
        ("orgwatch_intake_latency_seconds_sum", Kind::Counter),
        ("orgwatch_intake_latency_seconds_count", Kind::Counter),
        ("orgwatch_gaps_open", Kind::Gauge),
        ("orgwatch_queue_depth", Kind::Gauge),
        ("orgwatch_dead_letters", Kind::Gauge),
        ("orgwatch_source_lag_seconds", Kind::Gauge),
        ("orgwatch_source_oldest_waiting_seconds", Kind::Gauge),
        ("orgwatch_watermark_age_seconds", Kind::Gauge),
    ];

    /// Writes everything in Prometheus' text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// Counts records read.
    pub fn records(&self, source: &str, count: u64) {
        self.records.get_or_create(&OfSource { source: label(source) }).inc_by(count);
    }

    /// Counts calls that a source's service throttled.
    pub fn throttled(&self, source: &str, calls: u64) {
        self.throttled.get_or_create(&OfSource { source: label(source) }).inc_by(calls);
    }

    /// Counts objects that a source passed over.
    pub fn skipped(&self, source: &str, objects: u64) {
        self.skipped.get_or_create(&OfSource { source: label(source) }).inc_by(objects);
    }

    /// Counts what judging gave.
    pub fn judged(&self, verdicts: &Verdicts, rules: &[Rule]) {
        let mut spent: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
        for &(rule, fuel) in &verdicts.fuel {
            let sum = spent.entry(rule).or_default();
            *sum = (sum.0 + 1, sum.1 + fuel);
        }
        for (rule, (count, fuel)) in spent {
            let of_rule = OfRule { rule: label(&rules[rule].id) };
            self.evaluations.get_or_create(&of_rule).inc_by(count);
            self.fuel.get_or_create(&of_rule).inc_by(fuel);
        }
        for rule in verdicts.gaps.iter().filter_map(|gap| gap.cause.rule()) {
            self.faults.get_or_create(&OfRule { rule: label(rule) }).inc();
        }
    }

    /// Counts a finding that is new in the ledger.
    pub fn found(&self, severity: orgwatch_rules_sdk::Severity) {
        self.findings.get_or_create(&OfSeverity { severity: severity.name() }).inc();
    }

    /// Counts a finding that is new in the ledger and kept from every sink.
    pub fn withheld(&self, rule: &str, exception: Option<&str>) {
        let rule = rule.to_owned();
        match exception {
            Some(exception) => {
                self.excepted.get_or_create(&OfException { rule, exception: exception.to_owned() }).inc();
            }
            None => {
                self.observed.get_or_create(&OfRule { rule }).inc();
            }
        }
    }

    /// Counts a finding that is held at a sink.
    pub fn grouped(&self, rule: &str) {
        self.grouped.get_or_create(&OfRule { rule: rule.to_owned() }).inc();
    }

    /// Measures how long a batch took from its arrival until it was on disk.
    pub fn committed(&self, seconds: f64) {
        self.intake_latency.observe(seconds);
    }

    /// Counts a delivery that a sink took.
    pub fn delivered(&self, sink: &str, delivery: &Delivery, now: Timestamp) {
        self.delivery(sink, "taken");
        let happened = delivery.finding.event.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
        if let Some(happened) = happened.filter(|_| delivery.revision == 1) {
            self.delivery_latency.observe(now.duration_since(happened).as_secs_f64().max(0.0));
        }
    }

    /// Counts a delivery that a sink did not take.
    pub fn delivery_failed(&self, sink: &str) {
        self.delivery(sink, "failed");
    }

    /// Counts a delivery that was given up.
    pub fn delivery_given_up(&self, sink: &str) {
        self.delivery(sink, "given up");
    }

    fn delivery(&self, sink: &str, outcome: &'static str) {
        self.deliveries.get_or_create(&OfOutcome { sink: label(sink), outcome }).inc();
    }

    /// Sets how much waits for a sink.
    pub fn queue(&self, sink: &str, owed: u64, dead: u64) {
        let of_sink = OfSink { sink: label(sink) };
        self.queue_depth.get_or_create(&of_sink).set(i64::try_from(owed).unwrap_or(i64::MAX));
        self.dead_letters.get_or_create(&of_sink).set(i64::try_from(dead).unwrap_or(i64::MAX));
    }

    /// Sets how many gaps are open.
    pub fn gaps(&self, open: u64) {
        self.gaps_open.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    /// Sets the age of a source's latest event and of its watermark.
    pub fn source(&self, source: &str, lag: Option<f64>, watermark: Option<f64>) {
        let of_source = OfSource { source: label(source) };
        if let Some(lag) = lag {
            self.lag.get_or_create(&of_source).set(lag);
        }
        if let Some(age) = watermark {
            self.watermark_age.get_or_create(&of_source).set(age);
        }
    }

    /// Sets the age of the oldest thing that waits at a source.
    pub fn oldest_waiting(&self, source: &str, seconds: f64) {
        self.oldest_waiting.get_or_create(&OfSource { source: label(source) }).set(seconds);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use orgwatch_rules_sdk::Severity;

    use super::*;

    #[test]
    fn the_list_of_series_is_the_one_that_is_written() {
        let metrics = Metrics::default();
        let rule = || OfRule { rule: "org.x".to_owned() };
        metrics.records("a", 1);
        metrics.evaluations.get_or_create(&rule()).inc();
        metrics.fuel.get_or_create(&rule()).inc();
        metrics.faults.get_or_create(&rule()).inc();
        metrics.found(Severity::Low);
        metrics.withheld("org.x", Some("0123456789ab"));
        metrics.withheld("org.x", None);
        metrics.grouped("org.x");
        metrics.delivery_failed("a");
        metrics.queue("a", 1, 1);
        metrics.source("a", Some(1.0), Some(1.0));
        metrics.oldest_waiting("a", 1.0);
        metrics.throttled("a", 1);
        metrics.skipped("a", 1);
        let text = metrics.text();
        let written: BTreeSet<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split(['{', ' ']).next())
            .filter(|name| !name.ends_with("_bucket"))
            .collect();
        let listed: BTreeSet<&str> = Metrics::SERIES.iter().map(|(name, _)| *name).collect();
        assert_eq!(written, listed);
    }
}
