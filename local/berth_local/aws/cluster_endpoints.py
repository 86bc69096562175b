"""Where the API server of an EKS cluster answers, and to whom; stock moto invents a host and a certificate.

https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html
https://docs.aws.amazon.com/eks/latest/APIReference/API_VpcConfigResponse.html
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from moto.core.responses import ActionResult
from moto.eks.models import Cluster, eks_backends
from moto.eks.responses import EKSResponse

from berth_local.aws.access import role_named
from berth_local.aws.access_entries import AccessEntry
from berth_local.aws.replacing import wrap

DEFAULT_ACCESS = MappingProxyType(
    {"endpointPublicAccess": True, "endpointPrivateAccess": False, "publicAccessCidrs": ["0.0.0.0/0"]}
)
"""What EKS makes of a cluster whose creator says nothing."""


@dataclass(frozen=True)
class Served:
    """Where this process serves all clusters: each below a path of its own."""

    url: str
    certificate_authority: str


_served: Served | None = None


def serve_at(served: Served) -> None:
    """Has clusters that are made from now on answer there."""
    global _served
    _served = served


def path_of(account: str, region: str, name: str) -> str:
    """The path of one cluster below `Served.url`."""
    return f"/{account}/{region}/{name}"


def entry_of(account: str, region: str, name: str, role_arn: str) -> AccessEntry | None:
    """The access entry of a role on a cluster; none for a role that was made again since, as on AWS."""
    cluster = eks_backends[account][region].clusters.get(name)
    entry = cluster.access_entries.get(role_arn) if cluster is not None else None
    role = role_named(role_arn)
    return entry if entry is not None and role is not None and entry.role_id == str(role.id) else None


def install() -> None:
    """Real endpoints, and who reaches them."""

    @wrap(Cluster, "__init__")
    def cluster(original: Any, self: Cluster, *args: Any, **fields: Any) -> None:
        original(self, *args, **fields)
        self.resources_vpc_config = {**DEFAULT_ACCESS, **(self.resources_vpc_config or {})}
        if _served is not None:
            _, _, _, region, account, _ = self.arn.split(":")
            self.endpoint = _served.url + path_of(account, region, self.name)
            self.certificate_authority = {"data": _served.certificate_authority}

    @wrap(EKSResponse, "update_cluster_config")
    def update_cluster_config(original: Any, self: EKSResponse) -> ActionResult:
        wanted = self._get_param("resourcesVpcConfig")
        found = self.eks_backend.clusters.get(self._get_param("name"))
        if not wanted or found is None:
            return original(self)
        # What is not sent stays. Stock forgets it, and answers with the cluster.
        found.resources_vpc_config = {**found.resources_vpc_config, **wanted}
        update = {"id": str(uuid.uuid4()), "status": "Successful", "type": "EndpointAccessUpdate"}
        return ActionResult({"update": update})
