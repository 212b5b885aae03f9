//! Queues and buckets that are far away: many files are on their way at a time, however long each takes, in bounded memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::sqs::notification;
use super::{expect, key};
use crate::live::{Live, eventually};
use crate::records;
use crate::servers::{Amazon, Bucket, Gate, Reply, SILENCE, Server, Shelf, refusal};

fn trail(number: usize) -> String {
    key("logs/", "111122223333", "2026/11/05", &format!("{number:04}"))
}

fn files(records: &[Value]) -> BTreeMap<String, Arc<Vec<u8>>> {
    let file = |record: &Value| Arc::new(records::gzip(records::file(std::slice::from_ref(record))));
    records.iter().enumerate().map(|(number, record)| (trail(number), file(record))).collect()
}

fn queue(moto: &Server, queue: &str, bucket: &Bucket) -> String {
    format!(
        "[[source]]\nkind = \"sqs\"\nname = \"queue\"\nconcurrency = 64\nqueue_url = \"{queue}\"\naws = {{ region = \"us-east-1\", endpoint = \"{}\" }}\n\
         objects = {{ region = \"us-east-1\", endpoint = \"{}\" }}\nbuckets = [{{ bucket = \"trail\", prefix = \"logs\" }}]\n",
        moto.url(),
        bucket.url()
    )
}

/// The configuration of a source `s3` that looks once, with 64 files at a time as in [`queue`].
fn of(bucket: &Bucket) -> String {
    format!(
        "[[source]]\nkind = \"s3\"\nname = \"trail\"\nconcurrency = 64\nbucket = \"trail\"\nprefix = \"logs/\"\nsince = \"2026-11-05T00:00:00Z\"\n\
         every = \"1h\"\naws.region = \"us-east-1\"\naws.endpoint = \"{}\"\n",
        bucket.url()
    )
}

#[test]
fn the_files_of_many_messages_are_fetched_at_a_time() {
    let moto = Server::moto();
    let amazon = Amazon::at(moto.url());
    let url = amazon.queue("orgwatch");
    let records: Vec<Value> = (0..96).map(records::policy_detached).collect();
    let bucket = Bucket::start(Shelf { objects: files(&records), gets: Gate::new(0, 48), ..Shelf::default() });
    for number in 0..records.len() {
        amazon.send(&url, &notification("trail", &trail(number)).to_string());
    }
    let live = Live::start(&queue(&moto, &url, &bucket));
    expect(&live, &records.iter().collect::<Vec<_>>());
    let most = bucket.most_gets();
    assert!((48..=64).contains(&most), "{most} files were fetched at a time");
    eventually("the queue is empty", || amazon.messages(&url) == (0, 0));
    let (code, told, _) = live.stop();
    assert_eq!(code, 0, "{told}");
}

#[test]
fn the_files_of_a_bucket_are_fetched_many_at_a_time_and_one_that_fails_is_read_in_its_turn() {
    let records: Vec<Value> = (0..160).map(records::policy_detached).collect();
    let mut objects = files(&records);
    let body = objects.remove(&trail(70)).expect("it is there");
    let odd = [(trail(70), refusal(403, "AccessDenied", "Access Denied"))];
    let shelf = || Shelf { page: 50, gets: Gate::new(0, 48), ..Shelf::default() };
    // A key that is listed and denied.
    let mut listed = objects.clone();
    listed.insert(trail(70), Arc::clone(&body));
    let bucket = Bucket::start(Shelf { objects: listed.clone(), odd: odd.into(), ..shelf() });
    let live = Live::start(&of(&bucket));
    let others: Vec<&Value> =
        records.iter().enumerate().filter(|(number, _)| *number != 70).map(|(_, one)| one).collect();
    let before = expect(&live, &others);
    let finding = super::condition(&live, "orgwatch.source-stuck", before);
    assert!(finding.to_string().contains("AccessDenied"), "{finding}");
    let most = bucket.most_gets();
    assert!((48..=64).contains(&most), "{most} files were fetched at a time");
    let (code, told, folder) = live.stop();
    assert_eq!(code, 0, "{told}");

    // The checkpoint has not passed it.
    let bucket = Bucket::start(Shelf { objects: listed, ..Shelf::default() });
    let live = Live::start_in(folder, &of(&bucket));
    expect(&live, &[&records[70]]);
}

#[test]
fn a_file_that_does_not_come_holds_up_none_of_those_behind_it() {
    let records: Vec<Value> = (0..160).map(records::policy_detached).collect();
    let odd = [(trail(5), Reply::silent())];
    let bucket = Bucket::start(Shelf { objects: files(&records), odd: odd.into(), ..Shelf::default() });
    let started = Instant::now();
    let live = Live::start(&of(&bucket));
    let others: Vec<&Value> =
        records.iter().enumerate().filter(|(number, _)| *number != 5).map(|(_, record)| record).collect();
    assert_eq!(expect(&live, &others), Vec::<Value>::new());
    assert!(started.elapsed() < SILENCE, "the others came when it had been given up only");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_stays_bounded_however_many_large_files_the_messages_name() {
    let moto = Server::moto();
    let amazon = Amazon::at(moto.url());
    let url = amazon.queue("orgwatch");
    let records: Vec<Value> = (0..64).map(records::policy_detached).collect();
    let mut objects = BTreeMap::new();
    for (number, record) in records.iter().enumerate() {
        let mut body = records::file(std::slice::from_ref(record)).into_bytes();
        body.resize(8 << 20, b'\n');
        objects.insert(trail(number), Arc::new(body));
        amazon.send(&url, &notification("trail", &trail(number)).to_string());
    }
    let bucket = Bucket::start(Shelf { objects, gets: Gate::new(0, 48), ..Shelf::default() });
    let live = Live::start(&queue(&moto, &url, &bucket));
    expect(&live, &records.iter().collect::<Vec<_>>());
    let kib = live.peak_of_memory();
    assert!(
        kib < 300 << 10,
        "{kib} KiB, for {} MiB of files, of which {} were asked for at a time",
        64 * 8,
        bucket.most_gets()
    );
    assert!(bucket.most_gets() >= 48);
}
