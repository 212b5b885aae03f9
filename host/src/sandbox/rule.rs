//! A rule that has been loaded, and its evaluation.

use std::sync::Arc;
use std::time::Duration;

use orgwatch_rules_sdk::json::Document;
use orgwatch_rules_sdk::{Finding, Note};
use wasmtime::Store;
use wasmtime::component::{Component as Compiled, ComponentExportIndex, InstancePre};

use super::compiler::Preparation;
use super::engine::{Engine, TICK};
use super::fault::{Fault, LoadFault, Spent, brief};
use super::imports::{EXPORT, MEMORY, linker};
use super::store::{Instance, LogLevel, RuleTables};
use super::trace::Trace;
use super::{findings, notes};
use crate::state::View;
use crate::table::Tables;

/// The places of the functions of the rule interface in a component.
#[derive(Clone, Copy)]
pub(super) struct Exports {
    pub(super) describe: ComponentExportIndex,
    pub(super) load: ComponentExportIndex,
    pub(super) evaluate: ComponentExportIndex,
    /// Those of a rule that looks back.
    pub(super) memory: Option<MemoryExports>,
}

/// The places of the functions that only a rule has which looks back.
#[derive(Clone, Copy)]
pub(super) struct MemoryExports {
    pub(super) keep: ComponentExportIndex,
    pub(super) note: ComponentExportIndex,
}

impl Exports {
    pub(super) fn find(component: &Compiled) -> Option<Self> {
        let rule = component.get_export_index(None, EXPORT)?;
        let function = |name: &str| component.get_export_index(Some(&rule), name);
        let memory = component.get_export_index(None, MEMORY).and_then(|memory| {
            let function = |name: &str| component.get_export_index(Some(&memory), name);
            Some(MemoryExports { keep: function("keep")?, note: function("note")? })
        });
        Some(Self { describe: function("describe")?, load: function("load")?, evaluate: function("evaluate")?, memory })
    }
}

impl Instance {
    /// Makes the store of one instance, with every bound set.
    pub(super) fn store(engine: &Engine, event: Option<Arc<Document>>, fuel: u64, deadline: Duration) -> Store<Self> {
        let limits = engine.limits();
        let mut store = Store::new(engine.wasmtime(), Self::new(event, limits));
        store.limiter(|instance| instance.bounds());
        store.set_fuel(fuel).expect("the engine counts fuel");
        let ticks = deadline.as_millis().div_ceil(TICK.as_millis()) + 1;
        store.set_epoch_deadline(u64::try_from(ticks).unwrap_or(u64::MAX));
        store.set_hostcall_fuel(limits.output);
        store
    }
}

/// A rule that can judge events: compiled, loaded with its settings, linked once.
pub struct LoadedRule {
    engine: Engine,
    pre: InstancePre<Instance>,
    exports: Exports,
    /// The settings to load before each evaluation, where the code does not start from the loaded image.
    load_first: Option<String>,
    tables: Arc<RuleTables>,
    /// For a rule that looks back, how far at most, in seconds.
    keep: Option<u64>,
    /// The fuel of one evaluation.
    fuel: u64,
    records: bool,
}

/// What came of asking a rule what to note of one record.
#[derive(Debug)]
pub struct Noting {
    /// The notes, or why there are none to be had.
    pub outcome: Result<Vec<Note>, Fault>,
    /// What the rule logged.
    pub log: Vec<(LogLevel, String)>,
    /// The fuel used, in units.
    pub fuel: u64,
    /// What the rule looked at, where that is recorded.
    pub trace: Option<Trace>,
}

/// What came of one evaluation: the findings or the fault, and what it took.
#[derive(Debug)]
pub struct Evaluation {
    /// The findings, or why there are none to be had.
    pub outcome: Result<Vec<Finding>, Fault>,
    /// What the rule logged.
    pub log: Vec<(LogLevel, String)>,
    /// The fuel used, in units. The same on every machine.
    pub fuel: u64,
    /// The size of what the rule returned, in bytes of JSON.
    pub output: usize,
    /// What the rule looked at, where that is recorded.
    pub trace: Option<Trace>,
}

impl LoadedRule {
    /// Links prepared code into an engine, with the operator's tables, of which the rule may read those that it lists.
    ///
    /// # Errors
    ///
    /// Fails when the rule wants more instances, memories or tables than one evaluation may have, or when the code was compiled by another
    /// version of the host or for another machine.
    pub fn link(
        engine: &Engine,
        preparation: Preparation,
        settings: &str,
        tables: Arc<Tables>,
        listed: Vec<String>,
    ) -> Result<Self, LoadFault> {
        let fault = |error: wasmtime::Error| LoadFault::Link(brief(&format!("{error:#}")));
        let load_first = (!preparation.frozen()).then(|| settings.to_owned());
        // A rule that does not look back with these settings is judged like one that never does.
        let keep = preparation.keep().filter(|&keep| keep > 0);
        let component = preparation.into_component(engine).map_err(fault)?;
        let missing = || LoadFault::Compile(format!("`{EXPORT}` lacks one of its functions"));
        let exports = Exports::find(&component).ok_or_else(missing)?;
        let pre = linker(engine).and_then(|linker| linker.instantiate_pre(&component)).map_err(fault)?;
        let tables = Arc::new(RuleTables { tables, listed });
        let fuel = engine.limits().fuel;
        Ok(Self { engine: engine.clone(), pre, exports, load_first, tables, keep, fuel, records: false })
    }

    /// Gives each evaluation so much fuel at most, where the engine's limits give more.
    pub fn cap_fuel(&mut self, fuel: u64) {
        self.fuel = self.fuel.min(fuel);
    }

    /// Sets whether evaluations record what the rule looks at. The verdict and the fuel are the same.
    pub fn record(&mut self, records: bool) {
        self.records = records;
    }

    /// Returns how far the rule looks back at most, in seconds; nothing for a rule that does not, or not with these settings.
    pub const fn keep(&self) -> Option<u64> {
        self.keep
    }

    /// Judges one record in a fresh instance. A rule that looks back gets a view of what it noted.
    pub fn evaluate(&self, event: Arc<Document>, state: Option<View>) -> Evaluation {
        let limits = self.engine.limits();
        let mut store = self.store();
        store.data_mut().tables = Some(Arc::clone(&self.tables));
        store.data_mut().state = state;
        let mut output = 0;
        let outcome = self.call(&mut store, self.exports.evaluate, event).and_then(|texts| {
            output = texts.iter().map(String::len).sum();
            findings::parse(&texts, limits, self.keep.is_some())
        });
        let fuel = self.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        let instance = store.data_mut();
        Evaluation { outcome, log: instance.log.take(), fuel, output, trace: instance.trace.take() }
    }

    /// Asks a rule that looks back what to note of one record, in a fresh instance.
    pub fn note(&self, event: Arc<Document>) -> Noting {
        let limits = self.engine.limits();
        let mut store = self.store();
        let outcome = match self.exports.memory {
            Some(memory) => self.call(&mut store, memory.note, event).and_then(|texts| notes::parse(&texts, limits)),
            None => Ok(Vec::new()),
        };
        let fuel = self.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        let instance = store.data_mut();
        Noting { outcome, log: instance.log.take(), fuel, trace: instance.trace.take() }
    }

    fn store(&self) -> Store<Instance> {
        let limits = self.engine.limits();
        let mut store = Instance::store(&self.engine, None, limits.fuel, limits.deadline);
        store.data_mut().trace = self.records.then(Trace::default);
        store
    }

    fn call(
        &self,
        store: &mut Store<Instance>,
        function: ComponentExportIndex,
        event: Arc<Document>,
    ) -> Result<Vec<String>, Fault> {
        self.run(store, function, event).map_err(|error| {
            let limits = self.engine.limits();
            let spent = Spent { fuel: self.fuel, memory: limits.memory, deadline: &limits.deadline };
            Fault::of(&error, spent, &store.data().log)
        })
    }

    fn run(
        &self,
        store: &mut Store<Instance>,
        function: ComponentExportIndex,
        event: Arc<Document>,
    ) -> wasmtime::Result<Vec<String>> {
        let instance = self.pre.instantiate(&mut *store)?;
        if let Some(settings) = &self.load_first {
            let load =
                instance.get_typed_func::<(&str,), (Result<Vec<String>, String>,)>(&mut *store, self.exports.load)?;
            // It took these settings when it was prepared, with no more fuel, and nothing that it can see has changed.
            let _ = load.call(&mut *store, (settings,))?;
        }
        store.set_fuel(self.fuel)?;
        store.data_mut().event = Some(event);
        let function = instance.get_typed_func::<(), (Vec<String>,)>(&mut *store, function)?;
        let (texts,) = function.call(&mut *store, ())?;
        Ok(texts)
    }
}
