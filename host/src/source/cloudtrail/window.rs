//! Which time range is asked for next.
//!
//! The service answers with the newest events first and knows no place to go on from, so an answer is of use only when it is complete. Windows are as
//! long as a bounded number of events allows: halved when one holds too many, doubled when one holds few.

/// A range of event times in seconds since 1970, both ends inside, as the service takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Window {
    pub(super) fn seconds(self) -> i64 {
        self.to - self.from
    }
}

/// The length of the first window: an hour.
const FIRST: i64 = 3_600;

/// The longest window: a day.
const LONGEST: i64 = 86_400;

/// Decides how long windows are.
#[derive(Debug)]
pub(super) struct Planner {
    length: i64,
}

impl Default for Planner {
    fn default() -> Self {
        Self { length: FIRST }
    }
}

impl Planner {
    /// Returns the next window from a time on. Two windows share the second where they meet.
    pub(super) fn next(&self, from: i64, now: i64) -> Window {
        Window { from, to: from.saturating_add(self.length).min(now).max(from + 1) }
    }

    /// Makes windows shorter after one that held too many events.
    pub(super) fn held_too_many(&mut self, window: Window) {
        self.length = (window.seconds() / 2).max(1);
    }

    /// Makes windows longer after one that held few events, compared with how many are too many.
    pub(super) fn held(&mut self, events: usize, too_many: usize) {
        if events < too_many / 4 {
            self.length = (self.length * 2).min(LONGEST);
        }
    }

    /// Tells whether a window can be divided further.
    pub(super) fn divisible(window: Window) -> bool {
        window.seconds() > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_meet_and_end_now() {
        let planner = Planner::default();
        let mut from = 0;
        let mut windows = Vec::new();
        while from < 9_000 {
            let window = planner.next(from, 9_000);
            windows.push((window.from, window.to));
            from = window.to;
        }
        assert_eq!(windows, [(0, 3_600), (3_600, 7_200), (7_200, 9_000)]);
    }

    #[test]
    fn a_full_window_is_divided_down_to_a_second_and_empty_ones_grow_to_a_day() {
        let mut planner = Planner::default();
        let mut window = planner.next(0, 100_000);
        let mut divisions = 0;
        while Planner::divisible(window) {
            planner.held_too_many(window);
            window = planner.next(0, 100_000);
            divisions += 1;
        }
        assert_eq!((window, divisions), (Window { from: 0, to: 1 }, 11));
        for _ in 0..40 {
            planner.held(0, 2_000);
        }
        assert_eq!(planner.next(0, 1_000_000), Window { from: 0, to: 86_400 });
        planner.held(500, 2_000);
        assert_eq!(planner.next(0, 1_000_000).to, 86_400, "a window that was well filled stays");
    }

    #[test]
    fn a_clock_that_went_back_gives_a_window_all_the_same() {
        assert_eq!(Planner::default().next(100, 40), Window { from: 100, to: 101 });
    }
}
