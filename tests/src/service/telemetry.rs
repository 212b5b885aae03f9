//! Metrics and traces over OTLP, as a collector gets them.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::Place;
use crate::live::eventually;
use crate::records;
use crate::servers::{Collected, Collector};

/// Attributes as text.
fn attributes(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let pair = |attribute: &KeyValue| match attribute.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some((attribute.key.clone(), text.clone())),
        any_value::Value::IntValue(number) => Some((attribute.key.clone(), number.to_string())),
        _ => None,
    };
    attributes.iter().filter_map(pair).collect()
}

fn assert_ours(resource: Option<&Resource>) {
    let resource = attributes(&resource.expect("what is sent has a resource").attributes);
    assert_eq!(resource.get("service.name").map(String::as_str), Some("orgwatch"));
}

/// The latest value of each series, as `name{label="value"}`.
fn series(collected: &Collected) -> BTreeMap<String, f64> {
    let mut series = BTreeMap::new();
    for of_resource in collected.metrics.iter().flat_map(|request| &request.resource_metrics) {
        assert_ours(of_resource.resource.as_ref());
        for metric in of_resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            let points: &[NumberDataPoint] = match metric.data.as_ref().expect("a metric has data") {
                metric::Data::Gauge(gauge) => &gauge.data_points,
                metric::Data::Sum(sum) => {
                    assert!(sum.is_monotonic, "{} may only grow", metric.name);
                    &sum.data_points
                }
                other => panic!("{} is of another kind: {other:?}", metric.name),
            };
            for point in points {
                let Some(number_data_point::Value::AsDouble(value)) = point.value else { panic!("{point:?}") };
                let labels = attributes(&point.attributes);
                let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
                series.insert(format!("{}{{{}}}", metric.name, labels.join(",")), value);
            }
        }
    }
    series
}

#[test]
fn a_collector_gets_the_metrics_that_are_served_and_a_trace_of_each_batch_and_each_call_of_a_sink() {
    let place = Place::new();
    let collector = Collector::start();
    place.bring("a.json", records::lines(&[records::account_left(1), records::organization_described(2)]));
    let otlp = format!("[telemetry]\notlp = \"{}/\"\n", collector.url());
    let live = place.start(&format!("{}{otlp}", place.sink()));
    eventually("the finding is there", || place.lines().len() == 1);
    let served = || live.ask("/metrics").1;
    eventually("what becomes of it is counted", || {
        ["orgwatch_deliveries_total", "orgwatch_queue_depth", "orgwatch_source_lag_seconds"]
            .iter()
            .all(|name| served().contains(&format!("{name}{{")))
    });
    let served = served();
    // The end of the program sends what is left.
    let (code, told, _) = live.stop();
    assert_eq!(code, 0, "{told}");
    let collected = collector.collected();

    let series = series(&collected);
    for (name, value) in [
        ("orgwatch_records_total{source=\"folder\"}", 2.0),
        ("orgwatch_evaluations_total{rule=\"org.account-departed\"}", 1.0),
        ("orgwatch_findings_total{severity=\"high\"}", 1.0),
        ("orgwatch_deliveries_total{outcome=\"taken\",sink=\"file\"}", 1.0),
        ("orgwatch_delivery_latency_seconds_count{}", 1.0),
        ("orgwatch_gaps_open{}", 0.0),
        ("orgwatch_queue_depth{sink=\"file\"}", 0.0),
    ] {
        assert_eq!(series.get(name), Some(&value), "{name} in {series:?}");
    }
    let names = |text: &str| text.split(['{', ' ']).next().unwrap_or_default().to_owned();
    let sent: BTreeSet<String> = series.keys().map(|key| names(key)).collect();
    let lines = served.lines().filter(|line| !line.starts_with('#') && !line.contains("_bucket{"));
    let expected: BTreeSet<String> = lines.map(names).collect();
    assert!(expected.is_subset(&sent), "{:?} were not sent", expected.difference(&sent));

    let mut spans = Vec::new();
    for of_resource in collected.traces.iter().flat_map(|request| &request.resource_spans) {
        assert_ours(of_resource.resource.as_ref());
        spans.extend(of_resource.scope_spans.iter().flat_map(|scope| scope.spans.clone()));
    }
    let span = |name: &str, key: &str| {
        let span = spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} in {spans:?}"));
        assert!(span.trace_id.len() == 16 && span.end_time_unix_nano > span.start_time_unix_nano, "{span:?}");
        attributes(&span.attributes).remove(key)
    };
    assert_eq!(span("batch", "source").as_deref(), Some("folder"));
    assert!(span("batch", "input").is_some_and(|input| input.ends_with("/a.json")));
    assert_eq!(span("delivery", "sink").as_deref(), Some("file"));
    assert_eq!(span("delivery", "findings").as_deref(), Some("1"));
}
