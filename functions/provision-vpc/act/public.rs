//! The internet gateway of the public tiers and the route to it.

use aws_sdk_ec2::{Client, config::retry::RetryConfig, types::ResourceType};
use berth_aws::SdkResultExt;
use berth_ec2::tag_specification;
use berth_step::{Fault, StepError};
use berth_tenancy::wait;

use super::{failed, lost_race_by, no_id};
use crate::{Input, Made};

/// [EC2 `CreateInternetGateway`] has no client token: the SDK does not retry it, and the next look finds what was made by
/// its tags.
pub(super) async fn create_gateway(ec2: &Client, input: &Input) -> Result<Made, StepError> {
    let request = ec2.create_internet_gateway();
    let request = request.tag_specifications(tag_specification(ResourceType::InternetGateway, &input.gateway_tags()));
    let no_retry = aws_sdk_ec2::config::Builder::new().retry_config(RetryConfig::disabled());
    let answer = request.customize().config_override(no_retry).send().await;
    let answer = answer.named("ec2:CreateInternetGateway").map_err(|failure| {
        if failure.is_ambiguous() && failure.code() != Some("RequestLimitExceeded") {
            return failure.as_fault(
                Fault::NotReady,
                wait(
                    "Berth looks for the gateway before it tries again",
                    "look at the AWS Health dashboard for EC2 in the region; redrive the execution when it is over",
                ),
            );
        }
        failed(failure)
    })?;
    let id = answer.internet_gateway.and_then(|gateway| gateway.internet_gateway_id);
    let id = id.ok_or_else(|| no_id("ec2:CreateInternetGateway"))?;
    Ok(Made::with_id(id))
}

/// [EC2 `AttachInternetGateway`]
pub(super) async fn attach_gateway(ec2: &Client, vpc: &str, gateway: &str) -> Result<Made, StepError> {
    let sent = ec2.attach_internet_gateway().vpc_id(vpc).internet_gateway_id(gateway).send().await;
    // Attached already, or another one is: the next look says which.
    sent.named("ec2:AttachInternetGateway")
        .map_err(lost_race_by(&["Resource.AlreadyAssociated", "InvalidParameterValue"]))?;
    Ok(Made::default())
}

/// [EC2 `CreateRoute`]
pub(super) async fn route_to_internet(ec2: &Client, table: &str, gateway: &str) -> Result<Made, StepError> {
    let request = ec2.create_route().route_table_id(table).destination_cidr_block("0.0.0.0/0");
    let sent = request.gateway_id(gateway).send().await;
    sent.named("ec2:CreateRoute").map_err(lost_race_by(&["RouteAlreadyExists"]))?;
    Ok(Made::default())
}
