//! Which default VPCs go, in which order, and which stay. Pure.
//!
//! A VPC that anybody has used is not touched at all. Of the others the internet gateway goes first, then the subnets,
//! then the VPC, as AWS demands; regions go at the same time.

use berth_ledger::DefaultVpcRecord;
use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{DefaultVpc, Region};

use crate::{Change, Found, Input, Output, Removal, State, Vpc};

/// What to do next, or what stays.
pub(crate) fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    if input.default_vpc == DefaultVpc::Keep {
        return Ok(Decision::Done(Output::default()));
    }
    refuse_if_denied_everywhere(state)?;
    let of_region = |(region, found): (&Region, &Found)| {
        let change = |removal| Change { region: region.clone(), removal };
        next(found).into_iter().map(change).collect::<Vec<_>>()
    };
    let batch: Vec<Change> = state.regions.iter().flat_map(of_region).collect();
    // A repair takes nothing away, and half of a VPC is worth nothing.
    if !batch.is_empty() && input.run.repairs.is_none() {
        return Ok(Decision::Act(batch));
    }
    let left = state.regions.iter().filter_map(|(region, found)| left(region, found));
    Ok(Decision::Done(Output { left: left.collect() }))
}

/// A region that a policy of the organization closes is usual. All of them closed means that the role lacks a permission.
fn refuse_if_denied_everywhere(state: &State) -> Result<(), StepError> {
    let denied = |found: &Found| if let Found::Denied(what) = found { Some(what.clone()) } else { None };
    let answers: Vec<String> = state.regions.values().filter_map(denied).collect();
    match answers.first() {
        Some(what) if answers.len() >= state.enabled => {
            Err(StepError::new(Fault::Denied, format!("{what}, and so in every enabled region"))
                .hint("allow the action for the role that called it, then redrive the execution"))
        }
        _ => Ok(()),
    }
}

/// What is removed next in one region; nothing when its VPC stays.
fn next(found: &Found) -> Vec<Removal> {
    let Found::Vpc(Vpc { id, used, gateway, subnets }) = found else { return Vec::new() };
    if !used.is_empty() {
        return Vec::new();
    }
    if let Some(gateway) = gateway.as_ref().filter(|gateway| gateway.is_attached) {
        return vec![Removal::DetachGateway { vpc: id.clone(), gateway: gateway.id.clone() }];
    }
    let gateways = gateway.iter().map(|gateway| Removal::DeleteGateway { gateway: gateway.id.clone() });
    let subnets = subnets.iter().map(|subnet| Removal::DeleteSubnet { subnet: subnet.clone() });
    let batch: Vec<Removal> = gateways.chain(subnets).collect();
    if batch.is_empty() { vec![Removal::DeleteVpc { vpc: id.clone() }] } else { batch }
}

/// Why a region's default VPC is still there.
fn left(region: &Region, found: &Found) -> Option<DefaultVpcRecord> {
    let (vpc_id, reason) = match found {
        Found::Denied(what) => (None, format!("nobody may look: {what}")),
        Found::Vpc(vpc) if vpc.used.is_empty() => return None,
        Found::Vpc(vpc) => (Some(vpc.id.clone()), format!("it is used: {}", shown(&vpc.used))),
    };
    Some(DefaultVpcRecord { region: region.clone(), vpc_id, reason })
}

/// The first few reasons, and how many more there are: this text goes through the state machine.
fn shown(reasons: &[String]) -> String {
    const SHOWN_MAX: usize = 5;
    let first: Vec<&str> = reasons.iter().take(SHOWN_MAX).map(String::as_str).collect();
    let more = reasons.len().saturating_sub(SHOWN_MAX);
    let tail = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{}{tail}", first.join(", "))
}
