//! Performs one change in EKS and looks at what is there then. What an error code means is written here, beside its call.

mod associations;

use std::collections::HashMap;

use aws_sdk_eks::Client;
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{ClusterPlan, Tags, wait};

use crate::{Change, EntryChange, ObservedEntry, What, observe, state::STANDARD};

/// Makes one change, and looks at the entry or association as EKS then shows it. Answers its ARN.
pub(crate) async fn act(clients: &[(ClusterPlan, Client)], change: &Change) -> Result<String, StepError> {
    let Some((plan, client)) = clients.iter().find(|(plan, _)| plan.name == change.cluster) else {
        return Err(StepError::new(Fault::Bug, format!("'{change}' without a client")));
    };
    let arn = match &change.what {
        What::Entry { role, change } => {
            let entry = make(client, plan, role, change).await?;
            entry.filter(|entry| shows(entry, change)).map(|entry| entry.arn)
        }
        What::Association { pods, change } => {
            let association = associations::make(client, plan, pods, change).await?;
            association.filter(|there| associations::shows(there, change)).map(|there| there.arn)
        }
    };
    if change.removes() {
        return Ok(String::new());
    }
    // Taken as it is, the change would be made again at once, and again.
    arn.ok_or_else(|| {
        let hint = wait(
            "EKS shows its own writes after some seconds",
            "find out who else changes this access entry or association, then redrive the execution",
        );
        let error = StepError::new(Fault::NotReady, format!("EKS does not show yet: {change}"));
        error.hint(hint).in_region(&plan.region)
    })
}

/// Makes the change of an entry; the entry as EKS then shows it, none where there is nothing to look at.
async fn make(
    client: &Client,
    plan: &ClusterPlan,
    role: &str,
    change: &EntryChange,
) -> Result<Option<ObservedEntry>, StepError> {
    let answered = send(client, plan, role, change).await;
    let answered = answered.map_err(|failure| meaning(failure).in_region(&plan.region))?;
    match change {
        EntryChange::Tag { .. } | EntryChange::Untag { .. } => observe::entry(client, plan, role).await,
        _ => Ok(answered),
    }
}

/// Whether an entry is as the change should have left it.
fn shows(entry: &ObservedEntry, change: &EntryChange) -> bool {
    match change {
        EntryChange::Create { groups, tags } => entry.groups == *groups && entry.tags.missing(tags).0.is_empty(),
        EntryChange::SetGroups { groups } => entry.groups == *groups,
        EntryChange::Tag { tags, .. } => entry.tags.missing(tags).0.is_empty(),
        EntryChange::Untag { tags, .. } => entry.tags.missing(tags) == *tags,
        EntryChange::Delete { .. } | EntryChange::Remove => true,
    }
}

/// The entry as EKS answers it; none of calls that answer nothing.
/// [EKS `CreateAccessEntry`, `UpdateAccessEntry`, `TagResource`, `DeleteAccessEntry`]
async fn send(
    client: &Client,
    plan: &ClusterPlan,
    role: &str,
    change: &EntryChange,
) -> Result<Option<ObservedEntry>, CallFailure> {
    let cluster = plan.eks_name.as_str();
    match change {
        EntryChange::Create { groups, tags } => {
            let groups = groups.iter().cloned().collect();
            let call = client.create_access_entry().cluster_name(cluster).principal_arn(role).r#type(STANDARD);
            let call = call.set_kubernetes_groups(Some(groups)).set_tags(Some(sdk_tags(tags)));
            let sent = call.send().await.named("eks:CreateAccessEntry")?;
            Ok(sent.access_entry.map(observe::observed))
        }
        EntryChange::SetGroups { groups } => {
            let groups = groups.iter().cloned().collect();
            let call = client.update_access_entry().cluster_name(cluster).principal_arn(role);
            let sent = call.set_kubernetes_groups(Some(groups)).send().await.named("eks:UpdateAccessEntry")?;
            Ok(sent.access_entry.map(observe::observed))
        }
        EntryChange::Tag { entry_arn, tags } => {
            let call = client.tag_resource().resource_arn(entry_arn).set_tags(Some(sdk_tags(tags)));
            call.send().await.named("eks:TagResource").map(|_| None)
        }
        EntryChange::Untag { entry_arn, tags } => {
            let call = client.untag_resource().resource_arn(entry_arn).set_tag_keys(Some(keys(tags)));
            call.send().await.named("eks:UntagResource").map(|_| None)
        }
        EntryChange::Delete { .. } | EntryChange::Remove => {
            let sent = client.delete_access_entry().cluster_name(cluster).principal_arn(role).send().await;
            // Gone already, by an attempt whose answer was lost.
            sent.named("eks:DeleteAccessEntry").none_if(&["ResourceNotFoundException"]).map(|_| None)
        }
    }
}

fn sdk_tags(tags: &Tags) -> HashMap<String, String> {
    tags.0.clone().into_iter().collect()
}

fn keys(tags: &Tags) -> Vec<String> {
    tags.0.keys().cloned().collect()
}

/// What EKS' codes mean for changes. [EKS API reference, "Errors" of each operation]
fn meaning(failure: CallFailure) -> StepError {
    match failure.code() {
        // Made since we looked, or by our own attempt whose answer was lost; or removed: look again. EKS' tagging has a
        // name of its own for what is not there.
        Some("ResourceInUseException" | "ResourceNotFoundException" | "NotFoundException") => failure.as_fault(
            Fault::Conflict,
            wait(
                "Berth looks again and retries",
                "find out who else makes or removes access entries or pod identity associations of the cluster that is \
                 named, then redrive the execution",
            ),
        ),
        Some("InvalidRequestException") => failure.as_fault(
            Fault::NotReady,
            wait(
                "the cluster is changing",
                "see in EKS which update of the cluster is stuck, then redrive the execution",
            ),
        ),
        // EKS asks IAM for the principal, and IAM shows a new role to other services after some seconds.
        Some("InvalidParameterException") if failure.mentions("principal") => failure.as_fault(
            Fault::NotReady,
            wait(
                "EKS does not see the new role; IAM shows it after some seconds",
                "see in IAM of the tenant's account whether the role is there, then redrive the execution",
            ),
        ),
        // The role that pods have first is the platform's: EKS refuses one that is not there, or that pods cannot have.
        Some("InvalidParameterException") if failure.mentions("ole provided") => failure.as_fault(
            Fault::InvalidInput,
            "make the role that `podIdentityChain.platformRole` names, in the account of the cluster, and let \
             pods.eks.amazonaws.com assume it with sts:AssumeRole and sts:TagSession; then redrive the execution",
        ),
        Some("InvalidParameterException") => {
            failure.as_fault(Fault::InvalidInput, "correct the roles of this environment in platform.yaml")
        }
        Some("ResourceLimitExceededException") => failure.as_fault(
            Fault::InvalidInput,
            "raise the EKS quota of access entries or pod identity associations for each cluster, then redrive",
        ),
        Some("ServerException") => failure.as_fault(
            Fault::Throttled,
            wait(
                "EKS is in trouble",
                "look at the AWS Health dashboard for EKS in the cluster's region; redrive the execution when it is \
                 over",
            ),
        ),
        _ => failure.or_common(),
    }
}
