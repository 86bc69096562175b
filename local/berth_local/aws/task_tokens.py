"""Task tokens: SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat.

API: https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
"""

from __future__ import annotations

import json
from typing import Any

import moto.stepfunctions.responses as stock_responses
from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.exceptions import InvalidToken
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcome,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    CallbackPoolManager,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import HeartbeatEndpoint as StockHeartbeat
from moto.stepfunctions.parser.asl.eval.environment import Environment

from berth_local.aws.replacing import wrap

# Every token ever issued, with what waits for its answer. Tokens are few hundred bytes, a local run has thousands.
_endpoints: dict[str, CallbackEndpoint] = {}


class TaskTimedOut(AWSError):
    """The task of the token is not waiting any more."""

    TYPE = "TaskTimedOut"
    STATUS = 400


class InvalidOutput(AWSError):
    """The output is not JSON."""

    TYPE = "InvalidOutput"
    STATUS = 400


def waiting(token: str) -> CallbackEndpoint:
    """What waits for an answer to `token`.

    Raises InvalidToken for a token that was never issued and TaskTimedOut for one whose task has ended: a batch
    committer must be able to tell the two apart. Stock answers InvalidToken for both.
    """
    endpoint = _endpoints.get(token)
    if endpoint is None:
        raise InvalidToken("'Invalid token'")
    if endpoint._notify_event.is_set():
        raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")
    return endpoint


def _answer(token: str, outcome: CallbackOutcome) -> ActionResult:
    waiting(token).notify(outcome)
    return EmptyResult()


def send_task_success(self: stock_responses.StepFunctionResponse) -> ActionResult:
    """SendTaskSuccess."""
    token, output = self._get_param("taskToken"), self._get_param("output")
    try:
        json.loads(output)
    except ValueError as problem:
        raise InvalidOutput(f"Invalid Output: '{problem}'") from problem
    return _answer(token, CallbackOutcomeSuccess(callback_id=token, output=output))


def send_task_failure(self: stock_responses.StepFunctionResponse) -> ActionResult:
    """SendTaskFailure. Stock loses the cause."""
    token = self._get_param("taskToken")
    error, cause = self._get_param("error"), self._get_param("cause")
    return _answer(token, CallbackOutcomeFailure(callback_id=token, error=error, cause=cause))


def send_task_heartbeat(self: stock_responses.StepFunctionResponse) -> ActionResult:
    """SendTaskHeartbeat. A task without HeartbeatSeconds takes a heartbeat too."""
    waiting(self._get_param("taskToken")).notify_heartbeat()
    return EmptyResult()


def wait_for_beat(self: StockHeartbeat) -> bool:
    """Takes the place of HeartbeatEndpoint.clear_and_wait. Stock counts one heartbeat as many."""
    received = self._next_heartbeat_event.wait(timeout=self._heartbeat_seconds)
    with self._mutex:
        self._next_heartbeat_event.clear()
    return received


def renew_token(env: Environment) -> None:
    """Gives an attempt a token of its own when the one before it was answered or gave up.

    Stock keeps one token for all attempts of a state, so after a SendTaskFailure each retry finds that answer at once.
    """
    task = env.states.context_object.context_object_data.get("Task")
    endpoint = _endpoints.get(task["Token"]) if task else None
    if endpoint is not None and endpoint._notify_event.is_set():
        env.callback_pool_manager.add(env.states.context_object.update_task_token())


def install() -> None:
    """Remember every token, and answer by token instead of searching all executions."""

    @wrap(StateTaskServiceCallback, "_eval_execution")
    def eval_execution(original: Any, self: StateTaskServiceCallback, env: Environment) -> None:
        renew_token(env)
        original(self, env)

    @wrap(CallbackPoolManager, "add")
    def add(original: Any, self: CallbackPoolManager, callback_id: str) -> CallbackEndpoint:
        endpoint = original(self, callback_id)
        _endpoints[callback_id] = endpoint
        return endpoint

    StockHeartbeat.clear_and_wait = wait_for_beat
    response = stock_responses.StepFunctionResponse
    response.send_task_success = send_task_success
    response.send_task_failure = send_task_failure
    response.send_task_heartbeat = send_task_heartbeat
