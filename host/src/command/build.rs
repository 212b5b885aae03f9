//! `build`: making components of rule packs.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use super::args::BuildArgs;
use super::run::count;
use super::{Failure, compiler, say, user_state};
use crate::escape;
use crate::exit::Exit;
use crate::pack::{Builder, Pack, Provenance};
use crate::rule::discover;
use crate::sandbox::{Compiler, Limits};
use crate::scaffold::Made;

pub(super) fn run(arguments: &BuildArgs) -> Result<Exit, Failure> {
    let limits = Limits::default();
    let compiler = compiler(None, &limits)?;
    for path in &arguments.paths {
        let packs = discover(path).map_err(Failure::rules)?.packs;
        if packs.is_empty() {
            let message =
                format!("there is no pack in `{}`\nhint: a pack is a folder with pack.toml", escape::path(path));
            return Err(Failure::usage(message));
        }
        build(&packs, &compiler, &limits)?;
    }
    Ok(Exit::Done)
}

/// What building somebody else's pack means, behind its name.
const FOREIGN: &str =
    "runs the build scripts and macros of\nits crate and of all that it depends on, outside every sandbox";

/// Builds packs and tells on stderr what was made.
pub(super) fn build(packs: &[Pack], compiler: &Compiler, limits: &Limits) -> Result<(), Failure> {
    let builder = Builder::new(compiler, limits);
    let program = std::env::current_exe().map_err(Failure::input_output)?;
    let made = user_state().map(|state| Made::of(&state));
    for pack in packs {
        if Provenance::of(pack.folder(), &program, made.as_ref()) == Provenance::Foreign {
            say("note", &[format!("building `{}` {FOREIGN}", escape::path(pack.folder()))]);
        }
        let built = builder.build(pack).map_err(Failure::rules)?;
        let mut text = String::new();
        for path in &built.made {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "built {}", escape::path(path));
        }
        if built.made.is_empty() {
            let rules = count(built.fresh.len() as u64, "rule");
            text = format!("{} is up to date ({rules})\n", escape::path(pack.folder()));
        }
        // Nobody to tell is no reason to stop.
        let _ = io::stderr().write_all(text.as_bytes());
    }
    Ok(())
}
