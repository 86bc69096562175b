"""RedriveExecution: an execution goes on at the state that failed. Stock moto answers 500.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
The definition is the one that the execution began with. The failed state gets the input and the variables that it had; of
a Parallel or an inline Map only the parts run again that had not ended, each from the state that it was in (progress.py).
"""

from __future__ import annotations

import copy
import threading

import moto.stepfunctions.responses as stock_responses
from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.stepfunctions.parser.api import ExecutionRedrivenEventDetails, ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from berth_local.aws import progress
from berth_local.aws.execution_events import tell
from berth_local.aws.executions import redrive_status

REDRIVE_LOCK = threading.Lock()


class ExecutionNotRedrivable(AWSError):
    """The execution runs, or has succeeded."""

    TYPE = "ExecutionNotRedrivable"
    STATUS = 400


def continued(before: EventManager) -> EventManager:
    """The history so far, which only the rest of the execution goes on with.

    AWS stops all branches when one fails. Here a task that was under way then may still report its end, and that must not
    stand among the events of the redrive.
    """
    with before._mutex:
        rest = copy.copy(before)
        rest._mutex = threading.Lock()
        rest._event_id_gen = copy.copy(before._event_id_gen)
        rest._history_event_list = list(before._history_event_list)
    return rest


class RedriveWorker(ExecutionWorker):
    """Runs the rest of an execution, with the progress and the history that it had."""

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

    def _get_evaluation_environment(self) -> Environment:
        environment = super()._get_evaluation_environment()
        environment.states.context_object.context_object_data["Execution"]["RedriveCount"] = self._count
        environment.event_manager = continued(self._before.event_manager)
        environment.progress = progress.of(self._before).to_redrive()
        return environment


def redrive_execution(self: stock_responses.StepFunctionResponse) -> ActionResult:
    """RedriveExecution."""
    execution: Execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    # Two redrives at the same moment must not run the rest twice.
    with REDRIVE_LOCK:
        status, reason = redrive_status(execution.status)
        if status != "REDRIVABLE":
            raise ExecutionNotRedrivable(str(reason))
        execution.exec_status = ExecutionStatus.RUNNING
    former = execution.exec_worker
    execution.redrive_count = getattr(execution, "redrive_count", 0) + 1
    execution.redrive_date = utcnow()
    execution.error = execution.cause = execution.stop_date = None
    started = execution._get_start_execution_worker()
    worker = RedriveWorker(
        evaluation_details=former._evaluation_details,
        exec_comm=started._execution_communication,
        cloud_watch_logging_session=None,
        activity_store=started._activity_store,
    )
    execution.exec_worker = worker
    tell(execution, ExecutionStatus.RUNNING.value)
    worker.go_on(former.env, execution.redrive_count)
    return ActionResult({"redriveDate": execution.redrive_date})


def describe_state_machine_for_execution(self: stock_responses.StepFunctionResponse) -> ActionResult:
    """DescribeStateMachineForExecution: the definition that the execution began with. Stock: the one of today.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachineForExecution.html
    """
    execution: Execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    began = execution.exec_worker._evaluation_details.state_machine_details
    answer = {
        "stateMachineArn": began.arn,
        "name": began.name,
        "definition": began.definition,
        "roleArn": execution.role_arn,
        "updateDate": execution.start_date,
    }
    return ActionResult(answer)


def install() -> None:
    """Add the operation, and tell the definition that it goes on with."""
    stock_responses.StepFunctionResponse.redrive_execution = redrive_execution
    stock_responses.StepFunctionResponse.describe_state_machine_for_execution = describe_state_machine_for_execution
