"""All templates of infra/, in the accounts where they belong; and a change in one of them shows, with nothing else changed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from berth_local import names
from berth_local.faults import LocalError
from berth_local.stack.installation import AFTER_THE_HUB, HUB, TENANT, translated
from berth_local.stack.translate import translate

sys.path.insert(0, str(Path(__file__).parent))
from whole import INFRA, Whole, whole

TEMPLATES = sorted([HUB, TENANT, *AFTER_THE_HUB])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole(tmp_path_factory.mktemp("whole")) as made:
        yield made


@pytest.fixture
def infra(tmp_path: Path) -> Path:
    """A copy of the templates, to be changed."""
    shutil.copytree(INFRA.parent / "statemachines", tmp_path / "statemachines")
    return shutil.copytree(INFRA, tmp_path / "infra")


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert text.count(before) == 1, f"{file.name} has {before!r} {text.count(before)} times"
    file.write_text(text.replace(before, after))


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_the_transform_makes_of_a_template_has_no_sam_left_in_it(name: str) -> None:
    made = translate(INFRA / name, names.HOME_REGION)
    assert not [each for each in made["Resources"].values() if each["Type"].startswith("AWS::Serverless::")]
    assert "Transform" not in made
    assert "${" not in json.dumps([each for each in made["Resources"] if "${" in each])


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name != HUB])
def test_only_the_hub_has_compute(name: str) -> None:
    kinds = {each["Type"] for each in translate(INFRA / name, names.HOME_REGION)["Resources"].values()}
    elsewhere = ("AWS::Lambda::", "AWS::StepFunctions::", "AWS::EC2::", "AWS::ECS::", "AWS::CodeBuild::")
    assert not [kind for kind in kinds if kind.startswith(elsewhere)]


def test_every_template_of_the_folder_has_its_place(infra: Path) -> None:
    assert translated(infra).keys() == {HUB, *AFTER_THE_HUB}
    (infra / "more.yaml").write_text("Resources: {}\n")
    with pytest.raises(LocalError, match=r"nobody said where .*more\.yaml is deployed"):
        translated(infra)


def test_every_resource_of_every_template_was_made(installed: Whole) -> None:
    for name, stack in installed.stacks.items():
        conditional = {key for key, each in installed.templates[name]["Resources"].items() if "Condition" in each}
        assert installed.templates[name]["Resources"].keys() - conditional <= stack.made.keys(), name


def rules_of(whole: Whole, region: str) -> dict[str, dict[str, Any]]:
    events = whole.client("events", whole.core.management, region)
    return {each["Name"]: json.loads(each["EventPattern"]) for each in events.list_rules()["Rules"]}


def test_each_service_is_forwarded_from_its_region_to_the_hub(installed: Whole) -> None:
    home, control_tower = (rules_of(installed, region) for region in (names.HOME_REGION, names.CONTROL_TOWER_REGION))
    assert home.keys() == {"berth-forward-organizations-results", "berth-forward-organizations-calls"}
    assert control_tower.keys() == {"berth-forward-control-tower"}
    forwarded = [*home.values(), *control_tower.values()]
    hub = installed.client("events").list_rules(EventBusName=names.BUS)["Rules"]
    taken = [
        json.loads(each["EventPattern"]) for each in hub if each["Name"].startswith(("berth-organ", "berth-contr"))
    ]
    for pattern in taken:  # any account of the organization may reach the bus, so the hub asks for the sender too
        assert pattern.pop("account") == [names.MANAGEMENT_ACCOUNT]
    assert sorted(map(json.dumps, forwarded)) == sorted(map(json.dumps, taken))


def test_control_tower_in_the_home_region_needs_one_forwarding_template(infra: Path, tmp_path: Path) -> None:
    template = translate(infra / "management.yaml", names.HOME_REGION)
    assert template["Resources"]["ControlTowerForwarder"]["Condition"] == "ControlTowerIsHere"
    elsewhere = translate(infra / "management-home.yaml", names.CONTROL_TOWER_REGION)
    (here, there) = (each["Resources"]["ControlTowerForwarder"]["Properties"] for each in (template, elsewhere))
    assert here == there


def test_every_forwarder_has_a_role_and_a_dead_letter_queue(installed: Whole) -> None:
    for region in (names.HOME_REGION, names.CONTROL_TOWER_REGION):
        events = installed.client("events", installed.core.management, region)
        for rule in events.list_rules()["Rules"]:
            (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
            assert target["Arn"] == installed.stacks[HUB].outputs["AccountsBusArn"]
            assert target["RoleArn"].startswith(f"arn:aws:iam::{names.MANAGEMENT_ACCOUNT}:role/berth-forward-")
            assert target["DeadLetterConfig"]["Arn"].split(":")[3:] == [
                region, names.MANAGEMENT_ACCOUNT, "berth-forward-dlq",
            ]  # fmt: skip


def test_only_an_account_that_enters_an_onboarded_unit_gets_the_tenant_role(installed: Whole) -> None:
    tenant = installed.account("payments-dev")
    role = installed.client("iam", tenant).get_role(RoleName=names.TENANT_ROLE)["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"]["StringEquals"] == {
        "aws:PrincipalOrgID": names.ORGANIZATION_ID,
        "sts:ExternalId": names.EXTERNAL_ID,
    }
    (stack_set,) = installed.stack_sets
    onboarded = {names.ORGANIZATIONAL_UNITS[environment] for environment in names.ENVIRONMENTS}
    assert set(stack_set["units"]) == onboarded
    assert names.ORGANIZATIONAL_UNITS["suspended"] not in onboarded


def test_no_role_of_a_tenant_can_be_made_without_the_boundary(installed: Whole) -> None:
    (stack_set,) = installed.stack_sets
    resources = stack_set["template"]["Resources"].values()
    policies = [each["Properties"]["PolicyDocument"] for each in resources if each["Type"] == "AWS::IAM::ManagedPolicy"]
    makes = [
        each
        for policy in policies
        for each in policy["Statement"]
        if each["Effect"] == "Allow"
        and {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"} & {*each["Action"]}
    ]
    assert makes
    assert all("iam:PermissionsBoundary" in each["Condition"]["StringLike"] for each in makes)


def test_a_tenant_template_with_a_transform_is_refused(infra: Path) -> None:
    tenant = infra / TENANT
    tenant.write_text("Transform: AWS::Serverless-2016-10-31\n" + tenant.read_text())
    with pytest.raises(LocalError, match=r"tenant\.yaml has a Transform"):
        translated(infra)


def test_a_change_in_the_templates_alone_changes_the_local_aws(infra: Path, tmp_path: Path) -> None:
    change(infra / HUB, "eventName: [CreateManagedAccount, UpdateManagedAccount]", "eventName: [OnlyThis]")
    change(infra / HUB, "      Timeout: 50\n", "      Timeout: 47\n")
    change(infra / HUB, "MemorySize: 512", "MemorySize: 640")
    change(infra / HUB, "VisibilityTimeout: 720", "VisibilityTimeout: 733")
    change(infra / "management-home.yaml", "[CreateManagedAccount, UpdateManagedAccount]", "[OnlyThat]")
    change(infra / "network.yaml", "            - ec2:AcceptTransitGatewayVpcAttachment\n", "")
    change(
        infra.parent / "statemachines" / "onboard-account.asl.json", '"TimeoutSeconds": 2692800', '"TimeoutSeconds": 61'
    )
    folder = tmp_path / "aws"
    folder.mkdir()
    with whole(folder, infra) as made:
        rule = made.client("events").describe_rule(Name="berth-control-tower-accounts", EventBusName=names.BUS)
        assert json.loads(rule["EventPattern"])["detail"] == {"eventName": ["OnlyThis"]}
        function = made.client("lambda").get_function_configuration(FunctionName="berth-complete-merges")
        assert (function["Timeout"], function["MemorySize"]) == (47, 640)
        url = made.client("sqs").get_queue_url(QueueName="berth-commits")["QueueUrl"]
        attributes = made.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert attributes["VisibilityTimeout"] == "733"
        arn = made.stacks[HUB].outputs["StateMachineArn"]
        machine = made.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
        assert json.loads(machine["definition"])["TimeoutSeconds"] == 61
        forwarder = rules_of(made, names.CONTROL_TOWER_REGION)["berth-forward-control-tower"]
        assert forwarder["detail"] == {"eventName": ["OnlyThat"]}
        policy = made.client("iam", made.core.network).get_role_policy(
            RoleName=names.NETWORK_ROLE, PolicyName="attach-transit-gateway"
        )
        assert "ec2:AcceptTransitGatewayVpcAttachment" not in json.dumps(policy["PolicyDocument"])
