//! The host's side of preparing rules: a child process for each, and the cache.

use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use wasmtime::component::Component as Compiled;

use super::cache::Cache;
use super::component::Component;
use super::engine::Engine;
use super::fault::LoadFault;
use super::limits::Limits;
use super::prepare::{Answer, Request, read_frame, write_frame};

/// What the compiled code of a rule may come to, in bytes. The largest component that the host takes compiles to less.
pub(super) const CODE_LIMIT: u64 = 256 << 20;

/// Time beyond the limit that the child has for starting and for handing over its answer.
const GRACE: Duration = Duration::from_secs(10);

/// Prepares rules in child processes.
#[derive(Debug)]
pub struct Compiler {
    program: PathBuf,
    cache: Option<Cache>,
    limits: Limits,
}

/// A prepared rule: compiled code and what `load` said.
#[derive(Clone, Debug)]
pub struct Preparation {
    answer: Answer,
    code: Vec<u8>,
}

impl Preparation {
    pub(super) fn new(answer: Answer, code: Vec<u8>) -> Self {
        Self { answer, code }
    }

    pub(super) fn answer(&self) -> &Answer {
        &self.answer
    }

    pub(super) fn code(&self) -> &[u8] {
        &self.code
    }

    /// Returns how far a rule that looks back does so at most, in seconds; nothing for another.
    pub fn keep(&self) -> Option<u64> {
        self.answer.keep
    }

    /// Returns the patterns that the rule asks for with its settings, each as JSON text.
    pub fn patterns(&self) -> &[String] {
        &self.answer.patterns
    }

    /// Returns true where evaluations start from the loaded image, and false where the rule is loaded anew for each.
    pub fn frozen(&self) -> bool {
        self.answer.frozen
    }

    #[expect(unsafe_code, reason = "wasmtime cannot check machine code")]
    pub(super) fn into_component(self, engine: &Engine) -> wasmtime::Result<Compiled> {
        // SAFETY: the code comes from this program's own compiling process, or from a cache that only this user can write and whose
        // checksum has been compared; wasmtime itself compares version, target and configuration.
        unsafe { Compiled::deserialize(engine.wasmtime(), &self.code) }
    }
}

impl Compiler {
    /// Makes a compiler that runs `program` with the argument [`Self::ARGUMENT`] as its child, and keeps what it compiles in a folder.
    pub fn new(program: impl Into<PathBuf>, cache: Option<&Path>, limits: Limits) -> Self {
        let cache = cache.and_then(|folder| Cache::open(folder).ok());
        Self { program: program.into(), cache, limits }
    }

    /// The argument that makes the program the compiling child: see [`prepare::serve`](super::prepare::serve).
    pub const ARGUMENT: &'static str = "prepare-rule";

    /// Compiles a component and loads it with settings (JSON text), or takes both from the cache.
    ///
    /// # Errors
    ///
    /// Fails when the component cannot be compiled within its limits or the rule does not take the settings.
    pub fn prepare(&self, component: &Component, settings: &str) -> Result<Preparation, LoadFault> {
        let Some(cache) = &self.cache else { return self.run(component.bytes(), settings, false) };
        let key = cache.key(&self.program, component, settings, &self.limits);
        if let Some(preparation) = cache.get(&key) {
            return Ok(preparation);
        }
        let preparation = self.run(component.bytes(), settings, false)?;
        // A cache that cannot be written costs time, not correctness.
        let _ = cache.put(&key, &preparation);
        Ok(preparation)
    }

    /// Returns what a component without a metadata section says of itself.
    ///
    /// # Errors
    ///
    /// Fails when the component cannot be compiled within its limits or its `describe` fails.
    pub fn describe(&self, component: &[u8]) -> Result<String, LoadFault> {
        Ok(self.run(component, "{}", true)?.answer.description)
    }

    fn run(&self, component: &[u8], settings: &str, describe: bool) -> Result<Preparation, LoadFault> {
        let request = Request { limits: self.limits.clone(), settings: settings.to_owned(), describe };
        let failed = |doing: &str, error: &io::Error| LoadFault::Compiler(format!("{doing}: {error}"));
        let mut child = Command::new(&self.program)
            .arg(Self::ARGUMENT)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&format!("starting {}", self.program.display()), &error))?;
        let finished = converse(&mut child, &request, component, self.limits.compile_time + GRACE);
        let Some(conversation) = finished else {
            // Killing fails only where the child has just ended.
            let _ = child.kill();
            let _ = child.wait();
            return Err(LoadFault::CompileTime(self.limits.compile_time));
        };
        let status = child.wait().map_err(|error| failed("waiting for the compiling process", &error))?;
        if !status.success() {
            return Err(self.death(status, &conversation.errors));
        }
        let (answer, code) = conversation.answer.map_err(|error| failed("reading its answer", &error))?;
        Ok(Preparation { answer: answer?, code })
    }

    fn death(&self, status: ExitStatus, errors: &str) -> LoadFault {
        match status.signal() {
            Some(signal) if signal == Signal::XCPU.as_raw() => LoadFault::CompileTime(self.limits.compile_time),
            Some(signal) => LoadFault::CompilerDied { signal, memory: self.limits.compile_memory },
            None => LoadFault::Compiler(format!("{status}: {}", errors.trim())),
        }
    }
}

struct Conversation {
    answer: io::Result<(Result<Answer, LoadFault>, Vec<u8>)>,
    errors: String,
}

/// Hands the child its request and takes its answer, or nothing where that takes too long. Both pipes are served at once: neither side
/// can wait for the other for ever.
fn converse(child: &mut Child, request: &Request, component: &[u8], limit: Duration) -> Option<Conversation> {
    let mut input = child.stdin.take()?;
    let output = child.stdout.take()?;
    let errors = child.stderr.take()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let answer = read_frame(&mut output.take(CODE_LIMIT));
        let mut text = Vec::new();
        let _ = errors.take(4096).read_to_end(&mut text);
        let errors = String::from_utf8_lossy(&text).into_owned();
        let _ = sender.send(Conversation { answer, errors });
    });
    thread::scope(|scope| {
        // A child that ends before it has read everything breaks the pipe; its status says why.
        scope.spawn(move || write_frame(&mut input, request, component));
        match receiver.recv_timeout(limit) {
            Ok(conversation) => Some(conversation),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                // The writer may be waiting for the child to read; only the child's end frees it.
                let _ = child.kill();
                None
            }
        }
    })
}
