"""What onboarding makes beyond network and roles: the baseline of a region, sign-in, and entries on clusters.

Whole lists again, so that a plan, a rule, an assignment or an entry that was made twice shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from berth_local import names
from berth_local.organization.hub import CLUSTER_REGION

Client = Callable[[str, str, str], Any]
Found = Iterator[tuple[str, Any]]

# Of a backup plan: versions are made up, and they rise with each repair, which is no harm.
_MADE_UP = ("VersionId", "ResponseMetadata")


def baseline(client: Client, account: str, region: str) -> Found:
    """AWS Backup, AWS Config and the defaults of the account in one region."""
    yield from _backup(client(account, "backup", region))
    yield from _config(client(account, "config", region))
    ec2 = client(account, "ec2", region)
    yield "EBS encryption", ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"]
    yield "metadata defaults", ec2.get_instance_metadata_defaults()["AccountLevel"]
    yield "snapshot sharing", ec2.get_snapshot_block_public_access_state()["State"]
    if region == names.HOME_REGION:
        yield "S3 public access", _s3_block(client(account, "s3control", region), account)


def _s3_block(s3control: Any, account: str) -> Any:
    """The block of the whole account, which every region shows; none where there is no block."""
    try:
        return s3control.get_public_access_block(AccountId=account)["PublicAccessBlockConfiguration"]
    except s3control.exceptions.NoSuchPublicAccessBlockConfiguration:
        return None


def _backup(backup: Any) -> Found:
    for vault in backup.list_backup_vaults()["BackupVaultList"]:
        yield "backup vault", vault | _tags(backup, vault["BackupVaultArn"])
    for listed in backup.list_backup_plans()["BackupPlansList"]:
        plan = {"BackupPlanId": listed["BackupPlanId"]}
        yield "backup plan", _without(backup.get_backup_plan(**plan)) | _tags(backup, listed["BackupPlanArn"])
        for each in backup.list_backup_selections(**plan)["BackupSelectionsList"]:
            yield "backup selection", _without(backup.get_backup_selection(**plan, SelectionId=each["SelectionId"]))


def _tags(backup: Any, arn: str) -> dict[str, Any]:
    return _without(backup.list_tags(ResourceArn=arn))


def _config(config: Any) -> Found:
    for recorder in config.describe_configuration_recorders()["ConfigurationRecorders"]:
        tags = config.list_tags_for_resource(ResourceArn=recorder["arn"])["Tags"]
        # AWS makes up the end of its ARN.
        yield "config recorder", {key: value for key, value in recorder.items() if key != "arn"} | {"tags": tags}
    for status in config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]:
        yield "config recording", {"name": status["name"], "recording": status["recording"]}
    for channel in config.describe_delivery_channels()["DeliveryChannels"]:
        yield "config channel", channel
    for rule in config.describe_config_rules()["ConfigRules"]:
        tags = config.list_tags_for_resource(ResourceArn=rule["ConfigRuleArn"])["Tags"]
        yield "config rule", rule | {"tags": tags}


def access(client: Client, account: str) -> Found:
    """Who may use the account, and as whom its roles may use the clusters."""
    yield from _assignments(client, account)
    eks = client(names.HUB_ACCOUNT, "eks", CLUSTER_REGION)
    for cluster in eks.list_clusters()["clusters"]:
        for page in eks.get_paginator("list_access_entries").paginate(clusterName=cluster):
            for role in (arn for arn in page["accessEntries"] if f"::{account}:" in arn):
                entry = eks.describe_access_entry(clusterName=cluster, principalArn=role)["accessEntry"]
                yield "access entry", entry
    for _, association in associations(eks, account):
        yield "pod identity association", association


def associations(eks: Any, account: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Pod Identity associations that give pods a role of the account, each with the name of its cluster."""
    for cluster in eks.list_clusters()["clusters"]:
        for page in eks.get_paginator("list_pod_identity_associations").paginate(clusterName=cluster):
            for listed in page["associations"]:
                one = {"clusterName": cluster, "associationId": listed["associationId"]}
                association = eks.describe_pod_identity_association(**one)["association"]
                if f"::{account}:" in association.get("targetRoleArn", association["roleArn"]):
                    yield cluster, association


def _assignments(client: Client, account: str) -> Found:
    center = client(names.MANAGEMENT_ACCOUNT, "sso-admin", names.IDENTITY_CENTER_REGION)
    store = client(names.MANAGEMENT_ACCOUNT, "identitystore", names.IDENTITY_CENTER_REGION)
    (instance,) = center.list_instances()["Instances"]
    asked = {"InstanceArn": instance["InstanceArn"]}
    for page in center.get_paginator("list_permission_sets").paginate(**asked):
        for permission_set in page["PermissionSets"]:
            of_set = asked | {"PermissionSetArn": permission_set, "AccountId": account}
            for part in center.get_paginator("list_account_assignments").paginate(**of_set):
                for assignment in part["AccountAssignments"]:
                    who = {"IdentityStoreId": instance["IdentityStoreId"], "GroupId": assignment["PrincipalId"]}
                    group = store.describe_group(**who)["DisplayName"]
                    yield "assignment", {"group": group, "permissionSet": permission_set}


def _without(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key not in _MADE_UP}
