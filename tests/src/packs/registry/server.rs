//! Debian's `docker-registry` with TLS, of an authority of the test's own, and a password.

use std::fs;
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{PASSWORD, USER};
use crate::python;
use crate::servers::free_port;

/// How long the registry may take to listen.
const START: Duration = Duration::from_mins(1);

/// A registry that runs. It ends with the test.
pub(in crate::packs) struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// Starts a registry at `localhost`, which knows one user.
    pub(in crate::packs) fn start() -> Self {
        Self::start_with("", true)
    }

    /// Starts a registry with more in its configuration, where `AUTHORITY` is the authority's certificate, and with or without its user.
    pub(in crate::packs) fn start_with(more: &str, user: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        certify(folder.path());
        let hash = "import bcrypt, sys; print(bcrypt.hashpw(sys.argv[1].encode(), bcrypt.gensalt(4)).decode())";
        let hash = python::command("registry", "python").args(["-c", hash, PASSWORD]).output().expect("Python runs");
        assert!(hash.status.success(), "{}", String::from_utf8_lossy(&hash.stderr));
        let hash = String::from_utf8(hash.stdout).expect("a hash is text");
        fs::write(folder.path().join("htpasswd"), format!("{USER}:{hash}")).expect("the folder can be written to");
        let port = free_port();
        let at = folder.path().display();
        let auth = if user {
            format!("auth: {{ htpasswd: {{ realm: test, path: {at}/htpasswd }} }}\n")
        } else {
            String::new()
        };
        let more = more.replace("AUTHORITY", &format!("{at}/authority/ca.crt"));
        let config = format!(
            "version: 0.1\n\
             log: {{ level: error, accesslog: {{ disabled: true }} }}\n\
             storage: {{ filesystem: {{ rootdirectory: {at}/storage }}, delete: {{ enabled: true }} }}\n\
             http: {{ addr: '127.0.0.1:{port}', tls: {{ certificate: {at}/server.pem, key: {at}/server.key }} }}\n\
             {auth}{more}\n"
        );
        fs::write(folder.path().join("config.yml"), config).expect("the folder can be written to");
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(folder.path().join("config.yml"))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("docker-registry (Debian: docker-registry) does not start: {error}"));
        let mut server = Self { child, port, folder };
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Ok(Some(status)) = server.child.try_wait() {
                panic!("docker-registry ended at its start: {status}");
            }
            assert!(Instant::now() < deadline, "docker-registry does not listen");
            sleep(Duration::from_millis(20));
        }
        server
    }

    /// The registry's host, with its port.
    pub(in crate::packs) fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The folder with the authority's certificate, alone, as `ca.crt`.
    pub(in crate::packs) fn authority(&self) -> PathBuf {
        self.folder.path().join("authority")
    }

    /// A folder for what a test writes.
    pub(in crate::packs) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes an authority, and by it a certificate for `localhost`.
fn certify(folder: &Path) {
    fs::create_dir(folder.join("authority")).expect("the folder can be written to");
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").expect("the folder can be written to");
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let authority =
        ["req", "-x509", "-keyout", "ca.key", "-out", "authority/ca.crt", "-days", "2", "-subj", "/CN=tests"];
    let request = ["req", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"];
    let sign = [
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "authority/ca.crt",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "names",
        "-out",
        "server.pem",
    ];
    for (arguments, more) in [(&authority[..], &key[..]), (&request, &key), (&sign, &[])] {
        let mut openssl = Command::new("openssl");
        let done = openssl.args(arguments).args(more).current_dir(folder).output().expect("openssl runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}
