"""What Berth adds to an attachment that takes AWS two minutes: the real state machine, the real pauses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local_run import ROOT, Local, local_aws, wait

ATTACHMENT_SECONDS = 120.0
# What the local AWS takes for the association with a route table.
ASSOCIATION_SECONDS = 0.5
FUNCTION = "berth-attach-transit-gateway"
EVENT = ROOT / "tests/fixtures/events/controltower-create-managed-account-succeeded.json"


def overhead(folder: Path, binaries: Path) -> list[dict[str, Any]]:
    """For each region, seconds of the state AttachTransitGateway, of AWS in it, and of Berth."""
    with local_aws(folder, binaries, BERTH_LOCAL_ATTACHMENT_SECONDS=str(ATTACHMENT_SECONDS)) as local:
        account = local.person.create_account("bench-dev", "dev", None, {})
        event = json.loads(EVENT.read_text())
        status = event["detail"]["serviceEventDetails"]["createManagedAccountStatus"]
        status["account"]["accountId"] = account
        local.person.publish(json.dumps(event))
        states = local.client("stepfunctions")
        found = wait("an execution", lambda: states.list_executions(stateMachineArn=local.machine)["executions"])
        arn = found[0]["executionArn"]
        ended = wait("the end", lambda: _ended(states, arn), ATTACHMENT_SECONDS + 180)
        if ended != "SUCCEEDED":
            raise SystemExit(f"the onboarding {ended}")
        return [_region(local, region) for region in _regions(local, account)]


def _ended(states: Any, arn: str) -> str:
    status = states.describe_execution(executionArn=arn)["status"]
    return "" if status == "RUNNING" else status


def _regions(local: Local, account: str) -> list[str]:
    made = local.admin(f"calls?operation=CreateTransitGatewayVpcAttachment&account={account}")["calls"]
    return sorted({call["region"] for call in made})


def _region(local: Local, region: str) -> dict[str, Any]:
    """From the first invocation to the end of the last one; between them the state machine waits."""
    calls = local.admin(f"calls?function={FUNCTION}&region={region}")["calls"]
    requests = {call["request_id"] for call in calls}
    records = [r for r in local.admin(f"invocations?function={FUNCTION}")["invocations"] if r["request_id"] in requests]
    begun = min(record["ended"] - record["duration_ms"] / 1e3 for record in records)
    ended = max(record["ended"] for record in records)
    asked = _answered(calls, "AcceptTransitGatewayVpcAttachment") or _answered(
        calls, "CreateTransitGatewayVpcAttachment"
    )
    joined = _answered(calls, "AssociateTransitGatewayRouteTable")
    available = asked + ATTACHMENT_SECONDS
    return {
        "region": region,
        "total": ended - begun,
        "untilAsked": asked - begun,
        "untilJoined": joined - available,
        "untilProven": ended - joined,
        "association": ASSOCIATION_SECONDS,
        "overhead": ended - begun - ATTACHMENT_SECONDS - ASSOCIATION_SECONDS,
        "invocations": len(records),
    }


def _answered(calls: list[dict[str, Any]], operation: str) -> float:
    """When the first call of an operation was answered, in seconds since 1970; 0 for none."""
    return next((c["time"] + c["duration_ms"] / 1e3 for c in calls if c["operation"] == operation), 0.0)
