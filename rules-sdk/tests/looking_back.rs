//! A native test stops a rule that looks back where the host would stop it.

use std::cell::Cell;
use std::time::Duration;

use orgwatch_rules_sdk::{Describe, Event, Findings, Metadata, NoSettings, Note, Refusal, Rule, testing};

const RECORD: &str = r#"{"eventTime": "2026-11-01T10:00:00Z", "eventName": "StopLogging"}"#;

/// What the rule under test declares, in this thread.
#[derive(Clone, Copy)]
struct Declared {
    state_version: Option<u32>,
    keep: u64,
    within: Option<u64>,
    looks_back_in_note: bool,
}

thread_local! {
    static DECLARED: Cell<Declared> = const {
        Cell::new(Declared { state_version: Some(1), keep: 60, within: Some(60), looks_back_in_note: false })
    };
}

struct Remembers(Declared);

impl Describe for Remembers {
    fn declared() -> Metadata {
        let mut metadata = Metadata::new("Remembers.", "1.0.0", serde_json::Value::Null);
        metadata.id.push_str("test.remembers");
        metadata.title.push_str("It remembered");
        metadata.state_version = DECLARED.get().state_version;
        metadata
    }
}

impl Rule for Remembers {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self(DECLARED.get()))
    }

    fn keep(&self) -> Duration {
        Duration::from_secs(self.0.keep)
    }

    fn note(&self, event: &Event) -> Vec<Note> {
        if self.0.looks_back_in_note {
            event.notes("calls", "all").count(1);
        }
        vec![Note::new("calls", "all")]
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let notes = event.notes("calls", "all");
        let notes = self.0.within.map_or(notes, |seconds| notes.within(Duration::from_secs(seconds)));
        let calls = notes.count(10).actions;
        (calls > 1).then(|| orgwatch_rules_sdk::Finding::new("all").detail("calls", calls)).into()
    }
}

fn judge(declared: Declared) -> usize {
    DECLARED.set(declared);
    let earlier = testing::record(RECORD).with("/eventTime", "2026-11-01T09:58:00Z");
    let just_now = testing::record(RECORD).with("/eventTime", "2026-11-01T09:59:00Z");
    testing::given::<Remembers>("{}").earlier(earlier).earlier(just_now).judge(RECORD).len()
}

#[test]
fn without_a_bound_it_looks_back_as_far_as_it_keeps() {
    let declared = DECLARED.get();
    assert_eq!(judge(Declared { within: None, ..declared }), 1);
    assert_eq!(judge(Declared { within: None, keep: 59, ..declared }), 0);
    assert_eq!(judge(declared), 1);
}

#[test]
#[should_panic(expected = "the rule looked back 61 seconds, further than the 60 that its `keep` returned")]
fn it_looks_back_no_further_than_it_keeps() {
    judge(Declared { within: Some(61), ..DECLARED.get() });
}

#[test]
#[should_panic(expected = "or its `keep` returned no time")]
fn a_rule_that_keeps_nothing_cannot_look_back() {
    judge(Declared { keep: 0, ..DECLARED.get() });
}

#[test]
#[should_panic(expected = "`keep` returns a time, but there is no `state_version`")]
fn a_rule_that_keeps_has_a_state_version() {
    judge(Declared { state_version: None, ..DECLARED.get() });
}

#[test]
#[should_panic(expected = "the rule looked back in `note`")]
fn a_note_sees_its_record_and_nothing_else() {
    judge(Declared { looks_back_in_note: true, ..DECLARED.get() });
}
