//! A worker of a replay: reads inputs and judges what rules ask for of them.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::mem;
use std::sync::Arc;

use super::told::Told;
use super::{Replay, ReplayError, Totals};
use crate::causes;
use crate::escape::terminal;
use crate::event::{self, Event};
use crate::gap::{Gap, GapCause};
use crate::judge::{Asked, Remembered, Verdicts, Withheld};
use crate::ordered::Ordered;
use crate::source::Place;
use crate::source::decode::{Buffers, DecodeLimits, Decoded, Decoder};
use crate::source::files::{Input, InputError};
use crate::state::Temporary;
use crate::tuning::Why;

/// How many events that rules ask for are judged at a time. Rule by rule within a batch costs less than event by event; beyond some hundreds
/// there is nothing more to gain.
const EVENTS: usize = 256;

/// How many bytes of JSON the events have together that are held to be judged, unless it is one event.
const BYTES: usize = 8 << 20;

/// How many records are read, at most, between an event that is held and its judgement: nothing is held back for longer than it takes to read them.
const RECORDS: u64 = 4_096;

/// How many inputs are held open for what they have yet to say: some hold no records at all.
const INPUTS: usize = 256;

/// A worker. The inputs that it takes are parts of the output, and their numbers rise.
///
/// CloudTrail's files are small, and few of them hold more than one event that a rule asks for. To judge some hundred of those at a time costs less
/// than to judge each by itself, so events of several inputs are judged together. Until then the inputs are held open.
pub(super) struct Worker<'a, 'r, O, M> {
    replay: &'a Replay<'r>,
    output: &'a Ordered<O>,
    messages: &'a Ordered<M>,
    /// Where rules that look back note things, if there are any.
    state: Option<&'a Temporary>,
    /// The inputs that have been begun and have not said everything, in their order. The last may still be read.
    parts: VecDeque<Part>,
    /// The events to be judged, each with the number of its part.
    asked: Vec<Asked>,
    of_parts: Vec<usize>,
    bytes: usize,
    /// The number of records that had been read when the first part was begun.
    since: u64,
    /// The output cannot be written any more.
    closed: bool,
    /// What came of the inputs so far.
    pub(super) totals: Totals,
    /// Why what was found could not be kept.
    pub(super) failure: Option<ReplayError>,
}

/// An input and what is to be said of it.
struct Part {
    number: usize,
    name: Arc<str>,
    findings: Vec<u8>,
    told: Told,
}

impl<'a, 'r, O: Write, M: Write> Worker<'a, 'r, O, M> {
    pub(super) fn new(
        replay: &'a Replay<'r>,
        output: &'a Ordered<O>,
        messages: &'a Ordered<M>,
        state: Option<&'a Temporary>,
    ) -> Self {
        Self {
            replay,
            output,
            messages,
            state,
            parts: VecDeque::new(),
            asked: Vec::new(),
            of_parts: Vec::new(),
            bytes: 0,
            since: 0,
            closed: false,
            totals: Totals::default(),
            failure: None,
        }
    }

    /// Reads and judges inputs until there are no more. `progress` hears how many bytes have been taken.
    pub(super) fn run(&mut self, progress: &impl Fn(u64)) {
        let mut buffers = Buffers::default();
        while !self.is_over()
            && let Some((number, input)) = self.replay.inputs.next()
        {
            self.input(number, input, &mut buffers, progress);
        }
        self.judge();
        self.end_parts();
        if self.failure.is_some() {
            self.replay.inputs.close();
        }
    }

    /// Says what rules that look back found at the end of all inputs, as one more part.
    pub(super) fn settle(&mut self, number: usize, name: &str, state: &Temporary) {
        self.begin(number, name.into());
        if let Err(error) = state.settle(self.replay.judge, |verdicts| {
            self.say(&verdicts);
            self.keep(&verdicts);
            self.write_findings();
        }) {
            self.failure.get_or_insert(ReplayError::State(error));
        }
        self.end_parts();
    }

    /// There is no point in going on.
    fn is_over(&self) -> bool {
        self.closed || self.failure.is_some()
    }

    fn input(
        &mut self,
        number: usize,
        input: Result<Input, InputError>,
        buffers: &mut Buffers,
        progress: &impl Fn(u64),
    ) {
        let waits = input.as_ref().is_ok_and(Input::waits);
        if waits {
            self.judge();
            self.end_parts();
        }
        match input {
            Ok(input) => {
                self.totals.inputs += 1;
                self.begin(number, Arc::clone(&input.name));
                if let Err(error) = self.read(&input, buffers, progress) {
                    self.totals.failed_inputs += 1;
                    self.tell(&format!("error: failed to read `{}`: {error}", terminal(&input.name)));
                }
            }
            Err(error) => {
                self.totals.failed_inputs += 1;
                self.begin(number, "".into());
                self.tell(&format!("error: {}", causes::on_one_line(&error)));
            }
        }
        if waits || self.parts.len() >= INPUTS || self.is_late() {
            self.judge();
            self.end_parts();
        }
    }

    fn read(&mut self, input: &Input, buffers: &mut Buffers, progress: &impl Fn(u64)) -> io::Result<()> {
        let reader = input.open()?;
        let skim = self.replay.judge.skim();
        let mut decoder = Decoder::skimming(reader, DecodeLimits::default(), skim, mem::take(buffers));
        let read = self.decode(&input.name, &mut decoder, progress);
        *buffers = decoder.into_buffers();
        read
    }

    fn decode<R: Read>(
        &mut self,
        name: &Arc<str>,
        decoder: &mut Decoder<'_, R>,
        progress: &impl Fn(u64),
    ) -> io::Result<()> {
        let mut taken = 0;
        while !self.is_over()
            && let Some(decoded) = decoder.next()?
        {
            match decoded {
                Decoded::Record(record) => {
                    let place = Place { input: Arc::clone(name), position: record.position };
                    self.record(Event::new(record.document, place));
                }
                Decoded::Unasked => {
                    self.totals.records += 1;
                    let time = || decoder.glance().time.and_then(|time| event::time(&time));
                    self.totals.outside += u64::from(!self.replay.range.contains(time));
                }
                Decoded::Skipped(_) => self.totals.skipped += 1,
                Decoded::Unreadable(unreadable) => {
                    let place = Place { input: Arc::clone(name), position: unreadable.position };
                    let gap = Gap { place, cause: GapCause::Unreadable(Box::new(unreadable)), record: None };
                    self.unreadable(gap);
                }
            }
            let now = decoder.bytes_read();
            if now != taken {
                progress(now - taken);
                taken = now;
            }
            if self.asked.len() >= EVENTS || self.bytes >= BYTES || (!self.asked.is_empty() && self.is_late()) {
                self.judge();
            }
        }
        Ok(())
    }

    fn record(&mut self, event: Event) {
        self.totals.records += 1;
        if !self.replay.range.contains(|| event.time()) {
            self.totals.outside += 1;
        } else if let Some(asked) = self.replay.judge.ask(event) {
            self.totals.asked += 1;
            self.bytes += asked.event().document().text().len();
            self.asked.push(asked);
            self.of_parts.extend(self.parts.back().map(|part| part.number));
        }
    }

    /// Tells of something in the input that is read. What comes before it is judged first, so that the order is that of the input.
    fn unreadable(&mut self, gap: Gap) {
        self.judge();
        let verdicts = Verdicts { gaps: vec![gap], ..Verdicts::default() };
        self.say(&verdicts);
        self.keep(&verdicts);
    }

    /// Tells whether enough has been read since the first of the inputs that are held.
    fn is_late(&self) -> bool {
        self.totals.records - self.since >= RECORDS
    }

    fn begin(&mut self, number: usize, name: Arc<str>) {
        if self.parts.is_empty() {
            self.since = self.totals.records;
        }
        self.parts.push_back(Part { number, name, findings: Vec::new(), told: Told::default() });
    }

    /// Judges what is asked for so far, after which all inputs but the last have said everything.
    fn judge(&mut self) {
        let asked = mem::take(&mut self.asked);
        let mut of_parts = mem::take(&mut self.of_parts);
        self.bytes = 0;
        {
            let judge = self.replay.judge;
            let mut of_parts = of_parts.drain(..);
            judge.judge(&asked, |verdicts| {
                let mut sum = Verdicts::default();
                for verdicts in verdicts {
                    of_parts.next().inspect(|&part| self.end_parts_before(part));
                    self.say(&verdicts);
                    sum.append(verdicts);
                }
                self.keep(&sum);
                self.remember(mem::take(&mut sum.remembered));
                self.write_findings();
            });
        }
        self.asked = asked;
        self.asked.clear();
        self.of_parts = of_parts;
        if let Some(last) = self.parts.back().map(|part| part.number) {
            self.end_parts_before(last);
        }
        self.since = self.totals.records;
    }

    /// Ends the parts up to one that has more to say. They end in their order: another worker may wait for any of them.
    fn end_parts_before(&mut self, number: usize) {
        while let Some(part) = self.parts.pop_front_if(|part| part.number < number) {
            self.end(part);
        }
    }

    fn end_parts(&mut self) {
        while let Some(part) = self.parts.pop_front() {
            self.end(part);
        }
    }

    fn end(&mut self, part: Part) {
        self.closed |= !self.output.add(part.number, &part.findings, true);
        // Messages that cannot be written have nobody to be told to.
        self.messages.add(part.number, part.told.finish(&part.name).as_bytes(), true);
    }

    /// Writes what the first part has found so far.
    fn write_findings(&mut self) {
        if let Some(part) = self.parts.front_mut() {
            self.closed |= !self.output.add(part.number, &part.findings, false);
            part.findings.clear();
        }
    }

    fn tell(&mut self, line: &str) {
        // What was asked for before is judged first: an input's messages are in its order.
        self.judge();
        if let Some(part) = self.parts.back_mut() {
            part.told.line(line);
        }
    }

    /// Takes down what is to be said of the first part.
    fn say(&mut self, verdicts: &Verdicts) {
        let Some(part) = self.parts.front_mut() else { return };
        let Replay { encoding, observed, log_level, .. } = self.replay;
        self.totals.evaluations += verdicts.evaluations;
        for finding in &verdicts.findings {
            self.totals.findings[finding.severity as usize] += 1;
            encoding.encode(finding, &mut part.findings);
        }
        for Withheld { finding, why } in &verdicts.withheld {
            match why {
                Why::Observed => {
                    self.totals.observed += 1;
                    if *observed {
                        encoding.encode(finding, &mut part.findings);
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
            self.totals.gaps += 1;
            part.told.gap(gap);
        }
        for (rule, level, message) in verdicts.log.iter().filter(|(_, level, _)| level >= log_level) {
            part.told.log(rule, *level, message);
        }
    }

    /// Keeps what was judged, where that is asked for.
    fn keep(&mut self, verdicts: &Verdicts) {
        if let Some(keep) = self.replay.keep
            && self.failure.is_none()
            && !(verdicts.findings.is_empty() && verdicts.withheld.is_empty() && verdicts.gaps.is_empty())
        {
            self.failure = keep(verdicts).map_err(ReplayError::Keep).err();
        }
    }

    /// Keeps what rules that look back noted.
    fn remember(&mut self, remembered: Vec<Remembered>) {
        let Some(state) = self.state.filter(|_| !remembered.is_empty() && self.failure.is_none()) else { return };
        let source: Arc<str> = Arc::from("");
        let remembered = remembered.into_iter().map(|remembered| remembered.waiting(&source)).collect();
        match state.remember(self.replay.judge, remembered) {
            Ok(beyond) => {
                for rule in beyond {
                    let line = format!(
                        "warning: the rule {rule} has more to remember than is kept: what it counts may be too low"
                    );
                    if let Some(part) = self.parts.front_mut() {
                        part.told.line(&line);
                    }
                }
            }
            Err(error) => self.failure = Some(ReplayError::State(error)),
        }
    }
}
