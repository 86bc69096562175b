//! Reads clusters: the state of each, the entries of the account's roles, and the associations of its pods.

mod associations;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_eks::{Client, types::AccessEntry};
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{ClusterPlan, Tags, Thing, wait};

pub(crate) use self::associations::{association, observed as observed_association};
use crate::{Input, ObservedCluster, ObservedEntry, State};

/// Authentication mode of clusters that are older than access entries. EKS refuses to list any there.
const CONFIG_MAP: &str = "CONFIG_MAP";

/// Reads the clusters of the plan, one after the other.
pub(crate) async fn observe(clients: &[(ClusterPlan, Client)], input: &Input) -> Result<State, StepError> {
    let mut clusters = Vec::new();
    for (plan, client) in clients {
        clusters.push(cluster(client, input, plan).await?);
    }
    Ok(State { clusters })
}

/// Reads the cluster.
async fn cluster(client: &Client, input: &Input, plan: &ClusterPlan) -> Result<ObservedCluster, StepError> {
    let cluster = berth_eks::describe(client, plan).await?;
    let mode = cluster.access_config.and_then(|access| access.authentication_mode);
    // A cluster from before the modes existed shows none.
    let authentication = mode.map_or_else(|| CONFIG_MAP.to_owned(), |mode| mode.as_str().to_owned());
    let entries = if authentication == CONFIG_MAP || no_entries_to_read(input) {
        BTreeMap::new()
    } else {
        entries(client, input, plan).await?
    };
    Ok(ObservedCluster {
        status: cluster.status.map_or_else(String::new, |status| status.as_str().to_owned()),
        plan: plan.clone(),
        authentication,
        entries,
        associations: associations::associations(client, input, plan).await?,
    })
}

/// A tenant without any role, now and before, has no entries either.
fn no_entries_to_read(input: &Input) -> bool {
    let of_entries = |thing: &Thing| matches!(thing, Thing::AccessEntry { .. });
    input.roles.is_empty() && !input.left_over.iter().any(|left| of_entries(&left.thing))
}

/// Entries of roles of this account, whether planned or not. [EKS `ListAccessEntries`]
async fn entries(
    client: &Client,
    input: &Input,
    plan: &ClusterPlan,
) -> Result<BTreeMap<String, ObservedEntry>, StepError> {
    let of_account = input.run.iam_arn("role/");
    let mut pages = client.list_access_entries().cluster_name(plan.eks_name.as_str()).into_paginator().items().send();
    let mut roles = BTreeSet::new();
    while let Some(role) = pages.next().await {
        let role = role.named("eks:ListAccessEntries").map_err(|failure| meaning(failure, plan))?;
        if role.starts_with(&of_account) {
            roles.insert(role);
        }
    }
    let mut entries = BTreeMap::new();
    for role in roles {
        if let Some(entry) = entry(client, plan, &role).await? {
            entries.insert(role, entry);
        }
    }
    Ok(entries)
}

/// One entry; none when there is none. [EKS `DescribeAccessEntry`]
pub(crate) async fn entry(client: &Client, plan: &ClusterPlan, role: &str) -> Result<Option<ObservedEntry>, StepError> {
    let call = client.describe_access_entry().cluster_name(plan.eks_name.as_str()).principal_arn(role);
    let sent = call.send().await.named("eks:DescribeAccessEntry").none_if(&["ResourceNotFoundException"]);
    let answer = sent.map_err(|failure| meaning(failure, plan))?;
    Ok(answer.and_then(|answer| answer.access_entry).map(observed))
}

/// An entry as any of EKS' calls answers it.
pub(crate) fn observed(entry: AccessEntry) -> ObservedEntry {
    ObservedEntry {
        arn: entry.access_entry_arn.unwrap_or_default(),
        kind: entry.r#type.unwrap_or_default(),
        groups: entry.kubernetes_groups.unwrap_or_default().into_iter().collect(),
        tags: entry.tags.unwrap_or_default().into_iter().collect::<Tags>(),
    }
}

/// What EKS' codes mean for reads. [EKS API reference, "Errors" of each operation]
fn meaning(failure: CallFailure, plan: &ClusterPlan) -> StepError {
    let error = match failure.code() {
        // "The request is invalid given the state of the cluster": it was described a moment ago, and changes now.
        Some("InvalidRequestException") => failure.as_fault(
            Fault::NotReady,
            wait(
                "the cluster is changing",
                "see in EKS which update of the cluster is stuck, then redrive the execution",
            ),
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
    };
    error.in_region(&plan.region)
}
