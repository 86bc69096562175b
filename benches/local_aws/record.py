"""Records one fresh onboarding with the real functions, for `replay.py`: every call and every invocation, whole."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from replay import NO_WAITS, RECORDED, LocalAws

EVENT = RECORDED.parents[2] / "tests/fixtures/events/controltower-create-managed-account-succeeded.json"
NAME = "recorded-1"
SECONDS_MAX = 120.0


def trimmed(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls in the order in which they were made, each with the key that signed it, and whether that is its environment's own."""
    assumed = {key for entry in entries if entry["kind"] == "call" for key in assumed_keys(entry)}
    for entry in entries:
        if entry["kind"] == "call":
            signed = {name.lower(): value for name, value in entry["headers"]}.get("authorization", "")
            entry["key"] = (re.findall(r"Credential=([A-Z0-9]+)/", signed) or [""])[0]
            entry["own_key"] = entry["key"] not in assumed
    calls = sorted(
        (each for each in entries if each["kind"] == "call" and not each["plumbing"]), key=lambda e: e["seq"]
    )
    return calls + [each for each in entries if each["kind"] == "invocation"]


def assumed_keys(entry: dict[str, Any]) -> list[str]:
    """The keys that an answer of STS AssumeRole hands out."""
    return re.findall(r"<AccessKeyId>(\w+)<", entry["answer"]) if entry["operation"] == "AssumeRole" else []


def main() -> None:
    """Writes `onboarding.json.gz`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=Path, default=RECORDED.parents[2] / "target/debug")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="berth-record-") as text:
        folder = Path(text)
        (folder / "bin").symlink_to(given.binaries.resolve())
        trace = folder / "trace.jsonl"
        os.environ |= {**NO_WAITS, "BERTH_LOCAL_TRACE": str(trace)}
        aws = LocalAws(RECORDED.parents[2], RECORDED.parents[2] / "infra", folder)
        try:
            trace.write_text("")
            account = aws.command("account", "create", "--name", NAME, "--environment", "dev")
            event = json.loads(EVENT.read_text())
            event["detail"]["serviceEventDetails"]["createManagedAccountStatus"]["account"]["accountId"] = account
            aws.command("event", "-", given=json.dumps(event))
            until = time.monotonic() + SECONDS_MAX
            while '"berth-announce-outcome", "request_id"' not in trace.read_text():
                if time.monotonic() > until:
                    sys.exit(f"waited {SECONDS_MAX:g} s for the end of the onboarding: {trace.read_text()[-2000:]}")
                time.sleep(0.2)
            entries = [json.loads(line) for line in trace.read_text().splitlines()]
            whole = {
                "account": account, "name": NAME, "event": event, "platform": aws.platform(), "secret": aws.secret(),
                "entries": trimmed(entries),
            }  # fmt: skip
            RECORDED.write_bytes(gzip.compress(json.dumps(whole).encode(), mtime=0))
            print(f"{RECORDED}: {len(entries)} calls and invocations, {RECORDED.stat().st_size} bytes")
        finally:
            aws.process.terminate()
            aws.process.wait()


if __name__ == "__main__":
    main()
