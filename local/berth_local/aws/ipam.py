"""The EC2 operations of IPAM, and CreateVpc with an address from a pool, over `address_pools.py`.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateIpamPoolCidr.html
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from berth_local.aws import address_pools
from berth_local.aws.address_pools import IPAMS, POOLS, Allocation, Ipam, Pool
from berth_local.aws.ec2_filters import filtered
from berth_local.aws.replacing import put, wrap
from berth_local.aws.transit_gateway import tags_of

POOL_SETTINGS = (
    "AllocationMinNetmaskLength",
    "AllocationMaxNetmaskLength",
    "AllocationDefaultNetmaskLength",
    "AutoImport",
    "Description",
)


def _keep_tags(self: EC2Response, resource: str) -> None:
    tags = {
        tag["Key"]: tag.get("Value", "")
        for specification in self._get_param("TagSpecifications", [])
        for tag in specification.get("Tags", [])
    }
    self.ec2_backend.create_tags([resource], tags)


def ipam_view(backend: EC2Backend, ipam: Ipam) -> dict[str, Any]:
    """An Ipam."""
    return {
        "OwnerId": ipam.owner,
        "IpamId": ipam.id,
        "IpamArn": f"arn:aws:ec2::{ipam.owner}:ipam/{ipam.id}",
        "IpamRegion": ipam.region,
        "PublicDefaultScopeId": ipam.public_scope,
        "PrivateDefaultScopeId": ipam.scope,
        "ScopeCount": 2,
        "Description": ipam.description,
        "OperatingRegions": [{"RegionName": each} for each in ipam.regions],
        "State": "create-complete",
        "Tags": tags_of(backend, ipam.id),
    }


def pool_view(backend: EC2Backend, pool: Pool) -> dict[str, Any]:
    """An IpamPool."""
    scope = f"arn:aws:ec2::{pool.owner}:ipam-scope/{pool.ipam.scope}"
    answer = {
        "OwnerId": pool.owner,
        "IpamPoolId": pool.id,
        "IpamPoolArn": pool.arn,
        "IpamScopeArn": scope,
        "IpamScopeType": "private",
        "IpamArn": f"arn:aws:ec2::{pool.ipam.owner}:ipam/{pool.ipam.id}",
        "IpamRegion": pool.ipam.region,
        "Locale": pool.locale,
        "PoolDepth": _depth(pool),
        "State": "create-complete",
        "AddressFamily": "ipv4",
        "AllocationResourceTags": [],
        "Tags": tags_of(backend, pool.id),
        **{name: pool.settings[name] for name in POOL_SETTINGS if pool.settings.get(name) is not None},
    }
    if pool.source is not None:
        answer["SourceIpamPoolId"] = pool.source.id
    return answer


def _depth(pool: Pool) -> int:
    return 1 if pool.source is None else 1 + _depth(pool.source)


def allocation_view(allocation: Allocation) -> dict[str, Any]:
    """An IpamPoolAllocation."""
    answer = {
        "Cidr": str(allocation.network),
        "IpamPoolAllocationId": allocation.id,
        "ResourceType": allocation.resource_type,
        "ResourceOwner": allocation.owner,
        "ResourceRegion": allocation.region,
    }
    optional = {"ResourceId": allocation.resource, "Description": allocation.description}
    return {**answer, **{name: value for name, value in optional.items() if value is not None}}


def create_ipam(self: EC2Response) -> ActionResult:
    """CreateIpam."""
    regions = [each["RegionName"] for each in self._get_param("OperatingRegions", [])]
    ipam = Ipam(self.current_account, self.region, self._get_param("Description"), sorted({self.region, *regions}))
    IPAMS[ipam.id] = ipam
    _keep_tags(self, ipam.id)
    return ActionResult({"Ipam": ipam_view(self.ec2_backend, ipam)})


def describe_ipams(self: EC2Response) -> ActionResult:
    """DescribeIpams: the account's own."""
    wanted = self._get_param("IpamIds", [])
    found = [
        ipam_view(self.ec2_backend, each)
        for each in list(IPAMS.values())
        if each.owner == self.current_account and (not wanted or each.id in wanted)
    ]
    fields = {"ipam-id": lambda each: each["IpamId"], "state": lambda each: each["State"]}
    return ActionResult({"Ipams": filtered(found, self._filters_from_querystring(), fields)})


def create_ipam_pool(self: EC2Response) -> ActionResult:
    """CreateIpamPool, IPv4 in the private default scope."""
    scope = self._get_param("IpamScopeId")
    ipam = next((each for each in IPAMS.values() if each.scope == scope and each.owner == self.current_account), None)
    if ipam is None:
        raise EC2ClientError("InvalidIpamScopeId.NotFound", f"The scope ID '{scope}' does not exist.")
    source_id = self._get_param("SourceIpamPoolId")
    source = address_pools.known_pool(self.current_account, self.region, source_id) if source_id else None
    settings = {name: self._get_param(name) for name in POOL_SETTINGS}
    pool = Pool(self.current_account, ipam, self._get_param("Locale") or "None", source, settings)
    POOLS[pool.id] = pool
    _keep_tags(self, pool.id)
    return ActionResult({"IpamPool": pool_view(self.ec2_backend, pool)})


POOL_FILTERS = {
    "ipam-pool-id": lambda each: each["IpamPoolId"],
    "ipam-region": lambda each: each["IpamRegion"],
    "locale": lambda each: each["Locale"],
    "owner-id": lambda each: each["OwnerId"],
    "address-family": lambda each: each["AddressFamily"],
    "state": lambda each: each["State"],
}


def describe_ipam_pools(self: EC2Response) -> ActionResult:
    """DescribeIpamPools: own ones, and those shared through RAM."""
    wanted = self._get_param("IpamPoolIds", [])
    if wanted:
        pools = [address_pools.known_pool(self.current_account, self.region, each) for each in wanted]
    else:
        pools = address_pools.visible_pools(self.current_account, self.region)
    views = [pool_view(self.ec2_backend, each) for each in pools]
    return ActionResult({"IpamPools": filtered(views, self._filters_from_querystring(), POOL_FILTERS)})


def _pool(self: EC2Response) -> Pool:
    return address_pools.known_pool(self.current_account, self.region, self._get_param("IpamPoolId"))


def provision_ipam_pool_cidr(self: EC2Response) -> ActionResult:
    """ProvisionIpamPoolCidr; provisioned at once, where AWS takes some seconds."""
    network = address_pools.provision(_pool(self), self._get_param("Cidr"), self._get_param("NetmaskLength"))
    return ActionResult({"IpamPoolCidr": {"Cidr": str(network), "State": "provisioned"}})


def get_ipam_pool_cidrs(self: EC2Response) -> ActionResult:
    """GetIpamPoolCidrs."""
    cidrs = [{"Cidr": str(each), "State": "provisioned"} for each in _pool(self).provisioned]
    fields = {"cidr": lambda each: each["Cidr"], "state": lambda each: each["State"]}
    return ActionResult({"IpamPoolCidrs": filtered(cidrs, self._filters_from_querystring(), fields)})


ALLOCATION_FILTERS = {
    "cidr": lambda each: each["Cidr"],
    "ipam-pool-allocation-id": lambda each: each["IpamPoolAllocationId"],
    "resource-id": lambda each: each.get("ResourceId"),
    "resource-owner": lambda each: each["ResourceOwner"],
    "resource-region": lambda each: each["ResourceRegion"],
    "resource-type": lambda each: each["ResourceType"],
}


def get_ipam_pool_allocations(self: EC2Response) -> ActionResult:
    """GetIpamPoolAllocations: everybody's, for the owner and for whom the pool is shared with.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeIpamPoolAllocations.html
    """
    pool, wanted = _pool(self), self._get_param("IpamPoolAllocationId")
    views = [allocation_view(each) for each in list(pool.allocations) if wanted is None or each.id == wanted]
    kept = filtered(views, self._filters_from_querystring(), ALLOCATION_FILTERS)
    return ActionResult({"IpamPoolAllocations": kept})


def allocate_ipam_pool_cidr(self: EC2Response) -> ActionResult:
    """AllocateIpamPoolCidr; what its ClientToken means is in client_tokens.py."""
    allocation = address_pools.allocate(
        _pool(self),
        cidr=self._get_param("Cidr"),
        prefix=self._get_param("NetmaskLength"),
        resource_type="custom",
        owner=self.current_account,
        region=self.region,
        description=self._get_param("Description"),
    )
    return ActionResult({"IpamPoolAllocation": allocation_view(allocation)})


def release_ipam_pool_allocation(self: EC2Response) -> ActionResult:
    """ReleaseIpamPoolAllocation: custom allocations only; a VPC's is released with the VPC."""
    pool, wanted = _pool(self), self._get_param("IpamPoolAllocationId")
    found = next((each for each in pool.allocations if each.id == wanted), None)
    if found is None or str(found.network) != self._get_param("Cidr"):
        raise EC2ClientError("InvalidIpamPoolAllocationId.NotFound", f"The allocation '{wanted}' does not exist.")
    if found.resource_type != "custom" or self.current_account not in (pool.owner, found.owner):
        raise EC2ClientError("InvalidParameterValue", f"The allocation '{wanted}' cannot be released.")
    address_pools.release(pool, found)
    return ActionResult({"Success": True})


def create_vpc(original: Any, self: EC2Response) -> ActionResult:
    """CreateVpc with Ipv4IpamPoolId: the pool gives the block. Stock ignores the pool and fails without a CidrBlock."""
    pool_id = self._get_param("Ipv4IpamPoolId")
    if not pool_id:
        return original(self)
    pool = address_pools.known_pool(self.current_account, self.region, pool_id)
    if pool.locale != self.region:
        raise EC2ClientError("InvalidParameterValue", f"The locale of {pool_id} is {pool.locale}, not {self.region}.")
    allocation = address_pools.allocate(
        pool,
        cidr=self._get_param("CidrBlock"),
        prefix=self._get_param("Ipv4NetmaskLength"),
        resource_type="vpc",
        owner=self.current_account,
        region=self.region,
    )
    self.params["CidrBlock"] = str(allocation.network)
    try:
        answer = original(self)
    except Exception:
        pool.allocations.remove(allocation)
        raise
    allocation.resource = answer.result["Vpc"].id
    return answer


OPERATIONS = (
    create_ipam,
    describe_ipams,
    create_ipam_pool,
    describe_ipam_pools,
    provision_ipam_pool_cidr,
    get_ipam_pool_cidrs,
    get_ipam_pool_allocations,
    allocate_ipam_pool_cidr,
    release_ipam_pool_allocation,
)


def install() -> None:
    """Add IPAM to EC2, and addresses from it to CreateVpc and DeleteVpc."""
    put(EC2Response, OPERATIONS)
    wrap(EC2Response, "create_vpc")(create_vpc)

    @wrap(EC2Backend, "delete_vpc")
    def delete_vpc(original: Any, self: EC2Backend, vpc_id: str) -> Any:
        vpc = original(self, vpc_id)
        address_pools.release_resource(vpc_id)
        return vpc
