"""What takes less work than in stock moto gives the same answers, without a server."""

from __future__ import annotations

import inspect
import random
from datetime import datetime
from ipaddress import IPv4Network
from typing import Any

import pytest
from moto.core import utils
from moto.ec2.exceptions import EC2ClientError
from moto.sqs.models import Message, SQSBackend

from berth_local.aws import quick
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
