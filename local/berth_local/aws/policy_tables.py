"""Policy tables of a Transit Gateway: an attachment may have one in place of a route table, never both.

https://docs.aws.amazon.com/vpc/latest/tgw/tgw-policy-tables-associate.html
Stock moto: not implemented.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response
from moto.moto_api._internal import mock_random

from berth_local.aws import attachments, clock
from berth_local.aws.attachments import Association, Attachment
from berth_local.aws.registry import forgotten_on_reset
from berth_local.aws.replacing import put


@dataclass
class PolicyTable:
    """One policy table: rules by number, each with the route table that it leads to."""

    gateway: str
    account: str
    region: str
    id: str = field(default_factory=lambda: f"tgw-ptb-{mock_random.get_random_hex(17)}")
    entries: dict[str, str] = field(default_factory=dict)
    state: str = "available"


TABLES: dict[str, PolicyTable] = forgotten_on_reset({})


def _view(table: PolicyTable) -> dict[str, Any]:
    return {
        "TransitGatewayPolicyTableId": table.id,
        "TransitGatewayId": table.gateway,
        "State": table.state,
        "Tags": [],
    }


def _own(backend: EC2Backend, table_id: str) -> PolicyTable:
    table = TABLES.get(table_id)
    if table is None or (table.account, table.region) != (backend.account_id, backend.region_name):
        raise EC2ClientError(
            "InvalidTransitGatewayPolicyTableId.NotFound",
            f"Transit Gateway Policy Table {table_id} was deleted or does not exist.",
        )
    return table


def create_transit_gateway_policy_table(self: EC2Response) -> ActionResult:
    """CreateTransitGatewayPolicyTable."""
    gateway = attachments.usable_gateway(self.ec2_backend, self._get_param("TransitGatewayId"))
    table = PolicyTable(gateway.id, self.ec2_backend.account_id, self.ec2_backend.region_name)
    TABLES[table.id] = table
    return ActionResult({"TransitGatewayPolicyTable": _view(table)})


def create_transit_gateway_policy_table_entry(self: EC2Response) -> ActionResult:
    """CreateTransitGatewayPolicyTableEntry; what a rule matches is not kept."""
    table = _own(self.ec2_backend, self._get_param("TransitGatewayPolicyTableId"))
    number, target = self._get_param("PolicyRuleNumber"), self._get_param("TargetRouteTableId")
    table.entries[str(number)] = target
    return ActionResult({"TransitGatewayPolicyTableEntry": _entry(str(number), target)})


def _entry(number: str, target: str) -> dict[str, Any]:
    return {"PolicyRuleNumber": number, "TargetRouteTableId": target, "State": "active"}


def delete_transit_gateway_policy_table(self: EC2Response) -> ActionResult:
    """DeleteTransitGatewayPolicyTable: `deleted`, and still described for a while."""
    table = _own(self.ec2_backend, self._get_param("TransitGatewayPolicyTableId"))
    table.state = "deleted"
    return ActionResult({"TransitGatewayPolicyTable": _view(table)})


def describe_transit_gateway_policy_tables(self: EC2Response) -> ActionResult:
    """DescribeTransitGatewayPolicyTables."""
    here = (self.ec2_backend.account_id, self.ec2_backend.region_name)
    wanted = self._get_param("TransitGatewayPolicyTableIds", [])
    found = [each for each in TABLES.values() if (each.account, each.region) == here]
    shown = [_view(each) for each in found if not wanted or each.id in wanted]
    return ActionResult({"TransitGatewayPolicyTables": shown})


def get_transit_gateway_policy_table_entries(self: EC2Response) -> ActionResult:
    """GetTransitGatewayPolicyTableEntries."""
    table = _own(self.ec2_backend, self._get_param("TransitGatewayPolicyTableId"))
    shown = [_entry(number, target) for number, target in table.entries.items()]
    return ActionResult({"TransitGatewayPolicyTableEntries": shown})


def _relation(attachment: Attachment, table: PolicyTable, state: str) -> ActionResult:
    association = {
        "TransitGatewayPolicyTableId": table.id,
        "TransitGatewayAttachmentId": attachment.id,
        "ResourceId": attachment.vpc,
        "ResourceType": "vpc",
        "State": state,
    }
    return ActionResult({"Association": association})


def associate_transit_gateway_policy_table(self: EC2Response) -> ActionResult:
    """AssociateTransitGatewayPolicyTable: refused while a route table is associated."""
    backend = self.ec2_backend
    table = _own(backend, self._get_param("TransitGatewayPolicyTableId"))
    with attachments.LOCK:
        attachment = attachments.settled_attachment(backend, self._get_param("TransitGatewayAttachmentId"))
        attachments.refuse_second_association(attachment)
        attachment.policy = Association(table.id, clock.now())
    return _relation(attachment, table, "associating")


def disassociate_transit_gateway_policy_table(self: EC2Response) -> ActionResult:
    """DisassociateTransitGatewayPolicyTable."""
    backend = self.ec2_backend
    table = _own(backend, self._get_param("TransitGatewayPolicyTableId"))
    attachment = attachments.known(backend, self._get_param("TransitGatewayAttachmentId"))
    attachments.end(attachment, attachment.live_policy, table.id)
    return _relation(attachment, table, "disassociating")


OPERATIONS = (
    create_transit_gateway_policy_table,
    create_transit_gateway_policy_table_entry,
    delete_transit_gateway_policy_table,
    describe_transit_gateway_policy_tables,
    get_transit_gateway_policy_table_entries,
    associate_transit_gateway_policy_table,
    disassociate_transit_gateway_policy_table,
)


def install() -> None:
    """Add the operations, which stock lacks."""
    put(EC2Response, OPERATIONS)
