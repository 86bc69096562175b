//! ARNs that Berth makes itself, from validated parts only.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, Partition};

/// The name of an IAM role, with its path when it has one (`/tenant/payments-developer` or `BerthTenant`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct RoleName(String);

impl RoleName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.rsplit('/').next().unwrap_or(text);
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&b);
        if !name.is_empty()
            && name.len() <= 64
            && text.len() <= 512
            && text.bytes().all(allowed)
            && !text.contains("//")
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("{:?} is not the name of an IAM role", text.chars().take(80).collect::<String>()))
        }
    }
}

impl TryFrom<String> for RoleName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RoleName> for String {
    fn from(name: RoleName) -> String {
        name.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ARN of a role in an account.
#[must_use]
pub fn role_arn(partition: Partition, account: &AccountId, role: &RoleName) -> String {
    partition.iam_arn(account, &format!("role/{}", role.as_str().trim_start_matches('/')))
}
