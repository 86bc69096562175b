"""An API server behind the cluster of an environment, while the demo has one, and `awaitReady` for it meanwhile."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.faults import LocalError
from berth_local.organization.hub import CLUSTER_REGION, CLUSTERS
from berth_local.session import deploy

ROLE = f"arn:aws:iam::{names.HUB_ACCOUNT}:role/berth-await-tenant"
"""The role by which Berth's function shows itself to a cluster."""
GROUP = "berth:await-tenant"
"""The group of Kubernetes that the operator's chart lets read Tenants."""


def attach(state: Mapping[str, Any], environment: str, server: str) -> str:
    """Puts an API server behind the cluster of an environment, lets Berth in, and has it wait. Returns the cluster's name.

    `server` is JSON: the URL, and how to be an administrator there.

    Raises:
        LocalError: the local AWS refuses.
    """
    import yaml

    cluster = CLUSTERS[environment]
    _gateway(state, cluster, "PUT", server.encode())
    _let_in(state, cluster)
    deployed, before = Path(state["platform"]), _before(state)
    if not before.exists():
        before.write_text(deployed.read_text())
    document = yaml.safe_load(before.read_text())
    document["clusters"][cluster]["awaitReady"] = True
    deployed.write_text(yaml.safe_dump(document, sort_keys=False))
    deploy(state["endpoint"], deployed, deployed)
    return cluster


def detach(state: Mapping[str, Any], environment: str) -> str:
    """Puts everything back as it was: also where nothing was attached. Returns the cluster's name.

    Raises:
        LocalError: the local AWS does not answer.
    """
    cluster, before = CLUSTERS[environment], _before(state)
    if before.exists():
        deploy(state["endpoint"], before, Path(state["platform"]))
        before.unlink()
    client = _eks(state)
    with contextlib.suppress(client.exceptions.ResourceNotFoundException):
        client.delete_access_entry(clusterName=cluster, principalArn=ROLE)
    _gateway(state, cluster, "DELETE", None)
    return cluster


def _before(state: Mapping[str, Any]) -> Path:
    """Where the platform.yaml is kept meanwhile that was deployed before."""
    return Path(state["platform"]).parent.parent / "platform-without-kubernetes.yaml"


def _eks(state: Mapping[str, Any]) -> Any:
    keys = state["environment"]
    hub = Credentials(names.HUB_ACCOUNT, keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
    return Access(state["endpoint"]).client("eks", hub, CLUSTER_REGION)


def _let_in(state: Mapping[str, Any], cluster: str) -> None:
    client = _eks(state)
    try:
        client.create_access_entry(clusterName=cluster, principalArn=ROLE, kubernetesGroups=[GROUP])
    except client.exceptions.ResourceInUseException:
        return
    except (ClientError, BotoCoreError) as error:
        raise LocalError(f"the cluster {cluster} lets nobody ask: {error}") from error


def _gateway(state: Mapping[str, Any], cluster: str, method: str, body: bytes | None) -> None:
    request = urllib.request.Request(f"{state['endpoint']}/_berth/clusters/{cluster}", data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            json.load(answer)
    except OSError as error:
        raise LocalError(f"no API server can be put behind {cluster}: {error}") from error
