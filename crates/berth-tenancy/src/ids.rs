//! Validated names: once one of these exists, it is safe in a path, a tag, an ARN and an execution name.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A text that is not a valid name. `Display` says what was expected, and never echoes more than 80 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not {expected}")]
pub struct Invalid {
    given: String,
    expected: &'static str,
}

impl Invalid {
    /// A text that was given, and what was expected, to follow "is not".
    #[must_use]
    pub fn new(given: &str, expected: &'static str) -> Self {
        Self { given: given.chars().take(80).collect(), expected }
    }
}

/// Makes one validated name: the type, its conversions, its serde forms and its JSON Schema, all from one check.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $expected:literal, $pattern:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                let valid: fn(&str) -> bool = $check;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err(Invalid::new(text, $expected)) }
            }
        }

        impl TryFrom<String> for $type {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $expected })
            }
        }
    };
}

fn is_lower_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// A DNS label that starts with a letter, of at most `max` characters.
fn is_label(text: &str, max: usize) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= max
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().copied().is_some_and(is_lower_or_digit)
        && bytes.iter().all(|&b| is_lower_or_digit(b) || b == b'-')
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    text.len() <= 32
        && words.len() >= 2
        && words.iter().all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
        && number.len() == 1
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// `prefix` plus hyphen-separated lower-case words, as Organizations writes ids of units and roots.
fn is_unit(text: &str) -> bool {
    let mut parts = text.split('-');
    let lower = |part: Option<&str>, min: usize| {
        part.is_some_and(|p| (min..=32).contains(&p.len()) && p.bytes().all(is_lower_or_digit))
    };
    parts.next() == Some("ou") && lower(parts.next(), 4) && lower(parts.next(), 8) && parts.next().is_none()
}

fn is_cluster(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

name!(
    /// An AWS account id: exactly twelve ASCII digits, so never a number (it may start with zeros).
    AccountId,
    "an AWS account id (exactly twelve digits)",
    "^[0-9]{12}$",
    |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
);
name!(
    /// The name of an AWS Region, such as `eu-west-1`.
    Region,
    "the name of an AWS Region (like eu-west-1)",
    "^[a-z]+(-[a-z]+)+-[0-9]$",
    is_region
);
name!(
    /// The name of a tenant: a DNS label that starts with a letter, at most 40 characters, so that with a namespace
    /// suffix it still fits into Kubernetes' 63.
    TenantName,
    "a tenant name (lower-case letters, digits and hyphens, starting with a letter, at most 40 characters)",
    "^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$",
    |text| is_label(text, 40)
);
name!(
    /// The name of an environment of the platform, such as `dev`.
    EnvironmentName,
    "an environment name (lower-case letters, digits and hyphens, starting with a letter, at most 20 characters)",
    "^[a-z]([-a-z0-9]{0,18}[a-z0-9])?$",
    |text| is_label(text, 20)
);
name!(
    /// The name of an EKS cluster, as `CreateCluster` allows it; also the name of its folder in the GitOps repository.
    ClusterName,
    "an EKS cluster name (letters, digits, hyphens and underscores, at most 100 characters)",
    "^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$",
    is_cluster
);
name!(
    /// The id of an organizational unit, such as `ou-ab12-dev00001`.
    OrganizationalUnitId,
    "the id of an organizational unit (like ou-ab12-l3zc8b3h)",
    "^ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}$",
    is_unit
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn account_ids_are_twelve_ascii_digits_and_nothing_else() {
        assert!("000000000001".parse::<AccountId>().is_ok());
        for bad in [
            "",
            "12345678901",
            "1234567890123",
            "12345678901a",
            "１２３４５６７８９０１２",
            " 11122223333",
            "Not Available",
        ] {
            assert!(bad.parse::<AccountId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn regions_look_like_regions() {
        for good in ["eu-west-1", "us-gov-east-1", "ap-southeast-5"] {
            assert!(good.parse::<Region>().is_ok(), "{good:?}");
        }
        for bad in ["eu-west", "eu-west-", "EU-west-1", "eu-west-12x", "../eu-west-1", "eu--1"] {
            assert!(bad.parse::<Region>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn tenant_names_are_safe_in_paths_and_labels() {
        for good in ["a", "payments", "team-7"] {
            assert!(good.parse::<TenantName>().is_ok(), "{good:?}");
        }
        let long = "a".repeat(41);
        for bad in ["", "-a", "a-", "7up", "Payments", "a/b", "a.b", "..", "a b", long.as_str()] {
            assert!(bad.parse::<TenantName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn units_are_unit_ids_not_roots() {
        assert!("ou-ab12-dev00001".parse::<OrganizationalUnitId>().is_ok());
        for bad in ["r-ab12", "ou-ab12", "ou-ab12-", "ou-ab12-DEV00001", "ou-ab12-dev00001-x"] {
            assert!(bad.parse::<OrganizationalUnitId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn serde_checks_too_and_keeps_the_text() {
        let id: AccountId = serde_json::from_str("\"012345678901\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"012345678901\"");
        assert!(serde_json::from_str::<AccountId>("12345678901").is_err());
    }
}
