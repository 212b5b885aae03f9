//! Output in the order of the input, whatever order the workers finish in.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard};

/// How much finished output may wait for its turn, in bytes. A worker that would add more waits itself: memory stays bounded.
const WAITING: usize = 32 << 20;

/// Collects the output of numbered parts and writes it in the order of the numbers. The part whose turn it is writes straight through.
pub(crate) struct Ordered<W> {
    state: Mutex<State<W>>,
    turn: Condvar,
}

struct State<W> {
    writer: W,
    /// The part whose turn it is.
    head: usize,
    /// Output that waits, and whether its part is finished.
    waiting: BTreeMap<usize, (Vec<u8>, bool)>,
    bytes: usize,
    /// How many workers wait for their turn.
    waiters: usize,
    failure: Option<io::Error>,
    failed: bool,
}

impl<W: Write> Ordered<W> {
    /// Starts with part 0.
    pub(crate) fn new(writer: W) -> Self {
        let state =
            State { writer, head: 0, waiting: BTreeMap::new(), bytes: 0, waiters: 0, failure: None, failed: false };
        Self { state: Mutex::new(state), turn: Condvar::new() }
    }

    /// Adds to a part's output, and ends the part where `last` is true. Returns false where the writer has failed and there is no point in
    /// going on.
    ///
    /// Parts must be started in the order of their numbers: one that waits relies on an earlier one being worked on.
    pub(crate) fn add(&self, part: usize, output: &[u8], last: bool) -> bool {
        let mut state = self.lock();
        while !state.failed && part != state.head && state.bytes > WAITING {
            state.waiters += 1;
            state = self.turn.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
            state.waiters -= 1;
        }
        let advances = part == state.head && last;
        if part == state.head {
            state.write(output);
            if last {
                state.advance();
            }
        } else {
            state.bytes += output.len();
            let waiting = state.waiting.entry(part).or_default();
            waiting.0.extend_from_slice(output);
            waiting.1 |= last;
        }
        // To wake nobody is a call to the kernel, too.
        if (advances || state.failed) && state.waiters > 0 {
            self.turn.notify_all();
        }
        !state.failed
    }

    /// Flushes the writer and returns it.
    ///
    /// # Errors
    ///
    /// Returns the first failure of the writer.
    pub(crate) fn finish(self) -> io::Result<W> {
        let mut state = self.state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(failure) = state.failure {
            return Err(failure);
        }
        state.writer.flush()?;
        Ok(state.writer)
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<W: Write> State<W> {
    fn write(&mut self, output: &[u8]) {
        if self.failed || output.is_empty() {
            return;
        }
        if let Err(failure) = self.writer.write_all(output) {
            self.failure = Some(failure);
            self.failed = true;
        }
    }

    /// Passes the turn on, over all parts that are finished, to the first that is not.
    fn advance(&mut self) {
        loop {
            self.head += 1;
            let Some((output, finished)) = self.waiting.remove(&self.head) else { return };
            self.bytes -= output.len();
            self.write(&output);
            if !finished {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_out_in_order_whatever_order_they_are_finished_in() {
        let ordered = Ordered::new(Vec::new());
        ordered.add(2, b"2a ", false);
        ordered.add(0, b"0a ", false);
        ordered.add(1, b"1 ", true);
        ordered.add(0, b"0b ", true);
        ordered.add(2, b"2b ", true);
        ordered.add(3, b"", true);
        ordered.add(4, b"4", true);
        assert_eq!(ordered.finish().unwrap(), b"0a 0b 1 2a 2b 4");
    }

    #[test]
    fn a_worker_with_too_much_output_waits_for_its_turn() {
        let ordered = Ordered::new(Vec::new());
        let large = vec![b'x'; WAITING + 1];
        std::thread::scope(|scope| {
            scope.spawn(|| {
                ordered.add(1, &large, false);
                // This one waits until part 0 is finished.
                ordered.add(1, b"y", true);
            });
            scope.spawn(|| ordered.add(0, b"0", true));
        });
        let written = ordered.finish().unwrap();
        assert_eq!((written.len(), written[0], written[WAITING + 2]), (WAITING + 3, b'0', b'y'));
    }

    #[test]
    fn a_closed_pipe_ends_the_work() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let ordered = Ordered::new(Closed);
        assert!(!ordered.add(0, b"x", true));
        assert_eq!(ordered.finish().map(|_| ()).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
