"""AWS's service reference, as it is pinned in service_reference.json: actions, their resource types and condition keys."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "service_reference.json"

# Actions that know a resource which the reference lacks, and where that is said.
BY_RESOURCE = {
    # https://github.com/aws/aws-cdk/pull/8486: evaluated on the state machine
    "states:SendTaskFailure": ["statemachine*"],
    "states:SendTaskSuccess": ["statemachine*"],
}


@cache
def reference() -> dict[str, Any]:
    """The whole file."""
    return json.loads(FILE.read_text())


@cache
def action(name: str) -> dict[str, Any] | None:
    """An action by its name, `ec2:CreateVpc`; None for one that AWS does not have."""
    service, _, operation = name.partition(":")
    found = reference()["services"].get(service, {}).get("actions", {}).get(operation)
    return found | {"resources": BY_RESOURCE[name]} if found is not None and name in BY_RESOURCE else found


def resource_types(name: str) -> list[str]:
    """Types of resources that an action knows; those that each of its calls has end with a star."""
    return list((action(name) or {}).get("resources", []))


def services() -> dict[str, Any]:
    """Everything by service."""
    return reference()["services"]
