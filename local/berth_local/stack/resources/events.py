"""EventBridge buses, their policies, archives and rules (CreateEventBus, PutPermission, CreateArchive, PutRule, PutTargets)."""

from __future__ import annotations

import json

from berth_local.faults import LocalError
from berth_local.stack.intrinsics import Made
from berth_local.stack.resources.maker import Maker, Properties, Target, maker, picked


def _bus(target: Target, properties: Properties) -> Made:
    arn = target.client("events").create_event_bus(**properties)["EventBusArn"]
    return Made(properties["Name"], {"Arn": arn, "Name": properties["Name"], "Policy": ""})


def _bus_policy(target: Target, properties: Properties) -> Made:
    """CloudFormation gives one statement at a time; the API takes the whole document."""
    client = target.client("events")
    bus = properties.get("EventBusName", "default")
    kept = json.loads(client.describe_event_bus(Name=bus).get("Policy") or '{"Statement": []}')["Statement"]
    own = {"Sid": properties["StatementId"], **properties["Statement"]}
    client.put_permission(EventBusName=bus, Policy=json.dumps({"Version": "2012-10-17", "Statement": [*kept, own]}))
    return Made(properties["StatementId"])


def _archive(target: Target, properties: Properties) -> Made:
    request = picked(properties, "ArchiveName Description RetentionDays")
    request["EventSourceArn"] = properties["SourceArn"]
    if "EventPattern" in properties:
        request["EventPattern"] = json.dumps(properties["EventPattern"])
    arn = target.client("events").create_archive(**request)["ArchiveArn"]
    return Made(properties["ArchiveName"], {"Arn": arn, "ArchiveName": properties["ArchiveName"]})


def _rule(target: Target, properties: Properties) -> Made:
    client = target.client("events")
    request = picked(properties, "Name Description EventBusName ScheduleExpression State RoleArn Tags")
    if "EventPattern" in properties:
        request["EventPattern"] = json.dumps(properties["EventPattern"])
    arn = client.put_rule(**request)["RuleArn"]
    if properties.get("Targets"):
        bus = picked(properties, "EventBusName")
        refused = client.put_targets(Rule=properties["Name"], Targets=properties["Targets"], **bus)["FailedEntries"]
        if refused:
            raise LocalError(f"EventBridge refused targets of {properties['Name']}: {refused[0]['ErrorMessage']}")
    return Made(properties["Name"], {"Arn": arn})


MAKERS: dict[str, Maker] = {
    "AWS::Events::EventBus": maker(_bus, "Description Name Tags"),
    "AWS::Events::EventBusPolicy": maker(_bus_policy, "EventBusName Statement StatementId"),
    "AWS::Events::Archive": maker(_archive, "ArchiveName Description EventPattern RetentionDays SourceArn"),
    "AWS::Events::Rule": maker(
        _rule, "Description EventBusName EventPattern Name RoleArn ScheduleExpression State Tags Targets"
    ),
}
