"""infra/hub.yaml, loaded into a stock moto: what the template says is what there is."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from declared import FUNCTIONS

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.children import Child, stop_all
from berth_local.faults import LocalError
from berth_local.ports import free_port, wait_for_answer
from berth_local.stack.intrinsics import Resolver
from berth_local.stack.load import Stack, _values, load
from berth_local.stack.resources.maker import Target
from berth_local.stack.translate import translate

sys.path.insert(0, str(Path(__file__).parent))
from whole import PARAMETERS

TEMPLATE = Path(__file__).resolve().parents[3] / "infra" / "hub.yaml"


@dataclass
class Loaded:
    """The stack and the account that it is in."""

    access: Access
    target: Target
    stack: Stack
    template: dict[str, Any]

    def client(self, service: str) -> Any:
        return self.target.client(service)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    yield from _loaded(tmp_path_factory.mktemp("moto"), PARAMETERS)


def _loaded(folder: Path, parameters: dict[str, str]) -> Iterator[Loaded]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    child = Child("moto", command, os.environ, folder / "log")
    try:
        wait_for_answer(child, port, "/moto-api/", lambda: False)
        access = Access(f"http://127.0.0.1:{port}")
        credentials: Credentials = access.first_keys(names.HUB_ACCOUNT, "tester")
        target = Target(access, credentials, names.HOME_REGION)
        template = translate(TEMPLATE, names.HOME_REGION)
        yield Loaded(access, target, load(template, parameters, target), template)
    finally:
        stop_all([child])


def test_every_resource_of_the_template_was_made(hub: Loaded) -> None:
    asked_for = {name for name, each in hub.template["Resources"].items() if each.get("Condition") != "HasOwnKey"}
    assert hub.stack.made.keys() == asked_for


def test_the_functions_are_as_the_template_says(hub: Loaded) -> None:
    client = hub.client("lambda")
    found = {each["FunctionName"]: each for each in client.list_functions()["Functions"]}
    assert found.keys() == {f"berth-{name}" for name in FUNCTIONS}
    for name in FUNCTIONS:
        function = found[f"berth-{name}"]
        assert (function["Runtime"], function["Architectures"], function["MemorySize"]) == (
            "provided.al2023", ["arm64"], 512,
        )  # fmt: skip
        assert function["Role"] == f"arn:aws:iam::{names.HUB_ACCOUNT}:role/berth-{name}"
        assert client.list_tags(Resource=function["FunctionArn"])["Tags"]["berth:binary"] == name
    assert found["berth-commit-tenant"]["Timeout"] == 120


def test_functions_get_the_environment_of_the_contract(hub: Loaded) -> None:
    def variables(name: str) -> dict[str, str]:
        return hub.client("lambda").get_function_configuration(FunctionName=f"berth-{name}")["Environment"]["Variables"]

    machine = f"arn:aws:states:us-east-1:{names.HUB_ACCOUNT}:stateMachine:berth-onboard-account"
    for name in FUNCTIONS:
        assert variables(name)["BERTH_LEDGER_TABLE"] == "berth-ledger"
        assert variables(name)["BERTH_EXTERNAL_ID"] == names.EXTERNAL_ID
    assert variables("plan-onboarding")["BERTH_PLATFORM"] == "/opt/platform.yaml"
    assert variables("accept-event")["BERTH_STATE_MACHINE_ARN"] == machine
    assert variables("announce-outcome")["BERTH_BUS"] == "berth-accounts"
    assert variables("commit-tenant")["BERTH_GITOPS_SECRET"] == PARAMETERS["GitOpsSecretArn"]
    assert variables("commit-tenant")["BERTH_GITOPS_BRANCH"] == "main"


def test_each_queue_redrives_to_its_own_dead_letter_queue(hub: Loaded) -> None:
    client = hub.client("sqs")
    for name, visibility, receives in (
        ("berth-intake", "180", 20),
        ("berth-commits", "720", 5),
        ("berth-outcomes", "180", 5),
    ):
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        redrive = json.loads(attributes["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"].endswith(f":{name}-dlq")
        assert redrive["maxReceiveCount"] == receives
        assert attributes["VisibilityTimeout"] == visibility


def test_only_the_rules_may_send_to_the_intake_queue(hub: Loaded) -> None:
    client = hub.client("sqs")
    url = client.get_queue_url(QueueName="berth-intake")["QueueUrl"]
    policy = json.loads(client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    (statement,) = policy["Statement"]
    rules = {rule["Arn"] for rule in hub.client("events").list_rules(EventBusName="berth-accounts")["Rules"]}
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert set(statement["Condition"]["ArnEquals"]["aws:SourceArn"]) <= rules
    assert len(statement["Condition"]["ArnEquals"]["aws:SourceArn"]) == 5


def test_every_rule_has_a_target_with_a_dead_letter_queue(hub: Loaded) -> None:
    client = hub.client("events")
    rules = [("berth-onboarding-ended", "default")]
    rules += [
        (rule["Name"], "berth-accounts")
        for rule in client.list_rules(EventBusName="berth-accounts")["Rules"]
        if not rule["Name"].startswith("Events-Archive")
    ]
    assert len(rules) == 6
    for rule, bus in rules:
        (target,) = client.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]
        assert target["DeadLetterConfig"]["Arn"] == f"{target['Arn']}-dlq"


def test_the_schedule_invokes_the_sweep_with_nothing_but_an_empty_request(hub: Loaded) -> None:
    rule = hub.client("events").describe_rule(Name="berth-sweep-accounts")
    assert (rule["ScheduleExpression"], rule["State"], rule.get("EventPattern")) == ("rate(1 hour)", "ENABLED", None)
    (target,) = hub.client("events").list_targets_by_rule(Rule="berth-sweep-accounts")["Targets"]
    assert target["Input"] == "{}"
    policy = json.loads(hub.client("lambda").get_policy(FunctionName="berth-sweep-accounts")["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"]["ArnLike"]["AWS:SourceArn"] == rule["Arn"]
    assert statement["Resource"] == target["Arn"]


def test_every_alarm_watches_something_that_exists_and_tells_the_topic(hub: Loaded) -> None:
    alarms = {each["AlarmName"]: each for each in hub.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    queues = {url.rsplit("/", 1)[1] for url in hub.client("sqs").list_queues()["QueueUrls"]}
    onboard = hub.stack.outputs["StateMachineArn"]
    machines = [onboard, onboard.replace("onboard", "offboard")]
    watched = set()
    for alarm in alarms.values():
        (dimension,) = alarm["Dimensions"]
        exists = {
            "QueueName": queues,
            "FunctionName": {f"berth-{name}" for name in FUNCTIONS},
            "StateMachineArn": set(machines),
            "Function": {"sweep-accounts"},
            "Fault": {"Bug"},  # tests/tests/contract/metrics.rs holds Berth's own metrics to what is emitted
        }
        assert dimension["Value"] in exists[dimension["Name"]]
        watched.add((dimension["Value"], alarm["MetricName"]))
        assert (
            alarm["AlarmActions"] == alarm["OKActions"] == [f"arn:aws:sns:us-east-1:{names.HUB_ACCOUNT}:berth-alarms"]
        )
    assert watched == {
        ("berth-intake", "ApproximateAgeOfOldestMessage"),
        ("berth-intake", "ApproximateNumberOfMessagesVisible"),
        ("berth-intake-dlq", "ApproximateNumberOfMessagesVisible"),
        ("berth-commits-dlq", "ApproximateNumberOfMessagesVisible"),
        ("berth-outcomes-dlq", "ApproximateNumberOfMessagesVisible"),
        ("berth-complete-merges", "Errors"),
        *((machine, f"Executions{how}") for machine in machines for how in ("Failed", "TimedOut", "Aborted")),
        ("Bug", "Invocations"),
        ("berth-sweep-accounts", "Errors"),
        ("berth-sweep-accounts", "Invocations"),
        ("sweep-accounts", "OldestApprovalSeconds"),
        ("berth-detect-drift", "Errors"),
        ("berth-prove-isolation", "Errors"),
        ("berth-prove-isolation", "Invocations"),
    }
    assert alarms["berth-sweep-missed"]["TreatMissingData"] == "breaching"
    assert alarms["berth-intake-dlq-depth"]["Threshold"] == 1.0


def test_the_dashboard_shows_what_was_made_and_no_placeholder_is_left(hub: Loaded) -> None:
    text = hub.client("cloudwatch").get_dashboard(DashboardName="berth")["DashboardBody"]
    assert "${" not in text
    widgets = json.loads(text)["widgets"]
    metrics = [metric for widget in widgets for metric in widget["properties"].get("metrics", [])]
    machines = {metric[3] for metric in metrics if metric[0] == "AWS/States"}
    assert machines == set(machines)
    queues = {url.rsplit("/", 1)[1] for url in hub.client("sqs").list_queues()["QueueUrls"]}
    assert {metric[3] for metric in metrics if metric[0] == "AWS/SQS"} == queues
    (log,) = (widget for widget in widgets if widget["type"] == "log")
    assert log["properties"]["query"].startswith("SOURCE '/berth/functions' | ")


def test_functions_and_state_machine_are_traced(hub: Loaded) -> None:
    for function in hub.client("lambda").list_functions()["Functions"]:
        assert function["TracingConfig"]["Mode"] == "Active", function["FunctionName"]
    machine = hub.template["Resources"]["OnboardAccount"]["Properties"]
    assert machine["TracingConfiguration"] == {"Enabled": True}


def test_a_topic_of_ones_own_replaces_ours_and_no_sweep_is_missed() -> None:
    values = {**PARAMETERS, "AlarmTopicArn": "arn:aws:sns:us-east-1:210987654321:pager", "SweepState": "DISABLED"}
    template = translate(TEMPLATE, names.HOME_REGION)
    target = Target(Access("http://127.0.0.1:1"), Credentials(names.HUB_ACCOUNT, "key", "secret"), names.HOME_REGION)
    resolver = Resolver(_values(template, values, target), template["Conditions"], {})
    assert not resolver.holds("OwnAlarmTopic", "test") and not resolver.holds("SweepIsScheduled", "test")
    alarm = template["Resources"]["SweepFailedAlarm"]["Properties"]
    assert resolver.resolve(alarm["AlarmActions"], "test") == ["arn:aws:sns:us-east-1:210987654321:pager"]
    assert template["Resources"]["AlarmTopic"]["Condition"] == "OwnAlarmTopic"
    assert template["Resources"]["SweepMissedAlarm"]["Condition"] == "SweepIsScheduled"


@pytest.mark.parametrize(("batching", "messages", "seconds"), [("single", 1, 0), ("batched", 100, 2)])
def test_a_tenant_is_a_commit_of_its_own_where_batching_is_off(batching: str, messages: int, seconds: int) -> None:
    template = translate(TEMPLATE, names.HOME_REGION)
    target = Target(Access("http://127.0.0.1:1"), Credentials(names.HUB_ACCOUNT, "key", "secret"), names.HOME_REGION)
    values = _values(template, {**PARAMETERS, "CommitBatching": batching}, target)
    allowed = template["Parameters"]["CommitBatching"]["AllowedValues"]
    assert batching in allowed, allowed
    chosen = template["Mappings"]["CommitBatching"][values["CommitBatching"]]
    assert (chosen["Messages"], chosen["WindowSeconds"]) == (messages, seconds)


def test_the_bus_admits_the_organization_only(hub: Loaded) -> None:
    policy = json.loads(hub.client("events").describe_event_bus(Name="berth-accounts")["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": names.ORGANIZATION_ID}}


def test_the_event_sources_answer_for_each_message(hub: Loaded) -> None:
    mappings = hub.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    found = {each["EventSourceArn"].rsplit(":", 1)[1]: each for each in mappings}
    assert found.keys() == {"berth-intake", "berth-commits", "berth-outcomes"}
    commits = found["berth-commits"]
    assert (commits["BatchSize"], commits["MaximumBatchingWindowInSeconds"]) == (100, 2)
    assert found["berth-commits"]["FunctionArn"].endswith("berth-commit-tenant")


def test_batching_can_be_switched_off(tmp_path: Path) -> None:
    for hub in _loaded(tmp_path, PARAMETERS | {"CommitBatching": "single"}):
        mappings = hub.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        (commits,) = (each for each in mappings if each["EventSourceArn"].endswith(":berth-commits"))
        assert (commits["BatchSize"], commits["MaximumBatchingWindowInSeconds"]) == (1, 0)


def test_the_state_machine_has_every_placeholder_replaced(hub: Loaded) -> None:
    machine = hub.client("stepfunctions").describe_state_machine(stateMachineArn=hub.stack.outputs["StateMachineArn"])
    definition = machine["definition"]
    assert "${" not in definition
    assert f"arn:aws:lambda:us-east-1:{names.HUB_ACCOUNT}:function:berth-plan-onboarding" in definition
    assert machine["loggingConfiguration"]["level"] == "ERROR"
    assert machine["loggingConfiguration"]["includeExecutionData"] is False
    assert json.loads(definition)["QueryLanguage"] == "JSONata"


def test_onboardings_start_by_an_alias_that_points_to_a_version(hub: Loaded) -> None:
    client = hub.client("stepfunctions")
    machine = hub.stack.outputs["StateMachineArn"]
    alias = client.describe_state_machine_alias(stateMachineAliasArn=f"{machine}:live")
    assert alias["routingConfiguration"] == [{"stateMachineVersionArn": f"{machine}:1", "weight": 100}]


def test_a_key_on_request_encrypts_queues_ledger_and_logs(hub: Loaded, tmp_path: Path) -> None:
    assert not [each for each in hub.client("kms").list_aliases()["Aliases"] if each["AliasName"] == "alias/berth"]
    for own in _loaded(tmp_path, PARAMETERS | {"EncryptionKey": "own"}):
        key = own.client("kms").describe_key(KeyId="alias/berth")["KeyMetadata"]
        assert own.client("kms").get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is True
        sqs = own.client("sqs")
        for url in sqs.list_queues()["QueueUrls"]:
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            assert (attributes["KmsMasterKeyId"], attributes["SqsManagedSseEnabled"]) == (key["KeyId"], "false"), url
        table = own.client("dynamodb").describe_table(TableName="berth-ledger")["Table"]
        assert key["KeyId"] in table["SSEDescription"]["KMSMasterKeyArn"]
        groups = own.client("logs").describe_log_groups()["logGroups"]
        assert groups and all(each["kmsKeyId"] == key["Arn"] for each in groups)


def test_the_ledger_is_protected(hub: Loaded) -> None:
    client = hub.client("dynamodb")
    table = client.describe_table(TableName="berth-ledger")["Table"]
    assert table["DeletionProtectionEnabled"] is True
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    backups = client.describe_continuous_backups(TableName="berth-ledger")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_role_may_do_what_its_function_needs_and_no_more(hub: Loaded) -> None:
    policy = hub.client("iam").get_role_policy(RoleName="berth-accept-event", PolicyName="accept-event")
    actions = {
        (action, resource)
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        for resource in [statement["Resource"]]
    }
    assert ("states:StartExecution", hub.stack.outputs["StateMachineArn"]) in actions
    assert not any("*" in action or resource == "*" for action, resource in actions)


def test_loading_twice_stops_at_the_first_thing_that_is_there(hub: Loaded) -> None:
    with pytest.raises(LocalError, match="could not be made"):
        load(hub.template, PARAMETERS, hub.target)
