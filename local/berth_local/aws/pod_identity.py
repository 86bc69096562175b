"""EKS Pod Identity associations, which stock moto does not have.

https://docs.aws.amazon.com/eks/latest/APIReference/API_CreatePodIdentityAssociation.html
https://docs.aws.amazon.com/eks/latest/userguide/pod-id-assign-target-role.html
"""

from __future__ import annotations

import json
import re
import secrets
import string
import threading
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.eks import urls
from moto.eks.exceptions import (
    InvalidParameterException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from moto.eks.models import Cluster
from moto.eks.responses import EKSResponse

from berth_local.aws.access import role_named
from berth_local.aws.access_entries import cluster_of
from berth_local.aws.policies import as_list
from berth_local.aws.replacing import put, wrap

SERVICE = "pods.eks.amazonaws.com"
PAGE_MAX = 100
_LOCK = threading.RLock()
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.+")
_LETTERS = string.ascii_lowercase + string.digits


@dataclass
class Association:
    """One association. `asked` is the request that made it, by whose token it is known again."""

    cluster: Cluster
    namespace: str
    service_account: str
    role_arn: str
    target_role_arn: str
    disable_session_tags: bool
    policy: str
    tags: dict[str, str]
    token: str
    asked: dict[str, Any]
    association_id: str = field(default_factory=lambda: "a-" + "".join(secrets.choice(_LETTERS) for _ in range(17)))
    created_at: Any = field(default_factory=utcnow)
    modified_at: Any = field(default_factory=utcnow)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"{self.cluster.arn.replace(':cluster/', ':podidentityassociation/')}/{self.association_id}"

    def listed(self) -> dict[str, Any]:
        """As a list shows it."""
        return {
            "clusterName": self.cluster.name,
            "namespace": self.namespace,
            "serviceAccount": self.service_account,
            "associationArn": self.arn,
            "associationId": self.association_id,
        }

    def shown(self) -> dict[str, Any]:
        """As the API shows it. What is not set is left out."""
        shown = self.listed() | {
            "roleArn": self.role_arn,
            "tags": self.tags,
            "createdAt": self.created_at,
            "modifiedAt": self.modified_at,
            "disableSessionTags": self.disable_session_tags,
        }
        if self.target_role_arn:
            _, _, _, region, account, _ = self.cluster.arn.split(":", 5)
            who = f"{self.cluster.name}/{self.namespace}/{self.service_account}"
            shown |= {"targetRoleArn": self.target_role_arn, "externalId": f"{region}/{account}/{who}"}
        return shown | ({"policy": self.policy} if self.policy else {})


def _association(self: EKSResponse) -> Association:
    known, wanted = cluster_of(self).pod_identity_associations, self._get_param("associationId")
    if wanted not in known:
        raise ResourceNotFoundException(message=f"No association found for association id: {wanted}")
    return known[wanted]


def _check_role(arn: str) -> None:
    """Pods can have it: it is there, and its trust lets EKS assume and tag."""
    role = role_named(arn) if _ROLE_ARN.fullmatch(arn or "") else None
    if role is None:
        raise InvalidParameterException(message="Role provided in the request does not exist.")
    document = json.loads(role.assume_role_policy_document or "{}")
    for statement in as_list(document.get("Statement")):
        services = as_list((statement.get("Principal") or {}).get("Service"))
        if SERVICE in services and {"sts:AssumeRole", "sts:TagSession"} <= set(as_list(statement.get("Action"))):
            return
    raise InvalidParameterException(
        message="Trust policy of the role provided is invalid. Follow the official documentation to resolve the issue."
    )


def _check(role: str, target: str, policy: str, tags_are_off: bool) -> None:
    _check_role(role)
    # Whether the target is there, only its own account could say.
    if target and not _ROLE_ARN.fullmatch(target):
        raise InvalidParameterException(message=f"The target role ARN {target} is invalid.")
    if policy and not tags_are_off:
        raise InvalidParameterException(message="disableSessionTags must be true when a policy is specified.")


def create_pod_identity_association(self: EKSResponse) -> ActionResult:
    """CreatePodIdentityAssociation. A request whose token is known gets the answer of before."""
    with _LOCK:
        cluster = cluster_of(self)
        known = cluster.pod_identity_associations
        names = ("namespace", "serviceAccount", "roleArn", "targetRoleArn", "policy")
        asked = {name: self._get_param(name) or "" for name in names}
        asked["disableSessionTags"] = bool(self._get_param("disableSessionTags"))
        token = self._get_param("clientRequestToken") or ""
        for each in known.values():
            if token and each.token == token:
                if each.asked != asked:
                    raise InvalidParameterException(message="The client request token was used with other parameters.")
                return ActionResult({"association": each.shown()})
        if not (asked["namespace"] and asked["serviceAccount"]):
            raise InvalidParameterException(message="namespace and serviceAccount must not be empty")
        _check(asked["roleArn"], asked["targetRoleArn"], asked["policy"], asked["disableSessionTags"])
        for each in known.values():
            if (each.namespace, each.service_account) == (asked["namespace"], asked["serviceAccount"]):
                raise ResourceInUseException(message=f"Association already exists: {each.association_id}")
        made = Association(
            cluster, *(asked[name] for name in names[:4]), asked["disableSessionTags"], asked["policy"],
            dict(self._get_param("tags") or {}), token, asked,
        )  # fmt: skip
        known[made.association_id] = made
        return ActionResult({"association": made.shown()})


def describe_pod_identity_association(self: EKSResponse) -> ActionResult:
    """DescribePodIdentityAssociation."""
    return ActionResult({"association": _association(self).shown()})


def update_pod_identity_association(self: EKSResponse) -> ActionResult:
    """UpdatePodIdentityAssociation: what is not sent stays."""
    with _LOCK:
        found = _association(self)

        def asked(name: str, now: Any) -> Any:
            sent = self._get_param(name)
            return now if sent is None else sent

        role, target = asked("roleArn", found.role_arn), asked("targetRoleArn", found.target_role_arn)
        policy, off = asked("policy", found.policy), asked("disableSessionTags", found.disable_session_tags)
        if all(self._get_param(each) is None for each in ("roleArn", "targetRoleArn", "policy", "disableSessionTags")):
            raise InvalidParameterException(message="An update must change the role, the target role or session tags.")
        _check(role, target, policy, off)
        found.role_arn, found.target_role_arn, found.policy, found.disable_session_tags = role, target, policy, off
        found.modified_at = utcnow()
        return ActionResult({"association": found.shown()})


def delete_pod_identity_association(self: EKSResponse) -> ActionResult:
    """DeletePodIdentityAssociation: shows what it was."""
    with _LOCK:
        found = _association(self)
        del found.cluster.pod_identity_associations[found.association_id]
        return ActionResult({"association": found.shown()})


def list_pod_identity_associations(self: EKSResponse) -> ActionResult:
    """ListPodIdentityAssociations: those of a namespace, or a service account, where one is named."""
    wanted = {name: self._get_param(name) for name in ("namespace", "serviceAccount")}
    every = (each.listed() for each in list(cluster_of(self).pod_identity_associations.values()))
    found = [each for each in every if all(not value or each[name] == value for name, value in wanted.items())]
    found.sort(key=lambda each: (each["namespace"], each["serviceAccount"]))
    size = min(self._get_int_param("maxResults", PAGE_MAX) or PAGE_MAX, PAGE_MAX)
    start = int(self._get_param("nextToken") or 0)
    more = start + size
    return ActionResult({"associations": found[start:more]} | ({"nextToken": str(more)} if more < len(found) else {}))


def install() -> None:
    """The five operations."""

    @wrap(Cluster, "__init__")
    def cluster(original: Any, self: Cluster, *args: Any, **fields: Any) -> None:
        original(self, *args, **fields)
        self.pod_identity_associations: dict[str, Association] = {}

    put(EKSResponse, (
        create_pod_identity_association, describe_pod_identity_association, update_pod_identity_association,
        delete_pod_identity_association, list_pod_identity_associations,
    ))  # fmt: skip
    base = "{0}/clusters/(?P<name>[^/]+)/pod-identity-associations"
    urls.url_paths[f"{base}$"] = EKSResponse.dispatch
    urls.url_paths[f"{base}/(?P<associationId>[^/]+)$"] = EKSResponse.dispatch
