//! What was observed of an account's default VPCs, and how each change alters it.

use std::collections::{BTreeMap, BTreeSet};

use berth_tenancy::Region;

use crate::{Change, Removal};

/// What was found in each enabled region that has a default VPC, or that lets nobody look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
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
    pub id: String,
    /// Whether it is attached. A run that ended between detaching and deleting leaves one that is not.
    pub is_attached: bool,
}

impl State {
    pub(crate) fn apply(&mut self, Change { region, removal }: &Change) {
        let Some(Found::Vpc(vpc)) = self.regions.get_mut(region) else { return };
        match removal {
            Removal::DetachGateway { .. } => vpc.gateway.iter_mut().for_each(|gateway| gateway.is_attached = false),
            Removal::DeleteGateway { .. } => vpc.gateway = None,
            Removal::DeleteSubnet { subnet } => {
                vpc.subnets.remove(subnet);
            }
            Removal::DeleteVpc { .. } => {
                self.regions.remove(region);
            }
        }
    }
}
