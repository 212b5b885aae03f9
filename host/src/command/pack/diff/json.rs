//! What an upgrade changes, as JSON: an object for the packs, then for each rule one, one for each difference of its findings, and one for each flip.

use serde_json::{Value, json};

use crate::encoding::harmless_json;
use crate::pack::diff::{Diff, Fate, RuleDiff};

pub(super) fn lines(diff: &Diff) -> String {
    let mut text = String::new();
    let mut add = |value: &Value| {
        text += &harmless_json(value);
        text.push('\n');
    };
    add(&json!({
        "packs": { "old": diff.old, "new": diff.new },
        "same_pack": diff.same_pack,
        "higher": diff.higher,
        "changes": diff.manifest,
    }));
    for rule in &diff.rules {
        add(&of_rule(rule));
        for difference in &rule.differences {
            add(&json!({ "rule": rule.id, "difference": difference }));
        }
        for flip in rule.door.iter().flat_map(|door| &door.flips) {
            add(&json!({ "rule": rule.id, "flip": flip }));
        }
    }
    text
}

fn of_rule(rule: &RuleDiff) -> Value {
    let fate = match rule.fate {
        Fate::Added => "added",
        Fate::Removed => "removed",
        Fate::Changed => "changed",
        Fate::Unchanged => "unchanged",
    };
    let mut object = json!({ "rule": rule.id, "is": fate });
    let sides = |[old, new]: &[Option<String>; 2]| json!({ "old": old, "new": new });
    object["version"] = sides(&rule.versions);
    object["digest"] = sides(&rule.digests);
    if rule.fate == Fate::Unchanged {
        return object;
    }
    object["changes"] = json!(rule.said);
    object["reads"] = json!(rule.reads);
    object["reads_no_more"] = json!(rule.reads_no_more);
    object["events"] = json!(rule.events);
    object["fuel"] = json!(rule.fuel.map(|[old, new]| json!({ "old": old, "new": new })));
    // Of a rule that is in one version only, the literals cannot be compared.
    object["literals"] = json!(rule.door.as_ref().map(|door| json!({
        "tried": door.literals,
        "events": door.events,
        "changed_events": door.attempts,
        "untried": door.untried,
    })));
    object
}
