"""RedriveExecution goes on at the state that failed, inside Parallel and Map too, and repeats nothing that had ended.

Stock moto has no redrive at all, as test_aws_executions.py shows; so these have no stock twin.
"""

from __future__ import annotations

import json
import threading
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager
from twin_worlds import World, code_of

from berth_local.aws.redrive import continued


def _send(url: str, body: str, **fields: Any) -> dict[str, Any]:
    """A task that sends a message, and fails as long as the queue is not there."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Arguments": {"QueueUrl": url, "MessageBody": body},
    }
    return {**task, **({} if "Next" in fields else {"End": True}), **fields}


def _entered(aws: World, execution: str) -> list[str]:
    pages = aws.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    return [each["stateEnteredEventDetails"]["name"] for each in pages if "stateEnteredEventDetails" in each]


def _bodies(aws: World, url: str, count: int) -> list[str]:
    return sorted(each["Body"] for each in aws.messages(url, count))


def _missing(aws: World) -> str:
    """The address of a queue that is not there yet."""
    url, _ = aws.queue()
    return url.replace("queue-", "later-")


def _appears(aws: World, url: str) -> None:
    aws.client("sqs").create_queue(QueueName=url.rsplit("/", 1)[1])


def _parallel(there: str, gone: str) -> dict[str, Any]:
    """Two variables, a branch that ends, and one with a Map of which the second item fails at its second state."""
    item = {
        "StartAt": "Look",
        "States": {
            "Look": {
                "Type": "Pass",
                "Assign": {"mine": "{% $states.input.name %}"},
                "Output": "{% $states.input %}",
                "Next": "Make",
            },
            "Make": _send("{% $states.input.url %}", "{% $shared & ' ' & $mine %}", Output="{% $mine %}"),
        },
    }
    regions = {
        "Type": "Map",
        "Items": [{"name": "west", "url": there}, {"name": "east", "url": gone}],
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **item},
        "MaxConcurrency": 1,  # one after the other, so that the first has ended when the second fails
        "Next": "Sum",
    }
    total = {"Type": "Pass", "Output": "{% $join($states.input, '+') %}", "End": True}
    # The branch with the roles has ended before the other one fails.
    later = {"Type": "Wait", "Seconds": 1, "Next": "Regions"}
    branches = [
        {"StartAt": "Roles", "States": {"Roles": _send(there, "roles", Output="roles")}},
        {"StartAt": "Later", "States": {"Later": later, "Regions": regions, "Sum": total}},
    ]
    both = {"Type": "Parallel", "Branches": branches, "Output": "{% $states.result %}", "End": True}
    first = {"Type": "Pass", "Assign": {"shared": "{% $states.input.word %}"}, "Next": "Both"}
    return {"StartAt": "First", "States": {"First": first, "Both": both}}


def test_of_a_parallel_and_a_map_only_what_failed_runs_again(ours: World) -> None:
    there, _ = ours.queue()
    gone = _missing(ours)
    execution = ours.start(_parallel(there, gone), {"word": "hello"})
    assert ours.ended(execution)["status"] == "FAILED"
    before = _entered(ours, execution)
    assert before.count("Make") == 2, before
    _appears(ours, gone)
    ours.client("stepfunctions").redrive_execution(executionArn=execution)
    found = ours.ended(execution)
    assert (found["status"], found["redriveCount"]) == ("SUCCEEDED", 1), found.get("cause")
    assert json.loads(found["output"]) == ["roles", "west+east"], "outputs of what had ended are kept, in order"
    assert _bodies(ours, gone, 1) == ["hello east"], "variables of the machine and of the item are kept"
    assert _bodies(ours, there, 3) == ["hello west", "roles"], "nothing that had ended ran again"
    after = _entered(ours, execution)
    assert after[: len(before)] == before, "one history"
    assert after[len(before) :] == ["Both", "Regions", "Make", "Sum"]


def test_a_redrive_can_fail_and_be_redriven_again(ours: World) -> None:
    there, _ = ours.queue()
    gone = _missing(ours)
    execution = ours.start(_parallel(there, gone), {"word": "hello"})
    assert ours.ended(execution)["status"] == "FAILED"
    states = ours.client("stepfunctions")
    states.redrive_execution(executionArn=execution)
    again = ours.ended(execution)
    assert (again["status"], again["redriveCount"]) == ("FAILED", 1)
    _appears(ours, gone)
    states.redrive_execution(executionArn=execution)
    found = ours.ended(execution)
    assert (found["status"], found["redriveCount"]) == ("SUCCEEDED", 2)
    assert _bodies(ours, there, 3) == ["hello west", "roles"]


def test_a_retry_of_a_parallel_repeats_all_of_it(ours: World) -> None:
    there, _ = ours.queue()
    branches = [
        {"StartAt": "Good", "States": {"Good": _send(there, "good")}},
        {
            "StartAt": "Wait",
            "States": {
                "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Bad"},
                "Bad": {"Type": "Fail", "Error": "Conflict", "Cause": "again"},
            },
        },
    ]
    retry = [{"ErrorEquals": ["Conflict"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1}]
    both = {"Type": "Parallel", "Branches": branches, "Retry": retry, "End": True}
    found = ours.ended(ours.start({"StartAt": "Both", "States": {"Both": both}}))
    assert found["status"] == "FAILED"
    assert _bodies(ours, there, 3) == ["good", "good"]


def test_stopped_and_timed_out_executions_go_on_too(ours: World) -> None:
    states = ours.client("stepfunctions")
    for status in ("ABORTED", "TIMED_OUT"):
        url, _ = ours.queue()
        later = _missing(ours)
        waits = _send(later, "x", Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 100}])
        definition = {"StartAt": "Done", "States": {"Done": _send(url, "done", Next="Waits"), "Waits": waits}}
        limit = {"TimeoutSeconds": 2} if status == "TIMED_OUT" else {}
        execution = ours.start({**definition, **limit})
        ours.messages(url)
        if status == "ABORTED":
            states.stop_execution(executionArn=execution, cause="enough")
        assert ours.ended(execution)["status"] == status
        _appears(ours, later)
        states.redrive_execution(executionArn=execution)
        found = ours.ended(execution)
        assert found["status"] == "SUCCEEDED", found.get("cause")
        assert _entered(ours, execution) == ["Done", "Waits", "Waits"]


def test_a_redrive_keeps_the_definition_that_the_execution_began_with(ours: World) -> None:
    states = ours.client("stepfunctions")
    later = _missing(ours)
    execution = ours.start({"StartAt": "A", "States": {"A": _send(later, "old")}}, {})
    assert ours.ended(execution)["status"] == "FAILED"
    machine = states.describe_execution(executionArn=execution)["stateMachineArn"]
    began = states.describe_state_machine(stateMachineArn=machine)["definition"]
    states.update_state_machine(stateMachineArn=machine, definition=began.replace('"old"', '"new"'))
    assert states.describe_state_machine_for_execution(executionArn=execution)["definition"] == began
    assert states.describe_state_machine(stateMachineArn=machine)["definition"] != began
    _appears(ours, later)
    states.redrive_execution(executionArn=execution)
    assert ours.ended(execution)["status"] == "SUCCEEDED"
    assert _bodies(ours, later, 1) == ["old"]


def test_of_many_redrives_at_once_one_is_taken(ours: World) -> None:
    states = ours.client("stepfunctions")
    later = _missing(ours)
    execution = ours.start({"StartAt": "A", "States": {"A": _send(later, "x")}})
    assert ours.ended(execution)["status"] == "FAILED"
    _appears(ours, later)
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(code_of(states.redrive_execution, executionArn=execution)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["ExecutionNotRedrivable"] * 7 + ["none"]
    assert ours.ended(execution)["status"] == "SUCCEEDED"
    assert _bodies(ours, later, 2) == ["x"]


def test_late_reports_of_the_run_before_are_not_in_a_redrives_history() -> None:
    before = EventManager()

    def add(to: EventManager, kind: HistoryEventType) -> None:
        to.add_event(context=EventHistoryContext.of_program_start(), event_type=kind)

    add(before, HistoryEventType.ExecutionFailed)
    rest = continued(before)
    add(rest, HistoryEventType.ExecutionRedriven)
    add(before, HistoryEventType.TaskFailed)
    add(rest, HistoryEventType.ExecutionSucceeded)
    events = [(event["id"], event["type"]) for event in rest.get_event_history()]
    assert events == [(1, "ExecutionFailed"), (2, "ExecutionRedriven"), (3, "ExecutionSucceeded")]
