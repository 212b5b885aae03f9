//! Skimming against the plain path, under a fuzzer: any bytes, decoded both ways with patterns of several kinds.
//!
//! `cargo +nightly fuzz run skim` in `host/`; `cargo fuzz run skim --sanitizer none` does without a nightly compiler. The first bytes choose the
//! patterns, the rest is the input, which is also tried as the members of a record, where it gets further.

#![no_main]

#[path = "../../../tests/src/replay/skimming/plain.rs"]
mod plain;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use orgwatch_host::index::Pattern;

static LISTS: LazyLock<Vec<Vec<Pattern>>> = LazyLock::new(|| {
    let lists: [&[&str]; 4] = [
        &[r#"{"eventSource":["organizations.amazonaws.com"],"eventName":["DetachPolicy"]}"#],
        &[r#"{"eventName":["A"]}"#, r#"{"userIdentity":{"type":["Root"]}}"#, r#"{"a":{"b":[{"numeric":[">",1]}]}}"#],
        &[r#"{"errorCode":[{"prefix":"Access"},null]}"#, r#"{"":[{"exists":true}]}"#],
        &[r#"{"$or":[{"eventName":["A"]},{"ip":[{"cidr":"192.0.2.0/24"}]}]}"#],
    ];
    let parse = |text: &&str| Pattern::parse(text).expect("it is a pattern");
    lists.iter().map(|list| list.iter().map(parse).collect()).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((&first, input)) = data.split_first() else { return };
    let patterns = &LISTS[usize::from(first) % LISTS.len()];
    plain::compare(input, patterns);
    let record = [b"{\"Records\":[{\"eventVersion\":\"1.11\",".as_slice(), input, b"},{\"eventVersion\":\"1.11\"}]}"].concat();
    plain::compare(&record, patterns);
});
