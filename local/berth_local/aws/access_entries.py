"""EKS access entries and authentication modes, which stock moto does not have.

https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
https://docs.aws.amazon.com/eks/latest/APIReference/API_AccessEntry.html
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.eks import urls
from moto.eks.exceptions import (
    EKSError,
    InvalidParameterException,
    InvalidRequestException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from moto.eks.models import CLUSTER_NOT_FOUND_MSG, Cluster, EKSBackend
from moto.eks.responses import EKSResponse

from berth_local.aws.access import role_named
from berth_local.aws.replacing import wrap

MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")
"""In the only order in which a cluster may change its mode."""
RESERVED_GROUPS = ("system:", "eks:", "aws:", "amazon:", "iam:")
PAGE_MAX = 100
_LOCK = threading.RLock()


class NotFoundException(EKSError):
    """What tagging answers for a resource that does not exist."""

    TYPE = "NotFoundException"
    STATUS = 404


@dataclass
class AccessEntry:
    """One entry. `role_id` is what AWS keeps and does not show: the entry is for that role, not for its name."""

    cluster_name: str
    principal_arn: str
    kubernetes_groups: list[str]
    tags: dict[str, str]
    type: str
    username: str
    access_entry_arn: str
    role_id: str
    created_at: Any = field(default_factory=utcnow)
    modified_at: Any = field(default_factory=utcnow)

    def shown(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "clusterName": self.cluster_name,
            "principalArn": self.principal_arn,
            "kubernetesGroups": self.kubernetes_groups,
            "accessEntryArn": self.access_entry_arn,
            "createdAt": self.created_at,
            "modifiedAt": self.modified_at,
            "tags": self.tags,
            "username": self.username,
            "type": self.type,
        }


def cluster_of(self: EKSResponse) -> Cluster:
    """The cluster that a request names."""
    name = self._get_param("name") or self._get_param("clusterName")
    cluster = self.eks_backend.clusters.get(name)
    if cluster is None:
        raise ResourceNotFoundException(clusterName=name, message=CLUSTER_NOT_FOUND_MSG.format(clusterName=name))
    return cluster


def _open_cluster(self: EKSResponse) -> Cluster:
    """The cluster, if its mode knows entries."""
    cluster = cluster_of(self)
    if cluster.access_config["authenticationMode"] == "CONFIG_MAP":
        raise InvalidRequestException(message="the cluster's authentication mode must be API or API_AND_CONFIG_MAP")
    return cluster


def _entry(self: EKSResponse) -> AccessEntry:
    principal = self._get_param("principalArn")
    found = _open_cluster(self).access_entries.get(principal)
    if found is None:
        raise ResourceNotFoundException(message=f"there is no access entry of the principalArn {principal}")
    return found


def _role_id(principal: str) -> str:
    parts = principal.split(":")
    if len(parts) != 6 or parts[:3] != ["arn", "aws", "iam"] or not parts[5].startswith(("role/", "user/")):
        raise InvalidParameterException(message=f"the principalArn {principal} is invalid: invalid principal")
    if "/aws-service-role/" in principal:
        raise InvalidParameterException(message="the principalArn is a Service Linked Role")
    role = role_named(principal)
    if role is None:
        raise InvalidParameterException(message="the principalArn is invalid: invalid principal")
    return str(role.id)


def _groups(wanted: list[str] | None) -> list[str]:
    for group in wanted or []:
        if not group or group.startswith(RESERVED_GROUPS):
            raise InvalidParameterException(message=f"the kubernetes group name {group!r} is invalid")
    return list(wanted or [])


def create_access_entry(self: EKSResponse) -> ActionResult:
    """CreateAccessEntry."""
    with _LOCK:
        cluster, principal = _open_cluster(self), self._get_param("principalArn")
        if principal in cluster.access_entries:
            raise ResourceInUseException(message="the access entry is already in use on this cluster")
        role_id, groups = _role_id(principal), _groups(self._get_param("kubernetesGroups"))
        account, name = principal.split(":")[4], principal.rsplit("/", 1)[-1]
        base = cluster.arn.replace(":cluster/", ":access-entry/")
        entry = AccessEntry(
            cluster.name, principal, groups, dict(self._get_param("tags") or {}),
            self._get_param("type") or "STANDARD",
            self._get_param("username") or f"arn:aws:sts::{account}:assumed-role/{name}/{{{{SessionName}}}}",
            f"{base}/role/{account}/{name}/{uuid.uuid4()}", role_id,
        )  # fmt: skip
        cluster.access_entries[principal] = entry
        return ActionResult({"accessEntry": entry.shown()})


def describe_access_entry(self: EKSResponse) -> ActionResult:
    """DescribeAccessEntry."""
    return ActionResult({"accessEntry": _entry(self).shown()})


def update_access_entry(self: EKSResponse) -> ActionResult:
    """UpdateAccessEntry: what is not sent stays."""
    with _LOCK:
        entry, groups = _entry(self), self._get_param("kubernetesGroups")
        if groups is not None:
            entry.kubernetes_groups = _groups(groups)
        entry.username = self._get_param("username") or entry.username
        entry.modified_at = utcnow()
        return ActionResult({"accessEntry": entry.shown()})


def delete_access_entry(self: EKSResponse) -> ActionResult:
    """DeleteAccessEntry."""
    with _LOCK:
        entry = _entry(self)
        del cluster_of(self).access_entries[entry.principal_arn]
        return EmptyResult()


def list_access_entries(self: EKSResponse) -> ActionResult:
    """ListAccessEntries: ARNs, a hundred to a page."""
    arns = sorted(_open_cluster(self).access_entries)
    size = min(self._get_int_param("maxResults", PAGE_MAX) or PAGE_MAX, PAGE_MAX)
    start = int(self._get_param("nextToken") or 0)
    page = {"accessEntries": arns[start : start + size]}
    more = start + size
    return ActionResult(page | ({"nextToken": str(more)} if more < len(arns) else {}))


def _tags_of(backend: EKSBackend, arn: str) -> dict[str, str] | None:
    """The tags of what is part of a cluster, an entry or an association; none of anything else."""
    for cluster in backend.clusters.values():
        for entry in cluster.access_entries.values():
            if entry.access_entry_arn == arn:
                return entry.tags
        for association in cluster.pod_identity_associations.values():
            if association.arn == arn:
                return association.tags
    if ":access-entry/" in arn or ":podidentityassociation/" in arn:
        raise NotFoundException(message=f"there is no {arn}")
    return None


def _install_modes() -> None:
    @wrap(Cluster, "__init__")
    def cluster(original: Any, self: Cluster, *args: Any, **fields: Any) -> None:
        original(self, *args, **fields)
        self.access_config = {"authenticationMode": "CONFIG_MAP"}
        self.access_entries: dict[str, AccessEntry] = {}

    @wrap(EKSResponse, "create_cluster")
    def create_cluster(original: Any, self: EKSResponse) -> ActionResult:
        answer = original(self)
        mode = (self._get_param("accessConfig") or {}).get("authenticationMode", "CONFIG_MAP")
        self.eks_backend.clusters[self._get_param("name")].access_config = {"authenticationMode": mode}
        return answer

    @wrap(EKSResponse, "update_cluster_config")
    def update_cluster_config(original: Any, self: EKSResponse) -> ActionResult:
        wanted = (self._get_param("accessConfig") or {}).get("authenticationMode")
        if wanted is None:
            return original(self)
        cluster = cluster_of(self)
        if MODES.index(wanted) <= MODES.index(cluster.access_config["authenticationMode"]):
            raise InvalidParameterException(message=f"the authentication mode cannot be changed to {wanted}")
        cluster.access_config = {"authenticationMode": wanted}
        return ActionResult({"update": {"id": str(uuid.uuid4()), "status": "Successful", "type": "AccessConfigUpdate"}})


def untag_resource(self: EKSResponse) -> ActionResult:
    """UntagResource: every key that was sent. Stock takes the first one only."""
    self.eks_backend.untag_resource(self._extract_arn_from_path(), list(self.querystring.get("tagKeys", [])))
    return EmptyResult()


def _install_tags() -> None:
    EKSResponse.untag_resource = untag_resource
    for name in ("tag_resource", "untag_resource", "list_tags_for_resource"):

        @wrap(EKSBackend, name)
        def tagging(original: Any, self: EKSBackend, arn: str, *args: Any, _name: str = name) -> Any:
            tags = _tags_of(self, arn)
            if tags is None:
                return original(self, arn, *args)
            if _name == "tag_resource":
                tags.update(args[0])
            elif _name == "untag_resource":
                for key in args[0]:
                    tags.pop(key, None)
            return tags


def install() -> None:
    """The five operations, tags on parts of a cluster, and the modes."""
    for operation in (
        create_access_entry, describe_access_entry, update_access_entry, delete_access_entry, list_access_entries
    ):  # fmt: skip
        setattr(EKSResponse, operation.__name__, operation)
    urls.url_paths["{0}/clusters/(?P<name>[^/]+)/access-entries$"] = EKSResponse.dispatch
    # The ARN of a role has slashes, which the server has decoded by then.
    urls.url_paths["{0}/clusters/(?P<name>[^/]+)/access-entries/(?P<principalArn>.+)$"] = EKSResponse.dispatch
    _install_modes()
    _install_tags()
