//! Reads the Pod Identity associations of a cluster that are planned, or left over.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_eks::{Client, types::PodIdentityAssociation};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::StepError;
use berth_tenancy::{ClusterPlan, Pods, Tags};

use super::meaning;
use crate::{Input, ObservedAssociation};

/// Those that are there, by whose pods they are about: a list for each namespace, and a look at each that matters.
/// [EKS `ListPodIdentityAssociations`]
pub(super) async fn associations(
    client: &Client,
    input: &Input,
    plan: &ClusterPlan,
) -> Result<BTreeMap<Pods, ObservedAssociation>, StepError> {
    let asked = input.all_pods_on(&plan.name);
    let namespaces: BTreeSet<&str> = asked.iter().map(|pods| pods.namespace.as_str()).collect();
    let mut found = BTreeMap::new();
    for namespace in namespaces {
        let list = client.list_pod_identity_associations().cluster_name(plan.eks_name.as_str()).namespace(namespace);
        let mut pages = list.into_paginator().items().send();
        let mut ids = Vec::new();
        while let Some(one) = pages.next().await {
            let one = one.named("eks:ListPodIdentityAssociations").map_err(|failure| meaning(failure, plan))?;
            let (Some(service_account), Some(id)) = (one.service_account, one.association_id) else { continue };
            let pods = Pods { namespace: namespace.to_owned(), service_account };
            if asked.contains(&pods) {
                ids.push((pods, id));
            }
        }
        for (pods, id) in ids {
            if let Some(there) = association(client, plan, &id).await? {
                found.insert(pods, there);
            }
        }
    }
    Ok(found)
}

/// One association; none when there is none. [EKS `DescribePodIdentityAssociation`]
pub(crate) async fn association(
    client: &Client,
    plan: &ClusterPlan,
    id: &str,
) -> Result<Option<ObservedAssociation>, StepError> {
    let call = client.describe_pod_identity_association().cluster_name(plan.eks_name.as_str()).association_id(id);
    let sent = call.send().await.named("eks:DescribePodIdentityAssociation").none_if(&["ResourceNotFoundException"]);
    let answer = sent.map_err(|failure| meaning(failure, plan))?;
    Ok(answer.and_then(|answer| answer.association).map(observed))
}

/// An association as any of EKS' calls answers it.
pub(crate) fn observed(association: PodIdentityAssociation) -> ObservedAssociation {
    let is_set = |text: Option<String>| text.filter(|text| !text.is_empty());
    ObservedAssociation {
        id: association.association_id.unwrap_or_default(),
        arn: association.association_arn.unwrap_or_default(),
        role: association.role_arn.unwrap_or_default(),
        target: is_set(association.target_role_arn),
        session_tags: !association.disable_session_tags.unwrap_or_default(),
        is_narrowed: is_set(association.policy).is_some(),
        tags: association.tags.unwrap_or_default().into_iter().collect::<Tags>(),
    }
}
