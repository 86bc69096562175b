"""A service of AWS acts for this account alone: statements that let one in ask for whom (the confused deputy).

https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from berth_local import names
from berth_local.stack.translate import translate

INFRA = Path(__file__).resolve().parents[3] / "infra"
TEMPLATES = sorted(path.name for path in INFRA.glob("*.yaml") if "AWSTemplateFormatVersion" in path.read_text())
FOR_WHOM = {"aws:SourceAccount", "aws:SourceArn", "kms:EncryptionContext:aws:logs:arn"}
# Lambda takes a role only for a function of the role's own account, and gives no key that would say so.
EXEMPT = {"lambda.amazonaws.com"}


def statements(node: Any, kind: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement that names a principal, with the type of its resource."""
    if isinstance(node, dict):
        kind = node["Type"] if isinstance(node.get("Type"), str) and "::" in node["Type"] else kind
        if "Principal" in node and "Effect" in node:
            yield kind, node
        for value in node.values():
            yield from statements(value, kind)
    elif isinstance(node, list):
        for item in node:
            yield from statements(item, kind)


def services(statement: dict[str, Any]) -> list[str]:
    """The services that a statement lets in."""
    principal = statement["Principal"]
    named = principal.get("Service", []) if isinstance(principal, dict) else []
    return [str(each) for each in (named if isinstance(named, list) else [named])]


@pytest.mark.parametrize("template", TEMPLATES)
def test_whoever_lets_a_service_in_says_for_whom(template: str) -> None:
    found = [
        (kind, statement.get("Sid"), service)
        for kind, statement in statements(translate(INFRA / template, names.HOME_REGION)["Resources"])
        for service in services(statement)
        if service not in EXEMPT
        and not FOR_WHOM & {key for pairs in statement.get("Condition", {}).values() for key in pairs}
    ]
    assert found == []


def test_every_kind_of_policy_with_a_service_is_looked_at() -> None:
    template = translate(INFRA / "hub.yaml", names.HOME_REGION)["Resources"]
    kinds = {kind for kind, statement in statements(template) if services(statement)}
    assert {"AWS::KMS::Key", "AWS::SQS::QueuePolicy", "AWS::IAM::Role"} <= kinds
