//! `new`: a pack of one's own, a rule more in it, or a rule out of a pattern.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::inputs::Inputs;
use super::run::count;
use super::{Failure, print, user_state};
use crate::escape::{self, terminal};
use crate::exit::Exit;
use crate::pack::{Pack, PackId};
use crate::replay::TimeRange;
use crate::scaffold::pattern::{GivenEvents, Original, OriginalError, make_up, rule_files};
use crate::scaffold::{self, Made, NewFile, RuleName, Sdk, WriteError, pack_id, pack_id_of};
use crate::source::decode::{DecodeLimits, Decoded, Decoder};
use crate::source::files::Input;

/// The rule that a new pack begins with.
const FIRST_RULE: &str = "policy_detached";

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// The pack's folder: one that is made, or with --rule one that is there [default with --rule: .]
    path: Option<PathBuf>,
    /// The new pack's name [default: example/ and the folder's name]
    #[arg(long, value_name = "PUBLISHER/NAME")]
    id: Option<String>,
    /// The rule's name, such as `trail_stopped`. A pack that is there gets one rule more
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Where the SDK is, until it is published: a checkout of orgwatch, or the URL of its git repository [default: the checkout
    /// that this program was built in]
    #[arg(long, value_name = "PATH|GIT-URL")]
    sdk: Option<String>,
    /// Write a rule that is equivalent to the pattern in this file: an EventBridge event pattern, or the pattern of a CloudWatch metric
    /// filter
    #[arg(long, value_name = "FILE")]
    from_pattern: Option<PathBuf>,
    /// Events to test that rule on, in any form that can be replayed: what the pattern says of them is what the rule has to say. PATH
    /// comes before this option
    #[arg(long, value_name = "FILE", requires = "from_pattern", num_args = 1..)]
    events: Vec<String>,
}

/// Where the rule goes.
struct Place {
    folder: PathBuf,
    pack: PackId,
    /// Where the SDK is, for a pack that is made.
    sdk: Option<Sdk>,
}

pub(super) fn run(arguments: &NewArgs) -> Result<Exit, Failure> {
    let place = Place::of(arguments)?;
    let rule = match (&arguments.rule, &arguments.from_pattern) {
        (Some(name), _) => RuleName::new(name),
        (None, Some(file)) => RuleName::of_file(file),
        (None, None) => RuleName::new(FIRST_RULE),
    };
    let rule = rule.map_err(Failure::usage)?;
    let mut told = Vec::new();
    let mut files = place.sdk.as_ref().map(|sdk| scaffold::pack_files(&place.pack, &rule, sdk)).unwrap_or_default();
    files.extend(match &arguments.from_pattern {
        Some(file) => from_pattern(file, &arguments.events, &place.pack, &rule, &mut told)?,
        None => scaffold::rule_files(&place.pack, &rule),
    });
    scaffold::write(&place.folder, &files).map_err(|error| match error {
        WriteError::Exists(_) => Failure::usage(error),
        WriteError::Write { .. } => Failure::input_output(error),
    })?;
    if place.sdk.is_some()
        && let Some(state) = user_state()
    {
        // What is not remembered costs a warning when the pack is built, and nothing else.
        let _ = Made::of(&state).remember(&place.folder);
    }
    print(place.report(&files, &rule, &told))
}

impl Place {
    fn of(arguments: &NewArgs) -> Result<Self, Failure> {
        let folder = arguments.path.clone().unwrap_or_else(|| PathBuf::from("."));
        let shown = escape::path(&folder);
        if Pack::is_at(&folder) {
            if arguments.rule.is_none() {
                let hint = format!("hint: add a rule to it: orgwatch-host new --rule NAME {shown}");
                return Err(Failure::usage(format!("`{shown}` is a pack already\n{hint}")));
            }
            if arguments.id.is_some() || arguments.sdk.is_some() {
                return Err(Failure::usage(format!("`{shown}` is a pack already: --id and --sdk are for a new one")));
            }
            let pack = Pack::open(&folder).map_err(Failure::rules)?.manifest().id.clone();
            return Ok(Self { folder, pack, sdk: None });
        }
        if arguments.path.is_none() {
            return Err(Failure::usage(if arguments.events.is_empty() && arguments.rule.is_some() {
                "this folder is no pack\nhint: name the pack's folder: orgwatch-host new --rule NAME PATH"
            } else {
                "no folder is named for the pack\nhint: name one, before any --events: orgwatch-host new my-rules"
            }));
        }
        if folder.exists() && !folder.is_dir() {
            return Err(Failure::usage(format!("`{shown}` is a file\nhint: name the folder that the pack is to have")));
        }
        let pack = match &arguments.id {
            Some(id) => pack_id(id),
            None => pack_id_of(&std::path::absolute(&folder).map_err(Failure::input_output)?),
        };
        let program = std::env::current_exe().map_err(Failure::input_output)?;
        let sdk = Sdk::of(arguments.sdk.as_deref(), &program).map_err(Failure::usage)?;
        Ok(Self { folder, pack: pack.map_err(Failure::usage)?, sdk: Some(sdk) })
    }

    /// Says what was written and what comes next.
    fn report(&self, files: &[NewFile], rule: &RuleName, told: &[String]) -> String {
        let mut text = String::new();
        for file in files {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "wrote {}", escape::path(&self.folder.join(&file.path)));
        }
        for paragraph in told {
            let _ = writeln!(text, "\n{paragraph}");
        }
        if let Some(sdk) = &self.sdk {
            let _ =
                writeln!(text, "\nThe SDK is not published yet. The pack depends on it in\n{}", terminal(&sdk.place()));
        }
        let folder = in_shell(&self.folder);
        let events = self.folder.join("events").join(rule.as_str());
        let _ = write!(
            text,
            "\nnext:\n  orgwatch-host build {folder}\n  orgwatch-host test {folder}\n  orgwatch-host --rules {folder} {}/fires_*.json\n",
            in_shell(&events)
        );
        text
    }
}

/// Writes a path as one word of a shell.
fn in_shell(path: &Path) -> String {
    let shown = escape::path(path);
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+@:=".contains(character);
    if shown.chars().all(plain) && !shown.is_empty() { shown } else { format!("'{}'", shown.replace('\'', "'\\''")) }
}

/// Makes the files of a rule that is equivalent to a pattern, and says what it is tested on.
fn from_pattern(
    file: &Path,
    events: &[String],
    pack: &PackId,
    rule: &RuleName,
    told: &mut Vec<String>,
) -> Result<Vec<NewFile>, Failure> {
    let original = Original::read(file).map_err(|error| match error {
        OriginalError::Read { .. } => Failure::input_output(error),
        other => Failure::usage(OfFile { file: escape::path(file), source: other }),
    })?;
    let given = given(&original, events, told)?;
    let (mut fires, mut quiet) = given.taken();
    let (firing, staying) = given.totals();
    if !events.is_empty() {
        let [firing, staying] = [firing, staying].map(|total| count(total, "record"));
        told.push(format!(
            "The tests have {} of the {firing} that the pattern matches,\nand {} of the {staying} that it does not.\nCredentials are taken out of them; accounts, addresses and names are not.",
            fires.len(),
            quiet.len(),
        ));
    }
    if given.unusable() > 0 {
        let left_out = count(given.unusable(), "record");
        told.push(format!("{left_out} left out: the pattern looks at credentials in them."));
    }
    let made_up;
    if fires.is_empty() || quiet.is_empty() {
        made_up = make_up(&original).map_err(Failure::usage)?;
        let mut paragraph = Vec::new();
        for (records, record, does) in [(&mut fires, &made_up.0, "matches"), (&mut quiet, &made_up.1, "does not match")]
        {
            if records.is_empty() {
                records.push(record);
                paragraph.push(format!("A record that the pattern {does} was made up from it."));
            }
        }
        told.push(paragraph.join("\n"));
    }
    if original.left_out_detail_type() {
        told.push("`detail-type` is left out: a record does not say under which type EventBridge\nsent it.".to_owned());
    }
    Ok(rule_files(&original, pack, rule, file, (&fires, &quiet)))
}

/// Reads the given events.
fn given(original: &Original, events: &[String], told: &mut Vec<String>) -> Result<GivenEvents, Failure> {
    let mut inputs = Inputs::find(events, TimeRange::default())?;
    let list = inputs.list();
    let mut given = GivenEvents::default();
    let mut unreadable = 0;
    if inputs.any_failed {
        return Err(Failure::input_output("not all events could be read, and nothing was written"));
    }
    for input in &list {
        let failed = |source| Failure::input_output(Unread { input: terminal(&input.name), source });
        let mut decoder = Decoder::new(input.open().map_err(failed)?, DecodeLimits::default());
        while let Some(decoded) = decoder.next().map_err(failed)? {
            match decoded {
                Decoded::Record(record) => given.add(original, &record.document).map_err(|source| {
                    Failure::usage(Disagreed { place: place_of(input, record.position.record), source })
                })?,
                Decoded::Unreadable(_) => unreadable += 1,
                Decoded::Skipped(_) | Decoded::Unasked => {}
            }
        }
    }
    if unreadable > 0 {
        told.push(format!("{} of the events could not be read.", count(unreadable, "part")));
    }
    Ok(given)
}

fn place_of(input: &Input, record: u64) -> String {
    format!("record {record} of {}", terminal(&input.name))
}

/// A file holds no pattern that a rule can be made of.
#[derive(Debug, thiserror::Error)]
#[error("failed to make a rule of `{file}`")]
struct OfFile {
    file: String,
    source: OriginalError,
}

/// An input cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read `{input}`")]
struct Unread {
    input: String,
    source: std::io::Error,
}

/// The rule that would be written is not equivalent. That is a fault of this program, and nothing is written.
#[derive(Debug, thiserror::Error)]
#[error("no equivalent rule can be written, as {place} shows")]
struct Disagreed {
    place: String,
    source: scaffold::pattern::Disagreement,
}
