//! `pack lock`: writing down what each place of rules is now.

use std::path::PathBuf;

use clap::Args;

use crate::command::args::RuleSource;
use crate::command::found::{Finding, RulesFound, lock};
use crate::command::{Failure, print, warn};
use crate::escape::{self, terminal};
use crate::exit::Exit;
use crate::pack::lock::{Lock, Locked};
use crate::rule::Locking;

#[derive(Debug, Args)]
pub(in crate::command) struct LockArgs {
    #[command(flatten)]
    source: RuleSource,
    /// Where packs are kept [default: the configuration's, or ~/.local/state/orgwatch]
    #[arg(long, value_name = "DIR", env = "ORGWATCH_STATE_DIR")]
    state_dir: Option<PathBuf>,
}

pub(super) fn run(arguments: &LockArgs) -> Result<Exit, Failure> {
    let source = &arguments.source;
    let path = Lock::path(source.config.as_deref());
    let before = lock(source)?;
    if source.locked {
        return Err(Failure::usage(
            "`pack lock` writes the lock file anew, and --locked keeps to it\nhint: leave --locked out",
        ));
    }
    let state_dir = arguments.state_dir.as_deref();
    let found = RulesFound::find_with(source, Finding { build_first: false, state_dir, locking: Locking::Renewed })?;
    for warning in &found.warnings {
        warn(warning);
    }
    // A lock file that lacks a place would shut it out for good, without anybody having said so.
    let exit = found.tell_of_broken();
    if exit != Exit::Done {
        return Ok(exit);
    }
    let mut now = Lock::new(&path);
    let mut text = String::new();
    for (place, locked) in found.resolved {
        text += &told(&place, before.as_ref().and_then(|before| before.get(&place)), &locked);
        now.add(place, locked);
    }
    for (place, _) in before.iter().flat_map(Lock::iter).filter(|(place, _)| now.get(place).is_none()) {
        text += "removed ";
        text += &terminal(place);
        text += "\n";
    }
    now.write(&path).map_err(Failure::input_output)?;
    print(format!("{text}wrote {}\n", escape::path(&path)))
}

/// Says what becomes of a place.
fn told(place: &str, before: Option<&Locked>, now: &Locked) -> String {
    let name = |locked: &Locked| match &locked.pack {
        Some((id, version)) => format!("{id}@{version} {}", locked.digest.tagged()),
        None => locked.digest.tagged(),
    };
    let place = terminal(place);
    match before {
        None => format!("added {place}\n  {}\n", name(now)),
        Some(before) if before == now => format!("kept {place}\n  {}\n", name(now)),
        Some(before) => format!("changed {place}\n  was {}\n  is  {}\n", name(before), name(now)),
    }
}
