//! The policy beside a function: what it may do, in the hub and through roles of other accounts.
//!
//! `functions/<name>/policy.json` is the one source. The roles in `infra/` are written from it, and sessions are narrowed
//! by it (docs/decisions/0023).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use berth_step::{Fault, StepError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// With which role something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The function's own role, in the hub.
    Hub,
    /// The role in a tenant account.
    Tenant,
    /// The role in the network account.
    Network,
    /// The read role and the sign-in role, in the management account or where Identity Center is called.
    Management,
    /// The role in an account other than the hub that has a shared cluster.
    Cluster,
}

impl Part {
    /// Its key in `policy.json`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Tenant => "tenant",
            Self::Network => "network",
            Self::Management => "management",
            Self::Cluster => "cluster",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Effect {
    /// It allows its actions.
    #[default]
    Allow,
    /// It forbids them, whatever allows them.
    Deny,
}

/// One statement. Resources and conditions may hold functions of CloudFormation: the template that the statement goes into
/// resolves them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    /// What it is for.
    pub sid: String,
    /// Why it is wider than its use, where AWS leaves no other way. Only readers of the file see it.
    pub why: Option<String>,
    /// Whether it allows or denies; it allows unless it says otherwise.
    #[serde(default)]
    pub effect: Effect,
    /// IAM actions.
    pub action: Vec<String>,
    /// ARNs, or `*` where AWS knows no resources.
    pub resource: Value,
    /// When it holds; always when none.
    pub condition: Option<Value>,
}

/// What a function may do, by role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct FunctionPolicy(pub BTreeMap<Part, Vec<Statement>>);

impl FunctionPolicy {
    /// Reads the text of a `policy.json`.
    ///
    /// # Errors
    /// It is not JSON, or has a key that is not known.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Every action that is allowed with one role, once.
    #[must_use]
    pub fn actions(&self, part: Part) -> BTreeSet<&str> {
        let statements = self.0.get(&part).into_iter().flatten().filter(|each| each.effect == Effect::Allow);
        statements.flat_map(|statement| statement.action.iter().map(String::as_str)).collect()
    }
}

/// The `policy.json` of a function, as it was compiled into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyFile(&'static str);

impl PolicyFile {
    /// `text` is what `include_str!("policy.json")` gives.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self(text)
    }

    /// What sessions with one role are narrowed to.
    #[must_use]
    pub const fn session(self, part: Part) -> SessionPolicy {
        SessionPolicy { file: self, part }
    }
}

/// What a session may do at most: the actions of a function with one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    file: PolicyFile,
    part: Part,
}

impl SessionPolicy {
    /// The document for STS: the actions of this step and nothing else. Resources and conditions are those of the role's
    /// own policy: STS packs session policies into a size that nobody can compute beforehand, so they stay small
    /// (docs/decisions/0023). [STS `AssumeRole`, "Policy"]
    ///
    /// # Errors
    /// `Bug`: the file cannot be read, or allows nothing with this role.
    pub fn document(self) -> Result<String, StepError> {
        let policy = FunctionPolicy::read(self.file.0).map_err(|error| {
            StepError::new(Fault::Bug, "policy.json of this function cannot be read").because(error)
        })?;
        let actions = policy.actions(self.part);
        if actions.is_empty() {
            let what = format!("policy.json of this function allows nothing in `{}`", self.part);
            return Err(StepError::new(Fault::Bug, what));
        }
        let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
        Ok(json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: PolicyFile = PolicyFile::new(
        r#"{
            "tenant": [
                {"Sid": "Make", "Action": ["ec2:CreateVpc", "ec2:CreateTags"], "Resource": {"Fn::Sub": "arn:x"},
                 "Condition": {"StringEquals": {"aws:RequestTag/a": "b"}}},
                {"Sid": "Tag", "Action": ["ec2:CreateTags"], "Resource": "*"},
                {"Sid": "Never", "Effect": "Deny", "Action": ["ec2:DeleteVpc"], "Resource": "*"}
            ]
        }"#,
    );

    #[test]
    fn a_session_may_do_each_action_of_its_role_and_nothing_else() {
        let document: Value = serde_json::from_str(&FILE.session(Part::Tenant).document().unwrap()).unwrap();
        assert_eq!(
            document,
            json!({
                "Version": "2012-10-17",
                "Statement": [{ "Effect": "Allow", "Action": ["ec2:CreateTags", "ec2:CreateVpc"], "Resource": "*" }],
            })
        );
    }

    #[test]
    fn a_session_with_an_empty_policy_is_a_bug_and_allows_nothing() {
        let error = FILE.session(Part::Network).document().unwrap_err();
        assert_eq!(
            (error.fault, error.message.as_str()),
            (Fault::Bug, "policy.json of this function allows nothing in `network`")
        );
        let broken = PolicyFile::new("{").session(Part::Tenant).document().unwrap_err();
        assert_eq!(broken.fault, Fault::Bug);
    }

    #[test]
    fn a_key_that_is_not_known_is_refused() {
        assert!(FunctionPolicy::read(r#"{"tenants": []}"#).is_err());
        let negated = r#"{"hub": [{"Sid": "A", "NotAction": [], "Action": [], "Resource": "*"}]}"#;
        assert!(FunctionPolicy::read(negated).unwrap_err().to_string().contains("NotAction"));
    }
}
