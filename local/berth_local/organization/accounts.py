"""The organization, its units and its accounts.

AWS Organizations: CreateOrganization, CreateOrganizationalUnit, CreateAccount, DescribeCreateAccountStatus, MoveAccount.
https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.faults import LocalError
from berth_local.organization.auto_deployment import StackSet, deploy
from berth_local.organization.waiting import wait_for

_CREATE_SECONDS_MAX = 30.0
# In the order in which the local AWS hands their ids out.
CORE_ACCOUNTS = (
    ("berth-hub", names.HUB_ACCOUNT),
    ("network", names.NETWORK_ACCOUNT),
    ("log-archive", names.LOG_ARCHIVE_ACCOUNT),
)


@dataclass(frozen=True)
class Organization:
    """What exists after `make_organization`: ids as AWS gave them."""

    organization_id: str
    root_id: str
    units: dict[str, str]


def make_organization(access: Access, management: Credentials) -> Organization:
    """Makes the organization, its units, and the core accounts under its root."""
    client = access.client("organizations", management)
    organization = client.create_organization(FeatureSet="ALL")["Organization"]
    root_id = client.list_roots()["Roots"][0]["Id"]
    units = {
        name: client.create_organizational_unit(ParentId=root_id, Name=name)["OrganizationalUnit"]["Id"]
        for name in names.ORGANIZATIONAL_UNITS
    }
    for name, expected in CORE_ACCOUNTS:
        made = _create(client, name, f"{name}@berth.example", {"berth:core": "true"})
        if made != expected:
            raise LocalError(f"the account {name} got the id {made}, not {expected}: is the local AWS a fresh one?")
    _expect("organization", organization["Id"], names.ORGANIZATION_ID)
    for name, unit in units.items():
        _expect(f"organizational unit {name}", unit, names.ORGANIZATIONAL_UNITS[name])
    return Organization(organization["Id"], root_id, units)


def create_account(
    access: Access,
    management: Credentials,
    name: str,
    email: str,
    unit: str,
    tags: Mapping[str, str],
    stack_sets: Sequence[StackSet] = (),
) -> str:
    """Makes an account and moves it into the organizational unit `unit` (an id), where the StackSets of that
    unit deploy to it: the tenant role, by `infra/tenant-stackset.yaml`. Returns the account's id.

    Raises:
        LocalError: Organizations refused, with its reason.
    """
    client = access.client("organizations", management)
    try:
        account_id = _create(client, name, email, tags)
        root_id = client.list_parents(ChildId=account_id)["Parents"][0]["Id"]
        client.move_account(AccountId=account_id, SourceParentId=root_id, DestinationParentId=unit)
    except ClientError as error:
        raise LocalError(f"the account {name} could not be made: {error}") from error
    deploy(access, access.assume(management, account_id, names.BOOTSTRAP_ROLE), unit, stack_sets)
    return account_id


def _create(client: Any, name: str, email: str, tags: Mapping[str, str]) -> str:
    request = [{"Key": key, "Value": value} for key, value in tags.items()]
    status = client.create_account(AccountName=name, Email=email, RoleName=names.BOOTSTRAP_ROLE, Tags=request)[
        "CreateAccountStatus"
    ]

    def is_over() -> bool:
        nonlocal status
        if status["State"] == "IN_PROGRESS":
            status = client.describe_create_account_status(CreateAccountRequestId=status["Id"])["CreateAccountStatus"]
        return status["State"] != "IN_PROGRESS"

    wait_for(f"the account {name}", is_over, _CREATE_SECONDS_MAX)
    if status["State"] != "SUCCEEDED":
        raise LocalError(f"the account {name} was not made: {status.get('FailureReason', status['State'])}")
    return status["AccountId"]


def _expect(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise LocalError(f"the {what} got the id {found}, not {expected}: BERTH_LOCAL_OU_IDS did not arrive")
