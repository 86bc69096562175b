"""What the parameters file and platform.yaml both say must be the same: an organization, accounts, roles, units, clusters and
the roles that pods have first."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import yaml
from installation import Installation, Other, Refused, default_of

# Parameter of hub.yaml, and of the template that makes the role: field of platform.yaml.
_SAME = {
    "OrganizationId": "organization.id",
    "ManagementAccountId": "organization.managementAccount",
    "NetworkAccountId": "network.account",
    "TenantRoleName": "tenantRole",
    "NetworkRoleName": "network.role",
    "ReadRoleName": "organization.readRole",
    "SignInRoleName": "identityCenter.role",
}
# Who else has the parameter: whoever deploys both from here must name the role alike.
_ROLE_OF = {
    "tenant-stackset": "TenantRoleName",
    "network": "NetworkRoleName",
    "management": "ReadRoleName",
    "sign-in": "SignInRoleName",
}
_UNITS_OF = ("tenant-stackset", "guardrails")


def check_agreement(installation: Installation) -> None:
    """Compares both files.

    Raises:
        Refused: everything in which they differ, at once.
    """
    platform = yaml.safe_load(installation.platform.read_text())
    problems = [*_hub(installation.hub, platform), *_hub_clusters(installation.hub, platform)]
    for other in installation.others:
        problems += _role(other, platform)
        problems += _units(other, platform)
        problems += _clusters(other, platform)
    if problems:
        raise Refused(
            "\n".join(f"{installation.platform}: {problem}" for problem in problems),
            "correct the file that is wrong; both are read by what is deployed",
        )


def _at(platform: dict[str, Any], path: str) -> str | None:
    """A text of platform.yaml; none when it is not there."""
    found: Any = platform
    for name in path.split("."):
        found = (found or {}).get(name) if isinstance(found, dict) else None
    return None if found is None else str(found)


def _differs(path: str, there: str, parameter: str, here: str) -> str:
    return f"{path} is {there}, and {parameter} is {here}"


def _hub(hub: dict[str, str], platform: dict[str, Any]) -> Iterator[str]:
    for parameter, path in _SAME.items():
        there, here = _at(platform, path), hub[parameter] if parameter in hub else default_of("hub", parameter)
        if there is not None and there != here:
            yield _differs(path, there, f"hub.{parameter}", here)
    for name, eks in _eks(platform):
        role, here = eks.get("role"), hub.get("ClusterRoleName") or default_of("hub", "ClusterRoleName")
        if role and role != here:
            yield _differs(f"clusters.{name}.eks.role", role, "hub.ClusterRoleName", here)


def _role(other: Other, platform: dict[str, Any]) -> Iterator[str]:
    """The role that a template of another account makes."""
    parameter = _ROLE_OF.get(other.name)
    if parameter is None:
        return
    there, here = _at(platform, _SAME[parameter]), other.parameters.get(parameter) or default_of(other.name, parameter)
    if there is not None and there != here:
        yield _differs(_SAME[parameter], there, f"{other.name}.{parameter}", here)


def _units(other: Other, platform: dict[str, Any]) -> Iterator[str]:
    """Units whose accounts would be onboarded without what this template gives them. A listed unit has those below it: an
    organization's structure is not known here, so the roots may stand for all."""
    if other.name not in _UNITS_OF:
        return
    listed = {unit.strip() for unit in other.parameters.get("OrganizationalUnitIds", "").split(",")}
    if any(unit.startswith("r-") for unit in listed):
        return
    for name, environment in (platform.get("environments") or {}).items():
        for unit in environment.get("organizationalUnits") or []:
            if unit not in listed and not other.covers_units_above:
                yield (
                    f"environments.{name} has the unit {unit}, and {other.name}.OrganizationalUnitIds has not. If a unit above it"
                    " is listed there, say so: others." + other.name + ".unitsAbove: true"
                )


def _eks(platform: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    clusters = (platform.get("clusters") or {}).items()
    return [
        (name, cluster["eks"] or {}) for name, cluster in clusters if isinstance(cluster, dict) and "eks" in cluster
    ]


def _hub_clusters(hub: dict[str, str], platform: dict[str, Any]) -> Iterator[str]:
    """Clusters of the hub's own account whose entries its policy does not let anybody change."""
    account, pattern = _at(platform, "hub.account"), hub.get("ClusterNames", "")
    here = set()
    for name, eks in _eks(platform):
        is_here = eks.get("account") is None or str(eks["account"]) == account
        here |= {name} if is_here and eks.get("podIdentity", True) else set()
        if is_here and not fnmatchcase(eks.get("name", name), pattern):
            yield f"clusters.{name} is the EKS cluster {eks.get('name', name)}, and hub.ClusterNames allows {pattern} only"
    yield from _pod_roles(platform, here, hub.get("PodRoles") or default_of("hub", "PodRoles"), "hub")


def _pod_roles(platform: dict[str, Any], clusters: set[str], pattern: str, where: str) -> Iterator[str]:
    """Roles that pods on these clusters have first, and that Berth may not hand to EKS Pod Identity there."""
    for name, environment in (platform.get("environments") or {}).items():
        for role in ((environment or {}).get("roles") or {}).get("roles") or []:
            chain = (role.get("trust") or {}).get("podIdentityChain") or {}
            first = str(chain.get("platformRole", "")).partition(":role/")[2]
            is_here = environment.get("cluster") in clusters and chain.get("serviceAccount")
            if is_here and not fnmatchcase(first, pattern):
                yield f"environments.{name}.roles: {role.get('name')} has the platformRole {first}, and {where}.PodRoles allows {pattern} only"


def _clusters(other: Other, platform: dict[str, Any]) -> Iterator[str]:
    """Clusters of another account; which account a template is for, its profile says, so any of the patterns will do."""
    if other.name != "cluster":
        return
    account, pattern = _at(platform, "hub.account"), other.parameters.get("ClusterNames", "")
    names = [
        eks.get("name", name) for name, eks in _eks(platform) if eks.get("account") and str(eks["account"]) != account
    ]
    if "clusters" in platform and not any(fnmatchcase(name, pattern) for name in names):
        yield f"no cluster of another account fits cluster.ClusterNames {pattern}; clusters there are {', '.join(names) or 'none'}"
    role = other.parameters.get("ClusterRoleName") or default_of("cluster", "ClusterRoleName")
    for name, eks in _eks(platform):
        if eks.get("role") and fnmatchcase(eks.get("name", name), pattern) and eks["role"] != role:
            yield _differs(f"clusters.{name}.eks.role", eks["role"], "cluster.ClusterRoleName", role)
    there = {
        name
        for name, eks in _eks(platform)
        if eks.get("account") and fnmatchcase(eks.get("name", name), pattern) and eks.get("podIdentity", True)
    }
    pods = other.parameters.get("PodRoles") or default_of("cluster", "PodRoles")
    yield from _pod_roles(platform, there, pods, "cluster")
