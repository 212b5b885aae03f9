//! What the command line names to be replayed.

use std::slice;

use tokio::runtime::Runtime;

use super::{Failure, tell};
use crate::aws::AwsConfig;
use crate::replay::TimeRange;
use crate::source::files::{self, Input, InputError};
use crate::source::s3_inputs;

/// The inputs that the arguments name.
pub(super) struct Inputs {
    arguments: Vec<Argument>,
    /// Whether objects cannot be listed that were named. It has been told.
    pub(super) any_failed: bool,
    /// What objects of S3 are read with, for as long as they are.
    runtime: Option<Runtime>,
}

enum Argument {
    /// A file, a folder, a pattern.
    Files(String),
    Objects(Vec<Input>),
}

impl Inputs {
    /// Looks for what is named: objects are listed at once, files when they are walked.
    pub(super) fn find(arguments: &[String], range: TimeRange) -> Result<Self, Failure> {
        let mut found = Self { arguments: Vec::new(), any_failed: false, runtime: None };
        for argument in arguments {
            if !argument.starts_with("s3://") {
                found.arguments.push(Argument::Files(argument.clone()));
                continue;
            }
            let runtime = match found.runtime.take() {
                Some(runtime) => runtime,
                None => Runtime::new().map_err(Failure::input_output)?,
            };
            match runtime.block_on(s3_inputs(argument, range, &AwsConfig::default())) {
                Ok(objects) => found.arguments.push(Argument::Objects(objects)),
                Err(error) => {
                    tell(&error);
                    found.any_failed = true;
                }
            }
            found.runtime = Some(runtime);
        }
        Ok(found)
    }

    /// Walks all of them, in the order of the arguments.
    pub(super) fn walk(&self) -> impl Iterator<Item = Result<Input, InputError>> + Send {
        self.arguments.iter().flat_map(|argument| match argument {
            Argument::Files(argument) => Either::Files(files::walk(slice::from_ref(argument))),
            Argument::Objects(objects) => Either::Objects(objects.iter()),
        })
    }

    /// Returns all that can be read. What cannot is told.
    pub(super) fn list(&mut self) -> Vec<Input> {
        let mut list = Vec::new();
        let mut any_failed = false;
        for found in self.walk() {
            match found {
                Ok(input) => list.push(input),
                Err(error) => {
                    tell(&error);
                    any_failed = true;
                }
            }
        }
        self.any_failed |= any_failed;
        list
    }
}

/// A walk through what one argument names.
enum Either<'a> {
    Files(files::Walk),
    Objects(slice::Iter<'a, Input>),
}

impl Iterator for Either<'_> {
    type Item = Result<Input, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Files(walk) => walk.next(),
            Self::Objects(objects) => objects.next().cloned().map(Ok),
        }
    }
}
