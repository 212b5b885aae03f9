//! The loop of a bucket: list, bring what is new, wait.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::stream::{self, FuturesUnordered, Stream, StreamExt as _};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tracing::info;

use super::S3;
use super::days::resume;
use super::walk::Range;
use crate::causes;
use crate::source::key::LogKey;
use crate::source::{Batch, Body, Inlet, Source, SourceError};

/// Regions that are followed at a time. Most have nothing new, and wait for the answer that says so.
const CHAINS: usize = 32;

/// Files of one region that are begun, done or waiting before the first of them is done: as many as are read at a time at least. One that is slow
/// does not hold up those behind it, and the next page is asked for while these are on their way.
const WINDOW: usize = 256;

/// After how many files those are forgotten that do not come again.
const FORGET: usize = 1000;

/// Files of one region that fail in one round before the rest of them waits for the next.
const FAILURES: usize = 3;

/// Where one region's files stand.
#[derive(Debug, Default)]
struct Chain {
    /// All files up to this key are on disk.
    done: Option<String>,
    /// Files after the place where the next list begins that are on disk.
    taken: BTreeSet<String>,
}

/// What kept a file from being brought.
enum Failed {
    /// The list of files, of which one was wanted, could not be had.
    List(String),
    /// The file itself, by its key.
    File(String, String),
}

#[async_trait]
impl Source for S3 {
    async fn run(&self, inlet: &Inlet) -> Result<(), SourceError> {
        let mut chains = BTreeMap::new();
        let mut strays = 0;
        loop {
            self.round(inlet, &mut chains, &mut strays).await;
            tokio::select! {
                () = inlet.stopped() => return Ok(()),
                () = sleep(self.every) => {}
            }
        }
    }
}

impl S3 {
    /// Lists everything once and brings what is new. `strays` is how many objects were skipped before.
    async fn round(&self, inlet: &Inlet, chains: &mut BTreeMap<Range, Chain>, strays: &mut usize) {
        let began = Timestamp::now();
        let walked = match self.shelf.walk().await {
            Ok(walked) => walked,
            Err(text) => return self.troubles.raise(inlet, "list", text),
        };
        self.troubles.well(inlet, "list");
        if !walked.strays.is_empty() {
            let objects = walked.strays.len();
            // Each list has those of the one before as well.
            inlet.skipped(u64::try_from(objects.saturating_sub(*strays)).unwrap_or(u64::MAX));
            *strays = objects.max(*strays);
            info!(objects, bucket = self.shelf.bucket, "skipped objects that CloudTrail did not write");
        }
        let files = Semaphore::new(self.concurrency);
        let mut waiting = walked.ranges.into_iter();
        let mut following = FuturesUnordered::new();
        loop {
            while following.len() < CHAINS
                && !inlet.stopping()
                && let Some(range) = waiting.next()
            {
                let mut chain = chains.remove(&range).unwrap_or_default();
                let files = &files;
                following.push(async move {
                    let failed = self.follow(inlet, files, &range, &mut chain).await;
                    (range, chain, failed)
                });
            }
            let Some((range, chain, failed)) = following.next().await else { break };
            match failed {
                None => self.troubles.well(inlet, &range.prefix),
                Some((text, waiting)) => {
                    self.troubles.raise(inlet, &range.prefix, text);
                    if waiting.is_some() {
                        self.troubles.note(&range.prefix, waiting);
                    }
                }
            }
            chains.insert(range, chain);
        }
        if inlet.stopping() {
            return;
        }
        if self.troubles.none() {
            inlet.caught_up(began);
        }
        let age = self.troubles.oldest().map_or(0, |since| began.duration_since(since).as_secs());
        inlet.oldest_waiting(u64::try_from(age).unwrap_or(0));
    }

    /// Brings what is new in one region. Returns what failed first, and since when it waits.
    async fn follow(
        &self,
        inlet: &Inlet,
        files: &Semaphore,
        range: &Range,
        chain: &mut Chain,
    ) -> Option<(String, Option<Timestamp>)> {
        let checkpoint = format!("s3://{}/{}", self.shelf.bucket, range.prefix);
        if chain.done.is_none() {
            match inlet.checkpoint(&checkpoint).await {
                Ok(key) => chain.done = key,
                Err(error) => {
                    return Some((
                        format!("failed to read how far s3://{checkpoint} was read: {}", causes::on_one_line(&error)),
                        None,
                    ));
                }
            }
        }
        let first = self.days.start_after(&range.region);
        let resumed = chain.done.as_ref().map(|key| resume(&range.region, key, self.overlap));
        let start = first.max(resumed);
        let end = self.days.end_before(&range.region);
        // How far everything is on disk: each file says it to the ledger on its own way there.
        let done = Arc::new(Mutex::new(chain.done.clone()));
        let bring = |listed: Result<String, String>| {
            let done = Arc::clone(&done);
            let checkpoint = &checkpoint;
            async move {
                let key = listed.map_err(Failed::List)?;
                match self.bring(inlet, files, checkpoint, &key, &done).await {
                    Ok(()) => Ok(key),
                    Err(text) => Err(Failed::File(key, text)),
                }
            }
        };
        let known = chain.taken.clone();
        let new = |key: &Result<String, String>| ready(!key.as_ref().is_ok_and(|key| known.contains(key)));
        let keys = self.keys(inlet, range, start, end).filter(new);
        let mut brought = pin!(keys.map(bring).buffered(WINDOW.max(self.concurrency)));
        let mut failed = None;
        let mut failures = 0;
        let mut since_forgotten = 0;
        while failures < FAILURES
            && let Some(one) = brought.next().await
        {
            match one {
                Ok(key) => {
                    if failed.is_none() {
                        chain.done = chain.done.take().max(Some(key.clone()));
                        done.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&chain.done);
                    }
                    chain.taken.insert(key);
                }
                Err(Failed::File(key, text)) => {
                    let delivered = LogKey::parse(&key).and_then(|key| key.delivered());
                    failed.get_or_insert((text, delivered));
                    failures += 1;
                }
                Err(Failed::List(text)) => return Some((text, None)),
            }
            since_forgotten += 1;
            if since_forgotten == FORGET {
                self.forget(range, chain);
                since_forgotten = 0;
            }
        }
        self.forget(range, chain);
        failed.filter(|_| !inlet.stopping())
    }

    /// Lists a region's files from one key to another, a page at a time as they are taken. After a page that could not be had there is no other.
    fn keys<'a>(
        &'a self,
        inlet: &'a Inlet,
        range: &'a Range,
        start: Option<String>,
        end: Option<String>,
    ) -> impl Stream<Item = Result<String, String>> + 'a {
        let pages = stream::unfold((start, Some(None)), move |(start, token)| {
            let end = end.clone();
            async move {
                let token = token.filter(|_| !inlet.stopping())?;
                let (page, next) = match self.shelf.page(range, start.as_deref(), token).await {
                    Ok(page) => page,
                    Err(text) => return Some((vec![Err(text)], (start, None))),
                };
                let inside = |key: &str| end.as_ref().is_none_or(|end| key < end.as_str());
                let beyond = page.last().is_some_and(|last| !inside(&last.key));
                let keys = page.into_iter().map(|object| object.key);
                let keys = keys.filter(|key| inside(key) && LogKey::parse(key).is_some()).map(Ok).collect();
                Some((keys, (start, next.filter(|_| !beyond).map(Some))))
            }
        });
        pages.flat_map(|page: Vec<Result<String, String>>| stream::iter(page))
    }

    /// Forgets files that lie before the place where the next list begins: they do not come again.
    fn forget(&self, range: &Range, chain: &mut Chain) {
        let resumed = chain.done.as_ref().map(|key| resume(&range.region, key, self.overlap));
        chain.taken.retain(|key| resumed.as_ref().is_none_or(|start| key > start));
    }

    /// Brings one file.
    async fn bring(
        &self,
        inlet: &Inlet,
        files: &Semaphore,
        checkpoint: &str,
        key: &str,
        done: &Mutex<Option<String>>,
    ) -> Result<(), String> {
        // The semaphore is never closed.
        let _permit = files.acquire().await.map_err(|error| error.to_string())?;
        if inlet.stopping() {
            return Err("the service stops".to_owned());
        }
        let bucket = &self.shelf.bucket;
        let body = self.objects.get(bucket, key).await.map_err(|error| error.text)?;
        let done = done.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let batch = Batch {
            input: format!("s3://{bucket}/{key}").into(),
            body: Body::Bytes(body),
            checkpoint: done.map(|done| (checkpoint.to_owned(), done)),
            account: LogKey::parse(key).map(|key| key.account.to_owned()),
        };
        inlet
            .take(batch)
            .await
            .map(drop)
            .map_err(|error| format!("failed to take s3://{bucket}/{key}: {}", causes::on_one_line(&error)))
    }
}
