"""Whether the tenant role may make roles within the permissions boundaries of platform.yaml."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import yaml
from installation import Installation, Other, Refused, default_of

# Where a boundary is unless platform.yaml says otherwise.
_PATH = "/tenant/"


def check_boundaries(installation: Installation) -> None:
    """Holds the boundaries to the parameter `BoundaryPolicies` of the tenant role's template, when it is deployed from here.

    Raises:
        Refused: roles within one of them could not be made.
    """
    stackset = next(
        (other for other in installation.others if other.name == "tenant-stackset"),
        None,
    )
    if stackset is None:
        return
    pattern = _pattern(stackset)
    problems = [
        f"{installation.platform}: environments.{environment}.roles.boundary is the policy {policy}, and BerthTenant may "
        f"make roles only within {pattern}"
        for environment, policy in _policies(yaml.safe_load(installation.platform.read_text()))
        if not fnmatchcase(policy, pattern)
    ]
    if problems:
        raise Refused(
            "\n".join(problems),
            "give it a name that fits, or set BoundaryPolicies of tenant-stackset",
        )


def _pattern(stackset: Other) -> str:
    return stackset.parameters.get("BoundaryPolicies") or default_of("tenant-stackset", "BoundaryPolicies")


def _policies(platform: dict[str, Any]) -> list[tuple[str, str]]:
    """Path and name of each boundary, as they stand in an ARN behind `policy/`."""
    found = []
    for name, environment in (platform.get("environments") or {}).items():
        boundary = environment["roles"]["boundary"]
        found.append((name, f"{boundary.get('path', _PATH)}{boundary['name']}".removeprefix("/")))
    return found
