//! A rule that has been loaded, and its evaluation.

use std::sync::Arc;
use std::time::Duration;

use orgwatch_rules_sdk::Finding;
use orgwatch_rules_sdk::json::Document;
use wasmtime::Store;
use wasmtime::component::{Component as Compiled, ComponentExportIndex, InstancePre};

use super::compiler::Preparation;
use super::engine::{Engine, TICK};
use super::fault::{Fault, LoadFault, Spent, brief};
use super::findings;
use super::imports::{EXPORT, linker};
use super::store::{Instance, LogLevel};

/// The places of the three functions of the rule interface in a component.
#[derive(Clone, Copy)]
pub(super) struct Exports {
    pub(super) describe: ComponentExportIndex,
    pub(super) load: ComponentExportIndex,
    pub(super) evaluate: ComponentExportIndex,
}

impl Exports {
    pub(super) fn find(component: &Compiled) -> Option<Self> {
        let rule = component.get_export_index(None, EXPORT)?;
        let function = |name: &str| component.get_export_index(Some(&rule), name);
        Some(Self { describe: function("describe")?, load: function("load")?, evaluate: function("evaluate")? })
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
}

impl LoadedRule {
    /// Links prepared code into an engine.
    ///
    /// # Errors
    ///
    /// Fails when the rule wants more instances, memories or tables than one evaluation may have, or when the code was compiled by another
    /// version of the host or for another machine.
    pub fn link(engine: &Engine, preparation: Preparation, settings: &str) -> Result<Self, LoadFault> {
        let fault = |error: wasmtime::Error| LoadFault::Link(brief(&format!("{error:#}")));
        let load_first = (!preparation.frozen()).then(|| settings.to_owned());
        let component = preparation.into_component(engine).map_err(fault)?;
        let missing = || LoadFault::Compile(format!("`{EXPORT}` lacks one of its functions"));
        let exports = Exports::find(&component).ok_or_else(missing)?;
        let pre = linker(engine).and_then(|linker| linker.instantiate_pre(&component)).map_err(fault)?;
        Ok(Self { engine: engine.clone(), pre, exports, load_first })
    }

    /// Judges one record in a fresh instance.
    pub fn evaluate(&self, event: Arc<Document>) -> Evaluation {
        let limits = self.engine.limits();
        let mut store = Instance::store(&self.engine, None, limits.fuel, limits.deadline);
        let mut output = 0;
        let outcome = self
            .run(&mut store, event)
            .map_err(|error| {
                let spent = Spent { fuel: limits.fuel, memory: limits.memory, deadline: &limits.deadline };
                Fault::of(&error, spent, &store.data().log)
            })
            .and_then(|texts| {
                output = texts.iter().map(String::len).sum();
                findings::parse(&texts, limits)
            });
        let fuel = limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        Evaluation { outcome, log: store.data_mut().log.take(), fuel, output }
    }

    fn run(&self, store: &mut Store<Instance>, event: Arc<Document>) -> wasmtime::Result<Vec<String>> {
        let instance = self.pre.instantiate(&mut *store)?;
        if let Some(settings) = &self.load_first {
            let load =
                instance.get_typed_func::<(&str,), (Result<Vec<String>, String>,)>(&mut *store, self.exports.load)?;
            // It took these settings when it was prepared, with no more fuel, and nothing that it can see has changed.
            let _ = load.call(&mut *store, (settings,))?;
        }
        store.set_fuel(self.engine.limits().fuel)?;
        store.data_mut().event = Some(event);
        let evaluate = instance.get_typed_func::<(), (Vec<String>,)>(&mut *store, self.exports.evaluate)?;
        let (findings,) = evaluate.call(&mut *store, ())?;
        Ok(findings)
    }
}
