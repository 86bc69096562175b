"""Published JSON Schemas are schemas to Python's jsonschema, too, and take what they describe.

`make check` compiles the same files in ajv, the crate's tests in Rust's jsonschema.
"""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = sorted(
    [ROOT / "infra/platform.schema.json", ROOT / "operator/chart/values.schema.json"]
    + list((ROOT / "docs/events").glob("*.schema.json"))
)


def validator(path: Path) -> jsonschema.protocols.Validator:
    """The validator of the draft that the file names; a file that is no schema of it is refused."""
    schema = json.loads(path.read_text())
    kind = jsonschema.validators.validator_for(schema, default=None)
    assert kind is not None, f"{path} names no draft"
    kind.check_schema(schema)
    return kind(schema)


def test_there_is_a_schema_for_the_platform_the_chart_and_each_event() -> None:
    assert len(SCHEMAS) == 10


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_it_is_a_schema_and_does_not_take_everything(path: Path) -> None:
    assert not validator(path).is_valid({"version": "none", "nobody": "knows"})


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        ("infra/platform.schema.json", "infra/platform.example.yaml"),
        ("operator/chart/values.schema.json", "operator/chart/values.yaml"),
    ],
)
def test_it_takes_what_it_describes(schema: str, document: str) -> None:
    errors = list(validator(ROOT / schema).iter_errors(yaml.safe_load((ROOT / document).read_text())))
    assert errors == []


@pytest.mark.parametrize("path", sorted((ROOT / "infra").glob("*.yaml")), ids=lambda path: path.name)
def test_every_anchor_is_used(path: Path) -> None:
    events = list(yaml.parse(path.read_text()))
    used = {event.anchor for event in events if isinstance(event, yaml.AliasEvent)}
    assert {event.anchor for event in events if getattr(event, "anchor", None)} == used
