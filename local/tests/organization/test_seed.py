"""The seeded organization is the one that the platform configuration describes, and its parts fit together."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from declared import assuming

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.children import Child, stop_all
from berth_local.faults import LocalError
from berth_local.organization.accounts import create_account
from berth_local.organization.addresses import pool_block
from berth_local.organization.auto_deployment import stack_sets_of
from berth_local.organization.network import SHARED_SERVICES_ADDRESSES
from berth_local.organization.platform import platform_document, write_platform
from berth_local.organization.seed import Core, Seeded, begin_networks, seed_core, seed_rest
from berth_local.ports import free_port, wait_for_answer
from berth_local.settings import Ports, Settings, child_environment

sys.path.insert(0, str(Path(__file__).parent))
from berth_roles import install

LOCAL = Path(__file__).resolve().parents[2]


@dataclass
class World:
    """A seeded local AWS, without gateway and stack."""

    access: Access
    core: Core
    seeded: Seeded
    tenant_id: str

    def ec2(self, region: str, credentials: Credentials | None = None) -> Any:
        return self.access.client("ec2", credentials or self.core.network, region)

    @property
    def tenant(self) -> Credentials:
        return self.access.assume(self.core.management, self.tenant_id, names.BOOTSTRAP_ROLE)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("seed")
    port = free_port()
    environment = child_environment(Settings(folder, folder, folder), Ports(port, port, port))
    child = Child("aws", [sys.executable, "-m", "berth_local.aws", "--port", str(port)], environment, folder / "log")
    try:
        wait_for_answer(child, port, "/moto-api/", lambda: False)
        access = Access(f"http://127.0.0.1:{port}")
        management = access.first_keys(names.MANAGEMENT_ACCOUNT, "tester")
        core = seed_core(access, management)
        seeded = seed_rest(access, core, begin_networks(access, core))
        stack_sets = stack_sets_of(install(access, core).values())
        unit = names.ORGANIZATIONAL_UNITS["dev"]
        tenant = create_account(access, management, "payments-dev", "p@berth.example", unit, {"a": "b"}, stack_sets)
        yield World(access, core, seeded, tenant)
    finally:
        stop_all([child])


def test_ids_are_the_fixed_ones(world: World) -> None:
    client = world.access.client("organizations", world.core.management)
    organization = client.describe_organization()["Organization"]
    assert (organization["Id"], organization["MasterAccountId"]) == (names.ORGANIZATION_ID, names.MANAGEMENT_ACCOUNT)
    accounts = {account["Id"]: account["Name"] for account in client.list_accounts()["Accounts"]}
    assert accounts[names.HUB_ACCOUNT] == "berth-hub"
    assert accounts[names.NETWORK_ACCOUNT] == "network"
    assert accounts[names.LOG_ARCHIVE_ACCOUNT] == "log-archive"
    units = client.list_organizational_units_for_parent(ParentId=names.ROOT_ID)["OrganizationalUnits"]
    assert {unit["Name"]: unit["Id"] for unit in units} == dict(names.ORGANIZATIONAL_UNITS)


def test_a_tenant_can_use_the_shared_gateway_of_each_region(world: World) -> None:
    for region, network in world.seeded.networks.items():
        found = world.ec2(region, world.tenant).describe_transit_gateways()["TransitGateways"]
        assert [(each["TransitGatewayId"], each["OwnerId"]) for each in found] == [
            (network.transit_gateway_id, names.NETWORK_ACCOUNT)
        ]


def test_one_region_accepts_attachments_by_itself_and_the_other_does_not(world: World) -> None:
    options = {
        region: world.ec2(region).describe_transit_gateways()["TransitGateways"][0]["Options"]
        for region in names.TENANT_REGIONS
    }
    assert {region: each["AutoAcceptSharedAttachments"] for region, each in options.items()} == {
        "eu-west-1": "enable",
        "eu-central-1": "disable",
    }
    for each in options.values():
        assert each["DefaultRouteTableAssociation"] == "disable"
        assert each["DefaultRouteTablePropagation"] == "disable"


def test_the_spoke_table_leads_to_the_shared_services_and_nowhere_else(world: World) -> None:
    for region, network in world.seeded.networks.items():
        routes = world.ec2(region).search_transit_gateway_routes(
            TransitGatewayRouteTableId=network.spoke_route_table,
            Filters=[{"Name": "state", "Values": ["active", "blackhole"]}],
        )["Routes"]
        led = [
            (route["DestinationCidrBlock"], attachment["TransitGatewayAttachmentId"])
            for route in routes
            for attachment in route["TransitGatewayAttachments"]
        ]
        assert led == [(network.shared_block, network.shared_attachment)]


def test_a_tenant_s_vpc_gets_its_addresses_from_the_shared_pool(world: World) -> None:
    for region in names.TENANT_REGIONS:
        vpc = world.ec2(region, world.tenant).create_vpc(
            Ipv4IpamPoolId=world.seeded.pools[("dev", region)], Ipv4NetmaskLength=20
        )["Vpc"]
        block = IPv4Network(vpc["CidrBlock"])
        assert block.prefixlen == 20
        assert block.subnet_of(pool_block("dev", region))


def test_no_two_pools_overlap_and_none_overlaps_the_shared_services() -> None:
    blocks = [pool_block(environment, region) for environment in names.ENVIRONMENTS for region in names.TENANT_REGIONS]
    blocks.append(SHARED_SERVICES_ADDRESSES)
    assert all(block.is_private for block in blocks)
    assert not any(one.overlaps(two) for index, one in enumerate(blocks) for two in blocks[index + 1 :])


@pytest.fixture(scope="module")
def provision_vpc(world: World) -> Credentials:
    """A session of the role that the function provision-vpc has in the hub."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": names.HUB_ACCOUNT}, "Action": "sts:AssumeRole"}],
    }
    world.access.client("iam", world.core.hub).create_role(
        RoleName="berth-provision-vpc", AssumeRolePolicyDocument=json.dumps(trust)
    )
    return world.access.assume(world.core.hub, names.HUB_ACCOUNT, "berth-provision-vpc")


def test_a_function_enters_a_tenant_with_the_external_id(world: World, provision_vpc: Credentials) -> None:
    entered = world.access.assume(provision_vpc, world.tenant_id, names.TENANT_ROLE, names.EXTERNAL_ID)
    assert world.access.client("sts", entered).get_caller_identity()["Account"] == world.tenant_id


@pytest.mark.parametrize("wrong", [None, "berth-other"])
def test_a_function_without_the_external_id_is_refused(
    world: World, provision_vpc: Credentials, wrong: str | None
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        world.access.assume(provision_vpc, world.tenant_id, names.TENANT_ROLE, wrong)


def test_a_function_is_refused_where_it_has_no_business(world: World, provision_vpc: Credentials) -> None:
    for account_id, role in ((names.MANAGEMENT_ACCOUNT, names.READ_ROLE), (names.NETWORK_ACCOUNT, names.NETWORK_ROLE)):
        with pytest.raises(ClientError, match="AccessDenied"):
            world.access.assume(provision_vpc, account_id, role, names.EXTERNAL_ID)


def test_the_hub_s_people_are_refused_even_with_the_external_id(world: World) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        world.access.assume(world.core.hub, world.tenant_id, names.TENANT_ROLE, names.EXTERNAL_ID)


def test_each_role_trusts_exact_functions_of_the_hub(world: World) -> None:
    expected = {
        names.READ_ROLE: (world.core.management, assuming("read")),
        names.SIGN_IN_ROLE: (world.core.management, assuming("sign-in")),
        names.NETWORK_ROLE: (world.core.network, assuming("network")),
        names.TENANT_ROLE: (world.tenant, assuming("tenant")),
    }
    for role, (credentials, functions) in expected.items():
        found = world.access.client("iam", credentials).get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        (statement,) = found["Statement"]
        principals = statement["Principal"]["AWS"]
        principals = [principals] if isinstance(principals, str) else principals
        assert functions, role
        assert set(principals) == {f"arn:aws:iam::{names.HUB_ACCOUNT}:role/berth-{name}" for name in functions}


def test_there_is_a_cluster_for_each_environment(world: World) -> None:
    clusters = world.access.client("eks", world.core.hub, "eu-west-1").list_clusters()["clusters"]
    assert set(clusters) == {"shared-dev-1", "shared-staging-1", "shared-prod-1"}


def test_the_platform_file_names_what_was_made(world: World, tmp_path: Path) -> None:
    seeded = world.seeded
    write_platform(
        tmp_path / "platform.yaml",
        platform_document(seeded.organization, seeded.networks, seeded.pools, seeded.sign_in),
    )
    platform = yaml.safe_load((tmp_path / "platform.yaml").read_text())
    assert platform["organization"]["managementAccount"] == names.MANAGEMENT_ACCOUNT  # text, although all digits
    region = platform["environments"]["dev"]["regions"]["eu-central-1"]
    assert region["transitGateway"]["id"] == seeded.networks["eu-central-1"].transit_gateway_id
    assert region["addresses"]["ipam"]["poolId"] == seeded.pools[("dev", "eu-central-1")]
    zones = world.ec2("eu-central-1", world.tenant).describe_availability_zones()["AvailabilityZones"]
    assert set(region["zones"]) <= {zone["ZoneId"] for zone in zones}


def test_a_refused_account_is_one_line(world: World) -> None:
    with pytest.raises(LocalError) as refused:
        create_account(world.access, world.core.management, "x", "x@berth.example", "ou-ab12-nosuch00", {})
    assert "\n" not in str(refused.value)


def test_a_second_seed_says_that_the_local_aws_is_not_fresh(world: World) -> None:
    with pytest.raises(LocalError, match="the organization could not be made"):
        seed_core(world.access, world.core.management)
