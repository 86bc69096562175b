"""The names of AWS that `berth validate` knows are those that botocore, moto and IANA publish, and more.

A list is written anew when one of them knows a name that is not in it, and the test fails once. No name is ever taken out:
an older botocore must not make a file wrong that was right.
"""

from __future__ import annotations

import gzip
import json
import re
import zoneinfo
from importlib import resources
from pathlib import Path

import pytest
from botocore.session import get_session
from moto.iam.aws_managed_policies import aws_managed_policies_data

LISTS = Path(__file__).resolve().parents[3] / "crates/berth-config/src/published"
HEADER = "# {what}, as botocore, moto and IANA publish them. Written by local/tests/policies/test_published_names.py."


def regions() -> set[str]:
    """Regions of every partition."""
    endpoints = get_session().get_component("data_loader").load_data("endpoints")
    return {region for partition in endpoints["partitions"] for region in partition["regions"]}


def managed_policies() -> set[str]:
    """Path and name of the policies that AWS manages."""
    return {body["Path"] + name for name, body in json.loads(aws_managed_policies_data).items()}


def config_rules() -> set[str]:
    """Identifiers of the rules that AWS Config manages."""
    packed = resources.files("moto.config") / "resources" / "aws_managed_rules.json.gz"
    return set(json.loads(gzip.decompress(packed.read_bytes()))["ManagedRules"])


def config_resource_types() -> set[str]:
    """Types of resources that AWS Config records."""
    return set(get_session().get_service_model("config").shape_for("ResourceType").enum)


def known(path: Path) -> set[str]:
    """The names of a list."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {line for line in lines if line and not line.startswith("#")}


@pytest.mark.parametrize(
    ("name", "what", "published"),
    [
        ("regions", "Regions of AWS", regions),
        ("managed-policies", "Policies that AWS manages (path and name)", managed_policies),
        ("config-rules", "Rules that AWS Config manages", config_rules),
        ("time-zones", "Time zones", zoneinfo.available_timezones),
        ("config-resource-types", "Types of resources that AWS Config records", config_resource_types),
    ],
)
def test_no_published_name_is_missing(name: str, what: str, published) -> None:
    path = LISTS / f"{name}.txt"
    names = published()
    assert len(names) > 40, f"{name}: the libraries keep their names elsewhere now"
    missing = names - known(path)
    if missing:
        lines = [HEADER.format(what=what), *sorted(known(path) | names)]
        path.write_text("\n".join(lines) + "\n")
    assert not missing, f"{path} was stale and has been rewritten: commit it"


def test_the_partitions_are_those_of_botocore() -> None:
    path = LISTS.parents[1] / "../berth-tenancy/src/partitions.txt"
    published = get_session().get_component("data_loader").load_data("partitions")["partitions"]
    lines = []
    for partition in published:
        # The first has a pattern of its own for each continent: it has every Region that no other partition has.
        prefix = (
            "-"
            if partition["id"] == "aws"
            else re.match(r"[a-z-]+", partition["regionRegex"].replace("\\-", "-")[1:])[0]
        )
        lines.append(" ".join([partition["id"], prefix, partition["outputs"]["dnsSuffix"]]))
    header = (
        "# Partitions of AWS: name, how its Regions start (- for the one that has all others), DNS suffix; as botocore "
    )
    header += f"publishes them. Written by {Path(__file__).relative_to(LISTS.parents[3])}."
    text = "\n".join([header, *lines]) + "\n"
    is_current = path.read_text() == text
    path.write_text(text)
    assert is_current, f"{path} was stale and has been rewritten: commit it"
