//! A finding as it crosses the boundary to the host: the JSON that serde would write, written with fewer instructions, for which a rule pays.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::Finding;
use crate::json::write_string;

/// A finding's text is seldom longer, and a text that grows is copied.
const USUAL: usize = 2048;

impl Finding {
    /// Returns the finding as JSON.
    pub(crate) fn written(&self) -> String {
        let Self { key, title, severity, details, period, settled } = self;
        let mut out = String::with_capacity(USUAL);
        out.push_str("{\"key\":");
        write_string(key, &mut out);
        if let Some(title) = title {
            out.push_str(",\"title\":");
            write_string(title, &mut out);
        }
        if let Some(severity) = severity {
            out.push_str(",\"severity\":\"");
            out.push_str(severity.name());
            out.push('"');
        }
        if !details.is_empty() {
            out.push_str(",\"details\":");
            write_object(details, &mut out);
        }
        if let Some(period) = period {
            // Writing to a String cannot fail.
            let _ = write!(out, ",\"period\":{period}");
        }
        if *settled {
            out.push_str(",\"settled\":true");
        }
        out.push('}');
        out
    }
}

fn write_object(object: &serde_json::Map<String, Json>, out: &mut String) {
    out.push('{');
    for (place, (key, value)) in object.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write_string(key, out);
        out.push(':');
        write_value(value, out);
    }
    out.push('}');
}

fn write_value(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(number) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "{number}");
        }
        Json::String(text) => write_string(text, out),
        Json::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_value(item, out);
            }
            out.push(']');
        }
        Json::Object(object) => write_object(object, out),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::Severity;

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            ".{0,12}".prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map(".{0,6}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    fn finding() -> impl Strategy<Value = Finding> {
        let severity = prop::option::of(prop::sample::select(Severity::ALL.to_vec()));
        let details = prop::collection::vec((".{0,8}", json()), 0..4);
        let rest = (prop::option::of(any::<u32>()), any::<bool>());
        (".{0,20}", prop::option::of(".{0,30}"), severity, details, rest).prop_map(
            |(key, title, severity, details, (period, settled))| {
                let mut finding = Finding::new(key);
                finding.title = title;
                finding.severity = severity;
                finding = details.into_iter().fold(finding, |finding, (name, value)| finding.detail(name, value));
                if let Some(period) = period {
                    finding = finding.once_per(Duration::from_secs(period.into()));
                }
                if settled { finding.when_settled() } else { finding }
            },
        )
    }

    proptest! {
        #[test]
        fn a_finding_is_written_as_serde_writes_it(finding in finding()) {
            prop_assert_eq!(finding.written(), serde_json::to_string(&finding).expect("a finding is plain data"));
        }
    }
}
