//! A trial: records judged by rules as a replay judges them, with everything that came of it kept.

use std::sync::Arc;

use orgwatch_rules_sdk::json::Document;

use crate::event::Event;
use crate::judge::{Judge, Verdicts};
use crate::source::Place;
use crate::state::{StateError, Temporary};

/// Runs records through rules: asked for, judged, noted and looked back at as in a replay.
pub struct Trial<'a> {
    judge: &'a Judge,
}

/// What came of a trial.
#[derive(Debug, Default)]
pub struct Found {
    /// What the rules found, what they could not judge, what they logged and what they looked at. Those of rules that look back come last, as in a
    /// replay.
    pub verdicts: Verdicts,
    /// For each record, in the order of the story, the rules that asked for it, by their places in [`Judge::rules`].
    pub asked: Vec<Vec<usize>>,
}

impl<'a> Trial<'a> {
    /// Makes a trial of these rules.
    pub const fn new(judge: &'a Judge) -> Self {
        Self { judge }
    }

    /// Judges records, which rules that look back see together.
    ///
    /// # Errors
    ///
    /// Fails when there is no room for temporary files.
    pub fn run(&self, records: Vec<Document>) -> Result<Found, StateError> {
        let looks_back = self.judge.rules().iter().any(|rule| rule.keep().is_some());
        let state = looks_back.then(Temporary::open).transpose()?;
        let mut found = Found::default();
        let mut batch = Vec::new();
        for record in records {
            let asked = self.judge.ask(Event::new(record, Place::default()));
            found.asked.push(asked.as_ref().map(|asked| asked.rules().to_vec()).unwrap_or_default());
            batch.extend(asked);
        }
        self.judge.judge(&batch, |verdicts| verdicts.into_iter().for_each(|more| found.verdicts.append(more)));
        if let Some(state) = state {
            let source = Arc::from("");
            let remembered = std::mem::take(&mut found.verdicts.remembered);
            let remembered = remembered.into_iter().map(|remembered| remembered.waiting(&source)).collect();
            state.remember(self.judge, remembered)?;
            state.settle(self.judge, |verdicts| found.verdicts.append(verdicts))?;
        }
        Ok(found)
    }
}
