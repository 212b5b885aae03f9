//! A collector of OTLP over HTTP: takes metrics and traces, and remembers them.

use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use super::http;

/// What a collector was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collected {
    pub(crate) metrics: Vec<ExportMetricsServiceRequest>,
    pub(crate) traces: Vec<ExportTraceServiceRequest>,
}

/// A collector. It ends with the test.
pub(crate) struct Collector {
    url: String,
    collected: Arc<Mutex<Collected>>,
}

impl Collector {
    /// Starts.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let collector = Self { url, collected: Arc::default() };
        let collected = Arc::clone(&collector.collected);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let collected = Arc::clone(&collected);
                thread::spawn(move || serve(stream, &collected));
            }
        });
        collector
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns what it was sent so far.
    pub(crate) fn collected(&self) -> Collected {
        lock(&self.collected).clone()
    }
}

fn lock(collected: &Mutex<Collected>) -> MutexGuard<'_, Collected> {
    collected.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut client: TcpStream, collected: &Mutex<Collected>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    while let Some(request) = http::read(&mut reader)? {
        let path = request.head[0].split(' ').nth(1).unwrap_or_default();
        let body = request.body.as_slice();
        match path {
            "/v1/metrics" => lock(collected).metrics.push(ExportMetricsServiceRequest::decode(body)?),
            "/v1/traces" => lock(collected).traces.push(ExportTraceServiceRequest::decode(body)?),
            _ => return write!(client, "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"),
        }
        // An empty answer is the message that says that everything was taken.
        write!(client, "HTTP/1.1 200 X\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n")?;
        client.flush()?;
    }
    Ok(())
}
