//! The operator's lookup tables, as a rule sees them.

use std::collections::BTreeMap;

use crate::Event;

/// A lookup table of the operator's: known accounts, approved principals, networks. The rule lists it in [`rule!`](crate::rule!)'s `tables`.
///
/// These names are agreed between the rules that come with the project and the operator's configuration:
///
/// | table | key | columns |
/// | --- | --- | --- |
/// | `accounts` | an account id | `name`, `owner`, `ou`, `email` |
/// | `principals` | an ARN | `name`, `owner`, `purpose` |
/// | `networks` | a network such as `192.0.2.0/24`; asked with an address | `name` |
///
/// An operator may have none of them, and a column may be missing: a table adds what is known, and its absence takes nothing away.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// # mod trail_stopped { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/trail_stopped.rs.in")); }
/// # use trail_stopped::TrailStopped;
/// const STOPPED: &str = r#"{"eventName": "StopLogging", "requestParameters": {"name": "main"}}"#;
///
/// let finding = testing::given::<TrailStopped>("{}")
///     .row("accounts", "111122223333", [("name", "Audit"), ("owner", "team-log")])
///     .fires(testing::record(STOPPED).with("/recipientAccountId", "111122223333"));
/// assert_eq!(finding.details()["owner"], "team-log");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    #[cfg(not(target_family = "wasm"))]
    event: &'a Event,
    #[cfg(target_family = "wasm")]
    _event: std::marker::PhantomData<&'a Event>,
    name: &'a str,
}

impl<'a> Table<'a> {
    pub(crate) fn new(event: &'a Event, name: &'a str) -> Self {
        #[cfg(not(target_family = "wasm"))]
        return Self { event, name };
        #[cfg(target_family = "wasm")]
        {
            let _ = event;
            Self { _event: std::marker::PhantomData, name }
        }
    }

    /// Returns the row of a key. A table of networks is asked with an address, and gives the row of the narrowest network around it.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// fn name(event: &Event, account: AccountId) -> String {
    ///     let row = event.table("accounts").row(&account.to_string());
    ///     let name = row.as_ref().and_then(|row| row.get("name"));
    ///     name.map_or_else(|| account.to_string(), |name| format!("{account} ({name})"))
    /// }
    /// assert_eq!(name(&testing::event("{}"), "111122223333".parse().unwrap()), "111122223333");
    /// ```
    pub fn row(&self, key: &str) -> Option<Row> {
        #[cfg(target_family = "wasm")]
        return crate::guest::row(self.name, key);
        #[cfg(not(target_family = "wasm"))]
        self.event.surroundings().row(self.name, key)
    }
}

/// A row of a lookup table.
///
/// ```
/// use orgwatch_rules_sdk::Row;
///
/// let row = Row::new([("owner".to_owned(), "team-log".to_owned())].into());
/// assert_eq!((row.get("owner"), row.get("name")), (Some("team-log"), None));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row(BTreeMap<String, String>);

impl Row {
    /// Makes a row of its columns.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// use orgwatch_rules_sdk::Row;
    ///
    /// assert_eq!(Row::new(BTreeMap::new()), Row::default());
    /// ```
    pub const fn new(columns: BTreeMap<String, String>) -> Self {
        Self(columns)
    }

    /// Returns what stands in a column; nothing where the table has no such column, or the cell is empty.
    ///
    /// ```
    /// use orgwatch_rules_sdk::Row;
    ///
    /// let row = Row::new([("owner".to_owned(), String::new())].into());
    /// assert_eq!(row.get("owner"), None);
    /// ```
    pub fn get(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(String::as_str).filter(|text| !text.is_empty())
    }
}
