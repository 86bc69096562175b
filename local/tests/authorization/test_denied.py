"""What Berth's roles may not do, decided with the policies as they are deployed.

Each case is the hole as a hostile review found it, or one of its kind. `stolen` is the role without a session policy: the
guard must hold for whoever takes the role of a function.
"""

from __future__ import annotations

from typing import Any

import pytest
from deployed import CLUSTER, TENANT, example_boundary, guardrails, of_function, stolen

from berth_local import names
from berth_local.authorization.evaluate import Policies, Request, decide

ROLE = f"arn:aws:iam::{TENANT}:role"
BOUNDARY = f"arn:aws:iam::{TENANT}:policy/tenant/berth-tenant-boundary"
OURS = {"aws:resourcetag/berth:managed-by": "berth"}
PUTS_OURS = {"aws:requesttag/berth:managed-by": "berth", "aws:tagkeys": ["berth:managed-by"]}
WITHIN = {"iam:permissionsboundary": BOUNDARY}
BERTH = {
    "tenant": {"aws:principalarn": f"{ROLE}/BerthTenant"},
    "network": {"aws:principalarn": f"arn:aws:iam::{names.NETWORK_ACCOUNT}:role/BerthNetwork"},
    "management": {"aws:principalarn": f"arn:aws:iam::{names.MANAGEMENT_ACCOUNT}:role/BerthSignIn"},
    "cluster": {"aws:principalarn": f"arn:aws:iam::{CLUSTER}:role/BerthCluster"},
}
PLAN = f"arn:aws:backup:eu-west-1:{TENANT}:backup-plan:0a"


def entry(account: str, name: str) -> str:
    return f"arn:aws:eks:eu-west-1:{CLUSTER}:access-entry/shared-a/role/{account}/{name}/0a"


def assignment(account: str) -> str:
    return f"arn:aws:sso:::account/{account}"


def table(name: str) -> str:
    return f"arn:aws:ec2:eu-west-1:{names.NETWORK_ACCOUNT}:transit-gateway-route-table/{name}"


Case = tuple[str, str, str, dict[str, Any]]

PODS = f"arn:aws:eks:eu-west-1:{CLUSTER}:podidentityassociation/shared-1/a-0a"
POD_ROLE = f"arn:aws:iam::{CLUSTER}:role/tenant-pods"
TO_PODS = {"iam:passedtoservice": "pods.eks.amazonaws.com"}

DENIED: list[Case] = [
    # --- a tag that the same session puts on first opens nothing outside of the path
    ("tenant", "iam:TagRole", f"{ROLE}/cdk-hnb659fds-deploy", PUTS_OURS),
    ("tenant", "iam:TagRole", f"{ROLE}/AWSControlTowerExecution", PUTS_OURS),
    ("tenant", "iam:TagRole", f"{ROLE}/BerthTenant", PUTS_OURS),
    ("tenant", "iam:UpdateAssumeRolePolicy", f"{ROLE}/cdk-hnb659fds-deploy", OURS),
    ("tenant", "iam:UpdateAssumeRolePolicy", f"{ROLE}/admin", OURS | WITHIN),
    ("tenant", "iam:UpdateAssumeRolePolicy", f"{ROLE}/tenant/admin", OURS),
    ("tenant", "iam:UpdateAssumeRolePolicy", f"{ROLE}/tenant/admin", WITHIN),
    ("tenant", "iam:UpdateRole", f"{ROLE}/tenant/admin", OURS),
    ("tenant", "iam:PutRolePermissionsBoundary", f"{ROLE}/admin", WITHIN),
    ("tenant", "iam:PutRolePermissionsBoundary", f"{ROLE}/tenant/admin", WITHIN),
    ("tenant", "iam:PutRolePermissionsBoundary", f"{ROLE}/tenant/a", OURS | {"iam:permissionsboundary": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    ("tenant", "iam:AttachRolePolicy", f"{ROLE}/admin", OURS | WITHIN),
    ("tenant", "iam:AttachRolePolicy", f"{ROLE}/tenant/a", OURS),
    ("tenant", "iam:PutRolePolicy", f"{ROLE}/tenant/a", WITHIN),
    ("tenant", "iam:TagPolicy", f"arn:aws:iam::{TENANT}:policy/company-boundary", PUTS_OURS),
    ("tenant", "iam:CreatePolicyVersion", f"arn:aws:iam::{TENANT}:policy/company-boundary", OURS),
    ("tenant", "iam:CreatePolicyVersion", f"arn:aws:iam::{TENANT}:policy/berth-provision-vpc", OURS),
    ("tenant", "backup:UpdateBackupPlan", PLAN, {}),
    ("tenant", "backup:CreateBackupSelection", PLAN, {}),
    ("tenant", "backup:DeleteBackupSelection", PLAN, {}),
    ("tenant", "config:StartConfigurationRecorder", f"arn:aws:config:eu-west-1:{TENANT}:configuration-recorder/default/0a", {}),
    ("tenant", "config:PutConfigurationRecorder", f"arn:aws:config:eu-west-1:{TENANT}:configuration-recorder/default/0a", PUTS_OURS),
    # --- a role outside of the boundary, of the path, or one of the platform's
    ("tenant", "iam:CreateRole", f"{ROLE}/tenant/a", PUTS_OURS),
    ("tenant", "iam:CreateRole", f"{ROLE}/a", PUTS_OURS | WITHIN),
    ("tenant", "iam:CreateRole", f"{ROLE}/tenant/a", WITHIN),
    ("tenant", "iam:CreateRole", f"{ROLE}/aws-reserved/a", PUTS_OURS | WITHIN),
    ("tenant", "iam:CreateUser", f"arn:aws:iam::{TENANT}:user/a", WITHIN),
    # --- another tenant's VPC, or one that is not Berth's
    ("tenant", "ec2:DeleteVpc", f"arn:aws:ec2:eu-west-1:{TENANT}:vpc/vpc-0a", {"aws:resourcetag/berth:managed-by": "others"}),
    ("tenant", "ec2:DeleteVpc", "arn:aws:ec2:eu-west-1:444455556666:vpc/vpc-0b", OURS),
    ("tenant", "ec2:DeleteRouteTable", f"arn:aws:ec2:eu-west-1:{TENANT}:route-table/rtb-0a", {}),
    ("tenant", "ec2:CreateSubnet", f"arn:aws:ec2:eu-west-1:{TENANT}:vpc/vpc-0a", {}),
    ("tenant", "ec2:CreateTransitGatewayVpcAttachment", f"arn:aws:ec2:eu-west-1:{TENANT}:vpc/vpc-0a", {}),
    ("tenant", "ec2:CreateTransitGatewayVpcAttachment", "arn:aws:ec2:eu-west-1:444455556666:vpc/vpc-0b", OURS),
    ("tenant", "ec2:CreateTags", f"arn:aws:ec2:eu-west-1:{TENANT}:vpc/vpc-0a", PUTS_OURS),
    ("tenant", "ec2:CreateTags", f"arn:aws:ec2:eu-west-1:{TENANT}:instance/i-0a", OURS | PUTS_OURS),
    ("tenant", "ec2:CreateRoute", "arn:aws:ec2:eu-west-1:444455556666:route-table/rtb-0b", OURS),
    ("tenant", "ec2:ModifyTransitGatewayVpcAttachment", f"arn:aws:ec2:eu-west-1:{TENANT}:subnet/subnet-0a", {}),
    # --- the network account's tables
    ("network", "ec2:DisassociateTransitGatewayRouteTable", table("tgw-rtb-0onpremises"), {}),
    ("network", "ec2:AssociateTransitGatewayRouteTable", table("tgw-rtb-0onpremises"), {}),
    ("network", "ec2:EnableTransitGatewayRouteTablePropagation", table("tgw-rtb-0onpremises"), {}),
    ("network", "ec2:CreateTransitGatewayRoute", table("tgw-rtb-0spoke"), {}),
    # --- assignments on core accounts
    ("management", "sso:CreateAccountAssignment", assignment(names.MANAGEMENT_ACCOUNT), {}),
    ("management", "sso:CreateAccountAssignment", assignment(names.HUB_ACCOUNT), {}),
    ("management", "sso:CreateAccountAssignment", assignment(names.NETWORK_ACCOUNT), {}),
    ("management", "sso:DeleteAccountAssignment", assignment(names.MANAGEMENT_ACCOUNT), {}),
    ("management", "sso:DeleteAccountAssignment", assignment(names.HUB_ACCOUNT), {}),
    # --- the platform's own access entries, and groups of others
    ("cluster", "eks:TagResource", entry(CLUSTER, "admin"), PUTS_OURS),
    ("cluster", "eks:UpdateAccessEntry", entry(CLUSTER, "admin"), OURS),
    ("cluster", "eks:DeleteAccessEntry", entry(CLUSTER, "admin"), OURS),
    ("cluster", "eks:UpdateAccessEntry", entry(TENANT, "a"), {}),
    ("cluster", "eks:UpdateAccessEntry", entry(TENANT, "a"), OURS | {"eks:kubernetesgroups": ["admins"]}),
    ("cluster", "eks:TagResource", entry(TENANT, "a"), PUTS_OURS | {"eks:kubernetesgroups": ["admins"]}),
    ("cluster", "eks:AssociateAccessPolicy", entry(TENANT, "a"), OURS),
    # --- associations of others, and roles that are not for tenants' pods
    ("cluster", "eks:DeletePodIdentityAssociation", PODS, {}),
    ("cluster", "eks:UpdatePodIdentityAssociation", PODS, {}),
    ("cluster", "eks:UpdatePodIdentityAssociation", PODS.replace("/shared-1/", "/other/"), OURS),
    ("cluster", "iam:PassRole", f"arn:aws:iam::{CLUSTER}:role/admin", TO_PODS),
    ("cluster", "iam:PassRole", POD_ROLE, {"iam:passedtoservice": "ec2.amazonaws.com"}),
]  # fmt: skip


@pytest.mark.parametrize(("part", "action", "resource", "keys"), DENIED)
def test_a_role_of_berth_may_not(part: str, action: str, resource: str, keys: dict[str, Any]) -> None:
    assert not decide(Request(action, resource, BERTH[part] | keys), stolen(part)).allowed


ALLOWED: list[Case] = [
    ("tenant", "iam:CreateRole", f"{ROLE}/tenant/a", PUTS_OURS | WITHIN),
    ("tenant", "iam:TagRole", f"{ROLE}/tenant/a", PUTS_OURS),
    ("tenant", "iam:UpdateAssumeRolePolicy", f"{ROLE}/tenant/a", OURS | WITHIN),
    ("tenant", "iam:PutRolePermissionsBoundary", f"{ROLE}/tenant/a", OURS | WITHIN),
    ("tenant", "iam:CreatePolicyVersion", BOUNDARY, OURS),
    ("tenant", "backup:UpdateBackupPlan", PLAN, OURS),
    ("tenant", "config:PutConfigurationRecorder", f"arn:aws:config:eu-west-1:{TENANT}:configuration-recorder/berth-recorder/0a", PUTS_OURS),
    ("tenant", "ec2:CreateTransitGatewayVpcAttachment", f"arn:aws:ec2:eu-west-1:{TENANT}:vpc/vpc-0a", OURS),
    ("network", "ec2:AssociateTransitGatewayRouteTable", table("tgw-rtb-0spoke"), {}),
    ("network", "ec2:DisassociateTransitGatewayRouteTable", table("tgw-rtb-0shared"), {}),
    ("management", "sso:CreateAccountAssignment", assignment(TENANT), {}),
    ("cluster", "eks:UpdateAccessEntry", entry(TENANT, "a"), OURS | {"eks:kubernetesgroups": ["tenant:a:dev:edit"]}),
    ("cluster", "eks:DeletePodIdentityAssociation", PODS, OURS),
    ("cluster", "eks:UpdatePodIdentityAssociation", PODS, OURS),
    ("cluster", "iam:PassRole", POD_ROLE, TO_PODS),
    ("cluster", "eks:TagResource", entry(TENANT, "a"), PUTS_OURS | {"eks:kubernetesgroups": ["tenant:a:dev:edit"]}),
]  # fmt: skip


@pytest.mark.parametrize(("part", "action", "resource", "keys"), ALLOWED)
def test_its_lawful_twin_is_allowed(part: str, action: str, resource: str, keys: dict[str, Any]) -> None:
    decision = decide(Request(action, resource, BERTH[part] | keys), stolen(part))
    assert decision.allowed, decision.reason


def test_a_function_has_no_part_of_another_function() -> None:
    request = Request("iam:CreateRole", f"{ROLE}/tenant/a", BERTH["tenant"] | PUTS_OURS | WITHIN)
    assert decide(request, of_function("create-tenant-roles", "tenant")).allowed
    decision = decide(request, of_function("provision-vpc", "tenant"))
    assert (decision.allowed, decision.reason) == (False, "session policy")


PEOPLE = f"arn:aws:iam::{TENANT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0a"
DEVELOPER = f"{ROLE}/tenant/payments-developer"
ADMIN = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
VPC = f"arn:aws:ec2:eu-west-1:{TENANT}:vpc/vpc-0a"

HARMFUL: list[tuple[str, str, dict[str, Any]]] = [
    ("ec2:CreateTransitGatewayVpcAttachment", VPC, {}),
    ("ec2:ModifyTransitGatewayVpcAttachment", VPC, {}),
    ("ec2:DeleteTransitGatewayVpcAttachment", VPC, {}),
    ("ec2:CreateVpc", VPC, {}),
    ("ec2:CreateDefaultVpc", "*", {}),
    ("ec2:DeleteVpc", VPC, {}),
    ("ec2:AssociateVpcCidrBlock", VPC, {}),
    ("ec2:DisassociateVpcCidrBlock", VPC, {}),
    ("ec2:CreateVpcPeeringConnection", VPC, {}),
    ("ec2:AcceptVpcPeeringConnection", VPC, {}),
    ("ec2:CreateRoute", VPC, {}),
    ("ec2:ReplaceRoute", VPC, {}),
    ("ec2:DeleteRoute", VPC, {}),
    ("ec2:CreateRouteTable", VPC, {}),
    ("ec2:AssociateRouteTable", VPC, {}),
    ("ec2:ReplaceRouteTableAssociation", VPC, {}),
    ("ec2:CreateSubnet", VPC, {}),
    ("ec2:AttachInternetGateway", VPC, {}),
    ("ec2:CreateVpnGateway", VPC, {}),
    ("ec2:CreateVpnConnection", VPC, {}),
    ("ec2:CreateClientVpnEndpoint", VPC, {}),
    ("ec2:CreateVpcEndpointServiceConfiguration", VPC, {}),
    ("ec2:DeleteFlowLogs", VPC, {}),
    ("ec2:CreateTags", VPC, {"aws:tagkeys": ["berth:managed-by"]}),
    ("ec2:DeleteTags", VPC, {"aws:tagkeys": ["Name", "berth:account"]}),
    ("ec2:DeleteTags", VPC, OURS),  # all of them go when none is named
    ("ec2:CreateVolume", VPC, {"aws:tagkeys": ["berth:managed-by"]}),
    ("ram:CreateResourceShare", "*", {}),
    ("ram:AcceptResourceShareInvitation", "*", {}),
    ("vpc-lattice:CreateServiceNetwork", "*", {}),
    ("ec2:DisableEbsEncryptionByDefault", "*", {}),
    ("ec2:DisableSnapshotBlockPublicAccess", "*", {}),
    ("ec2:ModifyInstanceMetadataDefaults", "*", {}),
    ("s3:PutAccountPublicAccessBlock", "*", {}),
    ("config:StopConfigurationRecorder", "*", {}),
    ("config:DeleteConfigRule", "*", {}),
    ("config:PutConfigurationRecorder", "*", {}),
    ("backup:DeleteBackupPlan", PLAN, {}),
    ("backup:UpdateBackupPlan", PLAN, {}),
    ("backup:DeleteRecoveryPoint", PLAN, {}),
    ("backup:PutBackupVaultAccessPolicy", PLAN, {}),
    ("iam:UpdateAssumeRolePolicy", f"{ROLE}/BerthTenant", {}),
    ("iam:DeleteRole", f"{ROLE}/BerthTenant", {}),
    ("iam:PutRolePolicy", f"{ROLE}/BerthTenant", WITHIN),
    ("iam:TagRole", f"{ROLE}/tenant/payments-developer", {}),
    ("iam:CreateRole", f"{ROLE}/tenant/mine", WITHIN),
    ("iam:CreateRole", f"{ROLE}/stacksets-exec-mine", WITHIN),
    ("iam:CreatePolicyVersion", BOUNDARY, {}),
    ("iam:SetDefaultPolicyVersion", BOUNDARY, {}),
    ("iam:DeletePolicy", BOUNDARY, {}),
    ("iam:DeletePolicyVersion", f"arn:aws:iam::{TENANT}:policy/berth-provision-vpc", {}),
    ("iam:DeleteRolePermissionsBoundary", f"{ROLE}/mine", {}),
    ("iam:PutRolePermissionsBoundary", f"{ROLE}/mine", {"iam:permissionsboundary": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    ("iam:CreateRole", f"{ROLE}/mine", {}),
    ("iam:CreateUser", f"arn:aws:iam::{TENANT}:user/mine", {}),
    ("iam:AttachRolePolicy", f"{ROLE}/AWSServiceRoleForX", {}),
    ("iam:UpdateAssumeRolePolicy", f"{ROLE}/admin-of-the-company", {}),
    ("organizations:LeaveOrganization", "*", {}),
]  # fmt: skip


@pytest.mark.parametrize(("action", "resource", "keys"), HARMFUL)
def test_an_administrator_of_a_tenant_may_not(action: str, resource: str, keys: dict[str, Any]) -> None:
    for environment in ("dev", "staging", "prod"):
        within = Policies([ADMIN], example_boundary(environment))
        assert not decide(Request(action, resource, {"aws:principalarn": DEVELOPER} | keys), within).allowed, (
            environment
        )
    signed_in = Policies([ADMIN], None, None, guardrails())
    assert not decide(Request(action, resource, {"aws:principalarn": PEOPLE} | keys), signed_in).allowed


WORK: list[tuple[str, str, dict[str, Any]]] = [
    ("ec2:RunInstances", f"arn:aws:ec2:eu-west-1:{TENANT}:subnet/subnet-0a", OURS),
    ("ec2:CreateSecurityGroup", VPC, OURS),
    ("ec2:DescribeVpcs", "*", {}),
    ("ec2:CreateVolume", "*", {"aws:tagkeys": ["backup"]}),
    ("iam:CreateRole", f"{ROLE}/mine", WITHIN),
    ("iam:PassRole", f"{ROLE}/mine", {}),
    ("iam:AttachRolePolicy", f"{ROLE}/mine", WITHIN),
    ("iam:GetRole", f"{ROLE}/BerthTenant", {}),
    ("sqs:CreateQueue", f"arn:aws:sqs:eu-west-1:{TENANT}:mine", {}),
    ("s3:CreateBucket", "arn:aws:s3:::mine", {}),
    ("backup:StartBackupJob", PLAN, {}),
]


@pytest.mark.parametrize(("action", "resource", "keys"), WORK)
def test_the_daily_work_of_a_tenant_is_allowed(action: str, resource: str, keys: dict[str, Any]) -> None:
    for who, policies in (
        (DEVELOPER, Policies([ADMIN], example_boundary())),
        (PEOPLE, Policies([ADMIN], None, None, guardrails())),
    ):
        decision = decide(Request(action, resource, {"aws:principalarn": who} | keys), policies)
        assert decision.allowed, (who, decision.reason)


def test_aws_backup_works_within_the_boundary_on_its_role() -> None:
    request = Request("ec2:CreateTags", f"arn:aws:ec2:eu-west-1:{TENANT}:snapshot/snap-0a", {
        "aws:principalarn": f"{ROLE}/berth-backup", "aws:tagkeys": ["berth:account"],
    })  # fmt: skip
    assert decide(request, Policies([ADMIN], example_boundary(), None, guardrails())).allowed
