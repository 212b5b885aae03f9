//! Which records were brought already: windows overlap, and a copy should cost no evaluation.

use std::collections::BTreeSet;

use orgwatch_rules_sdk::json::Document;

use crate::digest::Digest;

/// Records that are remembered at most. To forget one costs an evaluation, and gives nothing new.
const LIMIT: usize = 200_000;

/// A record's time and digest.
pub(super) type Mark = (i64, Digest);

/// The records of the last while.
#[derive(Debug, Default)]
pub(super) struct Seen {
    marks: BTreeSet<Mark>,
}

impl Seen {
    pub(super) fn contains(&self, mark: &Mark) -> bool {
        self.marks.contains(mark)
    }

    /// Remembers records that are on disk.
    pub(super) fn extend(&mut self, marks: impl IntoIterator<Item = Mark>) {
        self.marks.extend(marks);
        while self.marks.len() > LIMIT {
            self.marks.pop_first();
        }
    }

    /// Forgets what is older than any window that will be asked for.
    pub(super) fn forget_before(&mut self, time: i64) {
        while self.marks.first().is_some_and(|&(of, _)| of < time) {
            self.marks.pop_first();
        }
    }
}

/// Returns the digest by which a record is known. One that cannot be parsed is known by its text.
pub(super) fn digest(record: &str) -> Digest {
    match Document::parse(record) {
        Ok(document) => Digest::of(document.root().canonical()),
        Err(_) => Digest::of(record),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_known_however_it_is_written_and_forgotten_with_its_time() {
        let mut seen = Seen::default();
        seen.extend([(10, digest(r#"{"a":1,"b":2}"#)), (20, digest("{"))]);
        assert!(seen.contains(&(10, digest("{ \"b\": 2, \"a\": 1 }"))));
        assert!(seen.contains(&(20, digest("{"))));
        assert!(!seen.contains(&(10, digest(r#"{"a":1,"b":3}"#))));
        seen.forget_before(20);
        assert!(!seen.contains(&(10, digest(r#"{"a":1,"b":2}"#))));
        assert!(seen.contains(&(20, digest("{"))));
    }

    #[test]
    fn no_more_is_remembered_than_fits() {
        let mut seen = Seen::default();
        seen.extend((0..250_000).map(|number| (number, Digest::of(""))));
        assert_eq!(seen.marks.len(), LIMIT);
        assert!(seen.contains(&(249_999, Digest::of(""))));
    }
}
