"""attach-transit-gateway in Python and boto3, with the same calls as functions/attach-transit-gateway."""

from __future__ import annotations

from typing import Any

from accounts import NotOwned, NotReady, client, confirm_lease, is_ours, tags_of
from botocore.exceptions import ClientError

TENANT_ACTIONS = (
    "ec2:CreateRoute", "ec2:CreateTags", "ec2:CreateTransitGatewayVpcAttachment", "ec2:DescribeRouteTables",
    "ec2:DescribeTransitGatewayVpcAttachments", "iam:CreateServiceLinkedRole",
)  # fmt: skip
NETWORK_ACTIONS = (
    "ec2:AcceptTransitGatewayVpcAttachment", "ec2:AssociateTransitGatewayRouteTable",
    "ec2:DescribeTransitGatewayAttachments", "ec2:DescribeTransitGateways",
    "ec2:EnableTransitGatewayRouteTablePropagation", "ec2:GetTransitGatewayAttachmentPropagations",
    "ec2:SearchTransitGatewayRoutes",
)  # fmt: skip


def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Converges the attachment, proves its isolation, and only then leads routes into the gateway."""
    run, gateway = event["run"], event["transitGateway"]
    tenant = _tenant("ec2", event)
    found = _attachment(tenant, event)
    if found is None:
        confirm_lease(run)
        found = _create(tenant, event)
    if not is_ours(run, found):
        raise NotOwned(f"{found['TransitGatewayAttachmentId']} has not our tags")
    attachment, state = found["TransitGatewayAttachmentId"], found["State"]
    if state == "pendingAcceptance":
        confirm_lease(run)
        _network(event).accept_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    if state != "available":
        raise NotReady(f"{attachment} is {state}")
    network = _network(event)
    seen = network.describe_transit_gateway_attachments(TransitGatewayAttachmentIds=[attachment])
    association = seen["TransitGatewayAttachments"][0].get("Association")
    if association is None:
        confirm_lease(run)
        _join(network, attachment, gateway)
        raise NotReady(f"the network account's route tables change for {attachment}")
    if association["TransitGatewayRouteTableId"] != gateway["spokeRouteTable"]:
        raise NotOwned(f"{attachment} is associated with {association['TransitGatewayRouteTableId']}")
    if association["State"] != "associated":
        raise NotReady(f"{attachment} is being associated")
    _prove(network, attachment, gateway)
    return {"attachmentId": attachment, "changes": _route(tenant, event)}


def _tenant(service: str, event: dict[str, Any]) -> Any:
    run = event["run"]
    return client(service, run["accountId"], run["tenantRole"], event["region"], run["execution"], TENANT_ACTIONS)


def _network(event: dict[str, Any]) -> Any:
    gateway, execution = event["transitGateway"], event["run"]["execution"]
    role = (gateway["networkAccount"], gateway["networkRole"], event["region"], execution)
    return client("ec2", *role, NETWORK_ACTIONS)


def _attachment(tenant: Any, event: dict[str, Any]) -> dict[str, Any] | None:
    pages = tenant.get_paginator("describe_transit_gateway_vpc_attachments").paginate(
        Filters=[{"Name": "vpc-id", "Values": [event["vpcId"]]}]
    )
    for page in pages:
        for found in page["TransitGatewayVpcAttachments"]:
            if found["TransitGatewayId"] == event["transitGateway"]["id"] and found["State"] != "deleted":
                return found
    return None


def _create(tenant: Any, event: dict[str, Any]) -> dict[str, Any]:
    """The service-linked role, then the attachment: without the role it hangs."""
    run = event["run"]
    try:
        _tenant("iam", event).create_service_linked_role(AWSServiceName="transitgateway.amazonaws.com")
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidInput" or "has been taken" not in str(error):
            raise
    named = tags_of(run, f"berth-{run['tenant']}-{run['environment']}")
    return tenant.create_transit_gateway_vpc_attachment(
        TransitGatewayId=event["transitGateway"]["id"],
        VpcId=event["vpcId"],
        SubnetIds=event["attachmentSubnets"],
        TagSpecifications=[{"ResourceType": "transit-gateway-attachment", "Tags": named}],
    )["TransitGatewayVpcAttachment"]


def _join(network: Any, attachment: str, gateway: dict[str, Any]) -> None:
    network.associate_transit_gateway_route_table(
        TransitGatewayAttachmentId=attachment, TransitGatewayRouteTableId=gateway["spokeRouteTable"]
    )
    for table in gateway["propagateTo"]:
        network.enable_transit_gateway_route_table_propagation(
            TransitGatewayAttachmentId=attachment, TransitGatewayRouteTableId=table
        )


def _prove(network: Any, attachment: str, gateway: dict[str, Any]) -> None:
    """Raises NotOwned unless the attachment reaches the shared attachments and nothing else."""
    pages = network.get_paginator("get_transit_gateway_attachment_propagations").paginate(
        TransitGatewayAttachmentId=attachment
    )
    propagations = [one for page in pages for one in page["TransitGatewayAttachmentPropagations"]]
    if any(one["State"] == "enabling" for one in propagations):
        raise NotReady(f"the propagation of {attachment} is changing")
    tables = {one["TransitGatewayRouteTableId"] for one in propagations if one["State"] == "enabled"}
    options = network.describe_transit_gateways(TransitGatewayIds=[gateway["id"]])["TransitGateways"][0]["Options"]
    switches = (options["DefaultRouteTableAssociation"], options["DefaultRouteTablePropagation"])
    routes = network.search_transit_gateway_routes(
        TransitGatewayRouteTableId=gateway["spokeRouteTable"],
        Filters=[{"Name": "type", "Values": ["static", "propagated"]}],
    )
    leads_to = {
        target["TransitGatewayAttachmentId"]
        for route in routes["Routes"]
        for target in route.get("TransitGatewayAttachments", [])
    }
    is_isolated = (
        tables == set(gateway["propagateTo"])
        and switches == ("disable", "disable")
        and not routes.get("AdditionalRoutesAvailable")
        and leads_to <= set(gateway["sharedAttachments"])
    )
    if not is_isolated:
        raise NotOwned(f"isolation of {attachment} is not as planned: {tables} {switches} {leads_to}")


def _route(tenant: Any, event: dict[str, Any]) -> list[str]:
    table, gateway = event["privateRouteTable"], event["transitGateway"]
    seen = tenant.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    known = {route.get("DestinationCidrBlock"): route.get("TransitGatewayId") for route in seen}
    missing = [destination for destination in gateway["routes"] if destination not in known]
    if any(known.get(destination, gateway["id"]) != gateway["id"] for destination in gateway["routes"]):
        raise NotOwned(f"{table} leads elsewhere")
    if missing:
        confirm_lease(event["run"])
    for destination in missing:
        tenant.create_route(RouteTableId=table, DestinationCidrBlock=destination, TransitGatewayId=gateway["id"])
    return [f"route {destination}" for destination in missing]
