"""The same answers for less work: what stock moto computes anew for every call, and need not.

Stock looks through all members of a service's class to find the method of one operation, spells out names letter by
letter, takes the time by way of three calendars, and counts all messages of a queue for each one that it gives out. With
a hundred accounts at once that was a third of the time of the local AWS.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from moto.core import utils
from moto.sqs.models import Message, SQSBackend

from berth_local.aws.replacing import replace_name

_NAMES_MAX = 10_000


def _unix_time(stock: Callable[[datetime | None], float]) -> Callable[[datetime | None], float]:
    """Seconds since 1970, of a moment or of now."""

    def unix_time(dt: datetime | None = None) -> float:
        return time.time() if dt is None else stock(dt)

    return unix_time


def _is_young(self: SQSBackend, queue_name: str, message: Message) -> bool:
    """Whether a message is younger than its queue keeps messages."""
    kept_seconds: Any = self.get_queue(queue_name).message_retention_period
    return kept_seconds + (message.sent_timestamp or 0) / 1000 > time.time()


def kept_method_names() -> Callable[[object], list[str]]:
    """The names of the methods of a class, looked for once."""
    return cache(utils.method_names_from_class)


def install() -> None:
    """Last of all: a class has all its methods then."""
    replace_name("moto", "method_names_from_class", kept_method_names())
    replace_name("moto", "camelcase_to_underscores", lru_cache(_NAMES_MAX)(utils.camelcase_to_underscores))
    replace_name("moto", "unix_time", _unix_time(utils.unix_time))
    SQSBackend.is_message_valid_based_on_retention_period = _is_young
