"""What `up` makes in the running local AWS: the organization, then Berth as the templates of infra/ declare it.

Imported only after the child processes were started: importing botocore takes as long as they need to start.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.faults import LocalError
from berth_local.gitserver_login import Login
from berth_local.organization.auto_deployment import StackSet, stack_sets_of
from berth_local.organization.hub import CLUSTER_NAMES, make_gitops_secret
from berth_local.organization.network import RegionalNetwork
from berth_local.organization.platform import platform_document, write_platform
from berth_local.organization.seed import Core, begin_networks, seed_core, seed_rest
from berth_local.settings import Ports, Settings
from berth_local.stack.installation import HUB, install_others, translated
from berth_local.stack.load import Stack, load
from berth_local.stack.resources.maker import Target

OPERATOR = "berth-operator"
BINARY_TAG = "berth:binary"

Progress = Callable[[str], None]


@dataclass(frozen=True)
class World:
    """What exists now, and the keys of the person who may use it."""

    operator: Credentials
    management: Credentials
    stack: Stack
    stack_sets: list[StackSet]
    gitops_secret: str


Templates = dict[str, dict[str, Any]]
"""Translated templates by their file names."""


def read_templates(settings: Settings) -> Templates:
    """The templates as CloudFormation, after a check that every function's binary is built.

    Raises:
        LocalError: a template is wrong, or a binary is missing.
    """
    templates = translated(settings.templates)
    for resource in templates[HUB]["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            tags = {tag["Key"]: tag["Value"] for tag in resource["Properties"].get("Tags", [])}
            binary = settings.binaries / tags.get(BINARY_TAG, "")
            if not binary.is_file():
                raise LocalError(f"the functions are not built: no {binary}. Next: `cargo build --bins`")
    return templates


def build_world(settings: Settings, ports: Ports, login: Login, templates: Templates, progress: Progress) -> World:
    """Seeds the organization and loads the stack. The processes must answer already.

    Raises:
        LocalError: with the resource or step that could not be made.
    """
    access = Access(ports.endpoint)
    # Not through the gateway: it says who calls by the caller's key, and there is none yet.
    management = Access(ports.aws_url).first_keys(names.MANAGEMENT_ACCOUNT, OPERATOR)
    core = seed_core(access, management)
    progress("organization and core accounts")
    operator = access.user_keys(core.hub, OPERATOR)
    secret = make_gitops_secret(access, core.hub, login.username, login.password)
    # First what has to wait for AWS, so that everything else is made meanwhile.
    networks = begin_networks(access, core)
    with ThreadPoolExecutor(2, thread_name_prefix="world") as pool:
        rest = pool.submit(seed_rest, access, core, networks)
        loading = pool.submit(_load, access, core, templates, ports, secret, networks.values())
        stack, others = loading.result()
        made = sum(len(each.made) for each in [stack, *others])
        _tell_outputs(ports, stack)
        progress(f"{HUB} and the templates of the other accounts: {made} resources")
        seeded = rest.result()
        progress(f"network in {' and '.join(seeded.networks)}, address pools, clusters")
    write_platform(
        settings.platform, platform_document(seeded.organization, seeded.networks, seeded.pools, seeded.sign_in)
    )
    return World(operator, management, stack, stack_sets_of(others), secret)


def _load(
    access: Access, core: Core, templates: Templates, ports: Ports, secret: str, networks: Iterable[RegionalNetwork]
) -> tuple[Stack, list[Stack]]:
    """The hub's stack, and those of the other templates."""
    parameters = {
        "OrganizationId": core.organization.organization_id,
        "ManagementAccountId": names.MANAGEMENT_ACCOUNT,
        "NetworkAccountId": names.NETWORK_ACCOUNT,
        "PlatformExternalId": names.EXTERNAL_ID,
        "GitOpsUrl": ports.git_url,
        "GitOpsBranch": names.GITOPS_BRANCH,
        "GitOpsSecretArn": secret,
        "TenantRoleName": names.TENANT_ROLE,
        "NetworkRoleName": names.NETWORK_ROLE,
        "ReadRoleName": names.READ_ROLE,
        "SignInRoleName": names.SIGN_IN_ROLE,
        "ClusterRoleName": names.CLUSTER_ROLE,
        "ClusterNames": CLUSTER_NAMES,
        # Long enough for the stale reads of tests, short enough to wait for.
        "VpcSettledSeconds": "8",
        # Nobody wants to wait for an hour here: an account whose event did not come is missing at once.
        "SweepMissingAfterMinutes": "0",
    }
    hub = load(templates[HUB], parameters, Target(access, core.hub, names.HOME_REGION))
    keys = {each.account_id: each for each in (core.management, core.network)}
    tables = [
        f"arn:aws:ec2:{network.region}:{names.NETWORK_ACCOUNT}:transit-gateway-route-table/{table}"
        for network in networks
        for table in (network.spoke_route_table, network.shared_route_table)
    ]
    others = install_others(access, keys.__getitem__, templates, hub.outputs["AccountsBusArn"], tables)
    return hub, list(others.values())


def _tell_outputs(ports: Ports, stack: Stack) -> None:
    """Lets DescribeStacks answer what CloudFormation would have: the hub is loaded without it."""
    path = f"/_berth/stacks/{names.HUB_ACCOUNT}/{names.HOME_REGION}/{names.HUB_STACK}"
    request = urllib.request.Request(ports.endpoint + path, json.dumps(stack.outputs).encode(), method="PUT")
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def _with_login(settings: Settings, url: str) -> str:
    """The address that a person clones: nobody but this machine has the login."""
    login = json.loads(settings.git_credentials.read_text())
    return url.replace("://", f"://{quote(login['username'])}:{quote(login['password'])}@", 1)


def client_environment(settings: Settings, ports: Ports, world: World) -> dict[str, str]:
    """Environment variables with which any AWS SDK, the AWS CLI and `berth` work on this local AWS, as the hub account."""
    return {
        "AWS_ENDPOINT_URL": ports.endpoint,
        "AWS_ACCESS_KEY_ID": world.operator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": world.operator.secret_access_key,
        "AWS_REGION": names.HOME_REGION,
        "AWS_DEFAULT_REGION": names.HOME_REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "BERTH_BUS": names.BUS,
        "BERTH_EXTERNAL_ID": names.EXTERNAL_ID,
        "BERTH_GITOPS_BRANCH": names.GITOPS_BRANCH,
        "BERTH_GITOPS_SECRET": world.gitops_secret,
        "BERTH_GITOPS_URL": ports.git_url,
        "BERTH_LOCAL_CLONE_URL": _with_login(settings, ports.git_url),
        "BERTH_LEDGER_TABLE": world.stack.outputs["LedgerTableName"],
        "BERTH_PLATFORM": str(settings.platform),
        "BERTH_STATE_MACHINE_ARN": world.stack.outputs["StateMachineArn"],
    }
