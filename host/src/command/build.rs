//! `build`: making components of rule packs.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use super::args::BuildArgs;
use super::run::count;
use super::{Failure, compiler};
use crate::escape;
use crate::exit::Exit;
use crate::pack::{Builder, Pack};
use crate::rule::discover;
use crate::sandbox::{Compiler, Limits};

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

/// Builds packs and tells on stderr what was made.
pub(super) fn build(packs: &[Pack], compiler: &Compiler, limits: &Limits) -> Result<(), Failure> {
    let builder = Builder::new(compiler, limits);
    for pack in packs {
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
