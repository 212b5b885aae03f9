//! Skimming against the plain path: the same input decoded twice, once with every record framed, parsed and judged.

use std::io::Cursor;

use orgwatch_host::index::{Index, Pattern};
use orgwatch_host::source::decode::{Buffers, DecodeLimits, Decoded, Decoder, Glance, Record, Skim};
use orgwatch_rules_sdk::json::{Document, Node};

/// How many records there were, and how many were passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) records: u64,
    pub(crate) unasked: u64,
}

/// Decodes an input both ways and panics where they differ. The plain way unpacks piece by piece, too.
pub(crate) fn compare(input: &[u8], patterns: &[Pattern]) -> Counts {
    let index = Index::of(patterns.iter().cloned().enumerate());
    let skim = index.sieve().map(Skim::new);
    let limits = DecodeLimits::default();
    // No text is short enough to be unpacked at once.
    let piecewise = DecodeLimits { ratio_from: 0, ratio: u64::MAX, ..limits };
    let mut plain = Decoder::new(Cursor::new(input), piecewise);
    let mut skimmed = Decoder::skimming(Cursor::new(input), limits, skim.as_ref(), Buffers::default());
    let mut counts = Counts::default();
    loop {
        let parsed = plain.next().expect("memory can be read");
        let quick = skimmed.next().expect("memory can be read");
        match (parsed, quick) {
            (None, None) => return counts,
            (Some(Decoded::Record(parsed)), Some(Decoded::Record(quick))) => {
                same(&parsed, &quick);
                counts.records += 1;
            }
            (Some(Decoded::Record(parsed)), Some(Decoded::Unasked)) => {
                let rules = index.rules(parsed.document.root());
                assert!(rules.is_empty(), "passed over and asked for by {rules:?}: {}", parsed.document.text());
                same(&parsed, &skimmed.unasked_record().expect("it is a record"));
                let text =
                    |path: &str| parsed.document.pointer(path).and_then(Node::string).map(std::borrow::Cow::into_owned);
                let Glance { time, account } = skimmed.glance();
                assert_eq!(time.as_deref(), text("/eventTime").as_deref(), "{}", parsed.document.text());
                assert_eq!(account.as_deref(), text("/recipientAccountId").as_deref(), "{}", parsed.document.text());
                counts.records += 1;
                counts.unasked += 1;
            }
            (parsed, quick) => assert_eq!(told(parsed.as_ref()), told(quick.as_ref())),
        }
    }
}

fn same(parsed: &Record, quick: &Record) {
    assert_eq!(parsed.position, quick.position);
    let [parsed, quick] = [parsed, quick].map(|record| Document::text(&record.document));
    assert_eq!(parsed, quick);
}

/// Everything that is told of an item, in words.
fn told(item: Option<&Decoded>) -> String {
    format!("{item:?}")
}
