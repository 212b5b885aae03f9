//! What every finding of the pack says: where, who, through what, and how it ended.

use orgwatch_rules_sdk::prelude::*;

use Severity::{Critical, High, Informational, Low, Medium};

/// The most of an error message or another text of a record that goes into a finding, in characters.
const LONGEST_TEXT: usize = 400;

/// Returns the account in which it happened, for a title.
pub fn account(event: &Event) -> String {
    let account = event.recipient_account_id().or_else(|| event.user_identity().account_id());
    account.map_or_else(|| "an unknown account".to_owned(), |account| account.to_string())
}

/// Returns who called, for a title and a key: the role behind a session, which the caller did not choose, else the caller's ARN, name,
/// service or account.
pub fn caller(event: &Event) -> String {
    let identity = event.user_identity();
    let issuer = identity.session().issuer().arn().filter(|_| identity.kind() == event::IdentityKind::AssumedRole);
    let caller = issuer.or_else(|| event.actor()).or_else(|| identity.user_name()).map(|caller| shortened(&caller));
    let somebody = || identity.account_id().map(|account| format!("somebody of {account}"));
    caller.or_else(somebody).unwrap_or_else(|| "an unknown caller".to_owned())
}

/// Returns a severity, one step lower where the call did nothing.
pub fn graded(severity: Severity, outcome: &Outcome) -> Severity {
    if outcome.is_success() {
        return severity;
    }
    match severity {
        Critical => High,
        High => Medium,
        Medium => Low,
        Low | Informational => Informational,
    }
}

/// Returns how a call ended, as it follows its name in a title.
pub fn manner(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "",
        Outcome::Denied { .. } => " denied",
        Outcome::Failed { .. } => " failed",
    }
}

/// Adds who called and how it ended: what the record says and a finding does not show anyway.
#[must_use]
pub fn with_circumstances(mut finding: Finding, event: &Event) -> Finding {
    let identity = event.user_identity();
    let session = identity.session();
    finding = finding.detail("caller_account", identity.account_id());
    let texts = [
        ("role", session.issuer().arn().filter(|_| identity.kind() == event::IdentityKind::AssumedRole)),
        ("invoked_by", identity.invoked_by()),
        ("source_identity", session.source_identity()),
        ("error_message", event.error_message()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            finding = finding.detail(name, shortened(&text));
        }
    }
    if let Some(mfa) = session.mfa_authenticated() {
        finding = finding.detail("mfa", mfa);
    }
    if event.session_credential_from_console() {
        finding = finding.detail("in_console", true);
    }
    finding
}

/// Cuts a text of the record off where it is too long for a finding.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
