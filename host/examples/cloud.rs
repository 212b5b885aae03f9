//! A server that stands for S3 and SQS and is as far away as one likes: each answer comes after a delay.
//!
//! ```sh
//! cargo run --release --example cloud -- FOLDER MILLISECONDS
//! ```
//!
//! Serves the files of a folder as the objects of the bucket `trail`, and a queue `fill` names each of them in a message once `POST /_fill` was
//! called. It prints its address. `GET /_most` tells how many requests for objects it had at most at a time. It knows as much of both services
//! as the program asks for and keeps everything in memory, so that it costs the machine that is measured little: `host/benches/live.py`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;

/// Keys that a list gives at most, as S3 does.
const PAGE: usize = 1000;

struct Cloud {
    objects: BTreeMap<String, Bytes>,
    delay: Duration,
    queue: Mutex<VecDeque<String>>,
    deleted: AtomicUsize,
    reading: AtomicUsize,
    most: AtomicUsize,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, delay] = &arguments[..] else { return Err(std::io::Error::other("usage: cloud FOLDER MILLISECONDS")) };
    let mut objects = BTreeMap::new();
    load(Path::new(folder), "", &mut objects)?;
    let delay = Duration::from_millis(delay.parse().map_err(std::io::Error::other)?);
    let cloud = Cloud {
        objects,
        delay,
        queue: Mutex::default(),
        deleted: AtomicUsize::new(0),
        reading: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(answer).with_state(Arc::new(cloud))).await
}

/// Reads a folder's files into memory, under their paths.
fn load(folder: &Path, prefix: &str, objects: &mut BTreeMap<String, Bytes>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            load(&entry.path(), &format!("{name}/"), objects)?;
        } else {
            objects.insert(name, fs::read(entry.path())?.into());
        }
    }
    Ok(())
}

async fn answer(State(cloud): State<Arc<Cloud>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    match path.as_str() {
        "/_most" => return text(cloud.most.swap(0, Ordering::Relaxed).to_string()),
        "/_deleted" => return text(cloud.deleted.load(Ordering::Relaxed).to_string()),
        "/_fill" => {
            *cloud.queue() = cloud.objects.keys().cloned().collect();
            cloud.deleted.store(0, Ordering::Relaxed);
            return text(String::new());
        }
        _ => {}
    }
    let operation = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).map(str::to_owned);
    let reading = operation.is_none() && !query.contains("list-type");
    if reading {
        let now = cloud.reading.fetch_add(1, Ordering::Relaxed) + 1;
        cloud.most.fetch_max(now, Ordering::Relaxed);
    }
    sleep(cloud.delay).await;
    if reading {
        cloud.reading.fetch_sub(1, Ordering::Relaxed);
    }
    if let Some(operation) = operation {
        let body = to_bytes(request.into_body(), 1 << 20).await.unwrap_or_default();
        let asked = serde_json::from_slice(&body).unwrap_or_default();
        return text(cloud.queue_call(&operation, &asked).await.to_string());
    }
    if !reading {
        return text(cloud.list(&query));
    }
    let key = decode(path.strip_prefix("/trail/").unwrap_or_default());
    match cloud.objects.get(&key) {
        Some(object) => Response::new(Body::from(object.clone())),
        None => status(404),
    }
}

impl Cloud {
    fn queue(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn queue_call(&self, operation: &str, asked: &Value) -> Value {
        let entries = asked["Entries"].as_array();
        match operation.rsplit('.').next().unwrap_or_default() {
            "GetQueueAttributes" => json!({ "Attributes": {
                "ApproximateNumberOfMessages": self.queue().len().to_string(),
                "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0" } }),
            "ReceiveMessage" => {
                let most = asked["MaxNumberOfMessages"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(1);
                let keys: Vec<String> = {
                    let mut queue = self.queue();
                    let most = most.min(queue.len());
                    queue.drain(..most).collect()
                };
                if keys.is_empty() {
                    sleep(Duration::from_secs(1)).await;
                }
                let message = |key: &String| {
                    json!({ "MessageId": key, "ReceiptHandle": key, "Body": json!({ "Records": [{
                        "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                        "s3": { "bucket": { "name": "trail" }, "object": { "key": key } } }] }).to_string() })
                };
                json!({ "Messages": keys.iter().map(message).collect::<Vec<_>>() })
            }
            "DeleteMessageBatch" => {
                let ids: Vec<Value> = entries.into_iter().flatten().map(|entry| json!({ "Id": entry["Id"] })).collect();
                self.deleted.fetch_add(ids.len(), Ordering::Relaxed);
                json!({ "Successful": ids, "Failed": [] })
            }
            _ => json!({}),
        }
    }

    /// Answers `ListObjectsV2`.
    fn list(&self, query: &str) -> String {
        let parameter = |name: &str| {
            query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, text)| decode(text))
        };
        let prefix = parameter("prefix").unwrap_or_default();
        let delimiter = parameter("delimiter");
        let after = parameter("continuation-token").or(parameter("start-after")).unwrap_or_default();
        let (mut text, mut folders, mut count, mut last) = (String::new(), BTreeSet::new(), 0, "");
        let mut truncated = false;
        for (key, object) in self.objects.range(after.clone()..).filter(|(key, _)| key.starts_with(&prefix) && **key > after) {
            if delimiter.is_some()
                && let Some(end) = key[prefix.len()..].find('/')
            {
                folders.insert(&key[..=prefix.len() + end]);
                continue;
            }
            if count == PAGE {
                truncated = true;
                break;
            }
            count += 1;
            last = key;
            let _ = write!(text, "<Contents><Key>{key}</Key><Size>{}</Size></Contents>", object.len());
        }
        for folder in folders {
            let _ = write!(text, "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
        }
        if truncated {
            let _ = write!(text, "<NextContinuationToken>{last}</NextContinuationToken>");
        }
        format!("<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{text}</ListBucketResult>")
    }
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn text(text: String) -> Response {
    Response::new(Body::from(text))
}

fn status(code: u16) -> Response {
    let mut response = text(String::new());
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    response
}
