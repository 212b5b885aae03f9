//! The functions that a rule may call, and what they cost it.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, WasmStr};

use orgwatch_rules_sdk::json::{Document, Kind, Node};

use super::engine::Engine;
use super::store::{Instance, LimitReached, LogLevel};

/// The interface's parts that a rule may import, by their exact names: the component linker alone would take a newer patch version.
pub(super) const IMPORTS: [&str; 2] = [EVENT, LOG];

const EVENT: &str = "orgwatch:rule/event@0.1.0";
const LOG: &str = "orgwatch:rule/log@0.1.0";

/// The export that makes a component a rule.
pub(super) const EXPORT: &str = "orgwatch:rule/rule@0.1.0";

/// Fuel that a call costs before its bytes are counted, near what the same time buys in instructions.
const CALL: u64 = 500;

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

/// Makes the linker that gives rules what they may import, and nothing else.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Instance>> {
    let mut linker = Linker::new(engine.wasmtime());
    let mut event = linker.instance(EVENT)?;
    event.func_wrap("read", |mut store: StoreContextMut<'_, Instance>, (path,): (WasmStr,)| {
        let (value, length) = at_path(&store, &path, |node| node.map_or(Value::Absent, read))?;
        charge(&mut store, length + value.bytes())?;
        Ok((value,))
    })?;
    event.func_wrap("json", |mut store: StoreContextMut<'_, Instance>, (path,): (WasmStr,)| {
        let (text, length) = at_path(&store, &path, |node| node.map(Node::canonical))?;
        // Canonical text is sorted and so dearer than a copy.
        charge(&mut store, length + text.as_ref().map_or(0, |text| text.len() * 4))?;
        Ok((text,))
    })?;
    let mut log = linker.instance(LOG)?;
    log.func_wrap("write", |mut store: StoreContextMut<'_, Instance>, (level, message): (Level, WasmStr)| {
        let message = message.to_str(&store)?.into_owned();
        charge(&mut store, message.len())?;
        store.data_mut().log.write(level.into(), &message);
        Ok(())
    })?;
    Ok(linker)
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
