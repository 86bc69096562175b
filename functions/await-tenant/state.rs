//! What a cluster says of the tenant.

use serde_json::Value;

use crate::Change;

/// The one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// What it says.
    pub view: View,
}

/// What a cluster says of the tenant.
#[derive(Debug, Clone, PartialEq)]
pub enum View {
    /// Nobody asked: a plan waits for nothing.
    Unasked,
    /// Its API server does not let everybody on the internet in; why.
    Private(String),
    /// EKS gives it no endpoint yet; its status.
    WithoutEndpoint(String),
    /// Its API server answered.
    Answered {
        /// HTTP status.
        status: u16,
        /// The Tenant, or a `Status` of Kubernetes. Null where the answer is no JSON.
        body: Value,
    },
}

impl State {
    /// Nothing is ever changed.
    pub(crate) fn apply(change: Change) {
        match change {}
    }
}
