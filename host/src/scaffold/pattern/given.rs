//! The records that `--events` gives, as tests of a rule: judged by the pattern as it was given, compared with what the rule will say, without
//! their credentials, and only so many, as different from one another as can be.

use std::collections::BTreeMap;

use orgwatch_rules_sdk::json::{Document, Node};
use serde_json::Value as Json;

use super::Original;
use crate::digest::Digest;
use crate::redact;

/// How many records of each sign are taken.
const MOST: usize = 10;

/// The given records that were chosen so far.
#[derive(Debug, Default)]
pub struct GivenEvents {
    fires: Chosen,
    quiet: Chosen,
    /// How many were judged otherwise as soon as their credentials were taken out.
    unusable: u64,
}

/// The pattern and the rule that was made of it do not agree on a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rule would not judge it as the pattern does")]
pub struct Disagreement;

/// Records of one sign.
#[derive(Debug, Default)]
struct Chosen {
    total: u64,
    /// One of each kind, in the order in which the kinds came.
    kinds: BTreeMap<Kind, usize>,
    first: Vec<Taken>,
    others: Vec<Taken>,
}

/// What records have in common that are alike: whether they come close to the pattern, which event they are, how it ended.
type Kind = (bool, String, String, String);

#[derive(Debug)]
struct Taken {
    near: bool,
    digest: Digest,
    record: Json,
}

impl GivenEvents {
    /// Takes a record into account.
    ///
    /// # Errors
    ///
    /// Fails where the rule would not judge it as the pattern does.
    pub fn add(&mut self, original: &Original, record: &Document) -> Result<(), Disagreement> {
        let matches = original.matches(record);
        if original.rule_finds(record) != matches {
            return Err(Disagreement);
        }
        let near = original.is_near(record);
        let chosen = if matches { &mut self.fires } else { &mut self.quiet };
        chosen.total += 1;
        let kind = kind(near, record);
        if !chosen.wants(&kind) {
            return Ok(());
        }
        let digest = Digest::of(record.root().canonical());
        if chosen.first.iter().chain(&chosen.others).any(|taken| taken.digest == digest) {
            return Ok(());
        }
        let text = redact::record(record);
        let still = Document::parse(text.as_str())
            .is_ok_and(|redacted| original.matches(&redacted) == matches && original.rule_finds(&redacted) == matches);
        match serde_json::from_str(&text) {
            Ok(json) if still => chosen.take(kind, Taken { near, digest, record: json }),
            _ => self.unusable += 1,
        }
        Ok(())
    }

    /// Returns the records that were taken: those that fire and those that stay quiet.
    pub fn taken(&self) -> (Vec<&Json>, Vec<&Json>) {
        (self.fires.taken(), self.quiet.taken())
    }

    /// Returns how many records fire and how many stay quiet, taken or not.
    pub fn totals(&self) -> (u64, u64) {
        (self.fires.total, self.quiet.total)
    }

    /// Returns how many records could not be taken, because what the pattern looks at in them is a credential.
    pub fn unusable(&self) -> u64 {
        self.unusable
    }
}

impl Chosen {
    fn wants(&self, kind: &Kind) -> bool {
        let new = !self.kinds.contains_key(kind);
        (new && (self.first.len() < MOST || kind.0)) || self.others.len() < MOST
    }

    fn take(&mut self, kind: Kind, taken: Taken) {
        if self.kinds.contains_key(&kind) {
            if self.others.len() < MOST {
                self.others.push(taken);
            }
            return;
        }
        // One that comes close is worth more than one that does not.
        let far = self.first.iter().rposition(|known| !known.near).filter(|_| taken.near);
        if self.first.len() < MOST {
            self.kinds.insert(kind, self.first.len());
            self.first.push(taken);
        } else if let Some(far) = far {
            self.kinds.retain(|_, place| *place != far);
            self.kinds.insert(kind, far);
            self.first[far] = taken;
        }
    }

    fn taken(&self) -> Vec<&Json> {
        self.first.iter().chain(&self.others).take(MOST).map(|taken| &taken.record).collect()
    }
}

fn kind(near: bool, record: &Document) -> Kind {
    let text = |name: &str| record.root().get(name).and_then(Node::string).unwrap_or_default().into_owned();
    (near, text("eventSource"), text("eventName"), text("errorCode"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn given(pattern: &str, records: impl IntoIterator<Item = Json>) -> GivenEvents {
        let original = Original::parse(pattern).unwrap();
        let mut given = GivenEvents::default();
        for record in records {
            given.add(&original, &Document::parse(record.to_string()).unwrap()).unwrap();
        }
        given
    }

    #[test]
    fn different_events_come_before_more_of_the_same() {
        let record = |name: &str, id: u64| json!({ "eventName": name, "eventSource": "s", "eventID": id.to_string() });
        let many = (0..50).map(|id| record("Common", id));
        let others = (50..55).map(|id| record(&format!("Other{id}"), id));
        let given = given(r#"{"eventSource": ["s"]}"#, many.chain(others).chain([record("Common", 1)]));
        assert_eq!(given.totals(), (56, 0));
        let (fires, _) = given.taken();
        let names: BTreeSet<&str> = fires.iter().filter_map(|record| record["eventName"].as_str()).collect();
        assert_eq!((fires.len(), names.len()), (MOST, 6), "{names:?}");
    }

    #[test]
    fn of_the_quiet_ones_those_that_come_close_are_taken() {
        let far = (0..30).map(|id| json!({ "eventName": format!("Far{id}"), "eventID": id }));
        let near = json!({ "eventName": "A", "errorCode": "AccessDenied" });
        let given = given("{ $.eventName = A && $.errorCode NOT EXISTS }", far.chain([near.clone()]));
        let (_, quiet) = given.taken();
        assert_eq!(quiet.len(), MOST);
        assert!(quiet.contains(&&near), "{quiet:?}");
    }

    #[test]
    fn credentials_are_taken_out_and_what_rests_on_them_is_left() {
        let secret =
            json!({ "eventName": "A", "responseElements": { "credentials": { "sessionToken": "IQoJb3JpZ2luX2Vj" } } });
        let given_one = given(r#"{"eventName": ["A"]}"#, [secret.clone()]);
        let (fires, _) = given_one.taken();
        assert_eq!(fires[0]["responseElements"]["credentials"]["sessionToken"], "[redacted]");
        let pattern = r#"{"responseElements": {"credentials": {"sessionToken": [{"prefix": "IQoJ"}]}}}"#;
        let given_one = given(pattern, [secret]);
        assert_eq!((given_one.taken().0.len(), given_one.totals(), given_one.unusable()), (0, (1, 0), 1));
    }
}
