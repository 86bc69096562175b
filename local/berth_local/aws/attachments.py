"""Transit Gateway attachments as both accounts see them: the model, its clock, and its errors. No HTTP.

Life of an attachment: https://docs.aws.amazon.com/vpc/latest/tgw/tgw-vpc-attachments.html
Stock moto keeps everything per account, so an attachment to a shared gateway fails, and whatever it makes is
`available` at once.
"""

from __future__ import annotations

import datetime
import os
import threading
from dataclasses import dataclass, field

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.transit_gateway import TransitGateway
from moto.ec2.models.transit_gateway_route_tables import TransitGatewayRouteTable
from moto.ec2.utils import random_transit_gateway_attachment_id
from moto.iam.models import iam_backends

from berth_local.aws import clock
from berth_local.aws.registry import forgotten_on_reset, present
from berth_local.aws.settings import attachment_seconds
from berth_local.aws.sharing import may_use

SERVICE_LINKED_ROLE = "AWSServiceRoleForVPCTransitGateway"
GONE = ("deleted", "failed", "rejected")
LOCK = threading.RLock()


def association_seconds() -> float:
    """Seconds of AWS's time that an association (or its end) takes; never longer than an attachment."""
    return min(float(os.environ.get("BERTH_LOCAL_ASSOCIATION_SECONDS", "0.5")), attachment_seconds())


@dataclass
class Association:
    """An attachment's one association with a route table. `ended` is when it was asked to end."""

    table: str
    began: float
    ended: float | None = None

    @property
    def state(self) -> str:
        """associating, associated, disassociating or disassociated, by the clock."""
        now = clock.now()
        if self.ended is not None:
            return "disassociating" if now - self.ended < association_seconds() else "disassociated"
        return "associating" if now - self.began < association_seconds() else "associated"


@dataclass
class Attachment:
    """One VPC attached to one gateway."""

    gateway: TransitGateway
    account: str
    region: str
    vpc: str
    subnets: list[str]
    options: dict[str, str]
    id: str = field(default_factory=random_transit_gateway_attachment_id)
    created: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))
    settled: str | None = None
    """A state that the clock does not change: pendingAcceptance, failed, rejected."""
    passing_since: float = field(default_factory=clock.now)
    modified_since: float | None = None
    deleted_since: float | None = None
    association: Association | None = None
    policy: Association | None = None
    """The association with a policy table, in place of one with a route table."""
    nat: dict[str, str] = field(default_factory=dict)
    """Blocks of the VPC that the gateway translates, and to what."""
    propagations: list[str] = field(default_factory=list)
    defaults_done: bool = False

    @property
    def state(self) -> str:
        """The state by the clock."""
        now, seconds = clock.now(), attachment_seconds()
        if self.deleted_since is not None:
            return "deleting" if now - self.deleted_since < seconds else "deleted"
        if self.settled is not None:
            return self.settled
        if now - self.passing_since < seconds:
            return "pending"
        if not _has_service_linked_role(self.account):
            self.settled = "failed"
            return "failed"
        if self.modified_since is not None and now - self.modified_since < association_seconds():
            return "modifying"
        self._apply_defaults()
        return "available"

    def _apply_defaults(self) -> None:
        # With the gateway's defaults on, an attachment joins the default route table when it becomes available.
        if self.defaults_done:
            return
        self.defaults_done = True
        options = self.gateway.options
        if options.get("DefaultRouteTableAssociation") == "enable" and self.association is None:
            self.association = Association(options["AssociationDefaultRouteTableId"], clock.now())
        table = options.get("PropagationDefaultRouteTableId")
        if options.get("DefaultRouteTablePropagation") == "enable" and table not in self.propagations:
            self.propagations.append(table)

    @property
    def live_association(self) -> Association | None:
        """The association unless it has ended."""
        if self.association is not None and self.association.state == "disassociated":
            self.association = None
        return self.association

    @property
    def live_policy(self) -> Association | None:
        """The association with a policy table unless it has ended."""
        if self.policy is not None and self.policy.state == "disassociated":
            self.policy = None
        return self.policy

    @property
    def cidrs(self) -> list[str]:
        """The address blocks of the VPC, which are what it propagates."""
        vpc = ec2_backends[self.account][self.region].vpcs.get(self.vpc)
        blocks = vpc.cidr_block_association_set if vpc else []
        return [each["cidr_block"] for each in blocks if each["cidr_block_state"]["state"] == "associated"]


ATTACHMENTS: dict[str, Attachment] = forgotten_on_reset({})


def _has_service_linked_role(account: str) -> bool:
    return any(role.name == SERVICE_LINKED_ROLE for role in iam_backends[account]["aws"].roles.values())


def visible(backend: EC2Backend) -> list[Attachment]:
    """The attachments that an account sees in a region: its own VPCs', and those to its own gateways."""
    return [
        each
        for each in list(ATTACHMENTS.values())
        if each.region == backend.region_name and backend.account_id in (each.account, each.gateway.owner_id)
    ]


def known(backend: EC2Backend, attachment_id: str) -> Attachment:
    """The visible attachment. Raises InvalidTransitGatewayAttachmentID.NotFound."""
    for each in visible(backend):
        if each.id == attachment_id:
            return each
    raise EC2ClientError(
        "InvalidTransitGatewayAttachmentID.NotFound",
        f"Transit Gateway Attachment {attachment_id} was deleted or does not exist.",
    )


def usable_gateway(backend: EC2Backend, gateway_id: str) -> TransitGateway:
    """The gateway, if the account owns it or has it through RAM. Raises InvalidTransitGatewayID.NotFound."""
    for regions in list(ec2_backends.values()):
        owner = regions.get(backend.region_name)
        gateway = owner.transit_gateways.get(gateway_id) if owner is not None else None
        if gateway is not None and may_use(backend.account_id, gateway.owner_id, gateway.arn):
            return gateway
    raise EC2ClientError(
        "InvalidTransitGatewayID.NotFound", f"Transit Gateway {gateway_id} was deleted or does not exist."
    )


def shared_gateways(backend: EC2Backend) -> list[TransitGateway]:
    """Gateways of other accounts that the account may use."""
    return [
        gateway
        for account, regions in list(ec2_backends.items())
        if account != backend.account_id
        for other in present(regions, backend.region_name)
        for gateway in list(other.transit_gateways.values())
        if may_use(backend.account_id, account, gateway.arn)
    ]


def own_table(backend: EC2Backend, table_id: str) -> TransitGatewayRouteTable:
    """The account's own route table. Raises InvalidRouteTableID.NotFound, also for another account's table."""
    table = backend.transit_gateways_route_tables.get(table_id)
    if table is None or table.state == "deleted":
        raise EC2ClientError(
            "InvalidRouteTableID.NotFound", f"Transit Gateway Route Table {table_id} was deleted or does not exist."
        )
    return table


def settled_attachment(backend: EC2Backend, attachment_id: str) -> Attachment:
    """A visible attachment that is available. Raises IncorrectState while it is not."""
    attachment = known(backend, attachment_id)
    if attachment.state != "available":
        raise EC2ClientError("IncorrectState", f"{attachment_id} is in invalid state")
    return attachment


def create(backend: EC2Backend, gateway_id: str, vpc: str, subnets: list[str], options: dict[str, str]) -> Attachment:
    """CreateTransitGatewayVpcAttachment, without tags."""
    gateway = usable_gateway(backend, gateway_id)
    backend.get_vpc(vpc)
    _check_subnets(backend, vpc, subnets)
    with LOCK:
        for each in visible(backend):
            if each.vpc == vpc and each.gateway.id == gateway_id and each.state not in GONE:
                raise EC2ClientError(
                    "DuplicateTransitGatewayAttachment",
                    f"{gateway_id} has non-deleted Transit Gateway Attachments with same VPC ID.",
                )
        attachment = Attachment(gateway, backend.account_id, backend.region_name, vpc, list(subnets), options)
        automatic = gateway.options.get("AutoAcceptSharedAttachments") == "enable"
        if gateway.owner_id != backend.account_id and not automatic:
            attachment.settled = "pendingAcceptance"
        ATTACHMENTS[attachment.id] = attachment
    return attachment


def _check_subnets(backend: EC2Backend, vpc: str, subnets: list[str]) -> None:
    if not subnets:
        raise EC2ClientError("MissingParameter", "The request must contain the parameter subnetIds")
    zones: set[str] = set()
    for subnet_id in subnets:
        subnet = backend.get_subnet(subnet_id)
        if subnet.vpc_id != vpc:
            raise EC2ClientError("InvalidParameterValue", f"Subnet {subnet_id} does not belong to VPC {vpc}")
        if subnet.availability_zone in zones:
            raise EC2ClientError("DuplicateSubnetsInSameZone", "Duplicate Subnets for same AZ")
        zones.add(subnet.availability_zone)


def accept(backend: EC2Backend, attachment_id: str) -> Attachment:
    """AcceptTransitGatewayVpcAttachment, by the gateway's owner. Raises IncorrectState when nothing is to accept."""
    attachment = _waiting_for_owner(backend, attachment_id)
    attachment.settled = None
    attachment.passing_since = clock.now()
    return attachment


def reject(backend: EC2Backend, attachment_id: str) -> Attachment:
    """RejectTransitGatewayVpcAttachment, by the gateway's owner."""
    attachment = _waiting_for_owner(backend, attachment_id)
    attachment.settled = "rejected"
    return attachment


def _waiting_for_owner(backend: EC2Backend, attachment_id: str) -> Attachment:
    attachment = known(backend, attachment_id)
    if attachment.gateway.owner_id != backend.account_id:
        raise EC2ClientError("UnauthorizedOperation", "You are not authorized to perform this operation.")
    if attachment.state != "pendingAcceptance":
        raise EC2ClientError("IncorrectState", f"{attachment_id} is in invalid state")
    return attachment


def associate(backend: EC2Backend, attachment_id: str, table_id: str) -> Attachment:
    """AssociateTransitGatewayRouteTable: one association per attachment."""
    own_table(backend, table_id)
    with LOCK:
        attachment = settled_attachment(backend, attachment_id)
        refuse_second_association(attachment)
        attachment.association = Association(table_id, clock.now())
    return attachment


def refuse_second_association(attachment: Attachment) -> None:
    """Raises Resource.AlreadyAssociated when a route table or a policy table is associated already."""
    if attachment.live_association is not None or attachment.live_policy is not None:
        raise EC2ClientError(
            "Resource.AlreadyAssociated",
            f"Transit Gateway Attachment {attachment.id} is already associated to a route table.",
        )


def disassociate(backend: EC2Backend, attachment_id: str, table_id: str) -> Attachment:
    """DisassociateTransitGatewayRouteTable."""
    own_table(backend, table_id)
    attachment = known(backend, attachment_id)
    end(attachment, attachment.live_association, table_id)
    return attachment


def end(attachment: Attachment, association: Association | None, table_id: str) -> None:
    """Ends an association with this table. Raises InvalidAssociation.NotFound."""
    if association is None or association.table != table_id or association.ended is not None:
        raise EC2ClientError(
            "InvalidAssociation.NotFound", f"Transit Gateway Attachment {attachment.id} is not associated."
        )
    association.ended = clock.now()


def propagate(backend: EC2Backend, attachment_id: str, table_id: str) -> Attachment:
    """EnableTransitGatewayRouteTablePropagation."""
    own_table(backend, table_id)
    with LOCK:
        attachment = settled_attachment(backend, attachment_id)
        if table_id in attachment.propagations:
            raise EC2ClientError(
                "TransitGatewayRouteTablePropagation.Duplicate",
                f"Propagation of {attachment_id} to {table_id} already exists.",
            )
        attachment.propagations.append(table_id)
    return attachment


def stop_propagation(backend: EC2Backend, attachment_id: str, table_id: str) -> Attachment:
    """DisableTransitGatewayRouteTablePropagation."""
    own_table(backend, table_id)
    attachment = known(backend, attachment_id)
    if table_id not in attachment.propagations:
        raise EC2ClientError(
            "TransitGatewayRouteTablePropagation.NotFound", f"{attachment_id} does not propagate to {table_id}."
        )
    attachment.propagations.remove(table_id)
    return attachment
