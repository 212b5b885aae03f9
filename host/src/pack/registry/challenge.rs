//! How a registry asks for credentials, and whether where it wants them sent is a place for them.
//!
//! A token service on another host is usual: Docker Hub's `registry-1.docker.io` has its own on `auth.docker.io`, `registry.gitlab.com` on
//! `gitlab.com`, `registry.digitalocean.com` on `api.digitalocean.com`; most others have it on the registry's own host. So it may be on
//! the registry's host, below it, or under the domain that the registry's host is in. That domain must be somebody's: a suffix under which strangers
//! get names, such as `co.uk` or `azurecr.io`, makes nobody related. Somebody who answers in the place of the registry could ask for a
//! password by `Basic` as well; what this prevents is that a line in a header leads it to a stranger.

use reqwest::Url;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use url::Host;

use super::error::RegistryError;
use crate::escape;

/// Suffixes under which anybody may have a registry.
const SHARED: [&str; 8] = [
    "amazonaws.com",
    "azurecr.io",
    "azurewebsites.net",
    "cloudfront.net",
    "github.io",
    "gitlab.io",
    "jfrog.io",
    "run.app",
];

/// How a registry asks for credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// The user's name and password with each request.
    Basic,
    /// A token, from a service that takes those.
    Bearer {
        /// Where the service is.
        realm: String,
        /// What the service calls the registry.
        service: Option<String>,
    },
}

impl Challenge {
    /// Reads the way that keeps the password from most eyes of those that a registry offers.
    pub(super) fn read(host: &str, headers: &HeaderMap) -> Result<Self, RegistryError> {
        let mut found = None;
        let mut said = Vec::new();
        for header in headers.get_all(WWW_AUTHENTICATE) {
            let Ok(text) = header.to_str() else { continue };
            said.push(text);
            for challenge in http_auth::parser::ChallengeParser::new(text).map_while(Result::ok) {
                let parameter = |name: &str| {
                    let mut found = challenge.params.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
                    found.next().map(|(_, value)| value.to_unescaped())
                };
                if challenge.scheme.eq_ignore_ascii_case("bearer")
                    && let Some(realm) = parameter("realm")
                {
                    return Ok(Self::Bearer { realm, service: parameter("service") });
                }
                if challenge.scheme.eq_ignore_ascii_case("basic") {
                    found = Some(Self::Basic);
                }
            }
        }
        let said = escape::terminal(&escape::shortened(&said.join(", "), 200));
        found.ok_or_else(|| RegistryError::Challenge { host: host.to_owned(), said })
    }
}

/// Judges where a registry wants its tokens fetched.
pub(super) fn realm(registry: &Url, text: &str) -> Result<Url, RegistryError> {
    let host = registry.authority().to_owned();
    let shown = || escape::terminal(&escape::shortened(text, 200));
    let elsewhere = || RegistryError::RealmElsewhere { host: host.clone(), realm: shown() };
    let url = Url::parse(text).map_err(|_| elsewhere())?;
    match url.scheme() {
        "https" => {}
        // The registry itself is spoken to without TLS, because it is on this machine or because that was asked for.
        "http" if registry.scheme() == "http" => {}
        "http" => return Err(RegistryError::RealmPlainHttp { host, realm: shown() }),
        _ => return Err(elsewhere()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(elsewhere());
    }
    let related = match (registry.host(), url.host()) {
        (Some(Host::Domain(registry)), Some(Host::Domain(realm))) => are_related(registry, realm),
        (registry, realm) => registry == realm,
    };
    if related { Ok(url) } else { Err(elsewhere()) }
}

/// Tells whether a host's token service may be on another host.
fn are_related(registry: &str, realm: &str) -> bool {
    let is_under = |domain: &str| realm.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if is_under(registry) {
        return true;
    }
    registry.split_once('.').is_some_and(|(_, domain)| is_somebodys(domain) && is_under(domain))
}

/// Tells whether a domain belongs to somebody, as `example.com` does, and not to everybody, as `com`, `co.uk` and `azurecr.io` do.
fn is_somebodys(domain: &str) -> bool {
    let labels: Vec<&str> = domain.split('.').collect();
    let shared = SHARED.iter().any(|shared| domain.ends_with(shared));
    match labels[..] {
        [] | [_] => false,
        // Countries sell names one level down: co.uk, com.au, ne.jp.
        [second, country] => !shared && (country.len() > 2 || second.len() > 3),
        _ => !shared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(headers: &[&str]) -> Result<Challenge, RegistryError> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(WWW_AUTHENTICATE, header.parse().unwrap());
        }
        Challenge::read("a.example", &map)
    }

    fn judged(registry: &str, text: &str) -> Result<Url, RegistryError> {
        realm(&Url::parse(registry).unwrap(), text)
    }

    #[test]
    fn a_token_is_preferred_to_a_password_in_each_request() {
        let bearer = "Bearer realm=\"https://a.example/token\",service=\"a\",scope=\"repository:other:*\"";
        let expected = Challenge::Bearer { realm: "https://a.example/token".to_owned(), service: Some("a".to_owned()) };
        assert_eq!(challenge(&[bearer]).unwrap(), expected);
        assert_eq!(challenge(&["Basic realm=\"x\"", bearer]).unwrap(), expected);
        assert_eq!(challenge(&["basic realm=x"]).unwrap(), Challenge::Basic);
        assert_eq!(challenge(&["Bearer service=a, Basic realm=x"]).unwrap(), Challenge::Basic);
        for bad in [&[][..], &["Negotiate"], &["Bearer"], &["\u{1b}[2J"]] {
            let headers: Vec<&str> = bad.iter().copied().filter(|text| !text.contains('\u{1b}')).collect();
            assert!(matches!(challenge(&headers), Err(RegistryError::Challenge { .. })), "{bad:?}");
        }
    }

    #[test]
    fn a_token_service_is_the_registrys_own_or_a_relatives() {
        for (registry, realm) in [
            ("https://registry-1.docker.io", "https://auth.docker.io/token"),
            ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth"),
            ("https://registry.digitalocean.com", "https://api.digitalocean.com/v2/registry/auth"),
            ("https://ghcr.io", "https://ghcr.io/token"),
            ("https://quay.io", "https://quay.io/v2/auth"),
            ("https://ghcr.io", "https://auth.ghcr.io/token"),
            ("https://registry.example.co.uk", "https://auth.example.co.uk/token"),
            ("https://registry.example.com:5000", "https://registry.example.com:5001/auth"),
            ("https://one.azurecr.io", "https://one.azurecr.io/oauth2/token"),
            ("https://192.0.2.7:5000", "https://192.0.2.7/auth"),
            ("http://localhost:5000", "http://localhost:5001/auth"),
        ] {
            assert!(judged(registry, realm).is_ok(), "{registry} {realm}");
        }
    }

    #[test]
    fn a_token_service_of_a_stranger_is_refused() {
        for (registry, realm) in [
            ("https://registry.example.com", "https://evil.example/token"),
            ("https://registry.example.com", "https://evilexample.com/token"),
            ("https://registry.example.com", "https://example.com.evil.example/token"),
            ("https://ghcr.io", "https://evil.io/token"),
            ("https://example.co.uk", "https://evil.co.uk/token"),
            ("https://one.azurecr.io", "https://two.azurecr.io/token"),
            ("https://1.dkr.ecr.us-east-1.amazonaws.com", "https://2.dkr.ecr.us-east-1.amazonaws.com/token"),
            ("https://192.0.2.7", "https://192.0.2.8/token"),
            ("https://localhost:5000", "https://127.0.0.1:5000/token"),
            ("https://registry.example.com", "https://anaya:x@registry.example.com/token"),
            ("https://registry.example.com", "file:///etc/passwd"),
            ("https://registry.example.com", "/token"),
        ] {
            let judged = judged(registry, realm);
            assert!(matches!(judged, Err(RegistryError::RealmElsewhere { .. })), "{registry} {realm}: {judged:?}");
        }
    }

    #[test]
    fn a_token_service_without_tls_is_refused_where_the_registry_has_it() {
        for realm in ["http://registry.example.com/token", "http://localhost/token"] {
            let judged = judged("https://registry.example.com", realm);
            assert!(matches!(judged, Err(RegistryError::RealmPlainHttp { .. })), "{realm}: {judged:?}");
        }
    }
}
