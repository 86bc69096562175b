//! Makes one change. What an error code means stands beside the call that answers it.

use aws_sdk_ec2::Client;
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::wait;

use crate::Removal;

/// Makes one change. What is gone already counts as done: an earlier call did it, and its answer was lost.
/// [EC2 `DetachInternetGateway`, `DeleteInternetGateway`, `DeleteSubnet`, `DeleteVpc`]
pub(crate) async fn act(ec2: &Client, removal: &Removal) -> Result<(), StepError> {
    match removal {
        Removal::DetachGateway { vpc, gateway } => {
            let sent = ec2.detach_internet_gateway().vpc_id(vpc).internet_gateway_id(gateway).send().await;
            let gone = ["Gateway.NotAttached", "InvalidInternetGatewayID.NotFound"];
            sent.named("ec2:DetachInternetGateway").none_if(&gone).map_err(meaning)?;
        }
        Removal::DeleteGateway { gateway } => {
            let sent = ec2.delete_internet_gateway().internet_gateway_id(gateway).send().await;
            let gone = ["InvalidInternetGatewayID.NotFound"];
            sent.named("ec2:DeleteInternetGateway").none_if(&gone).map_err(meaning)?;
        }
        Removal::DeleteSubnet { subnet } => {
            let sent = ec2.delete_subnet().subnet_id(subnet).send().await;
            sent.named("ec2:DeleteSubnet").none_if(&["InvalidSubnetID.NotFound"]).map_err(meaning)?;
        }
        Removal::DeleteVpc { vpc } => {
            let sent = ec2.delete_vpc().vpc_id(vpc).send().await;
            sent.named("ec2:DeleteVpc").none_if(&["InvalidVpcID.NotFound"]).map_err(meaning)?;
        }
    }
    Ok(())
}

fn meaning(failure: CallFailure) -> StepError {
    // Somebody began to use it since it was looked at. The next look finds what, and leaves the VPC.
    if failure.is(&["DependencyViolation"]) {
        return failure.as_fault(
            Fault::Conflict,
            wait(
                "Berth looks again, and leaves what is used",
                "find out who uses the default VPC and lets go of it again and again, then redrive the execution",
            ),
        );
    }
    failure.or_common()
}
