"""The EC2 operations around Transit Gateway route tables: associations, propagations, routes.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SearchTransitGatewayRoutes.html
Stock moto never shows propagated routes, and knows only its own account's attachments.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.transit_gateway_route_tables import TransitGatewayRouteTable
from moto.ec2.responses import EC2Response

from berth_local.aws import attachments, prefix_lists
from berth_local.aws.attachments import ATTACHMENTS, Attachment, own_table
from berth_local.aws.ec2_filters import filtered
from berth_local.aws.replacing import put


def relation(attachment: Attachment, table: str, state: str) -> dict[str, Any]:
    """What the four operations on associations and propagations answer."""
    return {
        "TransitGatewayAttachmentId": attachment.id,
        "ResourceId": attachment.vpc,
        "ResourceType": "vpc",
        "TransitGatewayRouteTableId": table,
        "State": state,
    }


def _change(self: EC2Response, change: Any) -> tuple[Attachment, str]:
    table = self._get_param("TransitGatewayRouteTableId")
    return change(self.ec2_backend, self._get_param("TransitGatewayAttachmentId"), table), table


def associate_transit_gateway_route_table(self: EC2Response) -> ActionResult:
    """AssociateTransitGatewayRouteTable."""
    attachment, table = _change(self, attachments.associate)
    return ActionResult({"Association": relation(attachment, table, "associating")})


def disassociate_transit_gateway_route_table(self: EC2Response) -> ActionResult:
    """DisassociateTransitGatewayRouteTable."""
    attachment, table = _change(self, attachments.disassociate)
    return ActionResult({"Association": relation(attachment, table, "disassociating")})


def enable_transit_gateway_route_table_propagation(self: EC2Response) -> ActionResult:
    """EnableTransitGatewayRouteTablePropagation."""
    attachment, table = _change(self, attachments.propagate)
    return ActionResult({"Propagation": relation(attachment, table, "enabled")})


def disable_transit_gateway_route_table_propagation(self: EC2Response) -> ActionResult:
    """DisableTransitGatewayRouteTablePropagation."""
    attachment, table = _change(self, attachments.stop_propagation)
    return ActionResult({"Propagation": relation(attachment, table, "disabled")})


RELATION_FILTERS = {
    "resource-id": lambda each: each["ResourceId"],
    "resource-type": lambda each: each["ResourceType"],
    "transit-gateway-attachment-id": lambda each: each["TransitGatewayAttachmentId"],
}


def get_transit_gateway_route_table_associations(self: EC2Response) -> ActionResult:
    """GetTransitGatewayRouteTableAssociations."""
    table = own_table(self.ec2_backend, self._get_param("TransitGatewayRouteTableId"))
    found = [
        relation(each, table.id, association.state)
        for each in list(ATTACHMENTS.values())
        if each.state and (association := each.live_association) is not None and association.table == table.id
    ]
    return ActionResult({"Associations": filtered(found, self._filters_from_querystring(), RELATION_FILTERS)})


def get_transit_gateway_route_table_propagations(self: EC2Response) -> ActionResult:
    """GetTransitGatewayRouteTablePropagations."""
    table = own_table(self.ec2_backend, self._get_param("TransitGatewayRouteTableId"))
    found = [
        relation(each, table.id, "enabled")
        for each in list(ATTACHMENTS.values())
        if each.state and table.id in each.propagations
    ]
    kept = filtered(found, self._filters_from_querystring(), RELATION_FILTERS)
    return ActionResult({"TransitGatewayRouteTablePropagations": kept})


def get_transit_gateway_attachment_propagations(self: EC2Response) -> ActionResult:
    """GetTransitGatewayAttachmentPropagations, for the gateway's owner. Stock: not implemented."""
    attachment = attachments.known(self.ec2_backend, self._get_param("TransitGatewayAttachmentId"))
    found = [
        {"TransitGatewayRouteTableId": table, "State": "enabled"}
        for table in (attachment.state and attachment.propagations)
    ]
    fields = {"transit-gateway-route-table-id": lambda each: each["TransitGatewayRouteTableId"]}
    kept = filtered(found, self._filters_from_querystring(), fields)
    return ActionResult({"TransitGatewayAttachmentPropagations": kept})


def _through(attachment: Attachment) -> list[dict[str, str]]:
    return [{"ResourceId": attachment.vpc, "TransitGatewayAttachmentId": attachment.id, "ResourceType": "vpc"}]


def routes_of(backend: EC2Backend, table: TransitGatewayRouteTable) -> list[dict[str, Any]]:
    """Static, propagated and system routes; a static one hides another one of the same destination."""
    routes: dict[str, dict[str, Any]] = {}
    for attachment in list(ATTACHMENTS.values()):
        if attachment.state in ("available", "modifying") and table.id in attachment.propagations:
            for cidr in attachment.cidrs:
                translated = attachment.nat.get(cidr)
                kind = "propagated" if translated is None else "system"
                routes[translated or cidr] = _route(translated or cidr, kind, "active", _through(attachment))
    for cidr, stored in table.routes.items():
        target = ATTACHMENTS.get(stored.get("attachment") or "")
        alive = target is not None and target.state not in ("deleting", "deleted")
        state = "active" if alive else "blackhole"
        routes[cidr] = _route(cidr, "static", state, _through(target) if target is not None and alive else [])
    for cidr, list_id, through in prefix_lists.referred_routes(backend, table):
        target = ATTACHMENTS.get(through or "")
        state = "blackhole" if target is None else "active"
        route = _route(cidr, "static", state, _through(target) if target is not None else [])
        routes[cidr] = {**route, "PrefixListId": list_id}
    return list(routes.values())


def _route(cidr: str, kind: str, state: str, through: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "DestinationCidrBlock": cidr,
        "Type": kind,
        "State": state,
        "TransitGatewayAttachments": through,
        "Tags": [],
    }


# SearchTransitGatewayRoutes answers at most as many at once.
ROUTES_PER_PAGE = 1000

ROUTE_FILTERS = {
    "type": lambda each: each["Type"],
    "state": lambda each: each["State"],
    "attachment.transit-gateway-attachment-id": lambda each: [
        through["TransitGatewayAttachmentId"] for through in each["TransitGatewayAttachments"]
    ],
    "attachment.resource-id": lambda each: [through["ResourceId"] for through in each["TransitGatewayAttachments"]],
    "attachment.resource-type": lambda each: [through["ResourceType"] for through in each["TransitGatewayAttachments"]],
    "prefix-list-id": lambda each: each.get("PrefixListId"),
    "route-search.exact-match": lambda each: each["DestinationCidrBlock"],
}


def _networks(route: dict[str, Any], wanted: list[str]) -> list[tuple[Any, Any]]:
    return [(ipaddress.ip_network(route["DestinationCidrBlock"]), ipaddress.ip_network(each)) for each in wanted]


def search_transit_gateway_routes(self: EC2Response) -> ActionResult:
    """SearchTransitGatewayRoutes."""
    table = own_table(self.ec2_backend, self._get_param("TransitGatewayRouteTableId"))
    filters = dict(self._filters_from_querystring())
    within = filters.pop("route-search.subnet-of-match", None)
    around = filters.pop("route-search.supernet-of-match", None)
    longest = filters.pop("route-search.longest-prefix-match", None)
    found = filtered(routes_of(self.ec2_backend, table), filters, ROUTE_FILTERS)
    if within:
        found = [each for each in found if any(have.subnet_of(want) for have, want in _networks(each, within))]
    if around:
        found = [each for each in found if any(have.supernet_of(want) for have, want in _networks(each, around))]
    if longest:
        found = [each for each in found if any(have.supernet_of(want) for have, want in _networks(each, longest))]
        found = sorted(found, key=lambda each: -ipaddress.ip_network(each["DestinationCidrBlock"]).prefixlen)[:1]
    first = int(self._get_param("NextToken") or 0)
    end = first + int(self._get_param("MaxResults") or ROUTES_PER_PAGE)
    answer: dict[str, Any] = {"Routes": found[first:end], "AdditionalRoutesAvailable": len(found) > end}
    if len(found) > end:
        answer["NextToken"] = str(end)
    return ActionResult(answer)


def create_transit_gateway_route(self: EC2Response) -> ActionResult:
    """CreateTransitGatewayRoute: RouteAlreadyExists for a second static route to one destination."""
    backend: EC2Backend = self.ec2_backend
    table = own_table(backend, self._get_param("TransitGatewayRouteTableId"))
    cidr = self._get_param("DestinationCidrBlock")
    if cidr in table.routes:
        raise EC2ClientError(
            "RouteAlreadyExists", f"Route {cidr} already exists in Transit Gateway Route Table {table.id}."
        )
    return _put_route(self, backend, table, cidr)


def replace_transit_gateway_route(self: EC2Response) -> ActionResult:
    """ReplaceTransitGatewayRoute. Stock: not implemented."""
    table = own_table(self.ec2_backend, self._get_param("TransitGatewayRouteTableId"))
    cidr = _existing(table, self._get_param("DestinationCidrBlock"))
    return _put_route(self, self.ec2_backend, table, cidr)


def _existing(table: TransitGatewayRouteTable, cidr: str) -> str:
    if cidr not in table.routes:
        raise EC2ClientError("InvalidRoute.NotFound", f"Route {cidr} does not exist in {table.id}.")
    return cidr


def _put_route(self: EC2Response, backend: EC2Backend, table: TransitGatewayRouteTable, cidr: str) -> ActionResult:
    through = self._get_param("TransitGatewayAttachmentId")
    blackhole = str(self._get_param("Blackhole", False)).lower() == "true"
    if not blackhole:
        attachments.settled_attachment(backend, through)
    table.routes[cidr] = {"attachment": None if blackhole else through}
    return ActionResult(
        {"Route": next(each for each in routes_of(backend, table) if each["DestinationCidrBlock"] == cidr)}
    )


def delete_transit_gateway_route(self: EC2Response) -> ActionResult:
    """DeleteTransitGatewayRoute."""
    table = own_table(self.ec2_backend, self._get_param("TransitGatewayRouteTableId"))
    cidr = _existing(table, self._get_param("DestinationCidrBlock"))
    route = next(each for each in routes_of(self.ec2_backend, table) if each["DestinationCidrBlock"] == cidr)
    del table.routes[cidr]
    return ActionResult({"Route": {**route, "State": "deleted"}})


OPERATIONS = (
    associate_transit_gateway_route_table,
    disassociate_transit_gateway_route_table,
    enable_transit_gateway_route_table_propagation,
    disable_transit_gateway_route_table_propagation,
    get_transit_gateway_route_table_associations,
    get_transit_gateway_route_table_propagations,
    get_transit_gateway_attachment_propagations,
    search_transit_gateway_routes,
    create_transit_gateway_route,
    replace_transit_gateway_route,
    delete_transit_gateway_route,
)


def install() -> None:
    """Put the operations in place of stock's."""
    put(EC2Response, OPERATIONS)
