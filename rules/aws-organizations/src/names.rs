//! Names beside ids.

use orgwatch_rules_sdk::Event;
use orgwatch_rules_sdk::event::AccountId;

/// Returns an account as a title names it.
pub fn account(_event: &Event, account: Option<AccountId>) -> String {
    match account {
        Some(account) => format!("account {account}"),
        None => "an account whose id cannot be read".to_owned(),
    }
}
