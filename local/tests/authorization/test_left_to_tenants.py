"""What the shipped boundary and service control policy leave an administrator of a tenant to do to what is Berth's: every action of
AWS's service reference that changes something, for each kind of thing, as somebody has read it.

After a renewal of the reference or a change of the policies: read the difference, then write the file anew with
`PYTHONPATH=local python local/tests/authorization/test_left_to_tenants.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from deployed import TENANT, example_boundary, guardrails

from berth_local.authorization.evaluate import Policies, Request, decide
from berth_local.authorization.service_reference import resource_types, services

READ = Path(__file__).with_name("left_to_tenants.json")
ADMINISTRATOR = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ROLE = f"arn:aws:iam::{TENANT}:role"
WHO = {
    "boundary": (f"{ROLE}/tenant/payments-developer", Policies([ADMINISTRATOR], example_boundary())),
    "guardrails": (
        f"{ROLE}/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Administrator_0a",
        Policies([ADMINISTRATOR], None, None, guardrails()),
    ),
}
EC2 = f"arn:aws:ec2:eu-west-1:{TENANT}"
THINGS = {
    "ec2": {
        **{kind: f"{EC2}:{kind}/x-0a" for kind in ("internet-gateway", "route-table", "subnet", "transit-gateway-attachment")},
        **{kind: f"{EC2}:{kind}/x-0a" for kind in ("vpc", "vpc-endpoint", "vpc-flow-log")},
    },
    "iam": {"role": f"{ROLE}/tenant/payments-developer", "policy": f"arn:aws:iam::{TENANT}:policy/tenant/berth-tenant-boundary"},
    "backup": {
        "backupPlan": f"arn:aws:backup:eu-west-1:{TENANT}:backup-plan:0a",
        "backupVault": f"arn:aws:backup:eu-west-1:{TENANT}:backup-vault:berth-backup",
    },
    "config": {
        "ConfigRule": f"arn:aws:config:eu-west-1:{TENANT}:config-rule/config-rule-0a",
        "ConfigurationRecorder": f"arn:aws:config:eu-west-1:{TENANT}:configuration-recorder/berth-recorder/0a",
    },
}  # fmt: skip


def left(who: str) -> dict[str, list[str]]:
    """Actions that change something and are allowed, by the kind of thing."""
    principal, policies = WHO[who]
    found = {}
    for service, things in THINGS.items():
        for kind, arn in things.items():
            keys = {"aws:principalarn": principal, "aws:resourcetag/berth:managed-by": "berth"}
            found[f"{service} {kind}"] = sorted(
                action
                for action, described in services()[service]["actions"].items()
                if not {"Read", "List"} & set(described["level"].split(", "))
                and {kind, f"{kind}*"} & set(resource_types(f"{service}:{action}"))
                and decide(Request(f"{service}:{action}", arn, keys), policies).allowed
            )
    return found


@pytest.mark.parametrize("who", WHO)
def test_tenants_may_do_to_berths_resources_only_what_was_reviewed(who: str) -> None:
    assert left(who) == json.loads(READ.read_text())[who]


def test_nothing_is_left_that_moves_traffic_or_changes_roles() -> None:
    looks = {"CreateNetworkInsightsPath", "CreateTags", "CreateTrafficMirrorTarget"}
    for who in WHO:
        found = left(who)
        for kind in ("ec2 route-table", "ec2 transit-gateway-attachment", "ec2 vpc-endpoint", "iam role", "iam policy"):
            assert set(found[kind]) <= looks, (who, kind)


def test_both_fit_with_room_for_names_of_your_own() -> None:
    # Organizations takes 5,120 characters of each service control policy, IAM 6,144 of a boundary.
    for policy in guardrails()[1][1:]:
        assert len(json.dumps(policy, separators=(",", ":"))) < 4_200
    assert len(json.dumps(example_boundary(), separators=(",", ":"))) < 5_000


if __name__ == "__main__":
    READ.write_text(json.dumps({who: left(who) for who in WHO}, indent=1) + "\n")
