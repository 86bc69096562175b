"""The roles of infra/ as they are deployed: their policies with every parameter filled in, without any AWS."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from berth_local import names
from berth_local.authorization.evaluate import Policies
from berth_local.stack.intrinsics import Made, Resolver
from berth_local.stack.translate import translate

ROOT = Path(__file__).resolve().parents[3]
TENANT = "111122223333"
CLUSTER = "510987654321"
PARAMETERS = {
    "AWS::Partition": "aws",
    "AWS::Region": names.HOME_REGION,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "berth",
    "OrganizationId": "o-exampleorg1",
    "ManagementAccountId": names.MANAGEMENT_ACCOUNT,
    "NetworkAccountId": names.NETWORK_ACCOUNT,
    "HubAccountId": names.HUB_ACCOUNT,
    "PlatformExternalId": "berth-example",
    "ClusterNames": "shared-*",
    "PodRoles": "tenant-pods",
    "GitOpsSecretArn": "arn:aws:secretsmanager:us-east-1:210987654321:secret:berth/gitops-abc",
    "OrganizationalUnitIds": ["ou-ab12-dev00001"],
    "RouteTableArns": [
        f"arn:aws:ec2:eu-west-1:{names.NETWORK_ACCOUNT}:transit-gateway-route-table/{each}"
        for each in ("tgw-rtb-0spoke", "tgw-rtb-0shared")
    ],
}
ACCOUNTS = {
    "hub.yaml": names.HUB_ACCOUNT,
    "tenant.yaml": TENANT,
    "network.yaml": names.NETWORK_ACCOUNT,
    "sign-in.yaml": names.MANAGEMENT_ACCOUNT,
    "management.yaml": names.MANAGEMENT_ACCOUNT,
    "cluster.yaml": CLUSTER,
    "guardrails.yaml": names.MANAGEMENT_ACCOUNT,
}


@cache
def resources(template: str) -> dict[str, Any]:
    """The resources of a template, every function of CloudFormation resolved."""
    made = translate(ROOT / "infra" / template, names.HOME_REGION)
    account = ACCOUNTS[template]
    values: dict[str, Any] = {"AWS::AccountId": account}
    for name, parameter in made.get("Parameters", {}).items():
        default = parameter.get("Default", "")
        values[name] = default.split(",") if parameter["Type"] == "CommaDelimitedList" else default
    resolver = Resolver(values | PARAMETERS, made.get("Conditions", {}), made.get("Mappings", {}))
    for name, resource in made["Resources"].items():
        resolver.made[name] = Made(_ref(name, resource, account), _Arns(_ref(name, resource, account)))
    kinds = ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::Organizations::Policy")
    return {
        name: resolver.resolve(resource["Properties"], name)
        for name, resource in made["Resources"].items()
        if resource["Type"] in kinds
    }


class _Arns(dict[str, str]):
    """Whatever attribute is asked for: the ARN."""

    def __init__(self, arn: str) -> None:
        super().__init__()
        self.arn = arn

    def __contains__(self, _name: object) -> bool:
        return True

    def __missing__(self, _name: str) -> str:
        return self.arn


def _ref(name: str, resource: dict[str, Any], account: str) -> str:
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::IAM::ManagedPolicy":
        return f"arn:aws:iam::{account}:policy/{properties['ManagedPolicyName']}"
    kinds = {"AWS::SQS::Queue": ("sqs", "QueueName", ""), "AWS::DynamoDB::Table": ("dynamodb", "TableName", "table/"),
             "AWS::Events::EventBus": ("events", "Name", "event-bus/")}  # fmt: skip
    if resource["Type"] in kinds:
        service, key, prefix = kinds[resource["Type"]]
        return f"arn:aws:{service}:{names.HOME_REGION}:{account}:{prefix}{properties.get(key, name)}"
    return f"arn:aws:made:{names.HOME_REGION}:{account}:{name}"


def role(template: str, name: str) -> list[dict[str, Any]]:
    """All identity policies of a role by its name."""
    found = resources(template)
    (properties,) = (each for each in found.values() if each.get("RoleName") == name)
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    managed = {_managed(each): each["PolicyDocument"] for each in found.values() if "ManagedPolicyName" in each}
    return documents + [managed[arn.rsplit("/", 1)[-1]] for arn in properties.get("ManagedPolicyArns", [])]


def _managed(properties: dict[str, Any]) -> str:
    return str(properties["ManagedPolicyName"])


def session(function: str, part: str) -> dict[str, Any]:
    """What the function narrows its session with this role to (crates/berth-aws, SessionPolicy::document)."""
    policy = json.loads((ROOT / "functions" / function / "policy.json").read_text())
    actions = {each for statement in policy[part] if statement.get("Effect") != "Deny" for each in statement["Action"]}
    return {"Statement": [{"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}]}


FULL_ACCESS = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def guardrails() -> list[list[dict[str, Any]]]:
    """The service control policies of a tenant account: AWS's own at the root, and Berth's at the unit, beside AWS's."""
    found = [each["Content"] for each in resources("guardrails.yaml").values() if "Content" in each]
    return [[FULL_ACCESS], [FULL_ACCESS, *found], [FULL_ACCESS]]


def example_boundary(environment: str = "dev") -> dict[str, Any]:
    """The permissions boundary of infra/platform.example.yaml, for the account of the tests."""
    platform = yaml.safe_load((ROOT / "infra" / "platform.example.yaml").read_text())
    document = platform["environments"][environment]["roles"]["boundary"]["document"]
    return json.loads(json.dumps(document).replace("{account}", TENANT))


def of_function(function: str, part: str) -> Policies:
    """What a function may do with a role of another account, in the session that it makes."""
    templates = {
        "tenant": ("tenant.yaml", "BerthTenant"), "network": ("network.yaml", "BerthNetwork"),
        "management": ("sign-in.yaml", "BerthSignIn"), "cluster": ("cluster.yaml", "BerthCluster"),
    }  # fmt: skip
    organization = guardrails() if part == "tenant" else None
    return Policies(role(*templates[part]), None, session(function, part), organization)


def stolen(part: str) -> Policies:
    """What a session of the role may do that nobody narrowed: the worst that a taken hub role could get."""
    function = {"tenant": "provision-vpc", "network": "attach-transit-gateway", "management": "grant-sign-in"}
    found = of_function(function.get(part, "grant-cluster-access"), part)
    return Policies(found.identity, None, None, found.organization)
