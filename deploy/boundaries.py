"""Whether the tenant role may make the roles of platform.yaml, within their boundaries, and the network role join their tables."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import yaml
from installation import Installation, Other, Refused, default_of

# Where a boundary and a role are unless platform.yaml says otherwise.
_PATH = "/tenant/"


def check_boundaries(installation: Installation) -> None:
    """Holds platform.yaml to the parameters of the roles' templates, as far as they are deployed from here: boundaries to
    `BoundaryPolicies`, paths of roles to `RolePath`, issuers that roles trust to `OidcProviders`, route tables to
    `RouteTableArns`.

    Raises:
        Refused: roles could not be made, or tenants not be joined to a table.
    """
    platform = yaml.safe_load(installation.platform.read_text())
    problems = []
    for other in installation.others:
        if other.name == "tenant-stackset":
            problems += _outside_of(platform, other)
        if other.name == "network":
            problems += _not_listed(platform, other.parameters.get("RouteTableArns", ""))
    if problems:
        raise Refused(
            "\n".join(f"{installation.platform}: {problem}" for problem in problems),
            "correct platform.yaml, or set BoundaryPolicies, RolePath and OidcProviders of tenant-stackset, RouteTableArns of network",
        )


def _outside_of(platform: dict[str, Any], stackset: Other) -> list[str]:
    """Boundaries, roles and OIDC providers that BerthTenant may not use."""
    pattern, path, providers = (
        _parameter(stackset, name) for name in ("BoundaryPolicies", "RolePath", "OidcProviders")
    )
    return (
        [
            f"environments.{environment}.roles.boundary is the policy {policy}, and BerthTenant may make roles only within {pattern}"
            for environment, policy in _policies(platform)
            if not fnmatchcase(policy, pattern)
        ]
        + [
            f"environments.{environment}.roles: {role['name']} has the path {role.get('path', _PATH)}, and BerthTenant may make "
            f"roles only below {path}"
            for environment, roles in _roles(platform)
            for role in roles.get("roles") or []
            if not role.get("path", _PATH).startswith(path)
        ]
        + [
            f"environments.{environment}.roles: {role['name']} trusts {provider}, and BerthTenant may make OIDC providers only "
            f"like {providers}"
            for environment, roles in _roles(platform)
            for role in roles.get("roles") or []
            if (provider := ((role.get("trust") or {}).get("oidc") or {}).get("provider"))
            if not fnmatchcase(provider, providers)
        ]
    )


def _not_listed(platform: dict[str, Any], arns: str) -> list[str]:
    """Route tables that BerthNetwork may not join tenants to."""
    listed = [arn.strip().rsplit("/", 1)[-1] for arn in arns.split(",")]
    found = []
    for environment, plan in (platform.get("environments") or {}).items():
        for region, network in (plan.get("regions") or {}).items():
            gateway = network.get("transitGateway") or {}
            tables = [gateway.get("spokeRouteTable"), *(gateway.get("propagateTo") or [])]
            found += [
                f"environments.{environment}.regions.{region}.transitGateway: {table} is not in RouteTableArns of network"
                for table in tables
                if table and not any(fnmatchcase(table, each) for each in listed)
            ]
    return found


def _parameter(stackset: Other, name: str) -> str:
    return stackset.parameters.get(name) or default_of("tenant-stackset", name)


def _roles(platform: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    environments = platform.get("environments") or {}
    return [(name, environment.get("roles") or {}) for name, environment in environments.items()]


def _policies(platform: dict[str, Any]) -> list[tuple[str, str]]:
    """Path and name of each boundary, as they stand in an ARN behind `policy/`."""
    return [
        (name, f"{roles['boundary'].get('path', _PATH)}{roles['boundary']['name']}".removeprefix("/"))
        for name, roles in _roles(platform)
        if "boundary" in roles
    ]
