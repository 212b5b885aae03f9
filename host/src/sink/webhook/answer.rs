//! What a service's answer means for a delivery.
//!
//! What an operator can mend, such as a token that was changed, is tried again; what is wrong with the request itself is not. Some services say
//! 200 and mean something else, so their answers are read.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::Preset;
use crate::escape;
use crate::retry_after::wait;
use crate::sink::Receipt;

/// How much of an answer stands in a reason, in bytes.
const QUOTED: usize = 200;

/// A service's answer.
pub(super) struct Answer {
    status: StatusCode,
    after: Option<Duration>,
    body: Vec<u8>,
}

impl Answer {
    /// Reads an answer, and of its body so many bytes at most. A body that breaks off is as long as it came.
    pub(super) async fn read(mut response: Response, limit: usize) -> Self {
        let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let after = after.and_then(|text| wait(text, Timestamp::now()));
        let status = response.status();
        let mut body = Vec::new();
        while body.len() < limit
            && let Ok(Some(chunk)) = response.chunk().await
        {
            body.extend_from_slice(&chunk[..chunk.len().min(limit - body.len())]);
        }
        Self { status, after, body }
    }

    /// Decides what became of the delivery.
    pub(super) fn receipt(&self, preset: Preset) -> Receipt {
        let again = || Receipt::Again { reason: self.reason(), after: self.after };
        match self.status.as_u16() {
            200..=299 => match preset {
                Preset::Generic => Receipt::Taken,
                Preset::Slack => self.slack(),
                Preset::Teams => self.teams(),
                Preset::Pagerduty => self.pagerduty(),
                Preset::SplunkHec => self.splunk(),
            },
            300..=399 => Receipt::refused(format!(
                "{}\nhint: redirects are not followed; give the address that it leads to",
                self.reason()
            )),
            // Too slow, too early, too often, or the service's own trouble; and what an operator can mend on either side.
            401..=404 | 407 | 408 | 410 | 423 | 425 | 429 | 500..=599 => again(),
            _ => Receipt::refused(self.reason()),
        }
    }

    fn reason(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let body = escape::terminal(&escape::shortened(body.trim(), QUOTED));
        let code = self.status.as_u16();
        match (self.status.canonical_reason(), body.is_empty()) {
            (Some(name), true) => format!("the service answered {code} {name}"),
            (Some(name), false) => format!("the service answered {code} {name}: {body}"),
            (None, true) => format!("the service answered {code}"),
            (None, false) => format!("the service answered {code}: {body}"),
        }
    }

    fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// An incoming webhook says `ok`; the Web API says what is wrong in JSON, with status 200.
    fn slack(&self) -> Receipt {
        let Some(answer) = self.json().filter(|answer| answer["ok"] == false) else { return Receipt::Taken };
        match answer["error"].as_str() {
            Some(
                "invalid_blocks"
                | "invalid_blocks_format"
                | "invalid_arguments"
                | "msg_too_long"
                | "no_text"
                | "invalid_payload",
            ) => Receipt::refused(self.reason()),
            _ => Receipt::Again { reason: self.reason(), after: self.after },
        }
    }

    /// A connector says 200 and puts the error of the service behind it into the text. It has no field for it.
    fn teams(&self) -> Receipt {
        if self.body.starts_with(b"Webhook message delivery failed") {
            return Receipt::Again { reason: self.reason(), after: self.after };
        }
        Receipt::Taken
    }

    fn pagerduty(&self) -> Receipt {
        match self.json().map(|answer| answer["status"].clone()) {
            Some(Value::String(status)) if status != "success" => Receipt::refused(self.reason()),
            _ => Receipt::Taken,
        }
    }

    /// The code is 0 for success; 5, 6, 12 and 13 are faults of the event.
    fn splunk(&self) -> Receipt {
        match self.json().and_then(|answer| answer["code"].as_u64()) {
            None | Some(0) => Receipt::Taken,
            Some(5 | 6 | 12 | 13) => Receipt::refused(self.reason()),
            Some(_) => Receipt::Again { reason: self.reason(), after: self.after },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(preset: Preset, status: u16, body: &str) -> Receipt {
        let after = Some(Duration::from_secs(7));
        Answer { status: StatusCode::from_u16(status).unwrap(), after, body: body.into() }.receipt(preset)
    }

    fn is_again(receipt: &Receipt) -> bool {
        matches!(receipt, Receipt::Again { after: Some(Duration { .. }), .. })
    }

    #[test]
    fn the_status_decides() {
        for status in [200, 202, 204] {
            assert_eq!(receipt(Preset::Generic, status, "whatever"), Receipt::Taken, "{status}");
        }
        for status in [401, 403, 404, 408, 410, 425, 429, 500, 502, 503, 504] {
            assert!(is_again(&receipt(Preset::Generic, status, "")), "{status}");
        }
        for status in [301, 302, 307, 400, 405, 413, 415, 422] {
            assert!(matches!(receipt(Preset::Generic, status, ""), Receipt::Refused { .. }), "{status}");
        }
    }

    #[test]
    fn an_answer_is_quoted_shortly_and_harmlessly() {
        let Receipt::Refused { reason } = receipt(Preset::Generic, 400, &format!("\x1b[2J{}", "é".repeat(1000)))
        else {
            panic!()
        };
        assert!(reason.starts_with("the service answered 400 Bad Request: \\u{1b}[2Jé"), "{reason}");
        assert!(reason.len() < 300, "{reason}");
    }

    #[test]
    fn success_is_believed_where_the_body_agrees() {
        assert_eq!(receipt(Preset::Slack, 200, "ok"), Receipt::Taken);
        assert_eq!(receipt(Preset::Slack, 200, "{\"ok\":true}"), Receipt::Taken);
        assert!(is_again(&receipt(Preset::Slack, 200, "{\"ok\":false,\"error\":\"ratelimited\"}")));
        assert!(matches!(
            receipt(Preset::Slack, 200, "{\"ok\":false,\"error\":\"invalid_blocks\"}"),
            Receipt::Refused { .. }
        ));
        assert!(is_again(&receipt(Preset::Teams, 200, "Webhook message delivery failed with error: HTTP 429")));
        assert_eq!(receipt(Preset::Pagerduty, 202, "{\"status\":\"success\"}"), Receipt::Taken);
        assert!(matches!(receipt(Preset::Pagerduty, 202, "{\"status\":\"invalid event\"}"), Receipt::Refused { .. }));
        assert_eq!(receipt(Preset::SplunkHec, 200, "{\"text\":\"Success\",\"code\":0}"), Receipt::Taken);
        assert!(is_again(&receipt(Preset::SplunkHec, 200, "{\"code\":9}")));
        assert!(matches!(receipt(Preset::SplunkHec, 200, "{\"code\":6}"), Receipt::Refused { .. }));
    }
}
