//! Makes one change. What an error code means stands beside the call that answers it.

use aws_sdk_ec2::{
    Client,
    config::retry::RetryConfig,
    types::{
        AttributeBooleanValue, FlowLogsResourceType, LogDestinationType, ResourceType, Tag, TagSpecification,
        TrafficType, VpcEndpointType,
    },
};
use berth_aws::CallFailure;
use berth_ledger::{BlockRequest, Ledger};
use berth_step::{Fault, StepError};
use berth_tenancy::{Addresses, SubnetBlock, Tags};

use crate::{
    Action, Block, Effect, Endpoint, Input, RouteTable, Subnet, Vpc, World,
    decide::{service_name, with_table},
    observe::{block, filter},
    world::{ROUTING_PRIVATE, TAG_ROUTING, TAG_TIER, TAG_ZONE},
};

/// Codes of a thing that was made moments ago and that this EC2 host does not know yet. [EC2 "Eventual consistency"]
const NOT_VISIBLE: [&str; 5] = [
    "InvalidGroup.NotFound",
    "InvalidRouteTableID.NotFound",
    "InvalidSubnetID.NotFound",
    "InvalidVpcID.NotFound",
    "InvalidVpcEndpointId.NotFound",
];

/// Codes of a quota that is used up. [EC2 "Error codes"]
const QUOTAS: [&str; 6] = [
    "FlowLogsLimitExceeded",
    "RouteTableLimitExceeded",
    "SubnetLimitExceeded",
    "TagLimitExceeded",
    "VpcEndpointLimitExceeded",
    "VpcLimitExceeded",
];

/// Performs one change.
pub(crate) async fn act(
    ec2: &Client,
    ledger: &Ledger,
    input: &Input,
    world: &World,
    action: &Action,
) -> Result<Effect, StepError> {
    match action {
        Action::ReserveBlock { .. } => reserve_block(ledger, input).await,
        Action::CreateVpc { block } => create_vpc(ec2, input, block).await,
        Action::TagVpc { vpc, tags } => tag_vpc(ec2, vpc, tags).await,
        Action::EnableDnsHostnames { vpc } => enable_dns_hostnames(ec2, vpc).await,
        Action::CloseDefaultGroup { vpc } => close_default_group(ec2, vpc).await,
        Action::CreateRouteTable { vpc } => create_route_table(ec2, input, vpc).await,
        Action::CreateSubnet { vpc, block } => create_subnet(ec2, input, vpc, block).await,
        Action::AssociateSubnet { subnet, table } => associate_subnet(ec2, subnet, table).await,
        Action::CreateEndpoint { vpc, service, table } => create_endpoint(ec2, input, vpc, service, table).await,
        Action::RouteToEndpoint { endpoint, table, .. } => route_to_endpoint(ec2, world, endpoint, table).await,
        Action::CreateFlowLogs { vpc, destination } => create_flow_logs(ec2, input, vpc, destination).await,
    }
}

/// Reserves a block in the ledger; the block that the account already has there, when it has one.
async fn reserve_block(ledger: &Ledger, input: &Input) -> Result<Effect, StepError> {
    let Addresses::Ledger { pool, supernets, excluded, prefix_length } = &input.network.addresses else {
        return Err(StepError::new(Fault::Bug, "asked the ledger for a block that IPAM allocates"));
    };
    let (account, region) = (&input.run.account_id, &input.region);
    let request = BlockRequest { pool, supernets, excluded, prefix_length: *prefix_length, account, region };
    ledger.reserve_block(&request).await.map(Effect::Reserved)
}

/// [EC2 `CreateVpc`] has no client token: a second send after a lost answer makes a second VPC. So the SDK does not
/// retry it, and an answer that tells nothing is a `Conflict`, whose retry looks for the VPC first.
async fn create_vpc(ec2: &Client, input: &Input, wanted: &Block) -> Result<Effect, StepError> {
    let tags = input.tags("");
    let request = ec2.create_vpc().tag_specifications(specification(ResourceType::Vpc, &tags));
    let request = match wanted {
        Block::Ipam { pool_id, prefix_length } => {
            request.ipv4_ipam_pool_id(pool_id).ipv4_netmask_length(i32::from(*prefix_length))
        }
        Block::Reserved(cidr) => request.cidr_block(cidr.to_string()),
    };
    let no_retry = aws_sdk_ec2::config::Builder::new().retry_config(RetryConfig::disabled());
    let answer = request.customize().config_override(no_retry).send().await;
    let vpc = answer.map_err(|error| no_vpc(CallFailure::of("ec2:CreateVpc", &error), wanted))?.vpc;
    // IPAM's block may come with the next Describe only: then the next try finds the VPC by its tags.
    let Some((id, cidr)) = vpc.and_then(|vpc| vpc.vpc_id.zip(vpc.cidr_block)) else {
        return Err(StepError::new(Fault::NotReady, "ec2:CreateVpc answered without the VPC's block"));
    };
    Ok(Effect::Vpc(Vpc { cidr: block(&cidr, &id)?, id, tags }))
}

/// Why there is no VPC.
fn no_vpc(failure: CallFailure, wanted: &Block) -> StepError {
    let pool = match wanted {
        Block::Ipam { pool_id, .. } => pool_id.clone(),
        Block::Reserved(cidr) => cidr.to_string(),
    };
    match failure.code() {
        // Throttled calls took no effect, although EC2 answers them with 503.
        Some("RequestLimitExceeded") => failure.or_common(),
        _ if failure.is_ambiguous() => failure.as_fault(
            Fault::Conflict,
            "nothing yet: the VPC may exist without an answer; Berth looks for it by its tags before it tries again",
        ),
        Some("InvalidIpamPoolId.NotFound") => failure.as_fault(
            Fault::NotReady,
            &format!("nothing yet; if it stays, share {pool} with this account's organizational unit by RAM"),
        ),
        // IPAM answers InvalidParameterValue "The allocation size is too big for the pool."
        Some("InvalidParameterValue" | "InsufficientCidrBlocks") => {
            let length = wanted.prefix_length();
            failure.as_fault(
                Fault::InvalidInput,
                &format!("{pool} has no free /{length}: provision a further CIDR to it, or ask for a smaller VPC"),
            )
        }
        _ => failed(failure),
    }
}

/// [EC2 `CreateTags`]
async fn tag_vpc(ec2: &Client, vpc: &str, tags: &Tags) -> Result<Effect, StepError> {
    let sent = ec2.create_tags().resources(vpc).set_tags(Some(sdk_tags(tags))).send().await;
    sent.map_err(|error| failed(CallFailure::of("ec2:CreateTags", &error)))?;
    Ok(Effect::Tagged(tags.clone()))
}

/// [EC2 `ModifyVpcAttribute`]; DNS resolution is on in every new VPC.
async fn enable_dns_hostnames(ec2: &Client, vpc: &str) -> Result<Effect, StepError> {
    let on = AttributeBooleanValue::builder().value(true).build();
    let sent = ec2.modify_vpc_attribute().vpc_id(vpc).enable_dns_hostnames(on).send().await;
    sent.map_err(|error| failed(CallFailure::of("ec2:ModifyVpcAttribute", &error)))?;
    Ok(Effect::DnsHostnamesOn)
}

/// Reads the rules of the default security group and revokes them. [EC2 `DescribeSecurityGroups`,
/// `RevokeSecurityGroupIngress`, `RevokeSecurityGroupEgress`]
async fn close_default_group(ec2: &Client, vpc: &str) -> Result<Effect, StepError> {
    let (of_vpc, default) = (filter("vpc-id", &[vpc.to_owned()]), filter("group-name", &["default".to_owned()]));
    let groups = ec2.describe_security_groups().filters(of_vpc).filters(default).send().await;
    let groups = groups.map_err(|error| CallFailure::of("ec2:DescribeSecurityGroups", &error).or_common())?;
    let group = groups.security_groups.unwrap_or_default().into_iter().next();
    let Some((group, id)) = group.and_then(|group| group.group_id.clone().map(|id| (group, id))) else {
        return Err(StepError::new(Fault::NotReady, format!("the default security group of {vpc} is not visible yet")));
    };
    let (ingress, egress) = (group.ip_permissions, group.ip_permissions_egress);
    if ingress.as_ref().is_some_and(|rules| !rules.is_empty()) {
        let sent = ec2.revoke_security_group_ingress().group_id(&id).set_ip_permissions(ingress).send().await;
        sent.map_err(|error| unrevoked(CallFailure::of("ec2:RevokeSecurityGroupIngress", &error)))?;
    }
    if egress.as_ref().is_some_and(|rules| !rules.is_empty()) {
        let sent = ec2.revoke_security_group_egress().group_id(&id).set_ip_permissions(egress).send().await;
        sent.map_err(|error| unrevoked(CallFailure::of("ec2:RevokeSecurityGroupEgress", &error)))?;
    }
    Ok(Effect::DefaultGroupClosed)
}

/// Why rules are not revoked: a rule that is gone was revoked by a call whose answer was lost.
fn unrevoked(failure: CallFailure) -> StepError {
    if failure.is(&["InvalidPermission.NotFound"]) { lost_race(failure) } else { failed(failure) }
}

/// [EC2 `CreateRouteTable`], with a client token.
async fn create_route_table(ec2: &Client, input: &Input, vpc: &str) -> Result<Effect, StepError> {
    let tags = input.tags("private").with(TAG_ROUTING, ROUTING_PRIVATE);
    let request = ec2.create_route_table().vpc_id(vpc).client_token(token(input, vpc, "private"));
    let answer = request.tag_specifications(specification(ResourceType::RouteTable, &tags)).send().await;
    let answer = answer.map_err(|error| failed(CallFailure::of("ec2:CreateRouteTable", &error)))?;
    let id = answer.route_table.and_then(|table| table.route_table_id);
    let id = id.ok_or_else(|| no_id("ec2:CreateRouteTable"))?;
    Ok(Effect::RouteTable(RouteTable { vpc: vpc.to_owned(), id, is_private: true, subnets: [].into() }))
}

/// [EC2 `CreateSubnet`] has no client token; a second send collides with the block of the first.
async fn create_subnet(ec2: &Client, input: &Input, vpc: &str, planned: &SubnetBlock) -> Result<Effect, StepError> {
    let SubnetBlock { tier, zone, cidr } = planned;
    let tags = input.tags(&format!("{tier}-{zone}")).with(TAG_TIER, tier).with(TAG_ZONE, zone);
    let request = ec2.create_subnet().vpc_id(vpc).cidr_block(cidr.to_string()).availability_zone_id(zone);
    let answer = request.tag_specifications(specification(ResourceType::Subnet, &tags)).send().await;
    let answer = answer.map_err(|error| {
        let failure = CallFailure::of("ec2:CreateSubnet", &error);
        match failure.code() {
            Some("InvalidSubnet.Conflict") => lost_race(failure),
            Some("InvalidParameterValue" | "InvalidAvailabilityZone") => failure.as_fault(
                Fault::InvalidInput,
                &format!("check that zone {zone} exists in {} for this account; zones are named by id", input.region),
            ),
            Some("InvalidSubnet.Range") => {
                failure.as_fault(Fault::InvalidInput, "correct the tiers' prefix lengths in platform.yaml")
            }
            _ => failed(failure),
        }
    })?;
    let id = answer.subnet.and_then(|subnet| subnet.subnet_id).ok_or_else(|| no_id("ec2:CreateSubnet"))?;
    Ok(Effect::Subnet(Subnet { vpc: vpc.to_owned(), id, cidr: *cidr, place: Some((tier.clone(), zone.clone())) }))
}

/// [EC2 `AssociateRouteTable`]
async fn associate_subnet(ec2: &Client, subnet: &str, table: &str) -> Result<Effect, StepError> {
    let sent = ec2.associate_route_table().subnet_id(subnet).route_table_id(table).send().await;
    sent.map_err(|error| {
        let failure = CallFailure::of("ec2:AssociateRouteTable", &error);
        if failure.is(&["Resource.AlreadyAssociated"]) { lost_race(failure) } else { failed(failure) }
    })?;
    Ok(Effect::Associated { subnet: subnet.to_owned(), table: table.to_owned() })
}

/// [EC2 `CreateVpcEndpoint`], with a client token.
async fn create_endpoint(
    ec2: &Client,
    input: &Input,
    vpc: &str,
    service: &str,
    table: &str,
) -> Result<Effect, StepError> {
    let name = service_name(input, service);
    let request = ec2.create_vpc_endpoint().vpc_id(vpc).service_name(&name).route_table_ids(table);
    let request = request.vpc_endpoint_type(VpcEndpointType::Gateway).client_token(token(input, vpc, service));
    let tags = specification(ResourceType::VpcEndpoint, &input.tags(service));
    let answer = request.tag_specifications(tags).send().await.map_err(|error| {
        let failure = CallFailure::of("ec2:CreateVpcEndpoint", &error);
        match failure.code() {
            Some("InvalidServiceName" | "InvalidParameter") => failure.as_fault(
                Fault::InvalidInput,
                &format!("remove {service} from gatewayEndpoints: {name} has no gateway endpoint"),
            ),
            // The table leads to that service already, by an endpoint that Describe did not show.
            Some("RouteAlreadyExists") => lost_race(failure),
            _ => failed(failure),
        }
    })?;
    let id = answer.vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id);
    let id = id.ok_or_else(|| no_id("ec2:CreateVpcEndpoint"))?;
    Ok(Effect::Endpoint(Endpoint { vpc: vpc.to_owned(), id, service: name, tables: [table.to_owned()].into() }))
}

/// [EC2 `ModifyVpcEndpoint`]
async fn route_to_endpoint(ec2: &Client, world: &World, endpoint: &str, table: &str) -> Result<Effect, StepError> {
    let sent = ec2.modify_vpc_endpoint().vpc_endpoint_id(endpoint).add_route_table_ids(table).send().await;
    sent.map_err(|error| {
        let failure = CallFailure::of("ec2:ModifyVpcEndpoint", &error);
        if failure.is(&["RouteAlreadyExists"]) { lost_race(failure) } else { failed(failure) }
    })?;
    Ok(Effect::Endpoint(with_table(world, endpoint, table)))
}

/// [EC2 `CreateFlowLogs`], with a client token. What it refuses it lists in a successful answer.
async fn create_flow_logs(ec2: &Client, input: &Input, vpc: &str, destination: &str) -> Result<Effect, StepError> {
    let request = ec2.create_flow_logs().resource_type(FlowLogsResourceType::Vpc).resource_ids(vpc);
    let request = request.traffic_type(TrafficType::All).client_token(token(input, vpc, "flow-logs"));
    let request = request.log_destination_type(LogDestinationType::S3).log_destination(destination);
    let tags = specification(ResourceType::VpcFlowLog, &input.tags("flow-logs"));
    let answer = request.tag_specifications(tags).send().await.map_err(|error| {
        let failure = CallFailure::of("ec2:CreateFlowLogs", &error);
        if failure.is(&["FlowLogAlreadyExists"]) { lost_race(failure) } else { failed(failure) }
    })?;
    let refused = answer.unsuccessful.unwrap_or_default().into_iter().find_map(|item| item.error);
    match refused {
        None => Ok(Effect::FlowLogs(destination.to_owned())),
        Some(error) => {
            let (code, message) = (error.code.unwrap_or_default(), error.message.unwrap_or_default());
            let what = format!("ec2:CreateFlowLogs refused {vpc} to {destination}: {code}: {message}");
            Err(StepError::new(Fault::InvalidInput, what)
                .next(format!("let the bucket policy of {destination} take flow logs of this account, then redrive")))
        }
    }
}

/// The client token of a part: the same for every try of one onboarding, another for the next, which may have to make
/// again what a person deleted.
fn token(input: &Input, vpc: &str, part: &str) -> String {
    format!("{vpc}-{part}-g{}", input.run.generation)
}

fn specification(kind: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder().resource_type(kind).set_tags(Some(sdk_tags(tags))).build()
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.0.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// The thing is there already: an earlier call made it, and its answer was lost.
fn lost_race(failure: CallFailure) -> StepError {
    failure.as_fault(Fault::Conflict, "nothing yet: Berth looks again and goes on with what is there")
}

fn no_id(operation: &str) -> StepError {
    StepError::new(Fault::Bug, format!("{operation} answered without an id"))
}

/// A failure by the codes that all of EC2's calls on a new VPC share.
fn failed(failure: CallFailure) -> StepError {
    if failure.is(&NOT_VISIBLE) {
        failure.as_fault(Fault::NotReady, "nothing yet: AWS does not show yet what it has just made")
    } else if failure.is(&QUOTAS) {
        failure.as_fault(
            Fault::InvalidInput,
            "raise the quota that is named in this account and region, or remove what is not used; then redrive",
        )
    } else {
        failure.or_common()
    }
}
