//! Compares the network with the plan. Pure.
//!
//! The main route table stays as AWS made it, with the local route only. Private tiers use one table of ours, public tiers another; intra and
//! attachment tiers have no table of their own: they use the main one, which leads nowhere, and cost no call.

mod drifted;
pub(crate) mod planned;
mod public;
mod wanted;

use berth_ledger::VpcIntent;
use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{Addresses, TierPlan, TierRouting, subnet_blocks, wait};

pub(crate) use self::public::is_planned as has_public_tier;
use crate::{Block, Change, Creation, Input, Output, State, Subnet, SubnetOutput, Vpc, state::routing_tag};

/// What to do next, or what is there.
pub(crate) fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    refuse_others(state)?;
    let Some(vpc) = &state.vpc else { return first(input, state).map(|change| Decision::Act(vec![change])) };
    refuse_further_blocks(vpc)?;
    if let Some(change) = block_back(input, state, vpc)? {
        return Ok(Decision::Act(vec![change]));
    }
    let mut batch = of_the_vpc(input, state, vpc);
    batch.extend(drifted::repairs(input, state, vpc)?);
    batch.extend(public::next(input, state, vpc)?);
    batch.extend(subnets(input, state, vpc)?);
    batch.extend(associations(input, state)?);
    batch.extend(endpoints(input, state, vpc));
    if batch.is_empty() { Ok(Decision::Done(output(input, state, vpc))) } else { Ok(Decision::Act(batch)) }
}

/// A VPC that looks like ours and is not is a person's to judge, before anything is made or attached.
fn refuse_others(state: &State) -> Result<(), StepError> {
    if state.not_owned.is_empty() {
        return Ok(());
    }
    Err(StepError::new(Fault::NotOwned, state.not_owned.join("; ")).hint(
        "find out who made or tagged it. Give Berth's tags back to the VPC on record, take them (or Berth's name) off \
         any other; where the ledger was lost, `berth ledger rebuild` first; then redrive the execution",
    ))
}

/// A further block is learned by the tables of the shared services, wherever it lies: inside another tenant's, too.
fn refuse_further_blocks(vpc: &Vpc) -> Result<(), StepError> {
    if vpc.further.is_empty() {
        return Ok(());
    }
    let blocks: Vec<String> = vpc.further.iter().map(|(block, state)| format!("{block} ({state})")).collect();
    let (id, blocks) = (&vpc.id, blocks.join(", "));
    Err(StepError::new(Fault::NotOwned, format!("{id} has further blocks that Berth did not associate: {blocks}"))
        .hint(format!("find out who associated them; disassociate them from {id}, then redrive the execution")))
}

/// The block of an account that was closed rests, and its VPC is still there when it is reopened. Before anything is made in
/// the VPC, the block is the account's again; when it is somebody else's, two tenants would have the same addresses.
fn block_back(input: &Input, state: &State, vpc: &Vpc) -> Result<Option<Change>, StepError> {
    let (Addresses::Ledger { pool, .. }, Some(holding)) = (&input.network.addresses, &state.known.holding) else {
        return Ok(None);
    };
    if !holding.is_of(&input.run.account_id, &input.region) {
        let what = format!("{} has {}, which pool {pool} gave to {}", vpc.id, vpc.cidr, holding.owner);
        return Err(StepError::new(Fault::NotOwned, what).hint(
            "two VPCs must not have the same addresses: delete this one, or the other one, by hand; then redrive the \
             execution",
        ));
    }
    Ok(holding.released.map(|_| Change::TakeBlockBack { pool: pool.clone(), cidr: vpc.cidr }))
}

/// Without a VPC: the block, then the VPC.
fn first(input: &Input, state: &State) -> Result<Change, StepError> {
    if let Some(creation) = state.known.creation.filter(|creation| creation.age_seconds < creation.settled_seconds) {
        let Creation { age_seconds, settled_seconds, .. } = creation;
        let what = format!("a CreateVpc of {age_seconds} seconds ago may have made a VPC that EC2 does not show yet");
        return Err(StepError::new(Fault::NotReady, what).hint(wait(
            format!("{settled_seconds} seconds after that call Berth tries again"),
            "redrive the execution; if it stays then, too, look at `berth ledger` and CloudTrail for that CreateVpc",
        )));
    }
    let begun = state.known.creation.map(|creation| creation.begun);
    let seen = VpcIntent { begun, vpc: state.known.recorded.clone() };
    Ok(match (&input.network.addresses, state.reserved) {
        (Addresses::Ipam { pool_id, prefix_length, .. }, _) => {
            let block = Block::Ipam { pool_id: pool_id.clone(), prefix_length: *prefix_length };
            Change::CreateVpc { block, seen }
        }
        (Addresses::Ledger { .. }, Some(cidr)) => Change::CreateVpc { block: Block::Reserved(cidr), seen },
        (Addresses::Ledger { pool, prefix_length, .. }, None) => {
            Change::ReserveBlock { pool: pool.clone(), prefix_length: *prefix_length }
        }
    })
}

/// Changes that need the VPC and nothing else.
fn of_the_vpc(input: &Input, state: &State, vpc: &Vpc) -> Vec<Change> {
    let id = || vpc.id.clone();
    let mut batch = Vec::new();
    if state.known.recorded.is_none() {
        batch.push(Change::RecordVpc { vpc: id(), cidr: vpc.cidr });
    }
    if !state.dns_hostnames {
        batch.push(Change::EnableDnsHostnames { vpc: id() });
    }
    if !state.default_group_closed {
        batch.push(Change::CloseDefaultGroup { vpc: id() });
    }
    if has_private_tier(input) && state.table(TierRouting::Private).is_none() {
        batch.push(Change::CreateRouteTable { vpc: id(), routing: TierRouting::Private });
    }
    if let Some(destination) = &input.network.flow_logs
        && !state.flow_logs.iter().any(|log| log.destination == *destination)
    {
        batch.push(Change::CreateFlowLogs { vpc: id(), destination: destination.clone() });
    }
    batch
}

/// Subnets that are missing. They come after the DNS attribute: see [`State::dns_hostnames`].
fn subnets(input: &Input, state: &State, vpc: &Vpc) -> Result<Vec<Change>, StepError> {
    let network = &input.network;
    let existing = state.blocks();
    let blocks =
        subnet_blocks(vpc.cidr, &network.zones, &network.tiers, &existing, &state.occupied()).map_err(|error| {
            StepError::new(Fault::InvalidInput, format!("the subnets do not fit into {}: {error}", vpc.id))
                .hint("correct the tiers, zones or prefix lengths in platform.yaml, then start the onboarding again")
        })?;
    if !state.dns_hostnames {
        return Ok(Vec::new());
    }
    let missing = blocks.into_iter().skip(existing.len());
    Ok(missing.map(|block| Change::CreateSubnet { vpc: vpc.id.clone(), block }).collect())
}

/// Route table associations that are missing. One that contradicts the plan is never changed: that would cut the subnet
/// off while the tenant uses it.
fn associations(input: &Input, state: &State) -> Result<Vec<Change>, StepError> {
    let known = state.associations();
    let mut batch = Vec::new();
    for (tier, subnet) in planned(input, state) {
        let (id, other) = (&subnet.id, known.get(subnet.id.as_str()).copied());
        let Some(table) = state.table(tier.routing) else {
            refuse_table_of_other_tiers(state, tier, id, other)?;
            continue;
        };
        match other {
            None => batch.push(Change::AssociateSubnet { subnet: id.clone(), table: table.id.clone() }),
            Some(other) if other != table.id => {
                return Err(StepError::new(
                    Fault::NotOwned,
                    format!("{id} (tier {}) uses route table {other}, not Berth's {}", tier.name, table.id),
                )
                .hint(format!("find out who made {other}; disassociate {id} from it, then redrive the execution")));
            }
            Some(_) => {}
        }
    }
    Ok(batch)
}

/// A tier without a table of its own may not use the one of private or of public tiers.
fn refuse_table_of_other_tiers(
    state: &State,
    tier: &TierPlan,
    subnet: &str,
    used: Option<&str>,
) -> Result<(), StepError> {
    let table = state.tables.iter().find(|table| Some(table.id.as_str()) == used);
    let Some((used, kind)) = used.zip(table.and_then(|table| table.routing).and_then(routing_tag)) else {
        return Ok(());
    };
    let name = &tier.name;
    Err(StepError::new(
        Fault::InvalidInput,
        format!("{subnet} (tier {name}) is not {kind} by the plan but uses the {kind} table {used}"),
    )
    .hint(format!("make tier {name} {kind} again, or disassociate {subnet} from {used} by hand")))
}

/// Gateway endpoints that are missing, or that the private table does not lead to. Without a private tier there is
/// nothing that may reach them.
fn endpoints(input: &Input, state: &State, vpc: &Vpc) -> Vec<Change> {
    let Some(table) = state.table(TierRouting::Private).map(|table| table.id.clone()) else { return Vec::new() };
    let wanted = input.network.gateway_endpoints.iter();
    wanted
        .filter_map(|service| match state.endpoints.iter().find(|e| e.service == service_name(input, service)) {
            None => {
                Some(Change::CreateEndpoint { vpc: vpc.id.clone(), service: service.clone(), table: table.clone() })
            }
            Some(endpoint) if !endpoint.tables.contains(&table) => Some(Change::RouteToEndpoint {
                endpoint: endpoint.id.clone(),
                service: service.clone(),
                table: table.clone(),
            }),
            Some(_) => None,
        })
        .collect()
}

/// Full name of a service with a gateway endpoint.
pub(crate) fn service_name(input: &Input, service: &str) -> String {
    format!("com.amazonaws.{}.{service}", input.region)
}

fn has_private_tier(input: &Input) -> bool {
    input.network.tiers.iter().any(|tier| tier.routing == TierRouting::Private)
}

/// The planned subnets that exist, in the order of tiers and zones.
fn planned<'a>(input: &'a Input, state: &'a State) -> Vec<(&'a TierPlan, &'a Subnet)> {
    let network = &input.network;
    let of_tier = |tier: &'a TierPlan| {
        network.zones.iter().filter_map(move |zone| state.subnet(&tier.name, zone).map(|subnet| (tier, subnet)))
    };
    network.tiers.iter().flat_map(of_tier).collect()
}

/// The tier whose subnets hold the Transit Gateway's interfaces.
fn attachment_tier(tiers: &[TierPlan]) -> Option<&TierPlan> {
    let first = |routing| tiers.iter().find(|tier| tier.routing == routing);
    first(TierRouting::Attachment).or_else(|| first(TierRouting::Private))
}

fn output(input: &Input, state: &State, vpc: &Vpc) -> Output {
    let subnets = planned(input, state);
    let attachment = attachment_tier(&input.network.tiers).map(|tier| tier.name.as_str());
    let holds_interfaces = subnets.iter().filter(|(tier, _)| Some(tier.name.as_str()) == attachment);
    Output {
        vpc_id: vpc.id.clone(),
        cidr: vpc.cidr,
        attachment_subnets: holds_interfaces.map(|(_, subnet)| subnet.id.clone()).collect(),
        private_route_table: state.table(TierRouting::Private).map(|table| table.id.clone()),
        subnets: subnets
            .into_iter()
            .filter_map(|(_, subnet)| {
                let (tier, zone) = subnet.place.clone()?;
                Some(SubnetOutput { id: subnet.id.clone(), tier, zone, cidr: subnet.cidr })
            })
            .collect(),
        duplicates: state.duplicates.clone(),
        planned_changes: planned::changes(input, state, vpc),
    }
}
