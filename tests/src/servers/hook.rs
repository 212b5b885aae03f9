//! The receiver of a webhook: takes its time, answers what it is told to, and remembers what it was sent.

use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::http;

/// What the receiver does with one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// How long it takes.
    pub(crate) delay: Duration,
    /// The status that it answers with.
    pub(crate) status: u16,
}

impl Manner {
    /// Takes what it is sent, after a while.
    pub(crate) const fn after(delay: Duration) -> Self {
        Self { delay, status: 200 }
    }
}

/// A receiver. It ends with the test.
pub(crate) struct Hook {
    url: String,
    /// What it was sent and took.
    taken: Arc<Mutex<Vec<Value>>>,
    /// What it was sent, taken or not, the client being there to hear of it or not.
    sent: Arc<Mutex<Vec<Value>>>,
}

impl Hook {
    /// Starts. `manner` is asked for each request, by its number.
    pub(crate) fn start(manner: impl Fn(usize) -> Manner + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("it is bound"));
        let hook = Self { url, taken: Arc::default(), sent: Arc::default() };
        let (taken, sent, manner) = (Arc::clone(&hook.taken), Arc::clone(&hook.sent), Arc::new(manner));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (taken, sent, manner) = (Arc::clone(&taken), Arc::clone(&sent), Arc::clone(&manner));
                thread::spawn(move || serve(stream, &taken, &sent, &*manner));
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
}

fn serve(
    mut client: TcpStream,
    taken: &Mutex<Vec<Value>>,
    sent: &Mutex<Vec<Value>>,
    manner: &(dyn Fn(usize) -> Manner + Send + Sync),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    while let Some(request) = http::read(&mut reader)? {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let number = {
            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.push(body.clone());
            sent.len() - 1
        };
        let Manner { delay, status } = manner(number);
        thread::sleep(delay);
        if status < 300 {
            taken.lock().unwrap_or_else(PoisonError::into_inner).push(body);
        }
        write!(client, "HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nok")?;
        client.flush()?;
    }
    Ok(())
}
