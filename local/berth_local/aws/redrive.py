"""RedriveExecution: an execution goes on at the state that failed. Stock moto answers 500.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
The definition is the one that the execution began with, and the failed state gets the input that it had. A Map or
Parallel state runs again whole, where AWS runs again only the parts that failed.
"""

from __future__ import annotations

import json
import threading
from typing import Any

import moto.stepfunctions.responses as stock_responses
from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.stepfunctions.parser.api import ExecutionRedrivenEventDetails, ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.flow.start_at import StartAt
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from berth_local.aws.execution_events import tell
from berth_local.aws.executions import redrive_status


class ExecutionNotRedrivable(AWSError):
    """The execution runs, or has succeeded."""

    TYPE = "ExecutionNotRedrivable"
    STATUS = 400


class RedriveWorker(ExecutionWorker):
    """Runs the rest of an execution: from one state on, with the variables and the history that it had."""

    def go_on(self, before: Environment, count: int) -> None:
        """Start the thread that goes on where `before` ended. `count` is how often the execution was redriven."""
        self._before = before
        self._count = count
        threading.Thread(target=self._rest, daemon=True).start()

    def _rest(self) -> None:
        program = self._get_evaluation_entrypoint()
        self.env = self._get_evaluation_environment()
        self.env.event_manager.add_event(
            context=self.env.event_history_context,
            event_type=HistoryEventType.ExecutionRedriven,
            event_details=EventDetails(
                executionRedrivenEventDetails=ExecutionRedrivenEventDetails(redriveCount=self._count)
            ),
        )
        program.eval(self.env)
        self._execution_communication.terminated()

    def _get_evaluation_entrypoint(self) -> EvalComponent:
        program = super()._get_evaluation_entrypoint()
        self._name, self._input = failed_state(self._before, set(program.states.states))
        program.start_at = StartAt(start_at_name=self._name)
        return program

    def _get_evaluation_environment(self) -> Environment:
        environment = super()._get_evaluation_environment()
        environment.states.context_object.context_object_data["Execution"]["RedriveCount"] = self._count
        environment.event_manager = self._before.event_manager
        environment.variable_store = self._before.variable_store
        environment.states.reset(input_value=self._input)
        return environment


def failed_state(before: Environment, names: set[str]) -> tuple[str, Any]:
    """The state of the machine itself (one of `names`) that was entered last, and its input, from the history."""
    for event in reversed(before.event_manager.get_event_history()):
        details = event.get("stateEnteredEventDetails")
        if details and details["name"] in names:
            return details["name"], json.loads(details["input"])
    raise ExecutionNotRedrivable("Execution has no state to go on with")


def redrive_execution(self: stock_responses.StepFunctionResponse) -> ActionResult:
    """RedriveExecution."""
    execution: Execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    status, reason = redrive_status(execution.status)
    if status != "REDRIVABLE":
        raise ExecutionNotRedrivable(str(reason))
    before = execution.exec_worker.env
    execution.redrive_count = getattr(execution, "redrive_count", 0) + 1
    execution.redrive_date = utcnow()
    execution.error = execution.cause = execution.stop_date = None
    execution.exec_status = ExecutionStatus.RUNNING
    started = execution._get_start_execution_worker()
    worker = RedriveWorker(
        evaluation_details=started._evaluation_details,
        exec_comm=started._execution_communication,
        cloud_watch_logging_session=None,
        activity_store=started._activity_store,
    )
    execution.exec_worker = worker
    tell(execution, ExecutionStatus.RUNNING.value)
    worker.go_on(before, execution.redrive_count)
    return ActionResult({"redriveDate": execution.redrive_date})


def install() -> None:
    """Add the operation."""
    stock_responses.StepFunctionResponse.redrive_execution = redrive_execution
