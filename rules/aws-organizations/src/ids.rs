//! Ids in settings. One that is mistyped would expect or guard nothing, so it is refused when the rule is loaded.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// Makes a type of ids that have a form.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $example:literal, $pattern:literal, $fits:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Returns the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let fits: fn(&str) -> bool = $fits;
                if fits(&text) {
                    return Ok(Self(text));
                }
                Err(serde::de::Error::custom(format_args!(concat!("{:?} is not ", $what, ", such as {:?}"), text, $example)))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": concat!("The id of ", $what), "type": "string", "pattern": $pattern })
            }
        }
    };
}

id! {
    /// The id of a policy, such as `p-a1b2c3d4`.
    PolicyId, "a policy", "p-a1b2c3d4", "^p-[0-9a-zA-Z_]{8,128}$",
    |text| text.strip_prefix("p-").is_some_and(|id| {
        (8..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

id! {
    /// The id of an organizational unit, such as `ou-ab12-cdef3456`.
    UnitId, "an organizational unit", "ou-ab12-cdef3456", "^ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$",
    |text| text.strip_prefix("ou-").and_then(|id| id.split_once('-')).is_some_and(|(root, unit)| {
        (4..=32).contains(&root.len()) && (8..=32).contains(&unit.len()) && is_lower(root) && is_lower(unit)
    })
}

id! {
    /// The id of an organization, such as `o-exampleorg1`.
    OrganizationId, "an organization", "o-exampleorg1", "^o-[a-z0-9]{10,32}$",
    |text| text.strip_prefix("o-").is_some_and(|id| (10..=32).contains(&id.len()) && is_lower(id))
}

fn is_lower(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_form_is_refused_with_an_example() {
        assert!(serde_json::from_str::<PolicyId>(r#""p-FullAWSAccess""#).is_ok());
        assert!(serde_json::from_str::<UnitId>(r#""ou-ab12-cdef3456""#).is_ok());
        assert!(serde_json::from_str::<OrganizationId>(r#""o-exampleorg1""#).is_ok());
        let message = serde_json::from_str::<PolicyId>(r#""DenyLeaving""#).unwrap_err().to_string();
        assert!(message.starts_with(r#""DenyLeaving" is not a policy, such as "p-a1b2c3d4""#), "{message}");
        for wrong in [r#""ou-ab12""#, r#""ou-AB12-cdef3456""#, r#""r-ab12""#, r#""ou-ab12-cdef345*""#, "5"] {
            assert!(serde_json::from_str::<UnitId>(wrong).is_err(), "{wrong}");
        }
        for wrong in [r#""exampleorg1""#, r#""o-Example0001""#, r#""o-*""#] {
            assert!(serde_json::from_str::<OrganizationId>(wrong).is_err(), "{wrong}");
        }
    }
}
