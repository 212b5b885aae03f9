//! Servers that stand for AWS: moto, ministack, and one that answers whatever a test wants.

use std::env;
use std::future::Future;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use orgwatch_host::aws::AwsConfig;

use crate::servers;
use crate::support::outcome;

/// Runs a test with credentials that only a stand-in takes, whatever the caller's own are. They come from the environment, which a program can only
/// set for another one: the test runs in a child, which is this same program.
pub(super) fn with_credentials(name: &str, test: impl Future<Output = ()>) {
    const KEY: &str = "ORGWATCH_TEST_IN_CHILD";
    if env::var_os(KEY).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        return runtime.expect("a runtime").block_on(test);
    }
    let mut child = Command::new(env::current_exe().expect("this program's path"));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        child.env_remove(name);
    }
    let child = child
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(KEY, "1")
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this program runs");
    let (status, said, complained) = outcome(child, Duration::from_mins(5));
    assert!(status.is_some_and(|status| status.success()), "{said}\n{complained}");
    assert!(said.contains("1 passed"), "there is no test of the name {name}");
}

/// A server that stands for AWS and goes away with this value.
pub(super) struct Server(servers::Server);

impl Server {
    /// Starts moto, which knows the most services.
    pub(super) fn moto() -> Self {
        Self(servers::Server::moto())
    }

    /// Starts ministack, which understands the protocol that CloudWatch's client speaks today.
    pub(super) fn ministack() -> Self {
        Self(servers::Server::ministack())
    }

    pub(super) fn endpoint(&self) -> String {
        self.0.url().to_owned()
    }

    /// The access that a test has, which is that of a sink.
    pub(super) fn aws(&self) -> AwsConfig {
        AwsConfig { region: Some("us-east-1".to_owned()), endpoint: Some(self.endpoint()), ..AwsConfig::default() }
    }

    /// Calls an operation that has no client here, in JSON.
    pub(super) fn call(&self, service: &str, path: &str, body: &str) -> String {
        self.post(service, path, "application/json", body)
    }

    /// Calls an operation in the protocol of old, which the stand-ins know best.
    pub(super) fn query(&self, service: &str, parameters: &[(&str, &str)]) -> String {
        let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.post(service, "/", "application/x-www-form-urlencoded", &pairs.join("&"))
    }

    fn post(&self, service: &str, path: &str, form: &str, body: &str) -> String {
        let scope = format!("Credential=testing/20261101/us-east-1/{service}/aws4_request");
        let authorization = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0");
        let headers = [("authorization", authorization.as_str()), ("content-type", form)];
        let address = self.0.url().trim_start_matches("http://");
        let (status, body) = ask(address, "POST", path, &headers, body).expect("the server answers");
        assert_eq!(status, 200, "{body}");
        body
    }
}

/// An answer of [`Scripted`]: a status and a body.
pub(super) type Answer = (u16, String);

/// A server that answers each request by a function of its head and body, and keeps the bodies.
pub(super) struct Scripted {
    address: SocketAddr,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(super) fn start(answer: impl Fn(&str, &str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&bodies);
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(&stream, &answer, &seen);
            }
        });
        Self { address, bodies }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(
    mut stream: &TcpStream,
    answer: &impl Fn(&str, &str) -> Answer,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let (head, body) = read(stream)?;
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(body.clone());
    let (status, text) = answer(&head, &body);
    let length = text.len();
    write!(
        stream,
        "HTTP/1.1 {status} Status\r\nretry-after: 7\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
    )
}

fn read(stream: &TcpStream) -> std::io::Result<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = Vec::new();
    match length {
        Some(length) => reader.take(length).read_to_end(&mut body)?,
        None if head.starts_with("HTTP/") => reader.read_to_end(&mut body)?,
        None => 0,
    };
    Ok((head, String::from_utf8_lossy(&body).into_owned()))
}

fn ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    )?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    write!(stream, "\r\n{body}")?;
    let (head, body) = read(&stream)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok((status, body))
}
