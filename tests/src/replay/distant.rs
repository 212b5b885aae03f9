//! Replaying what lies in S3: read many objects ahead, and judged as if they lay in a folder.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::replay;
use crate::live::eventually;
use crate::records::{file, gzip, organization_described, policy_detached};
use crate::servers::{Bucket, Gate, Reply, Shelf, refusal};
use crate::support::{Ran, Run, outcome, peak_of_memory};

const REGION: &str = "AWSLogs/o-ex1a/111122223333/CloudTrail/us-east-1";

/// The key of a file, on the day of its number: three hundred days of November and the months before.
fn key(number: u32) -> String {
    let (month, day) = (2 + number / 28 % 9, 1 + number % 28);
    format!(
        "{REGION}/2026/{month:02}/{day:02}/111122223333_CloudTrail_us-east-1_2026{month:02}{day:02}T0955Z_{number:016}.json.gz"
    )
}

/// Files with a finding each, in the order of their keys.
fn objects(count: u32) -> BTreeMap<String, Arc<Vec<u8>>> {
    (0..count).map(|number| (key(number), Arc::new(gzip(file(&[policy_detached(number)]))))).collect()
}

fn from(bucket: &Bucket) -> Run {
    replay(&["s3://trail/AWSLogs/", "--jobs", "2"])
        .env("AWS_ENDPOINT_URL", &bucket.url())
        .env("AWS_ACCESS_KEY_ID", "111122223333")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
}

fn events(ran: &Ran) -> Vec<Value> {
    ran.findings().iter().map(|finding| finding["event"]["id"].clone()).collect()
}

#[test]
fn many_objects_are_fetched_at_a_time_and_judged_in_the_order_of_their_keys() {
    let objects = objects(252);
    let mut in_a_folder = replay(&["AWSLogs"]);
    for (key, body) in &objects {
        in_a_folder = in_a_folder.file(key, &**body);
    }
    let in_a_folder = in_a_folder.run();
    // The first objects pass, since the number of those that are read ahead grows with them.
    let bucket = Bucket::start(Shelf { objects, gets: Gate::new(20, 100), ..Shelf::default() });
    let ran = from(&bucket).run();
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 252), "{}", ran.stderr);
    assert_eq!(ran.stdout, in_a_folder.stdout);
    let most = bucket.most_gets();
    assert!((100..=258).contains(&most), "{most} objects were fetched at a time");
    assert_eq!(bucket.asked_for(&key(100)), 1);
}

#[test]
fn a_region_of_many_pages_is_listed_in_several_places_at_a_time_and_nothing_is_missed_or_read_twice() {
    let objects = objects(252);
    let bucket = Bucket::start(Shelf { objects: objects.clone(), page: 5, lists: Gate::new(8, 4), ..Shelf::default() });
    let ran = from(&bucket).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let whole = Bucket::start(Shelf { objects, ..Shelf::default() });
    assert_eq!(events(&ran), events(&from(&whole).run()));
    assert_eq!(events(&ran).len(), 252);
    let most = bucket.most_lists();
    assert!((4..=32).contains(&most), "{most} lists were asked for at a time");
}

#[test]
fn days_are_chosen_by_their_folders_however_many_pages_there_are() {
    let bucket = Bucket::start(Shelf { objects: objects(252), page: 5, ..Shelf::default() });
    // Records are of October: what is told is how many files were read.
    let ran = from(&bucket)
        .argument("--since")
        .argument("2026-03-05T00:00:00Z")
        .argument("--until")
        .argument("2026-03-09T12:00:00Z")
        .run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // The last day is the one on which a file may still come that is a day late.
    assert!(ran.stderr.contains("read 6 records in 6 inputs"), "{}", ran.stderr);
}

#[test]
fn an_object_that_cannot_be_read_is_told_at_its_place_and_the_rest_is_judged() {
    let objects = objects(60);
    let keys: Vec<String> = objects.keys().cloned().collect();
    let odd = [
        (keys[20].clone(), refusal(403, "AccessDenied", "Access Denied")),
        (keys[30].clone(), refusal(404, "NoSuchKey", "The specified key does not exist.")),
        (keys[40].clone(), refusal(503, "SlowDown", "Please reduce your request rate.")),
    ];
    let breaking = Mutex::new([keys[50].clone()].into());
    let bucket = Bucket::start(Shelf { objects, odd: odd.into(), breaking, ..Shelf::default() });
    let ran = from(&bucket).run();
    assert_eq!(ran.findings().len(), 57);
    insta::assert_snapshot!(ran.told());
    // What may not be read is asked for once, what may pass more than once, and what broke off again from its beginning.
    assert_eq!(bucket.asked_for(&keys[20]), 1);
    assert!(bucket.asked_for(&keys[40]) > 3, "{}", bucket.asked_for(&keys[40]));
    assert_eq!(bucket.asked_for(&keys[50]), 2);
}

#[test]
fn a_reader_that_has_had_enough_ends_a_replay_of_a_bucket() {
    let bucket = Bucket::start(Shelf { objects: objects(252), ..Shelf::default() });
    let (mut child, _folder) = from(&bucket).spawn();
    let mut first = String::new();
    let stdout = child.stdout.take().expect("standard output is a pipe");
    let mut stdout = BufReader::with_capacity(64, stdout);
    stdout.read_line(&mut first).expect("findings come");
    assert!(first.starts_with("{\"id\":"), "{first}");
    drop(stdout);
    let (status, _, told) = outcome(child, Duration::from_mins(1));
    assert_eq!(status.and_then(|status| status.code()), Some(0), "{told}");
}

/// Objects of which those that are read ahead could take all memory, and others that are too large to be read ahead. Nothing in them takes long
/// to judge.
#[cfg(target_os = "linux")]
#[test]
fn memory_stays_bounded_however_large_the_objects_are() {
    let padded = |mib: usize, number: u32| {
        // Nothing is found in it, so that nobody has to read what the program writes.
        let mut body = file(&[organization_described(number)]).into_bytes();
        body.resize(mib << 20, b'\n');
        Arc::new(body)
    };
    let (small, large) = (padded(3, 1), padded(12, 2));
    let mut objects: BTreeMap<String, Arc<Vec<u8>>> =
        (0..120).map(|number| (key(number), Arc::clone(if number % 10 == 9 { &large } else { &small }))).collect();
    // The last one is never answered, so that the program is still there to be looked at.
    let last = format!("{REGION}/2026/12/01/last");
    objects.insert(last.clone(), Arc::new(file(&[policy_detached(3)]).into_bytes()));
    let odd = [(last.clone(), Reply::silent())];
    let bucket = Bucket::start(Shelf { objects, odd: odd.into(), ..Shelf::default() });
    let (mut child, _folder) = from(&bucket).spawn();
    eventually("the last object is asked for", || bucket.asked_for(&last) > 0);
    let kib = peak_of_memory(child.id());
    child.kill().expect("it can be killed");
    let (_, _, told) = outcome(child, Duration::from_mins(1));
    assert_eq!(told, "");
    assert!(kib < 200 << 10, "{kib} KiB, for {} MiB of objects", 108 * 3 + 12 * 12);
}
