//! What is deleted next, and what stops it. Pure.
//!
//! The order is AWS's: what is in a subnet before the subnet, subnets before route tables, all of it before the VPC, and
//! the block only when the VPC is gone. Whatever is somebody else's stops everything, before the first change.

use berth_ledger::Rest;
use berth_step::{Decision, Fault, StepError};

use crate::{
    Change, Input, Output, State,
    state::{Held, Vpc},
};

/// Things of others that a message names; the first ones say most.
const NAMED_MAX: usize = 6;

/// What to do next, or what has become of the network.
pub(crate) fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    refuse(input, state)?;
    if input.is_inspection {
        return Ok(Decision::Done(output(input, state)));
    }
    if input.is_closed {
        return Ok(closed(input, state));
    }
    let batch = match &state.vpc {
        Some(vpc) => next(vpc),
        None => afterwards(state),
    };
    if batch.is_empty()
        && let Some(vpc) = &state.vpc
    {
        let going: Vec<&str> = vpc.endpoints.iter().map(|part| part.id.as_str()).collect();
        let what = format!("AWS is still deleting {} in {}", going.join(", "), vpc.id);
        return Err(StepError::new(Fault::NotReady, what));
    }
    Ok(if batch.is_empty() { Decision::Done(output(input, state)) } else { Decision::Act(batch) })
}

fn output(input: &Input, state: &State) -> Output {
    let left_behind = state.recorded.clone().filter(|_| input.is_closed);
    Output { region: input.region.clone(), blocks: state.blocks.clone(), left_behind }
}

/// In a closed account only the block can be taken care of; its VPC stays on record, for the day on which the account is
/// reopened.
fn closed(input: &Input, state: &State) -> Decision<Change, Output> {
    match release(state, Rest::Unseen) {
        Some(change) => Decision::Act(vec![change]),
        None => Decision::Done(output(input, state)),
    }
}

/// Parts that go next. Nothing while endpoints are going: AWS frees their interfaces and routes.
fn next(vpc: &Vpc) -> Vec<Change> {
    let Vpc { id, endpoints, flow_logs, subnets, tables, gateway, .. } = vpc;
    let endpoint = endpoints.iter().filter(|part| !part.is_going);
    let mut batch: Vec<Change> = endpoint.map(|part| Change::DeleteEndpoint { endpoint: part.id.clone() }).collect();
    batch.extend(flow_logs.iter().map(|flow_log| Change::DeleteFlowLog { flow_log: flow_log.clone() }));
    if !batch.is_empty() || !endpoints.is_empty() {
        return batch;
    }
    batch.extend(subnets.iter().map(|subnet| Change::DeleteSubnet { subnet: subnet.clone() }));
    if batch.is_empty() {
        batch.extend(tables.iter().map(|table| Change::DeleteRouteTable { table: table.clone() }));
        batch.extend(gateway.iter().map(|gateway| Change::DetachGateway { gateway: gateway.clone(), vpc: id.clone() }));
    }
    if batch.is_empty() { vec![Change::DeleteVpc { vpc: id.clone() }] } else { batch }
}

/// What is left to do when the VPC is gone: the record last, so that a run that was cut finds what to go on with.
fn afterwards(state: &State) -> Vec<Change> {
    if let Some(gateway) = &state.loose_gateway {
        return vec![Change::DeleteGateway { gateway: gateway.clone() }];
    }
    if let Some(change) = release(state, Rest::VpcGone) {
        return vec![change];
    }
    state.recorded.iter().map(|vpc| Change::ForgetVpc { vpc: vpc.clone() }).collect()
}

fn release(state: &State, rest: Rest) -> Option<Change> {
    (!state.blocks.is_empty()).then(|| Change::ReleaseBlocks { blocks: state.blocks.clone(), rest })
}

/// Stops at whatever is not provably ours.
fn refuse(input: &Input, state: &State) -> Result<(), StepError> {
    if let Some(vpc) = state.vpc.as_ref().filter(|vpc| !vpc.is_ours) {
        let what =
            format!("{} is on record as Berth's, and somebody took Berth's tags off it; nothing was changed", vpc.id);
        return Err(StepError::new(Fault::NotOwned, what)
            .hint("delete the VPC by hand, or put the tags berth:managed-by and berth:account back; then redrive"));
    }
    if !state.strange.is_empty() {
        let what = format!(
            "{} in {} has Berth's tags and is not on record as Berth's; nothing was changed",
            state.strange.join(", "),
            input.region
        );
        return Err(StepError::new(Fault::NotOwned, what)
            .hint("look at it: delete it by hand, or take Berth's tags off it; then redrive the execution"));
    }
    let Some(vpc) = state.vpc.as_ref().filter(|vpc| !vpc.foreign.is_empty()) else { return Ok(()) };
    let mut first: Vec<String> = vpc.foreign.iter().take(NAMED_MAX).map(|held| held.what.clone()).collect();
    let more = vpc.foreign.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        first.push(format!("{more} more"));
    }
    let what = format!("{} is used by what is not Berth's: {}; nothing of it was deleted", vpc.id, first.join(", "));
    Err(StepError::new(Fault::NotOwned, what).hint(remedies(&vpc.foreign)))
}

/// What to do about what is named, each thing once.
fn remedies(foreign: &[Held]) -> String {
    let mut remedies: Vec<&str> = foreign.iter().take(NAMED_MAX).map(|held| held.remedy.as_str()).collect();
    remedies.sort_unstable();
    remedies.dedup();
    format!("{}; then redrive the execution", remedies.join("; "))
}
