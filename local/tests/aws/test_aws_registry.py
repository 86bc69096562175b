"""Looking for what other accounts share makes nothing in those accounts."""

from __future__ import annotations

from moto.ec2.models import ec2_backends

from berth_local.aws.prefix_lists import shared_lists
from berth_local.aws.registry import present

REGION = "eu-west-1"
OTHER, ONE = "800000000001", "800000000002"


def test_moto_makes_a_region_for_whoever_looks_and_we_look_without() -> None:
    others = ec2_backends[OTHER]
    backend = ec2_backends[ONE][REGION]
    assert REGION in others, "moto says so of every region"
    assert list(dict.keys(others)) == []
    assert shared_lists(backend) == []
    assert present(others, REGION) == []
    assert list(dict.keys(others)) == [], "nothing was made"
    made = others[REGION]
    assert present(others, REGION) == [made]
