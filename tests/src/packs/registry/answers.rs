//! What a registry says of itself and of what it gives: that it is busy, that it fails, that something is something else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use orgwatch_host::digest::Digest;
use orgwatch_host::pack::registry::RegistryError;

use super::{PASSWORD, blobs, credentials, honest, options, pack, reference, registry, secret, wait};
use crate::servers::{Reply, Scripted};

fn pull(server: &Scripted) -> Result<Digest, RegistryError> {
    let state = tempfile::tempdir().expect("a temporary folder");
    let mut options = options(state.path());
    options.credentials = credentials(&server.host(), PASSWORD);
    wait(registry(options).pull(&reference(&format!("oci://{}/team/pack:1", server.host())))).map(|(digest, _)| digest)
}

#[test]
fn a_busy_registry_or_one_in_trouble_is_asked_again() {
    for status in [429, 500, 502, 503, 504] {
        let (layout, digest) = pack("1.0.0");
        let server = Scripted::start(move |asked, before| {
            if before < 2 { Reply::status(status).with("Retry-After", "0") } else { honest::answer(&layout, asked) }
        });
        assert_eq!(pull(&server).unwrap(), digest, "{status}");
    }
}

#[test]
fn a_registry_that_stays_busy_is_left_alone() {
    let server = Scripted::start(|_, _| Reply::status(429));
    assert!(matches!(pull(&server).unwrap_err(), RegistryError::Busy { after: None, .. }));
    assert_eq!(server.asked().len(), 3);
    let server = Scripted::start(|_, _| Reply::status(429).with("Retry-After", "3000"));
    let error = pull(&server).unwrap_err();
    assert!(
        matches!(error, RegistryError::Busy { after: Some(after), .. } if after == Duration::from_mins(50)),
        "{error:?}"
    );
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_registry_that_asks_for_credentials_for_ever_is_given_up() {
    for challenge in ["Basic realm=\"x\"", "Bearer realm=\"http://HOST/token\""] {
        let server = Scripted::start(move |asked, _| {
            if asked.path.starts_with("/token") {
                return Reply::ok("{\"token\":\"t\"}");
            }
            let host = asked.header("host").unwrap_or_default();
            Reply::status(401).with("WWW-Authenticate", &challenge.replace("HOST", host))
        });
        let error = pull(&server).unwrap_err();
        assert!(matches!(error, RegistryError::Unauthorized { .. }), "{challenge}: {error:?}");
        assert!(server.asked().len() <= 5, "{challenge}: {}", server.asked().len());
    }
}

#[test]
fn a_token_that_expires_on_the_way_is_fetched_anew() {
    for guests in [true, false] {
        let (layout, digest) = pack("1.0.0");
        let tokens = AtomicUsize::new(0);
        let uses = AtomicUsize::new(0);
        let server = Scripted::start(move |asked, _| {
            let authorization = asked.header("authorization").unwrap_or_default();
            if asked.path.starts_with("/token") {
                if !guests && authorization.is_empty() {
                    return Reply::status(401);
                }
                return Reply::ok(format!("{{\"token\":\"t{}\"}}", tokens.fetch_add(1, Ordering::Relaxed)));
            }
            // The first token is good for two requests: the pack's manifest and one more.
            let is_expired = authorization == "Bearer t0" && uses.fetch_add(1, Ordering::Relaxed) >= 2;
            let host = asked.header("host").unwrap_or_default();
            let realm = format!("http://{host}/token");
            let expired = Reply::status(401).with("WWW-Authenticate", &format!("Bearer realm=\"{realm}\""));
            if is_expired { expired } else { honest::bearer(&layout, asked, &realm) }
        });
        assert_eq!(pull(&server).unwrap(), digest);
        let known = server.asked().iter().any(|asked| format!("{asked:?}").contains(&secret()));
        assert_eq!(known, !guests, "a guest stays one");
    }
}

#[test]
fn a_digest_that_a_registry_says_has_to_be_so() {
    let (layout, _) = pack("1.0.0");
    let said = Digest::of("something else").tagged();
    let server = Scripted::start(move |asked, _| {
        let pack = layout.pack().unwrap().0;
        Reply::ok(layout.blob(pack).unwrap().to_vec()).with(
            "Docker-Content-Digest",
            &if asked.path.contains("/manifests/") { said.clone() } else { String::new() },
        )
    });
    let error = pull(&server).unwrap_err();
    assert!(matches!(error, RegistryError::ContentDigest { .. }), "{error:?}");
}

#[test]
fn a_tag_that_moves_between_two_requests_makes_no_mixture() {
    let (old, old_digest) = pack("1.0.0");
    let (new, new_digest) = pack("2.0.0");
    let server = Scripted::start(move |asked, before| {
        let is_tag = asked.path.ends_with("/manifests/1");
        let is_old = old.blobs().any(|(digest, _)| asked.path.ends_with(&digest.tagged()));
        honest::answer(if is_old || (is_tag && before == 0) { &old } else { &new }, asked)
    });
    let state = tempfile::tempdir().unwrap();
    let registry = registry(options(state.path()));
    let tag = reference(&format!("oci://{}/team/pack:1", server.host()));
    // What was resolved is what is pulled by its digest, whatever the tag names by now.
    let resolved = wait(registry.resolve(&tag)).unwrap();
    assert_eq!(resolved, old_digest);
    let (pulled, layout) = wait(registry.pull(&tag.clone().with_digest(resolved))).unwrap();
    assert_eq!((pulled, blobs(&layout)), (old_digest, blobs(&pack("1.0.0").0)));
    // Who asks for the tag gets what it names now, whole.
    let (pulled, layout) = wait(registry.pull(&tag)).unwrap();
    assert_eq!((pulled, blobs(&layout)), (new_digest, blobs(&pack("2.0.0").0)));
}

#[test]
fn what_a_registry_says_moves_no_cursor() {
    let words = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"\\u001b[2Jtrust me\\u202e\"}]}";
    let server = Scripted::start(move |_, _| {
        let mut reply = Reply::ok(words);
        reply.set_status(405);
        reply
    });
    let error = pull(&server).unwrap_err();
    assert!(matches!(error, RegistryError::Refused { .. }), "{error:?}");
    assert!(error.to_string().ends_with("405 DENIED \\u{1b}[2Jtrust me\\u{202e}"), "{error}");
}

#[test]
fn tags_are_listed_page_by_page_and_the_list_ends() {
    let server = Scripted::start(|asked, _| match asked.path.split("last=").nth(1) {
        None => {
            Reply::ok("{\"tags\":[\"1\",\"1.2\"]}").with("Link", "</v2/team/pack/tags/list?last=1.2>; rel=\"next\"")
        }
        // The page that it ends with leads to itself.
        Some(_) => Reply::ok("{\"tags\":[\"2\"]}").with("Link", "</v2/team/pack/tags/list?last=2>; rel=\"next\""),
    });
    let state = tempfile::tempdir().unwrap();
    let registry = registry(options(state.path()));
    let target = reference(&format!("oci://{}/team/pack", server.host()));
    assert_eq!(wait(registry.tags(&target)).unwrap(), ["1", "1.2", "2"]);
    assert_eq!(server.asked().len(), 3);
    let liar = Scripted::start(|_, _| Reply::ok("{\"tags\":[\"\\u001b[2J\"]}"));
    let target = reference(&format!("oci://{}/team/pack", liar.host()));
    assert!(matches!(wait(registry.tags(&target)).unwrap_err(), RegistryError::Reference(_)));
}

#[test]
fn what_is_there_is_not_sent_again() {
    let (layout, digest) = pack("1.0.0");
    let there = layout.clone();
    let server =
        Scripted::start(
            move |asked, _| {
                if asked.path.contains(".sig") { Reply::status(404) } else { honest::answer(&there, asked) }
            },
        );
    let state = tempfile::tempdir().unwrap();
    let target = reference(&format!("oci://{}/team/pack", server.host()));
    let tags = ["1".to_owned(), "1.0".to_owned()];
    assert_eq!(wait(registry(options(state.path())).push(&layout, &target, &tags)).unwrap(), digest);
    let sent: Vec<String> = server
        .asked()
        .into_iter()
        .filter(|asked| asked.method != "HEAD")
        .map(|asked| format!("{} {}", asked.method, asked.path))
        .collect();
    let by_digest = format!("PUT /v2/team/pack/manifests/{}", digest.tagged());
    // The manifest is there by its digest before any tag names it.
    assert_eq!(sent, [by_digest.as_str(), "PUT /v2/team/pack/manifests/1", "PUT /v2/team/pack/manifests/1.0"]);
}
