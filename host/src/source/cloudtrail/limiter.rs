//! How often the service may be asked.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Lets callers through one at a time, with at least so much time between two.
pub(super) struct Limiter {
    gap: Duration,
    next: Mutex<Option<Instant>>,
}

impl Limiter {
    pub(super) fn new(gap: Duration) -> Self {
        Self { gap, next: Mutex::new(None) }
    }

    /// Waits for the caller's turn.
    pub(super) async fn turn(&self) {
        let at = self.reserve(Instant::now());
        sleep_until(at).await;
    }

    /// Takes the next turn, and returns when it is.
    fn reserve(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = next.map_or(now, |next| next.max(now));
        *next = Some(at + self.gap);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_turns_a_second_are_given_and_idle_time_is_not_saved_up() {
        let limiter = Limiter::new(Duration::from_millis(500));
        let start = Instant::now();
        let turn = |after: u64| limiter.reserve(start + Duration::from_millis(after)).duration_since(start).as_millis();
        assert_eq!([turn(0), turn(0), turn(100), turn(100)], [0, 500, 1_000, 1_500]);
        assert_eq!([turn(60_000), turn(60_000), turn(60_700)], [60_000, 60_500, 61_000]);
    }
}
