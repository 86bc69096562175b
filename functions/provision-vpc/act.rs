//! Makes one change. What an error code means stands beside the call that answers it; here is what all calls share.

mod exhausted;
mod parts;
mod public;
mod vpc;

use berth_aws::CallFailure;
use berth_step::{Fault, StepError};
use berth_tenancy::wait;

use crate::{Change, Clients, Input, Made};

/// Codes of a thing that was made moments ago and that this EC2 host does not know yet. [EC2 "Eventual consistency"]
const NOT_VISIBLE: [&str; 7] = [
    "InvalidFlowLogId.NotFound",
    "InvalidGroup.NotFound",
    "InvalidInternetGatewayID.NotFound",
    "InvalidRouteTableID.NotFound",
    "InvalidSubnetID.NotFound",
    "InvalidVpcID.NotFound",
    "InvalidVpcEndpointId.NotFound",
];

/// Codes of a quota that is used up. [EC2 "Error codes"]
const QUOTAS: [&str; 7] = [
    "FlowLogsLimitExceeded",
    "InternetGatewayLimitExceeded",
    "RouteTableLimitExceeded",
    "SubnetLimitExceeded",
    "TagLimitExceeded",
    "VpcEndpointLimitExceeded",
    "VpcLimitExceeded",
];

/// Performs one change.
pub(crate) async fn act(clients: &Clients, input: &Input, change: &Change) -> Result<Made, StepError> {
    let Clients { ec2, ledger, .. } = clients;
    let now = (clients.now)();
    match change {
        Change::ReserveBlock { .. } => vpc::reserve_block(ledger, input, now).await,
        Change::CreateVpc { block, seen } => vpc::create_vpc(ec2, (ledger, now), input, seen, block).await,
        Change::TakeBlockBack { pool, cidr } => vpc::take_back(ledger, input, pool, *cidr).await,
        Change::RecordVpc { vpc, cidr } => vpc::record_vpc(ledger, input, vpc, *cidr).await,
        Change::TagResource { id, tags } => parts::tag(ec2, id, tags).await,
        Change::UntagResource { id, tags } => parts::untag(ec2, id, tags).await,
        Change::EnableDnsHostnames { vpc } => vpc::enable_dns_hostnames(ec2, vpc).await,
        Change::CloseDefaultGroup { vpc } => vpc::close_default_group(ec2, vpc).await,
        Change::CreateRouteTable { vpc, routing } => parts::create_route_table(ec2, input, vpc, *routing).await,
        Change::CreateInternetGateway { .. } => public::create_gateway(ec2, input).await,
        Change::AttachInternetGateway { vpc, gateway } => public::attach_gateway(ec2, vpc, gateway).await,
        Change::RouteToInternet { table, gateway } => public::route_to_internet(ec2, table, gateway).await,
        Change::CreateSubnet { vpc, block } => parts::create_subnet(ec2, input, vpc, block).await,
        Change::AssociateSubnet { subnet, table } => parts::associate_subnet(ec2, subnet, table).await,
        Change::CreateEndpoint { vpc, service, table } => parts::create_endpoint(ec2, input, vpc, service, table).await,
        Change::RouteToEndpoint { endpoint, table, .. } => parts::route_to_endpoint(ec2, endpoint, table).await,
        Change::CreateFlowLogs { vpc, destination } => parts::create_flow_logs(ec2, input, vpc, destination).await,
    }
}

/// The client token of a part: the same for every try of one onboarding, another for the next, which may have to make
/// again what a person deleted.
fn token(input: &Input, vpc: &str, part: &str) -> String {
    format!("{vpc}-{part}-g{}", input.run.generation)
}

/// What to do about a thing that is there already: an earlier call made it, and its answer was lost.
fn look_again() -> String {
    wait(
        "Berth looks again and goes on with what is there",
        "find out who else changes the VPC that is named or its parts, then redrive the execution",
    )
}

fn lost_race(failure: CallFailure) -> StepError {
    failure.as_fault(Fault::Conflict, look_again())
}

/// Why a call failed that found, by one of these codes, what another one made.
fn lost_race_by(codes: &[&str]) -> impl Fn(CallFailure) -> StepError {
    move |failure| if failure.is(codes) { lost_race(failure) } else { failed(failure) }
}

fn no_id(operation: &str) -> StepError {
    StepError::new(Fault::Bug, format!("{operation} answered without an id"))
}

/// A failure by the codes that all of EC2's calls on a new VPC share.
fn failed(failure: CallFailure) -> StepError {
    if failure.is(&NOT_VISIBLE) {
        failure.as_fault(
            Fault::NotReady,
            wait(
                "AWS does not show yet what it has just made",
                "see whether what is named is still there: who deleted it? then redrive the execution",
            ),
        )
    } else if failure.is(&QUOTAS) {
        failure.as_fault(
            Fault::InvalidInput,
            "raise the quota that is named in this account and region, or remove what is not used; then redrive",
        )
    } else {
        failure.or_common()
    }
}
