"""Makes the whole organization, as much at once as their order allows."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.faults import LocalError
from berth_local.organization import addresses, hub, logs, network, sign_in
from berth_local.organization.accounts import Organization, make_organization

_AT_ONCE_MAX = 8
_Made = TypeVar("_Made")
RAM_PRINCIPAL = "ram.amazonaws.com"


@dataclass(frozen=True)
class Seeded:
    """What exists after `seed`."""

    organization: Organization
    hub: Credentials
    networks: dict[str, network.RegionalNetwork]
    pools: dict[addresses.PoolKey, str]
    sign_in: sign_in.IdentityCenter


@dataclass(frozen=True)
class Core:
    """The organization and credentials for the accounts that Berth needs."""

    organization: Organization
    management: Credentials
    hub: Credentials
    network: Credentials
    log_archive: Credentials


def seed_core(access: Access, management: Credentials) -> Core:
    """The organization with its accounts. Everything else needs this first.

    Raises:
        LocalError: the local AWS refused a call, or is not fresh.
    """
    return _explained("the organization", lambda: _seed_core(access, management))


def _seed_core(access: Access, management: Credentials) -> Core:
    organization = make_organization(access, management)
    access.client("organizations", management).enable_aws_service_access(ServicePrincipal=RAM_PRINCIPAL)
    access.client("ram", management).enable_sharing_with_aws_organization()
    hub_keys, network_keys, log_keys = (
        access.assume(management, account_id, names.BOOTSTRAP_ROLE)
        for account_id in (names.HUB_ACCOUNT, names.NETWORK_ACCOUNT, names.LOG_ARCHIVE_ACCOUNT)
    )
    network.make_service_linked_role(access, network_keys)
    return Core(organization, management, hub_keys, network_keys, log_keys)


def begin_networks(access: Access, core: Core) -> dict[str, network.RegionalNetwork]:
    """The networks of all regions, with attachments that take AWS a while. Meanwhile other things can be made."""
    with ThreadPoolExecutor(len(names.TENANT_REGIONS), thread_name_prefix="networks") as pool:
        begun = {
            region: pool.submit(
                _explained,
                f"the network of {region}",
                partial(network.begin_regional_network, access, core.network, region),
            )
            for region in names.TENANT_REGIONS
        }
        return {region: future.result() for region, future in begun.items()}


def seed_rest(access: Access, core: Core, networks: dict[str, network.RegionalNetwork]) -> Seeded:
    """Addresses, clusters, and the end of the networks, several at once."""
    with ThreadPoolExecutor(_AT_ONCE_MAX, thread_name_prefix="seed") as pool:

        def start(what: str, make: Callable[[], _Made]) -> Future[_Made]:
            return pool.submit(_explained, what, make)

        pools = start("the address pools", partial(_make_and_share_pools, access, core))
        center = start("Identity Center", partial(sign_in.make_identity_center, access, core.management))
        others = [
            start("the flow logs' bucket", partial(logs.make_flow_logs_bucket, access, core.log_archive)),
            start("the clusters", partial(hub.make_clusters, access, core.hub)),
            *(
                start(f"the network of {region}", partial(_share_and_finish_network, access, core, begun))
                for region, begun in networks.items()
            ),
        ]
        for other in others:
            other.result()
        return Seeded(core.organization, core.hub, networks, pools.result(), center.result())


def _share_and_finish_network(access: Access, core: Core, begun: network.RegionalNetwork) -> None:
    name = f"transit-gateway-{begun.region}"
    arns = [begun.transit_gateway_arn]
    network.share_with_organization(access, core.network, begun.region, name, arns, core.organization.organization_id)
    network.finish_regional_network(access, core.network, begun)


def _make_and_share_pools(access: Access, core: Core) -> dict[addresses.PoolKey, str]:
    pools = addresses.make_pools(access, core.network)
    # A pool belongs to no region of its own; its share is made in the home region of the IPAM.
    arns = [f"arn:aws:ec2::{core.network.account_id}:ipam-pool/{pool_id}" for pool_id in pools.values()]
    network.share_with_organization(
        access, core.network, names.HOME_REGION, "tenant-addresses", arns, core.organization.organization_id
    )
    return pools


def _explained(what: str, make: Callable[[], _Made]) -> _Made:
    try:
        return make()
    except (ClientError, BotoCoreError) as error:
        raise LocalError(f"{what} could not be made in the local AWS: {error}") from error
