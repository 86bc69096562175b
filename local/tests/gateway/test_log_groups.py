"""What functions print is in their log group when somebody reads it, with the times that the lines say."""

from __future__ import annotations

import json

from tests.gateway.rig import Gateway


def printed(second: int, text: str) -> str:
    return json.dumps({"timestamp": f"2026-11-30T09:16:0{second}.035283774Z", "message": text})


def found(gateway: Gateway, group: str, **wanted: object) -> list[tuple[int, str]]:
    events = gateway.client("logs").filter_log_events(logGroupName=group, **wanted)["events"]
    return [(event["timestamp"], event["message"]) for event in events]


def test_lines_of_functions_that_share_a_group_are_found_by_what_they_say(gateway: Gateway) -> None:
    group = "/berth/shared"
    gateway.client("logs").create_log_group(logGroupName=group)
    names = [gateway.function(Tags={"berth:binary": "probe", "berth-local:log-group": group}) for _ in range(2)]
    for second, name in enumerate(names):
        gateway.invoke(name, {"do": "print", "text": printed(second, "about 111122223333")})
    about = found(gateway, group, filterPattern='"111122223333"')
    assert [(at, json.loads(line)["message"]) for at, line in about] == [
        (1796030160035, "about 111122223333"),
        (1796030161035, "about 111122223333"),
    ]
    assert found(gateway, group, filterPattern='"444455556666"') == []
    assert [at for at, _ in found(gateway, group, filterPattern='"about"', startTime=1796030161000)] == [1796030161035]
    streams = gateway.client("logs").describe_log_streams(logGroupName=group)["logStreams"]
    assert sorted(stream["logStreamName"].split("/")[3].split("[")[0] for stream in streams) == sorted(names)


def test_a_line_is_there_once_and_one_that_came_later_with_the_next_call(gateway: Gateway) -> None:
    name = gateway.function()
    group = f"/aws/lambda/{name}"
    gateway.client("logs").create_log_group(logGroupName=group)
    for number in range(1, 3):
        gateway.invoke(name, {"do": "print", "text": f"line {number}"})
        lines = [line for _, line in found(gateway, group, filterPattern='"line"')]
        assert lines == [f"line {each}\n" for each in range(1, number + 1)]
    assert any(line.startswith("START RequestId:") for _, line in found(gateway, group)), "and Lambda's own"


def test_a_group_that_does_not_exist_takes_nothing_and_nobody_notices(gateway: Gateway) -> None:
    name = gateway.function()
    assert gateway.invoke(name, {"do": "print", "text": "lost"})[1] is None
    assert gateway.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"] == []
    gateway.client("logs").create_log_group(logGroupName=f"/aws/lambda/{name}-other")
    assert found(gateway, f"/aws/lambda/{name}-other") == []
