"""Defaults of an account in EC2: metadata of instances, public snapshots, the key of EBS. Stock moto has none of them.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataDefaults.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableSnapshotBlockPublicAccess.html
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from berth_local.aws.replacing import put

_METADATA = {
    "HttpTokens": "HttpTokens",
    "HttpPutResponseHopLimit": "HttpPutResponseHopLimit",
    "HttpEndpoint": "HttpEndpoint",
    "InstanceMetadataTags": "InstanceMetadataTags",
}


def _defaults(backend: EC2Backend) -> dict[str, Any]:
    """The defaults of one account in one region; they go when moto is reset, with the backend."""
    return backend.__dict__.setdefault("berth_account_defaults", {"metadata": {}, "snapshots": "unblocked", "key": ""})


def get_instance_metadata_defaults(self: EC2Response) -> ActionResult:
    """GetInstanceMetadataDefaults."""
    return ActionResult({"AccountLevel": dict(_defaults(self.ec2_backend)["metadata"])})


def modify_instance_metadata_defaults(self: EC2Response) -> ActionResult:
    """ModifyInstanceMetadataDefaults: `no-preference` takes a default away."""
    metadata = _defaults(self.ec2_backend)["metadata"]
    for parameter, name in _METADATA.items():
        value = self._get_param(parameter)
        if value in ("no-preference", -1, "-1"):
            metadata.pop(name, None)
        elif value not in (None, ""):
            metadata[name] = value
    return ActionResult({"Return": True})


def get_snapshot_block_public_access_state(self: EC2Response) -> ActionResult:
    """GetSnapshotBlockPublicAccessState."""
    return ActionResult({"State": _defaults(self.ec2_backend)["snapshots"], "ManagedBy": "account"})


def enable_snapshot_block_public_access(self: EC2Response) -> ActionResult:
    """EnableSnapshotBlockPublicAccess."""
    _defaults(self.ec2_backend)["snapshots"] = self._get_param("State")
    return ActionResult({"State": self._get_param("State")})


def disable_snapshot_block_public_access(self: EC2Response) -> ActionResult:
    """DisableSnapshotBlockPublicAccess."""
    _defaults(self.ec2_backend)["snapshots"] = "unblocked"
    return ActionResult({"State": "unblocked"})


def get_ebs_default_kms_key_id(self: EC2Response) -> ActionResult:
    """GetEbsDefaultKmsKeyId: AWS's own key until another one is set."""
    backend = self.ec2_backend
    own = f"arn:aws:kms:{backend.region_name}:{backend.account_id}:alias/aws/ebs"
    return ActionResult({"KmsKeyId": _defaults(backend)["key"] or own})


def modify_ebs_default_kms_key_id(self: EC2Response) -> ActionResult:
    """ModifyEbsDefaultKmsKeyId, for a key that the local AWS does not have to know."""
    _defaults(self.ec2_backend)["key"] = self._get_param("KmsKeyId")
    return ActionResult({"KmsKeyId": self._get_param("KmsKeyId")})


def install() -> None:
    """Add the operations."""
    operations = (
        get_instance_metadata_defaults, modify_instance_metadata_defaults, get_snapshot_block_public_access_state,
        enable_snapshot_block_public_access, disable_snapshot_block_public_access, get_ebs_default_kms_key_id,
        modify_ebs_default_kms_key_id,
    )  # fmt: skip
    put(EC2Response, operations)
