"""The same answers for less work: what stock moto computes anew for every call, and need not.

Stock looks through all members of a service's class to find the method of one operation, spells out names letter by
letter, takes the time by way of three calendars, counts all messages of a queue for each one that it gives out, and parses
the definition of a state machine for each execution: a quarter of a second. With a hundred accounts at once that was most of what the local AWS did.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from botocore.utils import parse_to_aware_datetime
from moto.core import utils
from moto.sqs.models import Message, SQSBackend
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from werkzeug.routing import Rule

from berth_local import botocore_models
from berth_local.aws.replacing import replace_name

_NAMES_MAX = 10_000
_TIMES_MAX = 10_000
_DEFINITIONS_MAX = 64


def _unix_time(stock: Callable[[datetime | None], float]) -> Callable[[datetime | None], float]:
    """Seconds since 1970, of a moment or of now."""

    def unix_time(dt: datetime | None = None) -> float:
        return time.time() if dt is None else stock(dt)

    return unix_time


def _is_young(self: SQSBackend, queue_name: str, message: Message) -> bool:
    """Whether a message is younger than its queue keeps messages."""
    kept_seconds: Any = self.get_queue(queue_name).message_retention_period
    return kept_seconds + (message.sent_timestamp or 0) / 1000 > time.time()


_time_of = lru_cache(_TIMES_MAX)(parse_to_aware_datetime)


def _aware(value: Any) -> datetime:
    """A time as it is stored. Texts take long, and histories have the same ones again and again."""
    moment: datetime = _time_of(value) if isinstance(value, str) else parse_to_aware_datetime(value)
    return moment


@lru_cache(_DEFINITIONS_MAX)
def _parsed(definition: str) -> bytes:
    """The program of a state machine. Each execution gets a copy of its own, as it would from the parser."""
    return pickle.dumps(AmazonStateLanguageParser.parse(definition)[0])


def _program(self: ExecutionWorker) -> EvalComponent:
    program: EvalComponent = pickle.loads(_parsed(self._evaluation_details.state_machine_details.definition))
    return program


def _lazy(self: Rule, append_unknown: bool = True) -> Callable[..., Any]:
    """Stands for the function that writes a URL by a rule, until somebody wants one. Here nobody does: rules are matched."""

    def build(rule: Rule, **values: Any) -> Any:
        return _compile(self, append_unknown).__get__(rule, None)(**values)

    return build


_compile = Rule._compile_builder


def kept_method_names() -> Callable[[object], list[str]]:
    """The names of the methods of a class, looked for once."""
    return cache(utils.method_names_from_class)


def install() -> None:
    """Last of all: a class has all its methods then."""
    botocore_models.install()
    Rule._compile_builder = _lazy
    replace_name("moto", "method_names_from_class", kept_method_names())
    replace_name("moto", "camelcase_to_underscores", lru_cache(_NAMES_MAX)(utils.camelcase_to_underscores))
    replace_name("moto", "unix_time", _unix_time(utils.unix_time))
    replace_name("moto.core", "parse_to_aware_datetime", _aware)
    # What parsing gives is looked at when a machine is made, and copied for each execution.
    AmazonStateLanguageParser.parse = staticmethod(lru_cache(_DEFINITIONS_MAX)(AmazonStateLanguageParser.parse))
    ExecutionWorker._get_evaluation_entrypoint = _program
    SQSBackend.is_message_valid_based_on_retention_period = _is_young
