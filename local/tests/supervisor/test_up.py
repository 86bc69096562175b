"""`up` gives a whole organization with Berth installed, and tells its users how to reach it."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from berth_local import names
from berth_local.access import Access, Credentials

sys.path.insert(0, str(Path(__file__).parent))
from processes import children_of, idle_binaries, run, soon, start

EVENTS = Path(__file__).resolve().parents[3] / "tests" / "fixtures"


@dataclass
class Up:
    """A running local AWS."""

    folder: Path
    state: dict[str, Any]
    printed: dict[str, str]
    process: subprocess.Popen[str]

    def command(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        return run(*arguments, "--state-dir", str(self.folder), given=given)

    @property
    def access(self) -> Access:
        return Access(self.state["endpoint"])

    @property
    def hub(self) -> Credentials:
        environment = self.state["environment"]
        return Credentials(names.HUB_ACCOUNT, environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])

    @property
    def management(self) -> Credentials:
        keys = self.state["management"]
        return Credentials(names.MANAGEMENT_ACCOUNT, keys["accessKeyId"], keys["secretAccessKey"])


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up") / "state"
    binaries = idle_binaries(folder.parent / "bin")
    process = start("up", "--state-dir", str(folder), "--port", "0", "--binaries", str(binaries), "--json")
    assert process.stdout is not None
    printed = process.stdout.readline()
    try:
        assert printed, process.stderr.read() if process.stderr else ""
        state = json.loads((folder / "state.json").read_text())
        yield Up(folder, state, json.loads(printed), process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 0
        assert soon(lambda: not children_of(folder))
        assert not (folder / "state.json").exists()
    finally:
        process.kill()
        process.communicate()


def test_the_printed_environment_is_that_of_the_state_file(up: Up) -> None:
    assert up.printed == up.state["environment"]
    assert up.printed["AWS_ENDPOINT_URL"] == up.state["endpoint"]


def test_only_the_owner_can_read_what_holds_keys(up: Up) -> None:
    for name in ("state.json", "git-credentials.json"):
        assert stat.S_IMODE((up.folder / name).stat().st_mode) == 0o600


def test_the_environment_acts_as_the_hub_account(up: Up) -> None:
    assert up.access.client("sts", up.hub).get_caller_identity()["Account"] == names.HUB_ACCOUNT


def test_status_says_that_it_is_ready(up: Up) -> None:
    answer = up.command("status", "--json")
    assert (answer.returncode, json.loads(answer.stdout)["status"]) == (0, "ready")


def test_a_second_up_in_the_same_folder_is_refused_and_harms_nothing(up: Up) -> None:
    refused = up.command("up", "--port", "0")
    assert refused.returncode == 1
    assert "runs here already" in refused.stderr
    assert up.command("status").returncode == 0


def test_the_stack_is_there_and_its_functions_know_the_repository(up: Up) -> None:
    machine = up.access.client("stepfunctions", up.hub).describe_state_machine(
        stateMachineArn=up.printed["BERTH_STATE_MACHINE_ARN"]
    )
    assert machine["status"] == "ACTIVE"
    function = up.access.client("lambda", up.hub).get_function_configuration(FunctionName="berth-commit-tenant")
    assert function["Environment"]["Variables"]["BERTH_GITOPS_URL"] == up.state["gitUrl"]


def test_the_repository_admits_the_secret_s_login(up: Up, tmp_path: Path) -> None:
    secret = up.access.client("secretsmanager", up.hub).get_secret_value(SecretId=up.printed["BERTH_GITOPS_SECRET"])
    login = json.loads(secret["SecretString"])
    assert login == json.loads(Path(up.state["gitCredentialsFile"]).read_text())
    url = up.state["gitUrl"].replace("://", f"://{login['username']}:{login['password']}@")
    subprocess.run(["git", "clone", "--quiet", url, str(tmp_path / "work")], check=True, timeout=300)
    assert (tmp_path / "work" / "README.md").exists()


def test_an_account_is_made_in_its_unit_with_the_tenant_role(up: Up) -> None:
    made = up.command(
        "account", "create", "--name", "payments-dev", "--environment", "dev", "--tag", "team=pay", "--json"
    )
    account_id = json.loads(made.stdout)["accountId"]
    client = up.access.client("organizations", up.management)
    assert client.describe_account(AccountId=account_id)["Account"]["Name"] == "payments-dev"
    assert client.list_parents(ChildId=account_id)["Parents"][0]["Id"] == names.ORGANIZATIONAL_UNITS["dev"]
    assert client.list_tags_for_resource(ResourceId=account_id)["Tags"] == [{"Key": "team", "Value": "pay"}]
    tenant = up.access.assume(up.management, account_id, names.BOOTSTRAP_ROLE)
    role = up.access.client("iam", tenant).get_role(RoleName=names.TENANT_ROLE)["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"]["StringEquals"]["sts:ExternalId"] == names.EXTERNAL_ID


def test_an_event_arrives_on_the_bus_as_it_was_sent(up: Up) -> None:
    events, sqs = up.access.client("events", up.hub), up.access.client("sqs", up.hub)
    queue = sqs.create_queue(QueueName="seen")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{names.HUB_ACCOUNT}:seen"
    events.put_rule(Name="see", EventBusName=names.BUS, EventPattern='{"source": ["aws.controltower"]}')
    policy = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
        ]
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    events.put_targets(Rule="see", EventBusName=names.BUS, Targets=[{"Id": "seen", "Arn": arn}])
    event = {
        "source": "aws.controltower",
        "detail-type": "AWS Service Event via CloudTrail",
        "detail": {"eventName": "CreateManagedAccount"},
    }
    sent = up.command("event", "-", given=json.dumps(event))
    assert sent.returncode == 0, sent.stderr
    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    body = json.loads(received[0]["Body"])
    assert {key: body[key] for key in event} == event
    assert body["id"] == sent.stdout.strip()
    assert (body["account"], body["region"]) == (names.MANAGEMENT_ACCOUNT, names.CONTROL_TOWER_REGION), "forwarded"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"detail": {}}', "source"),
        ('{"source": "a", "detail": {}}', "detail-type"),
    ],
)
def test_what_is_no_event_is_refused_in_one_line(up: Up, text: str, named: str) -> None:
    refused = up.command("event", "-", given=text)
    assert refused.returncode == 1
    assert named in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_tag_without_a_value_is_refused_before_an_account_is_made(up: Up) -> None:
    client = up.access.client("organizations", up.management)
    before = len(client.list_accounts()["Accounts"])
    refused = up.command("account", "create", "--name", "x", "--environment", "dev", "--tag", "nonsense")
    assert (refused.returncode, "KEY=VALUE" in refused.stderr) == (1, True)
    assert len(client.list_accounts()["Accounts"]) == before
