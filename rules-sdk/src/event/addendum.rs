//! Corrections: `addendum` marks a record that came late or replaces an earlier one.

use crate::Event;

/// Why a record came late or replaces an earlier one, which had another event id.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(
///     r#"{"addendum": {"reason": "UPDATED_DATA", "updatedFields": "responseElements, errorCode"}}"#,
/// );
/// let addendum = event.addendum().unwrap();
/// assert_eq!(addendum.updated_fields, ["responseElements", "errorCode"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addendum {
    /// `DELIVERY_DELAY`, `UPDATED_DATA` or `SERVICE_OUTAGE` (`reason`).
    pub reason: Option<String>,
    /// The fields that changed (`updatedFields`, a list with commas in the record).
    pub updated_fields: Vec<String>,
    /// The request id of the record that this one replaces (`originalRequestID`).
    pub original_request_id: Option<String>,
    /// The event id of the record that this one replaces (`originalEventID`).
    pub original_event_id: Option<String>,
}

impl Event {
    /// Returns the addendum (`addendum`, since 1.08); nothing for an ordinary record.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"addendum": {"reason": "DELIVERY_DELAY"}}"#);
    /// assert_eq!(event.addendum().unwrap().reason.as_deref(), Some("DELIVERY_DELAY"));
    /// ```
    pub fn addendum(&self) -> Option<Addendum> {
        if self.read("/addendum").is_nothing() {
            return None;
        }
        let fields = self.string("/addendum/updatedFields").unwrap_or_default();
        let names = fields.split(',').map(str::trim).filter(|name| !name.is_empty());
        Some(Addendum {
            reason: self.string("/addendum/reason"),
            updated_fields: names.map(str::to_owned).collect(),
            original_request_id: self.string("/addendum/originalRequestID"),
            original_event_id: self.string("/addendum/originalEventID"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corrected_record_names_the_one_that_it_replaces() {
        let event = Event::from_json(
            r#"{"addendum":{"reason":"UPDATED_DATA","updatedFields":"responseElements, errorCode","originalRequestID":"EXAMPLE1",
                            "originalEventID":"0d6f3a0e-7a2c-4b1f-8d3e-5c4b3a291807"}}"#,
        )
        .unwrap();
        let addendum = event.addendum().unwrap();
        assert_eq!(addendum.reason.as_deref(), Some("UPDATED_DATA"));
        assert_eq!(addendum.updated_fields, ["responseElements", "errorCode"]);
        assert_eq!(addendum.original_request_id.as_deref(), Some("EXAMPLE1"));
        assert_eq!(addendum.original_event_id.as_deref(), Some("0d6f3a0e-7a2c-4b1f-8d3e-5c4b3a291807"));
        assert_eq!(Event::from_json("{}").unwrap().addendum(), None);
    }
}
