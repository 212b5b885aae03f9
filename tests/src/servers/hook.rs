//! The receiver of a webhook: takes its time, answers what it is told to, and remembers what it was sent.

use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::http;

/// What the receiver does with one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// How long it takes.
    pub(crate) delay: Duration,
    /// The status that it answers with.
    pub(crate) status: u16,
    /// After how many seconds it wants to be asked again.
    pub(crate) retry_after: Option<u32>,
    /// True to answer with what is no HTTP.
    pub(crate) garbage: bool,
}

impl Manner {
    /// Takes what it is sent, after a while.
    pub(crate) const fn after(delay: Duration) -> Self {
        Self { delay, status: 200, retry_after: None, garbage: false }
    }

    /// Answers at once with a status.
    pub(crate) const fn status(status: u16) -> Self {
        Self { status, ..Self::after(Duration::ZERO) }
    }
}

/// A receiver. It ends with the test.
pub(crate) struct Hook {
    url: String,
    /// What it was sent and took.
    taken: Arc<Mutex<Vec<Value>>>,
    /// What it was sent, taken or not, the client being there to hear of it or not.
    sent: Arc<Mutex<Vec<Value>>>,
    /// When it was asked, from the beginning on.
    asked: Arc<Mutex<Vec<Instant>>>,
}

impl Hook {
    /// Starts. `manner` is asked for each request, by its number.
    pub(crate) fn start(manner: impl Fn(usize) -> Manner + Send + Sync + 'static) -> Self {
        Self::start_at(0, manner)
    }

    /// Starts on a port that nobody has listened on so far.
    pub(crate) fn start_at(port: u16, manner: impl Fn(usize) -> Manner + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the loopback interface has a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("it is bound"));
        let hook = Self { url, taken: Arc::default(), sent: Arc::default(), asked: Arc::default() };
        let (taken, sent, asked) = (Arc::clone(&hook.taken), Arc::clone(&hook.sent), Arc::clone(&hook.asked));
        let manner = Arc::new(manner);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (taken, sent, asked) = (Arc::clone(&taken), Arc::clone(&sent), Arc::clone(&asked));
                let manner = Arc::clone(&manner);
                thread::spawn(move || serve(stream, &taken, &sent, &asked, &*manner));
            }
        });
        hook
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns what it took so far.
    pub(crate) fn taken(&self) -> Vec<Value> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns what it was sent since the last time, taken or not.
    pub(crate) fn take_sent(&self) -> Vec<Value> {
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns when it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Instant> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(
    mut client: TcpStream,
    taken: &Mutex<Vec<Value>>,
    sent: &Mutex<Vec<Value>>,
    asked: &Mutex<Vec<Instant>>,
    manner: &(dyn Fn(usize) -> Manner + Send + Sync),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    while let Some(request) = http::read(&mut reader)? {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        sent.lock().unwrap_or_else(PoisonError::into_inner).push(body.clone());
        let number = {
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.push(Instant::now());
            asked.len() - 1
        };
        let Manner { delay, status, retry_after, garbage } = manner(number);
        thread::sleep(delay);
        if garbage {
            return client.write_all(b"\0 nothing of HTTP's \r\n\r\n");
        }
        if status < 300 {
            taken.lock().unwrap_or_else(PoisonError::into_inner).push(body);
        }
        let after = retry_after.map_or_else(String::new, |seconds| format!("Retry-After: {seconds}\r\n"));
        write!(client, "HTTP/1.1 {status} X\r\n{after}Content-Length: 2\r\n\r\nok")?;
        client.flush()?;
    }
    Ok(())
}
