"""1:1 NAT on attachments of a Transit Gateway, and which route tables a gateway has by itself.

https://docs.aws.amazon.com/vpc/latest/tgw/tgw-nat-routing.html: for a VPC the gateway always installs a `system` route
to the NAT CIDR, in place of the propagated one where a rule matches the VPC's block exactly.
Stock moto: no NAT; and a default route table although the gateway has both defaults off, where AWS makes none.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from berth_local.aws import attachments
from berth_local.aws.attachments import Attachment
from berth_local.aws.replacing import put, wrap


def _configuration(attachment: Attachment) -> ActionResult:
    rules = [
        {"RuleNumber": number, "MatchSourceCidr": source, "NatCidr": translated, "State": "activated"}
        for number, (source, translated) in enumerate(attachment.nat.items(), start=1)
    ]
    return ActionResult(
        {
            "TransitGatewayAttachmentId": attachment.id,
            "NatGatewaySupport": "enabled" if rules else "disabled",
            "NatSystemRouteSupport": "enable",
            "NatGatewayRules": rules,
        }
    )


def modify_transit_gateway_attachment_nat_configuration(self: EC2Response) -> ActionResult:
    """ModifyTransitGatewayAttachmentNatConfiguration, for the gateway's owner: at once, where AWS takes its time."""
    attachment = attachments.known(self.ec2_backend, self._get_param("TransitGatewayAttachmentId"))
    rules = self._get_param("NatGatewayRules", [])
    if rules:
        attachment.nat = {each["MatchSourceCidr"]: each["NatCidr"] for each in rules}
    if self._get_param("ResetNatGatewayRules") or self._get_param("NatGatewaySupport") == "disable":
        attachment.nat = {}
    return _configuration(attachment)


def get_transit_gateway_attachment_nat_configuration(self: EC2Response) -> ActionResult:
    """GetTransitGatewayAttachmentNatConfiguration."""
    return _configuration(attachments.known(self.ec2_backend, self._get_param("TransitGatewayAttachmentId")))


def _is_real(backend: EC2Backend, table: Any) -> bool:
    gateway = backend.transit_gateways.get(table.transit_gateway_id)
    if gateway is None or not table.default_association_route_table:
        return True
    return "enable" in (
        gateway.options.get("DefaultRouteTableAssociation"),
        gateway.options.get("DefaultRouteTablePropagation"),
    )


def get_all_transit_gateway_route_tables(original: Any, self: EC2Backend, *args: Any, **kwargs: Any) -> list[Any]:
    """DescribeTransitGatewayRouteTables without the default table of a gateway that has both defaults off."""
    return [each for each in original(self, *args, **kwargs) if _is_real(self, each)]


OPERATIONS = (
    modify_transit_gateway_attachment_nat_configuration,
    get_transit_gateway_attachment_nat_configuration,
)


def install() -> None:
    """Add the operations, and hide what AWS would not make."""
    put(EC2Response, OPERATIONS)
    wrap(EC2Backend, "get_all_transit_gateway_route_tables")(get_all_transit_gateway_route_tables)
