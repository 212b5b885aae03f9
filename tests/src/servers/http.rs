//! As much of HTTP as it takes to ask a test server for its health, and to be one.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Sends a request without a body. Returns the status and the body.
pub(crate) fn get(url: &str) -> io::Result<(u16, String)> {
    send("GET", url, "")
}

/// Sends a request with a body.
pub(crate) fn post(url: &str, body: &str) -> io::Result<(u16, String)> {
    send("POST", url, body)
}

fn send(method: &str, url: &str, body: &str) -> io::Result<(u16, String)> {
    let rest = url.strip_prefix("http://").ok_or(io::ErrorKind::InvalidInput)?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok((status, body.to_owned()))
}

/// A request as a server gets it.
pub(super) struct Request {
    /// The request line and the headers, as they came.
    pub(super) head: Vec<String>,
    /// The value of `X-Amz-Target`: the operation.
    pub(super) target: String,
    pub(super) body: Vec<u8>,
}

/// Reads the next request of a connection; nothing when there is none.
pub(super) fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut length = 0;
    let mut target = String::new();
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() && !head.is_empty() {
            break;
        }
        head.push(line.to_owned());
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?,
            "x-amz-target" => value.trim().clone_into(&mut target),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { head, target, body }))
}

/// Writes an answer, and leaves the connection open for the next request.
pub(super) fn answer(stream: &mut TcpStream, status: u16, body: &str) -> io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    stream.flush()
}
