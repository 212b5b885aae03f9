//! An event for Splunk's HTTP Event Collector.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sink::Delivery;

pub(super) fn body(delivery: &Delivery) -> Value {
    let Delivery { finding, revision, filed, updated } = delivery;
    let time: Option<Timestamp> = finding.event.time.as_deref().and_then(|time| time.parse().ok());
    // Seconds with milliseconds, as text: a float would round.
    let time = time.unwrap_or(*filed).as_millisecond();
    json!({
        "time": format!("{}.{:03}", time.div_euclid(1000), time.rem_euclid(1000)),
        "source": "orgwatch",
        "sourcetype": "orgwatch:finding",
        "event": {
            "revision": revision,
            "filed": filed.to_string(),
            "updated": updated.to_string(),
            "finding": finding,
        },
    })
}
