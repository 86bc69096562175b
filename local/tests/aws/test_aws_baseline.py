"""AWS Backup and the account's defaults in EC2, S3 and AWS Config, as apply-baseline meets them."""

from __future__ import annotations

import json
import uuid

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from twin_worlds import TENANT, World, differs_from_stock, fresh

PLAN = {
    "BackupPlanName": "plan",
    "Rules": [{"RuleName": "daily", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(0 3 * * ? *)"}],
}


def _account() -> str:
    return f"6{uuid.uuid4().int % 10**11:011d}"


def _backup_role(world: World, account: str, service: str = "backup.amazonaws.com") -> str:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    iam = world.client("iam", account)
    made = iam.create_role(RoleName=fresh("role"), AssumeRolePolicyDocument=json.dumps(trust))
    return made["Role"]["Arn"]


def _selection(role: str) -> dict:
    tags = [{"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "true"}]
    return {"SelectionName": "tagged", "IamRoleArn": role, "ListOfTags": tags}


@differs_from_stock("CreateBackupSelection")
def test_a_selection_is_made_once_for_its_token_listed_read_and_deleted(world: World) -> None:
    account = _account()
    backup, role = world.client("backup", account), _backup_role(world, account)
    plan = backup.create_backup_plan(BackupPlan=PLAN, CreatorRequestId="plan")["BackupPlanId"]
    wanted = {"BackupPlanId": plan, "BackupSelection": _selection(role), "CreatorRequestId": "selection"}
    made = [backup.create_backup_selection(**wanted)["SelectionId"] for _ in range(2)]
    assert made[0] == made[1]
    (listed,) = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    assert (listed["SelectionId"], listed["CreatorRequestId"], listed["IamRoleArn"]) == (made[0], "selection", role)
    read = backup.get_backup_selection(BackupPlanId=plan, SelectionId=made[0])
    assert read["BackupSelection"]["ListOfTags"] == _selection(role)["ListOfTags"]
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=made[0])
    assert backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"] == []


def test_a_role_that_is_not_there_or_does_not_trust_backup_is_refused(ours: World) -> None:
    account = _account()
    backup = ours.client("backup", account)
    plan = backup.create_backup_plan(BackupPlan=PLAN, CreatorRequestId="plan")["BackupPlanId"]
    for role in (f"arn:aws:iam::{account}:role/absent", _backup_role(ours, account, "ec2.amazonaws.com")):
        with pytest.raises(ClientError, match="cannot be assumed by AWS Backup") as refused:
            backup.create_backup_selection(BackupPlanId=plan, BackupSelection=_selection(role))
        assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"


@differs_from_stock("UpdateBackupPlan")
def test_a_plan_can_be_changed_and_keeps_its_id_and_tags(world: World) -> None:
    backup = world.client("backup", _account())
    made = backup.create_backup_plan(BackupPlan=PLAN, BackupPlanTags={"a": "b"}, CreatorRequestId="plan")
    changed = {**PLAN, "Rules": [{**PLAN["Rules"][0], "ScheduleExpression": "cron(0 4 * * ? *)"}]}
    again = backup.update_backup_plan(BackupPlanId=made["BackupPlanId"], BackupPlan=changed)
    assert again["BackupPlanId"] == made["BackupPlanId"]
    assert again["VersionId"] != made["VersionId"]
    read = backup.get_backup_plan(BackupPlanId=made["BackupPlanId"])
    assert read["BackupPlan"]["Rules"][0]["ScheduleExpression"] == "cron(0 4 * * ? *)"
    assert backup.list_tags(ResourceArn=made["BackupPlanArn"])["Tags"] == {"a": "b"}


@differs_from_stock("Tags")
def test_tags_are_listed_also_without_a_slash_behind_the_arn(world: World) -> None:
    backup = world.client("backup", _account())
    made = backup.create_backup_plan(BackupPlan=PLAN, BackupPlanTags={"a": "b"}, CreatorRequestId="plan")
    arn = made["BackupPlanArn"]

    def cut(request: AWSRequest, **_: object) -> None:
        request.url = request.url.rstrip("/")

    backup.meta.events.register("before-sign.backup.ListTags", cut)
    assert backup.list_tags(ResourceArn=arn)["Tags"] == {"a": "b"}, "Tags"


@differs_from_stock("AlreadyExistsException")
def test_a_vault_and_a_plan_are_made_once_for_their_token(world: World) -> None:
    backup = world.client("backup", _account())
    vaults = [backup.create_backup_vault(BackupVaultName="vault", CreatorRequestId="v") for _ in range(2)]
    assert vaults[0]["BackupVaultArn"] == vaults[1]["BackupVaultArn"]
    plans = [backup.create_backup_plan(BackupPlan=PLAN, CreatorRequestId="p")["BackupPlanId"] for _ in range(2)]
    assert plans[0] == plans[1]


@differs_from_stock("Internal Server Error")
def test_metadata_defaults_are_of_one_account_and_region(world: World) -> None:
    account = _account()
    ec2 = world.client("ec2", account)
    assert "HttpTokens" not in ec2.get_instance_metadata_defaults()["AccountLevel"]
    ec2.modify_instance_metadata_defaults(HttpTokens="required")
    assert ec2.get_instance_metadata_defaults()["AccountLevel"]["HttpTokens"] == "required"
    for other in (world.client("ec2", account, "eu-west-1"), world.client("ec2", TENANT)):
        assert "HttpTokens" not in other.get_instance_metadata_defaults()["AccountLevel"]
    ec2.modify_instance_metadata_defaults(HttpTokens="no-preference")
    assert "HttpTokens" not in ec2.get_instance_metadata_defaults()["AccountLevel"]


@differs_from_stock("Internal Server Error")
def test_public_sharing_of_snapshots_can_be_blocked_and_unblocked(world: World) -> None:
    ec2 = world.client("ec2", _account())
    assert ec2.get_snapshot_block_public_access_state()["State"] == "unblocked"
    ec2.enable_snapshot_block_public_access(State="block-all-sharing")
    assert ec2.get_snapshot_block_public_access_state()["State"] == "block-all-sharing"
    ec2.disable_snapshot_block_public_access()
    assert ec2.get_snapshot_block_public_access_state()["State"] == "unblocked"


@differs_from_stock("Internal Server Error")
def test_the_key_of_ebs_is_aws_own_until_another_is_set(world: World) -> None:
    account = _account()
    ec2 = world.client("ec2", account)
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"].endswith("alias/aws/ebs")
    key = f"arn:aws:kms:us-east-1:{account}:key/1234"
    ec2.modify_ebs_default_kms_key_id(KmsKeyId=key)
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == key


def _tags(config, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in config.list_tags_for_resource(ResourceArn=arn)["Tags"]}


def test_a_recorder_takes_tags_where_it_is_made_and_keeps_them(ours: World) -> None:
    account = _account()
    config = ours.client("config", account)
    role = f"arn:aws:iam::{account}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    for tags in ([{"Key": "CostCenter", "Value": "1"}], [{"Key": "CostCenter", "Value": "2"}]):
        config.put_configuration_recorder(ConfigurationRecorder={"name": "main", "roleARN": role}, Tags=tags)
    (recorder,) = config.describe_configuration_recorders()["ConfigurationRecorders"]
    assert recorder["arn"].startswith(f"arn:aws:config:us-east-1:{account}:configuration-recorder/main/")
    assert _tags(config, recorder["arn"]) == {"CostCenter": "1"}
    config.tag_resource(ResourceArn=recorder["arn"], Tags=[{"Key": "Owner", "Value": "me"}])
    config.put_configuration_recorder(ConfigurationRecorder={"name": "main", "roleARN": role})
    assert _tags(config, recorder["arn"]) == {"CostCenter": "1", "Owner": "me"}
    config.untag_resource(ResourceArn=recorder["arn"], TagKeys=["CostCenter"])
    assert _tags(config, recorder["arn"]) == {"Owner": "me"}


@differs_from_stock("CreateBackupSelection")
def test_a_plan_with_a_selection_is_kept_and_its_name_free_afterwards(world: World) -> None:
    account = _account()
    backup, role = world.client("backup", account), _backup_role(world, account)
    plan = backup.create_backup_plan(BackupPlan=PLAN, CreatorRequestId="plan")["BackupPlanId"]
    backup.create_backup_selection(BackupPlanId=plan, BackupSelection=_selection(role), CreatorRequestId="one")
    with pytest.raises(ClientError, match="selections must be deleted prior"):
        backup.delete_backup_plan(BackupPlanId=plan)
    (listed,) = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=listed["SelectionId"])
    backup.delete_backup_plan(BackupPlanId=plan)
    assert backup.list_backup_plans()["BackupPlansList"] == []
    again = backup.create_backup_plan(BackupPlan=PLAN, CreatorRequestId="plan")["BackupPlanId"]
    assert again != plan


@differs_from_stock("StartBackupJob")
def test_a_vault_with_a_recovery_point_is_not_deleted(world: World) -> None:
    account = _account()
    backup, role = world.client("backup", account), _backup_role(world, account)
    for name in ("full", "empty"):
        backup.create_backup_vault(BackupVaultName=name, CreatorRequestId=name)
    volume = f"arn:aws:ec2:eu-west-1:{account}:volume/vol-1"
    job = backup.start_backup_job(BackupVaultName="full", ResourceArn=volume, IamRoleArn=role)
    assert job["RecoveryPointArn"].startswith("arn:aws:backup:")
    vaults = backup.list_backup_vaults()["BackupVaultList"]
    assert {each["BackupVaultName"]: each["NumberOfRecoveryPoints"] for each in vaults} == {"full": 1, "empty": 0}
    with pytest.raises(ClientError, match="contains recovery points"):
        backup.delete_backup_vault(BackupVaultName="full")
    backup.delete_backup_vault(BackupVaultName="empty")
    assert [each["BackupVaultName"] for each in backup.list_backup_vaults()["BackupVaultList"]] == ["full"]
