//! The header `Retry-After`, by which a service says when it wants to be asked again.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// The longest wait that a service is granted: it says when to come back, not never.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Reads the header: seconds, or a date.
pub(crate) fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    let wait = if let Ok(seconds) = text.trim().parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let date = rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_too_long() {
        let now: Timestamp = "2026-11-01T10:00:00Z".parse().unwrap();
        assert_eq!(wait("120", now), Some(Duration::from_mins(2)));
        assert_eq!(wait("Sun, 01 Nov 2026 10:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sun, 01 Nov 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(wait("99999999", now), Some(LONGEST_WAIT));
        assert_eq!(wait("soon", now), None);
    }
}
