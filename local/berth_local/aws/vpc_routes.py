"""Routes of VPC route tables: to Transit Gateways and prefix lists of other accounts, and what becomes of them.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html
Stock moto looks gateways and prefix lists up in the account's own tables, makes a second route to the same prefix list,
loses the gateway in ReplaceRoute, calls every route active, and keeps the association of a subnet that is deleted, so
that its route table can never be.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.route_tables import Route, RouteTable

from berth_local.aws import attachments
from berth_local.aws.attachments import Attachment
from berth_local.aws.prefix_lists import usable_list
from berth_local.aws.replacing import wrap


def attached(backend: EC2Backend, table: RouteTable, gateway_id: str) -> Attachment:
    """The attachment through which a table's routes reach a gateway. Raises InvalidTransitGatewayID.NotFound."""
    for each in attachments.visible(backend):
        if each.vpc == table.vpc_id and each.gateway.id == gateway_id and each.state in ("available", "modifying"):
            return each
    raise EC2ClientError("InvalidTransitGatewayID.NotFound", f"transitGateway ID '{gateway_id}' does not exist.")


@contextmanager
def _known(own: dict[str, Any], key: str, thing: Any) -> Iterator[None]:
    """For as long as stock looks, a thing of another account is in the account's own table."""
    if key in own:
        yield
        return
    own[key] = thing
    try:
        yield
    finally:
        own.pop(key, None)


def _arguments(original: Any, args: tuple[Any, ...], fields: dict[str, Any]) -> dict[str, Any]:
    bound = inspect.signature(original).bind_partial(None, *args, **fields).arguments
    return {key: value for key, value in bound.items() if key != "self"}


def create_route(original: Any, self: EC2Backend, *args: Any, **fields: Any) -> Any:
    """CreateRoute, also to a gateway (once the VPC's attachment is available) and to a prefix list of others."""
    asked = _arguments(original, args, fields)
    table = self.get_route_table(asked["route_table_id"])
    list_id = asked.get("destination_prefix_list_id")
    if list_id is not None:
        usable_list(self, list_id)
        if any(each.destination_prefix_list_id == list_id for each in table._routes.values()):
            raise EC2ClientError("RouteAlreadyExists", f"The route identified by {list_id} already exists.")
    return _with_others(original, self, table, asked)


def replace_route(original: Any, self: EC2Backend, *args: Any, **fields: Any) -> Any:
    """ReplaceRoute, also to a gateway."""
    asked = _arguments(original, args, fields)
    table = self.get_route_table(asked["route_table_id"])
    route = _with_others(original, self, table, asked)
    gateway_id = asked.get("transit_gateway_id")
    if gateway_id is not None:
        route.interface = route.vpc_pcx = route.instance = None
        route.transit_gateway = attached(self, table, gateway_id).gateway
    return route


def _with_others(original: Any, backend: EC2Backend, table: RouteTable, asked: dict[str, Any]) -> Any:
    gateway_id, list_id = asked.get("transit_gateway_id"), asked.get("destination_prefix_list_id")
    gateway = attached(backend, table, gateway_id).gateway if gateway_id is not None else None
    prefix_list = usable_list(backend, list_id) if list_id is not None else None
    with (
        _known(backend.transit_gateways, gateway_id or "", gateway),
        _known(backend.managed_prefix_lists, list_id or "", prefix_list),
    ):
        return original(backend, **asked)


def delete_subnet(original: Any, self: EC2Backend, subnet_id: str) -> Any:
    """DeleteSubnet, and with the subnet its association with a route table."""
    subnet = original(self, subnet_id)
    for table in self.route_tables.values():
        for association in [key for key, each in table._associations.items() if each == subnet_id]:
            table._associations.pop(association)
    return subnet


def state(self: Route) -> str:
    """A route into a gateway that the VPC is not attached to any more drops everything."""
    if self.transit_gateway is None:
        return "active"
    try:
        attached(self.route_table.ec2_backend, self.route_table, self.transit_gateway.id)
    except EC2ClientError:
        return "blackhole"
    return "active"


def install() -> None:
    """Put the operations in place of stock's."""
    wrap(EC2Backend, "create_route")(create_route)
    wrap(EC2Backend, "replace_route")(replace_route)
    wrap(EC2Backend, "delete_subnet")(delete_subnet)
    Route.state = property(state)
