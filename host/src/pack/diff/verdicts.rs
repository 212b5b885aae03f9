//! What two versions of a rule find in the same events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orgwatch_rules_sdk::Matches;
use orgwatch_rules_sdk::json::escape_pointer_token;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::finding::{EventReference, Finding};
use crate::gap::GapCause;
use crate::judge::Judge;
use crate::sandbox::Step;
use crate::state::StateError;
use crate::testing::{Case, Expected, Found, Suite, Trial, Workbench};

/// Something that the two versions find otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// What kind of difference it is.
    pub kind: Kind,
    /// The case that it showed in, or the events that were given.
    pub case: String,
    /// The event; nothing where a version could judge none at all.
    pub event: Option<EventReference>,
    /// What the old version found.
    pub old: Option<Shown>,
    /// What the new version finds.
    pub new: Option<Shown>,
    /// Why one of them could not judge.
    pub reason: Option<String>,
}

/// The kinds of differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The old version found it, and the new one does not.
    Lost,
    /// The new version cannot judge what the old one judged, and found nothing in.
    Gap,
    /// Both find it, and say something else.
    Changed,
    /// The new version finds it, and the old one did not.
    Added,
    /// The new version judges what the old one could not.
    GapClosed,
}

/// What a user sees of a finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// One line.
    pub title: String,
    /// How serious it is.
    pub severity: &'static str,
    /// What it is about.
    pub key: String,
    /// What the rule has to say.
    pub details: Map<String, Value>,
}

/// What evaluations cost, in units of fuel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Fuel {
    /// The most that one took.
    pub most: u64,
    /// The middle of all, in order.
    pub middle: u64,
}

/// How many events are judged together: with each comes everything that a rule looked at.
const TOGETHER: usize = 64;

/// A story of more events is not changed for a rule that looks back: each change means judging all of it.
pub(super) const LONGEST_STORY: usize = 200;

/// Events in which something was found whose reads are kept, at most.
const MOST_TRACES: usize = 200;

/// What came of one version and one case.
pub(super) enum Verdict {
    /// There is no such version.
    Absent,
    /// It cannot be loaded like this, or refuses the settings.
    Refused(String),
    /// It judged.
    Judged(Arc<Judge>, Box<Seen>),
}

/// What a version found, and what it read.
#[derive(Default)]
pub(super) struct Seen {
    /// What it found. Of what it looked at, only that is kept which led to findings.
    pub(super) found: Found,
    reads: BTreeSet<String>,
    events: BTreeSet<Digest>,
}

/// A case that both versions judged.
pub(super) struct Both<'a> {
    pub(super) case: &'a Case,
    pub(super) judges: [Arc<Judge>; 2],
    pub(super) seen: [Box<Seen>; 2],
}

/// What came of all cases.
#[derive(Default)]
pub(super) struct Judged<'a> {
    pub(super) differences: Vec<Difference>,
    /// The events that were judged.
    pub(super) events: BTreeSet<Digest>,
    pub(super) both: Vec<Both<'a>>,
    reads: [BTreeSet<String>; 2],
    told: BTreeSet<(Kind, Digest)>,
}

/// Has one version judge a case.
pub(super) fn judge(suite: Option<&Suite>, case: &Case, bench: &mut Workbench<'_>) -> Result<Verdict, StateError> {
    let Some(suite) = suite else { return Ok(Verdict::Absent) };
    match bench.judge(suite, case) {
        Ok(judge) => {
            let seen = Seen::of(&judge, case)?;
            Ok(Verdict::Judged(judge, Box::new(seen)))
        }
        Err(fault) => Ok(Verdict::Refused(fault.to_string())),
    }
}

impl Seen {
    fn of(judge: &Judge, case: &Case) -> Result<Self, StateError> {
        let trial = Trial::new(judge);
        let mut seen = Self::default();
        if looks_back(judge) {
            // What is found in one event rests on others, so that all that was read matters, in a story that is short enough to be changed.
            let found = trial.run(case.story.documents())?;
            seen.add(found, |_| case.story.len() <= LONGEST_STORY);
            return Ok(seen);
        }
        let mut documents = case.story.documents().into_iter().peekable();
        while documents.peek().is_some() {
            let found = trial.run(documents.by_ref().take(TOGETHER).collect())?;
            let fires: BTreeSet<Digest> = found.verdicts.findings.iter().map(|finding| finding.event.digest).collect();
            let mut room = MOST_TRACES.saturating_sub(seen.found.verdicts.traces.len());
            seen.add(found, |event| {
                let is_kept = room > 0 && fires.contains(&event);
                room -= usize::from(is_kept);
                is_kept
            });
        }
        Ok(seen)
    }

    /// Adds what came of judging some events. What the rule looked at in each is kept where that is wanted.
    fn add(&mut self, mut found: Found, mut is_kept: impl FnMut(Digest) -> bool) {
        for traced in &found.verdicts.traces {
            self.events.insert(traced.event);
            for step in &traced.trace.steps {
                if let Step::Read { path, .. } | Step::Json { path, .. } = step {
                    self.reads.insert(general(path));
                }
            }
        }
        found.verdicts.traces.retain(|traced| is_kept(traced.event));
        self.found.verdicts.append(found.verdicts);
    }
}

impl<'a> Judged<'a> {
    /// Adds what the old and the new version made of a case.
    pub(super) fn add(&mut self, case: &'a Case, verdicts: [Verdict; 2]) {
        for (verdict, reads) in verdicts.iter().zip(&mut self.reads) {
            if let Verdict::Judged(_, seen) = verdict {
                reads.extend(seen.reads.iter().cloned());
                self.events.extend(&seen.events);
            }
        }
        let expects_refusal = matches!(case.expected, Expected::Refused(_));
        match verdicts {
            [Verdict::Judged(old_judge, old), Verdict::Judged(new_judge, new)] => {
                self.compare(case, &old.found, &new.found);
                self.both.push(Both { case, judges: [old_judge, new_judge], seen: [old, new] });
            }
            [Verdict::Judged(_, old), other] => {
                let reason = match other {
                    Verdict::Refused(reason) => Some(reason),
                    Verdict::Absent | Verdict::Judged(..) => None,
                };
                for finding in &old.found.verdicts.findings {
                    self.lost(case, finding, reason.clone());
                }
                if old.found.verdicts.findings.is_empty()
                    && !expects_refusal
                    && let Some(reason) = reason
                {
                    self.none_judged(Kind::Gap, case, reason);
                }
            }
            [Verdict::Absent, Verdict::Judged(_, new)] => {
                new.found.verdicts.findings.iter().for_each(|finding| self.added(case, finding));
            }
            [Verdict::Refused(reason), Verdict::Judged(..)] => self.none_judged(Kind::GapClosed, case, reason),
            [Verdict::Absent, Verdict::Refused(reason)] if !expects_refusal => {
                self.none_judged(Kind::Gap, case, reason);
            }
            [Verdict::Absent | Verdict::Refused(_), Verdict::Absent | Verdict::Refused(_)] => {}
        }
    }

    /// Returns the fields that each version read or asks for.
    pub(super) fn reads(&self, matches: [Option<&Matches>; 2]) -> [BTreeSet<String>; 2] {
        let mut reads = self.reads.clone();
        for (reads, matches) in reads.iter_mut().zip(matches) {
            if let Some(Matches::Patterns(patterns)) = matches {
                for pattern in patterns {
                    asked(pattern, "", reads);
                }
            }
        }
        reads
    }

    /// Returns the fuel that each version took for what both judged.
    pub(super) fn fuel(&self) -> Option<[Fuel; 2]> {
        let of = |side: usize| {
            let all = self.both.iter().flat_map(|both| &both.seen[side].found.verdicts.fuel);
            let mut fuel: Vec<u64> = all.map(|&(_, fuel)| fuel).collect();
            fuel.sort_unstable();
            Some(Fuel { most: *fuel.last()?, middle: fuel[fuel.len() / 2] })
        };
        Some([of(0)?, of(1)?])
    }

    fn compare(&mut self, case: &Case, old: &Found, new: &Found) {
        let [old_gaps, new_gaps] = [old, new].map(gaps);
        let of = |found: &Found| -> BTreeMap<Digest, Finding> {
            found.verdicts.findings.iter().map(|finding| (finding.id, finding.clone())).collect()
        };
        let [mut old_findings, mut new_findings] = [old, new].map(of);
        for finding in &old.verdicts.findings {
            if let Some(after) = new_findings.get(&finding.id)
                && let Some(before) = old_findings.remove(&finding.id)
            {
                self.changed(case, &before, after);
                new_findings.remove(&finding.id);
            }
        }
        // What is left of one event in both has another key: found all the same, and shown as changed.
        for finding in new.verdicts.findings.iter().filter(|finding| new_findings.contains_key(&finding.id)) {
            let same_event = old_findings.values().find(|old| old.event.digest == finding.event.digest);
            if let Some(id) = same_event.map(|old| old.id)
                && let Some(before) = old_findings.remove(&id)
            {
                self.changed(case, &before, finding);
            } else {
                self.added(case, finding);
            }
        }
        for finding in old.verdicts.findings.iter().filter(|finding| old_findings.contains_key(&finding.id)) {
            self.lost(case, finding, new_gaps.get(&finding.event.digest).map(|(_, reason)| reason.clone()));
        }
        for (kind, gaps, others, found) in
            [(Kind::Gap, &new_gaps, &old_gaps, old), (Kind::GapClosed, &old_gaps, &new_gaps, new)]
        {
            for (digest, (event, reason)) in gaps.iter().filter(|(digest, _)| !others.contains_key(*digest)) {
                // Where the other version found something, that has been told.
                if found.verdicts.findings.iter().all(|finding| finding.event.digest != *digest)
                    && self.told.insert((kind, *digest))
                {
                    let (event, reason) = (Some(event.clone()), Some(reason.clone()));
                    self.differences.push(Difference {
                        kind,
                        case: case.name.clone(),
                        event,
                        old: None,
                        new: None,
                        reason,
                    });
                }
            }
        }
    }

    fn lost(&mut self, case: &Case, finding: &Finding, reason: Option<String>) {
        self.tell(Kind::Lost, case, [Some(finding), None], reason);
    }

    fn added(&mut self, case: &Case, finding: &Finding) {
        self.tell(Kind::Added, case, [None, Some(finding)], None);
    }

    fn changed(&mut self, case: &Case, old: &Finding, new: &Finding) {
        if Shown::of(old) != Shown::of(new) {
            self.tell(Kind::Changed, case, [Some(old), Some(new)], None);
        }
    }

    /// Tells of a finding once, however many cases show it.
    fn tell(&mut self, kind: Kind, case: &Case, findings: [Option<&Finding>; 2], reason: Option<String>) {
        let Some(finding) = findings[0].or(findings[1]) else { return };
        if self.told.insert((kind, finding.id)) {
            let [old, new] = findings.map(|finding| finding.map(Shown::of));
            let event = Some(finding.event.clone());
            self.differences.push(Difference { kind, case: case.name.clone(), event, old, new, reason });
        }
    }

    fn none_judged(&mut self, kind: Kind, case: &Case, reason: String) {
        let (case, reason) = (case.name.clone(), Some(reason));
        self.differences.push(Difference { kind, case, event: None, old: None, new: None, reason });
    }
}

impl Shown {
    fn of(finding: &Finding) -> Self {
        Self {
            title: finding.title.clone(),
            severity: finding.severity.name(),
            key: finding.key.clone(),
            details: finding.details.clone(),
        }
    }
}

/// Tells whether a rule looks back at earlier events.
pub(super) fn looks_back(judge: &Judge) -> bool {
    judge.rules().iter().any(|rule| rule.keep().is_some())
}

/// The events that a version could not judge, with the reasons.
fn gaps(found: &Found) -> BTreeMap<Digest, (EventReference, String)> {
    let gaps = found.verdicts.gaps.iter().filter_map(|gap| {
        let event = gap.cause.event()?;
        let reason = match &gap.cause {
            GapCause::Fault { fault, .. } => fault.to_string(),
            other => other.to_string(),
        };
        Some((event.digest, (event.clone(), reason)))
    });
    gaps.collect()
}

/// Writes a path with `*` for the places of lists, so that the third element of a list is no other field than the first.
fn general(path: &str) -> String {
    let general = |token: &str| {
        let is_place = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
        if is_place { "*".to_owned() } else { token.to_owned() }
    };
    path.split('/').map(general).collect::<Vec<_>>().join("/")
}

/// Gathers the fields that a pattern asks for.
fn asked(pattern: &Value, path: &str, fields: &mut BTreeSet<String>) {
    let Value::Object(members) = pattern else { return };
    for (name, value) in members {
        let field = format!("{path}/{}", escape_pointer_token(name));
        match value {
            Value::Array(branches) if name == "$or" => {
                for branch in branches {
                    asked(branch, path, fields);
                }
            }
            Value::Object(_) => asked(value, &field, fields),
            _ => {
                fields.insert(field);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_in_a_list_is_no_field_of_its_own() {
        assert_eq!(general("/resources/0/ARN"), "/resources/*/ARN");
        assert_eq!(general("/requestParameters/v2"), "/requestParameters/v2");
        assert_eq!(general(""), "");
    }

    #[test]
    fn a_pattern_asks_for_the_fields_at_its_leaves() {
        let pattern = json!({
            "eventName": ["A"],
            "userIdentity": { "type": ["Root"], "a/b": [{ "exists": true }] },
            "$or": [{ "errorCode": ["X"] }, { "requestParameters": { "name": ["y"] } }],
        });
        let mut fields = BTreeSet::new();
        asked(&pattern, "", &mut fields);
        let expected =
            ["/errorCode", "/eventName", "/requestParameters/name", "/userIdentity/a~1b", "/userIdentity/type"];
        assert_eq!(fields.into_iter().collect::<Vec<_>>(), expected);
    }
}
