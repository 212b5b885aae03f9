//! Credentials for a registry, from where Docker and its kin keep them.
//!
//! Whatever is found is for the registry's own host. A file or variable that is set and cannot be understood stops the search: what the operator
//! named is never passed over in silence for something else.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use docker_credential::{CredentialRetrievalError as Fault, DockerCredential};
use reqwest::header::HeaderValue;

use super::error::RegistryError;

/// How long a credential helper may take, which may ask a key ring or a cloud.
const HELPER: Duration = Duration::from_secs(30);

/// How large a configuration may be, in bytes.
const LARGEST: u64 = 1 << 20;

/// What a credential helper says of a host that it has nothing for: this sentence is part of its protocol.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// Where credentials are looked for, in this order.
#[derive(Clone, Debug, Default)]
pub struct Credentials(Vec<Place>);

/// A place with credentials, in the form of Docker's `config.json`.
#[derive(Clone)]
pub enum Place {
    /// The content of a `config.json`, as an environment variable has it.
    Variable {
        /// The variable's name.
        name: &'static str,
        /// What it holds.
        content: String,
    },
    /// A file that somebody named, which has to be there.
    Named {
        /// The name of the variable that names it.
        by: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A file that may be there.
    Usual(PathBuf),
}

/// A user's credential for one host.
pub(super) struct Credential {
    pub(super) kind: DockerCredential,
    /// Where it is from.
    pub(super) from: String,
}

impl Credentials {
    /// Looks nowhere: everything is asked for without credentials.
    pub fn none() -> Self {
        Self::default()
    }

    /// Looks in these places, the first one first.
    pub fn from_places(places: Vec<Place>) -> Self {
        Self(places)
    }

    /// Looks where the environment says: the content of `DOCKER_AUTH_CONFIG`, the file of `REGISTRY_AUTH_FILE`, `config.json` in the folder of
    /// `DOCKER_CONFIG`, and `~/.docker/config.json`.
    pub fn from_environment() -> Self {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let mut places = Vec::new();
        if let Some(content) = set("DOCKER_AUTH_CONFIG") {
            let content = content.to_string_lossy().into_owned();
            places.push(Place::Variable { name: "DOCKER_AUTH_CONFIG", content });
        }
        if let Some(path) = set("REGISTRY_AUTH_FILE") {
            places.push(Place::Named { by: "REGISTRY_AUTH_FILE", path: path.into() });
        }
        // A folder for Docker's own use, in which there need not be any credentials.
        if let Some(folder) = set("DOCKER_CONFIG") {
            places.push(Place::Usual(PathBuf::from(folder).join("config.json")));
        }
        if let Some(home) = set("HOME") {
            places.push(Place::Usual(PathBuf::from(home).join(".docker/config.json")));
        }
        Self(places)
    }

    /// Tells where credentials are looked for, for messages.
    pub(super) fn looked(&self) -> String {
        let places: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        match places.as_slice() {
            [] => "there is no place to look for any".to_owned(),
            [place] => format!("there are none in {place}"),
            [first @ .., last] => format!("there are none in {} or {last}", first.join(", ")),
        }
    }

    /// Returns the credential for a host, asking a credential helper where the configuration names one.
    pub(super) async fn of(&self, host: &str) -> Result<Option<Credential>, RegistryError> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let (places, asked) = (self.clone(), host.to_owned());
        // A thread of its own, and not the runtime's: that would wait for a helper that hangs before it ends.
        thread::spawn(move || {
            // Nobody may be waiting any more.
            let _ = sender.send(places.find(&asked));
        });
        match tokio::time::timeout(HELPER, receiver).await {
            Ok(Ok(found)) => found,
            _ => Err(RegistryError::Credentials {
                host: host.to_owned(),
                from: "a credential helper".to_owned(),
                problem: "it does not answer",
            }),
        }
    }

    fn find(&self, host: &str) -> Result<Option<Credential>, RegistryError> {
        for place in &self.0 {
            let fault =
                |problem| RegistryError::Credentials { host: host.to_owned(), from: place.to_string(), problem };
            let Some(content) = place.content().map_err(fault)? else { continue };
            // What a helper said may be the secret itself, so none of it stands in a message.
            let problem = match docker_credential::get_credential_from_reader(content.as_bytes(), key(host)) {
                Ok(kind) => return Ok(Some(Credential { kind, from: place.to_string() })),
                Err(Fault::NoCredentialConfigured) => continue,
                Err(Fault::HelperFailure { stdout, .. }) if stdout.trim() == NOT_FOUND => continue,
                Err(Fault::HelperFailure { .. }) => "its credential helper failed",
                Err(Fault::HelperCommunicationError) => "its credential helper cannot be run",
                Err(Fault::MalformedHelperResponse) => "its credential helper gave something else",
                Err(Fault::CredentialDecodingError) => "`auth` is not a user name and a password in base64",
                Err(Fault::CredentialMismatchError) => "`auth` says something else than `username` and `password`",
                Err(Fault::ConfigNotFound | Fault::ConfigReadError) => "it is not understood",
            };
            return Err(fault(problem));
        }
        Ok(None)
    }
}

/// Returns the name under which the credentials for a host are kept. Docker Hub's has a history.
fn key(host: &str) -> &str {
    if is_docker_hub(host) { "https://index.docker.io/v1/" } else { host }
}

/// Tells whether a host is one of Docker Hub's names.
pub(super) fn is_docker_hub(host: &str) -> bool {
    matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io")
}

impl Place {
    fn content(&self) -> Result<Option<String>, &'static str> {
        let (path, may_miss) = match self {
            Self::Variable { content, .. } => return Ok(Some(content.clone())),
            Self::Named { path, .. } => (path, false),
            Self::Usual(path) => (path, true),
        };
        match fs::metadata(path) {
            Ok(metadata) if metadata.len() > LARGEST => return Err("it is too large"),
            Err(error) if may_miss && error.kind() == io::ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        fs::read_to_string(path).map(Some).map_err(|_| "it cannot be read")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { name, .. } => write!(formatter, "the variable {name}"),
            Self::Named { by, path } => write!(formatter, "`{}` (of {by})", crate::escape::path(path)),
            Self::Usual(path) => write!(formatter, "`{}`", crate::escape::path(path)),
        }
    }
}

// What a variable holds is a secret.
impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Writes the header of a user name and a password.
pub(super) fn basic(user: &str, password: &str) -> HeaderValue {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    sensitive(&format!("Basic {encoded}")).expect("base64 is made of a header's characters")
}

/// Writes a header that no log shows; nothing where the text cannot stand in one.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(content: &str) -> Place {
        Place::Variable { name: "DOCKER_AUTH_CONFIG", content: content.to_owned() }
    }

    fn found(places: Vec<Place>, host: &str) -> Option<(String, String)> {
        match Credentials(places).find(host).unwrap()?.kind {
            DockerCredential::UsernamePassword(user, password) => Some((user, password)),
            DockerCredential::IdentityToken(token) => Some((String::new(), token)),
        }
    }

    fn of(host: &str, user: &str) -> String {
        format!(r#"{{"auths":{{"{host}":{{"auth":"{}"}}}}}}"#, STANDARD.encode(format!("{user}:pass:word")))
    }

    #[test]
    fn a_credential_is_for_its_own_host_and_port_alone() {
        let places = || vec![variable(&of("registry.example.com:5000", "anaya"))];
        let expected = Some(("anaya".to_owned(), "pass:word".to_owned()));
        assert_eq!(found(places(), "registry.example.com:5000"), expected);
        for other in ["registry.example.com", "example.com", "a.registry.example.com:5000", "registry.example.com:5001"]
        {
            assert_eq!(found(places(), other), None, "{other}");
        }
    }

    #[test]
    fn the_first_place_that_knows_the_host_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        fs::write(&file, of("a.example", "file")).unwrap();
        let usual = || Place::Usual(file.clone());
        let user = |places, host| found(places, host).map(|(user, _)| user);
        assert_eq!(user(vec![variable(&of("a.example", "variable")), usual()], "a.example").unwrap(), "variable");
        assert_eq!(user(vec![variable(&of("b.example", "variable")), usual()], "a.example").unwrap(), "file");
        assert_eq!(user(vec![Place::Usual(folder.path().join("none")), usual()], "a.example").unwrap(), "file");
    }

    #[test]
    fn docker_hub_is_known_by_all_its_names() {
        let places = || vec![variable(&of("https://index.docker.io/v1/", "anaya"))];
        for host in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
            assert!(found(places(), host).is_some(), "{host}");
        }
    }

    #[test]
    fn what_is_named_and_cannot_be_understood_stops_the_search() {
        let named = |path: &str| Place::Named { by: "REGISTRY_AUTH_FILE", path: path.into() };
        let good = || variable(&of("a.example", "anaya"));
        for bad in [
            variable("hunter2"),
            variable(r#"{"auths":{"a.example":{"auth":"hunter2!"}}}"#),
            named("/nowhere/auth.json"),
            variable(r#"{"credHelpers":{"a.example":"of-orgwatch-that-nobody-has"}}"#),
        ] {
            let Err(error) = Credentials(vec![bad, good()]).find("a.example") else { panic!("it was passed over") };
            assert!(matches!(error, RegistryError::Credentials { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn no_message_shows_what_a_variable_holds() {
        let credentials = Credentials(vec![variable("hunter2")]);
        assert!(!format!("{credentials:?} {}", credentials.looked()).contains("hunter2"));
        let header = basic("anaya", "hunter2");
        assert!(header.is_sensitive());
    }
}
