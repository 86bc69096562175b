"""EventBridge: PutEvents, rules, archives and replays.

What stock moto 5.2.5 does wrong: disabled rules fire; rules with only a schedule fire on every event; Input and
InputPath are ignored; events lack `account`; state machine, Lambda and SNS targets make PutEvents fail, and so does a
queue that is gone; anybody may use the sources of AWS; queues in another account are looked for in the rule's own; dead-letter queues and retries are never
used; a bus given by ARN is looked for in the caller's account, and its policy is never read; StartReplay ignores its
window and its filter.
"""

from __future__ import annotations

import copy
import json
import uuid
from typing import Any

from moto.core.utils import unix_time
from moto.events.exceptions import ResourceNotFoundException, ValidationException
from moto.events.models import Archive, EventsBackend, Replay, ReplayState, Rule, events_backends
from moto.utilities.arns import parse_arn

from berth_local.aws import bus_policies, event_delivery
from berth_local.aws.event_input import event_time
from berth_local.aws.sharing import organization_of

ENTRIES_MAX = 10


def publish(account: str, region: str, bus: str, event: dict[str, Any]) -> None:
    """Put a whole event on a bus, as AWS services do with theirs: every enabled rule that matches gets it.

    An unknown bus takes nothing and complains to nobody.
    """
    backend: EventsBackend = events_backends[account][region]
    try:
        rules = list(backend.describe_event_bus(bus).rules.values())
    except ResourceNotFoundException:
        return
    stored = {**copy.deepcopy(event), "time": event_time(event["time"])}
    for rule in rules:
        send_to_targets(rule, stored)


def send_to_targets(rule: Rule, event: dict[str, Any], transform_input: bool = True) -> None:
    """Takes the place of Rule.send_to_targets. `transform_input` is stock's; it has no meaning here."""
    pattern = rule.event_pattern
    if rule.state == "DISABLED" or not pattern._raw_pattern or not pattern.matches_event(event):
        return
    for target in list(rule.targets):
        if rule.name.startswith("Events-Archive-") and rule.managed_by:
            _keep(rule, event)
        else:
            event_delivery.start(event_delivery.Delivery(rule.arn, target, event))


def _keep(rule: Rule, event: dict[str, Any]) -> None:
    archive = events_backends[rule.account_id][rule.region_name].archives.get(rule.name.removeprefix("Events-Archive-"))
    if archive is not None:
        archive.events.append({**event, "ingestion-time": unix_time()})


def put_events(self: EventsBackend, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """PutEvents. Takes the place of EventsBackend.put_events.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
    """
    if len(events) > ENTRIES_MAX:
        raise ValidationException(
            "1 validation error detected: Value '[PutEventsRequestEntry]' at 'entries' failed to satisfy constraint: "
            f"Member must have length less than or equal to {ENTRIES_MAX}"
        )
    answers = []
    for entry in events:
        problem = _problem(entry) or _not_a_service(self, entry)
        if problem is not None:
            answers.append(problem)
            continue
        account, region, bus = _bus_of(self, entry.get("EventBusName"))
        bus_policies.check(events_backends[account][region].describe_event_bus(bus), self.account_id)
        event = _event(self, entry)
        publish(account, region, bus, event)
        answers.append({"EventId": event["id"]})
    return answers


def _problem(entry: dict[str, Any]) -> dict[str, str] | None:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            message = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": message}
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return None


def _not_a_service(backend: EventsBackend, entry: dict[str, Any]) -> dict[str, str] | None:
    """Only AWS services may use sources of AWS. Those of the management account speak on its default bus: there is nobody
    here to speak for them but its keys."""
    if not entry["Source"].startswith("aws."):
        return None
    organization = organization_of(backend.account_id)
    manages = organization is not None and organization.org and organization.org.master_account_id == backend.account_id
    if manages and (entry.get("EventBusName") or "default") == "default":
        return None
    return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}


def _bus_of(backend: EventsBackend, name: str | None) -> tuple[str, str, str]:
    if name and name.startswith("arn:"):
        arn = parse_arn(name)
        return arn.account, arn.region, arn.resource_id
    return backend.account_id, backend.region_name, name or "default"


def _event(backend: EventsBackend, entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": backend.account_id,
        "time": event_time(entry.get("Time") or unix_time()),
        "region": backend.region_name,
        "resources": entry.get("Resources") or [],
        "detail": json.loads(entry["Detail"]),
    }


def replay_events(self: Replay, archive: Archive) -> None:
    """StartReplay: the events of the window, to the rules of the filter, with `replay-name` and their own time and id.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html
    """
    arn = parse_arn(self.destination["Arn"])
    filters = self.destination.get("FilterArns") or []
    bus = events_backends[arn.account][arn.region].describe_event_bus(arn.resource_id)
    first, last = _moment(self.event_start_time), _moment(self.event_end_time)
    for event in list(archive.events):
        if not first <= int(event["ingestion-time"]) <= last:
            continue
        replayed = {key: value for key, value in event.items() if key != "ingestion-time"}
        for rule in list(bus.rules.values()):
            if not filters or rule.arn in filters:
                send_to_targets(rule, {**replayed, "replay-name": self.name})
    self.state = ReplayState.COMPLETED
    self.end_time = unix_time()


def _moment(value: Any) -> float:
    return value.timestamp() if hasattr(value, "timestamp") else float(value)


def install() -> None:
    """Replace PutEvents, the delivery to targets, and replays."""
    Rule.send_to_targets = send_to_targets
    Replay.replay_events = replay_events
    EventsBackend.put_events = put_events
