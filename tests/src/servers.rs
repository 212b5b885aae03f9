//! Servers that stand for AWS in the tests, each on a free port of the loopback interface, ended with the test that started it.
//!
//! `moto` has most of AWS and no time: what is sent is there at once. `ministack` is faster and records the calls made to it for `LookupEvents`.
//! `microburst` stands in front of another server and makes faults. `LookupStub` is the project's own.

mod amazon;
mod hook;
mod http;
mod lookup;
mod recorder;

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(crate) use self::amazon::Amazon;
pub(crate) use self::hook::{Hook, Manner};
pub(crate) use self::http::{get, post};
pub(crate) use self::lookup::LookupStub;
pub(crate) use self::recorder::{Call, Recorder};
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
    #[expect(dead_code, reason = "the tests of faults are to use it")]
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

    /// Makes the server forget everything, or, before another server, makes all its faults end.
    #[expect(dead_code, reason = "the tests of faults are to use it")]
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

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has a free port");
    listener.local_addr().expect("it is bound").port()
}
