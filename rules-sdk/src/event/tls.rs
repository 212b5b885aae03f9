//! How the connection was secured: `tlsDetails`.

use crate::Event;

/// How the connection was secured. Each accessor reads one value when it is called; calls that services make have none.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(r#"{"tlsDetails": {"tlsVersion": "TLSv1.2"}}"#);
/// let tls = event.tls_details();
/// assert_eq!((tls.version().as_deref(), tls.cipher_suite()), (Some("TLSv1.2"), None));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TlsDetails<'e> {
    event: &'e Event,
}

impl Event {
    /// Returns how the connection was secured (`tlsDetails`, since 1.08).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"tlsDetails": {"tlsVersion": "TLSv1.2"}}"#);
    /// assert_eq!(event.tls_details().version().as_deref(), Some("TLSv1.2"));
    /// ```
    pub fn tls_details(&self) -> TlsDetails<'_> {
        TlsDetails { event: self }
    }
}

impl TlsDetails<'_> {
    /// Returns the version, such as `TLSv1.3` (`tlsVersion`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"tlsDetails": {"tlsVersion": "TLSv1.3"}}"#);
    /// assert_eq!(event.tls_details().version().as_deref(), Some("TLSv1.3"));
    /// ```
    pub fn version(self) -> Option<String> {
        self.event.string("/tlsDetails/tlsVersion")
    }

    /// Returns the cipher suite, such as `TLS_AES_128_GCM_SHA256` (`cipherSuite`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"tlsDetails": {"cipherSuite": "TLS_AES_128_GCM_SHA256"}}"#);
    /// assert_eq!(event.tls_details().cipher_suite().as_deref(), Some("TLS_AES_128_GCM_SHA256"));
    /// ```
    pub fn cipher_suite(self) -> Option<String> {
        self.event.string("/tlsDetails/cipherSuite")
    }

    /// Returns the host name that the caller wrote into the request (`clientProvidedHostHeader`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"tlsDetails": {"clientProvidedHostHeader": "sts.amazonaws.com"}}"#);
    /// assert_eq!(event.tls_details().client_provided_host_header().as_deref(), Some("sts.amazonaws.com"));
    /// ```
    pub fn client_provided_host_header(self) -> Option<String> {
        self.event.string("/tlsDetails/clientProvidedHostHeader")
    }

    /// Returns the key exchange, such as `X25519MLKEM768` (`keyExchange`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"tlsDetails": {"keyExchange": "X25519MLKEM768"}}"#);
    /// assert_eq!(event.tls_details().key_exchange().as_deref(), Some("X25519MLKEM768"));
    /// ```
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
