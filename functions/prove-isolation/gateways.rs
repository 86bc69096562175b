//! Which VPCs are to be isolated from each other by which spoke table: platform.yaml and the ledger, put together. Pure.

use std::collections::BTreeSet;

use berth_config::PlatformConfig;
use berth_isolation::Vpc;
use berth_ledger::{Record, Status};
use berth_step::{Fault, StepError};
use berth_tenancy::{EnvironmentName, Region, TransitGatewayPlan};

/// One spoke table of one gateway, and the VPCs there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    pub region: Region,
    /// What platform.yaml says of the gateway; without routes of VPCs, which prove nothing.
    pub plan: TransitGatewayPlan,
    /// Environments whose VPCs are there.
    pub environments: BTreeSet<EnvironmentName>,
    /// Their VPCs, as the ledger has them.
    pub vpcs: Vec<Vpc>,
}

/// Every spoke table of the platform; how many VPCs are left over in regions that it has no more; and records that do not
/// say enough for a proof.
#[must_use]
pub fn gateways(platform: &PlatformConfig, records: &[Record]) -> (Vec<Gateway>, usize, Vec<StepError>) {
    let mut gateways = of_platform(platform);
    let (mut left_over, mut problems) = (0, Vec::new());
    for record in records.iter().filter(|record| record.status != Status::Offboarded) {
        let Some((tenant, environment)) = record.tenant.as_ref().zip(record.environment.as_ref()) else { continue };
        for (region, network) in &record.regions {
            let here = |gateway: &&mut Gateway| gateway.region == *region && gateway.environments.contains(environment);
            let Some(gateway) = gateways.iter_mut().find(here) else {
                left_over += 1;
                continue;
            };
            match network.cidr.parse() {
                Ok(cidr) => gateway.vpcs.push(Vpc {
                    account_id: record.account_id.clone(),
                    tenant: tenant.clone(),
                    attachment: network.attachment_id.clone(),
                    cidr,
                    is_planned: false,
                }),
                Err(_) => problems.push(unreadable(record, region, &network.cidr)),
            }
        }
    }
    (gateways, left_over, problems)
}

/// The spoke tables of the platform: environments often share one.
fn of_platform(platform: &PlatformConfig) -> Vec<Gateway> {
    let mut gateways: Vec<Gateway> = Vec::new();
    for (environment, region, mut plan) in platform.transit_gateways() {
        plan.routes.clear();
        if let Some(known) = gateways.iter_mut().find(|gateway| gateway.region == region && gateway.plan == plan) {
            known.environments.insert(environment);
        } else {
            let (environments, vpcs) = (BTreeSet::from([environment]), Vec::new());
            gateways.push(Gateway { region, plan, environments, vpcs });
        }
    }
    gateways
}

fn unreadable(record: &Record, region: &Region, cidr: &str) -> StepError {
    StepError::new(
        Fault::InvalidInput,
        format!("the ledger has {cidr:?} for a VPC's block, so isolation is not proven"),
    )
    .for_account(&record.account_id)
    .in_region(region)
    .hint(format!("berth onboard {} reads the VPC again", record.account_id))
}
