//! Names beside ids: what the operator's tables know of an account, a principal, an address.
//!
//! A name is for reading. No rule of this pack judges by one, and a table that is out of date, or missing, makes no finding go away.

use orgwatch_rules_sdk::event::AccountId;
use orgwatch_rules_sdk::{Event, Row};
use serde_json::{Map, Value as Json};

use crate::text::plain;

/// The operator's tables that a [`Report`](crate::report::Report) reads. Every rule that makes one has to list them: `tables: (names::TABLES)`.
pub const TABLES: [&str; 3] = ["accounts", "principals", "networks"];

/// Returns an account as a title names it: `account 444455556666 (payments)`.
pub fn account(event: &Event, account: Option<AccountId>) -> String {
    match account {
        Some(account) => format!("account {}", named(event, account)),
        None => "an account whose id cannot be read".to_owned(),
    }
}

/// Returns an account's id with its name: `444455556666 (payments)`.
pub fn named(event: &Event, account: AccountId) -> String {
    match account_row(event, account).as_ref().and_then(|row| row.get("name")) {
        Some(name) => format!("{account} ({})", plain(name)),
        None => account.to_string(),
    }
}

/// Returns what the table says of an account: `name`, `owner` and `ou`; nothing for an account that it does not list.
pub fn known_account(event: &Event, account: AccountId) -> Option<Json> {
    account_row(event, account).map(|row| columns(&row, &["name", "owner", "ou"]))
}

/// Returns what the table says of a principal: `name`, `owner` and `purpose`; nothing for one that it does not list.
pub fn known_principal(event: &Event, arn: &str) -> Option<Json> {
    event.table("principals").row(arn).map(|row| columns(&row, &["name", "owner", "purpose"]))
}

/// Returns the name of the network that an address belongs to.
pub fn network(event: &Event, address: &str) -> Option<String> {
    event.table("networks").row(address)?.get("name").map(plain)
}

fn account_row(event: &Event, account: AccountId) -> Option<Row> {
    event.table("accounts").row(&account.to_string())
}

fn columns(row: &Row, names: &[&str]) -> Json {
    let known = names.iter().filter_map(|name| Some(((*name).to_owned(), plain(row.get(name)?).into())));
    Json::Object(known.collect::<Map<_, _>>())
}
