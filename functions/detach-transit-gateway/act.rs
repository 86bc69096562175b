//! Makes one change. What an error code means stands beside the call that answers it.

use aws_sdk_ec2::Client;
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{Destination, wait};

use crate::{Change, Clients, Input, Route};

/// Makes one change, in the account that it is about. What is gone already counts as done.
pub(crate) async fn act(clients: &Clients, input: &Input, change: &Change) -> Result<(), StepError> {
    let in_network = |error: StepError| error.for_account(&input.network_account);
    match change {
        Change::DeleteRoute(route) => delete_route(tenant(clients, change)?, route).await,
        Change::StopPropagation { attachment, table } => {
            stop_propagation(clients.network(input).await?, attachment, table).await.map_err(in_network)
        }
        Change::Disassociate { attachment, table } => {
            disassociate(clients.network(input).await?, attachment, table).await.map_err(in_network)
        }
        Change::DeleteAttachment { attachment } if input.is_closed => {
            delete_attachment(clients.network(input).await?, attachment).await.map_err(in_network)
        }
        Change::DeleteAttachment { attachment } => delete_attachment(tenant(clients, change)?, attachment).await,
    }
}

fn tenant<'a>(clients: &'a Clients, change: &Change) -> Result<&'a Client, StepError> {
    let bug = || StepError::new(Fault::Bug, format!("'{change}' in a closed account"));
    clients.tenant.as_ref().ok_or_else(bug)
}

/// [EC2 `DeleteRoute`]
async fn delete_route(ec2: &Client, Route { table, destination }: &Route) -> Result<(), StepError> {
    let request = ec2.delete_route().route_table_id(table);
    let request = match destination {
        Destination::Block(block) => request.destination_cidr_block(block.to_string()),
        Destination::PrefixList(list) => request.destination_prefix_list_id(list.clone()),
    };
    let gone = ["InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"];
    request.send().await.named("ec2:DeleteRoute").none_if(&gone).or_common().map(drop)
}

/// [EC2 `DisableTransitGatewayRouteTablePropagation`]
async fn stop_propagation(ec2: &Client, attachment: &str, table: &str) -> Result<(), StepError> {
    let request = ec2.disable_transit_gateway_route_table_propagation().transit_gateway_attachment_id(attachment);
    let sent = request.transit_gateway_route_table_id(table).send().await;
    let gone = [
        "TransitGatewayRouteTablePropagation.NotFound",
        "InvalidTransitGatewayAttachmentID.NotFound",
        "InvalidRouteTableID.NotFound",
    ];
    let sent = sent.named("ec2:DisableTransitGatewayRouteTablePropagation").none_if(&gone);
    sent.map_err(meaning).map(drop)
}

/// [EC2 `DisassociateTransitGatewayRouteTable`]
async fn disassociate(ec2: &Client, attachment: &str, table: &str) -> Result<(), StepError> {
    let request = ec2.disassociate_transit_gateway_route_table().transit_gateway_attachment_id(attachment);
    let sent = request.transit_gateway_route_table_id(table).send().await;
    let gone =
        ["InvalidAssociation.NotFound", "InvalidTransitGatewayAttachmentID.NotFound", "InvalidRouteTableID.NotFound"];
    sent.named("ec2:DisassociateTransitGatewayRouteTable").none_if(&gone).map_err(meaning).map(drop)
}

/// [EC2 `DeleteTransitGatewayVpcAttachment`]
async fn delete_attachment(ec2: &Client, attachment: &str) -> Result<(), StepError> {
    let sent = ec2.delete_transit_gateway_vpc_attachment().transit_gateway_attachment_id(attachment).send().await;
    let gone = ["InvalidTransitGatewayAttachmentID.NotFound"];
    sent.named("ec2:DeleteTransitGatewayVpcAttachment").none_if(&gone).map_err(meaning).map(drop)
}

fn meaning(failure: CallFailure) -> StepError {
    if failure.is(&["IncorrectState"]) {
        return failure.as_fault(
            Fault::NotReady,
            wait(
                "the gateway still works on the attachment",
                "see in the network account what state the attachment is in, then redrive the execution",
            ),
        );
    }
    failure.or_common()
}
