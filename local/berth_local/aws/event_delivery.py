"""Delivers one event to one EventBridge target, with retries and the rule's dead-letter queue.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

import requests
from moto.core.exceptions import AWSError, ServiceException
from moto.sqs.models import Queue, sqs_backends
from moto.utilities.arns import parse_arn

from berth_local.aws.event_input import BadTemplate, target_input
from berth_local.aws.policies import service_may

MAXIMUM_ATTEMPTS = 185
MAXIMUM_AGE_SECONDS = 86400
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
INVOKE_SECONDS = 900


@dataclass
class DeliveryFailed(Exception):
    """A target did not take an event. `code` is what EventBridge writes into ERROR_CODE."""

    code: str
    message: str
    retriable: bool = False


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one target of one rule."""

    rule_arn: str
    target: dict[str, Any]
    event: dict[str, Any]

    def attempt(self) -> None:
        """Try once. Raises DeliveryFailed."""
        try:
            body = target_input(self.target, self.event, self.rule_arn)
        except BadTemplate as problem:
            raise DeliveryFailed("INVALID_JSON", str(problem)) from problem
        arn = parse_arn(self.target["Arn"])
        kind = "event-bus" if arn.service == "events" else arn.service
        send = SENDERS.get(kind)
        if send is None:
            raise DeliveryFailed("INVALID_PARAMETER", f"the local AWS has no EventBridge target for {kind}")
        try:
            send(self, body)
        except (AWSError, ServiceException) as problem:
            raise DeliveryFailed("NO_RESOURCE", str(getattr(problem, "message", problem))) from problem


def start(delivery: Delivery) -> None:
    """Deliver: the first attempt now, retries in the background. Never raises: a rule cannot make PutEvents fail."""
    if parse_arn(delivery.target["Arn"]).service == "lambda":
        # A function runs for as long as it likes; the publisher must not wait for it.
        threading.Thread(target=_until_delivered, args=(delivery, 0), daemon=True).start()
        return
    problem = _attempt(delivery)
    if problem is None:
        return
    if problem.retriable:
        threading.Thread(target=_until_delivered, args=(delivery, 1), daemon=True).start()
    else:
        _give_up(delivery, problem, 0, None)


def _attempt(delivery: Delivery) -> DeliveryFailed | None:
    try:
        delivery.attempt()
    except DeliveryFailed as problem:
        return problem
    # A target of any kind may fail in any way inside moto; that is an event to keep, not a request to break.
    except Exception as problem:  # noqa: BLE001 - see above
        return DeliveryFailed("INTERNAL_ERROR", repr(problem))
    return None


def _until_delivered(delivery: Delivery, tried: int) -> None:
    policy = delivery.target.get("RetryPolicy") or {}
    most = int(policy.get("MaximumRetryAttempts", MAXIMUM_ATTEMPTS))
    age = int(policy.get("MaximumEventAgeInSeconds", MAXIMUM_AGE_SECONDS))
    began, problem = time.monotonic(), None
    for attempt in range(tried, most + 1):
        if attempt:
            time.sleep(min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS))
        if time.monotonic() - began > age:
            _give_up(delivery, problem, attempt - 1, "MaximumEventAgeInSeconds")
            return
        problem = _attempt(delivery)
        if problem is None:
            return
        if not problem.retriable:
            _give_up(delivery, problem, attempt, None)
            return
    _give_up(delivery, problem, most, "MaximumRetryAttempts")


def _give_up(delivery: Delivery, problem: DeliveryFailed | None, retries: int, exhausted: str | None) -> None:
    problem = problem or DeliveryFailed("TIMEOUT", "the event became too old")
    print(
        f"eventbridge: {delivery.rule_arn} could not deliver to {delivery.target['Arn']}: "
        f"{problem.code}: {problem.message}",
        file=sys.stderr,
        flush=True,
    )
    queue_arn = (delivery.target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue_arn:
        return
    attributes = {
        "RULE_ARN": delivery.rule_arn,
        "TARGET_ARN": delivery.target["Arn"],
        "ERROR_CODE": problem.code,
        "ERROR_MESSAGE": problem.message[:1024],
        "RETRY_ATTEMPTS": str(retries),
    }
    if exhausted:
        attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
    try:
        send_to_queue(queue_arn, json.dumps(delivery.event), delivery.rule_arn, attributes=attributes)
    except Exception as lost:  # noqa: BLE001 - whatever it is, it is said, and the request goes on
        print(f"eventbridge: event lost, dead-letter queue {queue_arn} refused it: {lost!r}", file=sys.stderr)


def queue_at(arn: str) -> Queue | None:
    """The queue with this ARN, in whatever account and region; None when there is none."""
    parsed = parse_arn(arn)
    return sqs_backends[parsed.account][parsed.region].queues.get(parsed.resource_id)


def send_to_queue(
    arn: str, body: str, rule_arn: str, group: str | None = None, attributes: dict[str, str] | None = None
) -> None:
    """Send to a queue as EventBridge does: only if the queue's policy lets events.amazonaws.com, for this rule."""
    queue = queue_at(arn)
    if queue is None:
        raise DeliveryFailed("NO_RESOURCE", f"The specified queue does not exist: {arn}")
    if not service_may(queue.policy, "events.amazonaws.com", "sqs:SendMessage", rule_arn):
        raise DeliveryFailed(
            "NO_PERMISSIONS", f"the policy of {arn} does not let events.amazonaws.com send messages for {rule_arn}"
        )
    parsed = parse_arn(arn)
    sqs_backends[parsed.account][parsed.region].send_message(
        queue_name=parsed.resource_id,
        message_body=body,
        group_id=group,
        message_attributes={
            name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()
        },
    )


def _to_queue(delivery: Delivery, body: str) -> None:
    group = (delivery.target.get("SqsParameters") or {}).get("MessageGroupId")
    send_to_queue(delivery.target["Arn"], body, delivery.rule_arn, group)


def _to_state_machine(delivery: Delivery, body: str) -> None:
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    arn = parse_arn(delivery.target["Arn"])
    # EventBridge names the execution after the event, so that its own retries start one execution only.
    name = f"{delivery.event['id']}_{uuid.uuid4()}"[:80]
    stepfunctions_parser_backends[arn.account][arn.region].start_execution(delivery.target["Arn"], name, body)


def _to_function(delivery: Delivery, body: str) -> None:
    arn = delivery.target["Arn"]
    region = arn.split(":")[3]
    url = f"http://127.0.0.1:{os.environ['MOTO_PORT']}/2015-03-31/functions/{arn}/invocations"
    credential = f"Credential=AKIAEVENTS0000000000/20260101/{region}/lambda/aws4_request"
    headers = {
        "X-Amz-Invocation-Type": "Event",
        "Content-Type": "application/json",
        "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=none",
    }
    try:
        answer = requests.post(url, data=body.encode(), headers=headers, timeout=INVOKE_SECONDS)
    except requests.RequestException as problem:
        raise DeliveryFailed("CONNECTION_FAILURE", str(problem), retriable=True) from problem
    if answer.status_code == 404:
        raise DeliveryFailed("NO_RESOURCE", f"Function not found: {arn}")
    if answer.status_code == 429:
        raise DeliveryFailed("THROTTLING", answer.text[:200], retriable=True)
    if answer.status_code >= 400:
        raise DeliveryFailed("ERROR_FROM_TARGET", answer.text[:200], retriable=answer.status_code >= 500)


def _to_event_bus(delivery: Delivery, _body: str) -> None:
    from berth_local.aws.rule_roles import refusal
    from berth_local.aws.rules import publish

    arn = parse_arn(delivery.target["Arn"])
    if arn.account != parse_arn(delivery.rule_arn).account:
        problem = refusal(delivery.rule_arn, delivery.target.get("RoleArn"), delivery.target["Arn"])
        if problem is not None:
            raise DeliveryFailed("NO_PERMISSIONS", problem)
    publish(arn.account, arn.region, arn.resource_id, delivery.event)


SENDERS = {
    "sqs": _to_queue,
    "states": _to_state_machine,
    "lambda": _to_function,
    "event-bus": _to_event_bus,
}
