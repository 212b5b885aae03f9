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
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let at = next.map_or(now, |next| next.max(now));
            *next = Some(at + self.gap);
            at
        };
        sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_turns_a_second_are_given_and_idle_time_is_not_saved_up() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let limiter = Limiter::new(Duration::from_millis(500));
            let start = Instant::now();
            let mut turns = Vec::new();
            for _ in 0..3 {
                limiter.turn().await;
                turns.push(start.elapsed().as_millis());
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
            for _ in 0..2 {
                limiter.turn().await;
                turns.push(start.elapsed().as_millis());
            }
            assert_eq!(turns, [0, 500, 1_000, 61_000, 61_500]);
        });
    }
}
