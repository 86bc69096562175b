"""Step Functions tells EventBridge when an execution starts and ends. Stock moto does not.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution

from berth_local.aws.executions import FINAL, redrive_status
from berth_local.aws.replacing import wrap
from berth_local.aws.rules import publish

# Longer inputs and outputs are left out of the event ("included": false), at 248 KiB together on AWS.
CONTENT_BYTES_MAX = 248 * 1024


def _milliseconds(moment: datetime.datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _content(value: str | None) -> tuple[str | None, dict[str, bool] | None]:
    if value is None:
        return None, None
    included = len(value.encode()) <= CONTENT_BYTES_MAX
    return (value if included else None), {"included": included}


def status_change(execution: Execution, status: str) -> dict[str, Any]:
    """The whole "Step Functions Execution Status Change" event."""
    output = to_json_str(execution.output, separators=(",", ":")) if status == "SUCCEEDED" else None
    text, input_details = _content(execution.execution_input)
    output_text, output_details = _content(output)
    redrive, reason = redrive_status(status)
    ended = status != ExecutionStatus.RUNNING.value
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": execution.account_id,
        "time": (execution.stop_date if ended else execution.start_date).timestamp(),
        "region": execution.region_name,
        "resources": [execution.exec_arn],
        "detail": {
            "executionArn": execution.exec_arn,
            "stateMachineArn": execution.state_machine_arn,
            "stateMachineVersionArn": getattr(execution, "version_arn", None),
            "stateMachineAliasArn": getattr(execution, "alias_arn", None),
            "name": execution.name,
            "status": status,
            "startDate": _milliseconds(execution.start_date),
            "stopDate": _milliseconds(execution.stop_date) if ended else None,
            "input": text,
            "inputDetails": input_details,
            "output": output_text,
            "outputDetails": output_details,
            "error": execution.error,
            "cause": execution.cause,
            "redriveCount": getattr(execution, "redrive_count", 0),
            "redriveDate": _milliseconds(getattr(execution, "redrive_date", None)),
            "redriveStatus": redrive,
            "redriveStatusReason": reason,
        },
    }


def tell(execution: Execution, status: str) -> None:
    """Publish the event for a status that the execution has just taken."""
    publish(execution.account_id, execution.region_name, "default", status_change(execution, status))


def install() -> None:
    """Publish on the default bus of the machine's account: RUNNING before the first state, then the ending."""

    @wrap(Execution, "start")
    def start(original: Any, self: Execution) -> None:
        tell(self, ExecutionStatus.RUNNING.value)
        original(self)

    @wrap(BaseExecutionWorkerCommunication, "terminated")
    def terminated(original: Any, self: BaseExecutionWorkerCommunication) -> None:
        already = self.execution.exec_status in FINAL
        original(self)
        if not already and self.execution.exec_status in FINAL:
            tell(self.execution, self.execution.exec_status.value)
