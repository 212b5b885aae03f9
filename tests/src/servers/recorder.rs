//! A server in front of another one that writes down what passes: what a client was given, and what it asked to be deleted.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Value;

use super::http::{self, Request};

/// What passed through.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The operation, such as `AmazonSQS.ReceiveMessage`.
    pub(crate) operation: String,
    /// What was asked.
    pub(crate) request: Value,
    /// What was answered, where the client was still there to be told.
    pub(crate) answer: Option<Value>,
}

/// A recording server. It ends with the test.
pub(crate) struct Recorder {
    url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Recorder {
    /// Starts in front of a server at a URL without a path.
    pub(crate) fn before(upstream: &str) -> Self {
        let upstream = upstream.strip_prefix("http://").expect("the server speaks plain HTTP").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&calls);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (upstream, calls) = (upstream.clone(), Arc::clone(&record));
                // A client that is killed breaks its connections: no news.
                thread::spawn(move || serve(stream, &upstream, &calls));
            }
        });
        Self { url, calls }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns what has passed since the last time.
    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn serve(mut client: TcpStream, upstream: &str, calls: &Mutex<Vec<Call>>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    while let Some(request) = http::read(&mut reader)? {
        let Request { head, target, body } = &request;
        let mut server = TcpStream::connect(upstream)?;
        let head: Vec<&str> = head
            .iter()
            .map(String::as_str)
            .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"))
            .collect();
        write!(server, "{}\r\nConnection: close\r\n\r\n", head.join("\r\n"))?;
        server.write_all(body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
        // What was asked is done by now, whether or not anybody hears of it.
        let told = client.write_all(&answer).and_then(|()| client.flush());
        let call = Call {
            operation: target.clone(),
            request: serde_json::from_slice(body).unwrap_or_default(),
            answer: told.is_ok().then(|| serde_json::from_slice(&answer[end..]).unwrap_or_default()),
        };
        calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        // The answer said that the connection closes, or there is none, because the server broke it.
        if told.is_err()
            || answer.is_empty()
            || String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase().contains("connection: close")
        {
            return Ok(());
        }
    }
    Ok(())
}
