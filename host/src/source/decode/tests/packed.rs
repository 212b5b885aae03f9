//! Compression: what is accepted, and what happens to input that breaks off.

use super::*;

#[test]
fn members_follow_each_other_and_lie_inside_each_other() {
    let lines: Vec<String> = records(4).iter().map(|record| record.clone() + "\n").collect();
    let expected = all(&records(4));
    let members = |pack: fn(String) -> Vec<u8>| lines.iter().cloned().flat_map(pack).collect::<Vec<u8>>();
    assert_eq!(read(members(gzip)), expected);
    assert_eq!(read(members(zstd)), expected);
    assert_eq!(read([gzip(lines[..2].concat()), zstd(lines[2..].concat())].concat()), expected);
    assert_eq!(read(gzip(zstd(lines.concat()))), expected);
    assert_eq!(read(gzip(gzip(lines.concat()))), expected);
    let (texts, messages) = split(read(gzip(gzip(gzip(lines.concat())))));
    assert_eq!((texts.len(), messages), (0, vec!["it is compressed more than 2 times".to_owned()]));
}

#[test]
fn zeros_after_a_member_are_padding_and_anything_else_is_reported() {
    let packed = gzip(wrapped(&records(2)));
    assert_eq!(read([&packed[..], &vec![0; 70_000]].concat()), all(&records(2)));
    for tail in [&b"garbage"[..], b"\0\0x", b"\x1f"] {
        let (texts, messages) = split(read([&packed[..], tail].concat()));
        assert_eq!(
            (texts, messages),
            (records(2), vec!["something that is not compressed follows the compressed data".to_owned()])
        );
    }
}

#[test]
fn a_packed_input_that_is_cut_anywhere_gives_what_is_before_the_cut_and_one_fault() {
    for packed in [gzip(records(5).join("\n")), zstd(wrapped(&records(5))), gzip(gzip(wrapped(&records(5))))] {
        for cut in 1..packed.len() {
            let (texts, messages) = split(read(&packed[..cut]));
            assert_eq!(texts, records(texts.len()), "{cut}");
            assert_eq!(messages.len(), 1, "{cut}: {messages:?}");
        }
    }
}

#[test]
fn a_packed_input_that_is_changed_anywhere_is_never_read_as_if_it_were_whole() {
    let packed = gzip(wrapped(&records(5)));
    // The first ten bytes are the header, whose time and system say nothing about the content.
    for at in 10..packed.len() {
        let mut changed = packed.clone();
        changed[at] ^= 0x10;
        let (texts, messages) = split(read(changed));
        // A few bits are padding and change nothing.
        assert!(!messages.is_empty() || texts == records(5), "{at}");
    }
}

#[test]
fn records_before_corrupt_data_are_delivered() {
    let many = records(20_000);
    for pack in [gzip, zstd] {
        let mut packed = pack(many.join("\n"));
        let middle = packed.len() / 2;
        packed[middle..middle + 64].fill(0xff);
        let (texts, messages) = split(read(packed));
        assert!(texts.len() > 5_000, "{}", texts.len());
        assert_eq!(texts[..5_000], many[..5_000]);
        assert!(messages.last().expect("a fault").ends_with("data is corrupt"), "{messages:?}");
    }
}

#[test]
fn bombs_are_refused() {
    let refused = |packed: Vec<u8>| {
        let (texts, messages) = split(read(packed));
        assert_eq!(texts, [""; 0]);
        assert_eq!(messages, ["it unpacks to more than 1000 times its size, like a decompression bomb"]);
    };
    refused(gzip_best(&vec![0; 80 << 20]));
    refused(gzip_best(&vec![b' '; 80 << 20]));
    refused(zstd(vec![b' '; 80 << 20]));
    refused(gzip(gzip_best(&vec![b' '; 80 << 20])));
}

#[test]
fn the_total_is_limited_and_the_records_before_the_limit_are_delivered() {
    let limits = DecodeLimits { unpacked_bytes: 100_000, ..DecodeLimits::default() };
    let many = records(1_000);
    let (texts, messages) = split(read_from(Cursor::new(gzip(wrapped(&many))), limits));
    assert_eq!(texts, many[..texts.len()]);
    assert!(texts.len() > 300, "{}", texts.len());
    assert_eq!(messages, ["it unpacks to more than the limit of 100000 bytes"]);
    assert_eq!(read_from(Cursor::new(wrapped(&many)), limits), all(&many));
}

#[test]
fn a_failing_input_is_an_error_and_not_bad_content() {
    struct Failing(Cursor<Vec<u8>>);
    impl Read for Failing {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(out)? {
                0 => Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)),
                count => Ok(count),
            }
        }
    }
    let packed = gzip(records(3).join("\n"));
    let half = packed[..packed.len() - 4].to_vec();
    let mut decoder = Decoder::new(Failing(Cursor::new(half)), DecodeLimits::default());
    let error = loop {
        match decoder.next() {
            Ok(Some(Decoded::Record(_))) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    assert!(decoder.next().expect("over").is_none());
}

fn gzip_best(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}
