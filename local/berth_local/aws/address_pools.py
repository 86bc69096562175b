"""IPAM: pools, what is provisioned to them, and what is allocated from them. No HTTP.

https://docs.aws.amazon.com/vpc/latest/ipam/how-it-works-ipam.html
Stock moto has no IPAM. Allocation is strongly consistent, as on AWS: one lock, and no block is given twice.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.exceptions import EC2ClientError

from berth_local.aws.registry import forgotten_on_reset
from berth_local.aws.sharing import may_use

LOCK = threading.RLock()
Network = ipaddress.IPv4Network


def quarantine_seconds() -> float:
    """How long a released block stays out of use: about 30 minutes on AWS."""
    return float(os.environ.get("BERTH_LOCAL_RELEASED_CIDR_SECONDS", "1800"))


def new_id(prefix: str) -> str:
    """An id as EC2 makes them: a prefix and 17 hexadecimal digits."""
    return f"{prefix}-{secrets.token_hex(9)[:17]}"


@dataclass
class Allocation:
    """One block taken from a pool. `resource_type` is vpc, custom or ipam-pool."""

    network: Network
    resource_type: str
    owner: str
    region: str
    resource: str | None = None
    description: str | None = None
    id: str = field(default_factory=lambda: new_id("ipam-pool-alloc"))


@dataclass
class Ipam:
    """An IPAM of one account, with its private default scope."""

    owner: str
    region: str
    description: str | None
    regions: list[str]
    id: str = field(default_factory=lambda: new_id("ipam"))
    scope: str = field(default_factory=lambda: new_id("ipam-scope"))
    public_scope: str = field(default_factory=lambda: new_id("ipam-scope"))


@dataclass
class Pool:
    """A pool of addresses for one region (its locale), or for none."""

    owner: str
    ipam: Ipam
    locale: str
    source: Pool | None
    settings: dict[str, Any]
    id: str = field(default_factory=lambda: new_id("ipam-pool"))
    provisioned: list[Network] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    quarantine: list[tuple[float, Network]] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """IPAM ARNs have no region."""
        return f"arn:aws:ec2::{self.owner}:ipam-pool/{self.id}"

    def taken(self) -> list[Network]:
        """Blocks that cannot be given out now."""
        now = time.monotonic()
        self.quarantine = [(until, network) for until, network in self.quarantine if until > now]
        return [each.network for each in self.allocations] + [network for _, network in self.quarantine]

    def free_block(self, prefix: int) -> Network:
        """The first free block of a size. Raises InvalidParameterValue when there is none."""
        step = 2 ** (32 - prefix)
        taken = sorted((int(each.network_address), int(each.broadcast_address)) for each in self.taken())
        for provisioned in self.provisioned:
            if prefix < provisioned.prefixlen:
                continue
            start, last = int(provisioned.network_address), int(provisioned.broadcast_address)
            for taken_from, taken_to in taken:
                if taken_from >= start + step:
                    break
                if taken_to >= start:
                    # Continue behind the block in the way, at the next boundary of the wanted size.
                    start = (taken_to // step + 1) * step
            if start <= last:
                return Network((start, prefix))
        # As CreateVpc answers: https://github.com/hashicorp/terraform-provider-aws/issues/39046
        raise EC2ClientError("InvalidParameterValue", "The allocation size is too big for the pool.")


IPAMS: dict[str, Ipam] = forgotten_on_reset({})
POOLS: dict[str, Pool] = forgotten_on_reset({})


def visible_pools(account: str, region: str) -> list[Pool]:
    """Pools that an account owns or has through RAM, in the pools' home region and in their locale."""
    return [
        pool
        for pool in list(POOLS.values())
        if region in (pool.ipam.region, pool.locale) and may_use(account, pool.owner, pool.arn)
    ]


def known_pool(account: str, region: str, pool_id: str) -> Pool:
    """The visible pool. Raises InvalidIpamPoolId.NotFound."""
    for pool in visible_pools(account, region):
        if pool.id == pool_id:
            return pool
    raise EC2ClientError("InvalidIpamPoolId.NotFound", f"The pool ID '{pool_id}' does not exist.")


def provision(pool: Pool, cidr: str | None, prefix: int | None) -> Network:
    """ProvisionIpamPoolCidr: a block given, or (with a source pool) a size."""
    with LOCK:
        network = _network(cidr) if cidr else None
        if pool.source is not None:
            source = pool.source
            network = _claim(source, network, prefix)
            source.allocations.append(Allocation(network, "ipam-pool", pool.owner, source.ipam.region, pool.id))
        if network is None:
            raise EC2ClientError("MissingParameter", "The request must contain the parameter Cidr")
        for other in POOLS.values():
            same_level = other.source is pool.source and other.ipam is pool.ipam
            if same_level and any(each.overlaps(network) for each in other.provisioned):
                raise EC2ClientError("InvalidParameterValue", f"The CIDR {network} overlaps with a CIDR of {other.id}.")
        pool.provisioned.append(network)
        return network


def _network(cidr: str) -> Network:
    try:
        return Network(cidr)
    except ValueError as problem:
        raise EC2ClientError("InvalidParameterValue", f"Value ({cidr}) for parameter cidr is invalid.") from problem


def _claim(pool: Pool, network: Network | None, prefix: int | None) -> Network:
    if network is None:
        return pool.free_block(pool.settings.get("AllocationDefaultNetmaskLength", 32) if prefix is None else prefix)
    inside = any(network.subnet_of(each) for each in pool.provisioned)
    if not inside or any(each.overlaps(network) for each in pool.taken()):
        raise EC2ClientError("InvalidParameterValue", f"The CIDR {network} is not free in the pool {pool.id}.")
    return network


def allocate(pool: Pool, **fields: Any) -> Allocation:
    """Take a block from a pool: `cidr`, or `prefix`, or the pool's default size.

    Raises InvalidParameterValue for a size outside of the pool's limits, and when it is full.
    """
    cidr, prefix = fields.pop("cidr", None), fields.pop("prefix", None)
    with LOCK:
        network = _network(cidr) if cidr else None
        if network is None and prefix is None:
            prefix = pool.settings.get("AllocationDefaultNetmaskLength")
            if prefix is None:
                raise EC2ClientError("MissingParameter", "The request must contain the parameter NetmaskLength or Cidr")
        _check_size(pool, network.prefixlen if network else int(prefix))
        allocation = Allocation(_claim(pool, network, None if prefix is None else int(prefix)), **fields)
        pool.allocations.append(allocation)
        return allocation


def _check_size(pool: Pool, prefix: int) -> None:
    shortest = int(pool.settings.get("AllocationMinNetmaskLength") or 0)
    longest = int(pool.settings.get("AllocationMaxNetmaskLength") or 32)
    if not shortest <= prefix <= longest:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"The netmask length {prefix} is outside of the limits of {pool.id}: {shortest} to {longest}.",
        )


def release(pool: Pool, allocation: Allocation) -> None:
    """Give a block back. It stays out of use for a while."""
    with LOCK:
        pool.allocations.remove(allocation)
        pool.quarantine.append((time.monotonic() + quarantine_seconds(), allocation.network))


def release_resource(resource: str) -> None:
    """Give back the block of a deleted resource, in whatever pool it is."""
    with LOCK:
        for pool in POOLS.values():
            for allocation in [each for each in pool.allocations if each.resource == resource]:
                release(pool, allocation)
