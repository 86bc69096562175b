//! The VPC itself: its block, its creation, its attributes, its default security group.

use aws_sdk_ec2::{
    Client,
    config::retry::RetryConfig,
    types::{AttributeBooleanValue, ResourceType},
};
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_ec2::{filter, tag_specification};
use berth_ledger::{BlockRequest, Ledger, RecordedVpc, VpcIntent};
use berth_step::{Fault, StepError};
use berth_tenancy::{Addresses, wait};
use ipnet::Ipv4Net;
use jiff::Timestamp;

use super::{exhausted, failed, lost_race_by};
use crate::{
    Block, Input, Made,
    observe::{block, no_block_yet},
};

/// How EC2 says that an IPAM pool demands tags of what takes a block.
const DEMANDS_TAGS: &str = "resource tags required by the IPAM pool";

/// Code of a rule that is gone: a call whose answer was lost has revoked it.
const REVOKED: [&str; 1] = ["InvalidPermission.NotFound"];

/// Reserves a block in the ledger; the block that the account already has there, when it has one.
pub(super) async fn reserve_block(ledger: &Ledger, input: &Input, now: Timestamp) -> Result<Made, StepError> {
    let Addresses::Ledger { pool, supernets, excluded, prefix_length } = &input.network.addresses else {
        return Err(StepError::new(Fault::Bug, "asked the ledger for a block that IPAM allocates"));
    };
    let (account, region) = (&input.run.account_id, &input.region);
    let request = BlockRequest { pool, supernets, excluded, prefix_length: *prefix_length, account, region, now };
    let cidr = ledger.reserve_block(&request).await?;
    Ok(Made { cidr: Some(cidr), ..Made::default() })
}

/// Takes the block of a VPC back that was released when its account was closed: nobody else may get it now.
pub(super) async fn take_back(ledger: &Ledger, input: &Input, pool: &str, cidr: Ipv4Net) -> Result<Made, StepError> {
    if ledger.take_back(pool, cidr, &input.run.account_id, &input.region).await? {
        return Ok(Made::default());
    }
    Err(StepError::new(Fault::Conflict, format!("{cidr} of pool {pool} was given to somebody else just now")))
}

/// [EC2 `CreateVpc`] has no client token: a second send after a lost answer makes a second VPC. So the intent is written
/// first, the SDK does not retry the call, and after an answer that tells nothing the next try looks for the VPC, as long
/// as EC2 may take to show it.
pub(super) async fn create_vpc(
    ec2: &Client,
    (ledger, now): (&Ledger, Timestamp),
    input: &Input,
    seen: &VpcIntent,
    wanted: &Block,
) -> Result<Made, StepError> {
    let (account, region, execution) = (&input.run.account_id, &input.region, &input.run.execution);
    ledger.begin_vpc_creation((account, region), execution, seen, now).await?;
    let tags = input.vpc_tags();
    let request = ec2.create_vpc().tag_specifications(tag_specification(ResourceType::Vpc, &tags));
    let request = match wanted {
        Block::Ipam { pool_id, prefix_length } => {
            request.ipv4_ipam_pool_id(pool_id).ipv4_netmask_length(i32::from(*prefix_length))
        }
        Block::Reserved(cidr) => request.cidr_block(cidr.to_string()),
    };
    let no_retry = aws_sdk_ec2::config::Builder::new().retry_config(RetryConfig::disabled());
    let answer = match request.customize().config_override(no_retry).send().await.named("ec2:CreateVpc") {
        Ok(answer) => answer,
        Err(failure) => {
            if is_refused(&failure) {
                // When this fails too, the next try only waits longer than it must.
                if let Err(error) = ledger.refuse_vpc_creation(account, region, now).await {
                    tracing::warn!(error = %error.message, "the refused CreateVpc stays in the ledger");
                }
            }
            return Err(no_vpc(ec2, input, failure, wanted).await);
        }
    };
    // IPAM's block may come with the next Describe only: then the next try finds the VPC by its tags.
    let Some((id, cidr)) = answer.vpc.and_then(|vpc| vpc.vpc_id.zip(vpc.cidr_block)) else {
        return Err(
            StepError::new(Fault::NotReady, "ec2:CreateVpc answered without the VPC's block").hint(no_block_yet())
        );
    };
    let cidr = block(&cidr, &id)?;
    // When this fails, the next try finds the VPC by its tags, the intent and the block, and writes it then.
    record_vpc(ledger, input, &id, cidr).await?;
    Ok(Made { id, cidr: Some(cidr) })
}

/// Writes into the ledger which VPC is the account's. [DynamoDB `UpdateItem`]
pub(super) async fn record_vpc(ledger: &Ledger, input: &Input, vpc: &str, cidr: Ipv4Net) -> Result<Made, StepError> {
    let recorded = RecordedVpc { id: vpc.to_owned(), cidr };
    ledger.record_vpc(&input.run.account_id, &input.region, &recorded).await?;
    Ok(Made::default())
}

/// Whether AWS surely made no VPC. Throttled calls took no effect, although EC2 answers them with 503.
fn is_refused(failure: &CallFailure) -> bool {
    failure.is(&["RequestLimitExceeded"]) || !failure.is_ambiguous()
}

/// Why there is no VPC.
async fn no_vpc(ec2: &Client, input: &Input, failure: CallFailure, wanted: &Block) -> StepError {
    let account = &input.run.account_id;
    match (failure.code(), wanted) {
        (Some("RequestLimitExceeded"), _) => failure.or_common(),
        _ if failure.is_ambiguous() => failure.as_fault(
            // Not `Conflict`, which is retried at once: EC2 may show a VPC some seconds after it was made.
            Fault::NotReady,
            wait(
                "the VPC may exist without an answer; Berth looks for it by its tags before it tries again",
                "look at the AWS Health dashboard for EC2 in the region; redrive the execution when it is over",
            ),
        ),
        (Some("InvalidIpamPoolId.NotFound"), Block::Ipam { pool_id, .. }) => failure.as_fault(
            Fault::NotReady,
            wait(
                "a new share reaches an account after some minutes",
                format!("share {pool_id} with this account's organizational unit by RAM, then redrive the execution"),
            ),
        ),
        (_, Block::Ipam { pool_id, prefix_length }) if exhausted::is_exhausted(&failure) => {
            exhausted::error(ec2, failure, pool_id, *prefix_length, account).await
        }
        // A code that means much else too. [EC2 `CreateVpc`; "Create IPAM pools", "Tagging requirement"]
        (Some("InvalidParameterValue"), Block::Ipam { pool_id, .. }) if failure.mentions(DEMANDS_TAGS) => failure.as_fault(
            Fault::InvalidInput,
            format!(
                "write the tags that {pool_id} demands (AllocationResourceTags of `aws ec2 describe-ipam-pools`) into \
                 `tags:` or `tagSpecifications` of platform.yaml; then `berth replay {account} --new`"
            ),
        ),
        (Some("InvalidParameterValue"), Block::Ipam { pool_id, .. }) => failure.as_fault(
            Fault::InvalidInput,
            format!(
                "compare {pool_id} with what it is asked for: its limits of size, its locale and the tags that it \
                 demands; then `berth replay {account}`, with --new after a change of platform.yaml"
            ),
        ),
        _ => failed(failure),
    }
}

/// [EC2 `ModifyVpcAttribute`]; DNS resolution is on in every new VPC.
pub(super) async fn enable_dns_hostnames(ec2: &Client, vpc: &str) -> Result<Made, StepError> {
    let on = AttributeBooleanValue::builder().value(true).build();
    let sent = ec2.modify_vpc_attribute().vpc_id(vpc).enable_dns_hostnames(on).send().await;
    sent.named("ec2:ModifyVpcAttribute").map_err(failed)?;
    Ok(Made::default())
}

/// Reads the rules of the default security group and revokes them. [EC2 `DescribeSecurityGroups`,
/// `RevokeSecurityGroupIngress`, `RevokeSecurityGroupEgress`]
pub(super) async fn close_default_group(ec2: &Client, vpc: &str) -> Result<Made, StepError> {
    let (of_vpc, default) = (filter("vpc-id", &[vpc]), filter("group-name", &["default"]));
    let groups = ec2.describe_security_groups().filters(of_vpc).filters(default).send().await;
    let groups = groups.named("ec2:DescribeSecurityGroups").or_common()?;
    let group = groups.security_groups.unwrap_or_default().into_iter().next();
    let Some((group, id)) = group.and_then(|group| group.group_id.clone().map(|id| (group, id))) else {
        return Err(StepError::new(Fault::NotReady, format!("the default security group of {vpc} is not visible yet"))
            .hint(wait(
                "EC2 shows it some seconds after the VPC",
                "see whether the VPC is still there: who deleted it? then redrive the execution",
            )));
    };
    let (ingress, egress) = (group.ip_permissions, group.ip_permissions_egress);
    if ingress.as_ref().is_some_and(|rules| !rules.is_empty()) {
        let sent = ec2.revoke_security_group_ingress().group_id(&id).set_ip_permissions(ingress).send().await;
        sent.named("ec2:RevokeSecurityGroupIngress").map_err(lost_race_by(&REVOKED))?;
    }
    if egress.as_ref().is_some_and(|rules| !rules.is_empty()) {
        let sent = ec2.revoke_security_group_egress().group_id(&id).set_ip_permissions(egress).send().await;
        sent.named("ec2:RevokeSecurityGroupEgress").map_err(lost_race_by(&REVOKED))?;
    }
    Ok(Made::default())
}
