//! The limits hold, and neither they nor the way in which bytes arrive change what comes out.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[test]
fn a_record_beyond_the_limit_costs_itself() {
    let long = format!(r#"{{"eventID":"2","x":"{}","y":[{}]}}"#, "z".repeat(30 << 20), record(9));
    let parts = [record(1), long.clone(), record(3)];
    for text in [wrapped(&parts), parts.join("\n")] {
        let items = read(text);
        let Item::Unreadable { length, bytes, message, .. } = &items[1] else { panic!("not refused") };
        assert_eq!((*length, bytes.len()), (long.len() as u64, DecodeLimits::default().kept_bytes));
        assert_eq!(message, "longer than the limit of 8388608 bytes");
        assert_eq!(split(items).0, [record(1), record(3)]);
    }
}

#[test]
fn a_record_of_exactly_the_limit_is_read() {
    for spare in [0, 1] {
        let limits = DecodeLimits { record_bytes: record(1).len() - spare, ..DecodeLimits::default() };
        let (texts, messages) = split(read_from(Cursor::new(records(2).join("\n")), limits));
        assert_eq!((texts.len(), messages.len()), (2 - 2 * spare, 2 * spare));
    }
}

/// Text that is made of pieces of records, whole and broken.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let bits = vec![",", "\n", "}", "]", "{", "[", "\"", ":", " ", "\\", "x", "2026-01-01T00:00:00Z "];
    let wrappings = vec!["{\"Records\":[", "]}", "{\"a\":1,\"Events\":[", "{\"awslogs\":", "{\"eventID\":1}"];
    let piece = prop_oneof![
        4 => (1..9_usize).prop_map(record),
        2 => prop::sample::select(bits).prop_map(str::to_owned),
        1 => (1..9_usize, 0..180_usize).prop_map(|(number, cut)| record(number).chars().take(cut).collect()),
        1 => prop::sample::select(wrappings).prop_map(str::to_owned),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_gives_the_same_items(text in pieces(), sizes in vec(1..200_usize, 1..5), limit in 20..400_usize) {
        let small = DecodeLimits { record_bytes: limit, kept_bytes: 50, ..DecodeLimits::default() };
        for limits in [DecodeLimits::default(), small] {
            let whole = read_from(Cursor::new(&text), limits);
            let chunked = read_from(Chunked { bytes: &text, sizes: &sizes, turn: 0 }, limits);
            prop_assert_eq!(&whole, &chunked);
            let packed = gzip(&text);
            let unpacked = read_from(Chunked { bytes: &packed, sizes: &sizes, turn: 0 }, limits);
            prop_assert_eq!(&whole, &unpacked);
        }
    }

    #[test]
    fn every_byte_is_accounted_for_in_order(text in pieces()) {
        let mut decoder = Decoder::new(Cursor::new(&text), DecodeLimits::default());
        let mut at = 0;
        while let Some(decoded) = decoder.next().expect("memory can be read") {
            let (offset, length) = match &decoded {
                Decoded::Record(record) => (record.position.offset, record.document.text().len()),
                Decoded::Unreadable(unreadable) => (unreadable.position.offset, unreadable.bytes.len()),
                Decoded::Skipped(skipped) => panic!("{skipped:?}"),
                Decoded::Unasked => panic!("nothing says what is asked for"),
            };
            let start = usize::try_from(offset).expect("small");
            prop_assert!(start >= at, "byte {} is read again", start);
            prop_assert!(is_frame(&text[at..start]), "{:?} is dropped", String::from_utf8_lossy(&text[at..start]));
            at = start + length;
        }
        prop_assert!(is_frame(&text[at..]), "{:?} is dropped", String::from_utf8_lossy(&text[at..]));
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..300)) {
        read(&bytes);
        read([b"\x1f\x8b\x08\x00", &bytes[..]].concat());
        read([b"\x28\xb5\x2f\xfd", &bytes[..]].concat());
    }
}

/// Tells whether bytes are only what stands around records: separators, envelopes and time stamps.
fn is_frame(bytes: &[u8]) -> bool {
    const STAMP: &str = "2026-01-01T00:00:00Z ";
    let text = String::from_utf8_lossy(bytes);
    let mut rest = text.as_ref();
    let parts = [STAMP, ",", "\n", " ", "[", "]", "}", "{\"Records\":[", "{\"a\":1,\"Events\":["];
    while let Some(part) = parts.iter().find(|part| rest.starts_with(**part)) {
        rest = &rest[part.len()..];
        if *part == STAMP {
            // A word behind it is the name of the log stream.
            rest = rest.trim_start_matches(' ').trim_start_matches('x');
        }
    }
    rest.is_empty()
}
