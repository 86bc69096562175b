//! What several functions share when they call EKS. A crate of its own, so that functions without EKS do not link
//! aws-sdk-eks.
//!
//! ```
//! use berth_step::StepError;
//! use berth_tenancy::ClusterPlan;
//!
//! async fn arn(eks: &aws_sdk_eks::Client, plan: &ClusterPlan) -> Result<Option<String>, StepError> {
//!     Ok(berth_eks::describe(eks, plan).await?.arn)
//! }
//! ```
#![warn(missing_docs)]

use aws_sdk_eks::{Client, types::Cluster};
use berth_aws::SdkResultExt;
use berth_step::{Fault, StepError};
use berth_tenancy::ClusterPlan;

/// The cluster of a plan. [EKS `DescribeCluster`]
///
/// # Errors
/// `InvalidInput` when EKS knows no cluster of this name; otherwise what the codes of all services mean.
pub async fn describe(eks: &Client, plan: &ClusterPlan) -> Result<Cluster, StepError> {
    let sent = eks.describe_cluster().name(plan.eks_name.as_str()).send().await;
    let described = sent.named("eks:DescribeCluster").map_err(|failure| {
        let error = if failure.is(&["ResourceNotFoundException"]) {
            let hint =
                format!("correct `eks` of the cluster {} in platform.yaml: its name, region or account", plan.name);
            failure.as_fault(Fault::InvalidInput, hint)
        } else {
            failure.or_common()
        };
        error.in_region(&plan.region)
    })?;
    let nothing = || StepError::new(Fault::Bug, "eks:DescribeCluster answered without a cluster");
    described.cluster.ok_or_else(nothing)
}
