//! The test that `examples/orgwatch.toml` shows every kind of sink with every key.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use toml::Table;

use super::SinkConfig;

const EXAMPLE: &str = include_str!("../../../examples/orgwatch.toml");

/// The sinks of the example, which stand there behind a `#`, where text stands behind `# `.
fn shown() -> Vec<Table> {
    let lines = EXAMPLE.lines().skip_while(|line| *line != "#[[sink]]").filter_map(|line| line.strip_prefix('#'));
    let keys: Vec<&str> = lines.filter(|line| !line.starts_with(' ')).collect();
    let mut table: Table = toml::from_str(&keys.join("\n")).unwrap();
    table.remove("sink").unwrap().try_into().unwrap()
}

/// The keys of each kind of sink, but for the tables that all have.
fn keys() -> BTreeMap<String, BTreeSet<String>> {
    let schema = schemars::schema_for!(SinkConfig).to_value();
    let mut keys = BTreeMap::new();
    for kind in schema["oneOf"].as_array().unwrap() {
        let config = kind["$ref"].as_str().map_or(kind, |path| schema.pointer(&path[1..]).unwrap());
        let name = kind["properties"]["kind"]["const"].as_str().unwrap().to_owned();
        let of = |value: &Value| -> BTreeSet<String> {
            value["properties"].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
        };
        keys.insert(name, of(kind).union(&of(config)).cloned().collect());
    }
    keys
}

#[test]
fn the_example_shows_every_kind_of_sink_with_every_key() {
    let mut missing = keys();
    for table in shown() {
        let sink: SinkConfig = table.clone().try_into().unwrap();
        let kind = table["kind"].as_str().unwrap();
        let mut keys = missing.remove(kind).unwrap();
        keys.retain(|key| !matches!(key.as_str(), "retry" | "aws") && !table.contains_key(key));
        assert!(keys.is_empty(), "{kind} has keys that are not shown: {keys:?}");
        assert!(!sink.name().is_empty());
    }
    assert!(missing.is_empty(), "sinks that are not shown: {:?}", missing.keys());
}
