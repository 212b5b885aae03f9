//! How long a registry is waited for, and how often it is asked again.

use std::time::Duration;

use super::error::RegistryError;

/// Bounds on time and on tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How often a request is made altogether, where each failure may pass.
    pub tries: u32,
    /// How long is waited before the second try. Each further wait is twice as long, with some chance in it.
    pub first_wait: Duration,
    /// The longest wait between two tries. A registry that asks for a longer one is not asked again.
    pub longest_wait: Duration,
    /// How long a connection may take.
    pub connect: Duration,
    /// How long nothing may come.
    pub silence: Duration,
    /// How slow the slowest line is that is waited for, in bytes a second: whoever gives a byte now and then is never silent, and never done.
    pub slowest: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_mins(1),
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            slowest: 4096,
        }
    }
}

impl Patience {
    /// Begins to try something.
    pub(super) fn begin(self) -> Tries {
        Tries { patience: self, left: self.tries.max(1), wait: self.first_wait }
    }
}

/// The tries of one request.
pub(super) struct Tries {
    patience: Patience,
    left: u32,
    wait: Duration,
}

impl Tries {
    /// Waits before the next try, or gives the error back where there is none.
    pub(super) async fn after(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        let wait = self.next_wait(error)?;
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn next_wait(&mut self, error: RegistryError) -> Result<Duration, RegistryError> {
        self.left -= 1;
        let asked = error.after().unwrap_or_default();
        if self.left == 0 || !error.passes() || asked > self.patience.longest_wait {
            return Err(error);
        }
        // Between half of the wait and all of it, so that those who failed together do not come again together.
        let wait = self.wait.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.wait = (self.wait * 2).min(self.patience.longest_wait);
        Ok(wait.max(asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(after: u64) -> RegistryError {
        RegistryError::Busy { host: "a.example".to_owned(), after: Some(Duration::from_secs(after)) }
    }

    #[test]
    fn tries_are_bounded_and_waits_grow() {
        let mut tries = Patience::default().begin();
        let waits: Vec<_> = (0..4).map(|_| tries.next_wait(busy(0)).unwrap()).collect();
        for (wait, most) in waits.iter().zip([500, 1000, 2000, 4000]) {
            let most = Duration::from_millis(most);
            assert!(*wait <= most && *wait >= most / 2, "{waits:?}");
        }
        assert!(tries.next_wait(busy(0)).is_err());
    }

    #[test]
    fn a_registry_is_left_alone_as_long_as_it_asks_and_not_waited_for_longer_than_is_borne() {
        let mut tries = Patience::default().begin();
        assert_eq!(tries.next_wait(busy(7)).unwrap(), Duration::from_secs(7));
        assert!(matches!(tries.next_wait(busy(61)), Err(RegistryError::Busy { .. })));
    }

    #[test]
    fn a_refusal_is_not_tried_again() {
        let refused = RegistryError::NotFound { host: "a.example".to_owned(), what: "it".to_owned() };
        assert!(Patience::default().begin().next_wait(refused).is_err());
    }
}
