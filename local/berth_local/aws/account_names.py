"""Account Management: an account's name, which people change since 2025. Stock moto knows alternate contacts only.

https://docs.aws.amazon.com/accounts/latest/reference/API_PutAccountName.html
"""

from __future__ import annotations

import json

from moto.account.responses import AccountResponse
from moto.account.urls import url_paths
from moto.core.responses import ActionResult, EmptyResult
from moto.organizations.models import FakeAccount, organizations_backends

from berth_local.aws.replacing import put


def _account(self: AccountResponse) -> FakeAccount | None:
    wanted = json.loads(self.body or "{}").get("AccountId") or self.current_account
    organizations = (backends["aws"] for _, backends in list(organizations_backends.items()))
    return next((each for backend in organizations for each in backend.accounts if each.id == wanted), None)


def put_account_name(self: AccountResponse) -> EmptyResult:
    """PutAccountName. Organizations shows the new name at once."""
    account = _account(self)
    if account is not None:
        account.name = json.loads(self.body)["AccountName"]
    return EmptyResult()


def get_account_information(self: AccountResponse) -> ActionResult:
    """GetAccountInformation."""
    account = _account(self)
    found = {} if account is None else {"AccountId": account.id, "AccountName": account.name}
    return ActionResult(found)


def install() -> None:
    """Two operations more, with their paths."""
    put(AccountResponse, [put_account_name, get_account_information])
    for path in ("putAccountName", "getAccountInformation"):
        url_paths["{0}/" + path + "$"] = AccountResponse.dispatch
