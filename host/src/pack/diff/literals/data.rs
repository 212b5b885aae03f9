//! Texts in the data of a module: the compiler lays string literals side by side, with nothing between them, and their lengths elsewhere.

use super::{LONGEST, Origin, Tally};

/// The shortest run of printable characters that is taken for a text of its own, in bytes.
const SHORTEST_RUN: usize = 4;

/// The data that a module's memory begins with.
#[derive(Debug, Default)]
pub(super) struct Data<'a> {
    segments: Vec<(u32, &'a [u8])>,
}

impl<'a> Data<'a> {
    /// Adds a segment that is laid at an address.
    pub(super) fn add(&mut self, address: u32, bytes: &'a [u8]) {
        self.segments.push((address, bytes));
    }

    /// Puts the segments into their order, once all are there.
    pub(super) fn sort(&mut self) {
        self.segments.sort_by_key(|&(address, _)| address);
    }

    /// Returns the text that begins at an address and is so many bytes long; nothing where there is none.
    pub(super) fn text(&self, address: u32, len: u32) -> Option<&'a str> {
        let after = self.segments.partition_point(|&(start, _)| start <= address);
        let (start, bytes) = *self.segments.get(after.checked_sub(1)?)?;
        let from = usize::try_from(address - start).ok()?;
        let to = from.checked_add(usize::try_from(len).ok()?)?;
        printable(bytes.get(from..to)?)
    }

    /// Gathers the texts that the data itself points at, as a list of names does: an address, then a length.
    pub(super) fn gather_pairs(&self, tally: &mut Tally) {
        for &(start, bytes) in &self.segments {
            // Pointers lie at multiples of four.
            let aligned = usize::try_from(start.wrapping_neg() % 4).unwrap_or_default();
            let words: Vec<u32> = bytes.get(aligned..).unwrap_or_default().chunks_exact(4).map(word).collect();
            for pair in words.windows(2) {
                if (1..=LONGEST).contains(&pair[1])
                    && let Some(text) = self.text(pair[0], pair[1])
                {
                    tally.add_text(text, Origin::Pointer);
                }
            }
        }
    }

    /// Gathers the runs of printable characters, whole where they are short, and the words in them: a list that was taken in as one text.
    pub(super) fn gather_runs(&self, tally: &mut Tally) {
        for &(_, bytes) in &self.segments {
            for run in bytes.split(|&byte| !(byte == b'\n' || (b' '..=b'~').contains(&byte))) {
                if run.len() >= SHORTEST_RUN
                    && let Some(run) = printable(run)
                {
                    tally.add_text(run, Origin::Run);
                }
            }
        }
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte))
}

/// Returns bytes as a text, where they are one that could stand in a record.
pub(super) fn printable(bytes: &[u8]) -> Option<&str> {
    let text = str::from_utf8(bytes).ok().filter(|text| !text.is_empty())?;
    let fits = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t');
    text.chars().all(fits).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_where_its_address_and_its_length_say() {
        let mut data = Data::default();
        data.add(2000, b"second");
        data.add(1000, b"onetwothree\0");
        data.sort();
        assert_eq!(data.text(1003, 3), Some("two"));
        assert_eq!(data.text(2000, 6), Some("second"));
        for (address, len) in [(999, 3), (1009, 3), (1006, 6), (2000, 7), (2006, 1), (u32::MAX, u32::MAX), (1000, 0)] {
            assert_eq!(data.text(address, len), None, "{address} {len}");
        }
    }

    #[test]
    fn a_list_of_names_points_at_each_of_them() {
        let mut list = b"alphabeta\0\0\0".to_vec();
        for word in [1000_u32, 5, 1005, 4] {
            list.extend(word.to_le_bytes());
        }
        let mut data = Data::default();
        data.add(1000, &list);
        let mut tally = Tally::default();
        data.gather_pairs(&mut tally);
        assert_eq!(tally.texts().collect::<Vec<_>>(), ["alpha", "beta"]);
    }
}
