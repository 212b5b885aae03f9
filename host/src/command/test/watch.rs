//! `test --watch`: built and tested again whenever a file of a pack changes.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use notify_debouncer_mini::notify::RecursiveMode;
use notify_debouncer_mini::{DebounceEventResult, DebouncedEvent, new_debouncer};

use super::{TestArgs, once, packs};
use crate::command::{Failure, tell};
use crate::exit::Exit;

/// How long after a change more are waited for: an editor writes a file in several steps.
const QUIET: Duration = Duration::from_millis(200);

/// The folders of a pack that tests do not depend on, and that building writes to.
const WRITTEN: [&str; 3] = ["dist", "target", ".git"];

pub(super) fn run(arguments: &TestArgs) -> Result<Exit, Failure> {
    let (sender, changes) = mpsc::channel::<DebounceEventResult>();
    let mut watcher = new_debouncer(QUIET, sender).map_err(Failure::input_output)?;
    for pack in packs(arguments)? {
        watcher.watcher().watch(pack.folder(), RecursiveMode::Recursive).map_err(Failure::input_output)?;
    }
    loop {
        // What is wrong now may be mended by the next change.
        if let Err(failure) = once(arguments) {
            tell(&*failure.error);
        }
        loop {
            let Ok(change) = changes.recv() else { return Ok(Exit::Done) };
            if change.is_ok_and(|events| events.iter().any(matters)) {
                break;
            }
        }
    }
}

/// Tells whether a change is one of what a pack is made of.
fn matters(event: &DebouncedEvent) -> bool {
    let is_written = |part: &std::ffi::OsStr| WRITTEN.iter().any(|folder| part == *folder);
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !event.path.iter().any(is_written) && !hidden(&event.path)
}
