//! What cannot be read is a gap with its file and its place, and costs nothing else.

use std::io::Read as _;

use serde_json::{Value, json};

use super::{ids, replay};
use crate::records::{file, gzip, lines, policy_detached, zstd};
use crate::support::Ran;

/// Judges a broken file between two sound ones, and checks that they do not suffer.
fn judge(broken: impl AsRef<[u8]>) -> Ran {
    let run = replay(&["events"]).file("events/1.json", file(&[policy_detached(1)]));
    let run = run.file("events/2-broken", broken).file("events/3.json", file(&[policy_detached(3)]));
    let ran = run.run();
    let found = findings_of(&ran);
    assert!(found.first() == Some(&1) && found.last() == Some(&3), "{found:?}, {}", ran.stderr);
    ran
}

fn gzip_tightly(text: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut reader = flate2::read::GzEncoder::new(text, flate2::Compression::best());
    reader.read_to_end(&mut packed).expect("a slice can be read");
    packed
}

/// The numbers of the records that findings are about.
fn findings_of(ran: &Ran) -> Vec<u32> {
    let number = |finding: &Value| u32::from_str_radix(finding["event"]["id"].as_str()?.rsplit('-').next()?, 16).ok();
    ran.findings().iter().map(|finding| number(finding).expect("the id holds the number")).collect()
}

fn numbered(numbers: std::ops::Range<u32>) -> Vec<Value> {
    numbers.map(policy_detached).collect()
}

#[test]
fn a_truncated_gzip_file_gives_the_records_before_the_cut_and_a_gap() {
    let packed = gzip(lines(&numbered(10..60)));
    let ran = judge(&packed[..packed.len() - 40]);
    let found = findings_of(&ran);
    assert!(found.len() > 40 && found.len() < 52, "{found:?}");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("gap: events/2-broken, record "), "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot read it: the gzip data is cut off"), "{}", ran.stderr);
}

#[test]
fn what_is_not_json_is_a_gap() {
    insta::assert_snapshot!(judge("Dear diary,\n\ntoday an account left.\n").told(), @r"
    exit 2
    gap: events/2-broken, record 1 at byte 0: cannot read it: text that is not JSON, 2 lines of it
    read 2 records in 3 inputs; 3 rules judged 2 of them in 2 evaluations; 2 findings (2 high), 1 gap
    ");
}

#[test]
fn broken_records_cost_themselves_and_not_their_file() {
    let records = [policy_detached(10).to_string(), "{\"eventID\": oops}".to_owned(), policy_detached(12).to_string()];
    let ran = judge(format!("{{\"Records\":[{}]}}", records.join(",")));
    assert_eq!(findings_of(&ran), [1, 10, 12, 3]);
    insta::assert_snapshot!(ran.told(), @r"
    exit 2
    gap: events/2-broken, record 2 at byte 1044: cannot read it: a character that JSON does not allow there at byte 12 of the record
    read 4 records in 3 inputs; 3 rules judged 4 of them in 4 evaluations; 4 findings (4 high), 1 gap
    ");
}

#[test]
fn json_that_is_no_record_is_a_gap() {
    let ran = judge(file(&[json!({ "hello": "world" }), policy_detached(11), json!(12)]));
    assert_eq!(findings_of(&ran), [1, 11, 3]);
    insta::assert_snapshot!(ran.told(), @r"
    exit 2
    gap: events/2-broken, record 1 at byte 12: cannot read it: not a CloudTrail record but an object without any CloudTrail field
    gap: events/2-broken, record 3 at byte 1062: cannot read it: not a CloudTrail record but a number
    read 3 records in 3 inputs; 3 rules judged 3 of them in 3 evaluations; 3 findings (3 high), 2 gaps
    ");
}

#[test]
fn a_record_of_thirty_megabytes_is_a_gap() {
    let mut large = policy_detached(11);
    large["requestParameters"]["content"] = json!("x".repeat(30 << 20));
    let ran = judge(file(&[policy_detached(10), large, policy_detached(12)]));
    assert_eq!(findings_of(&ran), [1, 10, 12, 3]);
    insta::assert_snapshot!(ran.told(), @r"
    exit 2
    gap: events/2-broken, record 2 at byte 1044: cannot read it: longer than the limit of 8388608 bytes
    read 4 records in 3 inputs; 3 rules judged 4 of them in 4 evaluations; 4 findings (4 high), 1 gap
    ");
}

#[test]
fn a_decompression_bomb_is_refused() {
    let mut text = lines(&numbered(10..11)).into_bytes();
    text.resize(100 << 20, b' ');
    for (name, bomb) in [("gzip", gzip_tightly(&text)), ("zstd", zstd(&text))] {
        let ran = judge(bomb);
        assert_eq!(findings_of(&ran), [1, 10, 3]);
        assert_eq!(ran.code, 2, "{name}");
        let refused = "cannot read it: it unpacks to more than 1000 times its size, like a decompression bomb";
        assert!(ran.stderr.contains(refused), "{name}: {}", ran.stderr);
    }
}

#[test]
fn an_empty_file_is_no_failure() {
    for empty in [Vec::new(), gzip(""), zstd(""), b"{\"Records\":[]}".to_vec(), b"\n\n".to_vec()] {
        let ran = judge(empty);
        assert_eq!(
            ran.told(),
            "exit 0\nread 2 records in 3 inputs; 3 rules judged 2 of them in 2 evaluations; 2 findings (2 high), 0 gaps\n"
        );
    }
}

#[test]
fn a_hundred_levels_of_nesting_are_read_and_judged() {
    let mut record = policy_detached(11);
    record["requestParameters"]["deep"] = (0..100).fold(json!("bottom"), |inner, _| json!([inner]));
    let ran = judge(file(&[record]));
    assert_eq!((ran.code, findings_of(&ran)), (0, vec![1, 11, 3]), "{}", ran.stderr);
}

#[test]
fn nesting_without_end_is_a_gap_and_no_crash() {
    let deep = "[".repeat(1_000_000);
    let ran = judge(format!("{{\"eventID\":\"1\",\"requestParameters\":{deep}\n{}", policy_detached(11)));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("gap: events/2-broken, record 1 at byte 0: cannot read it: "), "{}", ran.stderr);
}

#[test]
fn many_gaps_are_counted_and_not_all_told() {
    let ran = judge("{\"eventID\": oops}\n".repeat(1000) + &lines(&numbered(10..12)));
    assert_eq!(findings_of(&ran), [1, 10, 11, 3]);
    assert_eq!(ran.stderr.matches("gap: ").count(), 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("gap: events/2-broken: 995 more\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("1,000 gaps"), "{}", ran.stderr);
}

#[test]
fn records_around_a_gap_keep_their_ids() {
    let whole = replay(&["events"]).file("events", lines(&numbered(10..14))).run();
    let text = lines(&numbered(10..12)) + "{\"eventID\":\n" + &lines(&numbered(12..14));
    let broken = replay(&["events"]).file("events", text).run();
    assert_eq!((whole.code, broken.code), (0, 2), "{}", broken.stderr);
    assert_eq!(ids(&whole), ids(&broken));
}
