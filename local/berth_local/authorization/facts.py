"""What conditions ask about resources and principals, read from the emulator of this process."""

from __future__ import annotations

from collections.abc import Iterator

from moto.backup.models import backup_backends
from moto.config.exceptions import ResourceNotFoundException
from moto.config.models import config_backends
from moto.ec2.models import ec2_backends
from moto.eks.models import eks_backends
from moto.iam.models import iam_backends

from berth_local.aws import attachments
from berth_local.aws.address_pools import POOLS
from berth_local.aws.sharing import ancestors, organization_of

Tags = dict[str, str]


def organization_id(account: str) -> str:
    """The organization of an account; empty outside of any."""
    found = organization_of(account)
    return found.org.id if found is not None and found.org is not None else ""


def organization_path(account: str) -> list[str]:
    """Ids from the root to the account: what service control policies are attached to."""
    found = organization_of(account)
    member = next((each for each in found.accounts if each.id == account), None) if found is not None else None
    return [] if found is None or member is None else [*_root_first(found, member), account]


def _root_first(organization: object, member: object) -> list[str]:
    path = ancestors(organization, member)  # type: ignore[arg-type]
    root = next((unit.id for unit in organization.ou if unit.id.startswith("r-")), "")  # type: ignore[attr-defined]
    return path if not root or root in path else [root, *path]


def ec2_tags(account: str, region: str, resource: str) -> Tags:
    """Tags of a thing of EC2, as this account gave them."""
    return dict(ec2_backends[account][region].tags.get(resource, {}))


def ec2_owner(account: str, region: str, resource: str) -> str:
    """The account in the ARN of a thing of EC2: of a gateway or pool that is shared, its owner's."""
    if resource.startswith("tgw-attach-"):
        found = attachments.ATTACHMENTS.get(resource)
        return found.account if found is not None else account
    if resource.startswith("tgw-"):
        owners = (each for each in list(ec2_backends) if resource in ec2_backends[each][region].transit_gateways)
        return next(owners, account)
    pool = POOLS.get(resource) if resource.startswith("ipam-pool-") else None
    return pool.owner if pool is not None else account


def role(account: str, name: str) -> tuple[str, Tags, str]:
    """ARN, tags and boundary of a role; one that is not there has none of them."""
    found = next((each for each in iam_backends[account]["aws"].roles.values() if each.name == name), None)
    if found is None:
        return "", {}, ""
    tags = {each["Key"]: each["Value"] for each in found.tags or []}
    return found.arn, tags, found.permissions_boundary_arn or ""


def policy_tags(arn: str) -> Tags:
    """Tags of a managed policy of a customer."""
    account = arn.split(":")[4]
    found = iam_backends[account]["aws"].managed_policies.get(arn) if account.isdigit() else None
    return {key: value["Value"] for key, value in (found.tags or {}).items()} if found is not None else {}


def provider_tags(arn: str) -> Tags:
    """Tags of an OIDC provider."""
    account = arn.split(":")[4]
    found = iam_backends[account]["aws"].open_id_providers.get(arn) if account.isdigit() else None
    return {tag["Key"]: tag["Value"] for tag in found.tag_list_type} if found is not None else {}


def entry(account: str, region: str, cluster: str, principal: str) -> tuple[str, Tags, list[str]]:
    """ARN, tags and groups of an access entry; nothing where there is none."""
    there = eks_backends[account][region].clusters.get(cluster)
    found = there.access_entries.get(principal) if there is not None else None
    return (found.access_entry_arn, dict(found.tags), list(found.kubernetes_groups)) if found else ("", {}, [])


def entries(account: str, region: str) -> Iterator[tuple[str, Tags, list[str], str]]:
    """ARN, tags, groups and principal of every access entry."""
    for cluster in eks_backends[account][region].clusters.values():
        for each in cluster.access_entries.values():
            yield each.access_entry_arn, dict(each.tags), list(each.kubernetes_groups), each.principal_arn


def association_tags(account: str, region: str, cluster: str, association: str) -> Tags:
    """Tags of an EKS Pod Identity association."""
    there = eks_backends[account][region].clusters.get(cluster)
    found = there.pod_identity_associations.get(association) if there is not None else None
    return dict(found.tags) if found is not None else {}


def backup_tags(account: str, region: str, arn: str) -> Tags:
    """Tags of a plan or a vault."""
    return dict(backup_backends[account][region].tagger.get_tag_dict_for_resource(arn))


def config_tags(account: str, region: str, arn: str) -> Tags:
    """Tags of a rule or a recorder of AWS Config; none of what is not there."""
    try:
        return dict(config_backends[account][region]._match_arn(arn).tags or {})
    except ResourceNotFoundException:
        return {}


def config_rule(account: str, region: str, name: str) -> tuple[str, Tags]:
    """ARN and tags of a rule of AWS Config."""
    backend = config_backends[account][region]
    found = backend.config_rules.get(name)
    if found is None:
        return f"arn:aws:config:{region}:{account}:config-rule/config-rule-new", {}
    return found.config_rule_arn, dict(found.tags or {})


def recorder_tags(account: str, region: str, name: str) -> Tags:
    """Tags of a recorder of AWS Config; none of one that is not there."""
    found = config_backends[account][region].recorders.get(name)
    return dict(found._berth_tags) if found is not None else {}
