//! A story: the records of one case, in which a rule may look back.

use orgwatch_rules_sdk::json::{Document, ParseError};
use serde_json::Value;

/// One record or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    records: Vec<String>,
}

impl Story {
    /// Takes records: JSON texts.
    ///
    /// # Errors
    ///
    /// Fails when one of them is not JSON.
    pub fn new(records: Vec<String>) -> Result<Self, ParseError> {
        for record in &records {
            Document::parse(record.as_str())?;
        }
        Ok(Self { records })
    }

    /// Returns the records as they are judged.
    ///
    /// # Panics
    ///
    /// Never: they have been parsed before.
    pub fn documents(&self) -> Vec<Document> {
        let parse = |record: &String| Document::parse(record.as_str()).expect("the record has been parsed before");
        self.records.iter().map(parse).collect()
    }

    /// Returns how many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Tells whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Returns a record as a tree that can be changed; nothing where there is none at this place.
    pub fn record(&self, place: usize) -> Option<Value> {
        serde_json::from_str(self.records.get(place)?).ok()
    }

    /// Returns the story with another record at this place.
    #[must_use]
    pub fn with(&self, place: usize, record: &Value) -> Self {
        let mut records = self.records.clone();
        records[place] = record.to_string();
        Self { records }
    }
}
