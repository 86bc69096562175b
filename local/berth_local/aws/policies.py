"""Reads resource policies and trust policies, as far as the local AWS needs them. No I/O."""

from __future__ import annotations

import fnmatch
import json
from typing import Any


def statements(policy: str | dict[str, Any] | None) -> list[dict[str, Any]]:
    """The statements of a policy document; none for no policy."""
    document = json.loads(policy) if isinstance(policy, str) and policy else policy
    found = (document or {}).get("Statement", [])
    return [found] if isinstance(found, dict) else list(found)


def as_list(value: Any) -> list[Any]:
    """Policy elements may be one value or a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def action_matches(statement: dict[str, Any], action: str) -> bool:
    """Whether the statement is about `action` (`sqs:SendMessage`); wildcards and letter case as in IAM."""
    return any(fnmatch.fnmatchcase(action.lower(), str(each).lower()) for each in as_list(statement.get("Action")))


def conditions_hold(statement: dict[str, Any], facts: dict[str, str]) -> bool:
    """Whether every condition holds for the known facts (keys in lower case). An unknown operator does not hold."""
    for operator, pairs in (statement.get("Condition") or {}).items():
        for key, wanted in pairs.items():
            if not _condition_holds(operator, facts.get(key.lower()), [str(each) for each in as_list(wanted)]):
                return False
    return True


def _condition_holds(operator: str, fact: str | None, wanted: list[str]) -> bool:
    operator = operator.split(":", 1)[-1]
    if operator.endswith("IfExists"):
        if fact is None:
            return True
        operator = operator.removesuffix("IfExists")
    if operator == "Null":
        return (fact is None) == (wanted == ["true"])
    if operator in ("StringNotEquals", "StringNotLike", "ArnNotEquals", "ArnNotLike"):
        return fact is None or not _condition_holds(operator.replace("Not", ""), fact, wanted)
    if fact is None:
        return False
    if operator in ("StringEquals", "Bool"):
        return fact in wanted
    if operator == "StringEqualsIgnoreCase":
        return fact.lower() in [each.lower() for each in wanted]
    if operator in ("StringLike", "ArnLike", "ArnEquals"):
        return any(fnmatch.fnmatchcase(fact, each) for each in wanted)
    return False


def decides(found: list[dict[str, Any]], action: str, resource: str, facts: dict[str, str]) -> bool:
    """Whether statements allow an action on a resource: some allow it, and none denies it. Principals are not looked at."""
    allowed = False
    for statement in found:
        if (
            action_matches(statement, action)
            and resource_matches(statement, resource)
            and conditions_hold(statement, facts)
        ):
            if statement.get("Effect") == "Deny":
                return False
            allowed = True
    return allowed


def resource_matches(statement: dict[str, Any], resource: str) -> bool:
    """Whether the statement is about the resource. A trust policy has none, and is about its role."""
    named = as_list(statement.get("Resource"))
    return not named or any(fnmatch.fnmatchcase(resource, str(each)) for each in named)


def service_may(policy: str | None, service: str, action: str, source_arn: str) -> bool:
    """Whether a resource policy lets an AWS service act for `source_arn`."""
    account = source_arn.split(":")[4]
    facts = {"aws:sourcearn": source_arn, "aws:sourceaccount": account}
    allowed = False
    for statement in statements(policy):
        principal = statement.get("Principal")
        named = principal == "*" or (
            isinstance(principal, dict)
            and (service in as_list(principal.get("Service")) or "*" in as_list(principal.get("AWS")))
        )
        if named and action_matches(statement, action) and conditions_hold(statement, facts):
            if statement.get("Effect") == "Deny":
                return False
            allowed = True
    return allowed
