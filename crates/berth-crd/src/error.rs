//! Why an account cannot join a tenant's custom resource.

use berth_tenancy::{AccountId, ClusterName, EnvironmentName};

use crate::yaml::YamlError;

/// Why an account cannot join a tenant's custom resource. Nothing was changed.
///
/// As faults of a step: [`CrError::is_not_owned`] ones are `NotOwned`, [`CrError::Unwritable`] is a `Bug`, the rest are
/// `InvalidInput`. Texts of the existing file are quoted and cut, never printed as they are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CrError {
    /// The existing file is not one YAML document.
    #[error("the existing file cannot be read as a custom resource: {0}")]
    Unreadable(#[source] YamlError),
    /// The existing file is something else than the Tenant of this name.
    #[error("the existing file is not this tenant: {field} is {found}, expected {expected:?}")]
    NotThisTenant {
        /// The field that says so.
        field: &'static str,
        /// What it holds, quoted and cut.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// A field of the existing file has another type than the CRD gives it.
    #[error("{field} in the existing file is not {expected}")]
    WrongType {
        /// The field.
        field: String,
        /// The type that the CRD gives it.
        expected: &'static str,
    },
    /// The existing file says that it belongs to another cluster.
    #[error("spec.placement.cluster in the existing file is {found}, expected \"{expected}\"; it never changes")]
    OtherCluster {
        /// What it holds, quoted and cut.
        found: String,
        /// The cluster of the plan.
        expected: ClusterName,
    },
    /// The environment belongs to another account already.
    #[error(
        "spec.accounts[environment={environment}].accountId in the existing file is {found}, expected \"{expected}\""
    )]
    OtherAccount {
        /// The environment.
        environment: EnvironmentName,
        /// What it holds, quoted and cut.
        found: String,
        /// The account of the plan.
        expected: AccountId,
    },
    /// The account stands under another environment already: somebody moved it to another organizational unit.
    #[error("spec.accounts in the existing file has account {account} as environment {found}, not as {expected:?}")]
    OtherEnvironment {
        /// The account.
        account: AccountId,
        /// The environment there, quoted and cut.
        found: String,
        /// The environment of the plan.
        expected: EnvironmentName,
    },
    /// The namespace of a workload belongs to another environment.
    #[error(
        "spec.namespaces[name={namespace}].environment in the existing file is {found}, but a role of {expected} \
         is for its pods"
    )]
    OtherNamespace {
        /// Suffix of the namespace.
        namespace: String,
        /// The environment there, quoted and cut.
        found: String,
        /// The environment of the workload's account.
        expected: EnvironmentName,
    },
    /// No default namespace is left to name: the tenant has too many of them.
    #[error("spec.namespaces has no free name for environment {environment}")]
    NoNamespaceName {
        /// The environment.
        environment: EnvironmentName,
    },
    /// The existing file cannot be edited without losing what people wrote.
    #[error(
        "the existing file has {found}, and Berth cannot change its own part there without losing what people wrote"
    )]
    Unkeepable {
        /// What stands in the way.
        found: &'static str,
    },
    /// The result cannot be written.
    #[error("the custom resource cannot be written")]
    Unwritable(#[source] YamlError),
}

impl CrError {
    /// Whether the existing file belongs to somebody else, so that a person must decide.
    #[must_use]
    pub fn is_not_owned(&self) -> bool {
        matches!(
            self,
            Self::NotThisTenant { .. }
                | Self::OtherCluster { .. }
                | Self::OtherAccount { .. }
                | Self::OtherEnvironment { .. }
        )
    }
}
