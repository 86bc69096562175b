"""What functions used is written down once, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

from berth_local.gateway.journal import Entry
from berth_local.gateway.recording import POLLER, Recording


def _entry(function: str, role: str = "BerthTenant", operation: str = "CreateVpc") -> Entry:
    return Entry(1, 0.0, "111122223333", role, "s", [], "eu-west-1", "ec2", operation, "resource", True, False, function, "r")  # fmt: skip


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_use_is_written_once_and_calls_of_nobody_are_not(tmp_path: Path) -> None:
    path = tmp_path / "recorded" / "stand.jsonl"
    recording = Recording(path)
    for _ in range(3):
        recording.note(_entry("berth-provision-vpc"))
    recording.note(_entry("", operation="DeleteVpc"))
    recording.note(_entry("berth-provision-vpc", role="berth-provision-vpc"))
    recording.note_use("berth-accept-event", POLLER, "sqs", "ReceiveMessage")
    assert [(line["function"], line["role"], line["operation"]) for line in _lines(path)] == [
        ("berth-provision-vpc", "BerthTenant", "CreateVpc"),
        ("berth-provision-vpc", "berth-provision-vpc", "CreateVpc"),
        ("berth-accept-event", POLLER, "ReceiveMessage"),
    ]


def test_a_second_gateway_appends(tmp_path: Path) -> None:
    path = tmp_path / "stand.jsonl"
    Recording(path).note(_entry("berth-provision-vpc"))
    Recording(path).note(_entry("berth-attach-transit-gateway"))
    assert len(_lines(path)) == 2


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    Recording(None).note(_entry("berth-provision-vpc"))
    assert list(tmp_path.iterdir()) == []
