"""`make deploy` and `make destroy`: what they refuse, and which commands they run. `sam` and `aws` are stand-ins: what AWS makes
of the commands is not proven here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from berth_local.stack.translate import translate

ROOT = Path(__file__).resolve().parents[3]
FUNCTIONS = sorted(path.name for path in (ROOT / "functions").iterdir() if path.is_dir())
# Writes down what it was asked, and answers what the test has laid down for the longest beginning of it.
STAND_IN = """#!{python}
import json, os, sys
from pathlib import Path
here = Path(__file__).resolve().parent
asked = [Path(sys.argv[0]).name, *sys.argv[1:]]
with open(here / "asked", "a") as log:
    log.write(json.dumps(asked) + "\\n")
answers = json.loads((here / "answers").read_text())
fitting = [key for key in answers if " ".join(asked).startswith(key)]
code, text = answers[max(fitting, key=len)] if fitting else (0, "")
sys.stdout.write(text)
sys.stderr.write(text if code else "")
sys.exit(code)
"""
MACHINE = "arn:aws:states:us-east-1:210987654321:stateMachine:berth-onboard-account"
OUTPUTS = {
    "AccountsBusArn": "arn:aws:events:us-east-1:210987654321:event-bus/berth-accounts",
    "StateMachineArn": MACHINE,
    "LedgerTableName": "berth-ledger",
}


@dataclass
class Rig:
    """A folder with stand-ins and a parameters file."""

    folder: Path
    parameters: dict[str, Any]

    def answer(self, answers: dict[str, tuple[int, str]]) -> None:
        stack = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        known = {
            "aws cloudformation describe-stacks": (0, json.dumps({"Stacks": [{"Outputs": stack}]})),
            "aws stepfunctions list-executions": (0, '{"executions": []}'),
            "berth --target aws status": (0, "[]"),
        }
        (self.folder / "answers").write_text(json.dumps(known | answers))

    def run(self, script: str, *arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
        parameters = self.folder / "parameters.yaml"
        parameters.write_text(yaml.safe_dump(self.parameters))
        for name in {"sam", "aws", "berth"} - {without}:
            path = self.folder / name
            path.write_text(STAND_IN.format(python=sys.executable))
            path.chmod(0o755)
        command = [
            sys.executable,
            str(ROOT / "deploy" / script),
            str(parameters),
            "--berth",
            str(self.folder / "berth"),
        ]
        environment = os.environ | {"PATH": str(self.folder)}
        return subprocess.run([*command, *arguments], check=False, text=True, capture_output=True, env=environment)

    def deploy(self, *arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
        zips = self.folder / "zips"
        zips.mkdir(exist_ok=True)
        for function in FUNCTIONS:
            (zips / f"{function}.zip").write_bytes(b"PK")
        staging = ["--zips", str(zips), "--staging", str(self.folder / "staging")]
        return self.run("deploy.py", *staging, *arguments, without=without)

    def asked(self) -> list[list[str]]:
        log = self.folder / "asked"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def asked_of(self, *beginning: str) -> list[list[str]]:
        return [each for each in self.asked() if each[: len(beginning)] == list(beginning)]

    def stacks(self) -> dict[str, list[str]]:
        """The deployments by the name of their stack."""
        return {each[each.index("--stack-name") + 1]: each for each in self.asked_of("sam", "deploy")}


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    parameters = yaml.safe_load((ROOT / "deploy" / "parameters.example.yaml").read_text())
    (tmp_path / "platform.yaml").write_text("version: 1\n")
    rig = Rig(tmp_path, parameters)
    rig.answer({})
    return rig


def test_one_command_validates_and_deploys_the_hub_with_the_zips(rig: Rig) -> None:
    done = rig.deploy()
    assert done.returncode == 0, done.stderr
    assert rig.asked()[0] == ["berth", "validate", str(rig.folder / "platform.yaml")]
    deployed = rig.stacks()["berth"]
    assert "CAPABILITY_NAMED_IAM" in deployed and "--resolve-s3" in deployed
    assert "OrganizationId=o-berthlocal" in deployed[deployed.index("--parameter-overrides") :]
    template = translate(rig.folder / "staging" / "hub.yaml", "us-east-1")
    original = translate(ROOT / "infra" / "hub.yaml", "us-east-1")
    assert _types(template) == _types(original)
    staged = (rig.folder / "staging" / "hub.yaml").read_text()
    assert all(str(rig.folder / "zips" / f"{function}.zip") in staged for function in FUNCTIONS)
    assert (rig.folder / "staging" / "platform" / "platform.yaml").read_text() == "version: 1\n"


def _types(template: dict[str, Any]) -> dict[str, str]:
    # The layer's logical id holds a hash of where its content is.
    return {
        name: resource["Type"]
        for name, resource in template["Resources"].items()
        if resource["Type"] != "AWS::Lambda::LayerVersion"
    }


@pytest.mark.parametrize(
    ("boundary", "pattern", "policy"),
    [
        ({"name": "tenant-limits"}, None, "tenant/tenant-limits"),
        ({"name": "{tenant}-boundary", "path": "/"}, "tenant/*-boundary", "{tenant}-boundary"),
        ({"name": "berth-boundary-2"}, None, "tenant/berth-boundary-2"),
    ],
)
def test_a_boundary_that_the_tenant_role_may_not_use_is_refused_at_once(
    rig: Rig, boundary: dict[str, str], pattern: str | None, policy: str
) -> None:
    platform = {"environments": {"dev": {"roles": {"boundary": boundary}}}}
    (rig.folder / "platform.yaml").write_text(yaml.safe_dump(platform))
    if pattern:
        rig.parameters["others"]["tenant-stackset"]["parameters"]["BoundaryPolicies"] = pattern
    done = rig.deploy()
    assert done.returncode == 1
    said = f"environments.dev.roles.boundary is the policy {policy}, and BerthTenant may make roles only within {pattern or 'tenant/*-boundary'}"
    assert said in done.stderr and "Next: " in done.stderr
    assert [each[:2] for each in rig.asked()] == [["berth", "validate"]]


def test_a_role_off_the_path_and_an_unlisted_route_table_are_refused(rig: Rig) -> None:
    roles = {"boundary": {"name": "a-boundary"}, "roles": [{"name": "x"}, {"name": "y", "path": "/"}]}
    gateway = {
        "spokeRouteTable": "tgw-rtb-0e00000000000005a",
        "propagateTo": ["tgw-rtb-0e000000000000060", "tgw-rtb-1"],
    }
    platform = {"environments": {"dev": {"roles": roles, "regions": {"eu-west-1": {"transitGateway": gateway}}}}}
    (rig.folder / "platform.yaml").write_text(yaml.safe_dump(platform))
    done = rig.deploy()
    assert done.returncode == 1
    assert "environments.dev.roles: y has the path /, and BerthTenant may make roles only below /tenant/" in done.stderr
    assert "regions.eu-west-1.transitGateway: tgw-rtb-1 is not in RouteTableArns of network" in done.stderr
    assert done.stderr.count("environments.dev") == 2
    assert [each[:2] for each in rig.asked()] == [["berth", "validate"]]


def test_an_issuer_whose_provider_the_tenant_role_may_not_make_is_refused(rig: Rig) -> None:
    role = {"name": "deployer", "trust": {"oidc": {"provider": "gitlab.example.com"}}}
    platform = {"environments": {"dev": {"roles": {"boundary": {"name": "a-boundary"}, "roles": [role]}}}}
    (rig.folder / "platform.yaml").write_text(yaml.safe_dump(platform))
    done = rig.deploy()
    assert done.returncode == 1
    assert "environments.dev.roles: deployer trusts gitlab.example.com, and BerthTenant may make OIDC" in done.stderr
    rig.parameters["others"]["tenant-stackset"]["parameters"]["OidcProviders"] = "gitlab.example.com*"
    assert rig.deploy().returncode == 0


VALIDATED = "berth --target aws validate"


def test_accounts_that_would_become_others_stop_a_deployment(rig: Rig) -> None:
    rig.answer({VALIDATED: (1, "environment dev is gone: 9 accounts\n")})
    done = rig.deploy("--check")
    assert done.returncode == 1 and "environment dev is gone: 9 accounts" in done.stdout
    assert "ACCOUNTS=change" in done.stderr
    assert rig.asked_of(*VALIDATED.split())[0][-2:] == [str(rig.folder / "platform.yaml"), "--accounts"]
    assert rig.deploy().returncode == 1 and not rig.asked_of("sam")
    assert rig.deploy("--accounts-may-change").returncode == 0 and rig.stacks()["berth"]


def test_a_first_deployment_has_no_accounts_to_compare(rig: Rig) -> None:
    described = "aws cloudformation describe-stacks"
    rig.answer({described: (254, "Stack with id berth does not exist")})
    assert rig.deploy("--check").returncode == 0 and not rig.asked_of(*VALIDATED.split())
    rig.answer({described: (254, "Unable to locate credentials")})
    done = rig.deploy("--check")
    assert done.returncode == 1 and "Unable to locate credentials" in done.stderr


@pytest.fixture
def agreed(rig: Rig) -> Rig:
    """Both examples, as they are shipped."""
    (rig.folder / "platform.yaml").write_text((ROOT / "infra" / "platform.example.yaml").read_text())
    return rig


def test_the_two_examples_agree(agreed: Rig) -> None:
    done = agreed.deploy("--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda p: p["hub"].update(OrganizationId="o-another0001"),
            "organization.id is o-berthlocal, and hub.OrganizationId is",
        ),
        (
            lambda p: p["hub"].update(ManagementAccountId="111111111111"),
            "organization.managementAccount is 999988887777",
        ),
        (lambda p: p["hub"].update(NetworkAccountId="111111111111"), "network.account is 310987654321"),
        (
            lambda p: p["hub"].update(TenantRoleName="Other"),
            "tenantRole is BerthTenant, and hub.TenantRoleName is Other",
        ),
        (lambda p: p["hub"].update(ClusterRoleName="Other"), "clusters.prod-euw1.eks.role is BerthCluster"),
        (lambda p: p["hub"].update(ClusterNames="prod-*"), "clusters.dev-euw1 is the EKS cluster dev-euw1"),
        (
            lambda p: p["others"]["management"].update(parameters={"ReadRoleName": "Other"}),
            "organization.readRole is BerthRead, and management.ReadRoleName is Other",
        ),
        (
            lambda p: p["others"]["tenant-stackset"]["parameters"].update(OrganizationalUnitIds="ou-ab12-dev00001"),
            "the unit ou-ab12-prd00001, and tenant-stackset.OrganizationalUnitIds has not",
        ),
        (
            lambda p: p["others"]["cluster"].update(parameters={"ClusterNames": "none-*"}),
            "no cluster of another account fits cluster.ClusterNames none-*; clusters there are shared-production",
        ),
        (
            lambda p: p["hub"].update(PodRoles="pods/*"),
            "environments.dev.roles: {tenant}-workload has the platformRole tenant-pods, and hub.PodRoles allows pods/* only",
        ),
        (
            lambda p: p["others"]["cluster"].update(parameters={"ClusterNames": "shared-*", "PodRoles": "pods"}),
            "environments.staging.roles: {tenant}-workload has the platformRole tenant-pods, and cluster.PodRoles allows pods",
        ),
    ],
)
def test_what_both_files_say_differently_is_refused_before_anything_is_built(
    agreed: Rig, change: Callable[[dict[str, Any]], Any], said: str
) -> None:
    change(agreed.parameters)
    done = agreed.deploy("--check")
    assert done.returncode == 1 and said in done.stderr and "Next: " in done.stderr, done.stderr
    assert [each[:2] for each in agreed.asked()] == [["berth", "validate"]]


def test_a_unit_above_the_listed_one_is_the_word_of_whoever_deploys(agreed: Rig) -> None:
    both = [agreed.parameters["others"][name] for name in ("tenant-stackset", "guardrails")]
    for template in both:
        template["parameters"]["OrganizationalUnitIds"] = "ou-ab12-all00001"
    assert agreed.deploy("--check").returncode == 1
    for template in both:
        template["unitsAbove"] = True
    assert agreed.deploy("--check").returncode == 0


def test_clusters_of_two_accounts_are_two_deployments(agreed: Rig) -> None:
    one = agreed.parameters["others"]["cluster"]
    agreed.parameters["others"]["cluster"] = [one, {**one, "profile": "more"}]
    assert agreed.deploy().returncode == 0
    deployed = [each for each in agreed.asked_of("sam", "deploy") if "berth-cluster" in each]
    assert [each[each.index("--profile") + 1] for each in deployed] == ["clusters", "more"]


def test_what_the_hub_knows_is_filled_into_the_sign_in_role(rig: Rig) -> None:
    rig.deploy()
    given = rig.stacks()["berth-sign-in"]
    assert "ManagementAccountId=999988887777" in given and "NetworkAccountId=310987654321" in given


@pytest.mark.parametrize(
    ("boundary", "pattern"),
    [
        ({"name": "berth-tenant-boundary"}, None),
        ({"name": "{tenant}-boundary", "path": "/tenant/"}, "tenant/*-boundary"),
        ({"name": "limits", "path": "/a/"}, "a/limits"),
    ],
)
def test_a_boundary_that_fits_is_deployed(rig: Rig, boundary: dict[str, str], pattern: str | None) -> None:
    platform = {"environments": {"dev": {"roles": {"boundary": boundary}}}}
    (rig.folder / "platform.yaml").write_text(yaml.safe_dump(platform))
    if pattern:
        rig.parameters["others"]["tenant-stackset"]["parameters"]["BoundaryPolicies"] = pattern
    assert rig.deploy().returncode == 0


def test_other_accounts_are_deployed_by_profile_or_shown_as_a_command(rig: Rig) -> None:
    done = rig.deploy()
    stacks = rig.stacks()
    assert stacks.keys() == {"berth", "berth-cluster", "berth-management", "berth-sign-in"}
    management = stacks["berth-management"]
    assert management[management.index("--profile") + 1] == "management"
    assert f"AccountsBusArn={OUTPUTS['AccountsBusArn']}" in management and "HubAccountId=210987654321" in management
    for shown in (
        "berth-network",
        "berth-tenant-stackset",
        "OrganizationalUnitIds=ou-ab12-dev00001,ou-ab12-stg00001,ou-ab12-prd00001",
    ):
        assert shown in done.stdout
    assert "AccountsBusArn" not in done.stdout.split("\nnetwork:")[1].split("\n")[1], (
        "network.yaml has no such parameter"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p["hub"].pop("GitOpsUrl"), "hub.GitOpsUrl is missing"),
        (lambda p: p["hub"].update(Organisation="x"), "hub.Organisation is no parameter of infra/hub.yaml"),
        (lambda p: p.pop("region"), "the field region is missing"),
        (lambda p: p.update(regoin="x"), "the field regoin is not known"),
        (lambda p: p["others"].update(tenants={}), "others.tenants is none of the templates"),
        (
            lambda p: p["others"]["tenant-stackset"].pop("parameters"),
            "tenant-stackset.OrganizationalUnitIds is missing",
        ),
        (lambda p: p.update(platform="nowhere.yaml"), "nowhere.yaml is missing"),
        (lambda p: p["hub"].update(ManagementAccountId=0o10020030040), "hub.ManagementAccountId is a int (1077948448)"),
        (lambda p: p["hub"].update(NetworkAccountId="31098765432"), "hub.NetworkAccountId is '31098765432'"),
        (
            lambda p: p["hub"].update(GitOpsUrl="http://git.example.com/x"),
            "hub.GitOpsUrl is 'http://git.example.com/x'",
        ),
        (lambda p: p["hub"].update(SweepState="On"), "hub.SweepState is 'On', and may be ENABLED, DISABLED"),
        (lambda p: p["hub"].update(SweepStuckAfterMinutes=-1), "is -1, which is no number from 0 on"),
        (lambda p: p["others"]["network"].update(profil="x"), "others.network.profil is not known"),
    ],
)
def test_a_parameters_file_that_does_not_fit_changes_nothing(
    rig: Rig, change: Callable[[dict[str, Any]], Any], said: str
) -> None:
    change(rig.parameters)
    done = rig.deploy()
    assert done.returncode == 1 and said in done.stderr and "Next: " in done.stderr
    assert rig.asked() == []


def test_a_missing_tool_is_named_with_how_to_get_it(rig: Rig) -> None:
    done = rig.deploy("--check", without="sam")
    assert done.returncode == 1
    assert "not installed: sam" in done.stderr and "pip install aws-sam-cli" in done.stderr
    assert rig.asked() == []


def test_a_configuration_that_is_wrong_is_not_deployed(rig: Rig) -> None:
    rig.answer({"berth validate": (2, "")})
    assert rig.deploy().returncode == 1
    assert rig.asked_of("sam") == []


def test_a_check_changes_nothing(rig: Rig) -> None:
    assert rig.deploy("--check").returncode == 0
    reads = {"berth validate", "berth --target aws validate", "aws cloudformation describe-stacks"}
    assert all(any(" ".join(each).startswith(read) for read in reads) for each in rig.asked()), rig.asked()


def test_destroy_deletes_the_stack_and_keeps_the_ledger(rig: Rig) -> None:
    done = rig.run("destroy.py")
    assert done.returncode == 0, done.stderr
    assert len(rig.asked_of("sam", "delete")) == 1
    assert rig.asked_of("aws", "dynamodb") == []
    assert "The table berth-ledger stays" in done.stdout


def test_destroy_deletes_the_ledger_only_when_told(rig: Rig) -> None:
    assert rig.run("destroy.py", "--delete-ledger").returncode == 0
    asked = [each[2] for each in rig.asked_of("aws", "dynamodb")]
    assert asked == ["update-table", "delete-table"], "deletion protection goes first"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"berth --target aws status": (0, '[{"accountId": "1", "status": "running"}]')}, "1 accounts are being onboarded: 1"),
        ({"berth --target aws status": (1, '[{"accountId": "1", "status": "requested"}]')}, "are being onboarded"),
        ({"berth --target aws status": (1, "")}, "nobody can tell"),
        ({"aws stepfunctions list-executions": (0, '{"executions": [{"name": "by-hand"}]}')}, "by-hand for one"),
        ({"aws stepfunctions list-executions": (255, "")}, "aws ended with 255"),
    ],
)  # fmt: skip
def test_destroy_refuses_while_an_account_is_or_may_be_onboarded(
    rig: Rig, answers: dict[str, tuple[int, str]], said: str
) -> None:
    rig.answer(answers)
    done = rig.run("destroy.py", "--delete-ledger")
    assert done.returncode == 1 and said in done.stderr, done.stderr
    assert rig.asked_of("sam") == [] and rig.asked_of("aws", "dynamodb") == []


def test_a_failed_account_does_not_keep_the_stack(rig: Rig) -> None:
    rig.answer({"berth --target aws status": (1, '[{"accountId": "1", "status": "failed"}]')})
    assert rig.run("destroy.py").returncode == 0
    assert len(rig.asked_of("sam", "delete")) == 1


def test_the_zip_of_a_binary_depends_on_the_binary_only(tmp_path: Path) -> None:
    package = [sys.executable, str(ROOT / "deploy" / "package.py"), "--binaries", str(tmp_path), "--zips"]
    binary = tmp_path / "accept-event" / "bootstrap"
    binary.parent.mkdir()
    binary.write_bytes(b"\x7fELF" + bytes(range(256)) * 40)
    archives = []
    for second, folder in ((1, "one"), (1_000_000_000, "two")):
        os.utime(binary, (second, second))
        subprocess.run([*package, str(tmp_path / folder), "accept-event"], check=True, capture_output=True)
        archives.append((tmp_path / folder / "accept-event.zip").read_bytes())
    assert archives[0] == archives[1]
    missing = subprocess.run([*package, str(tmp_path / "x"), "announce-outcome"], check=False, capture_output=True)
    assert missing.returncode == 1 and b"announce-outcome" in missing.stderr
