"""Decides a request by policies, as IAM does. No I/O.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

What Berth's policies and those of tests have is known: an element or operator that is not raises NotKnown, so that nothing
is decided by guessing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Document = Mapping[str, Any]
Keys = Mapping[str, str | Sequence[str]]
"""Condition keys of a request, in lower case. A key that has several values has a list, maybe an empty one."""

_ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
_STATEMENTS_MAX = 16_384
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


class NotKnown(Exception):
    """A policy has what this evaluation does not know."""


@dataclass(frozen=True)
class Request:
    """One action on one resource, with what conditions may ask."""

    action: str
    resource: str
    keys: Keys = field(default_factory=dict)


@dataclass(frozen=True)
class Policies:
    """What a principal has. `session`, `boundary` and `organization` are None where there is none.

    `organization` has one list for each level, from the root to the account: each level must allow.
    """

    identity: Sequence[Document]
    boundary: Document | None = None
    session: Document | None = None
    organization: Sequence[Sequence[Document]] | None = None


@dataclass(frozen=True)
class Decision:
    """Whether it is allowed, by which statements; else by what it is denied."""

    allowed: bool
    reason: str
    """In the words of AWS's messages: what denies it, or what lacks an allow."""
    explicit: bool = False
    used: tuple[str, ...] = ()
    """Sids of the identity policies' statements that allow it, or of those that deny it explicitly."""


def decide(request: Request, policies: Policies) -> Decision:
    """An explicit deny anywhere, else an allow in each kind of policy that there is."""
    kinds: list[tuple[str, list[Document]]] = [("identity-based", list(policies.identity))]
    if policies.session is not None:
        kinds.append(("session", [policies.session]))
    if policies.boundary is not None:
        kinds.append(("permissions boundary", [policies.boundary]))
    for level in policies.organization or ():
        kinds.append(("service control", list(level)))
    used: tuple[str, ...] = ()
    missing = ""
    for kind, documents in kinds:
        effects = [(statement, applies(statement, request)) for document in documents for statement in of(document)]
        denying = tuple(
            str(statement.get("Sid", "")) for statement, held in effects if held and statement["Effect"] == "Deny"
        )
        if denying:
            return Decision(False, _policy_word(kind), explicit=True, used=denying)
        allowing = [statement for statement, held in effects if held and statement["Effect"] == "Allow"]
        if not allowing and not missing:
            missing = kind
        if kind == "identity-based":
            used = tuple(str(statement.get("Sid", "")) for statement in allowing)
    if missing:
        return Decision(False, _policy_word(missing))
    return Decision(True, "", used=used)


def _policy_word(kind: str) -> str:
    return kind if kind == "permissions boundary" else f"{kind} policy"


def of(document: Document) -> list[dict[str, Any]]:
    """The statements of a document."""
    found = document.get("Statement", [])
    return [found] if isinstance(found, Mapping) else list(found)


def applies(statement: Mapping[str, Any], request: Request) -> bool:
    """Whether a statement is about the request. Statements are never changed: what was found out about one is kept."""
    return _action(statement, request.action) and _resource(statement, request) and conditions(statement, request.keys)


_actions: dict[int, tuple[Mapping[str, Any], dict[str, bool]]] = {}
"""Whether a statement, which is kept with its id, is about an action: most are not, and the same ones are asked again."""


def _action(statement: Mapping[str, Any], action: str) -> bool:
    kept = _actions.get(id(statement))
    if kept is None or kept[0] is not statement:
        if unknown := statement.keys() - _ELEMENTS:
            raise NotKnown(f"{sorted(unknown)} of {statement}")
        if len(_actions) >= _STATEMENTS_MAX:
            _actions.clear()
        kept = _actions[id(statement)] = (statement, {})
    found = kept[1].get(action)
    if found is None:
        named = statement.get("Action", statement.get("NotAction"))
        is_named = any(like(pattern.lower(), action.lower()) for pattern in as_list(named))
        found = kept[1][action] = is_named == ("Action" in statement)
    return found


def _resource(statement: Mapping[str, Any], request: Request) -> bool:
    named = statement.get("Resource", statement.get("NotResource"))
    found = any(arn_like(filled(pattern, request.keys), request.resource) for pattern in as_list(named))
    return found == ("Resource" in statement)


def conditions(statement: Mapping[str, Any], keys: Keys) -> bool:
    """Whether all conditions hold."""
    for operator, pairs in (statement.get("Condition") or {}).items():
        for key, wanted in pairs.items():
            if not _condition(operator, keys.get(key.lower()), [filled(each, keys) for each in as_list(wanted)]):
                return False
    return True


def _condition(operator: str, value: str | Sequence[str] | None, wanted: list[str]) -> bool:
    if operator == "Null":
        return (value is None or value == []) == (wanted[0].lower() == "true")
    quantifier, _, plain = operator.rpartition(":")
    plain, if_exists = plain.removesuffix("IfExists"), plain.endswith("IfExists")
    negated = plain.startswith(("StringNot", "ArnNot", "NotIp"))
    if value is None or value == []:
        if quantifier == "ForAnyValue":
            return False
        return if_exists or negated or quantifier == "ForAllValues"
    values = [value] if isinstance(value, str) else list(value)
    if len(values) > 1 and not quantifier:
        raise NotKnown(f"{operator} without ForAnyValue or ForAllValues on several values")
    holds = [any(_compare(plain.replace("Not", ""), each, pattern) for pattern in wanted) != negated for each in values]
    return any(holds) if quantifier == "ForAnyValue" else all(holds)


def _compare(operator: str, value: str, pattern: str) -> bool:
    if operator in ("StringLike", "ArnLike", "ArnEquals"):
        return arn_like(pattern, value) if operator.startswith("Arn") else like(pattern, value)
    if operator == "StringEquals":
        return value == pattern
    if operator in ("Bool", "StringEqualsIgnoreCase"):
        return value.lower() == pattern.lower()
    raise NotKnown(f"the operator {operator}")


def filled(text: str, keys: Keys) -> str:
    """A text with its policy variables; one without a value matches nothing."""
    if "${" not in text:
        return text

    def value(found: re.Match[str]) -> str:
        name = found[1].lower()
        if name in ("*", "?", "$"):
            return f"[{name}]"
        said = keys.get(name)
        return said if isinstance(said, str) else "\0"

    return _VARIABLE.sub(value, text)


def as_list(value: Any) -> list[str]:
    """Elements may be one text or a list."""
    if value is None:
        return []
    return [
        str(each).lower() if isinstance(each, bool) else str(each)
        for each in (value if isinstance(value, list) else [value])
    ]


def arn_like(pattern: str, arn: str) -> bool:
    """Whether an ARN fits: each of its six parts on its own, so that no star reaches into the next. `*` alone fits all."""
    if pattern == "*" or arn == "*":
        return pattern == "*"
    wanted, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(parts) == 6 and all(map(like, wanted, parts))


@lru_cache(16_384)
def like(pattern: str, text: str) -> bool:
    """`*` for any characters, `?` for one; case counts."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(4_096)
def _compiled(pattern: str) -> re.Pattern[str]:
    pieces: Iterable[str] = re.split(r"(\[[*?$]\]|\*|\?)", pattern)
    known = {"*": ".*", "?": ".", "[*]": r"\*", "[?]": r"\?", "[$]": r"\$"}
    return re.compile("".join(known.get(piece, re.escape(piece)) for piece in pieces), re.DOTALL)
