"""Names and ids that every part of the local organization agrees on."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

ORGANIZATION_ID: Final = "o-berthlocal"
ROOT_ID: Final = "r-ab12"
MANAGEMENT_ACCOUNT: Final = "999988887777"
HUB_ACCOUNT: Final = "210987654321"
NETWORK_ACCOUNT: Final = "310987654321"
LOG_ARCHIVE_ACCOUNT: Final = "410987654321"

HOME_REGION: Final = "us-east-1"
"""Where the hub's bus, queues and state machine are."""
HUB_STACK: Final = "berth"
"""The name of the hub's stack (deploy/parameters.example.yaml)."""
CONTROL_TOWER_REGION: Final = "eu-west-1"
"""Control Tower's home region. Not the hub's, so that both forwarders are always exercised."""
TENANT_REGIONS: Final = ("eu-west-1", "eu-central-1")
"""Where tenant accounts get their networks."""
IDENTITY_CENTER_REGION: Final = "eu-west-1"
"""Not the home region, as in many organizations."""
ACCEPT_BY_HAND_REGION: Final = "eu-central-1"
"""The region whose Transit Gateway does not accept shared attachments by itself, so that both ways are always exercised."""

ENVIRONMENTS: Final = ("dev", "staging", "prod")
ORGANIZATIONAL_UNITS: Final = MappingProxyType(
    {
        "dev": "ou-ab12-dev00001",
        "staging": "ou-ab12-stg00001",
        "prod": "ou-ab12-prd00001",
        "suspended": "ou-ab12-sus00001",
    }
)

TENANT_ROLE: Final = "BerthTenant"
NETWORK_ROLE: Final = "BerthNetwork"
READ_ROLE: Final = "BerthRead"
SIGN_IN_ROLE: Final = "BerthSignIn"
CLUSTER_ROLE: Final = "BerthCluster"
"""In accounts other than the hub that have a cluster; the seed makes none."""
BOOTSTRAP_ROLE: Final = "OrganizationAccountAccessRole"
"""The role that Organizations makes in every account that it creates."""
EXTERNAL_ID: Final = "berth-local"

BUS: Final = "berth-accounts"
LEDGER_TABLE: Final = "berth-ledger"
STATE_MACHINE: Final = "berth-onboard-account"
PLATFORM_LAYER: Final = "berth-platform"
GITOPS_SECRET: Final = "berth/gitops"
GITOPS_BRANCH: Final = "main"
FLOW_LOGS_BUCKET: Final = "berth-local-flow-logs"
"""In the log archive account."""

TAGS: Final = MappingProxyType({"berth:managed-by": "berth-local"})
"""On what the seed makes; `berth` itself would mean that the pipeline made it."""
