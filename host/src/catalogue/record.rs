//! The fields of a record itself, as CloudTrail documents them.
//!
//! Beside those of events that somebody called, this knows the fields of Insights, network activity and aggregated events.

/// What is known of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A value, or an object whose members are in the table.
    Known,
    /// What lies below it differs from event to event.
    Free,
}

use Field::{Free, Known};

/// Every field, by its pointer without the first `/`; the items of a list are `*`.
const FIELDS: &[(&str, Field)] = &[
    ("additionalEventData", Free),
    ("addendum", Known),
    ("addendum/originalEventID", Known),
    ("addendum/originalRequestID", Known),
    ("addendum/originalUID", Known),
    ("addendum/reason", Known),
    ("addendum/updatedFields", Free),
    ("annotation", Free),
    ("apiVersion", Known),
    ("awsRegion", Known),
    ("edgeDeviceDetails", Free),
    ("errorCode", Known),
    ("errorMessage", Known),
    ("eventCategory", Known),
    ("eventContext", Free),
    ("eventID", Known),
    ("eventName", Known),
    ("eventSource", Known),
    ("eventTime", Known),
    ("eventType", Known),
    ("eventVersion", Known),
    ("insightDetails", Free),
    ("managementEvent", Known),
    ("readOnly", Known),
    ("recipientAccountId", Known),
    ("requestID", Known),
    ("requestParameters", Free),
    ("resources", Known),
    ("resources/*", Known),
    ("resources/*/ARN", Known),
    ("resources/*/ARNPrefix", Known),
    ("resources/*/accountId", Known),
    ("resources/*/type", Known),
    ("responseElements", Free),
    ("serviceEventDetails", Free),
    ("sessionCredentialFromConsole", Known),
    ("sharedEventID", Known),
    ("sourceIPAddress", Known),
    ("tlsDetails", Known),
    ("tlsDetails/cipherSuite", Known),
    ("tlsDetails/clientProvidedHostHeader", Known),
    ("tlsDetails/keyExchange", Known),
    ("tlsDetails/tlsVersion", Known),
    ("userAgent", Known),
    ("userIdentity", Known),
    ("userIdentity/accessKeyId", Known),
    ("userIdentity/accountId", Known),
    ("userIdentity/arn", Known),
    // Documented in `sessionContext`, and seen here.
    ("userIdentity/assumedRoot", Known),
    ("userIdentity/credentialId", Known),
    ("userIdentity/identityProvider", Known),
    ("userIdentity/inScopeOf", Known),
    ("userIdentity/inScopeOf/credentialsIssuedTo", Known),
    ("userIdentity/inScopeOf/issuerType", Known),
    ("userIdentity/inScopeOf/sourceAccount", Known),
    ("userIdentity/inScopeOf/sourceArn", Known),
    ("userIdentity/invokedBy", Known),
    ("userIdentity/invokedByDelegate", Known),
    ("userIdentity/invokedByDelegate/accountId", Known),
    ("userIdentity/onBehalfOf", Known),
    ("userIdentity/onBehalfOf/identityStoreArn", Known),
    ("userIdentity/onBehalfOf/userId", Known),
    ("userIdentity/principalId", Known),
    ("userIdentity/sessionContext", Known),
    ("userIdentity/sessionContext/assumedRoot", Known),
    ("userIdentity/sessionContext/attributes", Known),
    ("userIdentity/sessionContext/attributes/creationDate", Known),
    ("userIdentity/sessionContext/attributes/mfaAuthenticated", Known),
    ("userIdentity/sessionContext/attributes/sessionCredentialFromConsole", Known),
    ("userIdentity/sessionContext/ec2RoleDelivery", Known),
    ("userIdentity/sessionContext/sessionIssuer", Known),
    ("userIdentity/sessionContext/sessionIssuer/accountId", Known),
    ("userIdentity/sessionContext/sessionIssuer/arn", Known),
    ("userIdentity/sessionContext/sessionIssuer/principalId", Known),
    ("userIdentity/sessionContext/sessionIssuer/type", Known),
    ("userIdentity/sessionContext/sessionIssuer/userName", Known),
    ("userIdentity/sessionContext/signInSessionArn", Known),
    ("userIdentity/sessionContext/sourceIdentity", Known),
    ("userIdentity/sessionContext/webIdFederationData", Known),
    ("userIdentity/sessionContext/webIdFederationData/attributes", Free),
    ("userIdentity/sessionContext/webIdFederationData/federatedProvider", Known),
    ("userIdentity/type", Known),
    ("userIdentity/userName", Known),
    ("vpcEndpointAccountId", Known),
    ("vpcEndpointId", Known),
    // Aggregated events, which write some keys differently.
    ("accountId", Known),
    ("eventId", Known),
    ("summary", Free),
    ("timeWindow", Known),
    ("timeWindow/windowEnd", Known),
    ("timeWindow/windowSize", Known),
    ("timeWindow/windowStart", Known),
];

/// Returns what is known of a field.
pub(super) fn field(name: &str) -> Option<Field> {
    FIELDS.iter().find(|(known, _)| *known == name).map(|&(_, field)| field)
}

/// Walks the members of a field, by name; those of the record for the empty name.
pub(super) fn members(name: &str) -> impl Iterator<Item = &'static str> {
    FIELDS.iter().filter_map(move |(known, _)| {
        let member = if name.is_empty() { known } else { known.strip_prefix(name)?.strip_prefix('/')? };
        (!member.contains('/')).then_some(member)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_lies_in_one_that_is_known() {
        for (name, _) in FIELDS {
            if let Some((above, _)) = name.rsplit_once('/') {
                assert_eq!(field(above), Some(Known), "{name}");
            }
        }
    }
}
