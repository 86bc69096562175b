"""What an EventBridge target gets: the event, a constant, a part of the event, or a template. No I/O.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

PATH_PART = re.compile(r"\.([A-Za-z0-9_-]+)|\['([^']+)'\]|\[\"([^\"]+)\"\]|\[(\d+)\]")
PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>")
MISSING = object()


class BadTemplate(ValueError):
    """The template gives no valid JSON for this event (ERROR_CODE INVALID_JSON)."""


def event_time(value: Any) -> str:
    """The `time` field as EventBridge writes it: UTC, whole seconds."""
    if isinstance(value, (int, float)):
        moment = datetime.datetime.fromtimestamp(value, datetime.UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def at_path(event: Any, path: str) -> Any:
    """The value at a JSON path (`$.detail.name`, `$.resources[0]`); MISSING when there is none."""
    value = event
    for name, quoted, double_quoted, index in PATH_PART.findall(path.removeprefix("$")):
        key = name or quoted or double_quoted
        if index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif key and isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return MISSING
    return value


def target_input(target: dict[str, Any], event: dict[str, Any], rule_arn: str) -> str:
    """The text that the target is sent for `event`.

    Raises BadTemplate when an input transformer makes something that is not JSON.
    """
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        value = at_path(event, target["InputPath"])
        return json.dumps(None if value is MISSING else value)
    if "InputTransformer" in target:
        return transformed(target["InputTransformer"], event, rule_arn)
    return json.dumps(event)


def transformed(transformer: dict[str, Any], event: dict[str, Any], rule_arn: str) -> str:
    """The template with its variables filled in.

    Inside quotes a text goes in as it is; outside quotes every value goes in as JSON, texts with quotes.
    A variable whose path is missing becomes nothing inside quotes, and null outside.
    """
    paths = transformer.get("InputPathsMap") or {}
    values = {name: at_path(event, path) for name, path in paths.items()}
    values["aws.events.event.json"] = event
    values["aws.events.event"] = {key: value for key, value in event.items() if key != "detail"}
    values["aws.events.event.ingestion-time"] = event["time"]
    values["aws.events.rule-arn"] = rule_arn
    values["aws.events.rule-name"] = rule_arn.rsplit("/", 1)[-1]
    template = transformer["InputTemplate"]
    filled = fill(template, values)
    # A template that is one line of text without braces or quotes is sent as JSON text, like AWS does.
    if not template.lstrip().startswith(("{", "[", '"', "<")):
        return json.dumps(filled)
    try:
        json.loads(filled)
    except ValueError as problem:
        raise BadTemplate(f"Invalid JSON from the input transformer: {problem}") from problem
    return filled


def fill(template: str, values: dict[str, Any]) -> str:
    """Replace `<name>` by its value, knowing whether it stands inside a JSON string."""
    parts: list[str] = []
    position = 0
    for match in PLACEHOLDER.finditer(template):
        if match.group(1) not in values:
            continue
        parts.append(template[position : match.start()])
        inside = "".join(parts).replace("\\\\", "").replace('\\"', "").count('"') % 2 == 1
        parts.append(_quoted(values[match.group(1)]) if inside else _bare(values[match.group(1)]))
        position = match.end()
    return "".join([*parts, template[position:]])


def _bare(value: Any) -> str:
    return "null" if value is MISSING else json.dumps(value)


def _quoted(value: Any) -> str:
    if value is MISSING:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]
