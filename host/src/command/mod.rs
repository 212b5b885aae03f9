//! The command line: what each subcommand does, and how failures are told.

mod args;
mod bench;
mod build;
mod check;
mod config;
mod deliver;
mod exceptions;
mod explain;
mod found;
mod inputs;
mod inspect;
mod ledger;
mod live;
mod new;
mod pack;
mod rules;
mod run;
mod screen;
mod sinks;
mod test;

use std::error::Error;
use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};

use crate::causes;
use crate::escape;
use crate::exit::Exit;
use crate::sandbox::{Compiler, Limits, prepare};
use args::{Cli, Color, Command};

/// Why a command failed, with the exit code that this means.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    error: Box<dyn Error>,
}

impl Failure {
    fn usage(error: impl Into<Box<dyn Error>>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }

    fn rules(error: impl Into<Box<dyn Error>>) -> Self {
        Self { exit: Exit::Rules, error: error.into() }
    }

    /// A failure to write what was asked for. A reader that has had enough, such as `head`, is none.
    fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Done, error: error.into() };
        }
        Self::input_output(OutputError(error))
    }

    fn input_output(error: impl Into<Box<dyn Error>>) -> Self {
        Self { exit: Exit::InputOutput, error: error.into() }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&causes::on_one_line(&*self.error))
    }
}

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write to standard output")]
struct OutputError(#[source] io::Error);

/// Runs the program with the arguments that it was started with.
pub fn main() -> Exit {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == Compiler::ARGUMENT) {
        return prepare_rule();
    }
    // The one implementation of cryptography that everything with TLS in it uses. Only a second installation could fail.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no failures; neither can be told to somebody who has closed the pipe.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let result = match cli.command {
        None => run::run(&cli.run),
        Some(Command::Run(arguments)) => run::run(&arguments),
        Some(Command::New(arguments)) => new::run(&arguments).map_err(|failure| narrow(&failure)),
        Some(Command::Build(arguments)) => build::run(&arguments).map_err(|failure| narrow(&failure)),
        Some(Command::Rules(arguments)) => rules::run(&arguments),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Test(arguments)) => test::run(&arguments),
        Some(Command::Explain(arguments)) => explain::run(&arguments),
        Some(Command::Bench(arguments)) => bench::run(&arguments),
        Some(Command::Inspect(arguments)) => inspect::run(&arguments),
        Some(Command::Pack(command)) => pack::run(&command).map_err(|failure| narrow(&failure)),
        Some(Command::Findings(command)) => ledger::findings(&command),
        Some(Command::Exceptions(command)) => exceptions::run(&command),
        Some(Command::Gaps(command)) => ledger::gaps(&command),
        Some(Command::DeadLetters(command)) => ledger::dead_letters(&command),
        Some(Command::Sinks(command)) => sinks::run(&command),
        Some(Command::Config(command)) => config::run(&command),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "orgwatch-host", &mut script);
            print(&script)
        }
    };
    result.unwrap_or_else(|failure| {
        if failure.exit != Exit::Done {
            tell(&*failure.error);
        }
        failure.exit
    })
}

/// Writes what a command was asked for.
fn print(text: impl AsRef<[u8]>) -> Result<Exit, Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()).map_err(Failure::output)?;
    Ok(Exit::Done)
}

/// The child process that compiles a rule. Its parent reads the answer and the exit status, nobody else does.
fn prepare_rule() -> Exit {
    match prepare::serve(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => Exit::Done,
        Err(error) => {
            tell(&error);
            Exit::InputOutput
        }
    }
}

/// Tells of an error on stderr: the chain of causes on one line, then the hints, each on its own.
fn tell(error: &dyn Error) {
    say("error", &causes::each(error));
}

/// Puts the causes into one text, and the hints apart.
fn causes_and_hints(texts: &[String]) -> (String, Vec<String>) {
    let mut causes = Vec::new();
    let mut hints = Vec::new();
    for text in texts {
        let mut parts = text.split("\nhint: ");
        causes.extend(parts.next().map(|cause| cause.trim_end().to_owned()));
        hints.extend(parts.map(str::to_owned));
    }
    (causes.join(": "), hints)
}

/// Breaks the lines of a failure's words where a terminal of the usual width would.
fn narrow(failure: &Failure) -> Failure {
    let (cause, hints) = causes_and_hints(&causes::each(&*failure.error));
    let mut text = broken("error: ", &cause);
    for hint in hints {
        text += "\nhint: ";
        text += &broken("hint: ", &hint);
    }
    Failure { exit: failure.exit, error: text.into() }
}

/// Breaks the lines of a text behind a word that stands before it already.
fn broken(before: &str, text: &str) -> String {
    let options = textwrap::Options::new(80).break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation);
    let text = format!("{before}{text}");
    let line = |line| if str::chars(line).count() > 80 { textwrap::fill(line, &options) } else { line.to_owned() };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n").split_off(before.len())
}

/// Tells on stderr of something that is allowed and may not be meant.
fn warn(text: &str) {
    say("warning", &[text.to_owned()]);
}

fn say(what: &str, texts: &[String]) {
    let (cause, hints) = causes_and_hints(texts);
    let mut message = format!("{what}: {}\n", escape::message(&cause));
    for hint in hints {
        message += "hint: ";
        message += &escape::message(&hint);
        message += "\n";
    }
    // With nobody to tell there is still an exit code.
    let _ = io::stderr().write_all(message.as_bytes());
}

impl Color {
    /// Decides whether a stream gets colours: as asked, else where it is a terminal and `NO_COLOR` does not forbid it.
    fn wanted(self, stream: &impl IsTerminal) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                stream.is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }
}

/// Makes the compiler of rules: this program as its own child, with the cache of this user.
fn compiler(cache: Option<&Path>, limits: &Limits) -> Result<Compiler, Failure> {
    let program = std::env::current_exe().map_err(Failure::input_output)?;
    let cache = cache.map(Path::to_owned).or_else(default_cache);
    Ok(Compiler::new(program, cache.as_deref(), limits.clone()))
}

/// The folder for what can be made again, by the XDG convention.
fn default_cache() -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).and_then(absolute);
    let base = base.or_else(|| Some(std::env::home_dir().and_then(absolute)?.join(".cache")))?;
    Some(base.join("orgwatch"))
}

/// The folder for what has to last, by the XDG convention.
fn user_state() -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let base = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).and_then(absolute);
    let base = base.or_else(|| Some(std::env::home_dir().and_then(absolute)?.join(".local/state")))?;
    Some(base.join("orgwatch"))
}
