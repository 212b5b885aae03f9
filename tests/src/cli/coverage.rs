//! `rules coverage`: what the shipped rules cover, as a table, as JSON and as a layer of the ATT&CK Navigator.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Ran, Run, rules};

fn coverage(output: &str) -> Ran {
    let ran = Run::new(["rules", "coverage", "--rules", "rules", "--output", output]).with_all_rules().run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{output}");
    ran
}

fn json(output: &str) -> Value {
    serde_json::from_str(&coverage(output).stdout).expect("the answer is JSON")
}

/// The techniques that the shipped rules name.
fn techniques() -> BTreeSet<String> {
    let sound = rules().into_iter().filter_map(|rule| rule.component.ok());
    sound.flat_map(|component| component.metadata().attack.clone()).collect()
}

#[test]
fn the_table_names_every_technique_and_every_control_with_its_rules() {
    let text = coverage("text").stdout;
    for technique in techniques() {
        assert!(text.lines().any(|line| line.starts_with(&technique)), "{technique}\n{text}");
    }
    for number in 1..=15 {
        for control in [
            format!("CIS AWS Foundations 1.3 to 5.0 §4.{number} "),
            format!("CIS AWS Foundations 6.0 and 7.0 §5.{number} "),
        ] {
            let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(&control)).collect();
            assert_eq!(lines.len(), 1, "{control}\n{text}");
            assert!(lines[0].contains("cis."), "{control} is covered by no rule of the CIS pack: {}", lines[0]);
        }
    }
    let (first, second) = (text.find("§4.9 "), text.find("§4.10 "));
    assert!(first < second, "controls stand in the order of their numbers");
}

#[test]
fn the_same_as_json() {
    let json = json("json");
    let listed: BTreeSet<String> = json["techniques"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["id"].as_str().expect("text").to_owned())
        .collect();
    assert_eq!(listed, techniques());
    assert_eq!(json["controls"].as_array().expect("a list").len(), 30);
    let piped = Run::new(["rules", "coverage", "--rules", "rules"]).with_all_rules().run();
    assert_eq!(piped.stdout, coverage("json").stdout, "what is piped is JSON");
}

#[test]
fn the_layer_has_what_the_navigator_asks_for() {
    let layer = json("navigator");
    assert_eq!(layer["versions"]["layer"], "4.5");
    assert_eq!(layer["domain"], "enterprise-attack");
    for (name, is_right) in [
        ("name", layer["name"].is_string()),
        ("versions", layer["versions"]["attack"].is_string()),
        ("gradient", layer["gradient"]["colors"].as_array().is_some_and(|colors| colors.len() == 2)),
        ("gradient", layer["gradient"]["maxValue"].as_u64() >= Some(1)),
    ] {
        assert!(is_right, "{name}: {layer}");
    }
    let entries = layer["techniques"].as_array().expect("a list");
    let ids: Vec<&str> = entries.iter().map(|entry| entry["techniqueID"].as_str().expect("text")).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "a technique stands once: {ids:?}");
    let scored: BTreeSet<String> = entries
        .iter()
        .filter(|entry| entry["score"].as_u64() > Some(0))
        .map(|entry| entry["techniqueID"].as_str().expect("text").to_owned())
        .collect();
    assert_eq!(scored, techniques());
    for id in &ids {
        let Some((parent, _)) = id.split_once('.') else { continue };
        let unfolded = entries.iter().any(|entry| entry["techniqueID"] == parent && entry["showSubtechniques"] == true);
        assert!(unfolded, "{id} cannot be seen: its technique is folded");
    }
}
