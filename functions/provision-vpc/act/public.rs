//! The internet gateway of the public tiers and the route to it.

use aws_sdk_ec2::{Client, config::retry::RetryConfig, types::ResourceType};
use berth_aws::CallFailure;
use berth_step::{Fault, StepError};
use berth_tenancy::wait;

use super::{failed, lost_race, no_id, specification};
use crate::{Input, Made};

/// [EC2 `CreateInternetGateway`] has no client token: the SDK does not retry it, and the next look finds what was made by
/// its tags.
pub(super) async fn create_gateway(ec2: &Client, input: &Input) -> Result<Made, StepError> {
    let request = ec2.create_internet_gateway();
    let request = request.tag_specifications(specification(ResourceType::InternetGateway, &input.gateway_tags()));
    let no_retry = aws_sdk_ec2::config::Builder::new().retry_config(RetryConfig::disabled());
    let answer = request.customize().config_override(no_retry).send().await.map_err(|error| {
        let failure = CallFailure::of("ec2:CreateInternetGateway", &error);
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
    sent.map_err(|error| {
        let failure = CallFailure::of("ec2:AttachInternetGateway", &error);
        // Attached already, or another one is: the next look says which.
        if failure.is(&["Resource.AlreadyAssociated", "InvalidParameterValue"]) {
            lost_race(failure)
        } else {
            failed(failure)
        }
    })?;
    Ok(Made::default())
}

/// [EC2 `CreateRoute`]
pub(super) async fn route_to_internet(ec2: &Client, table: &str, gateway: &str) -> Result<Made, StepError> {
    let request = ec2.create_route().route_table_id(table).destination_cidr_block("0.0.0.0/0");
    let sent = request.gateway_id(gateway).send().await;
    sent.map_err(|error| {
        let failure = CallFailure::of("ec2:CreateRoute", &error);
        if failure.is(&["RouteAlreadyExists"]) { lost_race(failure) } else { failed(failure) }
    })?;
    Ok(Made::default())
}
