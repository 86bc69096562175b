"""As much of GraphQL as clients of GitHub send here: operations, variables, aliases, arguments, inline fragments.

Specification: https://spec.graphql.org/October2021/. A field that the schema does not have is an error, as on GitHub.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r'\s*(?:([_A-Za-z]\w*)|(-?\d+)|("(?:[^"\\]|\\.)*")|(\.\.\.|[!$():=@\[\]{|}]))[\s,]*')


class GraphQLError(Exception):
    """An error with GitHub's `type`, which may be missing."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass
class Selection:
    """A field or, with a type, an inline fragment."""

    name: str
    alias: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    selections: list[Selection] = field(default_factory=list)
    on: str = ""


class _Parser:
    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._tokens: list[str] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise GraphQLError("", f"Parse error on {text[position : position + 10]!r}")
            self._tokens.append(next(group for group in match.groups() if group is not None))
            position = match.end()
        self._variables = variables
        self._declared: set[str] = set()

    def _next(self, wanted: str = "") -> str:
        token = self._tokens.pop(0) if self._tokens else ""
        if not token or (wanted and token != wanted):
            raise GraphQLError("", f"Parse error on {token!r}, expected {wanted or 'more'!r}")
        return token

    def _peek(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def operation(self) -> tuple[str, list[Selection]]:
        kind = self._next()
        if kind not in ("query", "mutation"):
            raise GraphQLError("", f"Parse error on {kind!r}")
        if self._peek() == "(":
            self._declarations()
        missing = set(self._variables) - self._declared
        if missing:
            raise GraphQLError("", f"Variables {sorted(missing)} are not declared")
        return kind, self._selections()

    def _declarations(self) -> None:
        self._next("(")
        while self._peek() != ")":
            self._next("$")
            name = self._next()
            self._next(":")
            while self._peek() in ("[", "]", "!") or (self._peek() not in ("$", ")")):
                self._next()
            if name not in self._variables:
                raise GraphQLError("", f"Variable ${name} was provided no value")
            self._declared.add(name)
        self._next(")")

    def _selections(self) -> list[Selection]:
        self._next("{")
        found = []
        while self._peek() != "}":
            found.append(self._selection())
        self._next("}")
        return found

    def _selection(self) -> Selection:
        if self._peek() == "...":
            self._next()
            self._next("on")
            return Selection("", on=self._next(), selections=self._selections())
        alias = name = self._next()
        if self._peek() == ":":
            self._next()
            name = self._next()
        selection = Selection(name, alias)
        if self._peek() == "(":
            self._next()
            while self._peek() != ")":
                argument = self._next()
                self._next(":")
                selection.arguments[argument] = self._value()
            self._next()
        if self._peek() == "{":
            selection.selections = self._selections()
        return selection

    def _value(self) -> Any:
        token = self._next()
        if token == "$":
            name = self._next()
            if name not in self._declared:
                raise GraphQLError("", f"Variable ${name} is not declared")
            return self._variables[name]
        if token.startswith('"'):
            return token[1:-1]
        return int(token) if token.lstrip("-").isdigit() else token


Schema = Mapping[str, Mapping[str, Callable[..., Any]]]
"""Type by name: field by name: a function of the object and the field's arguments. It gives values or `(type, object)`."""


def execute(schema: Schema, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request: `data`, and `errors` with type, path and message."""
    errors: list[dict[str, Any]] = []
    try:
        kind, selections = _Parser(body.get("query", ""), body.get("variables") or {}).operation()
        data = _object(schema, "Query" if kind == "query" else "Mutation", None, selections, [], errors)
    except GraphQLError as error:
        return {"errors": [{"message": str(error)}]}
    return {"data": data, "errors": errors} if errors else {"data": data}


def _object(
    schema: Schema, kind: str, value: Any, selections: list[Selection], path: list[str], errors: list[dict[str, Any]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for selection in selections:
        if selection.on:
            if selection.on == kind:
                found |= _object(schema, kind, value, selection.selections, path, errors)
            continue
        resolve = schema[kind].get(selection.name)
        if resolve is None:
            raise GraphQLError("", f"Field '{selection.name}' doesn't exist on type '{kind}'")
        at = [*path, selection.alias]
        try:
            result = resolve(value, **selection.arguments)
        except GraphQLError as error:
            problem = {"type": error.kind, "path": at, "message": str(error)}
            errors.append({key: item for key, item in problem.items() if item})
            result = None
        found[selection.alias] = _completed(schema, result, selection, at, errors)
    return found


def _completed(schema: Schema, result: Any, selection: Selection, path: list[str], errors: list[dict[str, Any]]) -> Any:
    if isinstance(result, list):
        return [_completed(schema, item, selection, path, errors) for item in result]
    if isinstance(result, tuple):
        kind, value = result
        return _object(schema, kind, value, selection.selections, path, errors)
    return result
