"""What the hub account has before Berth is installed there: the shared clusters and the GitOps secret.

AWS: EKS CreateCluster, Secrets Manager CreateSecret.
"""

from __future__ import annotations

import json
from types import MappingProxyType

from berth_local import names
from berth_local.access import Access, Credentials

CLUSTERS = MappingProxyType({environment: f"shared-{environment}-1" for environment in names.ENVIRONMENTS})
"""The shared cluster of each environment."""
CLUSTER_NAMES = "shared-*"
"""What all their names match: Berth may change no other cluster."""
CLUSTER_REGION = names.TENANT_REGIONS[0]
_KUBERNETES_VERSION = "1.33"


def make_clusters(access: Access, hub: Credentials) -> None:
    """Makes one cluster for each environment. Its access entries are what Berth adds later."""
    subnets = access.client("ec2", hub, CLUSTER_REGION).describe_subnets()["Subnets"][:2]
    client = access.client("eks", hub, CLUSTER_REGION)
    for environment, cluster in CLUSTERS.items():
        client.create_cluster(
            name=cluster,
            version=_KUBERNETES_VERSION,
            roleArn=f"arn:aws:iam::{hub.account_id}:role/eks-cluster",
            resourcesVpcConfig={"subnetIds": [subnet["SubnetId"] for subnet in subnets]},
            accessConfig={"authenticationMode": "API"},
            tags={"environment": environment, **names.TAGS},
        )


def make_gitops_secret(access: Access, hub: Credentials, username: str, password: str) -> str:
    """Keeps the credentials of the tenants repository in the hub. Returns the secret's ARN."""
    client = access.client("secretsmanager", hub)
    value = json.dumps({"username": username, "password": password})
    return client.create_secret(Name=names.GITOPS_SECRET, SecretString=value)["ARN"]
