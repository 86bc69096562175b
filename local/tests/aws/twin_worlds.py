"""Two servers side by side, ours and stock moto, and the decorator that shows what differs between them."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

HUB = "210987654321"
MANAGEMENT = "999988887777"
NETWORK = "310987654321"
TENANT = "500000000001"
ROLE = f"arn:aws:iam::{HUB}:role/machines"
LOADED_SECONDS = 60.0
"""Longer than a loaded machine takes for what both servers do."""
CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=60, read_timeout=300)

_acting = threading.local()


class Acting:
    """A client shared by all accounts, as one of them: making a client costs more than most checks."""

    def __init__(self, client: Any, account: str) -> None:
        self._client = client
        self._account = account

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in ("exceptions", "meta"):
            return found

        def call(**fields: Any) -> Any:
            _acting.account = self._account
            return found(**fields)

        return call


class World:
    """One server under test.

    `patience` is how many seconds a check waits for something to come true. `home` is the account of state machines:
    stock's interpreter calls services in 123456789012 whatever account the machine is in.
    """

    def __init__(self, endpoint: str, patience: float, home: str) -> None:
        self.endpoint = endpoint
        self.patience = patience
        self.home = home
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, account: str | None = None, region: str = "us-east-1") -> Any:
        """A client that acts as the root of `account` (by default the home account), by moto's own header."""
        key = (service, region)
        if key not in self._clients:
            client = self.client_with(service, {"aws_access_key_id": "AKIATEST", "aws_secret_access_key": "x"}, region)

            def act_in(request: Any, **_: Any) -> None:
                request.headers["x-moto-account-id"] = _acting.account

            client.meta.events.register(f"before-sign.{client.meta.service_model.service_id.hyphenize()}", act_in)
            self._clients[key] = client
        return Acting(self._clients[key], account or self.home)

    def client_with(self, service: str, keys: dict[str, str], region: str = "us-east-1") -> Any:
        """A client with given keys (boto3 names)."""
        return boto3.client(service, endpoint_url=self.endpoint, region_name=region, config=CONFIG, **keys)

    def eventually(self, what: Callable[[], Any], patience: float | None = None) -> Any:
        """The first true value of `what`, or its last value when patience ends. What stock moto does, too, however slow
        the machine is, is waited for longer."""
        until = time.monotonic() + (patience or self.patience)
        while True:
            value = what()
            if value or time.monotonic() > until:
                return value
            time.sleep(0.03)

    def machine(self, definition: dict[str, Any]) -> str:
        """The ARN of a new JSONata state machine in the hub."""
        whole = {"QueryLanguage": "JSONata", **definition}
        created = self.client("stepfunctions").create_state_machine(
            name=fresh("machine"), definition=json.dumps(whole), roleArn=ROLE
        )
        return created["stateMachineArn"]

    def start(self, definition: dict[str, Any], given: Any = None) -> str:
        """The ARN of a new execution of a new machine."""
        states = self.client("stepfunctions")
        started = states.start_execution(
            stateMachineArn=self.machine(definition),
            name=fresh("run"),
            input=json.dumps({} if given is None else given),
        )
        return started["executionArn"]

    def ended(self, execution: str) -> dict[str, Any]:
        """DescribeExecution once the execution has ended. Fails if it does not end."""
        states = self.client("stepfunctions")

        def answer() -> dict[str, Any] | None:
            found = states.describe_execution(executionArn=execution)
            return found if found["status"] != "RUNNING" else None

        found = self.eventually(answer, LOADED_SECONDS)
        assert found is not None, "still RUNNING"
        return found

    def run(self, definition: dict[str, Any], given: Any = None) -> Any:
        """The output of a machine that must succeed."""
        found = self.ended(self.start(definition, given))
        assert found["status"] == "SUCCEEDED", f"{found['status']}: {found.get('error')}: {found.get('cause')}"
        return json.loads(found["output"])

    def evaluate(self, output: Any, given: Any = None) -> Any:
        """What a Pass state with this Output gives."""
        return self.run({"StartAt": "A", "States": {"A": {"Type": "Pass", "Output": output, "End": True}}}, given)

    def queue(
        self, account: str | None = None, region: str = "us-east-1", policy: bool = True, **attributes: str
    ) -> tuple[str, str]:
        """URL and ARN of a new queue; with `policy`, one that EventBridge may send to."""
        sqs = self.client("sqs", account, region)
        url = sqs.create_queue(QueueName=fresh("queue"), Attributes=attributes)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        if policy:
            allow = {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
            document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
        return url, arn

    def messages(
        self,
        url: str,
        at_least: int = 1,
        account: str | None = None,
        region: str = "us-east-1",
        patience: float | None = None,
    ) -> list[dict[str, Any]]:
        """Messages of a queue, deleted as they are read; as many as came before patience ended."""
        sqs = self.client("sqs", account, region)
        found: list[dict[str, Any]] = []

        def enough() -> bool:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            for message in answer.get("Messages", []):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(message)
            return len(found) >= at_least

        self.eventually(enough, patience)
        return found

    def rule(self, bus: str, *targets: dict[str, Any], pattern: dict[str, Any] | None = None, **fields: Any) -> str:
        """The name of a new rule on a bus that sends whatever matches (all of source `test`) to the targets."""
        events, name = self.client("events"), fresh("rule")
        events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern or {"source": ["test"]}), **fields)
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": str(i), **t} for i, t in enumerate(targets)])
        return name

    def bus(self) -> str:
        """The name of a new event bus in the hub."""
        name = fresh("bus")
        self.client("events").create_event_bus(Name=name)
        return name

    def publish(self, bus: str, detail: Any = None, kind: str = "Thing Happened") -> str:
        """The id of an event put on a bus."""
        entry = {"EventBusName": bus, "Source": "test", "DetailType": kind, "Detail": json.dumps(detail or {"n": 1})}
        answer = self.client("events").put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0, answer
        return answer["Entries"][0]["EventId"]


def fresh(name: str) -> str:
    """A name that no other check uses."""
    return f"{name}-{uuid.uuid4().hex[:10]}"


def code_of(call: Callable[..., Any], **fields: Any) -> str:
    """The error code that a call answers; `none` when it succeeds."""
    try:
        call(**fields)
    except ClientError as problem:
        return problem.response["Error"]["Code"]
    return "none"


def differs_from_stock(stock_says: str) -> Callable[[Callable[[World], None]], Callable[[World, World], None]]:
    """The check passes on our server, and fails on stock moto with something that matches `stock_says`.

    When a new moto no longer fails, the repair has become superfluous and the test says so.
    """

    def decorate(check: Callable[[World], None]) -> Callable[[World, World], None]:
        def test(ours: World, stock: World) -> None:
            check(ours)
            with pytest.raises((AssertionError, ClientError, BotoCoreError, ResponseParserError)) as failure:
                check(stock)
            said = str(failure.value)
            assert re.search(stock_says, said), f"stock moto fails in another way: {said}"

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate
