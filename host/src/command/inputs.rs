//! What the command line names to be replayed.

use std::slice;

use tokio::runtime::Runtime;

use super::{Failure, tell};
use crate::aws::AwsConfig;
use crate::replay::TimeRange;
use crate::source::files::{self, Input};
use crate::source::s3_inputs;

/// The inputs that the arguments name.
pub(super) struct Inputs {
    /// Those that can be read, in order.
    pub(super) list: Vec<Input>,
    /// Whether something that was named cannot be read. It has been told.
    pub(super) any_failed: bool,
    /// What objects of S3 are read with, for as long as they are.
    runtime: Option<Runtime>,
}

impl Inputs {
    /// Finds files, folders, glob patterns and objects. What cannot be read is told, and the rest is replayed all the same.
    pub(super) fn find(arguments: &[String], range: TimeRange) -> Result<Self, Failure> {
        let mut found = Self { list: Vec::new(), any_failed: false, runtime: None };
        for argument in arguments {
            if argument.starts_with("s3://") {
                let runtime = match found.runtime.take() {
                    Some(runtime) => runtime,
                    None => Runtime::new().map_err(Failure::input_output)?,
                };
                match runtime.block_on(s3_inputs(argument, range, &AwsConfig::default())) {
                    Ok(objects) => found.list.extend(objects),
                    Err(error) => {
                        tell(&error);
                        found.any_failed = true;
                    }
                }
                found.runtime = Some(runtime);
                continue;
            }
            let (files, errors) = files::find(slice::from_ref(argument));
            found.list.extend(files);
            for error in &errors {
                tell(error);
                found.any_failed = true;
            }
        }
        Ok(found)
    }
}
