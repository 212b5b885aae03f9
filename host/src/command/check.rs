//! `check`: everything that can be known of built rules without an event.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::args::{Color, Output};
use super::run::{RuleFailure, count};
use super::screen::{Screen, Tone};
use super::{Failure, build, compiler, print, tell, warn};
use crate::catalogue::Catalogue;
use crate::check::{self, Code, Gravity, Remark, Subject};
use crate::encoding::harmless_json;
use crate::escape::{self, terminal};
use crate::exit::Exit;
use crate::pack::{KnownName, Pack};
use crate::parallel::{self, processors};
use crate::rule::{Discovered, RuleFile, discover};
use crate::sandbox::{Compiler, Component, Limits, LoadFault};

#[derive(Debug, Args)]
pub(in crate::command) struct CheckArgs {
    /// A .wasm, a pack folder, or a folder of those
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Build the packs first; needs cargo
    #[arg(long)]
    build: bool,
    /// Fail on warnings, too
    #[arg(long)]
    deny_warnings: bool,
    /// The form of what is shown [default: text on a terminal, json when piped]
    #[arg(short, long, value_name = "FORMAT", env = "ORGWATCH_OUTPUT")]
    output: Option<Output>,
    /// Where compiled rules are kept [default: ~/.cache/orgwatch]
    #[arg(long, value_name = "DIR", env = "ORGWATCH_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    /// Colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// A remark, and what it is about.
struct Told {
    /// The rule's id, or the pack's.
    about: String,
    path: PathBuf,
    remark: Remark,
}

/// What a check comes to.
#[derive(Default)]
struct Checked {
    rules: usize,
    told: Vec<Told>,
    /// Whether a file is no rule or cannot be loaded, which has been told.
    broken: bool,
}

pub(super) fn run(arguments: &CheckArgs) -> Result<Exit, Failure> {
    let limits = Limits::default();
    let compiler = compiler(arguments.cache_dir.as_deref(), &limits)?;
    let mut checked = Checked::default();
    let mut ids = BTreeMap::new();
    for path in &arguments.paths {
        let found = discover(path).map_err(Failure::rules)?;
        if arguments.build {
            build::build(&found.packs, &compiler, &limits)?;
        }
        checked.add(&found, &compiler, &limits, &mut ids)?;
    }
    let json = arguments.output.map_or(!io::stdout().is_terminal(), |output| output == Output::Json);
    let mut exit = print(if json { as_json(&checked.told) } else { as_text(&checked.told, arguments.color) })?;
    let [errors, warnings] = [Gravity::Error, Gravity::Warning].map(|gravity| checked.count(gravity));
    summarize(checked.rules, errors, warnings);
    if errors > 0 || (arguments.deny_warnings && warnings > 0) {
        exit = exit.max(Exit::Failed);
    }
    Ok(if checked.broken { exit.max(Exit::Rules) } else { exit })
}

/// Says on stderr what was done. With nobody to tell there is still an exit code.
fn summarize(rules: usize, errors: usize, warnings: usize) {
    let [rules, errors, warnings] =
        [(rules, "rule"), (errors, "error"), (warnings, "warning")].map(|(number, noun)| count(number as u64, noun));
    let date = Catalogue::embedded().date();
    let line = format!("checked {rules} by AWS's names of {date}: {errors}, {warnings}\n");
    let _ = io::stderr().write_all(line.as_bytes());
}

impl Checked {
    fn count(&self, gravity: Gravity) -> usize {
        self.told.iter().filter(|told| told.remark.code.gravity() == gravity).count()
    }

    /// Checks what a path holds.
    fn add(
        &mut self,
        found: &Discovered,
        compiler: &Compiler,
        limits: &Limits,
        ids: &mut BTreeMap<String, PathBuf>,
    ) -> Result<(), Failure> {
        for pack in &found.packs {
            warn_of_changes(pack);
            let manifest = pack.manifest();
            for remark in check::check_known_names(&manifest.known_names) {
                let path = pack.folder().join(Pack::MANIFEST);
                self.told.push(Told { about: manifest.id.to_string(), path, remark });
            }
        }
        let files = found.files(limits).map_err(Failure::rules)?;
        let loaded = load(&files, compiler);
        for (file, fault) in files.iter().zip(loaded) {
            let component = match &file.component {
                Ok(component) => component,
                Err(fault) => {
                    self.tell_broken(&file.path, &fault.to_string());
                    continue;
                }
            };
            self.rules += 1;
            let metadata = component.metadata();
            let mut remarks = check::check(&Subject { metadata, known_names: known_names(found, file) });
            remarks.extend(repeated(&metadata.id, &file.path, ids));
            match fault {
                None => {}
                Some(LoadFault::Refused(reason)) => remarks.push(refused(&reason)),
                Some(LoadFault::NoPatterns) if remarks.iter().any(|remark| remark.code == Code::AsksForNothing) => {}
                Some(fault) => self.tell_broken(&file.path, &fault.to_string()),
            }
            for remark in remarks {
                self.told.push(Told { about: metadata.id.clone(), path: file.path.clone(), remark });
            }
        }
        Ok(())
    }

    fn tell_broken(&mut self, path: &Path, reason: &str) {
        tell(&RuleFailure { rule: path.to_string_lossy().into_owned(), reason: reason.to_owned() });
        self.broken = true;
    }
}

/// Remarks on an id that another file has already.
fn repeated(id: &str, path: &Path, ids: &mut BTreeMap<String, PathBuf>) -> Option<Remark> {
    let first = ids.insert(id.to_owned(), path.to_owned())?;
    // The same file may be named twice.
    let same = [first.as_path(), path].map(|path| path.canonicalize().ok());
    if same[0] == same[1] {
        return None;
    }
    let message = format!("the rule in `{}` has the same id", first.display());
    Some(Remark { code: Code::IdRepeated, place: "id".to_owned(), message, hint: None })
}

fn refused(reason: &str) -> Remark {
    Remark {
        code: Code::DefaultSettingsRefused,
        place: "settings".to_owned(),
        message: format!("the rule refuses to run with its default settings: {reason}"),
        hint: Some("give each setting a default, or set `generic: true` for a rule that is nothing without".to_owned()),
    }
}

fn warn_of_changes(pack: &Pack) {
    if pack.changed_since_built() {
        let folder = escape::path(pack.folder());
        warn(&format!("`{folder}` has changed since it was built\nhint: add --build to check what it is now"));
    }
}

/// Returns what the pack of a file says of names.
fn known_names<'a>(found: &'a Discovered, file: &RuleFile) -> &'a [KnownName] {
    let mut packs = found.packs.iter();
    let pack = packs.find(|pack| file.pack.is_some() && file.path.starts_with(pack.folder()));
    pack.map_or(&[], |pack| &pack.manifest().known_names)
}

/// Loads each rule with its default settings, several at a time, and returns what went wrong, file by file. Generic rules have no defaults.
fn load(files: &[RuleFile], compiler: &Compiler) -> Vec<Option<LoadFault>> {
    parallel::map(files, processors(), |file| {
        file.component.as_ref().ok().and_then(|component| fault_of(component, compiler))
    })
}

fn fault_of(component: &Component, compiler: &Compiler) -> Option<LoadFault> {
    if component.metadata().generic {
        return None;
    }
    compiler.prepare(component, "{}").err()
}

fn as_json(told: &[Told]) -> String {
    let mut text = String::new();
    for Told { about, path, remark } in told {
        let object = json!({
            "severity": remark.code.gravity(),
            "code": remark.code.name(),
            "rule": about,
            "place": remark.place,
            "message": remark.message,
            "hint": remark.hint,
            "path": path,
        });
        text += &harmless_json(&object);
        text.push('\n');
    }
    text
}

/// Some lines a remark, those of one rule together.
fn as_text(told: &[Told], color: Color) -> String {
    let mut screen = Screen::new(color);
    let mut before: Option<&Told> = None;
    for one in told {
        if before.is_none_or(|before| before.path != one.path) {
            let about = screen.paint(&one.about, Tone::Strong);
            screen.hanging(0, "", &format!("{about} ({})", escape::path(&one.path)));
        }
        before = Some(one);
        let code = one.remark.code;
        let tone = if code.gravity() == Gravity::Error { Tone::Bad } else { Tone::Warning };
        let head = screen.paint(&format!("{}[{}] ", code.gravity().name(), code.name()), tone);
        screen.hanging(2, "", &format!("{head}{}", terminal(&one.remark.place)));
        screen.hanging(4, "", &terminal(&one.remark.message));
        if let Some(hint) = &one.remark.hint {
            screen.hanging(4, "hint: ", &terminal(hint));
        }
    }
    screen.finish()
}
