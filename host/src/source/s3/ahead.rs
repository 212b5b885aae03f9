//! Reading ahead: the objects of a replay are fetched, many at a time, before a worker asks for them.
//!
//! CloudTrail's files are small and many, and each takes S3 tens of milliseconds to begin with. A worker that fetched its own would wait for nearly
//! all of its time. So whenever a worker asks for an object, the next ones are begun: in the order of the input, no more than [`OBJECTS`] and
//! [`ROOM`] allow. They are fetched by the runtime's threads, and a worker finds in memory what it asks for. A large object is left to the
//! worker, who reads it a piece at a time.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Buf as _, Bytes};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::walk::Listed;
use crate::source::object::{self, ObjectError};

/// How many objects are on their way at a time, or in memory before their turn.
const OBJECTS: usize = 256;

/// How many are at the first one. The number doubles with each that is asked for: whoever looks at one object only should not fetch a hundred.
const FIRST: usize = 4;

/// How many bytes they may have together.
const ROOM: u64 = 32 << 20;

/// An object with more bytes is not read ahead. CloudTrail's own are smaller.
const LARGE: u64 = 8 << 20;

/// How often an object is asked for ahead of its turn. After that its worker asks.
const TRIES: u32 = 3;

/// The wait before the second of these tries; doubled each time. Many calls at a time are what a service throttles.
const WAIT: Duration = Duration::from_millis(200);

/// The objects of one location, in the order in which they are asked for.
pub(super) struct Ahead {
    client: Client,
    runtime: Handle,
    bucket: Arc<str>,
    objects: Vec<Object>,
    state: Mutex<State>,
}

/// An object. There may be millions of them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Object {
    /// Its name in messages, `s3://bucket/key`.
    pub(super) name: Arc<str>,
    /// How many bytes it has.
    pub(super) size: u64,
}

/// How far the objects are.
struct State {
    /// The first object that was neither begun nor asked for.
    next: usize,
    /// Those that were begun and not asked for, by their places in the list.
    begun: BTreeMap<usize, Begun>,
    /// How many bytes these have together.
    bytes: u64,
    /// How many of them there may be.
    most: usize,
}

/// An object on its way, or in memory.
struct Begun {
    bytes: u64,
    fetch: JoinHandle<Fetched>,
}

/// What came of fetching an object: its bytes; or why somebody has to do something before they can be read; or neither, and it should be tried
/// again.
type Fetched = Result<Bytes, Option<ObjectError>>;

impl Ahead {
    /// Takes the objects of a bucket. Nothing is read before the first one is asked for. They are read on this runtime.
    pub(super) fn new(client: Client, runtime: Handle, bucket: &str, objects: Vec<Listed>) -> Self {
        let state = State { next: 0, begun: BTreeMap::new(), bytes: 0, most: FIRST };
        let object = |Listed { key, size }| Object { name: format!("s3://{bucket}/{key}").into(), size };
        let objects = objects.into_iter().map(object).collect();
        Self { client, runtime, bucket: bucket.into(), objects, state: Mutex::new(state) }
    }

    /// Returns how many objects there are.
    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Returns what the list says of an object.
    pub(super) fn about(&self, place: usize) -> &Object {
        &self.objects[place]
    }

    /// Begins to read an object, and those that come after it. The thread waits, so it must not be one of the runtime's own.
    ///
    /// May be called in any order and as often as one likes; who goes by the order finds the objects in memory.
    pub(super) fn open(&self, place: usize) -> io::Result<Box<dyn Read + Send>> {
        if let Some(fetch) = self.turn(place) {
            match self.runtime.block_on(fetch) {
                Ok(Ok(body)) => return Ok(Box::new(body.reader())),
                Ok(Err(Some(error))) => return Err(io::Error::other(error.text)),
                // What failed may have passed by now. A task that panicked says why when the same is done here.
                Ok(Err(None)) | Err(_) => {}
            }
        }
        let opened =
            self.runtime.block_on(object::open(&self.client, &self.bucket, self.objects[place].key(&self.bucket)));
        let opened = opened.map_err(|error| io::Error::other(error.text))?;
        Ok(Box::new(ObjectReader { runtime: self.runtime.clone(), stream: opened.body, chunk: Bytes::new() }))
    }

    /// Takes an object out of those that were begun, and begins others in its place.
    fn turn(&self, place: usize) -> Option<JoinHandle<Fetched>> {
        let mut state = self.lock();
        let begun = state.begun.remove(&place);
        if let Some(begun) = &begun {
            state.bytes -= begun.bytes;
        }
        state.next = state.next.max(place + 1);
        state.most = (state.most * 2).min(OBJECTS);
        while let Some(object) = self.objects.get(state.next) {
            if object.size <= LARGE {
                if state.begun.len() >= state.most || state.bytes + object.size > ROOM {
                    break;
                }
                let fetch = fetch(self.client.clone(), Arc::clone(&self.bucket), object.clone());
                let begun = Begun { bytes: object.size, fetch: self.runtime.spawn(fetch) };
                state.bytes += object.size;
                let next = state.next;
                state.begun.insert(next, begun);
            }
            state.next += 1;
        }
        begun.map(|begun| begun.fetch)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Object {
    /// Returns the key in the bucket.
    fn key(&self, bucket: &str) -> &str {
        &self.name["s3://".len() + bucket.len() + "/".len()..]
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // A replay that ends early leaves objects behind that nobody will ask for.
        for begun in self.lock().begun.values() {
            begun.fetch.abort();
        }
    }
}

/// Reads an object into memory.
async fn fetch(client: Client, bucket: Arc<str>, object: Object) -> Fetched {
    for tried in 0..TRIES {
        if tried > 0 {
            sleep(WAIT * (1 << (tried - 1))).await;
        }
        match object::open(&client, &bucket, object.key(&bucket)).await {
            Ok(opened) => match object::collect(opened, object.size).await {
                Ok(Some(body)) => return Ok(body),
                // It has grown since it was listed, and has no room here.
                Ok(None) => return Err(None),
                Err(_) => {}
            },
            Err(error) if error.needs_somebody => return Err(Some(error)),
            Err(_) => {}
        }
    }
    Err(None)
}

/// An object as it comes, a piece at a time.
struct ObjectReader {
    runtime: Handle,
    stream: ByteStream,
    chunk: Bytes,
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.stream.try_next()).map_err(io::Error::other)? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
