//! Performs one change of a Pod Identity association.

use aws_sdk_eks::Client;
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_step::StepError;
use berth_tenancy::{ClusterPlan, Pods};

use super::{keys, meaning, sdk_tags};
use crate::{AssociationChange, ObservedAssociation, observe};

/// Makes the change; the association as EKS then shows it, none where there is nothing to look at.
pub(super) async fn make(
    client: &Client,
    plan: &ClusterPlan,
    pods: &Pods,
    change: &AssociationChange,
) -> Result<Option<ObservedAssociation>, StepError> {
    let answered = send(client, plan.eks_name.as_str(), pods, change).await;
    let answered = answered.map_err(|failure| meaning(failure).in_region(&plan.region))?;
    match change {
        AssociationChange::Tag { id, .. } | AssociationChange::Untag { id, .. } => {
            observe::association(client, plan, id).await
        }
        _ => Ok(answered),
    }
}

/// Whether an association is as the change should have left it.
pub(super) fn shows(there: &ObservedAssociation, change: &AssociationChange) -> bool {
    match change {
        AssociationChange::Create { roles, tags } => there.gives(roles) && there.tags.missing(tags).0.is_empty(),
        AssociationChange::Set { roles, .. } => there.gives(roles),
        AssociationChange::Tag { tags, .. } => there.tags.missing(tags).0.is_empty(),
        AssociationChange::Untag { tags, .. } => there.tags.missing(tags) == *tags,
        AssociationChange::Delete { .. } | AssociationChange::Remove { .. } => true,
    }
}

/// The association as EKS answers it. Each call that makes or changes one has a token of the SDK's.
/// [EKS `CreatePodIdentityAssociation`, `UpdatePodIdentityAssociation`, `TagResource`, `DeletePodIdentityAssociation`]
async fn send(
    client: &Client,
    cluster: &str,
    pods: &Pods,
    change: &AssociationChange,
) -> Result<Option<ObservedAssociation>, CallFailure> {
    let answered = match change {
        AssociationChange::Create { roles, tags } => {
            let call = client.create_pod_identity_association().cluster_name(cluster).role_arn(&roles.first);
            let call = call.target_role_arn(&roles.target).set_tags(Some(sdk_tags(tags)));
            let sent = call.namespace(&pods.namespace).service_account(&pods.service_account).send().await;
            sent.named("eks:CreatePodIdentityAssociation")?.association
        }
        AssociationChange::Set { id, roles } => {
            let call = client.update_pod_identity_association().cluster_name(cluster).association_id(id);
            let call = call.role_arn(&roles.first).target_role_arn(&roles.target).disable_session_tags(false);
            call.send().await.named("eks:UpdatePodIdentityAssociation")?.association
        }
        AssociationChange::Tag { arn, tags, .. } => {
            let call = client.tag_resource().resource_arn(arn).set_tags(Some(sdk_tags(tags)));
            call.send().await.named("eks:TagResource").map(|_| None)?
        }
        AssociationChange::Untag { arn, tags, .. } => {
            let call = client.untag_resource().resource_arn(arn).set_tag_keys(Some(keys(tags)));
            call.send().await.named("eks:UntagResource").map(|_| None)?
        }
        AssociationChange::Delete { id } | AssociationChange::Remove { id } => {
            let call = client.delete_pod_identity_association().cluster_name(cluster).association_id(id);
            // Gone already, by an attempt whose answer was lost.
            let sent = call.send().await.named("eks:DeletePodIdentityAssociation");
            sent.none_if(&["ResourceNotFoundException"]).map(|_| None)?
        }
    };
    Ok(answered.map(observe::observed_association))
}
