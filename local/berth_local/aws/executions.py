"""Executions of state machines: names, start times, stopping, and what DescribeExecution tells.

API: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

import datetime
import json
import threading
import uuid
from typing import Any

import moto.stepfunctions.models as stock_models
import moto.stepfunctions.parser.models as parser_models
import moto.stepfunctions.responses as stock_responses
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend import execution_worker
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from berth_local.aws.jsonata import aws_time
from berth_local.aws.replacing import wrap

END_LOCK = threading.Lock()
FINAL = (ExecutionStatus.SUCCEEDED, ExecutionStatus.FAILED, ExecutionStatus.ABORTED, ExecutionStatus.TIMED_OUT)


def context_execution(original: Any, **fields: Any) -> Any:
    """`$states.context.Execution` with its start time as text. Stock keeps a datetime, which no JSON holds."""
    start = fields.get("StartTime")
    if isinstance(start, datetime.datetime):
        fields["StartTime"] = aws_time(start)
    return original(**fields, RedriveCount=0)


def redrive_status(status: str) -> tuple[str, str | None]:
    """`redriveStatus` and its reason (DescribeExecution, EventBridge events)."""
    if status in (ExecutionStatus.RUNNING.value, ExecutionStatus.SUCCEEDED.value):
        return "NOT_REDRIVABLE", f"Execution is {status} and cannot be redriven"
    return "REDRIVABLE", None


def describe_execution(self: stock_responses.StepFunctionResponse) -> ActionResult:
    """DescribeExecution. Stock has no stop time for TIMED_OUT, no redrive fields, and answers 500 for a datetime."""
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    status = execution.status
    redrive, reason = redrive_status(status)
    answer: dict[str, Any] = {
        "executionArn": execution.execution_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": status,
        "startDate": execution.start_date,
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "redriveCount": getattr(execution, "redrive_count", 0),
        "redriveStatus": redrive,
    }
    for attribute, field in (("version_arn", "stateMachineVersionArn"), ("alias_arn", "stateMachineAliasArn")):
        if getattr(execution, attribute, None) is not None:
            answer[field] = getattr(execution, attribute)
    if getattr(execution, "redrive_date", None) is not None:
        answer["redriveDate"] = execution.redrive_date
    if reason:
        answer["redriveStatusReason"] = reason
    if execution.exec_status in FINAL:
        answer["stopDate"] = execution.stop_date
    if status == ExecutionStatus.SUCCEEDED.value:
        answer["output"] = to_json_str(execution.output, separators=(",", ":"))
        answer["outputDetails"] = {"included": True}
    for field in ("error", "cause"):
        if getattr(execution, field) is not None:
            answer[field] = getattr(execution, field)
    return ActionResult(answer)


def list_state_machine_versions(self: stock_responses.StepFunctionResponse) -> ActionResult:
    """ListStateMachineVersions, newest first. Stock: not implemented."""
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    versions = [
        {"stateMachineVersionArn": version.arn, "creationDate": version.creation_date}
        for _, version in sorted(machine.versions.items(), reverse=True)
    ]
    return ActionResult({"stateMachineVersions": versions})


def validate_state_machine_definition(self: stock_responses.StepFunctionResponse) -> ActionResult:
    """ValidateStateMachineDefinition: OK, or FAIL with one diagnostic. Stock: not implemented."""
    try:
        StepFunctionsParserBackend._validate_definition(self._get_param("definition"))
    # Whatever the parser raises means that it cannot run the definition.
    except Exception as problem:  # noqa: BLE001 - see above
        diagnostic = {
            "severity": "ERROR",
            "code": "SCHEMA_VALIDATION_FAILED",
            "message": str(getattr(problem, "message", None) or problem),
        }
        return ActionResult({"result": "FAIL", "diagnostics": [diagnostic], "truncated": False})
    return ActionResult({"result": "OK", "diagnostics": [], "truncated": False})


def stop_execution(self: stock_responses.StepFunctionResponse) -> ActionResult:
    """StopExecution. Stock drops error and cause, and the execution stays RUNNING until its task returns."""
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    if execution.exec_status == ExecutionStatus.RUNNING:
        error, cause = self._get_param("error"), self._get_param("cause")
        execution.stop(stop_date=utcnow(), error=error, cause=cause)
        execution.exec_worker._execution_communication.terminated()
    return ActionResult({"stopDate": execution.stop_date})


def _install_workers() -> None:
    stock = execution_worker.ExecutionData
    execution_worker.ExecutionData = lambda **fields: context_execution(stock, **fields)

    @wrap(BaseExecutionWorkerCommunication, "terminated")
    def terminated(original: Any, self: BaseExecutionWorkerCommunication) -> None:
        execution = self.execution
        with END_LOCK:
            # A thread that comes back late from a stopped or timed out run must not write a second ending.
            if getattr(self, "over", False):
                return
            self.over = True
            original(self)
            state = execution.exec_worker.env.program_state()
            if isinstance(state, ProgramStopped):
                execution.error, execution.cause = state.error, state.cause
            if isinstance(state, ProgramTimedOut):
                execution.error = "States.Timeout"
        # Tokens of an ended execution are answered TaskTimedOut; their waiting threads end.
        for endpoint in list(execution.exec_worker.env.callback_pool_manager._pool.values()):
            endpoint.interrupt_all()

    @wrap(Execution, "stop")
    def stop(original: Any, self: Execution, **fields: Any) -> None:
        await_first_state(self)
        original(self, **fields)


def await_first_state(execution: Execution) -> None:
    """Between StartExecution's answer and the first state there is nothing to stop yet: stock's stop goes nowhere."""
    for _ in range(500):
        worker = execution.exec_worker
        environment = worker.env if worker is not None else None
        if environment is not None and environment.program_state() is not None:
            return
        threading.Event().wait(0.01)


def _install_starts() -> None:
    start_lock = threading.RLock()

    @wrap(StepFunctionsParserBackend, "start_execution")
    def start_execution(
        original: Any,
        self: StepFunctionsParserBackend,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: str | None = None,
    ) -> Execution:
        name = name or str(uuid.uuid4())
        self._validate_name(name)
        # Two StartExecution calls with one name at the same moment must not make two executions.
        with start_lock:
            return original(self, state_machine_arn, name, execution_input, trace_header)


def install() -> None:
    """Run machines (stock only pretends unless told), and repair how executions start, stop and are described."""
    stock_responses.default_user_config["stepfunctions"] = {"execute_state_machine": True}
    stock_models.stepfunctions_backends = parser_models.stepfunctions_parser_backends
    stock_responses.stepfunctions_backends = parser_models.stepfunctions_parser_backends
    _install_workers()
    _install_starts()
    response = stock_responses.StepFunctionResponse
    response.describe_execution = describe_execution
    response.stop_execution = stop_execution
    response.list_state_machine_versions = list_state_machine_versions
    response.validate_state_machine_definition = validate_state_machine_definition

    def encode(value: Any, **options: Any) -> str:
        return to_json_str(value, separators=options.get("separators"))

    # GetExecutionHistory and others answer 500 when a value holds a datetime.
    stock_responses.json = type("Json", (), {"loads": staticmethod(json.loads), "dumps": staticmethod(encode)})
