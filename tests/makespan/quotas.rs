//! What AWS and GitHub let everybody who is onboarded at the same time have together.
//!
//! Quotas of the tenant's own account bind nobody else and are far from being reached; those of services that publish no
//! rate (AWS Organizations, EKS, the identity store) are not in the simulation.

/// A rate that all accounts share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota {
    /// What it limits.
    pub name: &'static str,
    /// Calls that may come at once.
    pub burst: f64,
    /// Calls a second after that.
    pub per_second: f64,
    /// Where it is published, or who observed it.
    pub source: &'static str,
}

const EC2: &str = "https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html";
const STATES: &str = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html";
const IDENTITY_CENTER: &str = "https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html";

/// Which rate a call takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Rate {
    /// Step Functions `StartExecution` in us-east-1.
    Start,
    /// Transitions of Step Functions in us-east-1; each retry is one.
    Transition,
    /// EC2 `DescribeTransitGatewayAttachments` in the network account.
    Association,
    /// EC2 `AssociateTransitGatewayRouteTable` there.
    Associate,
    /// EC2 `EnableTransitGatewayRouteTablePropagation` there.
    Propagate,
    /// EC2 `GetTransitGatewayAttachmentPropagations` there.
    Propagations,
    /// EC2 `DescribeTransitGateways` there.
    Gateways,
    /// EC2 `SearchTransitGatewayRoutes` there.
    Routes,
    /// EC2 `DescribeTransitGatewayRouteTables` there.
    Tables,
    /// EC2 `DescribeTransitGatewayPolicyTables` there.
    Policies,
    /// All calls of IAM Identity Center.
    SignIn,
}

/// Every rate, in the order of [`Rate`].
pub const QUOTAS: [Quota; 11] = [
    Quota { name: "states:StartExecution", burst: 1_300.0, per_second: 300.0, source: STATES },
    Quota { name: "transitions of Step Functions", burst: 5_000.0, per_second: 1_500.0, source: STATES },
    Quota { name: "ec2:DescribeTransitGatewayAttachments", burst: 100.0, per_second: 20.0, source: EC2 },
    Quota { name: "ec2:AssociateTransitGatewayRouteTable", burst: 50.0, per_second: 5.0, source: EC2 },
    Quota { name: "ec2:EnableTransitGatewayRouteTablePropagation", burst: 50.0, per_second: 5.0, source: EC2 },
    Quota { name: "ec2:GetTransitGatewayAttachmentPropagations", burst: 100.0, per_second: 20.0, source: EC2 },
    Quota { name: "ec2:DescribeTransitGateways", burst: 100.0, per_second: 20.0, source: EC2 },
    Quota { name: "ec2:SearchTransitGatewayRoutes", burst: 100.0, per_second: 20.0, source: EC2 },
    Quota { name: "ec2:DescribeTransitGatewayRouteTables", burst: 100.0, per_second: 20.0, source: EC2 },
    Quota { name: "ec2:DescribeTransitGatewayPolicyTables", burst: 100.0, per_second: 20.0, source: EC2 },
    Quota { name: "calls of IAM Identity Center", burst: 20.0, per_second: 20.0, source: IDENTITY_CENTER },
];

/// Assignments that Identity Center works on at once, for the whole organization. [`IDENTITY_CENTER`]
pub const OUTSTANDING_MAX: usize = 10;

/// Seconds that it works on one: with ten at once a third of an assignment a second, as was observed.
/// <https://github.com/aws-samples/aws-iam-identity-center-extensions> (docs/documentation/Scaling.md)
pub const ASSIGNMENT_SECONDS: f64 = 30.0;

/// Pushes to one repository that GitHub advises, a minute.
/// <https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits>
pub const PUSHES_A_MINUTE: f64 = 6.0;

/// Tenants of one commit, at most (infra/hub.yaml, `CommitBatching`).
pub const BATCH_MAX: usize = 100;

/// Shared calls of one fresh account in one region, polls left out: rate, how many, and their operation as the gateway's
/// journal names it. A test holds them to what is counted.
pub const CALLS: [(Rate, usize, &str); 10] = [
    (Rate::Start, 1, "states:StartExecution"),
    (Rate::Association, 3, "ec2:DescribeTransitGatewayAttachments"),
    (Rate::Associate, 1, "ec2:AssociateTransitGatewayRouteTable"),
    (Rate::Propagate, 1, "ec2:EnableTransitGatewayRouteTablePropagation"),
    (Rate::Propagations, 1, "ec2:GetTransitGatewayAttachmentPropagations"),
    (Rate::Gateways, 1, "ec2:DescribeTransitGateways"),
    (Rate::Routes, 2, "ec2:SearchTransitGatewayRoutes"),
    (Rate::Tables, 1, "ec2:DescribeTransitGatewayRouteTables"),
    (Rate::Policies, 1, "ec2:DescribeTransitGatewayPolicyTables"),
    (Rate::SignIn, 10, "sso:"),
];

/// Assignments of one account.
pub const ASSIGNMENTS: usize = 2;

/// Seconds that `accounts` cannot beat, and what they wait for: the slowest of all services, if it did nothing else.
#[must_use]
pub fn bound(accounts: usize, signs_in: bool) -> (f64, &'static str) {
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let of_calls = CALLS.iter().filter(|(rate, ..)| signs_in || *rate != Rate::SignIn).map(|(rate, calls, _)| {
        let Quota { name, burst, per_second, .. } = QUOTAS[*rate as usize];
        ((count(accounts * calls) - burst).max(0.0) / per_second, name)
    });
    let assignments = count(accounts * ASSIGNMENTS) * ASSIGNMENT_SECONDS / count(OUTSTANDING_MAX);
    let pushes = (count(accounts.div_ceil(BATCH_MAX)) - 1.0) * 60.0 / PUSHES_A_MINUTE;
    let others = [(if signs_in { assignments } else { 0.0 }, "assignments of Identity Center"), (pushes, "pushes")];
    of_calls.chain(others).fold((0.0, ""), |slowest, each| if each.0 > slowest.0 { each } else { slowest })
}
