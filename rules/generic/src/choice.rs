//! Which records are chosen: by EventBridge patterns, or by metric filter patterns of CloudWatch.

use orgwatch_rules_sdk::metric_filter::MetricFilter;
use orgwatch_rules_sdk::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use orgwatch_rules_sdk::serde_json::{self, Value as Json};
use orgwatch_rules_sdk::{Event, Matches};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// The patterns of one rule, in one of the two languages.
#[derive(Debug)]
pub enum Choice {
    /// EventBridge patterns, which the host judges: the rule sees only records that one of them matches.
    EventBridge(Vec<Json>),
    /// Metric filter patterns, which the rule judges.
    MetricFilters(Vec<MetricFilter>),
}

impl Choice {
    /// Takes the patterns of the settings.
    ///
    /// # Errors
    ///
    /// Fails with what is wrong with them, under the names that they have in the settings.
    pub fn of(patterns: Vec<Json>, metric_filters: &Texts) -> Result<Self, String> {
        match (patterns.is_empty(), metric_filters.0.is_empty()) {
            (true, true) => Err(MISSING.to_owned()),
            (false, false) => {
                Err("`patterns` and `metric_filter` are both given: a rule has one or the other".to_owned())
            }
            (false, true) => {
                let patterns = patterns.into_iter().enumerate();
                let parsed = patterns.map(|(index, pattern)| {
                    event_pattern(pattern).map_err(|fault| format!("`patterns[{index}]` {fault}"))
                });
                parsed.collect::<Result<_, _>>().map(Self::EventBridge)
            }
            (true, false) => {
                let several = metric_filters.0.len() > 1;
                let filters = metric_filters.0.iter().enumerate();
                let parsed = filters.map(|(index, text)| {
                    let name = if several { format!("`metric_filter[{index}]`") } else { "`metric_filter`".to_owned() };
                    metric_filter(text).map_err(|fault| format!("{name} {fault}"))
                });
                parsed.collect::<Result<_, _>>().map(Self::MetricFilters)
            }
        }
    }

    /// Returns the records to ask for.
    pub fn asked(&self) -> Matches {
        let filters = match self {
            Self::EventBridge(patterns) => return Matches::Patterns(patterns.clone()),
            Self::MetricFilters(filters) => filters,
        };
        let mut asked = Vec::new();
        for filter in filters {
            match filter.asked() {
                Matches::Everything => return Matches::Everything,
                Matches::Patterns(patterns) => asked.extend(patterns),
            }
        }
        Matches::Patterns(asked)
    }

    /// Judges a record that was asked for.
    pub fn chooses(&self, event: &Event) -> bool {
        match self {
            Self::EventBridge(_) => true,
            Self::MetricFilters(filters) => filters.iter().any(|filter| filter.matches(event)),
        }
    }
}

const MISSING: &str = "`patterns` and `metric_filter` are missing: list at least one EventBridge pattern, such as { eventName = [\"StopLogging\"] }, \
                       or give the pattern of a CloudWatch metric filter, such as '{ $.eventName = \"StopLogging\" }'";

/// Takes a pattern as an object, or as its JSON text. The host knows the operators and judges them; what is checked here is what it would
/// explain less well.
fn event_pattern(pattern: Json) -> Result<Json, String> {
    let pattern = match pattern {
        Json::String(text) => serde_json::from_str(&text).map_err(|error| format!("is not JSON: {error}"))?,
        other => other,
    };
    match &pattern {
        Json::Object(fields) if fields.is_empty() => Err("is empty and would choose every record".to_owned()),
        Json::Object(fields) if ["detail", "detail-type", "source"].iter().any(|name| fields.contains_key(*name)) => {
            Err("is written for the EventBridge envelope: write what stands under `detail`, without the envelope"
                .to_owned())
        }
        Json::Object(_) => Ok(pattern),
        _ => Err("is not an EventBridge pattern: it has to be an object or the JSON text of one".to_owned()),
    }
}

fn metric_filter(text: &str) -> Result<MetricFilter, String> {
    let filter = MetricFilter::parse(text).map_err(|error| format!("is not a metric filter pattern: {error}"))?;
    if filter.asked() == Matches::Patterns(Vec::new()) {
        return Err("contradicts itself and would choose no record".to_owned());
    }
    Ok(filter)
}

/// One text, or a list of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Texts;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a string or a list of strings")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }

        deserializer.deserialize_any(OneOrMore)
    }
}

impl JsonSchema for Texts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Texts".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}
