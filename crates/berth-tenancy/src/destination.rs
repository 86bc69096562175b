//! Where a route leads: an IPv4 block, or a managed prefix list that holds many.

use std::{borrow::Cow, fmt, str::FromStr};

use ipnet::Ipv4Net;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// What ids of prefix lists begin with.
const PREFIX_LIST: &str = "pl-";

/// Destination of a route. In JSON and YAML it is text: `10.0.0.0/16` or `pl-0a1b2c3d4e5f67890`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Destination {
    /// An IPv4 block.
    Block(Ipv4Net),
    /// Id of a prefix list. Its entries may change without a change here.
    PrefixList(String),
}

impl Destination {
    /// The block, when it is one.
    #[must_use]
    pub fn block(&self) -> Option<Ipv4Net> {
        match self {
            Self::Block(block) => Some(*block),
            Self::PrefixList(_) => None,
        }
    }
}

impl FromStr for Destination {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_id = |digits: &str| {
            (8..=17).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        match text.strip_prefix(PREFIX_LIST) {
            Some(digits) if is_id(digits) => Ok(Self::PrefixList(text.to_owned())),
            Some(_) => Err(Invalid::new(text, "the id of a prefix list, such as pl-0a1b2c3d4e5f67890")),
            None => text.parse().map(Self::Block).map_err(|_| {
                Invalid::new(text, "an IPv4 block or the id of a prefix list, such as 10.0.0.0/16 or pl-0a1b2c3d")
            }),
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(block) => block.fmt(f),
            Self::PrefixList(id) => f.write_str(id),
        }
    }
}

impl JsonSchema for Destination {
    fn schema_name() -> Cow<'static, str> {
        "Destination".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^(([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}|pl-[0-9a-f]{8,17})$",
            "description": "an IPv4 block, or the id of a managed prefix list"
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_destination_is_a_block_or_a_prefix_list_and_is_written_as_it_was_read() {
        for text in ["10.0.0.0/16", "pl-0a1b2c3d", "pl-0a1b2c3d4e5f67890"] {
            let read: Destination = serde_json::from_value(text.into()).unwrap();
            assert_eq!(read.to_string(), text);
            assert_eq!(read.block().is_none(), text.starts_with("pl-"));
            assert_eq!(serde_json::to_value(read).unwrap(), text);
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_was_expected() {
        for text in ["", "10.0.0.0", "10.0.0.0/33", "pl-", "pl-xyz", "pl-0A1B2C3D", "pl-63a5400", "fd00::/8"] {
            let error = text.parse::<Destination>().unwrap_err().to_string();
            assert!(error.contains("prefix list"), "{text}: {error}");
        }
    }
}
