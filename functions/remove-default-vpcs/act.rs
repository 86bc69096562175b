//! Makes one change. What an error code means stands beside the call that answers it.

use aws_sdk_ec2::Client;
use berth_aws::CallFailure;
use berth_step::{Fault, StepError};

use crate::{Action, Effect};

/// Performs one change. What is gone already counts as done: an earlier call did it, and its answer was lost.
pub(crate) async fn act(ec2: &Client, action: &Action) -> Result<Effect, StepError> {
    let failure = match action {
        Action::DetachGateway { vpc, gateway, .. } => detach(ec2, vpc, gateway).await,
        Action::DeleteGateway { gateway, .. } => delete_gateway(ec2, gateway).await,
        Action::DeleteSubnet { subnet, .. } => delete_subnet(ec2, subnet).await,
        Action::DeleteVpc { vpc, .. } => delete_vpc(ec2, vpc).await,
    };
    match failure {
        None => Ok(action.effect()),
        // Somebody began to use it since it was looked at. The next look finds what, and leaves the VPC.
        Some(failure) if failure.is(&["DependencyViolation"]) => {
            Err(failure.as_fault(Fault::Conflict, "nothing yet: Berth looks again, and leaves what is used"))
        }
        Some(failure) => Err(failure.or_common()),
    }
}

/// [EC2 `DetachInternetGateway`]
async fn detach(ec2: &Client, vpc: &str, gateway: &str) -> Option<CallFailure> {
    let sent = ec2.detach_internet_gateway().vpc_id(vpc).internet_gateway_id(gateway).send().await;
    let failure = CallFailure::of("ec2:DetachInternetGateway", &sent.err()?);
    (!failure.is(&["Gateway.NotAttached", "InvalidInternetGatewayID.NotFound"])).then_some(failure)
}

/// [EC2 `DeleteInternetGateway`]
async fn delete_gateway(ec2: &Client, gateway: &str) -> Option<CallFailure> {
    let sent = ec2.delete_internet_gateway().internet_gateway_id(gateway).send().await;
    let failure = CallFailure::of("ec2:DeleteInternetGateway", &sent.err()?);
    (!failure.is(&["InvalidInternetGatewayID.NotFound"])).then_some(failure)
}

/// [EC2 `DeleteSubnet`]
async fn delete_subnet(ec2: &Client, subnet: &str) -> Option<CallFailure> {
    let sent = ec2.delete_subnet().subnet_id(subnet).send().await;
    let failure = CallFailure::of("ec2:DeleteSubnet", &sent.err()?);
    (!failure.is(&["InvalidSubnetID.NotFound"])).then_some(failure)
}

/// [EC2 `DeleteVpc`], with its main route table, default security group and default network ACL.
async fn delete_vpc(ec2: &Client, vpc: &str) -> Option<CallFailure> {
    let sent = ec2.delete_vpc().vpc_id(vpc).send().await;
    let failure = CallFailure::of("ec2:DeleteVpc", &sent.err()?);
    (!failure.is(&["InvalidVpcID.NotFound"])).then_some(failure)
}
