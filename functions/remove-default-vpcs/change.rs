//! The changes of this step, each with all that making it takes.

use std::fmt;

use berth_tenancy::{Effect, Region, ResourceKind};

/// One change in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub region: Region,
    /// What is removed.
    pub removal: Removal,
}

/// What is removed of a default VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// Detach the internet gateway.
    DetachGateway { vpc: String, gateway: String },
    /// Delete the internet gateway.
    DeleteGateway { gateway: String },
    /// Delete a default subnet.
    DeleteSubnet { subnet: String },
    /// Delete the default VPC, with its main route table, default security group and default network ACL.
    DeleteVpc { vpc: String },
}

impl Change {
    /// What it does, in its region.
    pub(crate) fn effect(&self) -> Effect {
        use ResourceKind::{InternetGateway, Subnet, Vpc};
        let effect = match &self.removal {
            Removal::DetachGateway { vpc, gateway } => {
                Effect::changes(InternetGateway, "ec2:DetachInternetGateway").id(gateway).field("vpcId", vpc, ())
            }
            Removal::DeleteGateway { gateway } => {
                Effect::deletes(InternetGateway, "ec2:DeleteInternetGateway").id(gateway)
            }
            Removal::DeleteSubnet { subnet } => Effect::deletes(Subnet, "ec2:DeleteSubnet").id(subnet),
            Removal::DeleteVpc { vpc } => Effect::deletes(Vpc, "ec2:DeleteVpc").id(vpc),
        };
        effect.in_region(&self.region)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, removal } = self;
        match removal {
            Removal::DetachGateway { vpc, gateway } => write!(f, "detach {gateway} from default {vpc} in {region}"),
            Removal::DeleteGateway { gateway } => write!(f, "delete default {gateway} in {region}"),
            Removal::DeleteSubnet { subnet } => write!(f, "delete default {subnet} in {region}"),
            Removal::DeleteVpc { vpc } => write!(f, "delete default {vpc} in {region}"),
        }
    }
}
