"""Executions that are started by an alias or a version of a state machine run the definition of that version.

https://docs.aws.amazon.com/step-functions/latest/dg/execution-alias-version-associate.html
Stock moto does not know aliases here, and keeps an execution of a version where no list shows it.
"""

from __future__ import annotations

import threading
from typing import Any

from moto.stepfunctions.exceptions import StateMachineDoesNotExist
from moto.stepfunctions.models import StateMachine, StateMachineVersion
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from berth_local.aws.replacing import wrap

_PARTS_OF_A_QUALIFIED_ARN = 8


def qualified(
    self: StepFunctionsParserBackend, arn: str
) -> tuple[StateMachine, StateMachineVersion, str | None] | None:
    """Machine, version and alias that a qualified ARN means; None for an unqualified one."""
    parts = arn.split(":")
    if len(parts) != _PARTS_OF_A_QUALIFIED_ARN:
        return None
    machine, qualifier = self.describe_state_machine(":".join(parts[:-1])), parts[-1]
    alias = machine.aliases.get(qualifier)
    number = alias.routing_configuration[0]["stateMachineVersionArn"].rsplit(":", 1)[1] if alias else qualifier
    version = machine.versions.get(int(number)) if number.isdigit() else None
    if version is None:
        raise StateMachineDoesNotExist(f"State Machine Does Not Exist: '{arn}'")
    return machine, version, alias.arn if alias else None


def install() -> None:
    """Start by alias and version."""
    lock = threading.RLock()

    @wrap(StepFunctionsParserBackend, "start_execution")
    def start_execution(
        original: Any, self: StepFunctionsParserBackend, state_machine_arn: str, *args: Any, **fields: Any
    ) -> Execution:
        # Stock copies the machine's definition into the execution, so it is the version's for that moment.
        with lock:
            meant = qualified(self, state_machine_arn)
            if meant is None:
                return original(self, state_machine_arn, *args, **fields)
            machine, version, alias = meant
            latest, machine.definition = machine.definition, version.definition
            try:
                execution = original(self, machine.arn, *args, **fields)
            finally:
                machine.definition = latest
        execution.version_arn, execution.alias_arn = version.arn, alias
        return execution
