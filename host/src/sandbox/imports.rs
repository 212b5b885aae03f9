//! The functions that a rule may call, and what they cost it.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, WasmStr};

use orgwatch_rules_sdk::Value as Found;
use orgwatch_rules_sdk::json::{Document, Kind, Node};

use super::engine::Engine;
use super::store::{Instance, LimitReached, LogLevel};
use super::trace::Step;
use crate::state::{Noted, Scope, StateError, View};

/// The interface's parts that a rule may import, by their exact names: the component linker alone would take a newer patch version.
pub(super) const IMPORTS: [&str; 4] = [EVENT, TABLES, STATE, LOG];

const EVENT: &str = "orgwatch:rule/event@0.1.0";
const TABLES: &str = "orgwatch:rule/tables@0.1.0";
/// The import of a rule that looks back.
pub(super) const STATE: &str = "orgwatch:rule/state@0.1.0";
const LOG: &str = "orgwatch:rule/log@0.1.0";

/// The export of a rule that looks back.
pub(super) const MEMORY: &str = "orgwatch:rule/memory@0.1.0";

/// The export that makes a component a rule.
pub(super) const EXPORT: &str = "orgwatch:rule/rule@0.1.0";

/// Fuel that a call costs before its bytes are counted, near what the same time buys in instructions.
const CALL: u64 = 500;

/// Fuel that a question to the notes costs before they are counted: a search on disk.
const SEARCH: usize = 20_000;

/// Fuel that each note costs which is read or counted.
const NOTE: u64 = 1_000;

/// `value` of the WIT interface `event`.
#[derive(ComponentType, Lower)]
#[component(variant)]
enum Value {
    #[component(name = "absent")]
    Absent,
    #[component(name = "null")]
    Null,
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "number")]
    Number(String),
    #[component(name = "text")]
    Text(String),
    #[component(name = "array")]
    Array(u32),
    #[component(name = "object")]
    Object(Vec<String>),
}

/// `level` of the WIT interface `log`.
#[derive(Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "made by lifting only")]
enum Level {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

/// `scope` of the WIT interface `state`.
#[derive(ComponentType, Lift)]
#[component(record)]
struct Asked {
    series: String,
    key: String,
    seconds: u64,
    others: bool,
}

/// `tally` of the WIT interface `state`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Counted {
    actions: u64,
    values: u64,
}

/// `note` of the WIT interface `state`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Note {
    time: String,
    action: String,
    value: String,
}

/// Makes the linker that gives rules what they may import, and nothing else.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Instance>> {
    let mut linker = Linker::new(engine.wasmtime());
    let mut event = linker.instance(EVENT)?;
    event.func_wrap("read", |mut store: StoreContextMut<'_, Instance>, (path,): (WasmStr,)| {
        let (value, length) = at_path(&store, &path, |node| node.map_or(Value::Absent, read))?;
        charge(&mut store, length + value.bytes())?;
        record(&mut store, |store| Ok(Step::Read { path: text(&path, store)?, found: value.found() }))?;
        Ok((value,))
    })?;
    event.func_wrap("json", |mut store: StoreContextMut<'_, Instance>, (path,): (WasmStr,)| {
        let (json, length) = at_path(&store, &path, |node| node.map(Node::canonical))?;
        // Canonical text is sorted and so dearer than a copy.
        charge(&mut store, length + json.as_ref().map_or(0, |json| json.len() * 4))?;
        record(&mut store, |store| Ok(Step::Json { path: text(&path, store)?, text: json.clone() }))?;
        Ok((json,))
    })?;
    let mut tables = linker.instance(TABLES)?;
    tables.func_wrap("row", |mut store: StoreContextMut<'_, Instance>, (table, key): (WasmStr, WasmStr)| {
        let (name, asked) = (table.to_str(&store)?, key.to_str(&store)?);
        let (row, length) = (row(&store, &name, &asked)?, name.len() + asked.len());
        let bytes = row.iter().flatten().map(|(column, text)| column.len() + text.len() + 64).sum::<usize>();
        charge(&mut store, length + bytes)?;
        record(&mut store, |store| {
            Ok(Step::Row { table: text(&table, store)?, key: text(&key, store)?, row: row.clone() })
        })?;
        Ok((row,))
    })?;
    let mut state = linker.instance(STATE)?;
    state.func_wrap("count", |mut store: StoreContextMut<'_, Instance>, (of, most): (Asked, u64)| {
        let (scope, tally) = look_back(&mut store, of, |view, scope| view.count(scope, most))?;
        charge_notes(&mut store, tally.actions.max(tally.values), 0)?;
        record(&mut store, |_| Ok(Step::Count { scope, tally }))?;
        Ok((Counted { actions: tally.actions, values: tally.values },))
    })?;
    for (name, latest_first) in [("latest", true), ("earliest", false)] {
        state.func_wrap(name, move |mut store: StoreContextMut<'_, Instance>, (of, most): (Asked, u32)| {
            let (scope, notes) = look_back(&mut store, of, |view, scope| view.notes(scope, latest_first, most))?;
            let bytes = notes.iter().map(|note| note.time.len() + note.action.len() + note.value.len()).sum();
            charge_notes(&mut store, notes.len() as u64, bytes)?;
            record(&mut store, |_| Ok(Step::Notes { scope, latest_first, notes: notes.clone() }))?;
            let note = |note: Noted| Note { time: note.time, action: note.action, value: note.value };
            Ok((notes.into_iter().map(note).collect::<Vec<_>>(),))
        })?;
    }
    let mut log = linker.instance(LOG)?;
    log.func_wrap("write", |mut store: StoreContextMut<'_, Instance>, (level, message): (Level, WasmStr)| {
        let message = message.to_str(&store)?.into_owned();
        charge(&mut store, message.len())?;
        store.data_mut().log.write(level.into(), &message);
        Ok(())
    })?;
    Ok(linker)
}

/// Writes down what the rule asked, where that is recorded: after it has paid, so that what it could not pay for is no part of its verdict.
fn record(
    store: &mut StoreContextMut<'_, Instance>,
    step: impl FnOnce(&StoreContextMut<'_, Instance>) -> wasmtime::Result<Step>,
) -> wasmtime::Result<()> {
    if store.data().trace.is_some() {
        let step = step(store)?;
        if let Some(trace) = &mut store.data_mut().trace {
            trace.add(step);
        }
    }
    Ok(())
}

fn text(text: &WasmStr, store: &StoreContextMut<'_, Instance>) -> wasmtime::Result<String> {
    Ok(text.to_str(store)?.into_owned())
}

/// Looks up a path of the event under evaluation. Returns also the path's length, which costs something too: a path may be a megabyte long.
fn at_path<R>(
    store: &StoreContextMut<'_, Instance>,
    path: &WasmStr,
    read: impl FnOnce(Option<Node<'_>>) -> R,
) -> wasmtime::Result<(R, usize)> {
    let document: &Document = store.data().event.as_deref().ok_or(LimitReached::EventWhileLoading)?;
    let path = path.to_str(store)?;
    Ok((read(document.pointer(&path)), path.len()))
}

/// A row as it crosses the boundary: columns and texts.
type Row = Vec<(String, String)>;

/// Looks up a row of one of the rule's tables.
fn row(store: &StoreContextMut<'_, Instance>, table: &str, key: &str) -> wasmtime::Result<Option<Row>> {
    let tables = store.data().tables.as_ref().ok_or(LimitReached::TableNotListed)?;
    if !tables.listed.iter().any(|listed| listed == table) {
        return Err(LimitReached::TableNotListed.into());
    }
    let row = tables.tables.get(table).and_then(|table| table.row(key));
    Ok(row.map(|row| row.iter().map(|(column, text)| (column.to_string(), text.to_string())).collect()))
}

/// Asks the notes. Charged before and after: a search that finds nothing costs something too.
fn look_back<R>(
    store: &mut StoreContextMut<'_, Instance>,
    asked: Asked,
    ask: impl FnOnce(&View, &Scope) -> Result<R, StateError>,
) -> wasmtime::Result<(Scope, R)> {
    charge(store, asked.series.len() + asked.key.len() + SEARCH)?;
    let view = store.data().state.as_ref().ok_or(LimitReached::NothingToLookBackAt)?;
    let seconds = if asked.seconds == u64::MAX { view.keep() } else { asked.seconds };
    if seconds > view.keep() {
        return Err(LimitReached::BeyondKeep.into());
    }
    let scope = Scope { series: asked.series, key: asked.key, seconds, others: asked.others };
    let answer = ask(view, &scope)?;
    Ok((scope, answer))
}

fn charge_notes(store: &mut StoreContextMut<'_, Instance>, notes: u64, bytes: usize) -> wasmtime::Result<()> {
    let bytes = bytes.saturating_add(usize::try_from(notes.saturating_mul(NOTE)).unwrap_or(usize::MAX));
    charge(store, bytes)
}

fn read(node: Node<'_>) -> Value {
    match node.kind() {
        Kind::Null => Value::Null,
        Kind::True => Value::Boolean(true),
        Kind::False => Value::Boolean(false),
        Kind::Number => Value::Number(node.raw_text().to_owned()),
        Kind::String => Value::Text(node.string().unwrap_or_default().into_owned()),
        // A text of at most 4 GiB has fewer elements than 2^32.
        Kind::Array => Value::Array(u32::try_from(node.len()).unwrap_or(u32::MAX)),
        Kind::Object => Value::Object(node.members().map(|(key, _)| key.into_owned()).collect()),
    }
}

/// Takes the cost of a call from the rule's fuel. The size of the record counts, since a lookup walks it.
fn charge(store: &mut StoreContextMut<'_, Instance>, bytes: usize) -> wasmtime::Result<()> {
    let record = store.data().event.as_ref().map_or(0, |event| event.text().len() / 64);
    let cost = CALL + bytes as u64 + record as u64;
    let left = store.get_fuel()?.checked_sub(cost).ok_or(LimitReached::Fuel)?;
    store.set_fuel(left)
}

impl Value {
    /// Returns the value as a rule's author knows it.
    fn found(&self) -> Found {
        match self {
            Self::Absent => Found::Absent,
            Self::Null => Found::Null,
            Self::Boolean(value) => Found::Boolean(*value),
            Self::Number(text) => Found::Number(text.clone()),
            Self::Text(text) => Found::String(text.clone()),
            Self::Array(len) => Found::Array(*len as usize),
            Self::Object(keys) => Found::Object(keys.clone()),
        }
    }

    /// Returns the size of what crosses the boundary.
    fn bytes(&self) -> usize {
        match self {
            Self::Number(text) | Self::Text(text) => text.len(),
            Self::Object(keys) => keys.iter().map(|key| key.len() + 64).sum(),
            Self::Absent | Self::Null | Self::Boolean(_) | Self::Array(_) => 0,
        }
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}
