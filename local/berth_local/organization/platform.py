"""platform.yaml for the local organization. The types of crates/berth-config own its shape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from berth_local import names
from berth_local.organization.accounts import Organization
from berth_local.organization.addresses import VPC_PREFIX_LENGTH, PoolKey, pool_block
from berth_local.organization.hub import CLUSTER_REGION, CLUSTERS
from berth_local.organization.network import SHARED_SERVICES_ADDRESSES, RegionalNetwork
from berth_local.organization.sign_in import GROUPS, KNOWN_BY_ARN, PERMISSION_SETS, IdentityCenter
from berth_local.settings import DEFAULT_TEMPLATES


def platform_document(
    organization: Organization,
    networks: Mapping[str, RegionalNetwork],
    pools: Mapping[PoolKey, str],
    center: IdentityCenter,
) -> dict[str, Any]:
    """The platform configuration that fits what the seed made."""
    return {
        "version": 1,
        "organization": {
            "id": organization.organization_id,
            "managementAccount": names.MANAGEMENT_ACCOUNT,
            "readRole": names.READ_ROLE,
        },
        "hub": {"account": names.HUB_ACCOUNT},
        "network": {"account": names.NETWORK_ACCOUNT, "role": names.NETWORK_ROLE},
        "tenantRole": names.TENANT_ROLE,
        "ownerGroups": ["{tenant}-leads"],
        "startOn": ["controlTower", "organizations", "move"],
        "identityCenter": {
            "role": names.SIGN_IN_ROLE,
            "region": names.IDENTITY_CENTER_REGION,
            "instanceArn": center.instance_arn,
            "identityStoreId": center.identity_store_id,
            "permissionSets": {name: center.permission_sets[name] for name in KNOWN_BY_ARN},
        },
        "clusters": {cluster: {"region": CLUSTER_REGION, "eks": {}} for cluster in CLUSTERS.values()},
        "environments": {
            environment: _environment(environment, organization, networks, pools) for environment in names.ENVIRONMENTS
        },
    }


def _environment(
    environment: str,
    organization: Organization,
    networks: Mapping[str, RegionalNetwork],
    pools: Mapping[PoolKey, str],
) -> dict[str, Any]:
    return {
        "organizationalUnits": [organization.units[environment]],
        "cluster": CLUSTERS[environment],
        "stage": environment,
        "regions": {
            region: _region(network, pools[(environment, region)], str(pool_block(environment, region)))
            for region, network in networks.items()
        },
        "roles": _roles(),
        "signIn": [
            {"group": f"{{tenant}}-{group}", "permissionSet": permission_set}
            for group, permission_set in zip(GROUPS, PERMISSION_SETS, strict=True)
        ],
        "baseline": _baseline(),
    }


def _region(network: RegionalNetwork, pool_id: str, block: str) -> dict[str, Any]:
    return {
        "addresses": {"ipam": {"poolId": pool_id, "prefixLength": VPC_PREFIX_LENGTH, "supernets": [block]}},
        "zones": list(network.zone_ids),
        "tiers": [
            {"name": "private", "prefixLength": 22, "routing": "private"},
            {"name": "data", "prefixLength": 24, "routing": "intra"},
            {"name": "attachment", "prefixLength": 28, "routing": "attachment"},
        ],
        "gatewayEndpoints": ["s3", "dynamodb"],
        "flowLogs": {"bucketArn": f"arn:aws:s3:::{names.FLOW_LOGS_BUCKET}/vpc"},
        "transitGateway": {
            "id": network.transit_gateway_id,
            "spokeRouteTable": network.spoke_route_table,
            "propagateTo": [network.shared_route_table],
            "sharedAttachments": [network.shared_attachment],
            "routes": [str(SHARED_SERVICES_ADDRESSES)],
        },
    }


def _baseline() -> dict[str, Any]:
    """Everything that a baseline can have, without keys."""
    return {
        "backup": {
            "vault": "berth-backup",
            "rules": [{"name": "daily", "schedule": "cron(0 3 * * ? *)", "deleteAfterDays": 35}],
            "tags": [{"key": "backup", "value": "true"}],
        },
        "config": {
            "recorder": {"bucket": "berth-local-config", "prefix": "config"},
            "rules": [
                {"name": "encrypted-volumes", "source": "ENCRYPTED_VOLUMES"},
                {
                    "name": "access-keys-rotated",
                    "source": "ACCESS_KEYS_ROTATED",
                    "parameters": {"maxAccessKeyAge": "90"},
                    "frequency": "twentyFourHours",
                },
            ],
        },
        "ebsEncryption": {},
        "requireImdsV2": True,
        "snapshotSharing": "blockAll",
        "s3PublicAccessBlock": True,
    }


def _roles() -> dict[str, Any]:
    # The one that the example ships, so that everything here runs within it.
    import yaml

    example = yaml.safe_load((DEFAULT_TEMPLATES / "platform.example.yaml").read_text())
    boundary = example["environments"]["dev"]["roles"]["boundary"]["document"]
    return {
        "boundary": {"name": "{tenant}-boundary", "path": "/tenant/", "document": boundary},
        "roles": [
            {
                "key": "developer",
                "name": "{tenant}-developer",
                "trust": {"permissionSet": {"name": "TenantDeveloper"}},
                "access": "edit",
                "managedPolicies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            },
            {
                "key": "viewer",
                "name": "{tenant}-viewer",
                "trust": {"permissionSet": {"name": "TenantViewer"}},
                "access": "view",
                "managedPolicies": ["arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"],
            },
        ],
    }


def write_platform(path: Path, document: Mapping[str, Any]) -> None:
    """Writes the document as YAML, in the order of its keys."""
    import yaml

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "# The platform configuration of the local organization, written by `berth local up`.\n"
        + yaml.safe_dump(dict(document), sort_keys=False, default_flow_style=False)
    )
