"""Writes a template with the state machines in it: cfn-lint validates one that is inline, and passes over a DefinitionUri.

It knows fields, types and limits of Amazon States Language. That transitions and payloads fit is tested by
tests/tests/contract.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

# Only the shape of the template matters here.
_ROLE = "arn:aws:iam::210987654321:role/berth-onboard-account"


def numbers(node: Any) -> Any:
    """The definition with a number where a time-out is a JSONata expression: AWS takes both, cfn-lint 1.58 only numbers."""
    if isinstance(node, dict):
        return {
            key: 1 if key == "TimeoutSeconds" and isinstance(value, str) else numbers(value)
            for key, value in node.items()
        }
    return [numbers(item) for item in node] if isinstance(node, list) else node


def template(folder: Path) -> dict[str, Any]:
    """A template with every machine of a folder.

    Raises:
        ValueError: there is none, so nothing would be validated.
    """
    paths = sorted(folder.glob("*.asl.json"))
    if not paths:
        raise ValueError(f"{folder} has no *.asl.json")
    machines = {
        path.name.removesuffix(".asl.json").title().replace("-", ""): {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {"RoleArn": _ROLE, "Definition": numbers(json.loads(path.read_text()))},
        }
        for path in paths
    }
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": machines}


def main() -> int:
    """Reads the folder that is named first and writes the file that is named second."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(template(source), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
