//! `test --watch`: built and tested again whenever a file of a pack changes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use notify::{Event, EventKind, RecursiveMode, Watcher as _};

use super::{TestArgs, once, packs};
use crate::command::{Failure, tell};
use crate::exit::Exit;

/// How long it has to be quiet after a change: an editor writes a file in several steps.
const QUIET: Duration = Duration::from_millis(200);

/// The folders of a pack that tests do not depend on, and that building writes to.
const WRITTEN: [&str; 3] = ["dist", "target", ".git"];

pub(super) fn run(arguments: &TestArgs) -> Result<Exit, Failure> {
    let (sender, changes) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(sender).map_err(Failure::input_output)?;
    let mut folders = Vec::new();
    for pack in packs(arguments)? {
        let folder = pack.folder().canonicalize().map_err(Failure::input_output)?;
        watcher.watch(&folder, RecursiveMode::Recursive).map_err(Failure::input_output)?;
        folders.push(folder);
    }
    loop {
        // What is wrong now may be mended by the next change.
        if let Err(failure) = once(arguments) {
            tell(&*failure.error);
        }
        loop {
            let Ok(change) = changes.recv() else { return Ok(Exit::Done) };
            if change.is_ok_and(|event| matters(&event, &folders)) {
                break;
            }
        }
        while changes.recv_timeout(QUIET).is_ok() {}
    }
}

/// Tells whether an event is a change of what a pack is made of. The tests themselves read all of it.
fn matters(event: &Event, folders: &[PathBuf]) -> bool {
    let is_change = !matches!(event.kind, EventKind::Access(_));
    is_change && event.paths.iter().any(|path| is_source(path, folders))
}

fn is_source(path: &Path, folders: &[PathBuf]) -> bool {
    let inside = folders.iter().find_map(|folder| path.strip_prefix(folder).ok());
    let is_written = |part: &OsStr| WRITTEN.iter().any(|folder| part == *folder);
    let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    inside.is_some_and(|inside| !inside.iter().any(is_written)) && !is_hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_building_writes_is_no_source_wherever_the_pack_lies() {
        let folders = [PathBuf::from("/home/anaya/target/my-rules")];
        let is_source = |name: &str| is_source(&folders[0].join(name), &folders);
        assert!(is_source("src/bin/a.rs") && is_source("events/a/cases.toml") && is_source("Cargo.toml"));
        for name in ["dist/a.wasm", "target/debug/x", ".git/index", "src/bin/.a.rs.swp"] {
            assert!(!is_source(name), "{name}");
        }
    }
}
