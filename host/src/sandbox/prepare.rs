//! Preparing a rule, in the child process: compile, load with its settings, freeze, compile what is frozen.
//!
//! Everything here may meet a hostile component. The process has limits of its own for memory and processor time, and whatever happens
//! to it, the host only sees that it ended.

use std::io::{self, Read, Write};

use orgwatch_rules_sdk::Metadata;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, InstancePre};

use super::component::Component;
use super::engine::Engine;
use super::fault::{Fault, LoadFault, Spent, brief};
use super::imports::{EXPORT, linker};
use super::limits::Limits;
use super::rule::Exports;
use super::snapshot;
use super::store::Instance;

/// How long a rule may keep what it notes, in seconds: a year and a day, for what happens once a year.
const LONGEST_KEEP: u64 = 366 * 86_400;

/// What the host asks the child for.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) limits: Limits,
    pub(super) settings: String,
    /// True for `build`, which only wants to know what the rule says of itself: there is no metadata section yet.
    pub(super) describe: bool,
}

/// What the child answers, followed by the compiled code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    /// JSON texts of the patterns that the rule asks for.
    pub(super) patterns: Vec<String>,
    /// For a rule that looks back, how far at most, in seconds.
    pub(super) keep: Option<u64>,
    /// True where the code starts from the loaded image, false where `load` must run first.
    pub(super) frozen: bool,
    /// What the rule says of itself.
    pub(super) description: String,
}

/// Serves one request: the whole life of the child process.
///
/// # Errors
///
/// Fails when the request cannot be read or the answer not written.
pub fn serve(input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    let (request, bytes): (Request, Vec<u8>) = read_frame(input)?;
    confine(&request.limits)?;
    let result = if request.describe { describe_only(&bytes, &request) } else { prepare(bytes, &request) };
    match result {
        Ok((answer, code)) => write_frame(output, &Ok::<_, LoadFault>(answer), &code),
        Err(fault) => write_frame(output, &Err::<Answer, _>(fault), &[]),
    }
}

/// Bounds this process. Data counts what is written to; the gigabytes of address space that wasmtime reserves for guards are free.
fn confine(limits: &Limits) -> io::Result<()> {
    let both = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(Resource::Data, both(limits.compile_memory))?;
    // The softer limit sends the signal that says why; at the harder one the kernel kills without a word.
    let seconds = limits.compile_time.as_secs().max(1);
    setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), maximum: Some(seconds + 5) })?;
    setrlimit(Resource::Core, both(0))?;
    Ok(())
}

fn prepare(bytes: Vec<u8>, request: &Request) -> Result<(Answer, Vec<u8>), LoadFault> {
    let component = Component::check(bytes, &request.limits)?;
    let engine = engine(&request.limits)?;
    // A component that can be instrumented but not compiled then is as good as one that cannot: it may have taken the accessors' names for
    // functions of its own.
    let instrumented = snapshot::instrument(component.bytes())
        .and_then(|instrumented| Some((Guest::compile(&engine, &instrumented.bytes).ok()?, instrumented)));
    let (rule, instrumented) = match instrumented {
        Some((rule, instrumented)) => (rule, Some(instrumented)),
        None => (Guest::compile(&engine, component.bytes())?, None),
    };
    let description = rule.describe()?;
    let described: Result<Metadata, _> = serde_json::from_str(&description);
    if described.ok().as_ref() != Some(component.metadata()) {
        return Err(LoadFault::MetadataDiffers);
    }
    let declared = component.metadata().state_version.is_some();
    if declared != rule.exports.memory.is_some() {
        return Err(LoadFault::MemoryDiffers { declared });
    }
    let mut loaded = rule.load(&request.settings)?;
    let frozen = instrumented.as_ref().and_then(|instrumented| {
        // The accessors hand over the whole memory at once, which is more than a rule may return.
        loaded.store.set_hostcall_fuel(usize::MAX);
        let bytes = snapshot::freeze(instrumented, &mut loaded.store, loaded.instance)?;
        Engine::compile(&bytes).ok()
    });
    let answer = Answer { patterns: loaded.patterns, keep: loaded.keep, frozen: frozen.is_some(), description };
    let code = match frozen {
        Some(code) => code,
        // It loads anew for each evaluation, and must not make each as dear as a load may be once.
        None if loaded.fuel > request.limits.fuel => {
            return Err(LoadFault::Load(Fault::OutOfFuel { limit: request.limits.fuel }));
        }
        None => Engine::compile(component.bytes()).map_err(|error| compile_fault(&error))?,
    };
    Ok((answer, code))
}

/// Calls `describe` of a component that has no metadata section yet.
fn describe_only(bytes: &[u8], request: &Request) -> Result<(Answer, Vec<u8>), LoadFault> {
    let engine = engine(&request.limits)?;
    let description = Guest::compile(&engine, bytes)?.describe()?;
    Ok((Answer { patterns: Vec::new(), keep: None, frozen: false, description }, Vec::new()))
}

fn engine(limits: &Limits) -> Result<Engine, LoadFault> {
    Engine::for_loading(limits.clone()).map_err(|error| LoadFault::Compiler(format!("{error:#}")))
}

fn compile_fault(error: &wasmtime::Error) -> LoadFault {
    LoadFault::Compile(brief(&format!("{error:#}")))
}

/// A compiled component, before it is loaded.
struct Guest {
    engine: Engine,
    pre: InstancePre<Instance>,
    exports: Exports,
}

struct Loaded {
    store: Store<Instance>,
    instance: wasmtime::component::Instance,
    patterns: Vec<String>,
    keep: Option<u64>,
    /// What instantiating and loading took.
    fuel: u64,
}

impl Guest {
    fn compile(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadFault> {
        let component =
            wasmtime::component::Component::new(engine.wasmtime(), bytes).map_err(|error| compile_fault(&error))?;
        let exports = Exports::find(&component)
            .ok_or_else(|| LoadFault::Compile(format!("`{EXPORT}` lacks one of its functions")))?;
        let pre = linker(engine)
            .and_then(|linker| linker.instantiate_pre(&component))
            .map_err(|error| compile_fault(&error))?;
        Ok(Self { engine: engine.clone(), pre, exports })
    }

    fn describe(&self) -> Result<String, LoadFault> {
        let mut store = self.store();
        let call = |store: &mut Store<Instance>| {
            let instance = self.pre.instantiate(&mut *store)?;
            let (text,) = typed::<(), (String,)>(&instance, store, self.exports.describe)?.call(store, ())?;
            Ok(text)
        };
        call(&mut store).map_err(|error| LoadFault::Describe(self.fault(&error, &store)))
    }

    fn load(&self, settings: &str) -> Result<Loaded, LoadFault> {
        let mut store = self.store();
        let call = |store: &mut Store<Instance>| {
            let instance = self.pre.instantiate(&mut *store)?;
            let load = typed::<(&str,), (Result<Vec<String>, String>,)>(&instance, store, self.exports.load)?;
            // Whether `evaluate` is what it should be is better known now than when the first event waits.
            typed::<(), (Vec<String>,)>(&instance, store, self.exports.evaluate)?;
            let memory = self.exports.memory.map(|memory| {
                typed::<(), (Vec<String>,)>(&instance, store, memory.note)?;
                typed::<(), (u64,)>(&instance, store, memory.keep)
            });
            let (result,) = load.call(&mut *store, (settings,))?;
            let keep = match (memory.transpose()?, &result) {
                (Some(keep), Ok(_)) => Some(keep.call(&mut *store, ())?.0),
                _ => None,
            };
            Ok((instance, result, keep))
        };
        let (instance, result, keep) = call(&mut store).map_err(|error| LoadFault::Load(self.fault(&error, &store)))?;
        let patterns = result.map_err(|message| LoadFault::Refused(brief(&message)))?;
        if patterns.is_empty() {
            return Err(LoadFault::NoPatterns);
        }
        let size = patterns.iter().map(String::len).sum();
        let limit = self.engine.limits().patterns;
        if size > limit {
            return Err(LoadFault::PatternsTooLarge { size, limit });
        }
        if let Some(seconds) = keep.filter(|&keep| keep > LONGEST_KEEP) {
            return Err(LoadFault::KeepTooLong { seconds, limit: LONGEST_KEEP });
        }
        let fuel = self.engine.limits().load_fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        Ok(Loaded { store, instance, patterns, keep, fuel })
    }

    fn store(&self) -> Store<Instance> {
        let limits = self.engine.limits();
        Instance::store(&self.engine, None, limits.load_fuel, limits.compile_time)
    }

    fn fault(&self, error: &wasmtime::Error, store: &Store<Instance>) -> Fault {
        let limits = self.engine.limits();
        let spent = Spent { fuel: limits.load_fuel, memory: limits.memory, deadline: &limits.compile_time };
        Fault::of(error, spent, &store.data().log)
    }
}

fn typed<P, R>(
    instance: &wasmtime::component::Instance,
    store: &mut Store<Instance>,
    export: ComponentExportIndex,
) -> wasmtime::Result<wasmtime::component::TypedFunc<P, R>>
where
    P: wasmtime::component::ComponentNamedList + wasmtime::component::Lower,
    R: wasmtime::component::ComponentNamedList + wasmtime::component::Lift,
{
    instance.get_typed_func(store, export)
}

/// Writes a message: the length of its head as four bytes, the head as JSON, then the body to the end of the stream.
pub(super) fn write_frame(output: &mut impl Write, head: &impl Serialize, body: &[u8]) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    let length = u32::try_from(head.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    output.write_all(&length.to_be_bytes())?;
    output.write_all(&head)?;
    output.write_all(body)?;
    output.flush()
}

/// Reads a message to the end of the stream.
pub(super) fn read_frame<T: for<'de> Deserialize<'de>>(input: &mut impl Read) -> io::Result<(T, Vec<u8>)> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let mut head = Vec::new();
    let length = u64::from(u32::from_be_bytes(length));
    if input.take(length).read_to_end(&mut head)? as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut body = Vec::new();
    input.read_to_end(&mut body)?;
    Ok((serde_json::from_slice(&head)?, body))
}
