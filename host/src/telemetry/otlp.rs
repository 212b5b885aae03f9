//! Traces and metrics over OTLP, for those who collect them.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use super::Metrics;
use super::metrics::Kind;

/// The name that the service has for collectors.
const SERVICE: &str = "orgwatch";

/// What sends. Dropping it sends what is left.
pub struct Otlp {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Otlp {
    /// Starts to send what `metrics` counts, once a minute, and the spans that the tracer is given, to an endpoint such as
    /// `http://127.0.0.1:4318`.
    ///
    /// # Errors
    ///
    /// Fails when the endpoint is no URL.
    pub fn start(endpoint: &str, metrics: &Arc<Metrics>) -> Result<Self, ExporterBuildError> {
        let resource = || Resource::builder().with_service_name(SERVICE).build();
        let endpoint = endpoint.trim_end_matches('/');
        let spans = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()?;
        let traces = SdkTracerProvider::builder().with_resource(resource()).with_batch_exporter(spans).build();
        let exporter = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/metrics"))
            .build()?;
        let provider = SdkMeterProvider::builder().with_resource(resource()).with_periodic_exporter(exporter).build();
        observe(&provider, metrics);
        Ok(Self { traces, metrics: provider })
    }

    /// Returns what makes spans.
    pub fn tracer(&self) -> SdkTracer {
        self.traces.tracer(SERVICE)
    }
}

impl Drop for Otlp {
    fn drop(&mut self) {
        // A collector that is gone cannot be told, and nobody waits for it.
        let _ = self.traces.shutdown();
        let _ = self.metrics.shutdown();
    }
}

/// Declares an instrument for each of the program's metrics. They are read out of the same text that Prometheus reads, so that both always say
/// the same; a histogram gives its sum and its count.
fn observe(provider: &SdkMeterProvider, metrics: &Arc<Metrics>) {
    let meter = provider.meter(SERVICE);
    for (wanted, kind) in Metrics::SERIES {
        let metrics = Arc::clone(metrics);
        let read = move |observe: &mut dyn FnMut(f64, &[KeyValue])| {
            for sample in metrics.text().lines().filter_map(Sample::parse).filter(|sample| sample.name == wanted) {
                let labels: Vec<KeyValue> =
                    sample.labels.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
                observe(sample.value, &labels);
            }
        };
        if kind == Kind::Gauge {
            let builder = meter.f64_observable_gauge(wanted);
            builder.with_callback(move |observer| read(&mut |value, labels| observer.observe(value, labels))).build();
        } else {
            let builder = meter.f64_observable_counter(wanted);
            builder.with_callback(move |observer| read(&mut |value, labels| observer.observe(value, labels))).build();
        }
    }
}

/// One line of the metrics' text.
#[derive(Debug, PartialEq)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Sample {
    fn parse(line: &str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let (series, value) = line.rsplit_once(' ')?;
        let value = value.parse().ok()?;
        let Some((name, labels)) = series.split_once('{') else {
            return Some(Self { name: series.to_owned(), labels: Vec::new(), value });
        };
        let mut rest = labels.strip_suffix('}')?;
        let mut labels = Vec::new();
        while let Some((key, after)) = rest.split_once("=\"") {
            let end = after.match_indices('"').map(|(at, _)| at).find(|&at| !after[..at].ends_with('\\'))?;
            let text = after[..end].replace("\\\"", "\"").replace("\\n", "\n").replace("\\\\", "\\");
            labels.push((key.to_owned(), text));
            rest = after[end + 1..].strip_prefix(',').unwrap_or_default();
        }
        Some(Self { name: name.to_owned(), labels, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_prometheus_reads_it() {
        let metrics = Metrics::default();
        metrics.records("trail, \"quoted\"", 3);
        metrics.committed(0.5);
        let text = metrics.text();
        let samples: Vec<Sample> = text.lines().filter_map(Sample::parse).collect();
        let labels = vec![("source".to_owned(), "trail, \"quoted\"".to_owned())];
        assert!(samples.contains(&Sample { name: "orgwatch_records_total".into(), labels, value: 3.0 }), "{text}");
        let unlabelled = Sample { name: "orgwatch_intake_latency_seconds_sum".into(), labels: Vec::new(), value: 0.5 };
        assert!(samples.contains(&unlabelled), "{text}");
    }
}
