//! A coverage as a layer of the ATT&CK Navigator, in the layer format 4.5.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::coverage::Coverage;

/// The version of ATT&CK that the techniques' names are of.
const ATTACK: &str = "18";

/// Makes the layer: the score of a technique is the number of rules that cover it.
pub(super) fn layer(coverage: &Coverage) -> Value {
    let most = coverage.techniques.values().map(BTreeSet::len).max().unwrap_or(1);
    let techniques = coverage.techniques.iter().map(|(id, rules)| {
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        json!({
            "techniqueID": id,
            "score": rules.len(),
            "comment": rules.join(", "),
            "enabled": true,
            "metadata": rules.iter().map(|rule| json!({ "name": "rule", "value": rule })).collect::<Vec<_>>(),
            "showSubtechniques": shows_inside(coverage, id),
        })
    });
    // A sub-technique is seen only where its technique is unfolded, which may be none that a rule covers itself.
    let parents: BTreeSet<&str> = coverage.techniques.keys().filter_map(|id| Some(id.split_once('.')?.0)).collect();
    let folded = parents.into_iter().filter(|parent| !coverage.techniques.contains_key(*parent));
    let unfolded = folded.map(|parent| json!({ "techniqueID": parent, "enabled": true, "showSubtechniques": true }));
    json!({
        "name": "orgwatch",
        "versions": { "attack": ATTACK, "navigator": "5.1.0", "layer": "4.5" },
        "domain": "enterprise-attack",
        "description": "The techniques that the loaded rules of orgwatch cover; the score is the number of rules",
        "filters": { "platforms": ["IaaS", "Identity Provider", "SaaS"] },
        "sorting": 3,
        "layout": { "layout": "side", "showID": true, "showName": true },
        "hideDisabled": false,
        "techniques": techniques.chain(unfolded).collect::<Vec<_>>(),
        "gradient": { "colors": ["#cfe8ff", "#08519c"], "minValue": 0, "maxValue": most },
        "legendItems": [],
        "metadata": [],
        "links": [],
        "showTacticRowBackground": false,
        "selectTechniquesAcrossTactics": true,
        "selectSubtechniquesWithParent": false,
    })
}

fn shows_inside(coverage: &Coverage, id: &str) -> bool {
    let inside = format!("{id}.");
    coverage.techniques.keys().any(|other| other.starts_with(&inside))
}
