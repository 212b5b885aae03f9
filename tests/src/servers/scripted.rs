//! A server that answers each request as a test says, also in ways that no honest server has, and remembers what it was sent.

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::http;

/// How long a server says nothing before it closes the connection: longer than any test is patient.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// The path with its query.
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    /// Returns a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    end: End,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// As it should.
    Whole,
    /// The connection breaks after so many bytes of the body.
    After(usize),
    /// The body is sent over and over.
    Never,
    /// The body is sent a byte at a time, with a pause after each.
    Drip(Duration),
    /// Nothing is sent, and the connection stays.
    Silence,
}

impl Reply {
    /// Answers with a status and no body.
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), end: End::Whole }
    }

    /// Answers with another status.
    pub(crate) fn set_status(&mut self, status: u16) {
        self.status = status;
    }

    /// Answers that all is well.
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::status(200) }
    }

    /// Sends the client on.
    pub(crate) fn redirect(to: &str) -> Self {
        Self::status(307).with("Location", to)
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Breaks the connection after so many bytes of the body.
    pub(crate) fn breaking_after(self, bytes: usize) -> Self {
        Self { end: End::After(bytes), ..self }
    }

    /// Never ends.
    pub(crate) fn endless(self) -> Self {
        Self { end: End::Never, ..self }
    }

    /// Takes its time with each byte.
    pub(crate) fn dripping(self, pause: Duration) -> Self {
        Self { end: End::Drip(pause), ..self }
    }

    /// Says nothing.
    pub(crate) fn silent() -> Self {
        Self { end: End::Silence, ..Self::status(200) }
    }
}

/// A server of the test's own. It ends with the test's process.
pub(crate) struct Scripted {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    /// Starts. `answer` is asked for each request, together with how many came before it.
    pub(crate) fn start(answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has a free port");
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Self { address, asked }
    }

    /// Where it listens: `127.0.0.1` and the port.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Returns what it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(
    mut client: TcpStream,
    seen: &Mutex<Vec<Asked>>,
    answer: &(dyn Fn(&Asked, usize) -> Reply + Send + Sync),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    while let Some(request) = http::read(&mut reader)? {
        let mut first = request.head[0].split(' ').map(str::to_owned);
        let (method, path) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
        let pair = |line: &String| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        let headers = request.head[1..].iter().filter_map(pair).collect();
        let asked = Asked { method, path, headers, body: request.body };
        let before = {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(asked.clone());
            seen.len() - 1
        };
        let reply = answer(&asked, before);
        if matches!(reply.end, End::Silence) {
            thread::sleep(SILENCE);
            return Ok(());
        }
        write!(client, "HTTP/1.1 {} X\r\n", reply.status)?;
        for (name, value) in &reply.headers {
            write!(client, "{name}: {value}\r\n")?;
        }
        match reply.end {
            End::Never => {
                write!(client, "Transfer-Encoding: chunked\r\n\r\n")?;
                loop {
                    write!(client, "{:x}\r\n", reply.body.len())?;
                    client.write_all(&reply.body)?;
                    client.write_all(b"\r\n")?;
                }
            }
            End::Drip(pause) => {
                write!(client, "Content-Length: {}\r\n\r\n", reply.body.len())?;
                for byte in &reply.body {
                    client.write_all(&[*byte])?;
                    thread::sleep(pause);
                }
            }
            End::After(bytes) => {
                write!(client, "Content-Length: {}\r\n\r\n", reply.body.len())?;
                client.write_all(&reply.body[..bytes])?;
                return client.flush();
            }
            _ => {
                write!(client, "Content-Length: {}\r\n\r\n", reply.body.len())?;
                if asked.method != "HEAD" {
                    client.write_all(&reply.body)?;
                }
                client.flush()?;
            }
        }
    }
    Ok(())
}
