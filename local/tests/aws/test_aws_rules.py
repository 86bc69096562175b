"""EventBridge: which rules fire, what targets get, and what happens when a target does not take it."""

from __future__ import annotations

import datetime
import json
import time
from typing import Any

import pytest
from twin_worlds import HUB, NETWORK, World, code_of, differs_from_stock, fresh

from berth_local.aws import event_delivery


def _body(aws: World, url: str) -> Any:
    messages = aws.messages(url)
    assert messages, "nothing came"
    return json.loads(messages[0]["Body"])


@differs_from_stock("account")
def test_an_event_has_every_field_of_the_envelope(aws: World) -> None:
    url, arn = aws.queue()
    bus = aws.bus()
    aws.rule(bus, {"Arn": arn})
    event_id = aws.publish(bus, {"accountId": "1"})
    event = _body(aws, url)
    time_text = event.pop("time")
    datetime.datetime.strptime(time_text, "%Y-%m-%dT%H:%M:%SZ")
    assert event == {
        "version": "0",
        "id": event_id,
        "detail-type": "Thing Happened",
        "source": "test",
        "account": aws.home,
        "region": "us-east-1",
        "resources": [],
        "detail": {"accountId": "1"},
    }


@differs_from_stock("fired")
def test_a_disabled_rule_does_not_fire(aws: World) -> None:
    url, arn = aws.queue()
    bus = aws.bus()
    aws.rule(bus, {"Arn": arn}, State="DISABLED")
    aws.publish(bus)
    time.sleep(0.2)
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=url), "fired"


@differs_from_stock("fired")
def test_a_schedule_does_not_fire_on_events(aws: World) -> None:
    url, arn = aws.queue()
    events, name = aws.client("events"), fresh("rule")
    events.put_rule(Name=name, ScheduleExpression="rate(1 day)")
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    aws.publish("default")
    time.sleep(0.2)
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=url), "fired"


@differs_from_stock("detail-type")
def test_input_and_input_path_replace_the_event(aws: World) -> None:
    constant, constant_arn = aws.queue()
    part, part_arn = aws.queue()
    bus = aws.bus()
    aws.rule(bus, {"Arn": constant_arn, "Input": '{"fixed": true}'}, {"Arn": part_arn, "InputPath": "$.detail.account"})
    aws.publish(bus, {"account": {"id": "1"}})
    assert _body(aws, constant) == {"fixed": True}
    assert _body(aws, part) == {"id": "1"}


@differs_from_stock("500|Expecting|Invalid|nothing came|JSON")
def test_a_template_quotes_what_it_must(aws: World) -> None:
    url, arn = aws.queue()
    bus = aws.bus()
    transformer = {
        "InputPathsMap": {"name": "$.detail.name", "count": "$.detail.count", "gone": "$.detail.gone"},
        "InputTemplate": '{"name": <name>, "text": "is <name>", "count": <count>, "gone": <gone>, '
        '"rule": <aws.events.rule-name>, "whole": <aws.events.event.json>}',
    }
    rule = aws.rule(bus, {"Arn": arn, "InputTransformer": transformer})
    aws.publish(bus, {"name": 'The "Team"', "count": 3})
    found = _body(aws, url)
    assert found["whole"]["detail"]["count"] == 3
    del found["whole"]
    assert found == {"name": 'The "Team"', "text": 'is The "Team"', "count": 3, "gone": None, "rule": rule}


@differs_from_stock("500|Expr not defined|NotImplementedError|Internal|Exceeded|reached max retries")
def test_a_state_machine_is_a_target(aws: World) -> None:
    machine = aws.machine({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    bus = aws.bus()
    aws.rule(bus, {"Arn": machine, "RoleArn": f"arn:aws:iam::{HUB}:role/events"})
    aws.publish(bus, {"accountId": "7"})
    found = aws.eventually(lambda: aws.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"])
    execution = aws.ended(found[0]["executionArn"])
    assert json.loads(execution["input"])["detail"] == {"accountId": "7"}


@differs_from_stock("nothing came|500|NonExistent|does not exist")
def test_a_queue_may_be_in_another_account_and_region(aws: World) -> None:
    url, arn = aws.queue(NETWORK, "eu-west-1")
    bus = aws.bus()
    aws.rule(bus, {"Arn": arn})
    aws.publish(bus)
    assert aws.messages(url, account=NETWORK, region="eu-west-1"), "nothing came"


@differs_from_stock("500|NonExistent|does not exist|Internal")
def test_an_event_for_a_queue_that_is_gone_goes_to_the_dead_letter_queue(aws: World) -> None:
    dead, dead_arn = aws.queue()
    gone = f"arn:aws:sqs:us-east-1:{aws.home}:never-made"
    bus = aws.bus()
    rule = aws.rule(bus, {"Arn": gone, "DeadLetterConfig": {"Arn": dead_arn}})
    aws.publish(bus, {"accountId": "9"})
    messages = aws.messages(dead)
    assert messages, "nothing came"
    assert json.loads(messages[0]["Body"])["detail"] == {"accountId": "9"}
    attributes = {name: each["StringValue"] for name, each in messages[0]["MessageAttributes"].items()}
    assert attributes.pop("ERROR_MESSAGE")
    assert attributes == {
        "RULE_ARN": f"arn:aws:events:us-east-1:{aws.home}:rule/{bus}/{rule}",
        "TARGET_ARN": gone,
        "ERROR_CODE": "NO_RESOURCE",
        "RETRY_ATTEMPTS": "0",
    }


@differs_from_stock("delivered")
def test_a_queue_without_a_policy_for_eventbridge_gets_nothing(aws: World) -> None:
    url, arn = aws.queue(policy=False)
    dead, dead_arn = aws.queue()
    bus = aws.bus()
    aws.rule(bus, {"Arn": arn, "DeadLetterConfig": {"Arn": dead_arn}})
    aws.publish(bus)
    assert not aws.client("sqs").receive_message(QueueUrl=url).get("Messages"), "delivered"
    assert aws.messages(dead)[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


@differs_from_stock("500|Expr not defined|NotImplementedError|Internal")
def test_an_event_for_a_missing_function_goes_to_the_dead_letter_queue(aws: World) -> None:
    dead, dead_arn = aws.queue()
    bus = aws.bus()
    target = {
        "Arn": f"arn:aws:lambda:us-east-1:{aws.home}:function:never-made",
        "DeadLetterConfig": {"Arn": dead_arn},
    }
    aws.rule(bus, target)
    aws.publish(bus)
    messages = aws.messages(dead)
    assert messages, "nothing came"
    assert messages[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"


def _let_in(aws: World, bus: str, principal: object, condition: dict[str, Any] | None = None) -> dict[str, str]:
    """A policy of the bus that lets the principal in; an entry for that bus."""
    arn = f"arn:aws:events:us-east-1:{aws.home}:event-bus/{bus}"
    statement = {"Sid": "a", "Effect": "Allow", "Principal": principal, "Action": "events:PutEvents", "Resource": arn}
    if condition:
        statement["Condition"] = condition
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("events").put_permission(EventBusName=bus, Policy=policy)
    return {"EventBusName": arn, "Source": "test", "DetailType": "x", "Detail": "{}"}


@differs_from_stock("nothing came|does not exist|ResourceNotFound")
def test_a_bus_of_another_account_is_reached_by_its_arn(aws: World) -> None:
    bus = aws.bus()
    url, arn = aws.queue()
    aws.rule(bus, {"Arn": arn})
    entry = _let_in(aws, bus, {"AWS": f"arn:aws:iam::{NETWORK}:root"})
    aws.client("events", NETWORK).put_events(Entries=[entry])
    assert _body(aws, url)["account"] == NETWORK


@differs_from_stock("ResourceNotFound")
def test_a_bus_takes_another_accounts_events_only_by_its_policy(aws: World) -> None:
    bus = aws.bus()
    url, arn = aws.queue()
    aws.rule(bus, {"Arn": arn})
    network, own = aws.client("events", NETWORK), aws.client("events")
    elsewhere = {"StringEquals": {"aws:PrincipalOrgID": "o-elsewhere"}}
    for principal, condition in [({"AWS": f"arn:aws:iam::{HUB}:root"}, None), ("*", elsewhere)]:
        entry = _let_in(aws, bus, principal, condition)
        assert code_of(network.put_events, Entries=[entry]) == "AccessDeniedException", principal
    assert own.put_events(Entries=[entry])["FailedEntryCount"] == 0, "its own account needs no policy"
    assert _body(aws, url)["account"] == aws.home
    entry = _let_in(aws, bus, "*")
    assert network.put_events(Entries=[entry])["FailedEntryCount"] == 0


@differs_from_stock("nothing came|account|replay-name|assert")
def test_a_replay_respects_its_window_and_its_rules(aws: World) -> None:
    bus = aws.bus()
    (wanted, wanted_arn), (other, other_arn) = aws.queue(), aws.queue()
    bus_arn = f"arn:aws:events:us-east-1:{aws.home}:event-bus/{bus}"
    events, archive = aws.client("events"), fresh("archive")
    archive_arn = events.create_archive(ArchiveName=archive, EventSourceArn=bus_arn)["ArchiveArn"]
    aws.publish(bus, {"n": 1})
    rule = aws.rule(bus, {"Arn": wanted_arn})
    aws.rule(bus, {"Arn": other_arn})
    rule_arn = events.describe_rule(Name=rule, EventBusName=bus)["Arn"]
    now = datetime.datetime.now(datetime.UTC)

    def replay(start: int, end: int) -> None:
        events.start_replay(
            ReplayName=fresh("replay"),
            EventSourceArn=archive_arn,
            EventStartTime=now + datetime.timedelta(seconds=start),
            EventEndTime=now + datetime.timedelta(seconds=end),
            Destination={"Arn": bus_arn, "FilterArns": [rule_arn]},
        )

    replay(-7200, -3600)
    assert not aws.client("sqs").receive_message(QueueUrl=wanted).get("Messages"), (
        "replay outside of the window: assert"
    )
    replay(-60, 60)
    event = _body(aws, wanted)
    assert event["replay-name"].startswith("replay-")
    assert event["detail"] == {"n": 1}
    assert not aws.client("sqs").receive_message(QueueUrl=other).get("Messages")


def test_one_bad_entry_does_not_keep_the_others_back(ours: World) -> None:
    bus = ours.bus()
    good = {"EventBusName": bus, "Source": "test", "DetailType": "x", "Detail": "{}"}
    answer = ours.client("events").put_events(Entries=[{**good, "Detail": "{"}, good, {**good, "Source": ""}])
    assert answer["FailedEntryCount"] == 2
    assert [each.get("ErrorCode") for each in answer["Entries"]] == ["MalformedDetail", None, "InvalidArgument"]
    assert code_of(ours.client("events").put_events, Entries=[good] * 11) == "ValidationException"


def test_an_unreachable_target_is_retried_as_long_as_the_policy_says(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, str]] = []

    def keep(arn: str, body: str, rule_arn: str, attributes: dict[str, str]) -> None:
        sent.append(attributes)

    monkeypatch.setattr(event_delivery, "send_to_queue", keep)
    monkeypatch.setattr(event_delivery, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setenv("MOTO_PORT", "1")
    target = {
        "Arn": f"arn:aws:lambda:us-east-1:{HUB}:function:f",
        "DeadLetterConfig": {"Arn": "dead"},
        "RetryPolicy": {"MaximumRetryAttempts": 2},
    }
    event_delivery._until_delivered(event_delivery.Delivery("rule", target, {"id": "1", "time": "now"}), 0)
    assert len(sent) == 1
    assert sent[0]["ERROR_CODE"] == "CONNECTION_FAILURE"
    assert sent[0]["RETRY_ATTEMPTS"] == "2"
    assert sent[0]["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"


@differs_from_stock("FailedEntryCount|assert 0 == 1")
def test_nobody_but_a_service_may_speak_as_one(aws: World) -> None:
    answer = aws.client("events").put_events(
        Entries=[{"Source": "aws.controltower", "DetailType": "x", "Detail": "{}"}]
    )
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
