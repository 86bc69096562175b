"""Messages reach their functions quickly, in batches, and come back or go to the dead-letter queue when they fail."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.gateway.rig import HUB, NAMES, Gateway, free_port, wait_for


@dataclass
class Source:
    """A queue with its dead-letter queue and a function that notes what it gets."""

    gateway: Gateway
    function: str
    url: str
    dead_url: str
    uuid: str
    notes: Path

    def send(self, *bodies: str) -> None:
        entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies)]
        self.gateway.client("sqs").send_message_batch(QueueUrl=self.url, Entries=entries)

    def noted(self) -> list[dict]:
        return [json.loads(line) for line in self.notes.read_text().splitlines()] if self.notes.exists() else []

    def bodies(self) -> list[str]:
        return [note["record"]["body"] for note in self.noted()]

    def left(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.gateway.client("sqs").get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(value) for value in found.values())

    def dead(self) -> list[str]:
        found = self.gateway.client("sqs").receive_message(QueueUrl=self.dead_url, MaxNumberOfMessages=10)
        return [message["Body"] for message in found.get("Messages", [])]


@pytest.fixture
def source(gateway, tmp_path):
    """Makes sources; their mappings go with the test."""
    made: list[Source] = []

    def make(receives_max: int = 3, visibility_seconds: int = 1, reserved: int | None = None, **mapping) -> Source:
        number = next(NAMES)
        sqs = gateway.client("sqs")
        dead_url = sqs.create_queue(QueueName=f"q{number}-dlq")["QueueUrl"]
        policy = {"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{HUB}:q{number}-dlq", "maxReceiveCount": receives_max}
        url = sqs.create_queue(QueueName=f"q{number}", Attributes={
            "VisibilityTimeout": str(visibility_seconds), "RedrivePolicy": json.dumps(policy)})["QueueUrl"]  # fmt: skip
        notes = tmp_path / f"notes{number}"
        function = gateway.function(variables={"NOTES": notes}, reserved=reserved)
        uuid = gateway.client("lambda").create_event_source_mapping(
            FunctionName=function, EventSourceArn=f"arn:aws:sqs:us-east-1:{HUB}:q{number}",
            **{"FunctionResponseTypes": ["ReportBatchItemFailures"], **mapping},
        )["UUID"]  # fmt: skip
        made.append(Source(gateway, function, url, dead_url, uuid, notes))
        return made[-1]

    yield make
    for one in made:
        gateway.client("lambda").delete_event_source_mapping(UUID=one.uuid)


def test_a_message_reaches_its_function_as_a_true_record_and_is_deleted(source):
    one = source()
    one.gateway.client("sqs").send_message(QueueUrl=one.url, MessageBody="hello", MessageAttributes={
        "RULE_ARN": {"DataType": "String", "StringValue": "r"}})  # fmt: skip
    record = wait_for(one.noted)[0]["record"]
    assert record["body"] == "hello"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(one.url.rsplit("/", 1)[-1])
    assert record["awsRegion"] == "us-east-1"
    assert record["md5OfBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert abs(int(record["attributes"]["SentTimestamp"]) / 1000 - time.time()) < 10
    assert record["messageAttributes"]["RULE_ARN"] == {
        "stringValue": "r", "stringListValues": [], "binaryListValues": [], "dataType": "String"}  # fmt: skip
    assert record["messageId"] and record["receiptHandle"]
    wait_for(lambda: one.left() == 0)


def test_a_message_reaches_a_warm_function_without_waiting_for_a_poll_to_end(source):
    one = source()
    one.send("warm")
    wait_for(lambda: one.left() == 0)
    delays = []
    for number in range(9):
        sent = time.time()
        one.send(f"m{number}")
        note = wait_for(lambda: [n for n in one.noted() if n["record"]["body"] == f"m{number}"])[0]  # noqa: B023
        delays.append(note["time"] - sent)
    # About 20 ms on an idle machine. A bound that a busy one keeps still tells it from a poll's seconds.
    assert statistics.median(delays) < 1, delays


def test_polling_is_not_in_the_journal_and_rests_when_idle(source):
    one = source()
    one.gateway.ask("DELETE", "calls")
    time.sleep(0.5)
    assert one.gateway.calls() == []


def test_only_the_failed_items_of_a_batch_come_back(source):
    one = source(receives_max=2, visibility_seconds=2, BatchSize=10, MaximumBatchingWindowInSeconds=1)
    one.send("good-1", "fail-1", "good-2")
    wait_for(lambda: len(one.bodies()) >= 4)
    assert sorted(one.bodies()[:3]) == ["fail-1", "good-1", "good-2"]
    assert one.noted()[0]["size"] == 3
    assert one.bodies()[3:] == ["fail-1"]
    assert one.noted()[3]["record"]["attributes"]["ApproximateReceiveCount"] == "2"


def test_a_message_that_always_fails_goes_to_the_dead_letter_queue(source):
    one = source(receives_max=2)
    one.send("fail-always")
    assert wait_for(one.dead, 8) == ["fail-always"]
    assert one.bodies() == ["fail-always"] * 2
    assert one.left() == 0


@pytest.mark.parametrize("body", ["explode", "malformed"])
def test_a_function_error_or_a_malformed_answer_brings_the_whole_batch_back(source, body):
    one = source(receives_max=2, visibility_seconds=2, BatchSize=10, MaximumBatchingWindowInSeconds=1)
    one.send("good", body)
    dead: list[str] = []
    wait_for(lambda: dead.extend(one.dead()) or len(dead) == 2)
    assert sorted(dead) == sorted(["good", body])
    assert one.bodies().count("good") == one.bodies().count(body) == 2


def test_without_reporting_an_answer_with_failures_counts_as_success(source):
    one = source(FunctionResponseTypes=[])
    one.send("fail-unnoticed")
    wait_for(one.noted)
    wait_for(lambda: one.left() == 0)
    assert one.bodies() == ["fail-unnoticed"]


def test_a_batching_window_gathers_more_than_ten_messages(source):
    one = source(BatchSize=25, MaximumBatchingWindowInSeconds=2)
    for start in (0, 10, 20):
        one.send(*(f"m{start + i}" for i in range(10 if start < 20 else 5)))
    wait_for(lambda: len(one.noted()) == 25)
    assert one.noted()[0]["size"] == 25


def test_no_more_batches_run_at_once_than_the_mapping_allows(source):
    one = source(BatchSize=1, ScalingConfig={"MaximumConcurrency": 2}, visibility_seconds=30)
    one.send(*(f"m{i}" for i in range(8)))
    wait_for(lambda: len(one.noted()) == 8)
    assert one.gateway.ask("GET", "stats")["functions"][one.function]["cold_starts"] <= 2


def test_a_disabled_mapping_delivers_nothing_until_it_is_enabled(source):
    one = source()
    client = one.gateway.client("lambda")
    client.update_event_source_mapping(UUID=one.uuid, Enabled=False)
    wait_for(lambda: one.uuid not in one.gateway.ask("GET", "stats")["event_sources"])
    one.send("later")
    time.sleep(0.5)
    assert one.bodies() == []
    client.update_event_source_mapping(UUID=one.uuid, Enabled=True)
    wait_for(lambda: one.bodies() == ["later"])


def test_a_new_gateway_takes_up_the_mappings_that_are_there(source, tmp_path, moto):
    one = source()
    other = Gateway(tmp_path / "other", moto[0], free_port())
    try:
        assert one.uuid in wait_for(lambda: other.ask("GET", "stats")["event_sources"])
    finally:
        other.process.terminate()
        other.process.wait(300)
