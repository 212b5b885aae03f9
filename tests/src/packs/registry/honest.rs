//! A registry that answers as it should. The tests let it lie in one thing each.

use orgwatch_host::digest::Digest;
use orgwatch_host::pack::packed::Layout;

use crate::servers::{Asked, Reply};

/// The path of the repository that a registry of the tests has.
pub(super) const PATH: &str = "/v2/team/pack";

/// Answers what a registry with this pack does, under the tag `1`.
pub(super) fn answer(layout: &Layout, asked: &Asked) -> Reply {
    let pack = layout.pack().expect("it holds a pack").0.digest;
    let Some(rest) = asked.path.strip_prefix(PATH) else { return Reply::status(404) };
    let digest = match rest {
        "/manifests/1" => Some(pack),
        _ => rest.rsplit('/').next().and_then(Digest::parse_tagged),
    };
    let blob = digest.and_then(|digest| layout.blobs().find(|(known, _)| **known == digest));
    match (asked.method.as_str(), blob) {
        ("GET", Some((digest, bytes))) if rest.starts_with("/manifests/") => {
            Reply::ok(bytes.to_vec()).with("Docker-Content-Digest", &digest.tagged())
        }
        ("GET", Some((_, bytes))) => part(asked, bytes),
        ("HEAD", Some(_)) => Reply::status(200),
        ("POST", _) => Reply::status(202).with("Location", &format!("{PATH}/blobs/uploads/1?state=2")),
        ("PUT", _) => Reply::status(201),
        _ => Reply::status(404),
    }
}

/// Answers with what of a blob was asked for.
pub(super) fn part(asked: &Asked, bytes: &[u8]) -> Reply {
    let from = asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let Some(from) = from.filter(|from: &usize| *from < bytes.len()) else { return Reply::ok(bytes) };
    let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
    let mut reply = Reply::ok(&bytes[from..]).with("Content-Range", &range);
    reply.set_status(206);
    reply
}

/// Asks for a user's name and password with each request.
pub(super) fn basic(layout: &Layout, asked: &Asked) -> Reply {
    match asked.header("authorization") {
        None => Reply::status(401).with("WWW-Authenticate", "Basic realm=\"test\""),
        Some(_) => answer(layout, asked),
    }
}

/// Asks for a token of a service, and takes any.
pub(super) fn bearer(layout: &Layout, asked: &Asked, realm: &str) -> Reply {
    match asked.header("authorization") {
        Some(token) if token.starts_with("Bearer ") => answer(layout, asked),
        _ => {
            let challenge = format!("Bearer realm=\"{realm}\",service=\"test\",scope=\"repository:everything:*\"");
            Reply::status(401).with("WWW-Authenticate", &challenge)
        }
    }
}
