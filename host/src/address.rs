//! Which addresses the program may be sent to: by the configuration of a webhook, or by what a registry answers.
//!
//! Whoever can change a name's address, or a line of the configuration, could otherwise have this host talk to what only it can reach: the metadata
//! service that hands out its role's credentials. The addresses of a name are judged at every connection, when nothing can change any more;
//! an address that is written in the URL never passes the resolver, and is judged when the URL is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

/// What may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Policy {
    /// The URL names this very machine, which is then all that it reaches.
    local: bool,
    public_only: bool,
}

/// Why an address is not reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("its `url` begins with neither https:// nor http://")]
    Scheme,
    #[error("its `url` has no TLS, and does not name this machine\nhint: use https, or set `plain_http = true`")]
    PlainHttp,
    #[error("its `url` holds a user name or password\nhint: use `secret_headers`")]
    Credentials,
    #[error("the address {0} is refused, since it is {1}")]
    Address(IpAddr, &'static str),
    #[error("no address of its host is allowed: {0}")]
    Name(Box<Refusal>),
    #[error("its host has no address")]
    Nothing,
    #[error("this machine is no place for somebody elsewhere to send it to")]
    Local,
}

impl Policy {
    /// Judges a URL of the configuration.
    pub(crate) fn of(url: &Url, plain_http: bool, public_only: bool) -> Result<Self, Refusal> {
        let Some(host) = url.host() else { return Err(Refusal::Scheme) };
        match url.scheme() {
            "https" => {}
            "http" if plain_http || is_local(&host) => {}
            "http" => return Err(Refusal::PlainHttp),
            _ => return Err(Refusal::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        Self::of_host(&host, public_only)
    }

    /// Judges the host of a URL. The parser has made one form of every way to write an address, such as 0x7f.1, so this sees what is connected to.
    pub(crate) fn of_host(host: &Host<&str>, public_only: bool) -> Result<Self, Refusal> {
        let policy = Self { local: is_local(host), public_only };
        match *host {
            Host::Ipv4(address) => policy.judge(address.into())?,
            Host::Ipv6(address) => policy.judge(address.into())?,
            Host::Domain(_) => {}
        }
        Ok(policy)
    }

    /// Tells whether this very machine is all that is reached.
    pub(crate) fn is_local(self) -> bool {
        self.local
    }

    /// Judges an address that is about to be connected to.
    pub(crate) fn judge(self, address: IpAddr) -> Result<(), Refusal> {
        let refused = match kind(address) {
            Kind::Loopback if self.local => return Ok(()),
            _ if self.local => "not this machine's own, as `localhost` should be",
            Kind::Loopback => "this machine's own",
            Kind::Metadata => "of a metadata service",
            Kind::LinkLocal => "link-local",
            Kind::Nowhere => "nobody's",
            Kind::Private if self.public_only => "private, and only public ones are allowed",
            Kind::Private | Kind::Public => return Ok(()),
        };
        Err(Refusal::Address(address, refused))
    }
}

/// Tells whether a host is this machine by one of the three names that mean it plainly.
fn is_local(host: &Host<&str>) -> bool {
    match *host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address == Ipv4Addr::LOCALHOST,
        Host::Ipv6(address) => address == Ipv6Addr::LOCALHOST,
    }
}

/// Tells whether the whole internet can reach an address.
pub(crate) fn is_public(address: IpAddr) -> bool {
    matches!(kind(address), Kind::Public)
}

enum Kind {
    Public,
    Private,
    Loopback,
    LinkLocal,
    Metadata,
    Nowhere,
}

/// Returns the IPv4 address that is written or reached through an IPv6 one: mapped, compatible, translated (RFC 6052), 6to4.
fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, _] => None,
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(outer) => inner(outer).map_or_else(|| kind_v6(outer), kind_v4),
    }
}

fn kind_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [169, 254, 169 | 170, _] | [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192] => Kind::Metadata,
        [127, ..] => Kind::Loopback,
        [169, 254, ..] => Kind::LinkLocal,
        [0 | 224..=255, ..] => Kind::Nowhere,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [198, 18 | 19, ..] => Kind::Private,
        _ => Kind::Public,
    }
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    if address == Ipv6Addr::LOCALHOST {
        return Kind::Loopback;
    }
    match address.segments() {
        [0xfd00, 0x0ec2, ..] | [0xfd20, 0xce, ..] => Kind::Metadata,
        [first, ..] if first & 0xffc0 == 0xfe80 => Kind::LinkLocal,
        [first, ..] if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 => Kind::Private,
        [0xff00..=0xffff, ..] | [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Nowhere,
        // Translation within a network (RFC 8215) reaches whatever that network says.
        [0x64, 0xff9b, 1, ..] => Kind::Private,
        _ => Kind::Public,
    }
}

/// Resolves names, and leaves out what is refused.
pub(crate) struct Guard(pub(crate) Policy);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0;
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut allowed: Vec<SocketAddr> = Vec::new();
            let mut refused = Refusal::Nothing;
            for address in addresses {
                match policy.judge(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(refusal) => refused = Refusal::Name(Box::new(refusal)),
                }
            }
            if allowed.is_empty() {
                return Err(refused.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(url: &str) -> Result<Policy, Refusal> {
        Policy::of(&Url::parse(url).unwrap(), false, false)
    }

    #[test]
    fn metadata_and_link_local_addresses_are_refused_however_they_are_written() {
        for host in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.1.1",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "[::ffff:169.254.169.254]",
            "[::169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "100.100.100.200",
            "0.0.0.0",
            "[::]",
            "127.0.0.2",
            "[::ffff:127.0.0.1]",
            "255.255.255.255",
            "224.0.0.1",
        ] {
            let judged = policy(&format!("https://{host}/x"));
            assert!(matches!(judged, Err(Refusal::Address(..))), "{host}: {judged:?}");
        }
        for host in ["192.0.2.1", "10.0.0.1", "[2001:db8::1]", "hooks.example.com"] {
            assert!(policy(&format!("https://{host}/x")).is_ok(), "{host}");
        }
    }

    #[test]
    fn private_addresses_are_refused_where_that_is_set() {
        for host in ["10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "[fd12::1]", "[::ffff:10.0.0.1]"] {
            let url = Url::parse(&format!("https://{host}/")).unwrap();
            assert!(Policy::of(&url, false, true).is_err(), "{host}");
            assert!(Policy::of(&url, false, false).is_ok(), "{host}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_unless_it_is_asked_for() {
        for url in ["http://localhost:8080/", "http://127.0.0.1/", "http://[::1]:1/", "http://0x7f.1/"] {
            assert!(policy(url).is_ok(), "{url}");
        }
        assert_eq!(policy("http://hooks.example.com/"), Err(Refusal::PlainHttp));
        assert!(Policy::of(&Url::parse("http://hooks.example.com/").unwrap(), true, false).is_ok());
        assert_eq!(policy("https://a:b@hooks.example.com/"), Err(Refusal::Credentials));
        assert_eq!(policy("file:///etc/passwd"), Err(Refusal::Scheme));
    }

    #[test]
    fn a_name_that_resolves_to_this_machine_does_not_reach_it() {
        let remote = policy("https://hooks.example.com/").unwrap();
        assert!(remote.judge("127.0.0.1".parse().unwrap()).is_err());
        assert!(remote.judge("169.254.169.254".parse().unwrap()).is_err());
        let local = policy("http://localhost/").unwrap();
        assert!(local.judge("127.0.0.1".parse().unwrap()).is_ok());
        assert!(local.judge("192.0.2.1".parse().unwrap()).is_err());
    }
}
