//! Which default VPCs go, in which order, and which stay. Pure.
//!
//! A VPC that anybody has used is not touched at all. Of the others the internet gateway goes first, then the subnets,
//! then the VPC, as AWS demands; regions go at the same time.

use std::fmt;

use berth_ledger::DefaultVpcRecord;
use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{DefaultVpc, Region};

use crate::{Effect, Found, Input, Output, Vpc, World};

/// One change. `Display` is the line that a plan shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Detach the internet gateway.
    DetachGateway {
        /// The region.
        region: Region,
        /// The default VPC.
        vpc: String,
        /// The internet gateway.
        gateway: String,
    },
    /// Delete the internet gateway.
    DeleteGateway {
        /// The region.
        region: Region,
        /// The internet gateway.
        gateway: String,
    },
    /// Delete a default subnet.
    DeleteSubnet {
        /// The region.
        region: Region,
        /// The subnet.
        subnet: String,
    },
    /// Delete the default VPC.
    DeleteVpc {
        /// The region.
        region: Region,
        /// The default VPC.
        vpc: String,
    },
}

impl Action {
    /// The region that it happens in.
    #[must_use]
    pub fn region(&self) -> &Region {
        match self {
            Self::DetachGateway { region, .. }
            | Self::DeleteGateway { region, .. }
            | Self::DeleteSubnet { region, .. }
            | Self::DeleteVpc { region, .. } => region,
        }
    }

    /// What it leaves behind.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::DetachGateway { region, .. } => Effect::Detached(region.clone()),
            Self::DeleteGateway { region, .. } => Effect::GatewayGone(region.clone()),
            Self::DeleteSubnet { region, subnet } => Effect::SubnetGone(region.clone(), subnet.clone()),
            Self::DeleteVpc { region, .. } => Effect::VpcGone(region.clone()),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DetachGateway { region, vpc, gateway } => {
                write!(f, "detach {gateway} from default {vpc} in {region}")
            }
            Self::DeleteGateway { region, gateway } => write!(f, "delete default {gateway} in {region}"),
            Self::DeleteSubnet { region, subnet } => write!(f, "delete default {subnet} in {region}"),
            Self::DeleteVpc { region, vpc } => write!(f, "delete default {vpc} in {region}"),
        }
    }
}

/// What to do next, or what stays.
pub(crate) fn decide(input: &Input, world: &World) -> Result<Decision<Action, Output>, StepError> {
    if input.default_vpc == DefaultVpc::Keep {
        return Ok(Decision::Done(Output::default()));
    }
    refuse_if_denied_everywhere(world)?;
    let batch: Vec<Action> =
        world.regions.iter().flat_map(|(region, found)| next(region, found).unwrap_or_default()).collect();
    if !batch.is_empty() {
        return Ok(Decision::Act(batch));
    }
    let left = world.regions.iter().filter_map(|(region, found)| left(region, found));
    Ok(Decision::Done(Output { left: left.collect() }))
}

/// A region that a policy of the organization closes is usual. All of them closed means that the role lacks a permission.
fn refuse_if_denied_everywhere(world: &World) -> Result<(), StepError> {
    let denied = |found: &Found| if let Found::Denied(what) = found { Some(what.clone()) } else { None };
    let answers: Vec<String> = world.regions.values().filter_map(denied).collect();
    match answers.first() {
        Some(what) if answers.len() >= world.enabled => {
            Err(StepError::new(Fault::Denied, format!("{what}, and so in every enabled region"))
                .next("allow the action for the role that called it, then redrive the execution"))
        }
        _ => Ok(()),
    }
}

/// The next changes of one region; none when its VPC stays.
fn next(region: &Region, found: &Found) -> Option<Vec<Action>> {
    let Found::Vpc(Vpc { id, used, gateway, subnets }) = found else { return None };
    if !used.is_empty() {
        return None;
    }
    let region = || region.clone();
    if let Some(gateway) = gateway.as_ref().filter(|gateway| gateway.is_attached) {
        let (vpc, gateway) = (id.clone(), gateway.id.clone());
        return Some(vec![Action::DetachGateway { region: region(), vpc, gateway }]);
    }
    let gateways =
        gateway.iter().map(|gateway| Action::DeleteGateway { region: region(), gateway: gateway.id.clone() });
    let subnets = subnets.iter().map(|subnet| Action::DeleteSubnet { region: region(), subnet: subnet.clone() });
    let batch: Vec<Action> = gateways.chain(subnets).collect();
    Some(if batch.is_empty() { vec![Action::DeleteVpc { region: region(), vpc: id.clone() }] } else { batch })
}

/// Why a region's default VPC is still there.
fn left(region: &Region, found: &Found) -> Option<DefaultVpcRecord> {
    let (vpc_id, reason) = match found {
        Found::Denied(what) => (None, format!("nobody may look: {what}")),
        Found::Vpc(vpc) if vpc.used.is_empty() => return None,
        Found::Vpc(vpc) => (Some(vpc.id.clone()), format!("it is used: {}", shown(&vpc.used))),
    };
    Some(DefaultVpcRecord { region: region.clone(), vpc_id, reason })
}

/// The first few reasons, and how many more there are: this text goes through the state machine.
fn shown(reasons: &[String]) -> String {
    const SHOWN_MAX: usize = 5;
    let first: Vec<&str> = reasons.iter().take(SHOWN_MAX).map(String::as_str).collect();
    let more = reasons.len().saturating_sub(SHOWN_MAX);
    let tail = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{}{tail}", first.join(", "))
}
