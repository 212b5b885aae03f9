//! The sink `cloudwatch` against server.

use jiff::{SignedDuration, Timestamp};

use super::stand_in::{Server, with_credentials};
use super::{assert_taken, deliveries, sink};

/// Adds up a metric over the last hour, and counts its points.
fn total(server: &Server, namespace: &str, metric: &str) -> (f64, f64) {
    let hour = SignedDuration::from_hours(1);
    let [start, end] = [Timestamp::now() - hour, Timestamp::now() + hour].map(|time| time.to_string());
    let parameters = [
        ("Action", "GetMetricStatistics"),
        ("Version", "2010-08-01"),
        ("Namespace", namespace),
        ("MetricName", metric),
        ("StartTime", &start),
        ("EndTime", &end),
        ("Period", "60"),
        ("Statistics.member.1", "Sum"),
        ("Statistics.member.2", "SampleCount"),
    ];
    let answer = server.query("monitoring", &parameters);
    (sum(&answer, "Sum"), sum(&answer, "SampleCount"))
}

/// Adds up what stands in an element of XML, wherever it does.
fn sum(xml: &str, element: &str) -> f64 {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let values = xml.split(&open).skip(1).filter_map(|rest| rest.split_once(&close)?.0.parse::<f64>().ok());
    values.sum()
}

#[test]
fn findings_count_once_and_the_heartbeat_beats() {
    with_credentials("sinks::cloudwatch::findings_count_once_and_the_heartbeat_beats", async {
        let server = Server::ministack();
        let endpoint = server.endpoint();
        let text = format!(
            "kind = \"cloudwatch\"\nname = \"m\"\naws = {{ region = \"us-east-1\", endpoint = \"{endpoint}\" }}"
        );
        let sink = sink(&text).await;
        let mut sent = deliveries(5);
        sent[4].revision = 2;
        assert_taken(&sink.send(&sent).await, 5);
        assert_eq!(total(&server, "CISBenchmark", "OrganizationsChanges"), (4.0, 4.0));
        sink.heartbeat().await.expect("the heart beats");
        assert_eq!(total(&server, "orgwatch", "Heartbeat"), (1.0, 1.0));
        assert_eq!(total(&server, "CISBenchmark", "OrganizationsChanges"), (4.0, 5.0));
    });
}
