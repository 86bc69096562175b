"""Histories of executions: how a stopped one ends, and pages of GetExecutionHistory.

API: https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
In stock moto the thread of a stopped execution looks for a next state, finds none, and writes a ValueError of Python
where ExecutionAborted belongs, so that the words of whoever stopped it are lost; and GetExecutionHistory has no parameters
but the execution.
"""

from __future__ import annotations

import copy
from typing import Any

import moto.stepfunctions.responses as stock_responses
from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import InvalidToken, ValidationException
from moto.stepfunctions.parser.api import (
    ExecutionAbortedEventDetails,
    ExecutionTimedOutEventDetails,
    HistoryEvent,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication

from berth_local.aws.replacing import wrap

ENDINGS = (
    HistoryEventType.ExecutionSucceeded,
    HistoryEventType.ExecutionFailed,
    HistoryEventType.ExecutionAborted,
    HistoryEventType.ExecutionTimedOut,
)
PAGE, PAGE_MAX = 100, 1000
EXECUTION_DATA = ("input", "output")


def _ending(state: Any) -> tuple[HistoryEventType, EventDetails] | None:
    """The last event of an execution that did not end by itself."""
    if isinstance(state, ProgramStopped):
        said = {"error": state.error, "cause": state.cause}
        details = ExecutionAbortedEventDetails(**{name: text for name, text in said.items() if text is not None})
        return HistoryEventType.ExecutionAborted, EventDetails(executionAbortedEventDetails=details)
    if isinstance(state, ProgramTimedOut):
        details = EventDetails(executionTimedOutEventDetails=ExecutionTimedOutEventDetails())
        return HistoryEventType.ExecutionTimedOut, details
    return None


def without_data(event: HistoryEvent) -> HistoryEvent:
    """The event as `includeExecutionData: false` shows it."""
    event = copy.deepcopy(event)
    for details in event.values():
        if isinstance(details, dict):
            for name in EXECUTION_DATA:
                details.pop(name, None)
    return event


def get_execution_history(self: stock_responses.StepFunctionResponse) -> ActionResult:
    """GetExecutionHistory, by pages of `maxResults` (100; at most 1,000), from either end."""
    size = self._get_param("maxResults") or PAGE
    if not 0 < size <= PAGE_MAX:
        raise ValidationException(
            f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: Member must have"
            f" value less than or equal to {PAGE_MAX}"
        )
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    events = execution.to_history_output()["events"]
    newest_first = bool(self._get_param("reverseOrder"))
    token = self._get_param("nextToken")
    if token is not None:
        if not str(token).isdigit():
            raise InvalidToken(f"'{token}'")
        # An event that comes meanwhile moves no page: a token is the event that the page before ended with.
        last = int(token)
        events = [each for each in events if (each["id"] < last if newest_first else each["id"] > last)]
    if newest_first:
        events.reverse()
    page, rest = events[:size], events[size:]
    if self._get_param("includeExecutionData") is False:
        page = [without_data(each) for each in page]
    answer: dict[str, Any] = {"events": page}
    if rest:
        answer["nextToken"] = str(page[-1]["id"])
    return ActionResult(answer)


def install() -> None:
    """Let every history end with what ended the execution, and be read by pages."""
    stock_responses.StepFunctionResponse.get_execution_history = get_execution_history

    @wrap(EventManager, "add_event")
    def add_event(
        original: Any,
        self: EventManager,
        context: EventHistoryContext,
        event_type: HistoryEventType,
        *args: Any,
        **fields: Any,
    ) -> int:
        # Whatever was under way when an execution ended reports to nobody. Only a redrive goes on with its history.
        newest = self._history_event_list[-1:]
        if newest and newest[0]["type"] in ENDINGS and event_type != HistoryEventType.ExecutionRedriven:
            return newest[0]["id"]
        number: int = original(self, context, event_type, *args, **fields)
        return number

    @wrap(BaseExecutionWorkerCommunication, "terminated")
    def terminated(original: Any, self: BaseExecutionWorkerCommunication) -> None:
        environment = self.execution.exec_worker.env
        ending = _ending(environment.program_state())
        if ending is not None:
            event_type, details = ending
            context = environment.event_history_context
            context.source_event_id = context.last_published_event_id
            environment.event_manager.add_event(context, event_type, details)
        original(self)
