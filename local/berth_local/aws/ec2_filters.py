"""EC2 filters: names, wildcards and tags, as Describe operations take them. No I/O.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
"""

from __future__ import annotations

import fnmatch
from typing import Any

from moto.ec2.exceptions import EC2ClientError


def matches(values: list[str], wanted: list[str]) -> bool:
    """Whether an EC2 filter holds: any value equals any wanted one, with `*` and `?` as wildcards."""
    return any(fnmatch.fnmatchcase(value, pattern) for value in values for pattern in wanted)


def filtered(items: list[dict[str, Any]], filters: dict[str, list[str]], fields: dict[str, Any]) -> list[Any]:
    """The answers that pass every filter. `fields` maps a filter name to a function of the answer.

    Raises InvalidParameterValue for a filter that the operation does not have; stock ignores such a filter.
    """
    kept = items
    for name, wanted in filters.items():
        if name.startswith("tag:"):
            key = name[4:]
            kept = [each for each in kept if matches([t["Value"] for t in each["Tags"] if t["Key"] == key], wanted)]
        elif name == "tag-key":
            kept = [each for each in kept if matches([t["Key"] for t in each["Tags"]], wanted)]
        elif name in fields:
            kept = [each for each in kept if matches([str(v) for v in _listed(fields[name](each))], wanted)]
        else:
            raise EC2ClientError("InvalidParameterValue", f"The filter '{name}' is invalid")
    return kept


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
