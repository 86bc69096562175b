"""CloudFormation's intrinsic functions, conditions and pseudo parameters.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from berth_local.faults import LocalError

_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")
_REMOVED = object()
"""What AWS::NoValue stands for while a document is resolved."""


@dataclass(frozen=True)
class Made:
    """A resource that exists now: what `Ref` gives, and what `Fn::GetAtt` gives for each attribute."""

    ref: str
    attributes: dict[str, str] = field(default_factory=dict)
    remembered: dict[str, Any] | None = None
    """What no API of the local AWS keeps, for whoever acts on it later."""


def intrinsic_of(node: Any) -> tuple[str, Any] | None:
    """The name and argument, where `node` is a call of an intrinsic function."""
    if not (isinstance(node, dict) and len(node) == 1):
        return None
    name, argument = next(iter(node.items()))
    if name == "Condition":  # also the name of a map in a policy statement: there its value is not a string
        return (name, argument) if isinstance(argument, str) else None
    return (name, argument) if isinstance(name, str) and (name == "Ref" or name.startswith("Fn::")) else None


class Resolver:
    """Turns template values into plain ones. `made` grows while the stack is loaded."""

    def __init__(self, values: dict[str, Any], conditions: dict[str, Any], mappings: dict[str, Any]) -> None:
        self.values = values
        self.conditions = conditions
        self.mappings = mappings
        self.made: dict[str, Made] = {}

    def resolve(self, node: Any, where: str) -> Any:
        """`node` with every intrinsic function replaced. `where` is the logical id that messages name.

        Raises:
            LocalError: an intrinsic function that the loader does not know, or a name that does not exist.
        """
        value = self._resolve(node, where)
        return None if value is _REMOVED else value

    def holds(self, condition: str, where: str) -> bool:
        """Whether the named condition of the template is true."""
        if condition not in self.conditions:
            raise LocalError(f"{where}: the template has no condition {condition}")
        return bool(self._resolve(self.conditions[condition], where))

    def _resolve(self, node: Any, where: str) -> Any:
        call = intrinsic_of(node)
        if call is not None:
            name, argument = call
            function = _FUNCTIONS.get(name)
            if function is None:
                raise LocalError(f"{where}: the loader does not know the intrinsic function {name}")
            return function(self, argument, where)
        if isinstance(node, dict):
            resolved = {key: self._resolve(value, where) for key, value in node.items()}
            return {key: value for key, value in resolved.items() if value is not _REMOVED}
        if isinstance(node, list):
            return [value for value in (self._resolve(item, where) for item in node) if value is not _REMOVED]
        return node

    def _ref(self, name: str, where: str) -> Any:
        if name == "AWS::NoValue":
            return _REMOVED
        if name in self.values:
            return self.values[name]
        if name in self.made:
            return self.made[name].ref
        raise LocalError(f"{where}: Ref {name} is neither a parameter nor a resource that exists")

    def _get_att(self, argument: Any, where: str) -> str:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        logical_id, attribute = parts
        made = self.made.get(logical_id)
        if made is None or attribute not in made.attributes:
            raise LocalError(f"{where}: the loader does not know the attribute {attribute} of {logical_id}")
        return made.attributes[attribute]

    def _sub(self, argument: Any, where: str) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        own = {name: self._resolve(value, where) for name, value in own.items()}

        def replacement(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in own:
                return str(own[name])
            return str(self._get_att(name, where) if "." in name else self._ref(name, where))

        return _PLACEHOLDER.sub(replacement, text)

    def _join(self, argument: Any, where: str) -> str:
        separator, items = argument
        return separator.join(str(item) for item in self._resolve(items, where))

    def _select(self, argument: Any, where: str) -> Any:
        index, items = self._resolve(argument, where)
        if not 0 <= int(index) < len(items):
            raise LocalError(f"{where}: Fn::Select {index} of a list of {len(items)}")
        return items[int(index)]

    def _split(self, argument: Any, where: str) -> list[str]:
        separator, text = self._resolve(argument, where)
        return text.split(separator)

    def _if(self, argument: Any, where: str) -> Any:
        condition, when_true, when_false = argument
        return self._resolve(when_true if self.holds(condition, where) else when_false, where)

    def _find_in_map(self, argument: Any, where: str) -> Any:
        name, first, second = self._resolve(argument, where)
        try:
            return self.mappings[name][first][second]
        except KeyError as error:
            raise LocalError(f"{where}: Fn::FindInMap {name}.{first}.{second} has no value") from error

    def _equals(self, argument: Any, where: str) -> bool:
        left, right = (self._resolve(side, where) for side in argument)
        return str(left) == str(right)

    def _all(self, argument: Any, where: str) -> bool:
        return all(self._resolve(item, where) for item in argument)

    def _any(self, argument: Any, where: str) -> bool:
        return any(self._resolve(item, where) for item in argument)

    def _not(self, argument: Any, where: str) -> bool:
        return not self._resolve(argument[0], where)


_FUNCTIONS: dict[str, Callable[[Resolver, Any, str], Any]] = {
    "Ref": Resolver._ref,
    "Condition": lambda resolver, argument, where: resolver.holds(argument, where),
    "Fn::GetAtt": Resolver._get_att,
    "Fn::Sub": Resolver._sub,
    "Fn::Join": Resolver._join,
    "Fn::Select": Resolver._select,
    "Fn::Split": Resolver._split,
    "Fn::If": Resolver._if,
    "Fn::FindInMap": Resolver._find_in_map,
    "Fn::Equals": Resolver._equals,
    "Fn::And": Resolver._all,
    "Fn::Or": Resolver._any,
    "Fn::Not": Resolver._not,
}


def mentioned(node: Any) -> set[str]:
    """Every name that `Ref`, `Fn::GetAtt` or `Fn::Sub` mentions anywhere in `node`."""
    call = intrinsic_of(node)
    if call is not None:
        name, argument = call
        if name == "Ref":
            return {argument}
        if name == "Fn::GetAtt":
            return {argument.split(".", 1)[0] if isinstance(argument, str) else argument[0]}
        if name == "Fn::Sub":
            text, own = (argument, {}) if isinstance(argument, str) else argument
            names = {name.split(".", 1)[0] for literal, name in _PLACEHOLDER.findall(text) if not literal}
            return (names - own.keys()) | mentioned(list(own.values()))
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return set().union(*(mentioned(child) for child in children))
