"""What a person does with a running local AWS: make accounts, publish events."""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.faults import LocalError
from berth_local.organization.accounts import create_account
from berth_local.organization.sign_in import make_groups, tenant_of

_SERVICE_REGIONS = {"aws.controltower": names.CONTROL_TOWER_REGION, "aws.organizations": names.HOME_REGION}
"""Where the events of each service appear."""
_NOT_IN_EMAIL = re.compile(r"[^a-z0-9-]+")


class Session:
    """The management account's side of a running local AWS."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        """`state` is the content of state.json."""
        keys = state["management"]
        self._access = Access(state["endpoint"])
        self._bus = state["outputs"]["AccountsBusArn"]
        self._stack_sets = state["stackSets"]
        hub = state["environment"]
        self._hub = Credentials(names.HUB_ACCOUNT, hub["AWS_ACCESS_KEY_ID"], hub["AWS_SECRET_ACCESS_KEY"])
        self._management = Credentials(names.MANAGEMENT_ACCOUNT, keys["accessKeyId"], keys["secretAccessKey"])

    def create_account(self, name: str, environment: str, email: str | None, tags: Mapping[str, str]) -> str:
        """Makes an account in the unit of `environment`, and its tenant's groups. Returns its id.

        Raises:
            LocalError: Organizations refused.
        """
        address = email or f"{_NOT_IN_EMAIL.sub('-', name.lower()).strip('-') or 'account'}@berth.example"
        unit = names.ORGANIZATIONAL_UNITS[environment]
        account_id = create_account(self._access, self._management, name, address, unit, tags, self._stack_sets)
        tenant = tenant_of(name, environment, tags)
        if tenant is not None:
            make_groups(self._access, self._management, tenant)
        return account_id

    def administrator_of(self, account_id: str) -> dict[str, str]:
        """Environment variables of a session as the administrator that Organizations makes in an account.

        Raises:
            LocalError: there is no such account in the organization.
        """
        try:
            session = self._access.assume(self._management, account_id, "OrganizationAccountAccessRole")
        except (ClientError, BotoCoreError) as error:
            raise LocalError(
                f"nobody can act in {account_id}: {error} Next: aws organizations list-accounts shows the accounts"
            ) from error
        return {
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
            "AWS_SESSION_TOKEN": str(session.session_token),
        }

    def publish(self, text: str) -> str:
        """Publishes an event where it would appear on AWS. Returns its id.

        What Control Tower and Organizations say appears on the default bus of the management account, in the region of
        each, and the rules of infra/management.yaml and management-home.yaml forward it to the accounts bus; anything
        else is published to the accounts bus. On AWS only AWS services may use sources that begin with `aws.`: PutEvents
        refuses them there, and the local AWS lets the management account have its services speak.
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html

        Raises:
            LocalError: the text is not an event, or EventBridge refused it.
        """
        event = _event(text)
        region = _SERVICE_REGIONS.get(event["source"])
        entry: dict[str, Any] = {
            "EventBusName": "default" if region else self._bus,
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
            "Resources": [str(resource) for resource in event.get("resources", [])],
        }
        if "time" in event:
            # A delivery or a replay keeps the time of the event itself; PutEvents would put the present there.
            entry["Time"] = event["time"]
        try:
            client = self._access.client("events", self._management, region or names.HOME_REGION)
            answer = client.put_events(Entries=[entry])["Entries"][0]
        except (ClientError, BotoCoreError) as error:
            raise LocalError(f"the event could not be published: {error}") from error
        if "EventId" not in answer:
            raise LocalError(f"the event was refused: {answer.get('ErrorCode')}: {answer.get('ErrorMessage')}")
        return str(answer["EventId"])

    def unheard(self, text: str) -> str | None:
        """Why an event that was published starts nothing; None when a rule of the accounts bus takes its kind.

        EventBridge accepts what no rule takes, and says nothing: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
        """
        event = _event(text)
        rules = self._access.client("events", self._hub, names.HOME_REGION).list_rules(EventBusName=self._bus)["Rules"]
        patterns = [json.loads(rule["EventPattern"]) for rule in rules if "ManagedBy" not in rule]
        if any(_takes(pattern, event) for pattern in patterns):
            return None
        sources = sorted({source for pattern in patterns for source in pattern.get("source", [])})
        kind = f"source {event['source']} and detail-type {event['detail-type']}"
        return (
            f"no rule of the bus takes it ({kind}): it starts nothing, and no dead letter says so."
            f" Next: publish as one of {', '.join(sources)}; berth explain shows what Berth makes of an event"
        )


def _takes(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether a rule takes events of this source and kind; what else it asks for is not looked at."""
    return all(event[key] in pattern.get(key, [event[key]]) for key in ("source", "detail-type"))


def deploy(endpoint: str, file: Path, deployed: Path) -> int:
    """Puts a platform.yaml where the functions read it, and lets each of them start anew. Returns how many copies ended.

    On AWS a deployment makes a new version of the layer, and Lambda starts every function with it.

    Raises:
        LocalError: the file cannot be read, or the local AWS does not answer.
    """
    try:
        if file != deployed:
            shutil.copyfile(file, deployed)
        request = urllib.request.Request(f"{endpoint}/_berth/redeploy", method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(json.load(answer)["copies"])
    except OSError as error:
        raise LocalError(f"{file} could not be deployed: {error}") from error


def _event(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except json.JSONDecodeError as error:
        raise LocalError(f"the event is not JSON: {error}") from error
    if not isinstance(event, dict):
        raise LocalError("the event is not a JSON object")
    for key, kind in (("source", str), ("detail-type", str), ("detail", dict)):
        if not isinstance(event.get(key), kind):
            raise LocalError(f"the event has no {key}: EventBridge cannot carry it")
    return event
