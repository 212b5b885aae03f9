//! `pack`: rule packs as a whole.

mod diff;

use clap::Subcommand;

use super::Failure;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(in crate::command) enum PackCommand {
    /// Show what an upgrade changes: rules, what they read and find, and whether a back door came with it
    #[command(after_help = diff::EXIT_CODES)]
    Diff(diff::DiffArgs),
}

pub(super) fn run(command: &PackCommand) -> Result<Exit, Failure> {
    match command {
        PackCommand::Diff(arguments) => diff::run(arguments),
    }
}
