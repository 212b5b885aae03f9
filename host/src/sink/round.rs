//! One call of a sink's `send`, in as many calls of the service as it takes.
//!
//! A service takes so many entries and so many bytes at once. Where it refuses a batch as a whole, the batch is halved until what is wrong stands
//! alone: one finding that cannot be taken must not take others with it. Where it fails, it is left alone, and the queue tries again later.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::Receipt;

/// No call is begun after so long, so that a whole round, bounded by this and the clients' own time-out for one call, ends before the queue loses
/// patience and with it the receipts that were given already.
const LONGEST: Duration = Duration::from_secs(10);

/// What one call of a service may carry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    /// Entries.
    pub(super) entries: usize,
    /// Bytes of all entries together.
    pub(super) bytes: usize,
}

/// The deliveries of one `send`, of which some have a receipt already.
#[derive(Debug)]
pub(super) struct Round {
    /// What is still to be sent, the first of it last.
    open: Vec<Range<usize>>,
    receipts: Vec<Option<Receipt>>,
    begun: Instant,
}

impl Round {
    /// Divides entries of these sizes into calls.
    pub(super) fn new(sizes: &[usize], most: Most) -> Self {
        let mut open = batches(sizes, most);
        open.reverse();
        Self { open, receipts: vec![None; sizes.len()], begun: Instant::now() }
    }

    /// Returns which entries to send next, until there are none.
    pub(super) fn next(&mut self) -> Option<Range<usize>> {
        if self.begun.elapsed() > LONGEST {
            return None;
        }
        self.open.pop()
    }

    /// Gives one entry its receipt. A service that names an entry which was never sent is not believed.
    pub(super) fn settle(&mut self, entry: usize, receipt: Receipt) {
        if let Some(open) = self.receipts.get_mut(entry) {
            *open = Some(receipt);
        }
    }

    /// Notes that a call failed as a whole.
    pub(super) fn failed(&mut self, range: Range<usize>, receipt: &Receipt) {
        let refused = matches!(receipt, Receipt::Refused { .. });
        if refused && range.len() > 1 {
            let middle = range.start + range.len() / 2;
            self.open.push(middle..range.end);
            self.open.push(range.start..middle);
            return;
        }
        self.receipts[range].fill(Some(receipt.clone()));
        if !refused {
            for range in self.open.drain(..) {
                self.receipts[range].fill(Some(receipt.clone()));
            }
        }
    }

    /// Returns the receipts of all entries.
    pub(super) fn receipts(self) -> Vec<Receipt> {
        let unsaid = || Receipt::again("the service did not say what became of it");
        self.receipts.into_iter().map(|receipt| receipt.unwrap_or_else(unsaid)).collect()
    }
}

/// Divides entries into runs that one call can carry. An entry that is too large for any call gets one of its own.
pub(super) fn batches(sizes: &[usize], most: Most) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let mut start = 0;
    let mut bytes = 0;
    for (index, size) in sizes.iter().enumerate() {
        if index > start && (index - start == most.entries || bytes + size > most.bytes) {
            batches.push(start..index);
            start = index;
            bytes = 0;
        }
        bytes += size;
    }
    if start < sizes.len() {
        batches.push(start..sizes.len());
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Most = Most { entries: 3, bytes: 100 };

    #[test]
    fn a_call_carries_no_more_than_it_may() {
        assert_eq!(batches(&[10; 7], MOST), [0..3, 3..6, 6..7]);
        assert_eq!(batches(&[60, 40, 1, 100, 500, 2], MOST), [0..2, 2..3, 3..4, 4..5, 5..6]);
        assert!(batches(&[], MOST).is_empty());
    }

    #[test]
    fn one_entry_that_is_refused_costs_only_itself() {
        let mut round = Round::new(&[1; 10], Most { entries: 10, bytes: 100 });
        while let Some(range) = round.next() {
            if range.contains(&6) {
                round.failed(range, &Receipt::refused("the seventh is bad"));
            } else {
                for entry in range {
                    round.settle(entry, Receipt::Taken);
                }
            }
        }
        let receipts = round.receipts();
        for (entry, receipt) in receipts.into_iter().enumerate() {
            assert_eq!(receipt == Receipt::Taken, entry != 6, "{entry}");
        }
    }

    #[test]
    fn a_service_that_fails_is_not_asked_again_in_the_same_round() {
        let mut round = Round::new(&[1; 9], MOST);
        let first = round.next().unwrap();
        for entry in first {
            round.settle(entry, Receipt::Taken);
        }
        let second = round.next().unwrap();
        round.failed(second, &Receipt::again("it is down"));
        assert_eq!(round.next(), None);
        let receipts = round.receipts();
        assert_eq!(receipts[..3], [Receipt::Taken, Receipt::Taken, Receipt::Taken]);
        assert!(receipts[3..].iter().all(|receipt| *receipt == Receipt::again("it is down")));
    }

    #[test]
    fn what_the_service_does_not_mention_is_sent_again() {
        let mut round = Round::new(&[1, 1], MOST);
        round.next();
        round.settle(0, Receipt::Taken);
        assert!(matches!(round.receipts()[..], [Receipt::Taken, Receipt::Again { .. }]));
    }
}
