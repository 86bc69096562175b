//! Extensions: functions and state machines of the platform team that every onboarding of an environment calls.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Invalid, Partition, Region};

/// Longest name. [Lambda `CreateFunction`, "FunctionName"; of a state machine it may be 80]
const NAME_CHARS_MAX: usize = 64;
const PATTERN: &str = "^arn:[a-z-]+:(lambda:[a-z0-9-]+:[0-9]{12}:function|states:[a-z0-9-]+:[0-9]{12}:stateMachine):berth-extension-[A-Za-z0-9_-]{1,48}$";

/// When an extension is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExtensionPoint {
    /// Once the network of every region is there and its isolation is proven, before anything is committed or anybody let in.
    Network,
    /// At the end, once everything else is there.
    End,
}

impl fmt::Display for ExtensionPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What an extension is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExtensionKind {
    /// A Lambda function, which answers at once.
    Function,
    /// A Step Functions state machine, whose executions are waited for.
    StateMachine,
}

/// The ARN of an extension: a function or a state machine whose name begins with `berth-extension-`, without a qualifier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExtensionArn {
    arn: String,
    kind: ExtensionKind,
}

impl ExtensionArn {
    /// How the names of extensions begin: the function that calls them may call no others.
    pub const NAME_PREFIX: &str = "berth-extension-";

    /// The ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.arn
    }

    /// What it names.
    #[must_use]
    pub fn kind(&self) -> ExtensionKind {
        self.kind
    }

    /// The name alone: `berth-extension-dns`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.arn.rsplit(':').next().unwrap_or_default()
    }

    /// The account that it is in.
    #[must_use]
    pub fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    /// The partition that it is in.
    #[must_use]
    pub fn partition(&self) -> Partition {
        Partition::of_arn(&self.arn)
    }
}

impl FromStr for ExtensionArn {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid =
            || Invalid::new(text, "the ARN of a function or a state machine whose name begins with berth-extension-");
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, service, region, account, resource, name] = parts.as_slice() else {
            return Err(invalid());
        };
        let kind = match (*service, *resource) {
            ("lambda", "function") => ExtensionKind::Function,
            ("states", "stateMachine") => ExtensionKind::StateMachine,
            _ => return Err(invalid()),
        };
        let is_name = name.len() <= NAME_CHARS_MAX
            && name.strip_prefix(Self::NAME_PREFIX).is_some_and(|rest| !rest.is_empty())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        let is_placed = Partition::named(partition).is_some()
            && region.parse::<Region>().is_ok()
            && account.parse::<AccountId>().is_ok();
        if is_name && is_placed { Ok(Self { arn: text.to_owned(), kind }) } else { Err(invalid()) }
    }
}

impl TryFrom<String> for ExtensionArn {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<ExtensionArn> for String {
    fn from(arn: ExtensionArn) -> String {
        arn.arn
    }
}

impl fmt::Display for ExtensionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

impl JsonSchema for ExtensionArn {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExtensionArn".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "ARN of a Lambda function or a Step Functions state machine in the hub account and Region, whose name begins with `berth-extension-`",
            "pattern": PATTERN,
        })
    }
}

/// An extension of an environment, and when it is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extension {
    /// When: after the `network`, or at the `end`.
    pub at: ExtensionPoint,
    /// What is called.
    pub call: ExtensionArn,
}

/// The extensions that an account's plan has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExtensionsPlan {
    /// After the network.
    pub network: Vec<ExtensionArn>,
    /// At the end.
    pub end: Vec<ExtensionArn>,
}

impl FromIterator<Extension> for ExtensionsPlan {
    fn from_iter<T: IntoIterator<Item = Extension>>(extensions: T) -> Self {
        let mut plan = Self::default();
        for Extension { at, call } in extensions {
            match at {
                ExtensionPoint::Network => plan.network.push(call),
                ExtensionPoint::End => plan.end.push(call),
            }
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_functions_and_state_machines_of_the_prefix_are_extensions() {
        for (arn, kind) in [
            ("arn:aws:lambda:us-east-1:210987654321:function:berth-extension-dns", ExtensionKind::Function),
            (
                "arn:aws-us-gov:states:us-gov-west-1:210987654321:stateMachine:berth-extension-a_B-1",
                ExtensionKind::StateMachine,
            ),
        ] {
            let extension: ExtensionArn = arn.parse().unwrap();
            assert_eq!((extension.kind(), extension.to_string().as_str()), (kind, arn));
            assert!(extension.name().starts_with(ExtensionArn::NAME_PREFIX));
        }
        for none in [
            "",
            "berth-extension-dns",
            "arn:aws:lambda:us-east-1:210987654321:function:berth-extension-",
            "arn:aws:lambda:us-east-1:210987654321:function:berth-plan-onboarding",
            "arn:aws:lambda:us-east-1:210987654321:function:berth-extension-dns:live",
            "arn:aws:lambda:us-east-1:2109876543:function:berth-extension-dns",
            "arn:aws:lambda:nowhere:210987654321:function:berth-extension-dns",
            "arn:other:lambda:us-east-1:210987654321:function:berth-extension-dns",
            "arn:aws:states:us-east-1:210987654321:function:berth-extension-dns",
            "arn:aws:states:us-east-1:210987654321:execution:berth-extension-dns",
            "arn:aws:lambda:us-east-1:210987654321:function:berth-extension-a*",
        ] {
            assert!(none.parse::<ExtensionArn>().is_err(), "{none}");
        }
        let longest = format!("arn:aws:lambda:us-east-1:210987654321:function:berth-extension-{}", "x".repeat(48));
        assert!(longest.parse::<ExtensionArn>().is_ok() && format!("{longest}x").parse::<ExtensionArn>().is_err());
    }

    #[test]
    fn a_plan_keeps_the_order_of_each_point() {
        let call =
            |n: u8| format!("arn:aws:lambda:us-east-1:210987654321:function:berth-extension-{n}").parse().unwrap();
        let extensions = [
            Extension { at: ExtensionPoint::End, call: call(1) },
            Extension { at: ExtensionPoint::Network, call: call(2) },
            Extension { at: ExtensionPoint::End, call: call(3) },
        ];
        let plan: ExtensionsPlan = extensions.into_iter().collect();
        assert_eq!(plan, ExtensionsPlan { network: vec![call(2)], end: vec![call(1), call(3)] });
    }
}
