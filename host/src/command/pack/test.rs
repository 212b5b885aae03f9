//! `pack test`: the test cases that a pack brings along, judged here.

use clap::Args;

use super::registry::RegistryArgs;
use super::target::Target;
use crate::command::test::{TestOptions, judge};
use crate::command::{Failure, compiler};
use crate::exit::Exit;
use crate::rule::Place;
use crate::sandbox::Limits;

#[derive(Debug, Args)]
pub(in crate::command) struct TestArgs {
    /// A packed file, an image layout, a pack in a registry, or a pack's folder
    pack: Place,
    #[command(flatten)]
    options: TestOptions,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(arguments: &TestArgs) -> Result<Exit, Failure> {
    let limits = Limits::default();
    let compiler = compiler(arguments.options.cache_dir.as_deref(), &limits)?;
    let unpacked = Target::open(&arguments.pack, &arguments.registry, &limits)?.folder()?;
    judge(std::slice::from_ref(&unpacked.path), &arguments.options, &compiler, &limits)
}
