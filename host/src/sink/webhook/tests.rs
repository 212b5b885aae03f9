//! The sink against a server of the tests' own.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::encoding::tests::finding;

/// What the server was sent, one request each.
type Requests = Arc<Mutex<Vec<String>>>;

/// A server that gives each connection the next of some answers, byte for byte, and the last one for ever.
async fn server(answers: Vec<&'static str>) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        let mut answers = answers.into_iter().peekable();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !complete(&request) {
                match stream.read(&mut buffer).await {
                    Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
                    _ => break,
                }
            }
            seen.lock().unwrap().push(String::from_utf8(request).unwrap());
            let answer = answers.next().unwrap_or_default();
            let answer = if answers.peek().is_none() {
                answers = vec![answer].into_iter().peekable();
                answer
            } else {
                answer
            };
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, requests)
}

fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

fn answer(status: &str, more: &str, body: &str) -> &'static str {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n{body}").leak()
}

/// A secret in a file, which goes away with what is returned.
fn secret(text: &str) -> (Secret, NamedTempFile) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    (Secret::File(file.path().to_owned()), file)
}

fn config(url: Secret) -> WebhookConfig {
    let url = Some(url);
    let config = json!({ "name": "hook", "url": url });
    serde_json::from_value(config).unwrap()
}

fn delivery() -> Delivery {
    Delivery { finding: finding(), revision: 1, filed: Timestamp::UNIX_EPOCH, updated: Timestamp::UNIX_EPOCH }
}

async fn send(url: &str, change: impl FnOnce(&mut WebhookConfig)) -> Receipt {
    let (url, _file) = secret(url);
    let mut config = config(url);
    change(&mut config);
    let webhook = config.build().unwrap();
    webhook.send(&[delivery()]).await.remove(0)
}

fn refusal(url: &str) -> String {
    let (url, _file) = secret(url);
    config(url).build().err().map(|error| error.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn a_finding_is_posted_as_json_and_signed() {
    let (url, requests) = server(vec![answer("200 OK", "", "thanks")]).await;
    let (key, _file) = secret("signing key\n");
    let receipt = send(&url, |config| {
        config.signing_key = Some(key);
        config.headers.insert("X-Team".to_owned(), "blue".to_owned());
    })
    .await;
    assert_eq!(receipt, Receipt::Taken);
    let request = requests.lock().unwrap().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("x-team: blue") && head.contains("content-type: application/json"), "{head}");
    let posted: Value = serde_json::from_str(body).unwrap();
    assert_eq!(posted["finding"], serde_json::to_value(finding()).unwrap());
    let signature = head.lines().find_map(|line| line.strip_prefix("x-orgwatch-signature: ")).unwrap();
    let (seconds, digits) = signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).unwrap();
    let mut signed = NamedTempFile::new().unwrap();
    write!(signed, "{seconds}.{body}").unwrap();
    let openssl = std::process::Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", "signing key"])
        .arg(signed.path())
        .output()
        .expect("openssl is installed");
    let computed = String::from_utf8(openssl.stdout).unwrap();
    assert!(computed.trim_end().ends_with(digits) && digits.len() == 64, "{computed} {signature}");
}

#[tokio::test]
async fn the_answer_decides_what_becomes_of_a_delivery() {
    let (url, _) = server(vec![
        answer("503 Service Unavailable", "retry-after: 7\r\n", "busy"),
        answer("429 Too Many Requests", "", ""),
        answer("403 Forbidden", "", "invalid_token"),
        answer("400 Bad Request", "", "\u{1b}[2Jno"),
        answer("204 No Content", "", ""),
    ])
    .await;
    let after = Some(Duration::from_secs(7));
    let reason = "the service answered 503 Service Unavailable: busy".to_owned();
    assert_eq!(send(&url, |_| ()).await, Receipt::Again { reason, after });
    assert!(matches!(send(&url, |_| ()).await, Receipt::Again { after: None, .. }));
    assert!(matches!(send(&url, |_| ()).await, Receipt::Again { .. }));
    assert_eq!(send(&url, |_| ()).await, Receipt::refused("the service answered 400 Bad Request: \\u{1b}[2Jno"));
    assert_eq!(send(&url, |_| ()).await, Receipt::Taken);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (url, requests) = server(vec![answer("307 Temporary Redirect", "location: /elsewhere\r\n", "")]).await;
    let Receipt::Refused { reason } = send(&url, |_| ()).await else { panic!("it was not refused") };
    assert!(reason.contains("hint: redirects are not followed"), "{reason}");
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_http_is_tried_again_and_tells_no_secret() {
    let (url, _) = server(vec!["\u{1b}garbage\r\n\r\n"]).await;
    let Receipt::Again { reason, .. } = send(&format!("{url}/T000/B000/SECRETSECRETSECRETSECRET"), |_| ()).await else {
        panic!("it is not tried again")
    };
    assert!(
        reason.starts_with("failed to send it") && !reason.contains("SECRET") && !reason.contains("127.0.0.1"),
        "{reason}"
    );
    let (url, _) = server(vec![answer("400 Bad Request", "", "no such hook: SECRETSECRETSECRETSECRET")]).await;
    let Receipt::Refused { reason } = send(&format!("{url}/SECRETSECRETSECRETSECRET"), |_| ()).await else { panic!() };
    assert!(reason.ends_with("no such hook: [redacted]"), "{reason}");
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let endless: &'static str = format!("HTTP/1.1 400 Bad Request\r\n\r\n{}", "x".repeat(1 << 20)).leak();
    let (url, _) = server(vec![endless]).await;
    let Receipt::Refused { reason } = send(&url, |_| ()).await else { panic!("it was not refused") };
    assert!(reason.len() < 300, "{reason}");
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, _file) = secret(&format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port()));
    let webhook = config(url).build_within(Duration::from_millis(200)).unwrap();
    let Receipt::Again { reason, .. } = webhook.send(&[delivery()]).await.remove(0) else { panic!("it was taken") };
    assert!(reason.contains("timed out"), "{reason}");
}

#[tokio::test]
async fn tls_is_verified_against_the_given_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let openssl = |arguments: &[&str]| {
        let done = std::process::Command::new("openssl").args(arguments).output().expect("openssl is installed");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    let ca = ["req", "-x509", "-keyout", &path("ca.key"), "-out", &path("ca.pem"), "-subj", "/CN=ca"];
    openssl(&[&ca[..], &curve].concat());
    let leaf = ["req", "-x509", "-keyout", &path("key.pem"), "-out", &path("cert.pem"), "-subj", "/CN=localhost"];
    let name = ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"];
    let signed = ["-CA", &path("ca.pem"), "-CAkey", &path("ca.key")];
    openssl(&[&leaf[..], &curve, &name, &signed].concat());
    let port = tls_server(&path("cert.pem"), &path("key.pem"));
    let url = format!("https://localhost:{port}/");
    let with_ca = |ca: String| move |config: &mut WebhookConfig| config.ca = Some(ca.into());
    assert_eq!(send(&url, with_ca(path("ca.pem"))).await, Receipt::Taken);
    openssl(
        &[&["req", "-x509", "-keyout", &path("other.key"), "-out", &path("other.pem"), "-subj", "/CN=ca"], &curve[..]]
            .concat(),
    );
    let Receipt::Again { reason, .. } = send(&url, with_ca(path("other.pem"))).await else {
        panic!("a stranger's certificate passed")
    };
    assert!(reason.contains("certificate"), "{reason}");
    // The certificate names another machine than the address does.
    let by_number = send(&format!("https://127.0.0.1:{port}/"), with_ca(path("ca.pem"))).await;
    assert!(matches!(by_number, Receipt::Again { .. }));
}

/// A server with TLS that says 200 to everything.
fn tls_server(certificate: &str, key: &str) -> u16 {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            use std::io::Read as _;
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = stream.unwrap();
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !complete(&request) {
                match tls.read(&mut buffer) {
                    Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
                    _ => break,
                }
            }
            let _ = tls.write_all(answer("200 OK", "", "").as_bytes());
            let _ = tls.flush();
        }
    });
    port
}

#[test]
fn an_address_that_must_not_be_reached_is_refused_when_the_configuration_is_checked() {
    for (url, reason) in [
        ("https://169.254.169.254/latest", "metadata"),
        ("http://hooks.example.com/", "plain_http"),
        ("https://user:word@hooks.example.com/", "secret_headers"),
        ("gopher://hooks.example.com/", "neither https"),
        ("nonsense", "is not an address"),
    ] {
        let error = refusal(url);
        assert!(error.contains(reason) && !error.contains("word@") && !error.contains("latest"), "{error}");
    }
    assert_eq!(refusal("https://hooks.example.com/x"), "");
}

#[tokio::test]
async fn a_name_is_judged_by_the_address_that_it_resolves_to() {
    let (url, requests) = server(vec![answer("200 OK", "", "")]).await;
    // A name for this machine that is not the one that may reach it.
    let url = url.replace("127.0.0.1", "localhost.");
    let Receipt::Again { reason, .. } = send(&url, |config| config.plain_http = true).await else {
        panic!("it was sent")
    };
    assert!(reason.contains("this machine's own") || reason.contains("lookup"), "{reason}");
    assert!(requests.lock().unwrap().is_empty());
}

#[test]
fn what_the_configuration_gets_wrong_is_said_at_once() {
    let with = |change: fn(&mut WebhookConfig)| {
        let (url, _file) = secret("https://hooks.example.com/");
        let mut config = config(url);
        change(&mut config);
        config.build().err().map(|error| error.to_string()).unwrap_or_default()
    };
    for (error, expected) in [
        (with(|config| config.url = None), "no `url`"),
        (with(|config| config.preset = Preset::SplunkHec), "no `token`"),
        (with(|config| config.url = Some(Secret::Env("ORGWATCH_NO_SUCH".to_owned()))), "holds no secret"),
        (with(|config| config.ca = Some("/nowhere".into())), "failed to read `/nowhere`"),
        (with(|config| _ = config.headers.insert("a b".to_owned(), String::new())), "no name of a header"),
        (with(|config| _ = config.headers.insert("Host".to_owned(), "x".to_owned())), "not the configuration's"),
        (with(|config| _ = config.headers.insert("X".to_owned(), "a\nb".to_owned())), "a character that it cannot"),
        (with(|config| config.template = Some("/nowhere".into())), "failed to read the template"),
    ] {
        assert!(error.starts_with("the sink `hook` cannot work: ") && error.contains(expected), "{expected}: {error}");
    }
}
