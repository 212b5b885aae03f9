//! Replay: judging the records of files, several files at a time, with output in the order of the input.

mod queue;
mod totals;

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::mem;
use std::sync::{Arc, Mutex};
use std::thread;

use jiff::Timestamp;

pub use self::queue::Queue;
pub use self::totals::Totals;
use crate::encoding::Encoding;
use crate::escape::terminal;
use crate::event::{self, Event};
use crate::gap::{Gap, GapCause};
use crate::judge::{Asked, Judge, Remembered, Verdicts, Withheld};
use crate::ordered::Ordered;
use crate::sandbox::LogLevel;
use crate::source::decode::{Buffers, DecodeLimits, Decoded, Decoder};
use crate::source::files::{Input, InputError};
use crate::source::{InletError, Place, causes};
use crate::state::{StateError, Temporary};
use crate::tuning::Why;

/// How many events that rules ask for are judged at a time. Rule by rule within a batch costs less than event by event; beyond some hundreds
/// there is nothing more to gain, and the events of a batch are held in memory.
const BATCH: usize = 256;

/// Gaps of one input that are told one by one; the rest is counted.
const GAPS_TOLD: usize = 5;

/// Lines that rules log on one input and that are told; the rest is counted.
const LOG_TOLD: usize = 100;

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
        let totals = Mutex::new(Totals::default());
        let failure = Mutex::new(None);
        let looks_back = self.judge.rules().iter().any(|rule| rule.keep().is_some());
        let state = looks_back.then(Temporary::open).transpose().map_err(ReplayError::State)?;
        thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    let mut sum = Totals::default();
                    let mut buffers = Buffers::default();
                    while let Some((part, input)) = self.inputs.next() {
                        let mut work = Work::new(self, part, &output, state.as_ref());
                        let (told, go_on) = work.run(input, &mut buffers, &progress);
                        // Messages that cannot be written have nobody to be told to.
                        messages.add(part, told.as_bytes(), true);
                        sum += work.totals;
                        if let Some(error) = work.failure {
                            failure.lock().expect("no worker panics").get_or_insert(error);
                            self.inputs.close();
                        }
                        if !go_on {
                            break;
                        }
                    }
                    *totals.lock().expect("no worker panics") += sum;
                });
            }
        });
        let mut totals = totals.into_inner().expect("no worker panics");
        let mut failure = failure.into_inner().expect("no worker panics");
        if let (Some(state), None) = (&state, &failure) {
            let part = self.inputs.count();
            let mut work = Work::new(self, part, &output, None);
            if let Err(error) = state.settle(self.judge, |verdicts| work.tell(verdicts)) {
                work.failure.get_or_insert(ReplayError::State(error));
            }
            output.add(part, &[], true);
            messages.add(part, work.told.finish(SETTLED).as_bytes(), true);
            totals += work.totals;
            failure = work.failure;
        }
        let _ = messages.finish();
        output.finish().map_err(ReplayError::Output)?;
        failure.map_or(Ok(totals), Err)
    }
}

/// What the messages call the judging at the end, by rules that look back.
const SETTLED: &str = "earlier events";

/// One input at work.
struct Work<'a, 'r, W> {
    replay: &'a Replay<'r>,
    part: usize,
    output: &'a Ordered<W>,
    /// Where rules that look back note things, if there are any.
    state: Option<&'a Temporary>,
    totals: Totals,
    told: Told,
    /// Why what was found could not be kept.
    failure: Option<ReplayError>,
}

impl<'a, 'r, W: Write> Work<'a, 'r, W> {
    fn new(replay: &'a Replay<'r>, part: usize, output: &'a Ordered<W>, state: Option<&'a Temporary>) -> Self {
        Self { replay, part, output, state, totals: Totals::default(), told: Told::default(), failure: None }
    }

    /// Judges an input. Returns what is to be told of it, and false where the output cannot be written any more.
    fn run(
        &mut self,
        input: Result<Input, InputError>,
        buffers: &mut Buffers,
        progress: &impl Fn(u64),
    ) -> (String, bool) {
        let input = match input {
            Ok(input) => input,
            Err(error) => {
                self.totals.failed_inputs = 1;
                self.told.line(&format!("error: {}", causes(&error)));
                let go_on = self.output.add(self.part, &[], true);
                return (mem::take(&mut self.told).finish(""), go_on);
            }
        };
        self.totals.inputs = 1;
        let mut batch = Vec::new();
        if let Err(error) = self.read(&input, buffers, &mut batch, progress) {
            self.totals.failed_inputs = 1;
            self.told.line(&format!("error: failed to read `{}`: {error}", terminal(&input.name)));
        }
        let go_on = self.judge(&mut batch, true);
        (mem::take(&mut self.told).finish(&input.name), go_on)
    }

    fn read(
        &mut self,
        input: &Input,
        buffers: &mut Buffers,
        batch: &mut Vec<Asked>,
        progress: &impl Fn(u64),
    ) -> io::Result<()> {
        let skim = self.replay.judge.skim();
        let reader = input.open()?;
        let mut decoder = Decoder::skimming(reader, DecodeLimits::default(), skim, mem::take(buffers));
        let read = self.decode(input, &mut decoder, batch, progress);
        *buffers = decoder.into_buffers();
        read
    }

    fn decode<R: Read>(
        &mut self,
        input: &Input,
        decoder: &mut Decoder<'_, R>,
        batch: &mut Vec<Asked>,
        progress: &impl Fn(u64),
    ) -> io::Result<()> {
        let mut taken = 0;
        while let Some(decoded) = decoder.next()? {
            match decoded {
                Decoded::Record(record) => {
                    let place = Place { input: input.name.clone(), position: record.position };
                    self.record(Event::new(record.document, place), batch);
                }
                Decoded::Unasked => {
                    self.totals.records += 1;
                    let time = || decoder.glance().time.and_then(event::time);
                    self.totals.outside += u64::from(!self.replay.range.contains(time));
                }
                Decoded::Skipped(_) => self.totals.skipped += 1,
                Decoded::Unreadable(unreadable) => {
                    let place = Place { input: input.name.clone(), position: unreadable.position };
                    let gap = Gap { place, cause: GapCause::Unreadable(Box::new(unreadable)), record: None };
                    self.tell(Verdicts { gaps: vec![gap], ..Verdicts::default() });
                }
            }
            let now = decoder.bytes_read();
            if now != taken {
                progress(now - taken);
                taken = now;
            }
            if batch.len() >= BATCH && !self.judge(batch, false) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn record(&mut self, event: Event, batch: &mut Vec<Asked>) {
        self.totals.records += 1;
        if !self.replay.range.contains(|| event.time()) {
            self.totals.outside += 1;
        } else if let Some(asked) = self.replay.judge.ask(event) {
            self.totals.asked += 1;
            batch.push(asked);
        }
    }

    /// Judges what is asked for so far and empties the batch. Returns false where the output cannot be written any more.
    fn judge(&mut self, batch: &mut Vec<Asked>, last: bool) -> bool {
        if !batch.is_empty() {
            let judge = self.replay.judge;
            judge.judge(batch, |verdicts| self.tell(verdicts));
            batch.clear();
        }
        self.output.add(self.part, &[], last) && self.failure.is_none()
    }

    fn tell(&mut self, mut verdicts: Verdicts) {
        self.totals.evaluations += verdicts.evaluations;
        let mut text = Vec::new();
        for finding in &verdicts.findings {
            self.totals.findings[finding.severity as usize] += 1;
            self.replay.encoding.encode(finding, &mut text);
        }
        for Withheld { finding, why } in &verdicts.withheld {
            match why {
                Why::Observed => {
                    self.totals.observed += 1;
                    if self.replay.observed {
                        self.replay.encoding.encode(finding, &mut text);
                    }
                }
                Why::Excepted { .. } => *self.totals.excepted.entry(why.text()).or_default() += 1,
            }
        }
        for exception in &verdicts.expired {
            let over = format!("{}, which expired on {}", Why::from(&**exception).text(), exception.expires().as_str());
            *self.totals.expired.entry(over).or_default() += 1;
        }
        for gap in &verdicts.gaps {
            self.gap(gap);
        }
        for (rule, level, message) in &verdicts.log {
            if *level >= self.replay.log_level {
                self.told.log(rule, *level, message);
            }
        }
        if let Some(keep) = self.replay.keep
            && self.failure.is_none()
            && !(verdicts.findings.is_empty() && verdicts.withheld.is_empty() && verdicts.gaps.is_empty())
        {
            self.failure = keep(&verdicts).map_err(ReplayError::Keep).err();
        }
        self.remember(mem::take(&mut verdicts.remembered));
        self.output.add(self.part, &text, false);
    }

    /// Keeps what rules that look back noted.
    fn remember(&mut self, remembered: Vec<Remembered>) {
        let Some(state) = self.state.filter(|_| !remembered.is_empty() && self.failure.is_none()) else { return };
        let source: Arc<str> = Arc::from("");
        let remembered = remembered.into_iter().map(|remembered| remembered.waiting(&source)).collect();
        match state.remember(self.replay.judge, remembered) {
            Ok(beyond) => {
                for rule in beyond {
                    self.told.line(&format!(
                        "warning: the rule {rule} has more to remember than is kept: what it counts may be too low"
                    ));
                }
            }
            Err(error) => self.failure = Some(ReplayError::State(error)),
        }
    }

    fn gap(&mut self, gap: &Gap) {
        self.totals.gaps += 1;
        self.told.gap(gap);
    }
}

/// What is told of an input: bounded, however much is wrong with it.
#[derive(Default)]
struct Told {
    text: String,
    gaps: usize,
    log_lines: usize,
}

impl Told {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn gap(&mut self, gap: &Gap) {
        self.gaps += 1;
        if self.gaps <= GAPS_TOLD {
            let place = terminal(&gap.place.to_string());
            // Writing to a String cannot fail.
            let _ = writeln!(self.text, "gap: {place}: {}", terminal(&gap.cause.to_string()));
        }
    }

    fn log(&mut self, rule: &str, level: LogLevel, message: &str) {
        self.log_lines += 1;
        if self.log_lines <= LOG_TOLD {
            self.line(&format!("{level}: {rule}: {}", terminal(message)));
        }
    }

    fn finish(mut self, name: &str) -> String {
        if let Some(more @ 1..) = self.log_lines.checked_sub(LOG_TOLD) {
            self.line(&format!("log: {}: {more} more lines", terminal(name)));
        }
        if let Some(more @ 1..) = self.gaps.checked_sub(GAPS_TOLD) {
            self.line(&format!("gap: {}: {more} more", terminal(name)));
        }
        self.text
    }
}
