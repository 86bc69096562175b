"""What takes less work than in stock moto gives the same answers; most of it without a server."""

from __future__ import annotations

import inspect
import json
import pickle
import random
import re
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any, ClassVar

import pytest
from botocore.utils import parse_to_aware_datetime
from moto.core import utils
from moto.core.serialize import ResponseSerializer, XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model
from moto.ec2.exceptions import EC2ClientError
from moto.sqs.models import Message, SQSBackend
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from twin_worlds import World, fresh

from berth_local.aws import quick, quick_answers
from berth_local.aws.address_pools import Allocation, Ipam, Pool


def test_the_time_is_the_same() -> None:
    ours = quick._unix_time(utils.unix_time)
    before, now, after = utils.unix_time(), ours(), utils.unix_time()
    assert before - 0.001 <= now <= after + 0.001
    moment = datetime(2026, 11, 21, 12, 0, 0, 250_000)
    assert ours(moment) == utils.unix_time(moment)


@pytest.mark.parametrize("age_seconds", [0, 3_599, 3_601, 400_000])
def test_a_message_is_kept_as_long_as_its_queue_says(age_seconds: int) -> None:
    backend = SQSBackend("us-east-1", "210987654321")
    backend.create_queue("queue", {}, MessageRetentionPeriod="3600")
    message = Message("id", "body")
    message.sent_timestamp = int((utils.unix_time() - age_seconds) * 1000)  # type: ignore[assignment]
    stock = SQSBackend.is_message_valid_based_on_retention_period(backend, "queue", message)
    assert quick._is_young(backend, "queue", message) == stock == (age_seconds < 3_600)


def test_moto_looks_for_the_methods_of_a_class_each_time_and_we_do_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[type] = []
    stock = inspect.getmembers

    def counted(of: type, **how: Any) -> Any:
        looks.append(of)
        return stock(of, **how)

    monkeypatch.setattr(inspect, "getmembers", counted)
    names = utils.method_names_from_class(SQSBackend)
    utils.method_names_from_class(SQSBackend)
    assert looks == [SQSBackend] * 2
    looks.clear()
    kept = quick.kept_method_names()
    assert [kept(SQSBackend), kept(SQSBackend)] == [names, names]
    assert looks == [SQSBackend]


class Thing:
    """What a service answers with: some values under their own names, some under those of the class, some not at all."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


class Named(Thing):
    class Meta:
        serialization_aliases: ClassVar = {"status": "called_otherwise"}


EVENT = {"timestamp": "2026-11-21T12:00:00.25Z", "type": "PassStateEntered", "id": 1,
         "stateEnteredEventDetails": {"name": "A", "input": "{}"}}  # fmt: skip
ANSWERS = {
    ("stepfunctions", "GetExecutionHistory"): [
        {"events": [EVENT, {**EVENT, "id": 2, "previousEventId": 1}]},
        {"events": [], "nextToken": "token"},
        Thing(events=[Thing(timestamp=datetime(2026, 11, 21, tzinfo=UTC), type="X", id=3, previous_event_id=2)]),
    ],
    ("stepfunctions", "DescribeExecution"): [
        Thing(execution_arn="arn", status="RUNNING", start_date="2026-11-21T12:00:00Z"),
        Named(execution_arn="arn", called_otherwise="FAILED", start_date=1_795_000_000.5),
    ],
    ("ec2", "DescribeVpcs"): [{"Vpcs": [Thing(id="vpc-1", vpc_id="vpc-2", cidr_block="10.0.0.0/16", tags=[])]}],
    ("dynamodb", "Scan"): [{"Items": [{"pk": {"S": "a"}, "n": {"M": {"x": {"N": "1"}}}}], "Count": 1}],
}


@pytest.mark.parametrize(("service", "operation"), ANSWERS)
def test_every_answer_is_what_it_is_in_moto(service: str, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = get_service_model(service)
    stock, looked = ResponseSerializer.get_value, []

    def ours(self: ResponseSerializer, value: Any, key: str, shape: Any) -> Any:
        return quick_answers.member_value(
            lambda *_: looked.append(key) or stock(self, value, key, shape), self, value, key, shape
        )

    def text(answer: Any) -> Any:
        serializer = get_serializer_class(service, model.metadata["protocol"])
        made = serializer(model.operation_model(operation), value_picker=XFormedAttributePicker())
        return made.serialize(answer)["body"]

    wanted = [text(answer) for answer in ANSWERS[service, operation]]
    monkeypatch.setattr(ResponseSerializer, "get_value", ours)
    # The second time the names are known.
    assert [[text(answer) for answer in ANSWERS[service, operation]] for _ in range(2)] == [wanted, wanted]
    assert bool(looked) == any(isinstance(answer, Named) for answer in ANSWERS[service, operation])


@pytest.mark.parametrize("moment", ["2026-11-21T12:00:00.25Z", 1_795_000_000, 1.5, datetime(2026, 1, 2, tzinfo=UTC)])
def test_a_time_in_an_answer_is_what_it_is_in_moto(moment: Any) -> None:
    assert [quick._aware(moment) for _ in range(2)] == [parse_to_aware_datetime(moment)] * 2


MACHINE = {
    "QueryLanguage": "JSONata", "StartAt": "A",
    "States": {"A": {"Type": "Map", "Items": [1, 2], "ItemProcessor": {"StartAt": "B", "States": {
        "B": {"Type": "Pass", "Output": "{% $states.input * 2 %}", "End": True}}}, "End": True}},
}  # fmt: skip


def test_moto_parses_a_machine_for_every_execution_and_we_once(ours: World, monkeypatch: pytest.MonkeyPatch) -> None:
    parses: list[str] = []
    stock = AmazonStateLanguageParser.parse

    def counted(definition: str) -> Any:
        parses.append(definition)
        return stock(definition)

    monkeypatch.setattr(AmazonStateLanguageParser, "parse", counted)
    text = json.dumps(MACHINE)
    first, second = [pickle.loads(quick._parsed(text)) for _ in range(2)]
    assert len(parses) == 1
    assert first is not second
    shown = [re.sub("0x[0-9a-f]+", "", str(each)) for each in (first, second, stock(text)[0])]
    assert shown == [shown[0]] * 3
    machine, states = ours.machine(MACHINE), ours.client("stepfunctions")
    for number in range(3):
        started = states.start_execution(stateMachineArn=machine, name=fresh(f"run-{number}"), input="{}")
        assert json.loads(ours.ended(started["executionArn"])["output"]) == [2, 4]


def first_free(pool: Pool, prefix: int) -> IPv4Network | None:
    """The plain way: every block of the size, each against everything that is taken."""
    taken = pool.taken()
    for provisioned in (each for each in pool.provisioned if each.prefixlen <= prefix):
        for block in provisioned.subnets(new_prefix=prefix):
            if not any(block.overlaps(other) for other in taken):
                return block
    return None


def test_the_first_free_block_is_found_in_any_pool() -> None:
    dice, full = random.Random(20_261_121), 0
    for _ in range(300):
        pool = Pool("owner", Ipam("owner", "us-east-1", None, []), "us-east-1", None, {})
        pool.provisioned = [IPv4Network("10.0.0.0/24"), IPv4Network("10.2.0.0/25")][: dice.randint(1, 2)]
        inside = [block for each in pool.provisioned for block in each.subnets(new_prefix=28)]
        for block in dice.sample(inside, dice.randint(0, len(inside))):
            smaller = dice.choice(list(block.subnets(new_prefix=dice.randint(28, 30))))
            pool.allocations.append(Allocation(smaller, "vpc", "owner", "us-east-1"))
        prefix = dice.randint(23, 30)
        wanted = first_free(pool, prefix)
        if wanted is None:
            full += 1
            with pytest.raises(EC2ClientError, match="too big"):
                pool.free_block(prefix)
        else:
            assert pool.free_block(prefix) == wanted
    assert 20 < full < 280, "both happen"
