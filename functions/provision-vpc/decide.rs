//! Compares the network with the plan. Pure.
//!
//! The main route table stays as AWS made it, with the local route only. Private tiers use one table of ours, public tiers another; intra and
//! attachment tiers have no table of their own: they use the main one, which leads nowhere, and cost no call.

use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{Addresses, TierPlan, TierRouting, subnet_blocks};
use ipnet::Ipv4Net;

use crate::{
    Action, Block, Creation, Effect, Endpoint, Input, InternetGateway, Output, RouteTable, Subnet, SubnetOutput, Vpc,
    World, planned, public, world::routing_tag,
};

/// What to do next, or what is there.
pub(crate) fn decide(input: &Input, world: &World) -> Result<Decision<Action, Output>, StepError> {
    let Some(vpc) = &world.vpc else { return first(input, world).map(|action| Decision::Act(vec![action])) };
    let mut batch = of_the_vpc(input, world, vpc);
    batch.extend(public::next(input, world, vpc)?);
    batch.extend(subnets(input, world, vpc)?);
    batch.extend(associations(input, world)?);
    batch.extend(endpoints(input, world, vpc));
    if batch.is_empty() { Ok(Decision::Done(output(input, world, vpc))) } else { Ok(Decision::Act(batch)) }
}

/// Without a VPC: the block, then the VPC.
fn first(input: &Input, world: &World) -> Result<Action, StepError> {
    if !world.not_owned.is_empty() {
        let (name, ids) = (input.vpc_name(), world.not_owned.join(", "));
        return Err(StepError::new(Fault::NotOwned, format!("{ids} has our name, {name}, but not our tags")).next(
            format!("rename {ids}, or give it Berth's tags if Berth is to adopt it; then redrive the execution"),
        ));
    }
    if let Some(creation) = world.creation.filter(|creation| creation.age_seconds < creation.settled_seconds) {
        let Creation { age_seconds, settled_seconds, .. } = creation;
        let what = format!("a CreateVpc of {age_seconds} seconds ago may have made a VPC that EC2 does not show yet");
        return Err(StepError::new(Fault::NotReady, what)
            .next(format!("nothing yet: {settled_seconds} seconds after that call Berth tries again")));
    }
    Ok(match (&input.network.addresses, world.reserved) {
        (Addresses::Ipam { pool_id, prefix_length }, _) => {
            Action::CreateVpc { block: Block::Ipam { pool_id: pool_id.clone(), prefix_length: *prefix_length } }
        }
        (Addresses::Ledger { .. }, Some(cidr)) => Action::CreateVpc { block: Block::Reserved(cidr) },
        (Addresses::Ledger { pool, prefix_length, .. }, None) => {
            Action::ReserveBlock { pool: pool.clone(), prefix_length: *prefix_length }
        }
    })
}

/// Changes that need the VPC and nothing else.
fn of_the_vpc(input: &Input, world: &World, vpc: &Vpc) -> Vec<Action> {
    let id = || vpc.id.clone();
    let mut batch = Vec::new();
    let tags = vpc.tags.missing(&input.tags(""));
    if !tags.0.is_empty() {
        batch.push(Action::TagVpc { vpc: id(), tags });
    }
    if !world.dns_hostnames {
        batch.push(Action::EnableDnsHostnames { vpc: id() });
    }
    if !world.default_group_closed {
        batch.push(Action::CloseDefaultGroup { vpc: id() });
    }
    if has_private_tier(input) && world.table(TierRouting::Private).is_none() {
        batch.push(Action::CreateRouteTable { vpc: id(), routing: TierRouting::Private });
    }
    if let Some(destination) = &input.network.flow_logs
        && !world.flow_logs.contains(destination)
    {
        batch.push(Action::CreateFlowLogs { vpc: id(), destination: destination.clone() });
    }
    batch
}

/// Subnets that are missing. They come after the DNS attribute: see [`World::dns_hostnames`].
fn subnets(input: &Input, world: &World, vpc: &Vpc) -> Result<Vec<Action>, StepError> {
    let network = &input.network;
    let existing = world.blocks();
    let blocks =
        subnet_blocks(vpc.cidr, &network.zones, &network.tiers, &existing, &world.occupied()).map_err(|error| {
            StepError::new(Fault::InvalidInput, format!("the subnets do not fit into {}: {error}", vpc.id))
                .next("correct the tiers, zones or prefix lengths in platform.yaml, then start the onboarding again")
        })?;
    if !world.dns_hostnames {
        return Ok(Vec::new());
    }
    let missing = blocks.into_iter().skip(existing.len());
    Ok(missing.map(|block| Action::CreateSubnet { vpc: vpc.id.clone(), block }).collect())
}

/// Route table associations that are missing. One that contradicts the plan is never changed: that would cut the subnet
/// off while the tenant uses it.
fn associations(input: &Input, world: &World) -> Result<Vec<Action>, StepError> {
    let known = world.associations();
    let mut batch = Vec::new();
    for (tier, subnet) in planned(input, world) {
        let (id, other) = (&subnet.id, known.get(subnet.id.as_str()).copied());
        let Some(table) = world.table(tier.routing) else {
            refuse_table_of_other_tiers(world, tier, id, other)?;
            continue;
        };
        match other {
            None => batch.push(Action::AssociateSubnet { subnet: id.clone(), table: table.id.clone() }),
            Some(other) if other != table.id => {
                return Err(StepError::new(
                    Fault::NotOwned,
                    format!("{id} (tier {}) uses route table {other}, not Berth's {}", tier.name, table.id),
                )
                .next(format!("find out who made {other}; disassociate {id} from it, then redrive the execution")));
            }
            Some(_) => {}
        }
    }
    Ok(batch)
}

/// A tier without a table of its own may not use the one of private or of public tiers.
fn refuse_table_of_other_tiers(
    world: &World,
    tier: &TierPlan,
    subnet: &str,
    used: Option<&str>,
) -> Result<(), StepError> {
    let table = world.tables.iter().find(|table| Some(table.id.as_str()) == used);
    let Some((used, kind)) = used.zip(table.and_then(|table| table.routing).and_then(routing_tag)) else {
        return Ok(());
    };
    let name = &tier.name;
    Err(StepError::new(
        Fault::InvalidInput,
        format!("{subnet} (tier {name}) is not {kind} by the plan but uses the {kind} table {used}"),
    )
    .next(format!("make tier {name} {kind} again, or disassociate {subnet} from {used} by hand")))
}

/// Gateway endpoints that are missing, or that the private table does not lead to. Without a private tier there is
/// nothing that may reach them.
fn endpoints(input: &Input, world: &World, vpc: &Vpc) -> Vec<Action> {
    let Some(table) = world.table(TierRouting::Private).map(|table| table.id.clone()) else { return Vec::new() };
    let wanted = input.network.gateway_endpoints.iter();
    wanted
        .filter_map(|service| match world.endpoints.iter().find(|e| e.service == service_name(input, service)) {
            None => {
                Some(Action::CreateEndpoint { vpc: vpc.id.clone(), service: service.clone(), table: table.clone() })
            }
            Some(endpoint) if !endpoint.tables.contains(&table) => Some(Action::RouteToEndpoint {
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
fn planned<'a>(input: &'a Input, world: &'a World) -> Vec<(&'a TierPlan, &'a Subnet)> {
    let network = &input.network;
    let of_tier = |tier: &'a TierPlan| {
        network.zones.iter().filter_map(move |zone| world.subnet(&tier.name, zone).map(|subnet| (tier, subnet)))
    };
    network.tiers.iter().flat_map(of_tier).collect()
}

/// The tier whose subnets hold the Transit Gateway's interfaces.
fn attachment_tier(tiers: &[TierPlan]) -> Option<&TierPlan> {
    let first = |routing| tiers.iter().find(|tier| tier.routing == routing);
    first(TierRouting::Attachment).or_else(|| first(TierRouting::Private))
}

fn output(input: &Input, world: &World, vpc: &Vpc) -> Output {
    let subnets = planned(input, world);
    let attachment = attachment_tier(&input.network.tiers).map(|tier| tier.name.as_str());
    let holds_interfaces = subnets.iter().filter(|(tier, _)| Some(tier.name.as_str()) == attachment);
    Output {
        vpc_id: vpc.id.clone(),
        cidr: vpc.cidr,
        attachment_subnets: holds_interfaces.map(|(_, subnet)| subnet.id.clone()).collect(),
        private_route_table: world.table(TierRouting::Private).map(|table| table.id.clone()),
        subnets: subnets
            .into_iter()
            .filter_map(|(_, subnet)| {
                let (tier, zone) = subnet.place.clone()?;
                Some(SubnetOutput { id: subnet.id.clone(), tier, zone, cidr: subnet.cidr })
            })
            .collect(),
        duplicates: world.duplicates.clone(),
        planned_changes: planned::changes(input, world, vpc),
    }
}

/// What an action would leave behind. Ids and addresses that only AWS can give are placeholders: `(new)`, 0.0.0.0.
pub(crate) fn imagine(input: &Input, world: &World, action: &Action) -> Effect {
    match action {
        Action::ReserveBlock { prefix_length, .. } => Effect::Reserved(placeholder(*prefix_length)),
        Action::CreateVpc { block } => Effect::Vpc(Vpc {
            id: "vpc-(new)".to_owned(),
            cidr: match block {
                Block::Reserved(cidr) => *cidr,
                Block::Ipam { prefix_length, .. } => placeholder(*prefix_length),
            },
            tags: input.tags(""),
        }),
        Action::TagVpc { tags, .. } => Effect::Tagged(tags.clone()),
        Action::EnableDnsHostnames { .. } => Effect::DnsHostnamesOn,
        Action::CloseDefaultGroup { .. } => Effect::DefaultGroupClosed,
        Action::CreateRouteTable { vpc, routing } => Effect::RouteTable(RouteTable {
            vpc: vpc.clone(),
            id: format!("rtb-(new {})", routing_tag(*routing).unwrap_or("main")),
            routing: Some(*routing),
            default_route: None,
            subnets: [].into(),
        }),
        Action::CreateInternetGateway { .. } => gateway("igw-(new)", false),
        Action::AttachInternetGateway { gateway: id, .. } => gateway(id, true),
        Action::RouteToInternet { table, gateway } => {
            Effect::DefaultRoute { table: table.clone(), gateway: gateway.clone() }
        }
        Action::CreateSubnet { vpc, block } => Effect::Subnet(Subnet {
            vpc: vpc.clone(),
            id: format!("subnet-(new {} {})", block.tier, block.zone),
            cidr: block.cidr,
            place: Some((block.tier.clone(), block.zone.clone())),
        }),
        Action::AssociateSubnet { subnet, table } => {
            Effect::Associated { subnet: subnet.clone(), table: table.clone() }
        }
        Action::CreateEndpoint { vpc, service, table } => Effect::Endpoint(Endpoint {
            vpc: vpc.clone(),
            id: format!("vpce-(new {service})"),
            service: service_name(input, service),
            tables: [table.clone()].into(),
        }),
        Action::RouteToEndpoint { endpoint, table, .. } => Effect::Endpoint(with_table(world, endpoint, table)),
        Action::CreateFlowLogs { destination, .. } => Effect::FlowLogs(destination.clone()),
    }
}

fn gateway(id: &str, is_attached: bool) -> Effect {
    Effect::Gateway(InternetGateway { id: id.to_owned(), is_ours: true, is_attached })
}

/// The endpoint `id` as it is when `table` leads to it too.
pub(crate) fn with_table(world: &World, id: &str, table: &str) -> Endpoint {
    let known = world.endpoints.iter().find(|endpoint| endpoint.id == id).cloned();
    let mut endpoint = known.unwrap_or_else(|| Endpoint {
        vpc: String::new(),
        id: id.to_owned(),
        service: String::new(),
        tables: [].into(),
    });
    endpoint.tables.insert(table.to_owned());
    endpoint
}

/// A block whose address is not known yet.
fn placeholder(prefix_length: u8) -> Ipv4Net {
    Ipv4Net::new([0, 0, 0, 0].into(), prefix_length).unwrap_or_default()
}
