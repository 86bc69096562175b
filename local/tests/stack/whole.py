"""A whole organization with every template of a folder in it, for tests: our AWS, without gateway and functions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.children import Child, stop_all
from berth_local.organization.accounts import create_account
from berth_local.organization.auto_deployment import StackSet, stack_sets_of
from berth_local.organization.seed import Core, seed_core
from berth_local.ports import free_port, wait_for_answer
from berth_local.settings import Ports, Settings, child_environment
from berth_local.stack.installation import HUB, install_others, translated
from berth_local.stack.load import Stack, load
from berth_local.stack.resources.maker import Target

INFRA = Path(__file__).resolve().parents[3] / "infra"
PARAMETERS = {
    "OrganizationId": names.ORGANIZATION_ID,
    "ManagementAccountId": names.MANAGEMENT_ACCOUNT,
    "NetworkAccountId": names.NETWORK_ACCOUNT,
    "PlatformExternalId": names.EXTERNAL_ID,
    "ClusterNames": "shared-*",
    "GitOpsUrl": "https://git.example/tenants.git",
    "GitOpsSecretArn": "arn:aws:secretsmanager:us-east-1:210987654321:secret:berth/gitops-abc",
}


@dataclass
class Whole:
    """What was loaded, and keys of the accounts."""

    access: Access
    core: Core
    templates: dict[str, dict[str, Any]]
    stacks: dict[str, Stack]
    stack_sets: list[StackSet]

    def client(self, service: str, keys: Credentials | None = None, region: str = names.HOME_REGION) -> Any:
        """A client, of the hub account unless other keys are given."""
        return self.access.client(service, keys or self.core.hub, region)

    def account(self, name: str) -> Credentials:
        """A new account in the unit dev, with keys of its administrator."""
        unit = names.ORGANIZATIONAL_UNITS["dev"]
        made = create_account(
            self.access, self.core.management, name, f"{name}@berth.example", unit, {}, self.stack_sets
        )
        return self.access.assume(self.core.management, made, names.BOOTSTRAP_ROLE)

    def function(self, name: str) -> Credentials:
        """A session of a function's role. Lambda gets it on AWS; here its trust is opened for the moment."""
        iam = self.client("iam")
        document = iam.get_role(RoleName=f"berth-{name}")["Role"]["AssumeRolePolicyDocument"]
        opened = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": names.HUB_ACCOUNT}, "Action": "sts:AssumeRole"},
                *document["Statement"],
            ],
        }
        iam.update_assume_role_policy(RoleName=f"berth-{name}", PolicyDocument=_json(opened))
        keys = self.access.assume(self.core.hub, names.HUB_ACCOUNT, f"berth-{name}")
        iam.update_assume_role_policy(RoleName=f"berth-{name}", PolicyDocument=_json(document))
        return keys


def _json(document: dict[str, Any]) -> str:
    import json

    return json.dumps(document)


@contextmanager
def whole(folder: Path, infra: Path = INFRA) -> Iterator[Whole]:
    """Starts an AWS, seeds the organization, loads every template of `infra`."""
    port = free_port()
    environment = child_environment(Settings(folder, folder, infra), Ports(port, port, port))
    child = Child("aws", [sys.executable, "-m", "berth_local.aws", "--port", str(port)], environment, folder / "log")
    try:
        templates = translated(infra)
        wait_for_answer(child, port, "/moto-api/", lambda: False)
        access = Access(f"http://127.0.0.1:{port}")
        core = seed_core(access, access.first_keys(names.MANAGEMENT_ACCOUNT, "tester"))
        hub = load(templates[HUB], PARAMETERS, Target(access, core.hub, names.HOME_REGION))
        keys = {each.account_id: each for each in (core.management, core.network)}
        others = install_others(access, keys.__getitem__, templates, hub.outputs["AccountsBusArn"])
        yield Whole(access, core, templates, {HUB: hub, **others}, stack_sets_of(others.values()))
    finally:
        stop_all([child])
