"""Managed prefix lists that one account shares with others by RAM, and references to them in gateway route tables.

https://docs.aws.amazon.com/vpc/latest/userguide/sharing-managed-prefix-lists.html
Stock moto shows an account its own lists only, and knows no references.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.managed_prefixes import ManagedPrefixList
from moto.ec2.models.transit_gateway_route_tables import TransitGatewayRouteTable
from moto.ec2.responses import EC2Response

from berth_local.aws import attachments
from berth_local.aws.attachments import own_table
from berth_local.aws.registry import forgotten_on_reset, present
from berth_local.aws.replacing import put, wrap
from berth_local.aws.sharing import may_use

REFERENCES: dict[str, dict[str, str | None]] = forgotten_on_reset({})
"""By gateway route table: prefix list and attachment; None drops the traffic."""


def shared_lists(backend: EC2Backend) -> list[ManagedPrefixList]:
    """Lists of other accounts that the account may use."""
    return [
        each
        for account, regions in list(ec2_backends.items())
        if account != backend.account_id
        for other in present(regions, backend.region_name)
        for each in list(other.managed_prefix_lists.values())
        if each.owner_id != "AWS" and may_use(backend.account_id, account, each.prefix_list_arn)
    ]


def usable_list(backend: EC2Backend, list_id: str) -> ManagedPrefixList:
    """The list, if the account owns it or has it through RAM. Raises InvalidPrefixListID.NotFound."""
    own = backend.managed_prefix_lists.get(list_id)
    found = own or next((each for each in shared_lists(backend) if each.id == list_id), None)
    if found is None or found.state == "delete-complete":
        raise EC2ClientError("InvalidPrefixListID.NotFound", f"The prefix list ID '{list_id}' does not exist")
    return found


def blocks_of(prefix_list: ManagedPrefixList) -> list[str]:
    """The entries of the newest version."""
    return [entry["Cidr"] for entry in prefix_list.entries.get(prefix_list.version) or []]


def describe_managed_prefix_lists(
    original: Any, self: EC2Backend, prefix_list_ids: list[str] | None = None, filters: Any = None
) -> list[ManagedPrefixList]:
    """DescribeManagedPrefixLists with the lists that other accounts share."""
    shared = {each.id: each for each in shared_lists(self)}
    stand_in = type("StandIn", (), {"managed_prefix_lists": {**self.managed_prefix_lists, **shared}})()
    return original(stand_in, prefix_list_ids, filters)


def referred_routes(backend: EC2Backend, table: TransitGatewayRouteTable) -> list[tuple[str, str, str | None]]:
    """Block, prefix list and attachment of every route that a table has through references."""
    return [
        (block, list_id, attachment)
        for list_id, attachment in REFERENCES.get(table.id, {}).items()
        for block in blocks_of(usable_list(backend, list_id))
    ]


def _reference(self: EC2Response) -> tuple[TransitGatewayRouteTable, ManagedPrefixList]:
    table = own_table(self.ec2_backend, self._get_param("TransitGatewayRouteTableId"))
    return table, usable_list(self.ec2_backend, self._get_param("PrefixListId"))


def _view(table: TransitGatewayRouteTable, prefix_list: ManagedPrefixList, state: str) -> dict[str, Any]:
    attachment = REFERENCES.get(table.id, {}).get(prefix_list.id)
    view = {
        "TransitGatewayRouteTableId": table.id,
        "PrefixListId": prefix_list.id,
        "PrefixListOwnerId": prefix_list.owner_id,
        "State": state,
        "Blackhole": attachment is None,
    }
    if attachment is not None:
        view["TransitGatewayAttachment"] = {"TransitGatewayAttachmentId": attachment, "ResourceType": "vpc"}
    return view


def create_transit_gateway_prefix_list_reference(self: EC2Response) -> ActionResult:
    """CreateTransitGatewayPrefixListReference."""
    table, prefix_list = _reference(self)
    through = self._get_param("TransitGatewayAttachmentId")
    blackhole = str(self._get_param("Blackhole", False)).lower() == "true"
    if not blackhole:
        attachments.settled_attachment(self.ec2_backend, through)
    REFERENCES.setdefault(table.id, {})[prefix_list.id] = None if blackhole else through
    return ActionResult({"TransitGatewayPrefixListReference": _view(table, prefix_list, "available")})


def get_transit_gateway_prefix_list_references(self: EC2Response) -> ActionResult:
    """GetTransitGatewayPrefixListReferences."""
    table = own_table(self.ec2_backend, self._get_param("TransitGatewayRouteTableId"))
    found = [
        _view(table, usable_list(self.ec2_backend, list_id), "available") for list_id in REFERENCES.get(table.id, {})
    ]
    return ActionResult({"TransitGatewayPrefixListReferences": found})


def delete_transit_gateway_prefix_list_reference(self: EC2Response) -> ActionResult:
    """DeleteTransitGatewayPrefixListReference."""
    table, prefix_list = _reference(self)
    view = _view(table, prefix_list, "deleting")
    if REFERENCES.get(table.id, {}).pop(prefix_list.id, "none") == "none":
        raise EC2ClientError("InvalidPrefixListReference.NotFound", f"{table.id} does not refer to {prefix_list.id}")
    return ActionResult({"TransitGatewayPrefixListReference": view})


def install() -> None:
    """Put the operations in place of stock's."""
    wrap(EC2Backend, "describe_managed_prefix_lists")(describe_managed_prefix_lists)
    operations = (
        create_transit_gateway_prefix_list_reference,
        get_transit_gateway_prefix_list_references,
        delete_transit_gateway_prefix_list_reference,
    )
    put(EC2Response, operations)
