//! Routes of the VPC's private table. What an error code means stands beside the call that answers it.

use aws_sdk_ec2::Client;
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{Destination, wait};

use super::lost_race;
use crate::Made;

/// Block and prefix list of a destination, as the calls take them: one of the two.
fn parts(destination: &Destination) -> (Option<String>, Option<String>) {
    match destination {
        Destination::Block(block) => (Some(block.to_string()), None),
        Destination::PrefixList(id) => (None, Some(id.clone())),
    }
}

/// [EC2 `CreateRoute`]
pub(super) async fn create(
    ec2: &Client,
    table: &str,
    destination: &Destination,
    gateway: &str,
) -> Result<Made, StepError> {
    let (block, list) = parts(destination);
    let request = ec2.create_route().route_table_id(table).transit_gateway_id(gateway);
    let request = request.set_destination_cidr_block(block).set_destination_prefix_list_id(list);
    request.send().await.named("ec2:CreateRoute").map_err(|failure| match failure.code() {
        // To what is compared by the next try.
        Some("RouteAlreadyExists") => lost_race(failure),
        _ => no_route(failure, destination),
    })?;
    Ok(Made::default())
}

/// [EC2 `ReplaceRoute`]: the route leads to its old target until it leads to the new one.
pub(super) async fn replace(
    ec2: &Client,
    table: &str,
    destination: &Destination,
    gateway: &str,
) -> Result<Made, StepError> {
    let (block, list) = parts(destination);
    let request = ec2.replace_route().route_table_id(table).transit_gateway_id(gateway);
    let request = request.set_destination_cidr_block(block).set_destination_prefix_list_id(list);
    request.send().await.named("ec2:ReplaceRoute").map_err(|failure| match failure.code() {
        // Somebody deleted it meanwhile: the next try makes it.
        // EC2 answers the second code, too: "There is no route defined".
        Some("InvalidRoute.NotFound" | "InvalidParameterValue") => lost_race(failure),
        _ => no_route(failure, destination),
    })?;
    Ok(Made::default())
}

/// [EC2 `DeleteRoute`]. That it is gone is what was wanted.
pub(super) async fn delete(ec2: &Client, table: &str, destination: &Destination) -> Result<Made, StepError> {
    let (block, list) = parts(destination);
    let request = ec2.delete_route().route_table_id(table);
    let sent = request.set_destination_cidr_block(block).set_destination_prefix_list_id(list).send().await;
    sent.named("ec2:DeleteRoute").none_if(&["InvalidRoute.NotFound"]).or_common()?;
    Ok(Made::default())
}

/// Why the table does not take a route.
fn no_route(failure: CallFailure, destination: &Destination) -> StepError {
    match failure.code() {
        Some("InvalidTransitGatewayID.NotFound" | "IncorrectState") => failure.as_fault(
            Fault::NotReady,
            wait(
                "the VPC does not see its new attachment yet",
                "see in which state the VPC's attachment is, and who changes it; then redrive the execution",
            ),
        ),
        Some("InvalidPrefixListID.NotFound" | "InvalidPrefixListId.NotFound") => failure.as_fault(
            Fault::NotReady,
            wait(
                "a new share reaches an account after some minutes",
                format!(
                    "share {destination} with this account's organizational unit by RAM, then redrive the execution"
                ),
            ),
        ),
        // A prefix list counts with the most entries that it may have, not with those that it has.
        Some("RouteLimitExceeded") => failure.as_fault(
            Fault::InvalidInput,
            "raise the quota of routes in a route table and redrive the execution, or summarise the routes in \
                 platform.yaml",
        ),
        Some("InvalidParameterValue") => failure.as_fault(
            Fault::InvalidInput,
            format!("correct {destination} in platform.yaml: the VPC's route table does not take it"),
        ),
        _ => failure.or_common(),
    }
}
