//! `pack`: rule packs as they are handed on from one organization to another.

mod build;
mod inspect;
mod target;
mod test;

use clap::Subcommand;

use self::build::BuildArgs;
use self::inspect::InspectArgs;
use self::test::TestArgs;
use super::Failure;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum PackCommand {
    /// Pack a pack's folder into one file: its rules, its tests with their events, its documentation
    Build(BuildArgs),
    /// Show on one page what a pack is and may do, who signed it, and how its tests end here
    Inspect(InspectArgs),
    /// Judge the test cases that a pack brings along
    Test(TestArgs),
}

pub(super) fn run(command: &PackCommand) -> Result<Exit, Failure> {
    match command {
        PackCommand::Build(arguments) => build::run(arguments),
        PackCommand::Inspect(arguments) => inspect::run(arguments),
        PackCommand::Test(arguments) => test::run(arguments),
    }
}
