//! Replay: judging the records of files, several files at a time, with output in the order of the input.

mod queue;
mod told;
mod totals;
mod worker;

use std::io::{self, Write};
use std::sync::Mutex;
use std::thread;

use jiff::Timestamp;

pub use self::queue::Queue;
pub use self::totals::Totals;
use self::worker::Worker;
use crate::encoding::Encoding;
use crate::judge::{Judge, Verdicts};
use crate::ordered::Ordered;
use crate::sandbox::LogLevel;
use crate::source::InletError;
use crate::state::{StateError, Temporary};

/// What to replay, and how.
pub struct Replay<'a> {
    /// The rules.
    pub judge: &'a Judge,
    /// The inputs, in order.
    pub inputs: Queue<'a>,
    /// Only records of these times.
    pub range: TimeRange,
    /// How many inputs are read at a time.
    pub jobs: usize,
    /// The form of the findings.
    pub encoding: Encoding,
    /// Whether what rules under observation find is written, too.
    pub observed: bool,
    /// What rules log is told from this level on.
    pub log_level: LogLevel,
    /// Takes what is found and what could not be judged, where it is to be kept.
    pub keep: Option<&'a Keep<'a>>,
}

/// Writes verdicts down. Fails when they are not on disk.
pub type Keep<'a> = dyn Fn(&Verdicts) -> Result<(), InletError> + Sync + 'a;

/// Why a replay stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The output cannot be written.
    #[error("failed to write the findings")]
    Output(#[source] io::Error),
    /// What was found could not be written down.
    #[error("failed to keep the findings")]
    Keep(#[source] InletError),
    /// What rules that look back noted could not be kept, in a temporary file.
    #[error(
        "failed to keep what rules noted of earlier events\nhint: make room for temporary files, or name another place for them in TMPDIR"
    )]
    State(#[source] StateError),
}

/// A range of event times. A record without a time that can be read is always inside: it is never left out silently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first instant inside.
    pub since: Option<Timestamp>,
    /// The first instant after it.
    pub until: Option<Timestamp>,
}

impl TimeRange {
    /// Tells whether a time is inside. It is asked for only where the range has a bound.
    fn contains(&self, time: impl FnOnce() -> Option<Timestamp>) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        time().is_none_or(|time| {
            self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
        })
    }
}

impl Replay<'_> {
    /// Judges all records of all inputs. Findings go to `output`, what could not be judged or read to `messages`; both in the order of the
    /// input. `progress` hears how many bytes of the inputs have been taken.
    ///
    /// # Errors
    ///
    /// Fails when the output cannot be written, or what is to be kept. Inputs that cannot be read are counted, and told in the messages.
    pub fn run(
        &self,
        output: impl Write + Send,
        messages: impl Write + Send,
        progress: impl Fn(u64) + Sync,
    ) -> Result<Totals, ReplayError> {
        let output = Ordered::new(output);
        let messages = Ordered::new(messages);
        let ended = Mutex::new((Totals::default(), None));
        let end = |worker: Worker<'_, '_, _, _>| {
            let mut ended = ended.lock().expect("no worker panics");
            ended.0 += worker.totals;
            ended.1 = ended.1.take().or(worker.failure);
        };
        let looks_back = self.judge.rules().iter().any(|rule| rule.keep().is_some());
        let state = looks_back.then(Temporary::open).transpose().map_err(ReplayError::State)?;
        thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    let mut worker = Worker::new(self, &output, &messages, state.as_ref());
                    worker.run(&progress);
                    end(worker);
                });
            }
        });
        let failed = ended.lock().expect("no worker panics").1.is_some();
        if let Some(state) = state.filter(|_| !failed) {
            let mut worker = Worker::new(self, &output, &messages, None);
            worker.settle(self.inputs.count(), SETTLED, &state);
            end(worker);
        }
        let (totals, failure) = ended.into_inner().expect("no worker panics");
        let _ = messages.finish();
        output.finish().map_err(ReplayError::Output)?;
        failure.map_or(Ok(totals), Err)
    }
}

/// What the messages call the judging at the end, by rules that look back.
const SETTLED: &str = "earlier events";
