//! Makes one change. What an error code means stands beside the call that answers it.

use aws_sdk_ec2::Client;
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_ledger::Rest;
use berth_step::{Fault, StepError};
use berth_tenancy::wait;

use crate::{Change, Clients, Input};

/// Makes one change. What is gone already counts as done: an earlier call did it, and its answer was lost.
pub(crate) async fn act(clients: &Clients, input: &Input, change: &Change) -> Result<(), StepError> {
    match change {
        Change::ForgetVpc { vpc } => clients.ledger.forget_vpc(&input.run.account_id, &input.region, vpc).await,
        Change::ReleaseBlocks { rest, .. } => release(clients, input, *rest).await,
        _ => {
            let Some(ec2) = &clients.ec2 else {
                return Err(StepError::new(Fault::Bug, format!("'{change}' in a closed account")));
            };
            Box::pin(delete(ec2, change)).await
        }
    }
}

/// [DynamoDB `Scan`, `UpdateItem`]
async fn release(clients: &Clients, input: &Input, rest: Rest) -> Result<(), StepError> {
    let (account, region) = (&input.run.account_id, &input.region);
    clients.ledger.release_blocks(account, region, rest, (clients.now)()).await.map(drop)
}

/// [EC2 `DeleteVpcEndpoints`, `DeleteFlowLogs`, `DeleteSubnet`, `DeleteRouteTable`, `DetachInternetGateway`,
/// `DeleteInternetGateway`, `DeleteVpc`]
async fn delete(ec2: &Client, change: &Change) -> Result<(), StepError> {
    match change {
        Change::DeleteEndpoint { endpoint } => return delete_endpoint(ec2, endpoint).await,
        Change::DeleteFlowLog { flow_log } => return delete_flow_log(ec2, flow_log).await,
        Change::DeleteSubnet { subnet } => {
            let sent = ec2.delete_subnet().subnet_id(subnet).send().await;
            sent.named("ec2:DeleteSubnet").none_if(&["InvalidSubnetID.NotFound"]).map_err(meaning)?;
        }
        Change::DeleteRouteTable { table } => {
            let sent = ec2.delete_route_table().route_table_id(table).send().await;
            sent.named("ec2:DeleteRouteTable").none_if(&["InvalidRouteTableID.NotFound"]).map_err(meaning)?;
        }
        Change::DetachGateway { gateway, vpc } => {
            let sent = ec2.detach_internet_gateway().internet_gateway_id(gateway).vpc_id(vpc).send().await;
            let gone = ["Gateway.NotAttached", "InvalidInternetGatewayID.NotFound"];
            sent.named("ec2:DetachInternetGateway").none_if(&gone).map_err(meaning)?;
        }
        Change::DeleteGateway { gateway } => {
            let sent = ec2.delete_internet_gateway().internet_gateway_id(gateway).send().await;
            let gone = ["InvalidInternetGatewayID.NotFound"];
            sent.named("ec2:DeleteInternetGateway").none_if(&gone).map_err(meaning)?;
        }
        Change::DeleteVpc { vpc } => {
            let sent = ec2.delete_vpc().vpc_id(vpc).send().await;
            sent.named("ec2:DeleteVpc").none_if(&["InvalidVpcID.NotFound"]).map_err(meaning)?;
        }
        Change::ForgetVpc { .. } | Change::ReleaseBlocks { .. } => {
            return Err(StepError::new(Fault::Bug, format!("asked EC2 to {change}")));
        }
    }
    Ok(())
}

/// [EC2 `DeleteVpcEndpoints`]: what it refuses it lists in a successful answer.
async fn delete_endpoint(ec2: &Client, endpoint: &str) -> Result<(), StepError> {
    let sent = ec2.delete_vpc_endpoints().vpc_endpoint_ids(endpoint).send().await;
    let answer = sent.named("ec2:DeleteVpcEndpoints").none_if(&["InvalidVpcEndpointId.NotFound"]).map_err(meaning)?;
    let refused = answer.and_then(|answer| answer.unsuccessful).unwrap_or_default();
    let refused = refused.into_iter().find_map(|item| item.error).map(|error| (error.code, error.message));
    refused_item("ec2:DeleteVpcEndpoints", endpoint, refused)
}

/// [EC2 `DeleteFlowLogs`]: what it refuses it lists in a successful answer.
async fn delete_flow_log(ec2: &Client, flow_log: &str) -> Result<(), StepError> {
    let sent = ec2.delete_flow_logs().flow_log_ids(flow_log).send().await;
    let answer = sent.named("ec2:DeleteFlowLogs").none_if(&["InvalidFlowLogId.NotFound"]).map_err(meaning)?;
    let refused = answer.and_then(|answer| answer.unsuccessful).unwrap_or_default();
    let refused = refused.into_iter().find_map(|item| item.error).map(|error| (error.code, error.message));
    refused_item("ec2:DeleteFlowLogs", flow_log, refused)
}

/// What a refusal in a successful answer means.
fn refused_item(operation: &str, id: &str, refused: Option<(Option<String>, Option<String>)>) -> Result<(), StepError> {
    let Some((code, message)) = refused else { return Ok(()) };
    let code = code.unwrap_or_default();
    if code.ends_with(".NotFound") {
        return Ok(());
    }
    let what = format!("{operation} refused {id}: {code}: {}", message.unwrap_or_default());
    Err(StepError::new(Fault::Conflict, what).hint(wait(
        "Berth looks again and retries",
        "delete what is named by hand in the VPC console, then redrive the execution",
    )))
}

fn meaning(failure: CallFailure) -> StepError {
    // AWS frees what was deleted a moment ago, or somebody began to use it: the next look names what.
    if failure.is(&["DependencyViolation"]) {
        return failure.as_fault(
            Fault::NotReady,
            wait(
                "AWS frees what was deleted",
                "something that Berth does not see uses the VPC: delete what the VPC console names, then redrive the \
                 execution",
            ),
        );
    }
    failure.or_common()
}
