//! Which sentence of the journal tells which call of AWS: a change without its sentence is seen here, and a sentence without
//! its call. A call that no line knows is a violation by itself, so that a step's new call gets one.

use std::collections::BTreeSet;

use berth_tenancy::{RECORD_CHANGE, ToldChange, UNTAG_CHANGE};

use super::Call;

/// How the sentences that tell an operation begin, and what of the call is in them.
struct Telling {
    service: &'static str,
    operation: &'static str,
    begins: &'static [&'static str],
    /// Parameters whose values are in the sentence.
    names: &'static [&'static str],
    /// Where the sentence has a name that the call has not: parameters that tell two things apart, so that two sentences
    /// are there.
    counts: &'static [&'static str],
}

const fn telling(
    service: &'static str,
    operation: &'static str,
    begins: &'static [&'static str],
    names: &'static [&'static str],
) -> Telling {
    Telling { service, operation, begins, names, counts: &[] }
}

const fn counted(
    service: &'static str,
    operation: &'static str,
    begins: &'static [&'static str],
    counts: &'static [&'static str],
) -> Telling {
    Telling { service, operation, begins, names: &[], counts }
}

const ATTACHMENT: &str = "TransitGatewayAttachmentId";
const GATEWAY_TABLE: &str = "TransitGatewayRouteTableId";
const PROVIDER: &str = "OpenIDConnectProviderArn";
const DELETES: &[&str] = &["delete "];
const UNTAGS: &[&str] = &[UNTAG_CHANGE];

const NETWORK: &[Telling] = &[
    telling("ec2", "CreateVpc", &["create the VPC with "], &[]),
    telling("ec2", "ModifyVpcAttribute", &["turn on DNS host names in "], &["VpcId"]),
    counted("ec2", "RevokeSecurityGroupIngress", &["remove the rules of the default security group of "], &["GroupId"]),
    counted("ec2", "RevokeSecurityGroupEgress", &["remove the rules of the default security group of "], &["GroupId"]),
    telling("ec2", "CreateTags", &["tag "], &["ResourceId.1"]),
    telling("ec2", "DeleteTags", UNTAGS, &["ResourceId.1"]),
    telling("ec2", "CreateSubnet", &["create subnet "], &["CidrBlock"]),
    telling("ec2", "CreateRouteTable", &["create the "], &["VpcId"]),
    telling("ec2", "AssociateRouteTable", &["associate "], &["SubnetId", "RouteTableId"]),
    telling("ec2", "CreateInternetGateway", &["create the internet gateway of "], &[]),
    telling("ec2", "AttachInternetGateway", &["attach "], &["InternetGatewayId", "VpcId"]),
    telling("ec2", "CreateRoute", &["route "], &["RouteTableId"]),
    telling("ec2", "ReplaceRoute", &["lead the route "], &["RouteTableId"]),
    telling("ec2", "DeleteRoute", &["delete the route "], &["RouteTableId"]),
    telling("ec2", "CreateVpcEndpoint", &["create a gateway endpoint for "], &["RouteTableId.1"]),
    telling("ec2", "ModifyVpcEndpoint", &["add "], &["VpcEndpointId"]),
    telling("ec2", "CreateFlowLogs", &["send flow logs of "], &["ResourceId.1"]),
    telling("ec2", "DeleteVpcEndpoints", DELETES, &["VpcEndpointId.1"]),
    telling("ec2", "DeleteFlowLogs", DELETES, &["FlowLogId.1"]),
    telling("ec2", "DeleteSubnet", DELETES, &["SubnetId"]),
    telling("ec2", "DeleteRouteTable", DELETES, &["RouteTableId"]),
    telling("ec2", "DetachInternetGateway", &["detach "], &["InternetGatewayId", "VpcId"]),
    telling("ec2", "DeleteInternetGateway", DELETES, &["InternetGatewayId"]),
    telling("ec2", "DeleteVpc", DELETES, &["VpcId"]),
    telling("ec2", "CreateTransitGatewayVpcAttachment", &["attach "], &["VpcId", "TransitGatewayId"]),
    telling("ec2", "ModifyTransitGatewayVpcAttachment", &["add ", "remove "], &[ATTACHMENT]),
    telling("ec2", "AcceptTransitGatewayVpcAttachment", &["accept "], &[ATTACHMENT]),
    telling("ec2", "DeleteTransitGatewayVpcAttachment", DELETES, &[ATTACHMENT]),
    telling("ec2", "AssociateTransitGatewayRouteTable", &["associate "], &[ATTACHMENT, GATEWAY_TABLE]),
    telling("ec2", "DisassociateTransitGatewayRouteTable", &["disassociate "], &[ATTACHMENT, GATEWAY_TABLE]),
    telling("ec2", "DisassociateTransitGatewayPolicyTable", &["disassociate "], &[ATTACHMENT]),
    telling("ec2", "EnableTransitGatewayRouteTablePropagation", &["propagate "], &[ATTACHMENT, GATEWAY_TABLE]),
    telling(
        "ec2",
        "DisableTransitGatewayRouteTablePropagation",
        &["stop the propagation of "],
        &[ATTACHMENT, GATEWAY_TABLE],
    ),
];

const BASELINE: &[Telling] = &[
    telling("ec2", "EnableEbsEncryptionByDefault", &["turn on EBS encryption by default"], &[]),
    telling("ec2", "ModifyEbsDefaultKmsKeyId", &["set the key of EBS encryption by default to "], &["KmsKeyId"]),
    telling("ec2", "ModifyInstanceMetadataDefaults", &["require IMDSv2 by default"], &[]),
    telling("ec2", "EnableSnapshotBlockPublicAccess", &["set public sharing of snapshots to "], &["State"]),
    telling("s3", "PutPublicAccessBlock", &["block public access to S3"], &[]),
    telling("config", "PutConfigurationRecorder", &["put configuration recorder "], &["ConfigurationRecorder.name"]),
    telling("config", "PutDeliveryChannel", &["deliver configuration to "], &["DeliveryChannel.s3BucketName"]),
    telling("config", "StartConfigurationRecorder", &["start "], &["ConfigurationRecorderName"]),
    telling("config", "StopConfigurationRecorder", &["stop "], &["ConfigurationRecorderName"]),
    telling("config", "DeleteConfigurationRecorder", DELETES, &["ConfigurationRecorderName"]),
    telling("config", "DeleteDeliveryChannel", DELETES, &["DeliveryChannelName"]),
    telling("config", "PutConfigRule", &["create Config rule ", "repair Config rule "], &["ConfigRule.ConfigRuleName"]),
    telling("config", "DeleteConfigRule", DELETES, &["ConfigRuleName"]),
    counted("config", "TagResource", &["repair tags of "], &["ResourceArn"]),
    counted("config", "UntagResource", UNTAGS, &["ResourceArn"]),
    telling("backup", "CreateBackupVault", &["create backup vault "], &["BackupVaultName"]),
    telling("backup", "DeleteBackupVault", DELETES, &["BackupVaultName"]),
    telling("backup", "CreateBackupPlan", &["create backup plan "], &["BackupPlan.BackupPlanName"]),
    telling("backup", "UpdateBackupPlan", &["repair backup plan "], &["BackupPlan.BackupPlanName"]),
    telling("backup", "DeleteBackupPlan", &["delete backup plan "], &["BackupPlanId"]),
    telling("backup", "CreateBackupSelection", &["create backup selection "], &["BackupSelection.SelectionName"]),
    counted("backup", "DeleteBackupSelection", &["delete backup selection "], &["SelectionId"]),
    counted("backup", "TagResource", &["repair tags of "], &["ResourceArn"]),
    counted("backup", "UntagResource", UNTAGS, &["resourceArn"]),
];

const ACCESS: &[Telling] = &[
    telling("iam", "CreateServiceLinkedRole", &["ensure the service-linked role of "], &[]),
    telling("iam", "CreatePolicy", &["create permissions boundary "], &["PolicyName"]),
    telling("iam", "CreatePolicyVersion", &["update permissions boundary "], &["PolicyArn"]),
    telling(
        "iam",
        "DeletePolicyVersion",
        &["update permissions boundary ", "remove permissions boundary "],
        &["PolicyArn"],
    ),
    telling("iam", "TagPolicy", &["repair tags of permissions boundary "], &["PolicyArn"]),
    telling("iam", "UntagPolicy", UNTAGS, &["PolicyArn"]),
    telling("iam", "DeletePolicy", &["remove permissions boundary "], &["PolicyArn"]),
    telling("iam", "CreateOpenIDConnectProvider", &["create OIDC provider "], &["Url"]),
    telling("iam", "AddClientIDToOpenIDConnectProvider", &["add audience "], &[PROVIDER, "ClientID"]),
    telling("iam", "TagOpenIDConnectProvider", &["repair tags of OIDC provider "], &[PROVIDER]),
    telling("iam", "UntagOpenIDConnectProvider", UNTAGS, &[PROVIDER]),
    telling("iam", "DeleteOpenIDConnectProvider", &["remove OIDC provider "], &[PROVIDER]),
    telling("iam", "CreateRole", &["create role "], &["RoleName"]),
    telling("iam", "DeleteRole", &["remove role "], &["RoleName"]),
    telling("iam", "UpdateAssumeRolePolicy", &["repair trust policy of role "], &["RoleName"]),
    telling("iam", "PutRolePermissionsBoundary", &["repair permissions boundary of role "], &["RoleName"]),
    telling("iam", "UpdateRole", &["set longest session of role "], &["RoleName"]),
    telling("iam", "TagRole", &["repair tags of role "], &["RoleName"]),
    telling("iam", "UntagRole", UNTAGS, &["RoleName"]),
    telling("iam", "AttachRolePolicy", &["attach "], &["PolicyArn", "RoleName"]),
    telling("iam", "DetachRolePolicy", &["detach ", "remove role "], &["RoleName"]),
    telling("iam", "PutRolePolicy", &["write inline policy "], &["PolicyName", "RoleName"]),
    telling("iam", "DeleteRolePolicy", &["delete inline policy ", "remove role "], &["RoleName"]),
    counted("sso", "CreateAccountAssignment", &["assign group "], &["PrincipalId", "PermissionSetArn"]),
    counted(
        "sso",
        "DeleteAccountAssignment",
        &["remove the assignment of group "],
        &["PrincipalId", "PermissionSetArn"],
    ),
    telling("eks", "CreateAccessEntry", &["create access entry of "], &["principalArn"]),
    telling(
        "eks",
        "UpdateAccessEntry",
        &["repair the groups of the access entry of ", "remove the groups of the access entry of "],
        &["principalArn"],
    ),
    telling("eks", "DeleteAccessEntry", &["delete access entry of ", "remove access entry of "], &["principalArn"]),
    telling("eks", "CreatePodIdentityAssociation", &["create pod identity association of "], &["targetRoleArn"]),
    telling("eks", "UpdatePodIdentityAssociation", &["set the pod identity association of "], &["targetRoleArn"]),
    counted(
        "eks",
        "DeletePodIdentityAssociation",
        &["delete pod identity association of ", "remove pod identity association of "],
        &["associationId"],
    ),
    counted(
        "eks",
        "TagResource",
        &["repair tags of the access entry of ", "repair tags of the pod identity association of "],
        &["resourceArn"],
    ),
    counted("eks", "UntagResource", UNTAGS, &["resourceArn"]),
];

/// How sentences begin that tell a change in the ledger alone.
const OF_THE_LEDGER: [&str; 4] = ["reserve a /", "let ", RECORD_CHANGE, "take "];

fn telling_of(call: &Call) -> Option<&'static Telling> {
    let all = || NETWORK.iter().chain(BASELINE).chain(ACCESS);
    all().find(|one| one.service == call.service && one.operation == call.operation)
}

/// Whether the sentence is about a change of no resource: of the ledger, of the repository, or of what an extension has.
pub(super) fn is_of_no_resource(change: &ToldChange) -> bool {
    ["commit-tenant", "call-extension"].contains(&&*change.step)
        || OF_THE_LEDGER.iter().any(|begin| change.change.starts_with(begin))
}

/// Whether the sentence tells this call.
pub(super) fn tells(change: &ToldChange, call: &Call) -> bool {
    let Some(telling) = telling_of(call) else { return false };
    // IAM is in no region.
    let is_there = |region: &str| call.service == "iam" || call.region == region;
    let named = |name: &&str| call.parameters.get(*name).is_some_and(|value| change.change.contains(bare(value)));
    call.function.strip_prefix("berth-") == Some(&*change.step)
        && change.region.as_ref().is_none_or(|region| is_there(region.as_str()))
        && telling.begins.iter().any(|begin| change.change.starts_with(begin))
        && telling.names.iter().all(named)
}

/// Issuers have no scheme in the ARNs of their providers.
fn bare(value: &str) -> &str {
    value.strip_prefix("https://").unwrap_or(value)
}

/// Why a call is not told by these sentences; none when it is. `calls` are all calls of the run.
pub(super) fn why_untold(changes: &[ToldChange], calls: &[Call], call: &Call) -> Option<String> {
    let Some(telling) = telling_of(call) else {
        return Some("is in no line of tests/rig/sentences.rs: say there which sentence tells it".to_owned());
    };
    let sentences = changes.iter().filter(|change| tells(change, call)).count();
    if sentences == 0 {
        return Some(format!("is in no sentence of the journal: {:?}", call.parameters));
    }
    let is_alike = |other: &&Call| {
        (&other.function, &other.service, &other.operation, &other.region)
            == (&call.function, &call.service, &call.operation, &call.region)
    };
    let thing = |call: &Call| -> Vec<Option<String>> {
        telling.counts.iter().map(|name| call.parameters.get(*name).cloned()).collect()
    };
    let things: BTreeSet<_> = calls.iter().filter(is_alike).map(thing).collect();
    let is_counted = !telling.counts.is_empty() && things.len() > sentences;
    is_counted.then(|| format!("was made of {} things, and {sentences} sentences tell it", things.len()))
}
