"""Reads the parameters of a call, in whatever protocol it came: forms (Query, EC2), JSON, and REST paths."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from berth_local.gateway.identify import ApiCall
from berth_local.gateway.rest_routes import labels_of

# Longest text that names something: an ARN of a role has at most 600 characters or so, a policy thousands.
_SHORT_MAX = 1_000


class Parameters:
    """What a caller gave, by the names of the API."""

    def __init__(self, call: ApiCall, raw_path: str, body: bytes) -> None:
        self._form: Mapping[str, str] = call.form
        self._fields: dict[str, Any] = {}
        if not call.form:
            if body[:1] == b"{":
                self._fields = json.loads(body)
            self._fields |= _of_path(call, raw_path)

    def text(self, name: str) -> str:
        """One value; empty when it is absent."""
        return str(self._form.get(name, self._fields.get(name, "")) or "")

    def texts(self, *names: str) -> list[str]:
        """A list, by the first of these names that has one; of a form `name.1`, `name.member.1`. Of a query one value is a
        text."""
        for name in names:
            given = self._fields.get(name)
            if given and isinstance(given, str | list):
                return [given] if isinstance(given, str) else [str(each) for each in given]
            found = [
                value for key, value in self._form.items() if re.fullmatch(rf"{re.escape(name)}\.(member\.)?\d+", key)
            ]
            if found:
                return found
        return []

    def field(self, name: str) -> Any:
        """A field of JSON, whatever it holds."""
        return self._fields.get(name)

    def tags(self, *names: str) -> dict[str, str]:
        """Tags, from a map, from a list of Key and Value in any case, or from a form."""
        for name in names:
            given = self._fields.get(name)
            if isinstance(given, dict):
                return {str(key): str(value) for key, value in given.items()}
            if isinstance(given, list):
                lower = [{key.lower(): value for key, value in each.items()} for each in given]
                return {each["key"]: each.get("value", "") for each in lower}
            if found := self._form_tags(rf"{re.escape(name)}\.(?:member\.)?(\d+)"):
                return found
        return {}

    def tag_specifications(self) -> dict[str, dict[str, str]]:
        """EC2's tags of what is created, by the type of resource."""
        found = {}
        for key, kind in self._form.items():
            if match := re.fullmatch(r"(TagSpecifications?\.\d+)\.ResourceType", key):
                found[kind] = self._form_tags(rf"{re.escape(match[1])}\.Tag\.(\d+)")
        return found

    def flat(self) -> dict[str, str]:
        """Every short text, by its path: `RoleName`, `ResourceId.1`, `ConfigRule.ConfigRuleName`. Documents are left out."""
        if self._form:
            return {name: value for name, value in self._form.items() if len(value) <= _SHORT_MAX}
        return dict(_flat("", self._fields))

    def _form_tags(self, prefix: str) -> dict[str, str]:
        values = {}
        for key, value in self._form.items():
            if match := re.fullmatch(rf"{prefix}\.Key", key):
                values[value] = self._form.get(key.removesuffix("Key") + "Value", "")
                assert match
        return values


def _of_path(call: ApiCall, raw_path: str) -> dict[str, Any]:
    if not call.protocol.startswith("rest"):
        return {}
    path, _, query = raw_path.partition("?")
    found: dict[str, Any] = {
        key: unquote(value) for key, value in labels_of(call.service, call.operation, path).items()
    }
    given = parse_qs(query)
    return found | {key: values if len(values) > 1 else values[0] for key, values in given.items()}


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    within = f"{path}." if path else ""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _flat(f"{within}{name}", each)
    elif isinstance(value, list):
        for number, each in enumerate(value, 1):
            yield from _flat(f"{within}{number}", each)
    elif isinstance(value, str) and len(value) <= _SHORT_MAX:
        yield path, value
