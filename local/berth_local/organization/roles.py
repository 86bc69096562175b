"""The roles that let Berth into other accounts: read, network, tenant. Each trusts exact function roles and an ExternalId.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html#mitigate-confused-deputy
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from berth_local import names
from berth_local.access import Access, Credentials

_READ_FUNCTIONS = ("plan-onboarding", "sweep-accounts")
_NETWORK_FUNCTIONS = ("attach-transit-gateway",)
_SIGN_IN_FUNCTIONS = ("grant-sign-in",)
_TENANT_FUNCTIONS = (
    "provision-vpc",
    "attach-transit-gateway",
    "create-tenant-roles",
    "apply-baseline",
    "remove-default-vpcs",
)
_READ_ACTIONS = ("organizations:DescribeAccount", "organizations:ListAccounts", "organizations:ListTagsForResource")
_SIGN_IN_ACTIONS = (
    "identitystore:GetGroupId",
    "sso:CreateAccountAssignment",
    "sso:DescribeAccountAssignmentCreationStatus",
    "sso:DescribePermissionSet",
    "sso:ListAccountAssignmentCreationStatus",
    "sso:ListAccountAssignments",
    "sso:ListPermissionSets",
)
_NETWORK_ACTIONS = (
    "ec2:AcceptTransitGatewayVpcAttachment",
    "ec2:AssociateTransitGatewayRouteTable",
    "ec2:DescribeTransitGatewayAttachments",
    "ec2:DescribeTransitGateways",
    "ec2:DisableTransitGatewayRouteTablePropagation",
    "ec2:DisassociateTransitGatewayRouteTable",
    "ec2:EnableTransitGatewayRouteTablePropagation",
    "ec2:GetTransitGatewayAttachmentPropagations",
    "ec2:SearchTransitGatewayRoutes",
)
_TENANT_ACTIONS = (
    "backup-storage:MountCapsule",
    "backup:CreateBackupPlan",
    "backup:CreateBackupSelection",
    "backup:CreateBackupVault",
    "backup:DeleteBackupSelection",
    "backup:GetBackupPlan",
    "backup:ListBackupPlans",
    "backup:ListBackupSelections",
    "backup:ListBackupVaults",
    "backup:ListTags",
    "backup:TagResource",
    "backup:UpdateBackupPlan",
    "config:DescribeConfigRules",
    "config:DescribeConfigurationRecorderStatus",
    "config:DescribeConfigurationRecorders",
    "config:DescribeDeliveryChannels",
    "config:ListTagsForResource",
    "config:PutConfigRule",
    "config:PutConfigurationRecorder",
    "config:PutDeliveryChannel",
    "config:StartConfigurationRecorder",
    "config:TagResource",
    "ec2:AllocateIpamPoolCidr",
    "ec2:AssociateRouteTable",
    "ec2:AttachInternetGateway",
    "ec2:CreateFlowLogs",
    "ec2:CreateInternetGateway",
    "ec2:CreateRoute",
    "ec2:CreateRouteTable",
    "ec2:CreateSubnet",
    "ec2:CreateTags",
    "ec2:CreateTransitGatewayVpcAttachment",
    "ec2:CreateVpc",
    "ec2:CreateVpcEndpoint",
    "ec2:DeleteInternetGateway",
    "ec2:DeleteRoute",
    "ec2:DeleteSubnet",
    "ec2:DeleteVpc",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeEgressOnlyInternetGateways",
    "ec2:DescribeFlowLogs",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRegions",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTransitGatewayVpcAttachments",
    "ec2:DescribeTransitGateways",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcPeeringConnections",
    "ec2:DescribeVpcs",
    "ec2:DescribeVpnGateways",
    "ec2:DetachInternetGateway",
    "ec2:EnableEbsEncryptionByDefault",
    "ec2:EnableSnapshotBlockPublicAccess",
    "ec2:GetEbsDefaultKmsKeyId",
    "ec2:GetEbsEncryptionByDefault",
    "ec2:GetInstanceMetadataDefaults",
    "ec2:GetIpamPoolAllocations",
    "ec2:GetIpamPoolCidrs",
    "ec2:GetSnapshotBlockPublicAccessState",
    "ec2:ModifyEbsDefaultKmsKeyId",
    "ec2:ModifyInstanceMetadataDefaults",
    "ec2:ModifyTransitGatewayVpcAttachment",
    "ec2:ModifyVpcAttribute",
    "ec2:ModifyVpcEndpoint",
    "ec2:ReplaceRoute",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
    "iam:AttachRolePolicy",
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:CreateServiceLinkedRole",
    "iam:DeletePolicyVersion",
    "iam:DeleteRolePolicy",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetRole",
    "iam:ListPolicyTags",
    "iam:PassRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:TagPolicy",
    "iam:TagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "kms:CreateGrant",
    "kms:DescribeKey",
    "s3:GetAccountPublicAccessBlock",
    "s3:PutAccountPublicAccessBlock",
)


def make_read_role(access: Access, management: Credentials) -> None:
    """BerthRead: plan-onboarding and sweep-accounts read accounts with it."""
    _make(access, management, names.READ_ROLE, _READ_FUNCTIONS, _READ_ACTIONS)


def make_sign_in_role(access: Access, management: Credentials) -> None:
    """BerthSignIn: grant-sign-in asks Identity Center for assignments with it."""
    _make(access, management, names.SIGN_IN_ROLE, _SIGN_IN_FUNCTIONS, _SIGN_IN_ACTIONS)


def make_network_role(access: Access, network: Credentials) -> None:
    """BerthNetwork: attach-transit-gateway accepts, associates and propagates with it."""
    _make(access, network, names.NETWORK_ROLE, _NETWORK_FUNCTIONS, _NETWORK_ACTIONS)


def make_tenant_role(access: Access, tenant: Credentials) -> None:
    """BerthTenant: the steps that work in a tenant account use it."""
    _make(access, tenant, names.TENANT_ROLE, _TENANT_FUNCTIONS, _TENANT_ACTIONS)


def trust(functions: Sequence[str]) -> dict[str, Any]:
    """A trust policy for the roles of these functions in the hub account."""
    principals = [f"arn:aws:iam::{names.HUB_ACCOUNT}:role/berth-{function}" for function in functions]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": principals},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": names.EXTERNAL_ID}},
            }
        ],
    }


def _make(
    access: Access, credentials: Credentials, role: str, functions: Sequence[str], actions: Sequence[str]
) -> None:
    client = access.client("iam", credentials)
    client.create_role(
        RoleName=role,
        AssumeRolePolicyDocument=json.dumps(trust(functions)),
        Tags=[{"Key": key, "Value": value} for key, value in names.TAGS.items()],
    )
    permissions = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }
    client.put_role_policy(RoleName=role, PolicyName=role, PolicyDocument=json.dumps(permissions))
