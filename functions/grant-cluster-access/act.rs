//! Performs one change in EKS and looks at what is there then. What an error code means is written here, beside its call.

use aws_sdk_eks::Client;
use berth_aws::CallFailure;
use berth_step::{Fault, StepError};
use berth_tenancy::{ClusterPlan, Tags};

use crate::{Action, Change, Effect, ObservedEntry, World, observe, world};

/// Performs one change, and answers the entry as EKS then shows it.
pub(crate) async fn act(world: &World, action: &Action) -> Result<Effect, StepError> {
    let cluster = world.cluster(&action.cluster);
    let Some((cluster, client)) = cluster.and_then(|cluster| cluster.client.as_ref().map(|client| (cluster, client)))
    else {
        return Err(StepError::new(Fault::Bug, format!("'{action}' without a client")));
    };
    let plan = &cluster.plan;
    let answered = change(client, plan, action).await.map_err(|failure| meaning(failure).in_region(&plan.region))?;
    if matches!(action.change, Change::Delete { .. }) {
        return Ok(world::imagine(world, action));
    }
    let entry = match answered {
        Some(entry) => Some(entry),
        None => observe::entry(client, plan, &action.role).await?,
    };
    if !entry.as_ref().is_some_and(|entry| shows(entry, &action.change)) {
        // Taken as it is, the change would be made again at once, and again.
        let what = format!("EKS does not show yet: {action}");
        return Err(StepError::new(Fault::NotReady, what).in_region(&plan.region));
    }
    Ok(Effect { cluster: action.cluster.clone(), role: action.role.clone(), entry })
}

/// Whether an entry is as the change should have left it.
fn shows(entry: &ObservedEntry, change: &Change) -> bool {
    match change {
        Change::Create { groups, tags } => entry.groups == *groups && entry.tags.missing(tags).0.is_empty(),
        Change::SetGroups { groups } => entry.groups == *groups,
        Change::Tag { tags, .. } => entry.tags.missing(tags).0.is_empty(),
        Change::Delete { .. } => true,
    }
}

/// The entry as EKS answers it; none of calls that answer nothing.
async fn change(client: &Client, plan: &ClusterPlan, action: &Action) -> Result<Option<ObservedEntry>, CallFailure> {
    let (cluster, role) = (plan.eks_name.as_str(), action.role.as_str());
    match &action.change {
        Change::Create { groups, tags } => {
            let groups = groups.iter().cloned().collect();
            let call = client.create_access_entry().cluster_name(cluster).principal_arn(role).r#type(world::STANDARD);
            let call = call.set_kubernetes_groups(Some(groups)).set_tags(Some(sdk_tags(tags)));
            let sent = call.send().await.map_err(|error| CallFailure::of("eks:CreateAccessEntry", &error))?;
            Ok(sent.access_entry.map(observe::observed))
        }
        Change::SetGroups { groups } => {
            let groups = groups.iter().cloned().collect();
            let call = client.update_access_entry().cluster_name(cluster).principal_arn(role);
            let sent = call.set_kubernetes_groups(Some(groups)).send().await;
            let sent = sent.map_err(|error| CallFailure::of("eks:UpdateAccessEntry", &error))?;
            Ok(sent.access_entry.map(observe::observed))
        }
        Change::Tag { entry_arn, tags } => {
            let sent = client.tag_resource().resource_arn(entry_arn).set_tags(Some(sdk_tags(tags))).send().await;
            sent.map(|_| None).map_err(|error| CallFailure::of("eks:TagResource", &error))
        }
        Change::Delete { .. } => {
            let sent = client.delete_access_entry().cluster_name(cluster).principal_arn(role).send().await;
            match sent.map_err(|error| CallFailure::of("eks:DeleteAccessEntry", &error)) {
                // Gone already, by an attempt whose answer was lost.
                Err(failure) if !failure.is(&["ResourceNotFoundException"]) => Err(failure),
                _ => Ok(None),
            }
        }
    }
}

fn sdk_tags(tags: &Tags) -> std::collections::HashMap<String, String> {
    tags.0.clone().into_iter().collect()
}

/// What EKS' codes mean for changes. [EKS API reference, "Errors" of each operation]
fn meaning(failure: CallFailure) -> StepError {
    match failure.code() {
        // Made since we looked, or by our own attempt whose answer was lost; or removed: look again.
        Some("ResourceInUseException" | "ResourceNotFoundException") => {
            failure.as_fault(Fault::Conflict, "nothing yet: Berth looks again and retries")
        }
        Some("InvalidRequestException") => {
            failure.as_fault(Fault::NotReady, "nothing yet: the cluster is changing; Berth asks again")
        }
        // EKS asks IAM for the principal, and IAM shows a new role to other services after some seconds.
        Some("InvalidParameterException") if failure.mentions("principal") => failure
            .as_fault(Fault::NotReady, "nothing yet: EKS does not see the new role; IAM shows it after some seconds"),
        Some("InvalidParameterException") => {
            failure.as_fault(Fault::InvalidInput, "correct the roles of this environment in platform.yaml")
        }
        Some("ResourceLimitExceededException") => failure
            .as_fault(Fault::InvalidInput, "raise the EKS quota of access entries for each cluster, then redrive"),
        Some("ServerException") => {
            failure.as_fault(Fault::Throttled, "nothing yet: EKS is in trouble; Berth asks again")
        }
        // What EKS' tagging answers for a resource that is not there.
        Some("NotFoundException") => failure.as_fault(Fault::Conflict, "nothing yet: Berth looks again and retries"),
        _ => failure.or_common(),
    }
}
