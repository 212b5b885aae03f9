//! Registries that send the program, its credentials or its uploads to places where they do not belong.

use orgwatch_host::pack::packed::Layout;
use orgwatch_host::pack::registry::{RegistryError, RegistryOptions};

use super::server::Server;
use super::{PASSWORD, blobs, credentials, honest, options, pack, reference, registry, secret, wait};
use crate::servers::{Asked, Reply, Scripted};

/// Somebody else, who gives every blob of the pack to everybody, and a token too.
fn stranger() -> Scripted {
    let (layout, _) = pack("1.0.0");
    Scripted::start(move |asked, _| {
        if asked.path.contains("token") {
            return Reply::ok("{\"token\":\"from-a-stranger\"}");
        }
        honest::answer(&layout, asked)
    })
}

/// Tells whether a server was sent the user's name and password, in any form.
fn knows_the_secret(server: &Scripted) -> bool {
    server.asked().iter().any(|asked| {
        let request = format!("{asked:?} {}", String::from_utf8_lossy(&asked.body));
        request.contains(&secret()) || request.contains(PASSWORD) || request.contains("correct+horse")
    })
}

/// Pulls the pack from a registry that is spoken to without TLS, as somebody who has credentials for it.
fn pull(server: &Scripted) -> Result<Layout, RegistryError> {
    let state = tempfile::tempdir().expect("a temporary folder");
    let mut options = options(state.path());
    options.credentials = credentials(&server.host(), PASSWORD);
    wait(registry(options).pull(&reference(&format!("oci://{}/team/pack:1", server.host())))).map(|(_, layout)| layout)
}

/// A registry with a password that sends its downloads to somewhere.
fn sending_to(target: impl Fn(&Asked) -> String + Send + Sync + 'static) -> Scripted {
    let (layout, _) = pack("1.0.0");
    Scripted::start(move |asked, _| {
        if asked.path.contains("/blobs/") && asked.header("authorization").is_some() {
            return Reply::redirect(&target(asked));
        }
        honest::basic(&layout, asked)
    })
}

#[test]
fn a_download_is_sent_on_to_an_object_store_and_takes_no_credential_along() {
    let store = stranger();
    let host = store.host();
    let server = sending_to(move |asked| format!("http://{host}{}?signature=x", asked.path));
    // The store knows blobs by their paths alone.
    let layout = Scripted::start({
        let (layout, _) = pack("1.0.0");
        move |asked, _| {
            let path = asked.path.replace("?signature=x", "");
            honest::answer(&layout, &Asked { path, ..asked.clone() })
        }
    });
    let host = layout.host();
    let again = sending_to(move |asked| format!("http://{host}{}?signature=x", asked.path));
    assert!(pull(&server).is_err(), "a store that does not have it");
    assert_eq!(blobs(&pull(&again).unwrap()), blobs(&pack("1.0.0").0));
    for store in [store, layout] {
        assert!(!store.asked().is_empty());
        assert!(store.asked().iter().all(|asked| asked.header("authorization").is_none()));
        assert!(!knows_the_secret(&store));
    }
    assert!(knows_the_secret(&again));
}

#[test]
fn a_download_is_not_sent_on_to_a_metadata_service() {
    for target in
        ["http://169.254.169.254/latest", "https://169.254.170.2/", "https://[fd00:ec2::254]/", "https://2852039166/"]
    {
        let error = pull(&sending_to(|_| target.to_owned())).unwrap_err();
        assert!(matches!(error, RegistryError::RedirectedToAddress { .. }), "{target}: {error:?}");
    }
}

#[test]
fn a_download_is_not_sent_on_to_a_place_without_tls() {
    for target in ["http://192.0.2.7/blob", "ftp://192.0.2.7/blob"] {
        let error = pull(&sending_to(|_| target.to_owned())).unwrap_err();
        assert!(matches!(error, RegistryError::RedirectedToPlainHttp { .. }), "{target}: {error:?}");
    }
}

#[test]
fn a_registry_with_tls_sends_nobody_to_a_place_without() {
    let store = stranger();
    let more = format!(
        "middleware: {{ storage: [{{ name: redirect, options: {{ baseurl: 'http://{}/' }} }}] }}",
        store.host()
    );
    let server = Server::start_with(&more, true);
    let (layout, digest) = pack("1.0.0");
    let state = tempfile::tempdir().unwrap();
    let registry = registry(with_tls(options(state.path()), &server));
    wait(registry.push(&layout, &reference(&format!("oci://{}/pack", server.host())), &[])).unwrap();
    let pinned = reference(&format!("oci://{}/pack@{}", server.host(), digest.tagged()));
    let error = wait(registry.pull(&pinned)).unwrap_err();
    assert!(matches!(error, RegistryError::RedirectedToPlainHttp { .. }), "{error:?}");
    assert!(store.asked().is_empty());
}

#[test]
fn a_download_is_not_sent_on_for_ever() {
    let server = sending_to(|asked| asked.path.clone());
    let circle = Scripted::start(|asked, _| Reply::redirect(&asked.path));
    let host = circle.host();
    let error = pull(&sending_to(move |_| format!("http://{host}/blobs/round"))).unwrap_err();
    assert!(matches!(error, RegistryError::RedirectedTooOften { limit: 3, .. }), "{error:?}");
    // To itself, where the credential is not sent along a second time.
    assert!(pull(&server).is_err());
}

#[test]
fn nothing_but_a_download_is_sent_on() {
    for part in ["/manifests/", "/blobs/uploads/", "/tags/"] {
        let other = stranger();
        let host = other.host();
        let (layout, _) = pack("1.0.0");
        let server = Scripted::start(move |asked, _| {
            if asked.header("authorization").is_some() && asked.path.contains(part) {
                return Reply::redirect(&format!("http://{host}{}", asked.path));
            }
            if asked.method == "HEAD" {
                return Reply::status(404);
            }
            honest::basic(&layout, asked)
        });
        let state = tempfile::tempdir().unwrap();
        let mut options = options(state.path());
        options.credentials = credentials(&server.host(), PASSWORD);
        let (registry, tag) = (registry(options), reference(&format!("oci://{}/team/pack:1", server.host())));
        let error = match part {
            "/manifests/" => wait(registry.pull(&tag)).map(|_| ()).unwrap_err(),
            "/tags/" => wait(registry.tags(&tag)).map(|_| ()).unwrap_err(),
            _ => wait(registry.push(&pack("1.0.0").0, &tag, &[])).map(|_| ()).unwrap_err(),
        };
        assert!(matches!(error, RegistryError::Redirected { .. }), "{part}: {error:?}");
        assert!(other.asked().is_empty(), "{part}");
    }
}

#[test]
fn a_token_service_of_a_stranger_gets_nothing() {
    let other = stranger();
    // The same machine by another name: who is a stranger is decided by the name.
    let realm = format!("http://{}/token", other.host().replace("127.0.0.1", "localhost"));
    let (layout, _) = pack("1.0.0");
    let server = Scripted::start(move |asked, _| honest::bearer(&layout, asked, &realm));
    let error = pull(&server).unwrap_err();
    assert!(matches!(error, RegistryError::RealmElsewhere { .. }), "{error:?}");
    assert!(other.asked().is_empty() && !knows_the_secret(&server));
}

#[test]
fn a_token_service_without_tls_gets_nothing_where_the_registry_has_it() {
    let other = stranger();
    for host in [other.host(), other.host().replace("127.0.0.1", "localhost")] {
        let folder = tempfile::tempdir().unwrap();
        let auth = format!(
            "auth: {{ token: {{ realm: 'http://{host}/token', service: test, issuer: test, rootcertbundle: AUTHORITY }} }}"
        );
        let server = Server::start_with(&auth, false);
        let registry = registry(with_tls(options(folder.path()), &server));
        let error = wait(registry.pull(&reference(&format!("oci://{}/pack:1", server.host())))).unwrap_err();
        assert!(matches!(error, RegistryError::RealmPlainHttp { .. }), "{error:?}");
    }
    assert!(other.asked().is_empty());
}

#[test]
fn a_token_is_asked_for_as_a_guest_first_and_for_no_more_than_is_needed() {
    let (layout, _) = pack("1.0.0");
    for guests in [true, false] {
        let layout = layout.clone();
        // The token service of the registry itself, which does or does not let guests in.
        let server = Scripted::start(move |asked, _| {
            if asked.path.starts_with("/token") {
                let known = asked.header("authorization").is_some();
                return if guests || known { Reply::ok("{\"access_token\":\"t\"}") } else { Reply::status(401) };
            }
            let host = asked.header("host").unwrap_or_default();
            honest::bearer(&layout, asked, &format!("http://{host}/token"))
        });
        pull(&server).unwrap();
        assert_eq!(knows_the_secret(&server), !guests);
        let tokens: Vec<Asked> = server.asked().into_iter().filter(|asked| asked.path.starts_with("/token")).collect();
        assert_eq!(tokens.len(), if guests { 1 } else { 2 });
        for token in tokens {
            assert_eq!(token.path, "/token?service=test&scope=repository%3Ateam%2Fpack%3Apull");
        }
    }
}

#[test]
fn a_token_service_sends_nobody_on() {
    let other = stranger();
    let host = other.host();
    let (layout, _) = pack("1.0.0");
    let server = Scripted::start(move |asked, _| {
        if asked.path.starts_with("/token") {
            return Reply::redirect(&format!("http://{host}/token"));
        }
        let own = asked.header("host").unwrap_or_default();
        honest::bearer(&layout, asked, &format!("http://{own}/token"))
    });
    let error = pull(&server).unwrap_err();
    assert!(matches!(error, RegistryError::Redirected { .. }), "{error:?}");
    assert!(other.asked().is_empty());
}

#[test]
fn an_upload_goes_to_the_registry_itself_or_nowhere() {
    let other = stranger();
    let host = other.host();
    let server = Scripted::start(move |asked, _| match (asked.method.as_str(), asked.header("authorization")) {
        (_, None) => Reply::status(401).with("WWW-Authenticate", "Basic realm=\"test\""),
        ("POST", _) => Reply::status(202).with("Location", &format!("http://{host}{}1", asked.path)),
        _ => Reply::status(404),
    });
    let state = tempfile::tempdir().unwrap();
    let mut options = options(state.path());
    options.credentials = credentials(&server.host(), PASSWORD);
    let target = reference(&format!("oci://{}/team/pack", server.host()));
    let error = wait(registry(options).push(&pack("1.0.0").0, &target, &[])).unwrap_err();
    assert!(matches!(error, RegistryError::LocationElsewhere { .. }), "{error:?}");
    assert!(other.asked().is_empty());
}

#[test]
fn the_next_page_of_tags_is_the_registrys_own() {
    let other = stranger();
    let link = format!("<http://{}/v2/tags>; rel=\"next\"", other.host());
    let server = Scripted::start(move |_, _| Reply::ok("{\"tags\":[\"1\"]}").with("Link", &link));
    let state = tempfile::tempdir().unwrap();
    let target = reference(&format!("oci://{}/team/pack", server.host()));
    let error = wait(registry(options(state.path())).tags(&target)).unwrap_err();
    assert!(matches!(error, RegistryError::Redirected { .. }), "{error:?}");
    assert!(other.asked().is_empty());
}

#[test]
fn a_registry_is_not_reached_at_a_metadata_address_whatever_is_asked_for() {
    let state = tempfile::tempdir().unwrap();
    let mut options = options(state.path());
    options.plain_http = true;
    let registry = registry(options);
    for host in ["169.254.169.254:80", "169.254.170.2", "[fd00:ec2::254]", "0.0.0.0:5000", "127.0.0.2:5000"] {
        let error = wait(registry.pull(&reference(&format!("oci://{host}/team/pack:1")))).unwrap_err();
        assert!(matches!(error, RegistryError::Address { .. }), "{host}: {error:?}");
    }
}

fn with_tls(options: RegistryOptions, server: &Server) -> RegistryOptions {
    let mut options = options;
    options.ca = Some(server.authority().join("ca.crt"));
    options.credentials = credentials(&server.host(), PASSWORD);
    options.patience.silence = std::time::Duration::from_secs(30);
    options
}
