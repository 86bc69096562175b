"""IPAM: one pool for each environment and region, with private addresses that never overlap.

AWS EC2: CreateIpam, CreateIpamPool, ProvisionIpamPoolCidr.
https://docs.aws.amazon.com/vpc/latest/ipam/planning-examples-ipam.html
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.organization.waiting import wait_for

_READY_SECONDS_MAX = 30.0
# 10.16.0.0/12 for dev, 10.32.0.0/12 for staging, 10.48.0.0/12 for prod; a /14 of it for each region.
_TENANT_ADDRESSES = IPv4Network("10.0.0.0/8")
_FIRST_ENVIRONMENT_BLOCK = 1
VPC_PREFIX_LENGTH = 20

PoolKey = tuple[str, str]
"""Environment and region."""


def pool_block(environment: str, region: str) -> IPv4Network:
    """The addresses of tenants of `environment` in `region`."""
    blocks = list(_TENANT_ADDRESSES.subnets(new_prefix=12))
    block = blocks[_FIRST_ENVIRONMENT_BLOCK + names.ENVIRONMENTS.index(environment)]
    return list(block.subnets(new_prefix=14))[names.TENANT_REGIONS.index(region)]


def make_pools(access: Access, network: Credentials) -> dict[PoolKey, str]:
    """Makes the IPAM and its pools in the network account. Returns the pools' ids."""
    client = access.client("ec2", network)
    ipam = client.create_ipam(
        Description="Tenant addresses", OperatingRegions=[{"RegionName": region} for region in names.TENANT_REGIONS]
    )["Ipam"]
    _wait(client.describe_ipams, "IpamIds", "Ipams", [ipam["IpamId"]], "create-complete")
    scope = ipam["PrivateDefaultScopeId"]
    keys = [(environment, region) for environment in names.ENVIRONMENTS for region in names.TENANT_REGIONS]
    pools = {key: _make_pool(client, scope, *key) for key in keys}
    _wait(client.describe_ipam_pools, "IpamPoolIds", "IpamPools", list(pools.values()), "create-complete")
    for (environment, region), pool_id in pools.items():
        client.provision_ipam_pool_cidr(IpamPoolId=pool_id, Cidr=str(pool_block(environment, region)))
    for pool_id in pools.values():
        _wait_for_addresses(client, pool_id)
    return pools


def _make_pool(client: Any, scope: str, environment: str, region: str) -> str:
    pool = client.create_ipam_pool(
        IpamScopeId=scope,
        Locale=region,
        AddressFamily="ipv4",
        Description=f"{environment} tenants in {region}",
        AllocationMinNetmaskLength=16,
        AllocationMaxNetmaskLength=28,
        AllocationDefaultNetmaskLength=VPC_PREFIX_LENGTH,
        TagSpecifications=[
            {
                "ResourceType": "ipam-pool",
                "Tags": [{"Key": "Name", "Value": f"{environment}-{region}"}],
            }
        ],
    )
    return pool["IpamPool"]["IpamPoolId"]


def _wait(describe: Any, ids_name: str, list_name: str, ids: list[str], state: str) -> None:
    def is_ready() -> bool:
        return all(item["State"] == state for item in describe(**{ids_name: ids})[list_name])

    wait_for(f"{', '.join(ids)} to be {state}", is_ready, _READY_SECONDS_MAX)


def _wait_for_addresses(client: Any, pool_id: str) -> None:
    def is_provisioned() -> bool:
        blocks = client.get_ipam_pool_cidrs(IpamPoolId=pool_id)["IpamPoolCidrs"]
        return bool(blocks) and all(block["State"] == "provisioned" for block in blocks)

    wait_for(f"the addresses of {pool_id}", is_provisioned, _READY_SECONDS_MAX)
