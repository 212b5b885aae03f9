//! Servers that stand for AWS in the tests, each on a free port of the loopback interface, ended with the test that started it.
//!
//! `moto` has most of AWS and no time: what is sent is there at once. `ministack` is faster and records the calls made to it for `LookupEvents`.
//! `microburst` stands in front of another server and makes faults. `LookupStub` and `Bucket` are the project's own.

mod amazon;
mod bucket;
mod collector;
mod hook;
mod http;
mod lookup;
mod recorder;
mod scripted;

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) use self::amazon::Amazon;
pub(crate) use self::bucket::{Bucket, Gate, Shelf, refusal};
pub(crate) use self::collector::{Collected, Collector};
pub(crate) use self::hook::{Hook, Manner};
pub(crate) use self::http::{get, post};
pub(crate) use self::lookup::LookupStub;
pub(crate) use self::recorder::{Call, Recorder};
pub(crate) use self::scripted::{Asked, Reply, SILENCE, Scripted};
use crate::python;

/// How long a server may take to answer for the first time. Python's start is slow when several tests start it at once.
const START: Duration = Duration::from_mins(1);

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    url: String,
    reset: &'static str,
}

impl Server {
    /// Starts moto: SNS, SQS, S3 and its notifications, EventBridge and more.
    pub(crate) fn moto() -> Self {
        let port = free_port();
        let mut command = python::command("servers", "moto_server");
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        Self::start("moto", &mut command, port, "/moto-api/", "/moto-api/reset")
    }

    /// Starts ministack, with the calls that are made to it recorded as CloudTrail events.
    pub(crate) fn ministack() -> Self {
        let port = free_port();
        let mut command = python::command("servers", "ministack");
        command.env("CLOUDTRAIL_RECORDING", "1").env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
        Self::start("ministack", &mut command, port, "/_ministack/health", "/_ministack/reset")
    }

    /// Starts microburst in front of another server.
    pub(crate) fn microburst(upstream: &str) -> Self {
        let port = free_port();
        let mut command = python::command("servers", "microburst");
        command.args(["--host", "127.0.0.1", "--upstream", upstream, "--port", &port.to_string()]);
        Self::start("microburst", &mut command, port, "/_microburst/fired", "/_microburst/rules")
    }

    fn start(name: &str, command: &mut Command, port: u16, health: &str, reset: &'static str) -> Self {
        // A group of its own, so that what the server starts ends with it.
        let command = command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let mut server = Self { child, url: format!("http://127.0.0.1:{port}"), reset };
        // Only what answers counts, and it is waited for with a bound, each question too.
        let deadline = Instant::now() + START;
        while !matches!(get(&format!("{}{health}", server.url)), Ok((200..300, _))) {
            if let Ok(Some(status)) = server.child.try_wait() {
                panic!("{name} ended at its start: {status}");
            }
            assert!(Instant::now() < deadline, "{name} does not answer at {}", server.url);
            sleep(Duration::from_millis(50));
        }
        server
    }

    /// Where the server listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Has a server that makes faults make these. The first one that fits a request is made.
    pub(crate) fn faults(&self, faults: &Value) {
        let answer = post(&format!("{}/_microburst/rules", self.url), &faults.to_string());
        assert!(matches!(answer, Ok((200..300, _))), "{answer:?}");
    }

    /// Returns the faults that were made so far, each as operation and action.
    pub(crate) fn fired(&self) -> Vec<String> {
        let (status, body) = get(&format!("{}/_microburst/fired", self.url)).expect("the server answers");
        assert_eq!(status, 200, "{body}");
        let fired: Vec<Value> = serde_json::from_str(&body).expect("a list of faults");
        let text = |fault: &Value, key: &str| fault[key].as_str().unwrap_or_default().to_owned();
        fired.iter().map(|fault| format!("{} {}", text(fault, "operation"), text(fault, "action"))).collect()
    }

    /// Makes the server forget everything, or, before another server, makes all its faults end.
    pub(crate) fn reset(&self) {
        let body = if self.reset.ends_with("/rules") { "[]" } else { "" };
        let answer = post(&format!("{}{}", self.url, self.reset), body);
        assert!(matches!(answer, Ok((200..300, _))), "{answer:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on, and that the system gives to nobody who asks for any: it stays free until somebody binds it.
pub(crate) fn free_port() -> u16 {
    const RANGE: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..RANGE {
        // Tests that run at the same time in several processes begin in different places.
        let number = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(std::process::id().wrapping_mul(97));
        let port = u16::try_from(20_000 + number % RANGE).expect("it is below 32768, where the system's own begin");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
