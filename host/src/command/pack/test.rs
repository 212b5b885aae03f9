//! `pack test`: the test cases that a pack brings along, judged here.

use std::path::PathBuf;

use clap::Args;

use super::target::Target;
use crate::command::test::{TestOptions, judge};
use crate::command::{Failure, compiler};
use crate::exit::Exit;
use crate::sandbox::Limits;

#[derive(Debug, Args)]
pub(in crate::command) struct TestArgs {
    /// A packed file, an image layout, or a pack's folder
    pack: PathBuf,
    #[command(flatten)]
    options: TestOptions,
}

pub(super) fn run(arguments: &TestArgs) -> Result<Exit, Failure> {
    let limits = Limits::default();
    let compiler = compiler(arguments.options.cache_dir.as_deref(), &limits)?;
    let unpacked = Target::open(&arguments.pack, &limits)?.folder()?;
    judge(std::slice::from_ref(&unpacked.path), &arguments.options, &compiler, &limits)
}
