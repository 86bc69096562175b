"""Organizations: predictable ids, account states and paths, and who may call.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from moto.organizations import utils
from moto.organizations.exceptions import OrganizationsClientError
from moto.organizations.models import (
    FakeAccount,
    FakeOrganization,
    FakeOrganizationalUnit,
    OrganizationsBackend,
    organizations_backends,
)
from moto.organizations.responses import OrganizationsResponse

from berth_local.aws.registry import forgotten_on_reset
from berth_local.aws.replacing import wrap
from berth_local.aws.settings import account_ids, fixed_ids
from berth_local.aws.sharing import ancestors, organization_of

# What an account that does not manage the organization may not call.
MANAGEMENT_ONLY = (
    "close_account",
    "create_account",
    "create_organizational_unit",
    "describe_account",
    "describe_create_account_status",
    "describe_organizational_unit",
    "list_accounts",
    "list_accounts_for_parent",
    "list_children",
    "list_organizational_units_for_parent",
    "list_parents",
    "list_tags_for_resource",
    "move_account",
    "tag_resource",
    "untag_resource",
)

# A tag that nobody keeps: it stands for what support does.
REOPENED = "berth-local:reopened"

_handed_out: list[str] = forgotten_on_reset([])
_making_organization = threading.local()


def next_account_id(original: Callable[[], str]) -> str:
    """The next id of BERTH_LOCAL_ACCOUNT_IDS, then random ones that nobody has."""
    if getattr(_making_organization, "now", False):
        return original()
    for account_id in account_ids():
        if account_id not in _handed_out and account_id not in organizations_backends.master_accounts:
            _handed_out.append(account_id)
            return account_id
    while True:
        account_id = original()
        # Ids that begin with zero are valid and rare; programs that lose the zero should meet them in their own tests.
        if account_id not in organizations_backends.master_accounts and account_id[0] != "0":
            return account_id


def paths_of(account: FakeAccount) -> list[str]:
    """`Paths` of an account: organization, root, every OU, the account, each with a slash behind it."""
    organization = organization_of(account.master_account_id)
    if organization is None:
        return []
    return ["/".join([account.organization_id, *ancestors(organization, account), account.id]) + "/"]


def _install_accounts() -> None:
    stock = utils.make_random_account_id
    utils.make_random_account_id = lambda: next_account_id(stock)

    @wrap(FakeAccount, "describe")
    def describe(original: Any, self: FakeAccount) -> dict[str, Any]:
        # `Status` was to be retired in September 2026; clients of either field find it here.
        return {**original(self), "Paths": paths_of(self)}

    @wrap(OrganizationsBackend, "create_organization")
    def create_organization(original: Any, self: OrganizationsBackend, **fields: Any) -> dict[str, Any]:
        _making_organization.now = True
        try:
            return original(self, **fields)
        finally:
            _making_organization.now = False


def _install_ids() -> None:
    @wrap(FakeOrganization, "__init__")
    def organization(original: Any, self: FakeOrganization, *args: Any, **fields: Any) -> None:
        original(self, *args, **fields)
        self.id = fixed_ids().get("organization", self.id)
        self.root_id = fixed_ids().get("root", self.root_id)

    @wrap(FakeOrganizationalUnit, "__init__")
    def unit(original: Any, self: FakeOrganizationalUnit, *args: Any, **fields: Any) -> None:
        original(self, *args, **fields)
        self.id = fixed_ids().get(fields.get("Name", ""), self.id)

    @wrap(OrganizationsBackend, "move_account")
    def move_account(original: Any, self: OrganizationsBackend, **fields: Any) -> None:
        account = self.get_account_by_id(fields["AccountId"])
        if account.parent_id == fields["DestinationParentId"]:
            raise OrganizationsClientError(
                "DuplicateAccountException", "That account is already present in the specified destination."
            )
        if account.parent_id != fields["SourceParentId"]:
            raise OrganizationsClientError(
                "SourceParentNotFoundException",
                "We can't find a source root or OU with the ParentId that you specified.",
            )
        original(self, **fields)


def _install_reopening() -> None:
    """Support reopens a closed account within 90 days, and no call does: here the tag `berth-local:reopened` does."""

    @wrap(OrganizationsBackend, "tag_resource")
    def tag_resource(original: Any, self: OrganizationsBackend, **fields: Any) -> None:
        if any(tag["Key"] == REOPENED for tag in fields["Tags"]):
            account = self.get_account_by_id(fields["ResourceId"])
            account.status = account.state = "ACTIVE"
            return
        original(self, **fields)


def _refuse_members(name: str) -> None:
    @wrap(OrganizationsResponse, name)
    def guarded(original: Any, self: OrganizationsResponse) -> Any:
        organization = organization_of(self.current_account)
        if organization is not None and organization.account_id != self.current_account:
            raise OrganizationsClientError(
                "AccessDeniedException", "You don't have permissions to access this resource."
            )
        return original(self)


def install() -> None:
    """Ids, paths, moves, and the management account's privilege."""
    _install_accounts()
    _install_ids()
    _install_reopening()
    for name in MANAGEMENT_ONLY:
        _refuse_members(name)
