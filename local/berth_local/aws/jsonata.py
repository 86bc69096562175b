"""JSONata in state machines: moto parses it but has no evaluator ("NoneType is not callable").

What AWS does: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
Values are bound to the expression, never pasted into its text: pasting needs escaping and is slow for a large input.
"""

from __future__ import annotations

import copy
import datetime
import hashlib
import json
import random
import re
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jsonata
import moto.stepfunctions.parser.asl.jsonata.jsonata as stock
from jsonata.utils import Utils
from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from berth_local.aws.replacing import replace_name

_EXPRESSIONS_MAX = 10_000
STATES_ROOT = re.compile(r"\$states(?!\.[A-Za-z])")


class QueryEvaluationError(Exception):
    """An expression failed, gave nothing, or gave something that is not JSON."""


def evaluate(expression: str, variables: dict[str, Any]) -> Any:
    """The JSON value of `expression` with `variables` (names without the dollar sign) bound.

    Raises QueryEvaluationError as Step Functions raises States.QueryEvaluationError: for a failing expression, for an
    undefined result, and for a result that is a function.
    """
    try:
        result = _program(expression).evaluate(None, {name: to_jsonata(value) for name, value in variables.items()})
    # The evaluator is plain Python: a bad operand surfaces as ZeroDivisionError, TypeError, RecursionError and more.
    except Exception as problem:
        raise QueryEvaluationError(f"The JSONata expression '{expression}' failed: {problem}") from problem
    if result is None:
        raise QueryEvaluationError(f"The JSONata expression '{expression}' returned nothing (undefined).")
    return to_json(result, expression)


@lru_cache(_EXPRESSIONS_MAX)
def _parsed(expression: str) -> jsonata.Jsonata:
    program = jsonata.Jsonata(expression)
    program.set_output_convert_nulls(False)
    return program


def _program(expression: str) -> jsonata.Jsonata:
    """A program for one evaluation, with Step Functions' own functions. The same few expressions are evaluated in every
    execution, and parsing one takes longer than evaluating it: what the parser made is kept, and never changed."""
    program = copy.copy(_parsed(expression))
    program.environment = program.create_frame(jsonata.Jsonata.static_frame)
    # The evaluator looks for itself here, as its constructor would have put it.
    jsonata.Jsonata.CURRENT.jsonata = program
    for name, function in FUNCTIONS.items():
        program.register_lambda(name, function)
    return program


def to_jsonata(value: Any) -> Any:
    """A copy of a JSON value in which null is the evaluator's null: to it, None means undefined."""
    if value is None:
        return Utils.NULL_VALUE
    if isinstance(value, dict):
        return {key: to_jsonata(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_jsonata(item) for item in value]
    if isinstance(value, datetime.datetime):
        return aws_time(value)
    if isinstance(value, (str, bool, int, float)):
        return value
    return str(value)


def to_json(value: Any, expression: str) -> Any:
    """The plain JSON value of what the evaluator returned."""
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, dict):
        return {key: to_json(item, expression) for key, item in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [to_json(item, expression) for item in value]
    if isinstance(value, (str, bool, int, float)):
        return value
    # The evaluator's ranges ([1..3]) are sequences without being lists.
    if hasattr(value, "__iter__") and hasattr(value, "__len__"):
        return [to_json(item, expression) for item in value]
    raise QueryEvaluationError(f"The JSONata expression '{expression}' returned an unsupported result type.")


def aws_time(moment: datetime.datetime) -> str:
    """A time as the context object has it: UTC, milliseconds, `Z`."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _hash(content: Any, algorithm: str) -> str:
    return hashlib.new(algorithm.lower().replace("-", ""), str(content).encode()).hexdigest()


def _partition(items: list[Any], size: int) -> list[list[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _range(first: int, last: int, step: int) -> list[int]:
    return list(range(first, last + (1 if step > 0 else -1), step))


def _random(seed: Any = None) -> float:
    return random.Random(seed).random()


def _parse(text: str) -> Any:
    return to_jsonata(json.loads(text))


# The functions that Step Functions adds to JSONata:
# https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-sfn
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "hash": _hash,
    "parse": _parse,
    "partition": _partition,
    "random": _random,
    "range": _range,
    "uuid": lambda: str(uuid.uuid4()),
}


def bound_variables(expression: str, environment: Environment) -> dict[str, Any]:
    """What the expression may read: `$states` and the machine's variables, but only those that it names."""
    # Private fields: moto offers these values only as JSONata text.
    states = environment.states._states_data
    whole = STATES_ROOT.search(expression) is not None
    variables: dict[str, Any] = {
        "states": {
            key: value
            for key, value in states.items()
            if (whole or f"$states.{key}" in expression) and (value is not None or key in ("input", "result"))
        }
    }
    store = environment.variable_store
    for scope in (store._outer_scope, store._inner_scope):
        variables.update({name: value for name, value in scope.items() if f"${name}" in expression})
    return variables


def evaluate_in_state(self: StringJSONata, environment: Environment) -> None:
    """Takes the place of StringJSONata._eval_body: leave the expression's value on the interpreter's stack."""
    try:
        environment.stack.append(evaluate(self.expression, bound_variables(self.expression, environment)))
    except QueryEvaluationError as problem:
        raise _failure(environment, str(problem)) from problem


def _failure(environment: Environment, cause: str) -> FailureEventException:
    name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = EventDetails(
        evaluationFailedEventDetails=EvaluationFailedEventDetails(error=name.error_name, cause=cause)
    )
    environment.event_manager.add_event(
        context=environment.event_history_context,
        event_type=HistoryEventType.EvaluationFailed,
        event_details=details,
    )
    return FailureEventException(
        FailureEvent(
            env=environment, error_name=name, event_type=HistoryEventType.EvaluationFailed, event_details=details
        )
    )


def evaluate_text(expression: str) -> Any:
    """For stock code that pastes values into the text: JSONPath states sample their variables that way."""
    try:
        return evaluate(expression, {})
    except QueryEvaluationError as problem:
        raise stock.JSONataException("States.QueryEvaluationError", str(problem)) from problem


def declarations(bindings: dict[str, Any]) -> str:
    """Takes the place of encode_jsonata_variable_declarations, which does not escape texts."""
    return "".join(f"{name}:={json.dumps(value, default=str)};" for name, value in bindings.items())


def install() -> None:
    """Evaluate JSONata with jsonata-python."""
    StringJSONata._eval_body = evaluate_in_state
    stock._eval_jsonata = evaluate_text
    replace_name("moto.stepfunctions.parser", "encode_jsonata_variable_declarations", declarations)
