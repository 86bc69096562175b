"""Flow logs go to a bucket of any account that lets them in, and into a folder of it.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
Stock moto takes the folder for a part of the bucket's name, so that it never finds the same logs again, and never asks
whether the bucket lets the logs in.
"""

from __future__ import annotations

import json
from typing import Any

from moto.ec2.exceptions import FlowLogAlreadyExists
from moto.ec2.models import EC2Backend
from moto.s3.models import s3_backends

from berth_local.aws.replacing import wrap

_SERVICE = "delivery.logs.amazonaws.com"


def _refusal(account: str, partition: str, destination: str) -> str:
    """Why the bucket of a destination does not take logs of `account`; empty when it does."""
    name = destination.split(":", 5)[5].split("/", 1)[0]
    owners = [owner for owner, backends in s3_backends.items() if name in backends[partition].buckets]
    if not owners:
        return f"LogDestination: {name} does not exist."
    policy = s3_backends[owners[0]][partition].buckets[name].policy
    text = policy.decode() if isinstance(policy, bytes) else policy or "{}"
    if owners[0] != account and not any(_lets_in(each) for each in json.loads(text).get("Statement", [])):
        return f"Access Denied for LogDestination: {name}. Please check LogDestination permission"
    return ""


def _lets_in(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    return statement.get("Effect") == "Allow" and _SERVICE in services


def install() -> None:
    """Ask the bucket first; then let stock make the logs as if they went to a bucket without a folder."""

    @wrap(EC2Backend, "create_flow_logs")
    def create_flow_logs(original: Any, self: EC2Backend, **fields: Any) -> Any:
        destination = fields.get("log_destination") or ""
        if fields.get("log_destination_type") != "s3" or destination.count(":") < 5:
            return original(self, **fields)
        refusal = _refusal(self.account_id, self.partition, destination)
        if refusal:
            return [], [(resource, "400", refusal) for resource in fields["resource_ids"]]
        if any(
            log.resource_id in fields["resource_ids"] and log.log_destination == destination
            for log in list(self.flow_logs.values())
        ):
            raise FlowLogAlreadyExists()
        made, unsuccessful = original(self, **{**fields, "log_destination": destination.split("/", 1)[0]})
        for log in made:
            log.log_destination = destination
        return made, unsuccessful
