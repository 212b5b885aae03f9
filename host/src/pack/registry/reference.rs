//! The name of a pack in a registry: `oci://HOST[:PORT]/REPOSITORY[:TAG][@sha256:HEX]`.
//!
//! The grammar is that of the OCI distribution specification, and stricter where programs disagree: the host is always written out and in lower
//! case, so that no name means one registry here and another one elsewhere, and so that equal references are equal texts.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Digest;
use crate::escape;

/// What a reference begins with.
const SCHEME: &str = "oci://";

/// The longest host and repository together, in bytes: the specification advises clients to allow no more.
const LONGEST_NAME: usize = 255;

/// The longest tag, in bytes.
const LONGEST_TAG: usize = 128;

/// A repository of a registry, and what of it is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    host: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It does not begin with `oci://`.
    #[error(
        "`{0}` does not begin with `oci://`\nhint: a reference looks like oci://registry.example.com/team/pack:1.2.3"
    )]
    Scheme(String),
    /// It holds a user's name or a password.
    #[error(
        "a reference holds no user name and no password\nhint: they come from Docker's configuration; `docker login` writes it"
    )]
    Credentials,
    /// It holds a query or a fragment.
    #[error("`{0}` holds `?` or `#`, which a reference does not")]
    Query(String),
    /// The host is none.
    #[error(
        "`{0}` is no host of a registry\nhint: write it out and in lower case, such as registry.example.com or localhost:5000"
    )]
    Host(String),
    /// The repository is none.
    #[error(
        "`{0}` is no name of a repository\nhint: it is made of lower-case letters and digits, with `.`, `_`, `__`, `-` and `/` between them"
    )]
    Repository(String),
    /// Host and repository are too long.
    #[error("host and repository are {0} bytes long, more than 255")]
    TooLong(usize),
    /// The tag is none.
    #[error(
        "`{0}` is no tag\nhint: it is made of up to 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two"
    )]
    Tag(String),
    /// The digest is none.
    #[error("`{0}` is no digest\nhint: it is `sha256:` and 64 hexadecimal digits in lower case")]
    Digest(String),
}

impl Reference {
    /// Returns the host, with its port where one is written.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the repository.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns the digest. Where there is one it decides what is meant, whatever the tag names.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Returns the reference with another digest, as a lock pins it.
    #[must_use]
    pub fn with_digest(mut self, digest: Digest) -> Self {
        self.digest = Some(digest);
        self
    }

    /// Returns the reference with another tag and no digest.
    ///
    /// # Errors
    ///
    /// Fails when the text is no tag.
    pub fn with_tag(mut self, tag: &str) -> Result<Self, ReferenceError> {
        check_tag(tag)?;
        self.tag = Some(tag.to_owned());
        self.digest = None;
        Ok(self)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{SCHEME}{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(formatter, "@{}", digest.tagged())?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| ReferenceError::Scheme(shown(text)))?;
        if rest.contains(['?', '#']) {
            return Err(ReferenceError::Query(shown(text)));
        }
        let (host, rest) = rest.split_once('/').unwrap_or((rest, ""));
        // Before anything is quoted: what stands before an @ may be a password.
        if host.contains('@') {
            return Err(ReferenceError::Credentials);
        }
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => {
                let parsed = Digest::parse_tagged(digest).ok_or_else(|| ReferenceError::Digest(shown(digest)))?;
                (rest, Some(parsed))
            }
            None => (rest, None),
        };
        let (repository, tag) = match rest.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (rest, None),
        };
        if !is_host(host) {
            return Err(ReferenceError::Host(shown(host)));
        }
        if !repository.split('/').all(is_component) {
            return Err(ReferenceError::Repository(shown(repository)));
        }
        let length = host.len() + 1 + repository.len();
        if length > LONGEST_NAME {
            return Err(ReferenceError::TooLong(length));
        }
        if let Some(tag) = tag {
            check_tag(tag)?;
        }
        Ok(Self { host: host.to_owned(), repository: repository.to_owned(), tag: tag.map(str::to_owned), digest })
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Prepares a text that is refused for a message.
fn shown(text: &str) -> String {
    escape::terminal(&escape::shortened(text, 100))
}

/// Tells whether a text is a host with or without a port: a name, an IPv4 address, or an IPv6 address in brackets.
fn is_host(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        let canonical = address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address);
        return canonical && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let name = match text.split_once(':') {
        Some((name, port)) if is_port(port) => name,
        Some(_) => return false,
        None => text,
    };
    // What ends in a number is taken for an address wherever URLs are, in forms that few people read, such as 0x7f.1.
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return name.parse::<Ipv4Addr>().is_ok();
    }
    name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0 && port.to_string() == text)
}

/// Tells whether a text is a part of a repository's name: runs of letters and digits with `.`, `_`, `__` or hyphens between them.
fn is_component(component: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    if !bytes.first().is_some_and(alphanumeric) || !bytes.last().is_some_and(alphanumeric) {
        return false;
    }
    bytes
        .split(alphanumeric)
        .all(|between| matches!(between, b"" | b"." | b"_" | b"__") || between.iter().all(|&byte| byte == b'-'))
}

/// Checks a tag.
pub(super) fn check_tag(tag: &str) -> Result<(), ReferenceError> {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let good = (1..=LONGEST_TAG).contains(&tag.len()) && tag.bytes().all(inner) && !tag.starts_with(['.', '-']);
    if good { Ok(()) } else { Err(ReferenceError::Tag(shown(tag))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Reference, ReferenceError> {
        text.parse()
    }

    #[test]
    fn what_is_written_is_given_back() {
        let digest = Digest::of("").tagged();
        for text in [
            "oci://registry.example.com/pack",
            "oci://registry.example.com/team/some.pack_a__b--c:1.2.3",
            "oci://localhost:5000/pack:latest",
            "oci://192.0.2.7:443/pack",
            "oci://[2001:db8::1]:5000/pack:1",
            "oci://registry/pack:_x",
            &format!("oci://ghcr.io/a/b@{digest}"),
            &format!("oci://ghcr.io/a/b:1@{digest}"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        let reference = parse(&format!("oci://ghcr.io:444/a/b:1@{digest}")).unwrap();
        assert_eq!((reference.host(), reference.repository()), ("ghcr.io:444", "a/b"));
        assert_eq!((reference.tag(), reference.digest()), (Some("1"), Some(Digest::of(""))));
    }

    #[test]
    fn a_host_that_can_be_read_in_two_ways_is_refused() {
        for host in [
            "",
            "Registry.example.com",
            "registry..example.com",
            "registry.example.com.",
            "-a.example",
            "a_b.example",
            "0x7f.1",
            "2130706433",
            "127.1",
            "127.0.0.01",
            "1.2.3.0x4",
            "host:0",
            "host:65536",
            "host:080",
            "host:",
            "[::1",
            "::1",
            "[::0001]",
            "[::1]5000",
            "[fe80::1%eth0]",
            "münchen.example",
            "a b",
            "a\u{202e}b",
        ] {
            let text = format!("oci://{host}/pack");
            assert!(matches!(parse(&text), Err(ReferenceError::Host(_))), "{text}: {:?}", parse(&text));
        }
    }

    #[test]
    fn a_repository_follows_the_grammar() {
        for repository in [
            "", "Pack", "a//b", "/a", "a/", "a..b", "a___b", "a_.b", ".a", "a.", "-a", "a-", "../b", "a/../b", "a%2fb",
            "a\\b",
        ] {
            let text = format!("oci://registry.example.com/{repository}");
            assert!(matches!(parse(&text), Err(ReferenceError::Repository(_))), "{text}: {:?}", parse(&text));
        }
        assert!(matches!(parse("oci://registry.example.com"), Err(ReferenceError::Repository(_))));
        let named = |length: usize| format!("oci://a.example/{}", "b".repeat(length - "a.example/".len()));
        assert!(parse(&named(255)).is_ok());
        assert_eq!(parse(&named(256)), Err(ReferenceError::TooLong(256)));
    }

    #[test]
    fn a_tag_and_a_digest_follow_the_grammar() {
        let longest = "a".repeat(LONGEST_TAG);
        assert!(parse(&format!("oci://a.example/b:{longest}")).is_ok());
        for tag in ["", ".1", "-1", "a:b", "a/b", "a b", "é", &format!("{longest}a")] {
            let text = format!("oci://a.example/b:{tag}");
            assert!(matches!(parse(&text), Err(ReferenceError::Tag(_))), "{text}");
        }
        let hex = "e".repeat(64);
        assert!(parse(&format!("oci://a.example/b@sha256:{hex}")).is_ok());
        for digest in [
            "",
            "sha256:",
            "sha256:ab",
            &format!("sha512:{hex}"),
            &format!("sha256:{}", "E".repeat(64)),
            &format!("sha256:{}", "+e".repeat(32)),
            &hex,
        ] {
            let text = format!("oci://a.example/b@{digest}");
            assert!(matches!(parse(&text), Err(ReferenceError::Digest(_))), "{text}");
        }
    }

    #[test]
    fn a_reference_is_no_url() {
        assert!(matches!(parse("https://a.example/b"), Err(ReferenceError::Scheme(_))));
        assert!(matches!(parse("a.example/b"), Err(ReferenceError::Scheme(_))));
        assert!(matches!(parse("oci://a.example/b?x=1"), Err(ReferenceError::Query(_))));
        assert!(matches!(parse("oci://a.example/b#x"), Err(ReferenceError::Query(_))));
        let refused = parse("oci://anaya:hunter2@a.example/b").unwrap_err();
        assert_eq!(refused, ReferenceError::Credentials);
        assert!(!refused.to_string().contains("hunter2"));
    }
}
