//! A bucket that is far away: it stands for S3, and can hold its answers back until many requests are there at a time. So a test sees how many
//! a program makes without measuring any time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::scripted::{Asked, Reply, Scripted};

/// How long a request is held back for others that do not come. Shorter than any client's patience.
const PATIENCE: Duration = Duration::from_secs(15);

/// Holds requests back.
#[derive(Default)]
pub(crate) struct Gate {
    /// So many pass freely at first.
    free: usize,
    /// The others wait until so many are there at a time, once.
    together: usize,
    counts: Mutex<Counts>,
    changed: Condvar,
}

#[derive(Default)]
struct Counts {
    all: usize,
    now: usize,
    most: usize,
}

impl Gate {
    /// Lets the first ones pass, and no other before so many are there at a time.
    pub(crate) fn new(free: usize, together: usize) -> Self {
        Self { free, together, ..Self::default() }
    }

    fn pass(&self) {
        let mut counts = self.lock();
        counts.all += 1;
        counts.now += 1;
        counts.most = counts.most.max(counts.now);
        self.changed.notify_all();
        if counts.all > self.free {
            let held = self.changed.wait_timeout_while(counts, PATIENCE, |counts| counts.most < self.together);
            counts = held.unwrap_or_else(PoisonError::into_inner).0;
        }
        counts.now -= 1;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What lies in the bucket, and how it is handed over.
#[derive(Default)]
pub(crate) struct Shelf {
    /// The objects by their keys.
    pub(crate) objects: BTreeMap<String, Arc<Vec<u8>>>,
    /// Objects for which something else is answered, each time.
    pub(crate) odd: BTreeMap<String, Reply>,
    /// Objects that break off in their middle when they are asked for the first time.
    pub(crate) breaking: Mutex<BTreeSet<String>>,
    /// How many keys a list has at most; as many as S3 gives where it is 0.
    pub(crate) page: usize,
    /// Where requests for objects wait.
    pub(crate) gets: Gate,
    /// Where those for lists wait.
    pub(crate) lists: Gate,
}

/// A bucket that any name leads to.
pub(crate) struct Bucket {
    server: Scripted,
    shelf: Arc<Shelf>,
}

impl Bucket {
    pub(crate) fn start(shelf: Shelf) -> Self {
        let shelf = Arc::new(shelf);
        let answering = Arc::clone(&shelf);
        Self { server: Scripted::start(move |asked, _| answering.answer(asked)), shelf }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.host())
    }

    /// How many requests for objects were there at a time at most.
    pub(crate) fn most_gets(&self) -> usize {
        self.shelf.gets.lock().most
    }

    /// How many requests for lists were there at a time at most.
    pub(crate) fn most_lists(&self) -> usize {
        self.shelf.lists.lock().most
    }

    /// How often an object was asked for.
    pub(crate) fn asked_for(&self, key: &str) -> usize {
        self.server.asked().iter().filter(|asked| object(asked).is_some_and(|asked| asked == key)).count()
    }
}

/// The answer to a call that S3 refuses.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let mut reply = Reply::ok(format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"));
    reply.set_status(status);
    reply
}

/// Returns the key of the object that is asked for, where one is.
fn object(asked: &Asked) -> Option<String> {
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let key = path.strip_prefix('/')?.split_once('/')?.1;
    (!query.contains("list-type")).then(|| plain(key))
}

/// Undoes the escaping of what the tests' keys have in them.
fn plain(text: &str) -> String {
    text.replace("%2F", "/").replace("%3D", "=")
}

impl Shelf {
    fn answer(&self, asked: &Asked) -> Reply {
        let Some(key) = object(asked) else {
            self.lists.pass();
            return Reply::ok(self.list(asked.path.split_once('?').map_or("", |(_, query)| query)));
        };
        self.gets.pass();
        if let Some(reply) = self.odd.get(&key) {
            return reply.clone();
        }
        let Some(body) = self.objects.get(&key) else {
            return refusal(404, "NoSuchKey", "The specified key does not exist.");
        };
        let reply = Reply::ok(body.to_vec());
        let breaks = self.breaking.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        if breaks { reply.breaking_after(body.len() / 2) } else { reply }
    }

    /// Answers `ListObjectsV2`.
    fn list(&self, query: &str) -> String {
        let pairs: BTreeMap<&str, String> =
            query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, text)| (name, plain(text))).collect();
        let prefix = pairs.get("prefix").cloned().unwrap_or_default();
        let after = pairs.get("continuation-token").or(pairs.get("start-after")).cloned().unwrap_or_default();
        let most = if self.page == 0 { 1000 } else { self.page };
        let (mut folders, mut keys) = (BTreeSet::new(), Vec::new());
        for (key, body) in self.objects.iter().filter(|(key, _)| key.starts_with(&prefix) && **key > after) {
            match key[prefix.len()..].find('/') {
                Some(end) if pairs.contains_key("delimiter") => _ = folders.insert(&key[..=prefix.len() + end]),
                _ => keys.push((key, body.len())),
            }
        }
        let more = keys.len() > most;
        keys.truncate(most);
        let mut text = format!("<ListBucketResult><IsTruncated>{more}</IsTruncated>");
        for (key, size) in &keys {
            let _ = write!(text, "<Contents><Key>{key}</Key><Size>{size}</Size></Contents>");
        }
        for folder in folders {
            let _ = write!(text, "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
        }
        if let (true, Some((last, _))) = (more, keys.last()) {
            let _ = write!(text, "<NextContinuationToken>{last}</NextContinuationToken>");
        }
        text + "</ListBucketResult>"
    }
}
