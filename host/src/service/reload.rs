//! Loading rules, tables, tuning and routes anew while the service runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::interval;

use crate::digest::Digest;
use crate::health::Condition;
use crate::intake::Intake;
use crate::judge::Judge;
use crate::ledger::{LedgerError, SinkNumber};
use crate::route::{Router, Routes};
use crate::rule::Rule;
use crate::table::Tables;
use crate::tuning::Tuning;

/// How often the files are looked at for changes. They are taken when they have stayed the same for as long.
const LOOK: Duration = Duration::from_secs(2);

/// What the digests of the tables stand under beside the rules. No rule has such an id.
const TABLES: &str = "[[table]]";

/// What is told of all rules together stands under this name.
const RULES: &str = "rules";

/// What the digest of the tuning stands under: of what is observed, graded, excepted and grouped.
const TUNING: &str = "[tuning]";

/// Rules that have been loaded.
pub struct Loaded {
    /// The rules, to judge with.
    pub judge: Judge,
    /// The rules that could not be loaded, with the reasons.
    pub refused: Vec<(String, String)>,
    /// The routes that findings take.
    pub routes: Routes,
    /// Which rules with which settings, by id, which tables and which tuning: a JSON object.
    pub activation: String,
}

impl Loaded {
    /// Makes the rules ready to judge.
    pub fn new(
        rules: Vec<Rule>,
        mut refused: Vec<(String, String)>,
        redacts: bool,
        tables: &Tables,
        tuning: Arc<Tuning>,
        routes: Routes,
    ) -> Self {
        let mut active = Map::new();
        let digests: Map<String, Value> =
            tables.iter().map(|table| (table.name().to_owned(), table.digest().tagged().into())).collect();
        if !digests.is_empty() {
            active.insert(TABLES.to_owned(), Value::Object(digests));
        }
        if let Some(digest) = tuning.digest() {
            active.insert(TUNING.to_owned(), digest.tagged().into());
        }
        for rule in &rules {
            match &rule.judge {
                Ok(_) => {
                    let mut reference = serde_json::to_value(&*rule.defaults.rule).unwrap_or(Value::Null);
                    // Another grant can be more fuel, with which a gap may close.
                    if let (Some(grant), Some(reference)) = (&rule.grant, reference.as_object_mut()) {
                        reference.insert("grant".to_owned(), serde_json::to_value(grant).unwrap_or(Value::Null));
                    }
                    active.insert(rule.id.clone(), reference);
                }
                Err(fault) => refused.push((rule.id.clone(), fault.to_string())),
            }
        }
        let routes = routes.granted_to(&rules);
        let judge = Judge::new(rules).redacting(redacts).tuned(tuning);
        Self { judge, refused, routes, activation: Value::Object(active).to_string() }
    }
}

/// The rules of a service: those to begin with, and the way to load them again.
pub struct Rules {
    first: Mutex<Option<Loaded>>,
    load: Arc<dyn Fn() -> Result<Loaded, String> + Send + Sync>,
    fingerprint: Arc<dyn Fn() -> Digest + Send + Sync>,
}

impl Rules {
    /// Takes rules that have been loaded, with what loads them again from the same places, and what tells whether those have changed.
    pub fn new(
        first: Loaded,
        load: impl Fn() -> Result<Loaded, String> + Send + Sync + 'static,
        fingerprint: impl Fn() -> Digest + Send + Sync + 'static,
    ) -> Self {
        Self { first: Mutex::new(Some(first)), load: Arc::new(load), fingerprint: Arc::new(fingerprint) }
    }

    /// Returns the rules to begin with.
    pub(super) fn start(&self) -> Loaded {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        first.expect("a service starts once")
    }
}

/// Writes down which rules are active now, and has the gaps of those tried again that were not active like this before.
pub(super) async fn activate(intake: &Intake, activation: &str) -> Result<(), LedgerError> {
    let before = intake.ledger().activate(activation.to_owned(), Timestamp::now()).await?;
    let parse = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let before = before.map(|text| parse(&text)).unwrap_or_default();
    let changed: Vec<String> = parse(activation)
        .into_iter()
        .filter(|(id, reference)| before.get(id) != Some(reference))
        .map(|(id, _)| id)
        .collect();
    if !changed.is_empty() {
        let gaps = intake.ledger().retry_gaps_of(changed).await?;
        if gaps > 0 {
            tracing::info!(gaps, "rules have changed: trying their gaps again");
        }
    }
    Ok(())
}

/// Tells of rules that could not be loaded at the start. The others run: one that is refused silences no other, and an operator has to know.
pub(super) fn tell_of_missing(intake: &Intake, refused: &[(String, String)], now: Timestamp) {
    if !refused.is_empty() {
        intake.health().raise(Condition::RulesMissing, RULES, reasons(refused), now);
    }
}

/// Loads the rules again on SIGHUP, and when their files or the configuration have changed. A set of which a rule cannot be loaded is not
/// taken: the last good one goes on, and that is told.
pub(super) async fn watch(intake: Arc<Intake>, rules: Rules, sinks: Vec<SinkNumber>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    let mut clock = interval(LOOK);
    let mut loaded = fingerprint(&rules).await;
    let mut seen = loaded;
    loop {
        let asked = tokio::select! {
            _ = hangup.recv() => true,
            _ = clock.tick() => false,
        };
        let now = fingerprint(&rules).await;
        let still = now == seen;
        seen = now;
        if !asked && (now == loaded || !still) {
            continue;
        }
        loaded = now;
        reload(&intake, &rules, &sinks).await;
    }
}

async fn fingerprint(rules: &Rules) -> Option<Digest> {
    let fingerprint = Arc::clone(&rules.fingerprint);
    tokio::task::spawn_blocking(move || fingerprint()).await.ok()
}

async fn reload(intake: &Arc<Intake>, rules: &Rules, sinks: &[SinkNumber]) {
    let load = Arc::clone(&rules.load);
    let result =
        tokio::task::spawn_blocking(move || load()).await.unwrap_or_else(|_| Err("loading them panicked".to_owned()));
    let now = Timestamp::now();
    let loaded = match result {
        Ok(loaded) if loaded.refused.is_empty() => loaded,
        Ok(loaded) => return failed(intake, reasons(&loaded.refused), now),
        Err(reason) => return failed(intake, reason, now),
    };
    let count = loaded.judge.rules().len();
    intake.replace_judge(loaded.judge);
    intake.replace_router(Router::new(loaded.routes, sinks.to_vec()));
    intake.look_at_exceptions(now);
    intake.health().well(Condition::ReloadFailed, RULES, now);
    intake.health().well(Condition::RulesMissing, RULES, now);
    tracing::info!(rules = count, "loaded the rules anew");
    if let Err(error) = activate(intake, &loaded.activation).await {
        tracing::error!("failed to write down which rules are active: {error}");
    }
}

/// Puts the reasons of all that does not load into one text.
fn reasons(refused: &[(String, String)]) -> String {
    let reasons: Vec<String> = refused.iter().map(|(rule, reason)| format!("{rule}: {reason}")).collect();
    reasons.join("; ")
}

fn failed(intake: &Intake, reason: String, now: Timestamp) {
    tracing::error!("the changed rules are not taken, and those before go on: {reason}");
    intake.health().raise(Condition::ReloadFailed, RULES, reason, now);
}
