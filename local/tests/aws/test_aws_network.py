"""Transit Gateways between accounts, RAM, and IPAM."""

from __future__ import annotations

import ipaddress
import itertools
import threading
from typing import Any

import requests
from twin_worlds import MANAGEMENT, NETWORK, TENANT, World, code_of, differs_from_stock, fresh

from berth_local.aws import clock as clock_module

REGION = "eu-west-1"
# The accounts of these tests share one region; every VPC gets a block of its own.
_blocks = itertools.count(1)


class Site:
    """A network account with a shared gateway, and a tenant with a VPC, both fresh."""

    def __init__(self, aws: World, automatic: str = "disable", defaults: str = "disable", share: bool = True) -> None:
        self.aws = aws
        self.network = aws.client("ec2", NETWORK, REGION)
        self.tenant_account = _member(aws)
        self.tenant = aws.client("ec2", self.tenant_account, REGION)
        options = {
            "AutoAcceptSharedAttachments": automatic,
            "DefaultRouteTableAssociation": defaults,
            "DefaultRouteTablePropagation": defaults,
        }
        gateway = self.network.create_transit_gateway(Options=options)["TransitGateway"]
        self.gateway = gateway["TransitGatewayId"]
        self.default_table = gateway["Options"].get("AssociationDefaultRouteTableId")
        self.table = self.network.create_transit_gateway_route_table(TransitGatewayId=self.gateway)[
            "TransitGatewayRouteTable"
        ]["TransitGatewayRouteTableId"]
        if share:
            _share(aws, gateway["TransitGatewayArn"])
        number = next(_blocks)
        self.cidr = f"10.{number}.0.0/16"
        self.vpc = self.tenant.create_vpc(CidrBlock=self.cidr)["Vpc"]["VpcId"]
        self.subnets = [
            self.tenant.create_subnet(
                VpcId=self.vpc, CidrBlock=f"10.{number}.{i}.0/24", AvailabilityZone=f"{REGION}{zone}"
            )["Subnet"]["SubnetId"]
            for i, zone in enumerate("ab")
        ]

    def attach(self, role: bool = True) -> str:
        """A new attachment of the tenant's VPC."""
        if role:
            iam = self.aws.client("iam", self.tenant_account)
            code_of(iam.create_service_linked_role, AWSServiceName="transitgateway.amazonaws.com")
        return self.tenant.create_transit_gateway_vpc_attachment(
            TransitGatewayId=self.gateway,
            VpcId=self.vpc,
            SubnetIds=self.subnets,
            TagSpecifications=[
                {"ResourceType": "transit-gateway-attachment", "Tags": [{"Key": "berth:account", "Value": "1"}]}
            ],
        )["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]

    def state(self, attachment: str, who: Any = None) -> str:
        """The attachment's state as an account (the tenant, by default) sees it."""
        found = (who or self.tenant).describe_transit_gateway_vpc_attachments(TransitGatewayAttachmentIds=[attachment])
        return found["TransitGatewayVpcAttachments"][0]["State"]

    def wait(self, attachment: str, state: str) -> None:
        """Until the attachment is in a state."""
        assert self.aws.eventually(lambda: self.state(attachment) == state), f"not {state}"


def _member(aws: World) -> str:
    organizations = aws.client("organizations", MANAGEMENT)
    made = organizations.create_account(AccountName=fresh("tenant"), Email=f"{fresh('t')}@example.com")
    return made["CreateAccountStatus"]["AccountId"]


def _share(aws: World, arn: str) -> None:
    organizations = aws.client("organizations", MANAGEMENT)
    accounts = [each["Id"] for each in organizations.list_accounts()["Accounts"]]
    # Stock gives the network account another id, so that it is outside of the organization there.
    whole = [organizations.describe_organization()["Organization"]["Arn"]]
    principals = whole if NETWORK in accounts else accounts
    ram = aws.client("ram", NETWORK, REGION)
    ram.create_resource_share(name=fresh("share"), resourceArns=[arn], principals=principals)


@differs_from_stock("InvalidTransitGatewayID.NotFound")
def test_a_shared_gateway_is_attached_accepted_and_becomes_available(aws: World) -> None:
    site = Site(aws)
    attachment = site.attach()
    assert site.state(attachment) == "pendingAcceptance"
    assert site.state(attachment, site.network) == "pendingAcceptance"
    code = code_of(site.tenant.accept_transit_gateway_vpc_attachment, TransitGatewayAttachmentId=attachment)
    assert code == "UnauthorizedOperation"
    site.network.accept_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    assert site.state(attachment) == "pending"
    again = code_of(site.network.accept_transit_gateway_vpc_attachment, TransitGatewayAttachmentId=attachment)
    assert again == "IncorrectState"
    site.wait(attachment, "available")


def test_while_the_clock_is_stopped_nothing_that_aws_works_on_is_done(ours: World) -> None:
    site = Site(ours, automatic="enable")

    def clock(command: str) -> int:
        return requests.post(f"{ours.endpoint}/moto-api/clock/{command}", timeout=60).status_code

    assert clock("stop") == clock("stop") == 200
    try:
        attachment = site.attach()
        assert [site.state(attachment) for _ in range(30)] == ["pending"] * 30
        assert clock("advance?seconds=3600") == 200
        assert site.state(attachment) == "available"
        other = Site(ours, automatic="enable")
        second = other.attach()
    finally:
        assert clock("start") == 200
    other.wait(second, "available")
    assert clock("turn-back") == 404


def test_a_clock_stands_still_while_it_is_stopped_and_goes_on_from_there() -> None:
    began = clock_module.now()
    clock_module.stop()
    stopped = clock_module.now()
    assert stopped >= began and [clock_module.now() for _ in range(100)] == [stopped] * 100
    clock_module.advance(60)
    assert clock_module.now() == stopped + 60
    clock_module.start()
    clock_module.start()
    assert stopped + 60 <= clock_module.now()


@differs_from_stock("visible")
def test_a_gateway_that_is_not_shared_does_not_exist_for_others(aws: World) -> None:
    site = Site(aws, share=False)
    assert code_of(site.attach) == "InvalidTransitGatewayID.NotFound"
    shared = Site(aws)
    seen = [each["TransitGatewayId"] for each in shared.tenant.describe_transit_gateways()["TransitGateways"]]
    assert shared.gateway in seen, "shared gateway not visible"
    assert site.gateway not in seen


@differs_from_stock("InvalidTransitGatewayID.NotFound")
def test_a_second_attachment_of_one_vpc_is_a_duplicate(aws: World) -> None:
    site = Site(aws, automatic="enable")
    attachment = site.attach()
    assert site.state(attachment) == "pending"
    assert code_of(site.attach) == "DuplicateTransitGatewayAttachment"
    site.wait(attachment, "available")
    site.tenant.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    assert site.state(attachment) == "deleting"
    site.wait(attachment, "deleted")
    assert site.attach() != attachment


@differs_from_stock("InvalidTransitGatewayID.NotFound")
def test_without_the_service_linked_role_an_attachment_fails(aws: World) -> None:
    site = Site(aws, automatic="enable")
    attachment = site.attach(role=False)
    assert site.state(attachment) == "pending"
    site.wait(attachment, "failed")


@differs_from_stock("InvalidTransitGatewayID.NotFound")
def test_an_association_waits_for_the_attachment_and_is_one(aws: World) -> None:
    site = Site(aws, automatic="enable")
    attachment = site.attach()
    pair = {"TransitGatewayAttachmentId": attachment, "TransitGatewayRouteTableId": site.table}
    associate = site.network.associate_transit_gateway_route_table
    assert code_of(associate, **pair) == "IncorrectState"
    site.wait(attachment, "available")
    assert associate(**pair)["Association"]["State"] == "associating"
    assert code_of(associate, **pair) == "Resource.AlreadyAssociated"

    def association() -> str:
        get = site.network.get_transit_gateway_route_table_associations
        found = get(TransitGatewayRouteTableId=site.table)["Associations"]
        assert [each["TransitGatewayAttachmentId"] for each in found] == [attachment]
        return found[0]["State"]

    assert association() == "associating"
    assert aws.eventually(lambda: association() == "associated")
    view = site.network.describe_transit_gateway_attachments(
        Filters=[{"Name": "association.transit-gateway-route-table-id", "Values": [site.table]}]
    )["TransitGatewayAttachments"]
    assert [each["Association"]["State"] for each in view] == ["associated"]
    assert view[0]["ResourceOwnerId"] == site.tenant_account
    assert code_of(site.tenant.associate_transit_gateway_route_table, **pair) == "InvalidRouteTableID.NotFound"
    assert site.network.disassociate_transit_gateway_route_table(**pair)["Association"]["State"] == "disassociating"
    get = site.network.get_transit_gateway_route_table_associations
    assert aws.eventually(lambda: not get(TransitGatewayRouteTableId=site.table)["Associations"])


@differs_from_stock("InvalidTransitGatewayID.NotFound")
def test_a_propagation_shows_the_routes_of_the_vpc(aws: World) -> None:
    site = Site(aws, automatic="enable")
    attachment = site.attach()
    site.wait(attachment, "available")
    pair = {"TransitGatewayAttachmentId": attachment, "TransitGatewayRouteTableId": site.table}

    def routes(**wanted: str) -> list[str]:
        filters = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in wanted.items()]
        found = site.network.search_transit_gateway_routes(TransitGatewayRouteTableId=site.table, Filters=filters)
        return [each["DestinationCidrBlock"] for each in found["Routes"]]

    assert routes(state="active") == []
    enable = site.network.enable_transit_gateway_route_table_propagation
    assert enable(**pair)["Propagation"]["State"] == "enabled"
    assert code_of(enable, **pair) == "TransitGatewayRouteTablePropagation.Duplicate"
    assert routes(type="propagated") == [site.cidr]
    get = site.network.get_transit_gateway_attachment_propagations
    tables = get(TransitGatewayAttachmentId=attachment)["TransitGatewayAttachmentPropagations"]
    assert [each["TransitGatewayRouteTableId"] for each in tables] == [site.table]
    get = site.network.get_transit_gateway_route_table_propagations
    found = get(TransitGatewayRouteTableId=site.table)["TransitGatewayRouteTablePropagations"]
    assert [each["TransitGatewayAttachmentId"] for each in found] == [attachment]
    static = {**pair, "DestinationCidrBlock": "0.0.0.0/0"}
    site.network.create_transit_gateway_route(**static)
    assert code_of(site.network.create_transit_gateway_route, **static) == "RouteAlreadyExists"
    assert sorted(routes(state="active")) == sorted(["0.0.0.0/0", site.cidr])
    assert routes(type="static") == ["0.0.0.0/0"]
    site.network.disable_transit_gateway_route_table_propagation(**pair)
    assert routes(type="propagated") == []


@differs_from_stock("InvalidTransitGatewayID.NotFound")
def test_default_tables_are_joined_only_where_the_gateway_says_so(aws: World) -> None:
    for defaults in ("enable", "disable"):
        site = Site(aws, automatic="enable", defaults=defaults)
        attachment = site.attach()
        site.wait(attachment, "available")
        found = site.network.describe_transit_gateway_attachments(TransitGatewayAttachmentIds=[attachment])
        association = found["TransitGatewayAttachments"][0].get("Association")
        assert (association is not None) == (defaults == "enable")
        if association:
            assert association["TransitGatewayRouteTableId"] == site.default_table


@differs_from_stock("InvalidTransitGatewayID.NotFound")
def test_a_vpc_route_needs_an_available_attachment(aws: World) -> None:
    site = Site(aws, automatic="enable")
    attachment = site.attach()
    table = site.tenant.create_route_table(VpcId=site.vpc)["RouteTable"]["RouteTableId"]
    route = {"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/8", "TransitGatewayId": site.gateway}
    assert code_of(site.tenant.create_route, **route) == "InvalidTransitGatewayID.NotFound"
    site.wait(attachment, "available")
    site.tenant.create_route(**route)
    found = site.tenant.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert site.gateway in [each.get("TransitGatewayId") for each in found]


@differs_from_stock("InvalidTransitGatewayID.NotFound")
def test_an_attachment_that_the_owner_rejects_stays_rejected(aws: World) -> None:
    site = Site(aws)
    attachment = site.attach()
    site.network.reject_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    assert site.state(attachment) == "rejected"
    again = code_of(site.network.accept_transit_gateway_vpc_attachment, TransitGatewayAttachmentId=attachment)
    assert again == "IncorrectState"


@differs_from_stock("InvalidTransitGatewayID.NotFound")
def test_an_attachment_gains_a_subnet(aws: World) -> None:
    site = Site(aws, automatic="enable")
    attachment = site.attach()
    site.wait(attachment, "available")
    added = site.tenant.create_subnet(
        VpcId=site.vpc, CidrBlock=site.cidr.replace("0.0/16", "9.0/24"), AvailabilityZone=f"{REGION}c"
    )["Subnet"]["SubnetId"]
    site.tenant.modify_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment, AddSubnetIds=[added])
    site.wait(attachment, "available")
    found = site.tenant.describe_transit_gateway_vpc_attachments(TransitGatewayAttachmentIds=[attachment])
    assert set(found["TransitGatewayVpcAttachments"][0]["SubnetIds"]) == {*site.subnets, added}


@differs_from_stock("InvalidTransitGatewayID.NotFound")
def test_tags_of_an_attachment_belong_to_the_account_that_set_them(aws: World) -> None:
    site = Site(aws, automatic="enable")
    attachment = site.attach()
    by_tag = [{"Name": "tag:berth:account", "Values": ["1"]}, {"Name": "vpc-id", "Values": [site.vpc]}]
    found = site.tenant.describe_transit_gateway_vpc_attachments(Filters=by_tag)["TransitGatewayVpcAttachments"]
    assert [each["TransitGatewayAttachmentId"] for each in found] == [attachment]
    assert found[0]["Tags"] == [{"Key": "berth:account", "Value": "1"}]
    assert not site.network.describe_transit_gateway_vpc_attachments(Filters=by_tag)["TransitGatewayVpcAttachments"]


@differs_from_stock("not implemented|NotImplemented|500|Internal")
def test_shares_of_others_are_listed(aws: World) -> None:
    site = Site(aws)
    shares = aws.client("ram", site.tenant_account, REGION).get_resource_shares(resourceOwner="OTHER-ACCOUNTS")
    assert NETWORK in [each["owningAccountId"] for each in shares["resourceShares"]]


@differs_from_stock("not implemented|NotImplemented|500|Internal|404|UnknownOperation|Not yet")
def test_a_share_gains_a_principal(aws: World) -> None:
    site = Site(aws, share=False)
    ram = aws.client("ram", NETWORK, REGION)
    arn = site.network.describe_transit_gateways(TransitGatewayIds=[site.gateway])["TransitGateways"][0][
        "TransitGatewayArn"
    ]
    share = ram.create_resource_share(name="later", resourceArns=[arn])["resourceShare"]["resourceShareArn"]

    def seen() -> list[str]:
        found = site.tenant.describe_transit_gateways()["TransitGateways"]
        return [each["TransitGatewayId"] for each in found]

    assert site.gateway not in seen()
    ram.associate_resource_share(resourceShareArn=share, principals=[site.tenant_account])
    assert site.gateway in seen()


def _pool(aws: World, cidr: str, **settings: Any) -> str:
    ec2 = aws.client("ec2", NETWORK)
    ipam = ec2.create_ipam(OperatingRegions=[{"RegionName": REGION}])["Ipam"]
    pool = ec2.create_ipam_pool(
        IpamScopeId=ipam["PrivateDefaultScopeId"], Locale=REGION, AddressFamily="ipv4", **settings
    )["IpamPool"]
    ec2.provision_ipam_pool_cidr(IpamPoolId=pool["IpamPoolId"], Cidr=cidr)
    _share(aws, pool["IpamPoolArn"])
    return pool["IpamPoolId"]


NO_IPAM = "not been implemented|InvalidAction|NotImplemented|500|not recognized"


@differs_from_stock(NO_IPAM)
def test_a_vpc_gets_its_block_from_a_shared_pool_and_gives_it_back(aws: World) -> None:
    pool = _pool(aws, "10.200.0.0/16", AllocationMinNetmaskLength=18, AllocationMaxNetmaskLength=24)
    tenant = aws.client("ec2", _member(aws), REGION)
    seen = tenant.describe_ipam_pools(IpamPoolIds=[pool])["IpamPools"][0]
    assert (seen["Locale"], seen["State"], seen["OwnerId"]) == (REGION, "create-complete", NETWORK)
    vpcs = [tenant.create_vpc(Ipv4IpamPoolId=pool, Ipv4NetmaskLength=20)["Vpc"] for _ in range(2)]
    blocks = [ipaddress.ip_network(each["CidrBlock"]) for each in vpcs]
    assert not blocks[0].overlaps(blocks[1])
    assert all(block.prefixlen == 20 and block.subnet_of(ipaddress.ip_network("10.200.0.0/16")) for block in blocks)
    found = tenant.get_ipam_pool_allocations(IpamPoolId=pool)["IpamPoolAllocations"]
    assert {each["ResourceId"] for each in found} == {each["VpcId"] for each in vpcs}
    assert code_of(tenant.create_vpc, Ipv4IpamPoolId=pool, Ipv4NetmaskLength=17) == "InvalidParameterValue"
    tenant.delete_vpc(VpcId=vpcs[0]["VpcId"])
    after = tenant.get_ipam_pool_allocations(IpamPoolId=pool)["IpamPoolAllocations"]
    assert [each["ResourceId"] for each in after] == [vpcs[1]["VpcId"]]
    third = ipaddress.ip_network(tenant.create_vpc(Ipv4IpamPoolId=pool, Ipv4NetmaskLength=20)["Vpc"]["CidrBlock"])
    assert third not in blocks, "a released block is locked for a while"


@differs_from_stock(NO_IPAM)
def test_a_pool_may_be_cut_from_another_pool(aws: World) -> None:
    parent = _pool(aws, "10.207.0.0/16")
    ec2 = aws.client("ec2", NETWORK)
    scope = ec2.describe_ipam_pools(IpamPoolIds=[parent])["IpamPools"][0]["IpamScopeArn"].rsplit("/", 1)[-1]
    child = ec2.create_ipam_pool(IpamScopeId=scope, Locale=REGION, AddressFamily="ipv4", SourceIpamPoolId=parent)
    child_id = child["IpamPool"]["IpamPoolId"]
    assert child["IpamPool"]["SourceIpamPoolId"] == parent
    ec2.provision_ipam_pool_cidr(IpamPoolId=child_id, Cidr="10.207.16.0/20")
    block = ec2.allocate_ipam_pool_cidr(IpamPoolId=child_id, NetmaskLength=24)["IpamPoolAllocation"]["Cidr"]
    assert ipaddress.ip_network(block).subnet_of(ipaddress.ip_network("10.207.16.0/20"))


@differs_from_stock(NO_IPAM)
def test_one_token_takes_one_block(aws: World) -> None:
    pool = _pool(aws, "10.201.0.0/16", AllocationDefaultNetmaskLength=24)
    ec2 = aws.client("ec2", NETWORK)

    def take(token: str) -> dict[str, Any]:
        return ec2.allocate_ipam_pool_cidr(IpamPoolId=pool, ClientToken=token)["IpamPoolAllocation"]

    assert take("a") == take("a")
    assert take("a")["Cidr"] != take("b")["Cidr"]
    allocation = take("a")
    assert allocation["Cidr"].endswith("/24")
    released = ec2.release_ipam_pool_allocation(
        IpamPoolId=pool, Cidr=allocation["Cidr"], IpamPoolAllocationId=allocation["IpamPoolAllocationId"]
    )
    assert released["Success"]


@differs_from_stock(NO_IPAM)
def test_a_full_pool_says_so_and_nothing_is_given_twice(aws: World) -> None:
    pool = _pool(aws, "10.202.0.0/24")
    ec2 = aws.client("ec2", NETWORK)
    given: list[str] = []
    refused: list[str] = []

    def take() -> None:
        try:
            answer = ec2.allocate_ipam_pool_cidr(IpamPoolId=pool, NetmaskLength=28)
            given.append(answer["IpamPoolAllocation"]["Cidr"])
        except ec2.exceptions.ClientError as problem:
            refused.append(problem.response["Error"]["Message"])

    threads = [threading.Thread(target=take) for _ in range(18)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(given)) == len(given) == 16
    assert refused == ["The allocation size is too big for the pool."] * 2
    tenant = aws.client("ec2", _member(aws), REGION)
    assert code_of(tenant.create_vpc, Ipv4IpamPoolId=pool, Ipv4NetmaskLength=28) == "InvalidParameterValue"
    seen = tenant.get_ipam_pool_allocations(IpamPoolId=pool)["IpamPoolAllocations"]
    assert {each["Cidr"] for each in seen} == set(given), "the share shows who else has something of the pool"


@differs_from_stock(NO_IPAM)
def test_a_pool_that_is_not_shared_cannot_be_used(aws: World) -> None:
    ec2 = aws.client("ec2", NETWORK)
    scope = ec2.create_ipam()["Ipam"]["PrivateDefaultScopeId"]
    pool = ec2.create_ipam_pool(IpamScopeId=scope, Locale=REGION, AddressFamily="ipv4")["IpamPool"]["IpamPoolId"]
    tenant = aws.client("ec2", TENANT, REGION)
    assert code_of(tenant.create_vpc, Ipv4IpamPoolId=pool, Ipv4NetmaskLength=20) == "InvalidIpamPoolId.NotFound"
    assert pool not in [each["IpamPoolId"] for each in tenant.describe_ipam_pools()["IpamPools"]]
