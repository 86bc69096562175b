"""Reads every IAM statement of the templates and of the functions' policies, and holds its actions to AWS's own reference.

An action that does not exist is granted in silence, and missed when it is needed. A statement of a template that allows actions
on all resources, without a condition, although they know resources, must be listed here with its reason. And cfn-lint reads no
statement of service control policies, of event buses or of SAM's functions: a mistyped key or Effect is found here, or by AWS.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from policy_sentry.querying.actions import get_action_data
from policy_sentry.querying.all import get_all_actions

# Actions that AWS has and this version of policy_sentry does not know, each with where AWS documents it.
NEWER = frozenset[str]()

# Statements for all resources whose actions know resources, and why they are so.
WIDE = {
    "infra/hub.yaml TheAccountAdministers": "the policy of a key is about that key",
    "infra/tenant.yaml ReadSettings": "recorders are listed without a name, and AWS does not say on what it evaluates that",
}


# What a statement may hold.
ONE_OF = (("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource"))
KEYS = {"Sid", "Effect", "Condition"}.union(*ONE_OF)
EFFECTS = ("Allow", "Deny")


class _Plain(yaml.SafeLoader):
    """Reads a template with its tags as plain values."""


def _untagged(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else node.value


_Plain.add_multi_constructor("!", _untagged)


def statements(node: Any) -> Iterator[Any]:
    """Every statement of a template, whatever it looks like. IAM takes one without a list, too."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Statement":
                yield from value if isinstance(value, list) else [value]
            else:
                yield from statements(value)
    elif isinstance(node, list):
        for item in node:
            yield from statements(item)


def statements_of(path: Path) -> Iterator[Any]:
    """Every statement of a template, or of a function's policy: there they are lists by role, and allow unless they say otherwise."""
    document = read(path)
    if path.suffix != ".json":
        yield from statements(document)
        return
    for part in document.values():
        yield from ({"Effect": "Allow"} | statement if isinstance(statement, dict) else statement for statement in part)


def misshapen(name: str, statement: Any) -> list[str]:
    """Why IAM would not take this for a statement; nothing else of it is looked at then."""
    if not isinstance(statement, dict):
        return [f"{name}: {statement!r} is in the place of a statement"]
    shown = f"{name} {statement.get('Sid', json.dumps(statement, default=str))}"
    known = KEYS | {"Why"} if name.endswith(".json") else KEYS
    found = [f"{shown}: a statement has no key {key}" for key in statement if key not in known]
    if statement.get("Effect") not in EFFECTS:
        found.append(f"{shown}: its Effect is {statement.get('Effect')!r}; write Allow or Deny")
    for pair in ONE_OF:
        if sum(key in statement for key in pair) > 1:
            found.append(f"{shown}: it has {' and '.join(pair)}; write one of them")
    if "Action" not in statement and "NotAction" not in statement:
        found.append(f"{shown}: it has no Action")
    return found


def actions_of(statement: dict[str, Any]) -> list[str]:
    """The actions that a statement names, as a list."""
    actions = statement.get("Action", statement.get("NotAction"))
    return [actions] if isinstance(actions, str) else actions


def knows_resources(action: str) -> bool:
    """Whether an action can be narrowed to a resource, by AWS's reference."""
    service, _, name = action.partition(":")
    data = get_action_data(service, name)
    return bool(data) and any(row["resource_arn_format"] != "*" for row in data[service])


def is_wide(statement: dict[str, Any]) -> bool:
    """Whether a statement could be narrowed to resources, and neither that nor a condition narrows it."""
    is_for_all = statement.get("Resource") in ("*", ["*"]) and statement["Effect"] == "Allow"
    could_be_narrowed = "NotAction" in statement or any(map(knows_resources, actions_of(statement)))
    return is_for_all and "Condition" not in statement and could_be_narrowed


def problems(name: str, statement: Any, existing: set[str]) -> list[str]:
    """What is wrong with a statement of the file of that name."""
    if wrong := misshapen(name, statement):
        return wrong
    shown = f"{name} {statement.get('Sid', ', '.join(actions_of(statement)))}"
    named = [action for action in actions_of(statement) if "*" not in action]
    found = [f"{shown}: the action {action} does not exist" for action in named if action.lower() not in existing]
    if name.startswith("infra/") and shown not in WIDE and is_wide(statement):
        found.append(f"{shown}: it is for all resources; name them, add a condition, or list it in deploy/policies.py")
    return found


def read(path: Path) -> Any:
    """A template or a policy as plain values."""
    text = path.read_text()
    return json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=_Plain)


def main() -> int:
    """Reads the files that are named; fails for any problem."""
    existing = {action.lower() for action in get_all_actions()} | {action.lower() for action in NEWER}
    count, wrong = 0, []
    for name in sys.argv[1:]:
        for statement in statements_of(Path(name)):
            count += 1
            wrong += problems(name, statement, existing)
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    print(f"{count} statements in {len(sys.argv) - 1} files")
    return 1 if wrong or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
