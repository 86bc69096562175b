"""Executions: names, endings, events about them, task tokens, service integrations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twin_worlds import HUB, LOADED_SECONDS, ROLE, TENANT, World, code_of, differs_from_stock, fresh

from berth_local.aws.executions import await_first_state

LOCAL = Path(__file__).resolve().parents[2]
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
WAIT = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 30, "End": True}}}


@differs_from_stock("KeyError|500|Invalid|None|ExecutionAlreadyExists")
def test_two_executions_without_names_are_two(aws: World) -> None:
    states, machine = aws.client("stepfunctions"), aws.machine(PASS)
    first = states.start_execution(stateMachineArn=machine)["executionArn"]
    second = states.start_execution(stateMachineArn=machine, input='{"n": 2}')["executionArn"]
    assert first != second
    assert not first.endswith(":None")


def test_a_name_collapses_duplicates_also_at_the_same_moment(ours: World) -> None:
    states, machine = ours.client("stepfunctions"), ours.machine(WAIT)
    found: list[str] = []

    def start() -> None:
        found.append(states.start_execution(stateMachineArn=machine, name="one", input="{}")["executionArn"])

    threads = [threading.Thread(target=start) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert len(states.list_executions(stateMachineArn=machine)["executions"]) == 1
    assert (
        code_of(states.start_execution, stateMachineArn=machine, name="one", input='{"n":1}')
        == "ExecutionAlreadyExists"
    )
    states.stop_execution(executionArn=found[0])


@differs_from_stock("500|Internal|JSON|NoneType")
def test_the_start_time_is_text_in_the_context(aws: World) -> None:
    # JSONPath, so that stock reaches the start time at all.
    definition = {
        "QueryLanguage": "JSONPath",
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Parameters": {"at.$": "$$.Execution.StartTime"}, "End": True}},
    }
    assert aws.run(definition)["at"].endswith("Z")


@differs_from_stock("still RUNNING|assert")
def test_a_stopped_execution_is_aborted_at_once_with_its_reason(aws: World) -> None:
    states, execution = aws.client("stepfunctions"), aws.start(WAIT)
    states.stop_execution(executionArn=execution, error="Operator", cause="wrong account")
    found = states.describe_execution(executionArn=execution)
    assert (found["status"], found.get("error"), found.get("cause")) == ("ABORTED", "Operator", "wrong account")
    assert found["stopDate"] >= found["startDate"]


def test_an_execution_is_not_stopped_before_its_first_state() -> None:
    """A race on the server, so without a stock twin: here its moments come one after the other."""
    running = SimpleNamespace(env=SimpleNamespace(program_state=lambda: "running"))
    moments = [
        None,
        SimpleNamespace(env=None),
        SimpleNamespace(env=SimpleNamespace(program_state=lambda: None)),
        running,
    ]

    class Starting:
        seen = 0

        @property
        def exec_worker(self) -> Any:
            self.seen += 1
            return moments[self.seen - 1]

    await_first_state(execution := Starting())
    assert execution.seen == len(moments)


@differs_from_stock("stopDate")
def test_an_execution_that_times_out_tells_when(aws: World) -> None:
    aws_patience, aws.patience = aws.patience, max(aws.patience, 4)
    try:
        found = aws.ended(aws.start({**WAIT, "TimeoutSeconds": 1}))
    finally:
        aws.patience = aws_patience
    assert found["status"] == "TIMED_OUT"
    assert "stopDate" in found, "no stopDate"
    assert found["redriveStatus"] == "REDRIVABLE"


def _status_changes(aws: World, machine: str) -> str:
    url, arn = aws.queue()
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}
    aws.rule("default", {"Arn": arn}, pattern=pattern)
    return url


@differs_from_stock("no event")
def test_the_default_bus_hears_of_start_and_success(aws: World) -> None:
    machine = aws.machine(PASS)
    url = _status_changes(aws, machine)
    started = aws.client("stepfunctions").start_execution(stateMachineArn=machine, name="n1", input='{"a":1}')
    events = [json.loads(each["Body"]) for each in aws.messages(url, 2)]
    assert len(events) == 2, "no event"
    by_status = {each["detail"]["status"]: each for each in events}
    running, succeeded = by_status["RUNNING"], by_status["SUCCEEDED"]
    assert running["detail-type"] == "Step Functions Execution Status Change"
    assert running["resources"] == [started["executionArn"]]
    assert (running["account"], running["region"]) == (HUB, "us-east-1")
    assert running["detail"]["stopDate"] is None
    detail = succeeded["detail"]
    assert detail["input"] == '{"a":1}'
    assert json.loads(detail["output"]) == {"a": 1}
    assert detail["stopDate"] >= detail["startDate"] > 1_600_000_000_000
    assert detail["redriveStatus"] == "NOT_REDRIVABLE"
    assert set(detail) == {
        "executionArn", "stateMachineArn", "stateMachineVersionArn", "stateMachineAliasArn", "name", "status",
        "startDate", "stopDate", "input", "inputDetails", "output", "outputDetails", "error", "cause", "redriveCount",
        "redriveDate", "redriveStatus", "redriveStatusReason",
    }  # fmt: skip


@differs_from_stock("no event")
def test_the_default_bus_hears_of_every_other_ending(aws: World) -> None:
    fail = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Denied", "Cause": "no (account 1)"}}}
    endings = {"FAILED": fail, "TIMED_OUT": {**WAIT, "TimeoutSeconds": 1}, "ABORTED": WAIT}
    for status, definition in endings.items():
        machine = aws.machine(definition)
        url = _status_changes(aws, machine)
        states = aws.client("stepfunctions")
        execution = states.start_execution(stateMachineArn=machine, input="{}", name=fresh("e"))["executionArn"]
        if status == "ABORTED":
            states.stop_execution(executionArn=execution, error="Operator", cause="stop")
        details = [json.loads(each["Body"])["detail"] for each in aws.messages(url, 2)]
        assert [each["status"] for each in details if each["status"] != "RUNNING"] == [status], "no event"
        last = details[-1]
        assert last["redriveStatus"] == "REDRIVABLE"
        if status == "FAILED":
            assert (last["error"], last["cause"]) == ("Denied", "no (account 1)")


def _token_machine(url: str, **fields: Any) -> dict[str, Any]:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": url, "MessageBody.$": "$$.Task.Token"},
        "End": True,
        **fields,
    }
    return {"QueryLanguage": "JSONPath", "StartAt": "A", "States": {"A": task}}


def _token(aws: World, url: str) -> str:
    messages = aws.messages(url, patience=LOADED_SECONDS)
    assert messages, "no token"
    return messages[0]["Body"]


def _waiting_for_token(aws: World, **fields: Any) -> tuple[str, str]:
    url, _ = aws.queue()
    execution = aws.start(_token_machine(url, **fields))
    return execution, _token(aws, url)


@differs_from_stock("None")
def test_a_task_failure_keeps_its_cause(aws: World) -> None:
    execution, token = _waiting_for_token(aws)
    aws.client("stepfunctions").send_task_failure(taskToken=token, error="Conflict", cause="head moved")
    found = aws.ended(execution)
    assert (found["error"], found.get("cause")) == ("Conflict", "head moved")


@differs_from_stock("SdkClientException")
def test_an_error_of_sqs_has_the_name_that_step_functions_gives_it(aws: World) -> None:
    url, _ = aws.queue()
    found = aws.ended(aws.start(_token_machine(url + "-that-is-gone")))
    assert (found["status"], found["error"]) == ("FAILED", "SQS.AmazonSQSException"), found["error"]


def test_a_task_success_is_the_output(ours: World) -> None:
    execution, token = _waiting_for_token(ours)
    ours.client("stepfunctions").send_task_success(taskToken=token, output='{"commit": "abc"}')
    assert json.loads(ours.ended(execution)["output"]) == {"commit": "abc"}


@differs_from_stock("InvalidToken|none")
def test_a_token_that_was_answered_is_told_from_a_made_up_one(aws: World) -> None:
    states = aws.client("stepfunctions")
    execution, token = _waiting_for_token(aws)
    assert code_of(states.send_task_success, taskToken="made-up", output="{}") == "InvalidToken"
    states.send_task_success(taskToken=token, output="{}")
    aws.ended(execution)
    assert code_of(states.send_task_success, taskToken=token, output="{}") == "TaskTimedOut"
    stopped, token = _waiting_for_token(aws)
    states.stop_execution(executionArn=stopped)
    assert code_of(states.send_task_success, taskToken=token, output="{}") == "TaskTimedOut"


@differs_from_stock("FAILED|still|None|Queue|assert")
def test_a_retry_waits_for_a_token_of_its_own(aws: World) -> None:
    states, (url, _) = aws.client("stepfunctions"), aws.queue()
    retry = [{"ErrorEquals": ["Again"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    execution = aws.start(_token_machine(url, Retry=retry))
    tokens = [_token(aws, url)]
    states.send_task_failure(taskToken=tokens[0], error="Again", cause="busy")
    tokens.append(_token(aws, url))
    assert tokens[0] != tokens[1]
    states.send_task_success(taskToken=tokens[1], output='{"done": true}')
    assert json.loads(aws.ended(execution)["output"]) == {"done": True}


def test_a_silent_task_fails_after_its_heartbeat(ours: World) -> None:
    execution, token = _waiting_for_token(ours, HeartbeatSeconds=1, TimeoutSeconds=30)
    began = time.monotonic()
    time.sleep(0.6)
    ours.client("stepfunctions").send_task_heartbeat(taskToken=token)
    found = ours.ended(execution)
    assert found["error"] in ("States.HeartbeatTimeout", "States.Timeout")
    assert 1.2 < time.monotonic() - began < 20  # the task's own limit is 30 s


@differs_from_stock("FAILED")
def test_a_machine_starts_another_one(aws: World) -> None:
    inner = aws.machine({**PASS, "QueryLanguage": "JSONPath"})
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": inner, "Input": {"n": 7}},
        "End": True,
    }
    found = aws.run({"QueryLanguage": "JSONPath", "StartAt": "A", "States": {"A": task}})
    assert found["Output"] == {"n": 7}
    assert found["Status"] == "SUCCEEDED"


@differs_from_stock("FAILED|KeyError|Events")
def test_sdk_integrations_speak_pascal_case(aws: World) -> None:
    machine = aws.machine(PASS)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sfn:describeStateMachine",
        "Parameters": {"StateMachineArn": machine},
        "End": True,
    }
    found = aws.run({"QueryLanguage": "JSONPath", "StartAt": "A", "States": {"A": task}})
    assert found["StateMachineArn"] == machine
    put = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:eventbridge:listEventBuses",
        "Parameters": {"NamePrefix": "default"},
        "End": True,
    }
    assert aws.run({"QueryLanguage": "JSONPath", "StartAt": "A", "States": {"A": put}})["EventBuses"]


@differs_from_stock("123456789012|210987654321|FAILED")
def test_credentials_of_a_state_are_used(aws: World) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
        ],
    }
    name = fresh("Reader")
    aws.client("iam", TENANT).create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sts:getCallerIdentity",
        "Credentials": {"RoleArn": f"arn:aws:iam::{TENANT}:role/{name}"},
        "Parameters": {},
        "End": True,
    }
    found = aws.run({"QueryLanguage": "JSONPath", "StartAt": "A", "States": {"A": task}})
    assert found["Account"] == TENANT, found["Account"]


@differs_from_stock("500|Internal|not been implemented|NotImplemented|Unknown")
def test_versions_are_listed_and_definitions_validated(aws: World) -> None:
    states = aws.client("stepfunctions")
    created = states.create_state_machine(
        name=fresh("m"), definition=json.dumps({"QueryLanguage": "JSONata", **PASS}), roleArn=ROLE, publish=True
    )
    found = states.list_state_machine_versions(stateMachineArn=created["stateMachineArn"])["stateMachineVersions"]
    assert [each["stateMachineVersionArn"] for each in found] == [created["stateMachineVersionArn"]]
    assert states.validate_state_machine_definition(definition=json.dumps(PASS))["result"] == "OK"
    broken = states.validate_state_machine_definition(definition='{"StartAt": "A"}')
    assert broken["result"] == "FAIL"
    assert broken["diagnostics"]


@differs_from_stock("500|not implemented|NotImplemented|Internal|not been")
def test_a_redriven_execution_goes_on_at_the_state_that_failed(aws: World) -> None:
    url, _ = aws.queue()
    gone = url.replace("queue-", "later-")
    definition = {
        "QueryLanguage": "JSONPath",
        "StartAt": "First",
        "States": {
            "First": {
                "Type": "Pass",
                "Assign": {"kept.$": "$.a"},
                "Next": "Send",
            },
            "Send": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Parameters": {"QueueUrl": gone, "MessageBody.$": "States.Format('{} {}', $.a, $kept)"},
                "End": True,
            },
        },
    }
    states, execution = aws.client("stepfunctions"), aws.start(definition, {"a": 1})
    assert aws.ended(execution)["status"] == "FAILED"
    aws.client("sqs").create_queue(QueueName=gone.rsplit("/", 1)[1])
    states.redrive_execution(executionArn=execution)
    found = aws.ended(execution)
    assert (found["status"], found["redriveCount"]) == ("SUCCEEDED", 1), found.get("cause")
    assert [each["Body"] for each in aws.messages(gone)] == ["1 1"]
    entered = [
        each["stateEnteredEventDetails"]["name"]
        for each in states.get_execution_history(executionArn=execution)["events"]
        if "stateEnteredEventDetails" in each
    ]
    assert entered == ["First", "Send", "Send"]
    assert code_of(states.redrive_execution, executionArn=execution) == "ExecutionNotRedrivable"


def test_only_pauses_of_a_retry_are_shortened_and_only_on_request() -> None:
    """In a process of its own, because a repair is for the whole process."""
    program = (
        "import time\n"
        "from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl\n"
        "from berth_local.aws import pauses\n"
        "pauses.install()\n"
        "began = time.monotonic(); retrier_decl.time.sleep(0.4); print(time.monotonic() - began)\n"
        "began = time.monotonic(); time.sleep(0.05); print(time.monotonic() - began)\n"
    )

    def slept(**environment: str) -> tuple[float, float]:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONPATH": str(LOCAL)} | environment,
            capture_output=True,
            text=True,
            check=True,
        )
        retry, other = done.stdout.split()
        return float(retry), float(other)

    scaled = slept(BERTH_LOCAL_TIME_SCALE="0.01")
    assert scaled[0] < 0.3 and scaled[1] >= 0.05
    assert slept()[0] >= 0.4


@differs_from_stock("StateMachineDoesNotExist|InvalidArn|none|assert|nothing")
def test_an_execution_by_an_alias_runs_the_version_that_the_alias_names(aws: World) -> None:
    states = aws.client("stepfunctions")

    def saying(word: str) -> str:
        says = {"Type": "Pass", "End": True, "Output": word}
        return json.dumps({"QueryLanguage": "JSONata", "StartAt": "Say", "States": {"Say": says}})

    made = states.create_state_machine(name=fresh("machine"), definition=saying("old"), roleArn=ROLE, publish=True)
    machine, first = made["stateMachineArn"], made["stateMachineVersionArn"]
    routing = [{"stateMachineVersionArn": first, "weight": 100}]
    alias = states.create_state_machine_alias(name="live", routingConfiguration=routing)["stateMachineAliasArn"]

    def said(arn: str) -> str:
        execution = states.start_execution(stateMachineArn=arn)["executionArn"]

        def ended() -> dict[str, Any] | None:
            found = states.describe_execution(executionArn=execution)
            return found if found["status"] != "RUNNING" else None

        found = aws.eventually(ended)
        assert found["stateMachineArn"] == machine
        assert (found.get("stateMachineVersionArn") is None) == (arn == machine)
        assert execution in [
            each["executionArn"] for each in states.list_executions(stateMachineArn=machine)["executions"]
        ]
        return str(found["output"])

    second = states.update_state_machine(stateMachineArn=machine, definition=saying("new"), publish=True)
    assert said(machine) == '"new"'
    assert said(alias) == said(first) == '"old"'
    routing = [{"stateMachineVersionArn": second["stateMachineVersionArn"], "weight": 100}]
    states.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=routing)
    assert said(alias) == '"new"'


def _history(aws: World, execution: str, **fields: Any) -> list[dict[str, Any]]:
    states, events, token = aws.client("stepfunctions"), [], {}
    while True:
        page = states.get_execution_history(executionArn=execution, **fields, **token)
        events += page["events"]
        if "nextToken" not in page:
            return events
        token = {"nextToken": page["nextToken"]}


@differs_from_stock("ValueError|ExecutionFailed|assert")
def test_a_stopped_executions_history_ends_with_the_given_cause(aws: World) -> None:
    """Between two tries of a task, as Berth waits."""
    url, _ = aws.queue()
    gone = url.replace("queue-", "gone-")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Arguments": {"QueueUrl": gone, "MessageBody": "x"},
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 100}],
        "End": True,
    }
    execution = aws.start({"StartAt": "A", "States": {"A": task}})
    aws.client("stepfunctions").stop_execution(executionArn=execution, error="Operator", cause="wrong account")
    assert aws.ended(execution)["status"] == "ABORTED"
    last = _history(aws, execution)[-1]
    assert last["type"] == "ExecutionAborted", last
    assert last["executionAbortedEventDetails"] == {"error": "Operator", "cause": "wrong account"}


def test_nothing_stands_behind_the_end_of_a_history(ours: World) -> None:
    execution = ours.start({**WAIT, "TimeoutSeconds": 1})
    assert ours.ended(execution)["status"] == "TIMED_OUT"
    assert [each["type"] for each in _history(ours, execution)][-1] == "ExecutionTimedOut"


@differs_from_stock("assert")
def test_a_history_is_read_by_pages_from_either_end(aws: World) -> None:
    states, execution = aws.client("stepfunctions"), aws.start(PASS, {"a": 1})
    assert aws.ended(execution)["status"] == "SUCCEEDED"
    all_ids = [each["id"] for each in _history(aws, execution)]
    assert all_ids == [1, 2, 3, 4]
    first = states.get_execution_history(executionArn=execution, maxResults=3)
    assert [each["id"] for each in first["events"]] == [1, 2, 3]
    assert [each["id"] for each in _history(aws, execution, maxResults=1)] == all_ids
    newest = _history(aws, execution, reverseOrder=True, maxResults=3)
    assert [each["id"] for each in newest] == [4, 3, 2, 1]


@differs_from_stock("assert")
def test_a_history_is_read_without_what_went_in_and_came_out(aws: World) -> None:
    execution = aws.start(PASS, {"a": 1})
    assert aws.ended(execution)["status"] == "SUCCEEDED"
    shown = [
        each for each in _history(aws, execution, includeExecutionData=False) if "executionStartedEventDetails" in each
    ]
    assert "input" not in shown[0]["executionStartedEventDetails"]
    shown = [each for each in _history(aws, execution) if "executionStartedEventDetails" in each]
    assert json.loads(shown[0]["executionStartedEventDetails"]["input"]) == {"a": 1}


def test_a_page_is_bounded_and_a_token_is_one_of_ours(ours: World) -> None:
    states, execution = ours.client("stepfunctions"), ours.start(PASS)
    assert code_of(states.get_execution_history, executionArn=execution, maxResults=1001) == "ValidationException"
    assert code_of(states.get_execution_history, executionArn=execution, nextToken="else") == "InvalidToken"


def test_a_parallel_that_failed_names_the_failure_of_its_branch(ours: World) -> None:
    """As AWS recorded it: the event before ParallelStateFailed is the failure. Stock takes the newest event of any branch."""
    fails = {"StartAt": "Fails", "States": {"Fails": {"Type": "Fail", "Error": "Denied", "Cause": "no"}}}
    # Writes events until it is stopped, so that its last one is newer than the failure.
    again = {
        "Again": {"Type": "Pass", "Next": "Ask"},
        "Ask": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "Again"}]},
    }
    late = {"StartAt": "Late", "States": {"Late": {"Type": "Wait", "Seconds": 1, "Next": "Fails"}, **fails["States"]}}
    both = {"Type": "Parallel", "Branches": [late, {"StartAt": "Again", "States": again}], "End": True}
    execution = ours.start({"StartAt": "Both", "States": {"Both": both}})
    assert ours.ended(execution)["status"] == "FAILED"
    events = {each["id"]: each for each in _history(ours, execution)}
    closed = next(each for each in events.values() if each["type"] == "ParallelStateFailed")
    before = events[closed["previousEventId"]]
    assert before["type"] == "FailStateEntered", before
    assert closed["id"] - before["id"] > 1, "the other branch wrote nothing meanwhile"
