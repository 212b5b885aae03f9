//! How the connection was secured: `tlsDetails`.

use crate::Event;

/// How the connection was secured. Each accessor reads one value when it is called; calls that services make have none.
#[derive(Clone, Copy, Debug)]
pub struct TlsDetails<'e> {
    event: &'e Event,
}

impl Event {
    /// Returns how the connection was secured (`tlsDetails`, since 1.08).
    pub fn tls_details(&self) -> TlsDetails<'_> {
        TlsDetails { event: self }
    }
}

impl TlsDetails<'_> {
    /// Returns the version, such as `TLSv1.3` (`tlsVersion`).
    pub fn version(self) -> Option<String> {
        self.event.string("/tlsDetails/tlsVersion")
    }

    /// Returns the cipher suite, such as `TLS_AES_128_GCM_SHA256` (`cipherSuite`).
    pub fn cipher_suite(self) -> Option<String> {
        self.event.string("/tlsDetails/cipherSuite")
    }

    /// Returns the host name that the caller wrote into the request (`clientProvidedHostHeader`).
    pub fn client_provided_host_header(self) -> Option<String> {
        self.event.string("/tlsDetails/clientProvidedHostHeader")
    }

    /// Returns the key exchange, such as `X25519MLKEM768` (`keyExchange`).
    pub fn key_exchange(self) -> Option<String> {
        self.event.string("/tlsDetails/keyExchange")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_described_in_four_fields() {
        let event = Event::from_json(
            r#"{"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","keyExchange":"x25519",
                              "clientProvidedHostHeader":"organizations.us-east-1.amazonaws.com"}}"#,
        )
        .unwrap();
        let tls = event.tls_details();
        assert_eq!(tls.version().as_deref(), Some("TLSv1.3"));
        assert_eq!(tls.cipher_suite().as_deref(), Some("TLS_AES_128_GCM_SHA256"));
        assert_eq!(tls.key_exchange().as_deref(), Some("x25519"));
        assert_eq!(tls.client_provided_host_header().as_deref(), Some("organizations.us-east-1.amazonaws.com"));
        assert_eq!(Event::from_json("{}").unwrap().tls_details().version(), None);
    }
}
