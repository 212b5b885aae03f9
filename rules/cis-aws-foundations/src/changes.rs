//! Controls that are a list of operations: somebody changed a policy, a trail, a route.

use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::metric_filter::MetricFilter;
use orgwatch_rules_sdk::prelude::*;
use orgwatch_rules_sdk::serde_json::{self, json};

use crate::report;
use crate::settings::Settings;
pub use crate::targets::Places;
use crate::targets::targets;

/// A control: what its rule watches.
pub struct Control {
    /// The service that the operations belong to.
    pub source: &'static str,
    /// The metric filter that the benchmark prescribes.
    pub filter: &'static str,
    /// The operations, those that the control leaves out included.
    pub operations: &'static [Operation],
    /// Where a record names what was changed.
    pub targets: Places,
}

/// One operation of a control.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Its name, which is the record's `eventName`.
    pub name: &'static str,
    /// Whether the control lists it.
    pub listed: Listed,
    /// How much a successful call matters.
    pub severity: Severity,
    /// How to take a successful call back.
    pub undo: &'static str,
}

/// Whether a control lists an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// The benchmark names it.
    ByCis,
    /// The benchmark leaves it out.
    Not,
}

/// Makes an operation that the control lists.
pub const fn listed(name: &'static str, severity: Severity, undo: &'static str) -> Operation {
    Operation { name, listed: Listed::ByCis, severity, undo }
}

/// Makes an operation that the control leaves out.
pub const fn beyond(name: &'static str, severity: Severity, undo: &'static str) -> Operation {
    Operation { name, listed: Listed::Not, severity, undo }
}

impl Control {
    /// Returns the pattern of the records with these operations.
    pub fn pattern(&self, beyond: bool) -> serde_json::Value {
        let names: Vec<&str> = self.reported(beyond).map(|operation| operation.name).collect();
        json!({ "eventSource": [self.source], "eventName": names })
    }

    fn reported(&self, beyond: bool) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(move |operation| beyond || operation.listed == Listed::ByCis)
    }
}

/// A control with its settings, ready to judge records.
pub struct Changes {
    control: &'static Control,
    /// The published filter, where the strict reading is asked for.
    literal: Option<MetricFilter>,
    /// Whether operations are reported that the control leaves out.
    beyond: bool,
    expected: Automation,
}

impl Changes {
    /// Loads a control that goes beyond the benchmark's list unless the strict reading is asked for.
    ///
    /// # Errors
    ///
    /// Refuses the strict reading together with exceptions from it.
    pub fn load(control: &'static Control, settings: Settings) -> Result<Self, Refusal> {
        let beyond = !settings.strict;
        Self::load_with(control, settings, beyond)
    }

    /// Loads a control with a choice whether operations are reported that it leaves out.
    ///
    /// # Errors
    ///
    /// Refuses the strict reading together with exceptions from it.
    pub fn load_with(control: &'static Control, settings: Settings, beyond: bool) -> Result<Self, Refusal> {
        let literal = settings.literal(control.filter)?;
        Ok(Self { control, literal, beyond, expected: settings.expected_automation })
    }

    /// Returns the records to ask for.
    pub fn asked(&self) -> Matches {
        match &self.literal {
            Some(filter) => filter.asked(),
            None => Matches::Patterns(vec![self.control.pattern(self.beyond)]),
        }
    }

    /// Judges one record.
    pub fn judge(&self, event: &Event) -> Option<Change> {
        let name = event.event_name()?;
        let operation = *self.control.operations.iter().find(|operation| operation.name == name)?;
        if !self.reports(operation, event) {
            return None;
        }
        let outcome = event.outcome();
        Some(Change {
            operation,
            severity: operation.severity,
            account: report::account(event),
            targets: targets(event, self.control.targets),
            outcome,
        })
    }

    fn reports(&self, operation: Operation, event: &Event) -> bool {
        if let Some(filter) = &self.literal {
            return filter.matches(event);
        }
        // A pattern also matches a list of names, a metric filter does not: only a string is a name.
        event.event_source().as_deref() == Some(self.control.source)
            && (self.beyond || operation.listed == Listed::ByCis)
            && !self.expected.expects(event)
    }
}

/// A change that is reported.
pub struct Change {
    /// The operation.
    pub operation: Operation,
    /// How much it would matter if it succeeded. A rule may raise it.
    pub severity: Severity,
    /// How the call ended.
    pub outcome: Outcome,
    account: String,
    targets: Vec<(&'static str, String)>,
}

impl Change {
    /// Returns what the record names under a detail's name.
    pub fn target(&self, detail: &str) -> Option<&str> {
        self.targets.iter().find(|(name, _)| *name == detail).map(|(_, id)| id.as_str())
    }

    /// Makes the finding.
    pub fn finding(self, event: &Event) -> Finding {
        let (name, manner) = (self.operation.name, report::manner(&self.outcome));
        let named: Vec<String> =
            self.targets.iter().map(|(detail, id)| format!("{} {id}", detail.replace('_', " "))).collect();
        let named = named.join(", ");

        // Outcome and targets are part of the key, so that a harmless call made first cannot hide the real one in its group.
        let key = format!("{} {name}{manner} {named}", self.account);
        let mut title = format!("{name}{manner} in {}", self.account);
        if !named.is_empty() {
            title = format!("{title}: {named}");
        }
        let mut finding = Finding::new(key.trim_end())
            .title(title)
            .severity(report::graded(self.severity, &self.outcome))
            .detail("in_cis_control", self.operation.listed == Listed::ByCis);
        finding = report::with_circumstances(finding, event);
        if self.outcome.is_success() && !self.operation.undo.is_empty() {
            finding = finding.detail("undo", self.operation.undo);
        }
        for (detail, id) in self.targets {
            finding = finding.detail(detail, id);
        }
        finding
    }
}
