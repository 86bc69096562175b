"""Service integrations of state machines: letter case of requests and answers, clients, and Credentials.RoleArn.

Step Functions takes every parameter and gives every field in PascalCase, whatever the service's own model says:
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
Stock moto leaves both as they are, so `aws-sdk:sfn:*`, `states:startExecution` and others fail or answer differently.
What SQS answers with an error is `SQS.AmazonSQSException`; stock gives it the name of errors that have no answer.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.model import OperationModel
from moto.stepfunctions.parser.asl.component.state.exec.state_task.credentials import StateCredentials
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_sqs
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.utils import camel_to_snake_case

from berth_local.aws.replacing import import_all, replace_name

# Service names in resource ARNs that boto3 knows under another name.
BOTO_NAMES = {
    "sfn": "stepfunctions",
    "states": "stepfunctions",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "ssoadmin": "sso-admin",
}
# A state machine never waits for a service call longer than this, whatever the state's own time-out.
CALL_SECONDS = 3600
OWN_KEYS = {"aws_access_key_id": "AKIASTATES0000000000", "aws_secret_access_key": "states"}

_session = botocore.session.get_session()
_lock = threading.Lock()
_operations: dict[str, dict[str, OperationModel]] = {}
_clients: dict[tuple[str, str, str], BaseClient] = {}


def operation_model(service: str, action: str) -> OperationModel | None:
    """botocore's model of an operation, by its snake_case name; None when there is no such operation."""
    with _lock:
        if service not in _operations:
            model = _session.get_service_model(service)
            _operations[service] = {
                camel_to_snake_case(name): model.operation_model(name) for name in model.operation_names
            }
    return _operations[service].get(action)


def normalise_parameters(
    self: StateTaskService,
    parameters: dict[str, Any],
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    """PascalCase parameters to the letter case of the service's own model, in place."""
    operation = operation_model(
        self._get_boto_service_name(boto_service_name), self._get_boto_service_action(service_action_name)
    )
    if operation is not None and operation.input_shape is not None:
        self._to_boto_request(parameters, operation.input_shape)


def normalise_response(
    self: StateTaskService,
    response: Any,
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    """The service's answer to PascalCase, in place."""
    operation = operation_model(
        self._get_boto_service_name(boto_service_name), self._get_boto_service_action(service_action_name)
    )
    if operation is not None and operation.output_shape is not None:
        self._from_boto_response(response, operation.output_shape)


@dataclass
class MachineCredentials(StateCredentials):
    """A state without Credentials acts as the machine's own role, in the machine's own account."""

    account: str


def state_credentials(self: StateTask, env: Environment) -> StateCredentials:
    """Takes the place of StateTask._eval_state_credentials: whose credentials a Task state uses."""
    if self.credentials:
        self.credentials.eval(env=env)
        return env.stack.pop()
    details = env.aws_execution_details
    return MachineCredentials(role_arn=details.role_arn, account=details.account)


def client_for(region: str, service: str, state_credentials: StateCredentials) -> BaseClient:
    """A boto3 client for the interpreter. Clients are kept: making one takes longer than most calls.

    With Credentials.RoleArn in the state, the call is made as that role (sts:AssumeRole), as Step Functions does.
    """
    own = isinstance(state_credentials, MachineCredentials)
    key = (service, region, state_credentials.account if own else state_credentials.role_arn)
    client = _clients.get(key)
    if client is not None:
        return client
    keys = OWN_KEYS if own else _assumed_keys(region, state_credentials.role_arn)
    with _lock:
        if key not in _clients:
            _clients[key] = _make_client(service, region, keys)
            if own:
                _act_in(_clients[key], state_credentials.account)
        return _clients[key]


def _act_in(client: BaseClient, account: str) -> None:
    # moto's own header: the account of a caller whose access key nobody issued.
    def add_account(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = account

    client.meta.events.register(f"before-sign.{client.meta.service_model.service_id.hyphenize()}", add_account)


def _assumed_keys(region: str, role: str) -> dict[str, str]:
    sts = _make_client("sts", region, OWN_KEYS)
    credentials = sts.assume_role(RoleArn=role, RoleSessionName="states")["Credentials"]
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def _make_client(service: str, region: str, keys: dict[str, str]) -> BaseClient:
    return boto3.client(
        service_name=service,
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{os.environ['MOTO_PORT']}",
        config=Config(
            parameter_validation=False,
            retries={"max_attempts": 0, "total_max_attempts": 1},
            connect_timeout=10,
            read_timeout=CALL_SECONDS,
            max_pool_connections=200,
        ),
        **keys,
    )


def install() -> None:
    """Put letter case, kept clients and Credentials in place."""
    StateTaskService._normalise_parameters = normalise_parameters
    StateTaskService._normalise_response = normalise_response
    StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES.update(BOTO_NAMES)
    StateTask._eval_state_credentials = state_credentials
    # Used for one thing only: errors that boto read from an answer.
    state_task_service_sqs._ERROR_NAME_CLIENT = state_task_service_sqs._ERROR_NAME_AWS
    import_all("moto.stepfunctions.parser.asl.component")
    replace_name("moto.stepfunctions.parser", "boto_client_for", client_for)
