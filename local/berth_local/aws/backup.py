"""AWS Backup: selections, changed plans, tokens, and what keeps a plan or a vault from being deleted.

Stock moto has no selections and no backups, cannot change a plan, deletes whatever it is told to, and never forgets the name of
a plan that was deleted.

https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupSelection.html
https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteBackupVault.html
"""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import unquote

from moto.backup.exceptions import (
    InvalidParameterValueException,
    InvalidRequestException,
    ResourceNotFoundException,
)
from moto.backup.models import BackupBackend, Plan, Vault
from moto.backup.responses import BackupResponse
from moto.backup.urls import url_paths
from moto.core.utils import unix_time
from moto.iam.models import iam_backends
from moto.moto_api._internal import mock_random

from berth_local.aws.replacing import wrap

SERVICE = "backup.amazonaws.com"


def selections_of(backend: BackupBackend, plan_id: str) -> dict[str, dict[str, Any]]:
    """The selections of a plan, by id; they live and go with the plan."""
    plan = backend.get_backup_plan(plan_id, None)
    return plan.__dict__.setdefault("berth_selections", {})


def refuse_role(backend: BackupBackend, arn: str) -> None:
    """AWS Backup tries the role when it is given: one that is not there, or does not trust it, is refused."""
    account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    roles = iam_backends[account][backend.partition].roles.values()
    role = next((role for role in roles if role.name == name and role.arn == arn), None)
    if role is None or SERVICE not in str(role.assume_role_policy_document):
        raise InvalidParameterValueException(msg=f"IAM Role {arn} cannot be assumed by AWS Backup")


def _plan_and_selection(path: str) -> tuple[str, str]:
    parts = path.split("?")[0].strip("/").split("/")
    plan = parts[parts.index("plans") + 1]
    after = parts[parts.index("selections") + 1 :]
    return plan, after[0] if after else ""


def create_backup_selection(self: BackupResponse) -> str:
    """CreateBackupSelection: the same token gives the same selection."""
    plan_id, _ = _plan_and_selection(self.path)
    params = json.loads(self.body)
    selections = selections_of(self.backup_backend, plan_id)
    token, wanted = params.get("CreatorRequestId"), params["BackupSelection"]
    found = next((each for each in selections.values() if token and each["CreatorRequestId"] == token), None)
    if found is None:
        refuse_role(self.backup_backend, wanted["IamRoleArn"])
        found = {
            "SelectionId": str(mock_random.uuid4()),
            "SelectionName": wanted["SelectionName"],
            "BackupPlanId": plan_id,
            "CreationDate": unix_time(),
            "CreatorRequestId": token,
            "IamRoleArn": wanted["IamRoleArn"],
            "BackupSelection": wanted,
        }
        selections[found["SelectionId"]] = found
    return json.dumps({key: found[key] for key in ("SelectionId", "BackupPlanId", "CreationDate")})


def list_backup_selections(self: BackupResponse) -> str:
    """ListBackupSelections, in one page."""
    plan_id, _ = _plan_and_selection(self.path)
    found = selections_of(self.backup_backend, plan_id).values()
    listed = [{key: value for key, value in each.items() if key != "BackupSelection"} for each in found]
    return json.dumps({"BackupSelectionsList": listed})


def get_backup_selection(self: BackupResponse) -> str:
    """GetBackupSelection."""
    plan_id, selection = _plan_and_selection(self.path)
    found = selections_of(self.backup_backend, plan_id).get(selection)
    if found is None:
        raise ResourceNotFoundException(msg=f"Cannot find backup selection {selection}")
    return json.dumps(found)


def delete_backup_selection(self: BackupResponse) -> str:
    """DeleteBackupSelection."""
    plan_id, selection = _plan_and_selection(self.path)
    selections_of(self.backup_backend, plan_id).pop(selection, None)
    return "{}"


def update_backup_plan(self: BackupResponse) -> str:
    """UpdateBackupPlan: a new version with the same id; ids of rules are new, as is the version's."""
    plan_id = self.path.split("?")[0].strip("/").split("/")[-1]
    plan = self.backup_backend.get_backup_plan(plan_id, None)
    fresh = Plan(json.loads(self.body)["BackupPlan"], plan.creator_request_id, self.backup_backend)
    plan.backup_plan, plan.version_id = fresh.backup_plan, fresh.version_id
    return json.dumps(plan.to_dict())


def start_backup_job(self: BackupResponse) -> str:
    """StartBackupJob: the backup is made at once, and is one recovery point more in the vault."""
    params = json.loads(self.body)
    vault = self.backup_backend.describe_backup_vault(params["BackupVaultName"])
    refuse_role(self.backup_backend, params["IamRoleArn"])
    vault.num_of_recovery_points += 1
    point = f"arn:aws:backup:{self.region}:{self.current_account}:recovery-point:{mock_random.uuid4()}"
    return json.dumps({"BackupJobId": str(mock_random.uuid4()), "RecoveryPointArn": point, "CreationDate": unix_time()})


def delete_recovery_point(self: BackupResponse) -> str:
    """DeleteRecoveryPoint: only the vault's count of them is kept."""
    name = self.path.split("?")[0].strip("/").split("/")[1]
    vault = self.backup_backend.describe_backup_vault(name)
    vault.num_of_recovery_points = max(0, vault.num_of_recovery_points - 1)
    return ""


def list_tags(self: BackupResponse) -> str:
    """ListTags: the ARN is the last part of the path; SDKs other than boto write no slash behind it."""
    arn = unquote(self.path.split("?")[0].rstrip("/").rsplit("/", 1)[-1])
    return json.dumps({"Tags": self.backup_backend.list_tags(resource_arn=arn)})


def install() -> None:
    """Add the operations, and answer a repeated token with what it made."""
    dispatch = BackupResponse.dispatch
    url_paths["{0}/backup/plans/(?P<name>[^/]+)/selections/?$"] = dispatch
    url_paths["{0}/backup/plans/(?P<name>[^/]+)/selections/(?P<selection>[^/]+)$"] = dispatch
    url_paths["{0}/backup-vaults/(?P<name>[^/]+)/recovery-points/(?P<point>.+)$"] = dispatch
    url_paths["{0}/backup-jobs/?$"] = dispatch
    for operation in (
        create_backup_selection, list_backup_selections, get_backup_selection, delete_backup_selection,
        update_backup_plan, start_backup_job, delete_recovery_point, list_tags,
    ):  # fmt: skip
        setattr(BackupResponse, operation.__name__, operation)
    _refuse_deletions()

    @wrap(BackupBackend, "create_backup_plan")
    def create_backup_plan(
        original: Any, self: BackupBackend, backup_plan: dict[str, Any], backup_plan_tags: Any, creator_request_id: str
    ) -> Plan:
        for plan in self.plans.values():
            if creator_request_id and plan.creator_request_id == creator_request_id and plan.deletion_date is None:
                return plan
        return original(self, copy.deepcopy(backup_plan), backup_plan_tags, creator_request_id)

    @wrap(BackupBackend, "create_backup_vault")
    def create_backup_vault(
        original: Any, self: BackupBackend, backup_vault_name: str, backup_vault_tags: Any, encryption_key_arn: str,
        creator_request_id: str,
    ) -> Vault:  # fmt: skip
        vault = self.vaults.get(backup_vault_name)
        if vault is not None and creator_request_id and vault.creator_request_id == creator_request_id:
            return vault
        return original(self, backup_vault_name, backup_vault_tags, encryption_key_arn, creator_request_id)


def _refuse_deletions() -> None:
    """A plan with selections and a vault with recovery points stay; what is deleted is gone with its tags."""

    @wrap(BackupBackend, "delete_backup_plan")
    def delete_backup_plan(original: Any, self: BackupBackend, backup_plan_id: str) -> Any:
        if selections_of(self, backup_plan_id):
            raise InvalidRequestException(
                msg="Related backup plan selections must be deleted prior to backup plan deletion"
            )
        answer = original(self, backup_plan_id)
        self.tagger.delete_all_tags_for_resource(self.plans.pop(backup_plan_id).backup_plan_arn)
        return answer

    @wrap(BackupBackend, "delete_backup_vault")
    def delete_backup_vault(original: Any, self: BackupBackend, backup_vault_name: str) -> None:
        vault = self.describe_backup_vault(backup_vault_name)
        if vault.num_of_recovery_points:
            raise InvalidRequestException(msg="Backup vault cannot be deleted because it contains recovery points.")
        original(self, backup_vault_name)
        self.tagger.delete_all_tags_for_resource(vault.backup_vault_arn)
