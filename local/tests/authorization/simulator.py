"""Decides the cases of the tests beside it by another hand: npm's @cloud-copilot/iam-simulate, a tool that is never shipped (AGPL).

`make check` installs it and runs this where there is npm, and says so where there is none.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import test_denied
import test_documented
from deployed import TENANT, example_boundary, guardrails, stolen

from berth_local.authorization.evaluate import Policies, Request, decide
from berth_local.authorization.service_reference import resource_types, services

TOOL = Path(__file__).resolve().parents[3] / "target" / "tools" / "iam"

Case = tuple[Request, Policies]


def cases() -> list[Case]:
    """Every case of the other tests whose keys AWS has."""
    found: list[Case] = []
    for part, name, resource, keys in [*test_denied.DENIED, *test_denied.ALLOWED]:
        found.append((Request(name, resource, test_denied.BERTH[part] | keys), stolen(part)))
    for who, policies in (
        (test_denied.DEVELOPER, Policies([test_denied.ADMIN], example_boundary())),
        (test_denied.PEOPLE, Policies([test_denied.ADMIN], None, None, guardrails())),
    ):
        for name, resource, keys in [*test_denied.HARMFUL, *test_denied.WORK]:
            found.append((Request(name, fitting(name, resource), {"aws:principalarn": who} | keys), policies))
    plain = (case for case in test_documented.DOCUMENTED if not case[2] and "a:b" not in str(case[1]))
    found += [(Request("s3:GetObject", test_documented.BUCKET), policies) for _, policies, _, _ in plain]
    return found


def fitting(name: str, resource: str) -> str:
    """A resource of a type that the action has: the cases of a tenant's administrator name what they are about."""
    types = services()[name.partition(":")[0]]["types"]
    forms = [types[each.rstrip("*")]["arn"] for each in sorted(resource_types(name), key=lambda each: each[-1] != "*")]
    if not forms:
        return "*"
    if any(re.fullmatch(re.sub(r"\$\{\w+\}", "[^:]*", form), resource) for form in forms):
        return resource
    values = {"Partition": "aws", "Region": "eu-west-1", "Account": TENANT}
    return re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], "x-0a"), forms[0])


def simulated(request: Request, policies: Policies) -> dict[str, Any]:
    """A case as the simulator takes it."""
    principal = str(request.keys.get("aws:principalarn", f"arn:aws:iam::{TENANT}:role/a"))
    parts = request.resource.split(":")
    # An ARN without an account is of the caller's.
    account = parts[4] if len(parts) > 4 and parts[4].isdigit() else principal.split(":")[4]
    return {
        "request": {
            "principal": principal,
            "action": request.action,
            "resource": {"resource": request.resource, "accountId": account},
            "contextVariables": dict(request.keys),
        },
        "policies": {
            "identity": list(policies.identity),
            "boundary": policies.boundary,
            "session": policies.session,
            "organization": policies.organization,
        },
    }


def main() -> int:
    """Fails when a case is decided otherwise, or cannot be simulated."""
    wanted = cases()
    given = json.dumps([simulated(*case) for case in wanted])
    script = Path(__file__).with_name("simulate.mjs")
    done = subprocess.run(["node", script, TOOL], input=given, stdout=subprocess.PIPE, text=True, check=True)
    answers = json.loads(done.stdout)
    differing = [
        f"{request.action} on {request.resource}: {answer}"
        for (request, policies), answer in zip(wanted, answers, strict=True)
        if answer.startswith("error") or (answer == "Allowed") != decide(request, policies).allowed
    ]
    print(*differing, f"cases {len(answers)}, decided otherwise by iam-simulate {len(differing)}", sep="\n")
    return 1 if differing or not answers else 0


if __name__ == "__main__":
    sys.exit(main())
