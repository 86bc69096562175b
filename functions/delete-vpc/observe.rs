//! Reads the VPC on record with everything in it, and what the ledger has of the account in this region.

mod foreign;
mod parts;

use aws_sdk_ec2::Client;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_ec2::tags;
use berth_step::{Fault, StepError};
use berth_tenancy::{Tags, wait};

use self::parts::Parts;
use crate::{
    Clients, Input, State,
    state::{Part, Vpc},
};

/// Everything there is to take away, and all that is in the way.
pub(crate) async fn observe(clients: &Clients, input: &Input) -> Result<State, StepError> {
    let (account, region) = (&input.run.account_id, &input.region);
    let recorded = clients.ledger.vpc_intent(account, region).await?.vpc.map(|vpc| vpc.id);
    let blocks = clients.ledger.blocks_of(account, region).await?;
    let mut state = State { recorded, blocks, ..State::default() };
    let Some(ec2) = &clients.ec2 else { return Ok(state) };
    let vpcs = vpcs(ec2).await?;
    let ours = |tags: &Tags| tags.are_ours(account);
    let is_recorded = |id: &str| state.recorded.as_deref() == Some(id);
    state.strange = vpcs.iter().filter(|(id, tags)| ours(tags) && !is_recorded(id)).map(|(id, _)| id.clone()).collect();
    let found = vpcs.into_iter().find(|(id, _)| is_recorded(id));
    if let Some((id, tags)) = found {
        let parts = Box::pin(parts::of(ec2, &id)).await?;
        state.loose_gateway = parts.loose_gateway(&ours);
        state.vpc = Some(vpc(id, ours(&tags), &parts, &ours));
    } else {
        confirm_gone(ec2, state.recorded.as_deref()).await?;
        let gateways = parts::internet_gateways(ec2).await?;
        state.loose_gateway = Parts { gateways, ..Parts::default() }.loose_gateway(&ours);
    }
    Ok(state)
}

/// The VPC with its parts: ours by their tags, everything else by name.
fn vpc(id: String, is_ours: bool, parts: &Parts, ours: &impl Fn(&Tags) -> bool) -> Vpc {
    let foreign = foreign::of(&id, parts, ours);
    let endpoints = parts.endpoints.iter().filter(|endpoint| ours(&tags(endpoint.tags.as_deref())));
    let endpoints = endpoints.filter_map(|endpoint| {
        let is_going = parts::state_of(endpoint) == "deleting";
        Some(Part { id: endpoint.vpc_endpoint_id.clone()?, is_going })
    });
    let flow_logs = parts.flow_logs.iter().filter(|log| ours(&tags(log.tags.as_deref())));
    let subnets = parts.subnets.iter().filter(|subnet| ours(&tags(subnet.tags.as_deref())));
    let tables = parts.tables.iter().filter(|table| ours(&tags(table.tags.as_deref())));
    let gateway = parts.gateways.iter().find(|gateway| {
        ours(&tags(gateway.tags.as_deref()))
            && gateway.attachments().iter().any(|attachment| attachment.vpc_id() == Some(id.as_str()))
    });
    Vpc {
        is_ours,
        endpoints: endpoints.collect(),
        flow_logs: flow_logs.filter_map(|log| log.flow_log_id.clone()).collect(),
        subnets: subnets.filter_map(|subnet| subnet.subnet_id.clone()).collect(),
        tables: tables.filter_map(|table| table.route_table_id.clone()).collect(),
        gateway: gateway.and_then(|gateway| gateway.internet_gateway_id.clone()),
        foreign,
        id,
    }
}

/// Every VPC of the account in the region with its tags. [EC2 `DescribeVpcs`]
async fn vpcs(ec2: &Client) -> Result<Vec<(String, Tags)>, StepError> {
    let found = ec2.describe_vpcs().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let found = found.named("ec2:DescribeVpcs").map_err(|failure| {
        if failure.is(&["AuthFailure", "OptInRequired"]) {
            let advice = wait(
                "AWS opens the region for the account",
                "enable the region for as long as the account has a VPC in it, then redrive the execution; an account \
                 that was closed meanwhile is offboarded anew: berth offboard ACCOUNT --yes",
            );
            return failure.as_fault(Fault::NotReady, advice);
        }
        failure.or_common()
    })?;
    Ok(found.into_iter().filter_map(|vpc| Some((vpc.vpc_id?, tags(vpc.tags.as_deref())))).collect())
}

/// Asks for the VPC by its id: that it is gone is what its block is given away for, so one look is not enough.
/// [EC2 `DescribeVpcs`]
async fn confirm_gone(ec2: &Client, recorded: Option<&str>) -> Result<(), StepError> {
    let Some(id) = recorded else { return Ok(()) };
    let sent = ec2.describe_vpcs().vpc_ids(id).send().await;
    let answer = sent.named("ec2:DescribeVpcs").none_if(&["InvalidVpcID.NotFound"]).or_common()?;
    if answer.and_then(|answer| answer.vpcs).is_some_and(|vpcs| !vpcs.is_empty()) {
        return Err(StepError::new(Fault::NotReady, format!("EC2 lists {id} only by its id yet")));
    }
    Ok(())
}

#[cfg(test)]
#[path = "tests/observe.rs"]
mod tests;
