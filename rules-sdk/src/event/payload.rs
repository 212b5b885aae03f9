//! What the service itself writes into a record: the request, the response, and what goes with them.

use crate::{Event, Value};

/// The parts whose content every service chooses. Each takes a JSON Pointer from the top of that part: `event.request("/policyId")`; the
/// empty path is the part itself. CloudTrail leaves out the content of a part that is too large.
impl Event {
    /// Reads a request parameter (`requestParameters`, since 1.0; 100 KB). The caller chooses it, also in a call that failed.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"requestParameters": {"policyId": "p-a1b2c3d4"}}"#);
    /// assert_eq!(event.request("/policyId").as_str(), Some("p-a1b2c3d4"));
    /// ```
    pub fn request(&self, path: &str) -> Value {
        self.part("/requestParameters", path)
    }

    /// Reads an element of the response (`responseElements`, since 1.0; 100 KB). `null` in reads and in calls that return nothing.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"responseElements": null}"#);
    /// assert_eq!(event.response(""), Value::Null);
    /// ```
    pub fn response(&self, path: &str) -> Value {
        self.part("/responseElements", path)
    }

    /// Reads what was part of neither request nor response (`additionalEventData`, since 1.0; 28 KB).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"additionalEventData": {"MFAUsed": "No"}}"#);
    /// assert_eq!(event.additional_event_data("/MFAUsed").as_str(), Some("No"));
    /// ```
    pub fn additional_event_data(&self, path: &str) -> Value {
        self.part("/additionalEventData", path)
    }

    /// Reads what a service event is about (`serviceEventDetails`, since 1.05; 100 KB).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"serviceEventDetails": {"createAccountStatus": {"state": "SUCCEEDED"}}}"#);
    /// let state = event.service_event_details("/createAccountStatus/state");
    /// assert_eq!(state.as_str(), Some("SUCCEEDED"));
    /// ```
    pub fn service_event_details(&self, path: &str) -> Value {
        self.part("/serviceEventDetails", path)
    }

    /// Reads about the edge device that the request went to (`edgeDeviceDetails`, since 1.08; 28 KB).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"edgeDeviceDetails": {"type": "Snow"}}"#);
    /// assert_eq!(event.edge_device_details("/type").as_str(), Some("Snow"));
    /// ```
    pub fn edge_device_details(&self, path: &str) -> Value {
        self.part("/edgeDeviceDetails", path)
    }

    fn part(&self, part: &str, path: &str) -> Value {
        debug_assert!(path.is_empty() || path.starts_with('/'), "{path:?} is no JSON Pointer: it has to begin with /");
        self.read(&format!("{part}{path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_read_by_pointer() {
        let event = Event::from_json(
            r#"{"requestParameters":{"target":{"type":"ACCOUNT","id":"444455556666"}},"responseElements":null,
                "additionalEventData":{"MFAUsed":"Yes"},"serviceEventDetails":{"createAccountStatus":{"state":"SUCCEEDED"}},
                "edgeDeviceDetails":{"type":"Snow"}}"#,
        )
        .unwrap();
        assert_eq!(event.request("/target/id").as_str(), Some("444455556666"));
        assert_eq!(event.request(""), Value::Object(vec!["target".to_owned()]));
        assert_eq!(event.response(""), Value::Null);
        assert_eq!(event.response("/handshake/id"), Value::Absent);
        assert_eq!(event.additional_event_data("/MFAUsed").as_str(), Some("Yes"));
        assert_eq!(event.service_event_details("/createAccountStatus/state").as_str(), Some("SUCCEEDED"));
        assert_eq!(event.edge_device_details("/type").as_str(), Some("Snow"));
    }

    #[test]
    #[should_panic(expected = "is no JSON Pointer")]
    fn a_forgotten_slash_fails_the_rules_own_tests() {
        let _ = Event::from_json("{}").unwrap().request("policyId");
    }
}
