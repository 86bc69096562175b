"""Twenty-eight forged callers and events: each is refused, and is accepted as soon as what is forged about it is undone.

Twenty-six are refused by the local AWS, which checks trust policies, the policies of buses and queues, and the patterns of
rules as the templates declare them. Two ask what nothing here enforces: there the policy itself is evaluated.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from berth_local import names
from berth_local.access import Credentials
from berth_local.aws.policies import service_may
from berth_local.stack.installation import HUB

sys.path.insert(0, str(Path(__file__).parent))
from whole import Whole, whole

STRANGER = "600000000009"
BUS = f"arn:aws:events:{names.HOME_REGION}:{names.HUB_ACCOUNT}:event-bus/{names.BUS}"
ACCOUNT_CREATED = "Account Created"
SERVICE_EVENT = "AWS Service Event via CloudTrail"
API_CALL = "AWS API Call via CloudTrail"
SEE = {
    "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*",
}  # fmt: skip


@dataclass
class Stage:
    """The organization with Berth in it, a member account, and an account of somebody else."""

    whole: Whole
    member: Credentials
    stranger: Credentials
    sessions: dict[str, Credentials]

    @property
    def management(self) -> Credentials:
        return self.whole.core.management

    @property
    def hub(self) -> Credentials:
        return self.whole.core.hub

    def function(self, name: str) -> Credentials:
        if name not in self.sessions:
            self.sessions[name] = self.whole.function(name)
        return self.sessions[name]

    def url(self, queue: str) -> str:
        return str(self.whole.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"])

    def came(self, queue: str, mark: str) -> bool:
        """Whether a message with this mark is in a queue. Everything that is there is taken out."""
        sqs, url, found = self.whole.client("sqs"), self.url(queue), False
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found = found or mark in message["Body"]
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with whole(tmp_path_factory.mktemp("forgeries")) as made:
        # Whatever is on the bus is seen here, so that an event that no rule of Berth wants can be seen to be accepted.
        sqs, events = made.client("sqs"), made.client("events")
        url = sqs.create_queue(QueueName="seen")["QueueUrl"]
        policy = json.dumps({"Version": "2012-10-17", "Statement": [SEE]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        pattern = json.dumps({"source": [{"prefix": "berth."}]})
        events.put_rule(Name="see", EventBusName=names.BUS, EventPattern=pattern)
        arn = f"arn:aws:sqs:{names.HOME_REGION}:{names.HUB_ACCOUNT}:seen"
        events.put_targets(Rule="see", EventBusName=names.BUS, Targets=[{"Id": "seen", "Arn": arn}])
        yield Stage(made, made.account("member-dev"), made.access.first_keys(STRANGER, "stranger"), {})


Accepted = Callable[[Stage], bool]


@dataclass(frozen=True)
class Event:
    """An event that somebody publishes. It is accepted when it reaches `queue`."""

    by: Callable[[Stage], Credentials]
    source: str
    detail_type: str
    detail: dict[str, Any]
    bus: str = BUS
    region: str = names.HOME_REGION
    queue: str = "berth-intake"

    def __call__(self, stage: Stage) -> bool:
        mark = uuid.uuid4().hex
        entry = {
            "EventBusName": self.bus, "Source": self.source, "DetailType": self.detail_type,
            "Detail": json.dumps({**self.detail, "mark": mark}),
        }  # fmt: skip
        try:
            client = stage.whole.client("events", self.by(stage), self.region)
            answer = client.put_events(Entries=[entry])["Entries"][0]
        except ClientError as refused:
            assert refused.response["Error"]["Code"] == "AccessDeniedException"
            return False
        if "ErrorCode" in answer:
            assert answer["ErrorCode"] == "NotAuthorizedForSourceException"
            return False
        return stage.came(self.queue, mark)


@dataclass(frozen=True)
class Assumes:
    """Somebody who wants a role of Berth in another account."""

    by: Callable[[Stage], Credentials]
    role: str
    external_id: str | None = names.EXTERNAL_ID

    def __call__(self, stage: Stage) -> bool:
        accounts = {names.TENANT_ROLE: stage.member.account_id, names.NETWORK_ROLE: names.NETWORK_ACCOUNT}
        account = accounts.get(self.role, names.MANAGEMENT_ACCOUNT)
        try:
            stage.whole.access.assume(self.by(stage), account, self.role, self.external_id)
        except ClientError as refused:
            assert refused.response["Error"]["Code"] == "AccessDenied"
            return False
        return True


@dataclass(frozen=True)
class Sends:
    """Somebody who sends a message straight to a queue."""

    queue: str
    signed: bool

    def __call__(self, stage: Stage) -> bool:
        mark = uuid.uuid4().hex
        client = stage.whole.client("sqs")
        if not self.signed:
            config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
            endpoint = stage.whole.access.endpoint
            client = boto3.client("sqs", endpoint_url=endpoint, region_name=names.HOME_REGION, config=config)
        try:
            client.send_message(QueueUrl=stage.url(self.queue), MessageBody=mark)
        except ClientError as refused:
            assert refused.response["Error"]["Code"] == "AccessDenied"
            assert "sqs:SendMessage" in refused.response["Error"]["Message"]
            return False
        return stage.came(self.queue, mark)


@dataclass(frozen=True)
class Forwards:
    """Somebody's own rule that sends to `target`, with a role of the same account when it has one."""

    by: Callable[[Stage], Credentials]
    target: str = BUS
    role: str | None = None
    queue: str = "seen"

    def __call__(self, stage: Stage) -> bool:
        keys, name = self.by(stage), f"own-{uuid.uuid4().hex[:8]}"
        events = stage.whole.client("events", keys)
        source = f"berth.{name}"
        rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))["RuleArn"]
        role = self.role or _forwarding_role(stage.whole.client("iam", keys), name, rule)
        arn = f"arn:aws:iam::{keys.account_id}:role/{role}"
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": self.target, "RoleArn": arn}])
        return replace(Event(self.by, source, "Anything", {}, "default", queue=self.queue))(stage)


def _forwarding_role(iam: Any, name: str, rule: str) -> str:
    trusted = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole",
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }  # fmt: skip
    may = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": BUS}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trusted))
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=_document(may))
    return name


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _namesake(stage: Stage) -> Credentials:
    """A session of a role in the member account that has the name of a function's role."""
    iam, role = stage.whole.client("iam", stage.member), "berth-provision-vpc"
    trusted = {"Effect": "Allow", "Principal": {"AWS": stage.member.account_id}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=_document(trusted))
    return stage.whole.access.assume(stage.member, stage.member.account_id, role)


def _hub_rule_to_intake(stage: Stage) -> bool:
    """The hub's own rule, which the queue's policy names."""
    return ASKED(stage)


def _machine_of(account: str) -> Accepted:
    """Step Functions asks for the state machine's role, for a machine of an account."""

    def asks(stage: Stage) -> bool:
        role = stage.whole.client("iam").get_role(RoleName=names.STATE_MACHINE)["Role"]
        machine = f"arn:aws:states:{names.HOME_REGION}:{account}:stateMachine:{names.STATE_MACHINE}"
        return service_may(
            json.dumps(role["AssumeRolePolicyDocument"]), "states.amazonaws.com", "sts:AssumeRole", machine
        )

    return asks


def _schedule_of(account: str) -> Accepted:
    """EventBridge invokes the sweep, for a rule of an account."""

    def invokes(stage: Stage) -> bool:
        resources = stage.whole.templates[HUB]["Resources"]
        permission = resources["SweepSchedulePermission"]["Properties"]
        rule = stage.whole.stacks[HUB].made[permission["SourceArn"]["Fn::GetAtt"][0]].attributes["Arn"]
        statement = {
            "Effect": "Allow", "Principal": {"Service": permission["Principal"]}, "Action": permission["Action"],
            "Condition": {"ArnLike": {"AWS:SourceArn": rule}},
        }  # fmt: skip
        asking = rule.replace(names.HUB_ACCOUNT, account)
        return service_may(_document(statement), "events.amazonaws.com", "lambda:InvokeFunction", asking)

    return invokes


def management(stage: Stage) -> Credentials:
    return stage.management


def hub(stage: Stage) -> Credentials:
    return stage.hub


def member(stage: Stage) -> Credentials:
    return stage.member


def stranger(stage: Stage) -> Credentials:
    return stage.stranger


def function(name: str) -> Callable[[Stage], Credentials]:
    return lambda stage: stage.function(name)


ASKED = Event(management, "berth.accounts", ACCOUNT_CREATED, {"accountId": "111122223333"})
CONTROL_TOWER = Event(
    management, "aws.controltower", SERVICE_EVENT, {"eventName": "CreateManagedAccount"}, "default",
    names.CONTROL_TOWER_REGION,
)  # fmt: skip
RESULT = Event(management, "aws.organizations", SERVICE_EVENT, {"eventName": "CreateAccountResult"}, "default")
MOVED = Event(management, "aws.organizations", API_CALL, {"eventName": "MoveAccount"}, "default")
ONBOARDED = Event(hub, "berth.accounts", "Account Onboarded", {"accountId": "111122223333"}, queue="seen")
FAILED = replace(ONBOARDED, detail_type="Account Onboarding Failed")
ENTERS = Assumes(function("provision-vpc"), names.TENANT_ROLE)
JOINS = Assumes(function("attach-transit-gateway"), names.NETWORK_ROLE)
READS = Assumes(function("plan-onboarding"), names.READ_ROLE)
GRANTS = Assumes(function("grant-sign-in"), names.SIGN_IN_ROLE)
INTAKE = f"arn:aws:sqs:{names.HOME_REGION}:{names.HUB_ACCOUNT}:berth-intake"
QUEUES = [f"berth-{name}{end}" for name in ("intake", "commits", "outcomes") for end in ("", "-dlq")]

FORGERIES: list[tuple[str, Accepted, Accepted]] = [
    # who publishes on the accounts bus, and as whom
    ("a stranger asks for an onboarding", replace(ASKED, by=stranger), ASKED),
    ("a stranger speaks as Control Tower", replace(CONTROL_TOWER, by=stranger, bus=BUS), CONTROL_TOWER),
    ("a stranger speaks as Organizations", replace(RESULT, by=stranger, bus=BUS), RESULT),
    ("a member account asks for an onboarding", replace(ASKED, by=member), ASKED),
    ("a member account says that an onboarding succeeded", replace(ONBOARDED, by=member), ONBOARDED),
    ("a member account says that an onboarding failed", replace(FAILED, by=member), FAILED),
    ("a person of the management account speaks as Control Tower on the hub's bus", replace(CONTROL_TOWER, bus=BUS), CONTROL_TOWER),
    ("Control Tower of a member account speaks on its own bus", replace(CONTROL_TOWER, by=member), CONTROL_TOWER),
    # events that say other things than the ones they look like
    ("Berth's event has the detail type of a call", replace(ASKED, detail_type=API_CALL), ASKED),
    ("Control Tower's event has the detail type of a call", replace(CONTROL_TOWER, detail_type=API_CALL), CONTROL_TOWER),
    ("the move of an account was denied", replace(MOVED, detail={**MOVED.detail, "errorCode": "AccessDenied"}), MOVED),
    # rules of others
    ("a rule of a member account sends to the hub's bus", Forwards(member), Forwards(management)),
    ("a rule borrows the forwarder's role", Forwards(management, role="berth-forward-events"), RESULT),
    ("a rule of a member account sends to the intake queue", Forwards(member, INTAKE, queue="berth-intake"), _hub_rule_to_intake),
    # roles
    ("another function wants the tenant role", replace(ENTERS, by=function("accept-event")), ENTERS),
    ("another function wants the network role", replace(JOINS, by=function("provision-vpc")), JOINS),
    ("another function wants the read role", replace(READS, by=function("provision-vpc")), READS),
    ("another function wants the sign-in role", replace(GRANTS, by=function("plan-onboarding")), GRANTS),
    ("a function says no ExternalId", replace(ENTERS, external_id=None), ENTERS),
    ("a function says another ExternalId", replace(JOINS, external_id="berth-other"), JOINS),
    ("a role of a member account has the name of a function's", replace(ENTERS, by=_namesake), ENTERS),
    ("an administrator of the hub knows the ExternalId", replace(READS, by=hub), READS),
    # queues
    *((f"nobody in particular sends to {queue}", Sends(queue, signed=False), Sends(queue, signed=True)) for queue in QUEUES),
]  # fmt: skip
EVALUATED: list[tuple[str, Accepted, Accepted]] = [
    ("a state machine of another account runs as the hub's", _machine_of(STRANGER), _machine_of(names.HUB_ACCOUNT)),
    ("a schedule of another account starts the sweep", _schedule_of(STRANGER), _schedule_of(names.HUB_ACCOUNT)),
]


def test_there_are_twenty_eight_and_two_more_that_only_policies_refuse() -> None:
    assert len({name for name, _, _ in FORGERIES}) == 28
    assert len({name for name, _, _ in EVALUATED}) == 2


@pytest.mark.parametrize(
    ("name", "forged", "undone"), [*FORGERIES, *EVALUATED], ids=lambda each: each if isinstance(each, str) else ""
)
def test_a_forgery_is_refused_and_without_what_is_forged_it_is_accepted(
    stage: Stage, name: str, forged: Accepted, undone: Accepted
) -> None:
    assert not forged(stage), f"{name}: accepted"
    assert undone(stage), f"{name}: refused although nothing is forged"
