//! The parts of the VPC: route table, subnets, gateway endpoints, flow logs, and the tags of any.

use aws_sdk_ec2::{
    Client,
    types::{FlowLogsResourceType, LogDestinationType, ResourceType, TrafficType, VpcEndpointType},
};
use berth_aws::SdkResultExt;
use berth_ec2::{sdk_tags, tag_specification};
use berth_step::{Fault, StepError};
use berth_tenancy::{SubnetBlock, Tags, TierRouting};

use super::{failed, look_again, lost_race, lost_race_by, no_id, token};
use crate::{Input, Made, decide::service_name, state::routing_tag};

/// [EC2 `CreateRouteTable`], with a client token.
pub(super) async fn create_route_table(
    ec2: &Client,
    input: &Input,
    vpc: &str,
    routing: TierRouting,
) -> Result<Made, StepError> {
    let (tags, name) = (input.table_tags(routing)?, routing_tag(routing).unwrap_or_default());
    let request = ec2.create_route_table().vpc_id(vpc).client_token(token(input, vpc, name));
    let answer = request.tag_specifications(tag_specification(ResourceType::RouteTable, &tags)).send().await;
    let answer = answer.named("ec2:CreateRouteTable").map_err(failed)?;
    let id = answer.route_table.and_then(|table| table.route_table_id);
    let id = id.ok_or_else(|| no_id("ec2:CreateRouteTable"))?;
    Ok(Made::with_id(id))
}

/// [EC2 `CreateSubnet`] has no client token; a second send collides with the block of the first.
pub(super) async fn create_subnet(
    ec2: &Client,
    input: &Input,
    vpc: &str,
    planned: &SubnetBlock,
) -> Result<Made, StepError> {
    let SubnetBlock { tier, zone, cidr } = planned;
    let tags = input.subnet_tags(tier, zone);
    let request = ec2.create_subnet().vpc_id(vpc).cidr_block(cidr.to_string()).availability_zone_id(zone);
    let answer = request.tag_specifications(tag_specification(ResourceType::Subnet, &tags)).send().await;
    let answer = answer.named("ec2:CreateSubnet").map_err(|failure| match failure.code() {
        Some("InvalidSubnet.Conflict") => lost_race(failure),
        Some("InvalidParameterValue" | "InvalidAvailabilityZone") => failure.as_fault(
            Fault::InvalidInput,
            format!("check that zone {zone} exists in {} for this account; zones are named by id", input.region),
        ),
        Some("InvalidSubnet.Range") => {
            failure.as_fault(Fault::InvalidInput, "correct the tiers' prefix lengths in platform.yaml")
        }
        _ => failed(failure),
    })?;
    let id = answer.subnet.and_then(|subnet| subnet.subnet_id).ok_or_else(|| no_id("ec2:CreateSubnet"))?;
    Ok(Made::with_id(id))
}

/// [EC2 `AssociateRouteTable`]
pub(super) async fn associate_subnet(ec2: &Client, subnet: &str, table: &str) -> Result<Made, StepError> {
    let sent = ec2.associate_route_table().subnet_id(subnet).route_table_id(table).send().await;
    sent.named("ec2:AssociateRouteTable").map_err(lost_race_by(&["Resource.AlreadyAssociated"]))?;
    Ok(Made::default())
}

/// [EC2 `CreateVpcEndpoint`], with a client token.
pub(super) async fn create_endpoint(
    ec2: &Client,
    input: &Input,
    vpc: &str,
    service: &str,
    table: &str,
) -> Result<Made, StepError> {
    let name = service_name(input, service);
    let request = ec2.create_vpc_endpoint().vpc_id(vpc).service_name(&name).route_table_ids(table);
    let request = request.vpc_endpoint_type(VpcEndpointType::Gateway).client_token(token(input, vpc, service));
    let tags = tag_specification(ResourceType::VpcEndpoint, &input.endpoint_tags(service));
    let answer = request.tag_specifications(tags).send().await;
    let answer = answer.named("ec2:CreateVpcEndpoint").map_err(|failure| match failure.code() {
        Some("InvalidServiceName" | "InvalidParameter") => failure.as_fault(
            Fault::InvalidInput,
            format!("remove {service} from gatewayEndpoints: {name} has no gateway endpoint"),
        ),
        // The table leads to that service already, by an endpoint that Describe did not show.
        Some("RouteAlreadyExists") => lost_race(failure),
        _ => failed(failure),
    })?;
    let id = answer.vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id);
    let id = id.ok_or_else(|| no_id("ec2:CreateVpcEndpoint"))?;
    Ok(Made::with_id(id))
}

/// [EC2 `ModifyVpcEndpoint`]
pub(super) async fn route_to_endpoint(ec2: &Client, endpoint: &str, table: &str) -> Result<Made, StepError> {
    let sent = ec2.modify_vpc_endpoint().vpc_endpoint_id(endpoint).add_route_table_ids(table).send().await;
    sent.named("ec2:ModifyVpcEndpoint").map_err(lost_race_by(&["RouteAlreadyExists"]))?;
    Ok(Made::default())
}

/// [EC2 `CreateFlowLogs`], with a client token. What it refuses it lists in a successful answer.
pub(super) async fn create_flow_logs(
    ec2: &Client,
    input: &Input,
    vpc: &str,
    destination: &str,
) -> Result<Made, StepError> {
    let request = ec2.create_flow_logs().resource_type(FlowLogsResourceType::Vpc).resource_ids(vpc);
    let request = request.traffic_type(TrafficType::All).client_token(token(input, vpc, "flow-logs"));
    let request = request.log_destination_type(LogDestinationType::S3).log_destination(destination);
    let tags = tag_specification(ResourceType::VpcFlowLog, &input.flow_log_tags());
    let answer = request.tag_specifications(tags).send().await;
    let answer = answer.named("ec2:CreateFlowLogs").map_err(lost_race_by(&["FlowLogAlreadyExists"]))?;
    let refused = answer.unsuccessful.unwrap_or_default().into_iter().find_map(|item| item.error);
    match refused {
        None => Ok(Made::default()),
        // An earlier call made them, and Describe did not show them yet.
        Some(error) if error.code() == Some("FlowLogAlreadyExists") => {
            let what = format!("ec2:CreateFlowLogs: {vpc} has flow logs to {destination} already");
            Err(StepError::new(Fault::Conflict, what).hint(look_again()))
        }
        Some(error) => {
            let (code, message) = (error.code.unwrap_or_default(), error.message.unwrap_or_default());
            let what = format!("ec2:CreateFlowLogs refused {vpc} to {destination}: {code}: {message}");
            Err(StepError::new(Fault::InvalidInput, what)
                .hint(format!("let the bucket policy of {destination} take flow logs of this account, then redrive")))
        }
    }
}

/// [EC2 `CreateTags`]
pub(super) async fn tag(ec2: &Client, id: &str, tags: &Tags) -> Result<Made, StepError> {
    let sent = ec2.create_tags().resources(id).set_tags(Some(sdk_tags(tags))).send().await;
    sent.named("ec2:CreateTags").map_err(failed)?;
    Ok(Made::default())
}

/// EC2 removes a tag only while it has the value. [EC2 `DeleteTags`]
pub(super) async fn untag(ec2: &Client, id: &str, tags: &Tags) -> Result<Made, StepError> {
    let sent = ec2.delete_tags().resources(id).set_tags(Some(sdk_tags(tags))).send().await;
    sent.named("ec2:DeleteTags").map_err(failed)?;
    Ok(Made::default())
}
