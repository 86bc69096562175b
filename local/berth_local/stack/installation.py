"""Which template goes into which account and region, as docs/installing.md has people do it, and loading all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.faults import LocalError
from berth_local.stack.load import Stack, check, load
from berth_local.stack.resources.maker import Target
from berth_local.stack.translate import translate

HUB = "hub.yaml"
TENANT = "tenant.yaml"
"""Deployed by the StackSet, not by people."""


@dataclass(frozen=True)
class Place:
    """Where a template is deployed."""

    account: str
    region: str = names.HOME_REGION


# After the hub: their roles trust roles that are made there, and their rules send to its bus.
AFTER_THE_HUB: Mapping[str, Place] = {
    "management.yaml": Place(names.MANAGEMENT_ACCOUNT),
    "management-home.yaml": Place(names.MANAGEMENT_ACCOUNT, names.CONTROL_TOWER_REGION),
    "sign-in.yaml": Place(names.MANAGEMENT_ACCOUNT),
    "guardrails.yaml": Place(names.MANAGEMENT_ACCOUNT),
    "network.yaml": Place(names.NETWORK_ACCOUNT),
    "cluster.yaml": Place(names.NETWORK_ACCOUNT),
    "tenant-stackset.yaml": Place(names.MANAGEMENT_ACCOUNT),
}


def translated(folder: Path) -> dict[str, dict[str, Any]]:
    """Every template of `folder` as CloudFormation, by its file name, after a check that the loader knows all of it.

    Raises:
        LocalError: a template is missing or wrong, or nobody said where it goes.
    """
    found = {path.name for path in folder.glob("*.yaml") if _is_template(path)}
    for name in sorted(found - {HUB, TENANT, *AFTER_THE_HUB}):
        raise LocalError(f"nobody said where {folder / name} is deployed; add it to {Path(__file__).name}")
    templates = {HUB: translate(folder / HUB, names.HOME_REGION)}
    templates |= {name: translate(folder / name, place.region) for name, place in AFTER_THE_HUB.items()}
    for name, template in [*templates.items(), (TENANT, translate(folder / TENANT, names.HOME_REGION))]:
        try:
            check(template)
        except LocalError as error:
            raise LocalError(f"{name}: {error}") from error
    return templates


def _is_template(path: Path) -> bool:
    return any(line.startswith("Resources:") for line in path.read_text().splitlines())


def install_others(
    access: Access,
    credentials: Callable[[str], Credentials],
    templates: Mapping[str, dict[str, Any]],
    accounts_bus: str,
    route_table_arns: Sequence[str] = (f"arn:aws:ec2:*:{names.NETWORK_ACCOUNT}:transit-gateway-route-table/*",),
) -> dict[str, Stack]:
    """Loads every template but the hub's. `credentials` gives those of an account by its id.

    Raises:
        LocalError: with the template and the resource that could not be made.
    """
    values = _values(accounts_bus) | {"RouteTableArns": ",".join(route_table_arns)}

    def install(name: str, place: Place) -> Stack:
        template = templates[name]
        parameters = {key: values[key] for key in template.get("Parameters", {}) if key in values}
        try:
            return load(template, parameters, Target(access, credentials(place.account), place.region))
        except LocalError as error:
            raise LocalError(f"{name}: {error}") from error

    with ThreadPoolExecutor(len(AFTER_THE_HUB), thread_name_prefix="install") as pool:
        loading = {name: pool.submit(install, name, place) for name, place in AFTER_THE_HUB.items()}
        return {name: each.result() for name, each in loading.items()}


def _values(accounts_bus: str) -> dict[str, str]:
    """What people write into the parameters file; each template takes what it knows."""
    onboarded = (names.ORGANIZATIONAL_UNITS[environment] for environment in names.ENVIRONMENTS)
    return {
        "OrganizationId": names.ORGANIZATION_ID,
        "HubAccountId": names.HUB_ACCOUNT,
        "ManagementAccountId": names.MANAGEMENT_ACCOUNT,
        "NetworkAccountId": names.NETWORK_ACCOUNT,
        "AccountsBusArn": accounts_bus,
        "PlatformExternalId": names.EXTERNAL_ID,
        "ControlTowerHomeRegion": names.CONTROL_TOWER_REGION,
        "OrganizationalUnitIds": ",".join(onboarded),
        "TenantRoleName": names.TENANT_ROLE,
        "NetworkRoleName": names.NETWORK_ROLE,
        "ReadRoleName": names.READ_ROLE,
        "SignInRoleName": names.SIGN_IN_ROLE,
        "BoundaryPolicies": "tenant/*-boundary",
        "ClusterNames": "shared-*",
        "ClusterRoleName": names.CLUSTER_ROLE,
    }
