"""What both handlers share: sessions in other accounts, the account's lease, tags, and errors that Step Functions matches."""

from __future__ import annotations

import functools
import json
import os
from typing import Any

import boto3
from botocore.config import Config

# Step Functions repeats the whole step, which looks first; boto3 has its number of tries in the client, not in the call.
_ONCE = Config(retries={"total_max_attempts": 1})
# Made while Lambda starts the function, as AWS advises.
_STS = boto3.client("sts")


class NotReady(Exception):
    """AWS is still at it: Step Functions asks again."""


class Superseded(Exception):
    """Another execution has taken the account over."""


class NotOwned(Exception):
    """Something is there that is not ours."""


@functools.cache
def ledger() -> Any:
    """The ledger's client, for those invocations that need it."""
    return boto3.client("dynamodb")


@functools.lru_cache(maxsize=8)
def client(service: str, account: str, role: str, region: str, execution: str, actions: tuple[str, ...]) -> Any:
    """A client in another account, for one execution, that may do no more than `actions`."""
    credentials = _session(account, role, execution, actions)
    return boto3.client(
        service,
        region_name=region,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        config=_ONCE,
    )


@functools.lru_cache(maxsize=8)
def _session(account: str, role: str, execution: str, actions: tuple[str, ...]) -> dict[str, str]:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    return _STS.assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/{role}",
        RoleSessionName=f"berth-{execution.rsplit(':', 1)[-1]}"[:64],
        ExternalId=os.environ["BERTH_EXTERNAL_ID"],
        DurationSeconds=900,
        Policy=json.dumps(policy),
    )["Credentials"]


def confirm_lease(run: dict[str, Any]) -> None:
    """Raises Superseded unless this execution may act on the account."""
    key = {"pk": {"S": f"account#{run['accountId']}"}, "sk": {"S": "record"}}
    item = ledger().get_item(TableName=os.environ["BERTH_LEDGER_TABLE"], Key=key, ConsistentRead=True).get("Item", {})
    if item.get("lease", {}).get("S") != run["execution"]:
        raise Superseded(f"another execution has taken over {run['accountId']}")


def tags_of(run: dict[str, Any], name: str, **more: str) -> list[dict[str, str]]:
    """The tags that everything carries, and a name."""
    tags = {
        "berth:account": run["accountId"],
        "berth:tenant": run["tenant"],
        "berth:managed-by": "berth",
        "Name": name,
        **{f"berth:{key}": value for key, value in more.items()},
    }
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags(resource: dict[str, Any]) -> dict[str, str]:
    """Tags as EC2 answers them."""
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}


def is_ours(run: dict[str, Any], resource: dict[str, Any]) -> bool:
    """Whether a resource was made for this account."""
    found = tags(resource)
    return found.get("berth:managed-by") == "berth" and found.get("berth:account") == run["accountId"]
