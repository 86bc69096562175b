"""What RAM shares with whom: the owner's shares, read as the other account sees them.

https://docs.aws.amazon.com/ram/latest/userguide/getting-started-sharing.html
Stock moto keeps shares per account and never looks at them when another account asks for a resource.
"""

from __future__ import annotations

import json
from typing import Any

from moto.organizations.models import FakeAccount, OrganizationsBackend, organizations_backends
from moto.ram import urls
from moto.ram.exceptions import UnknownResourceException
from moto.ram.models import ResourceAccessManagerBackend, ResourceShare, ram_backends
from moto.ram.responses import ResourceAccessManagerResponse

from berth_local.aws.replacing import wrap


def organization_of(account: str) -> OrganizationsBackend | None:
    """The Organizations backend (of the management account) that `account` belongs to; None outside of any."""
    own = organizations_backends[account]["aws"]
    if own.org is not None:
        return own
    owner = organizations_backends.master_accounts.get(account)
    return organizations_backends[owner[0]]["aws"] if owner else None


def ancestors(organization: OrganizationsBackend, account: FakeAccount) -> list[str]:
    """Ids from the root down to the account's own OU."""
    found: list[str] = []
    parent: str | None = account.parent_id
    units = {unit.id: unit for unit in organization.ou}
    while parent in units:
        found.insert(0, parent)
        parent = units[parent].parent_id
    return found


def principal_covers(principal: str, account: str) -> bool:
    """Whether a share's principal (account id, organization ARN, OU ARN, IAM ARN) includes the account."""
    if principal == account or f":{account}:" in principal and ":iam:" in principal:
        return True
    organization = organization_of(account)
    if organization is None or organization.org is None:
        return False
    if principal == organization.org.arn:
        return True
    member = next((each for each in organization.accounts if each.id == account), None)
    if member is None or ":ou/" not in principal:
        return False
    return principal.rsplit("/", 1)[-1] in ancestors(organization, member)


def shares_with(account: str) -> list[ResourceShare]:
    """Every active share of another account that covers `account`."""
    return [
        share
        for owner, regions in list(ram_backends.items())
        if owner != account
        for backend in list(regions.values())
        for share in backend.resource_shares
        if share.status == "ACTIVE" and any(principal_covers(each, account) for each in share.principals)
    ]


def may_use(account: str, owner: str, resource_arn: str) -> bool:
    """Whether `account` owns the resource or has it through an active share."""
    return account == owner or any(resource_arn in share.resource_arns for share in shares_with(account))


def get_resource_shares(
    original: Any, self: ResourceAccessManagerBackend, resource_owner: str | None = None
) -> dict[str, Any]:
    """GetResourceShares with OTHER-ACCOUNTS, which stock does not implement."""
    if resource_owner != "OTHER-ACCOUNTS":
        return original(self, resource_owner)
    shares = [each.describe() for each in shares_with(self.account_id) if each.region == self.region_name]
    return {"resourceShares": shares}


def associate_resource_share(self: ResourceAccessManagerResponse) -> str:
    """AssociateResourceShare: add principals and resources to a share. Stock: not implemented."""
    request = self.request_params
    wanted = request.get("resourceShareArn")
    share = next((each for each in self.ram_backend.resource_shares if each.arn == wanted), None)
    if share is None:
        raise UnknownResourceException(f"ResourceShare {wanted} could not be found.")
    share.add_principals(request.get("principals") or [])
    share.add_resources(request.get("resourceArns") or [])
    entities = [*(request.get("principals") or []), *(request.get("resourceArns") or [])]
    associations = [
        {"resourceShareArn": share.arn, "associatedEntity": each, "status": "ASSOCIATED"} for each in entities
    ]
    return json.dumps({"resourceShareAssociations": associations})


def install() -> None:
    """Shares across accounts, and IPAM pools as something that can be shared."""
    ResourceShare.SHAREABLE_RESOURCES.append("ipam-pool")
    ResourceAccessManagerResponse.associate_resource_share = associate_resource_share
    urls.url_paths["{0}/associateresourceshare$"] = ResourceAccessManagerResponse.dispatch
    wrap(ResourceAccessManagerBackend, "get_resource_shares")(get_resource_shares)

    @wrap(ResourceShare, "add_principals")
    def add_principals(original: Any, self: ResourceShare, principals: list[str]) -> None:
        # Stock knows only OUs of its own account, and only those right below the root.
        organization = organization_of(self.account_id)
        known = {unit.arn for unit in organization.ou} if organization else set()
        original(self, [each for each in principals if each not in known])
        self.principals.extend(each for each in principals if each in known)
