//! `pack`: rule packs as they are handed on from one organization to another.

mod build;
mod diff;
mod inspect;
mod key;
mod lock;
mod registry;
mod share;
mod sign;
mod target;
mod test;

use clap::Subcommand;

use self::build::BuildArgs;
use self::diff::DiffArgs;
use self::inspect::InspectArgs;
use self::key::KeygenArgs;
use self::lock::LockArgs;
use self::share::{LoadArgs, PullArgs, PushArgs, SaveArgs};
use self::sign::{SignArgs, VerifyArgs};
use self::test::TestArgs;
use super::Failure;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum PackCommand {
    /// Pack a pack's folder into one file: its rules, its tests with their events, its documentation
    Build(BuildArgs),
    /// Make a pair of keys: one to sign packs with, and one for those who check that
    Keygen(KeygenArgs),
    /// Sign a pack
    Sign(SignArgs),
    /// Check who signed a pack
    Verify(VerifyArgs),
    /// Send a packed pack to a registry
    Push(PushArgs),
    /// Fetch a pack from a registry, to have it at hand
    Pull(PullArgs),
    /// List the tags of a pack in a registry
    Tags(PullArgs),
    /// Write a pack of a registry into a file, with its signatures, for where the registry cannot be reached
    Save(SaveArgs),
    /// Take a packed pack in under the name that it has in a registry, for where that cannot be reached
    Load(LoadArgs),
    /// Write orgwatch.lock: what each place of rules is now
    Lock(LockArgs),
    /// Show on one page what a pack is and may do, who signed it, and how its tests end here
    Inspect(InspectArgs),
    /// Judge the test cases that a pack brings along
    Test(TestArgs),
    /// Show what an upgrade changes: rules, what they read and find, and whether a back door came with it
    #[command(after_help = diff::EXIT_CODES)]
    Diff(DiffArgs),
}

pub(super) fn run(command: &PackCommand) -> Result<Exit, Failure> {
    match command {
        PackCommand::Build(arguments) => build::run(arguments),
        PackCommand::Keygen(arguments) => key::keygen(arguments),
        PackCommand::Sign(arguments) => sign::sign(arguments),
        PackCommand::Verify(arguments) => sign::verify(arguments),
        PackCommand::Push(arguments) => share::push(arguments),
        PackCommand::Pull(arguments) => share::pull(arguments),
        PackCommand::Tags(arguments) => share::tags(arguments),
        PackCommand::Save(arguments) => share::save(arguments),
        PackCommand::Load(arguments) => share::load(arguments),
        PackCommand::Lock(arguments) => lock::run(arguments),
        PackCommand::Inspect(arguments) => inspect::run(arguments),
        PackCommand::Test(arguments) => test::run(arguments),
        PackCommand::Diff(arguments) => diff::run(arguments),
    }
}
