//! The picture of an account's default VPCs, as far as `decide` needs it.

use std::collections::{BTreeMap, BTreeSet};

use berth_tenancy::Region;

/// What was found in each enabled region that has a default VPC, or that lets nobody look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    /// By region; regions without a default VPC are left out.
    pub regions: BTreeMap<Region, Found>,
    /// How many regions are enabled.
    pub enabled: usize,
}

/// What was found in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A default VPC.
    Vpc(Vpc),
    /// The region may not be looked at; here is what AWS answered. A service control policy denies regions so.
    Denied(String),
}

/// A default VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// Its id.
    pub id: String,
    /// What somebody put into it or changed on it; empty when it is as AWS made it.
    pub used: Vec<String>,
    /// Its internet gateway, when it still has one.
    pub gateway: Option<Gateway>,
    /// Its subnets by id.
    pub subnets: BTreeSet<String>,
}

/// The internet gateway of a default VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Its id.
    pub id: String,
    /// Whether it is attached. A run that ended between detaching and deleting leaves one that is not.
    pub is_attached: bool,
}

/// What an action left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The region's internet gateway is detached.
    Detached(Region),
    /// The region's internet gateway is gone.
    GatewayGone(Region),
    /// A subnet is gone.
    SubnetGone(Region, String),
    /// The region's default VPC is gone.
    VpcGone(Region),
}

impl World {
    /// Applies what an action left behind.
    pub fn apply(&mut self, effect: Effect) {
        let region = match &effect {
            Effect::VpcGone(region) => {
                self.regions.remove(region);
                return;
            }
            Effect::Detached(region) | Effect::GatewayGone(region) | Effect::SubnetGone(region, _) => region,
        };
        let Some(Found::Vpc(vpc)) = self.regions.get_mut(region) else { return };
        match effect {
            Effect::Detached(_) => {
                if let Some(gateway) = &mut vpc.gateway {
                    gateway.is_attached = false;
                }
            }
            Effect::GatewayGone(_) => vpc.gateway = None,
            Effect::SubnetGone(_, subnet) => {
                vpc.subnets.remove(&subnet);
            }
            Effect::VpcGone(_) => {}
        }
    }
}
