//! What a public tier needs beyond a subnet: an internet gateway, and a route table that leads to it. Pure.
//!
//! The table has no route to the Transit Gateway, and the private table none to the internet: a public tier changes
//! nothing about what tenants reach of each other. NAT gateways are not made.

use berth_step::{Fault, StepError};
use berth_tenancy::TierRouting;

use crate::{Change, Input, State, Vpc};

/// Whether the plan has a public tier.
pub(crate) fn is_planned(input: &Input) -> bool {
    input.network.tiers.iter().any(|tier| tier.routing == TierRouting::Public)
}

/// The next changes for the public tiers, in the order in which AWS takes them.
pub(crate) fn next(input: &Input, state: &State, vpc: &Vpc) -> Result<Vec<Change>, StepError> {
    if !is_planned(input) {
        return Ok(Vec::new());
    }
    let mut batch = Vec::new();
    let table = state.table(TierRouting::Public);
    if table.is_none() {
        batch.push(Change::CreateRouteTable { vpc: vpc.id.clone(), routing: TierRouting::Public });
    }
    let Some(gateway) = &state.gateway else {
        batch.push(Change::CreateInternetGateway { vpc: vpc.id.clone() });
        return Ok(batch);
    };
    if !gateway.is_ours {
        let what = format!("{} is attached to {} but has not our tags", gateway.id, vpc.id);
        return Err(StepError::new(Fault::NotOwned, what).hint(format!(
            "find out who made {}; give it Berth's tags, or detach it; then redrive the execution",
            gateway.id
        )));
    }
    if !gateway.is_attached {
        batch.push(Change::AttachInternetGateway { vpc: vpc.id.clone(), gateway: gateway.id.clone() });
        return Ok(batch);
    }
    let Some(table) = table else { return Ok(batch) };
    match table.default_route.as_deref() {
        Some(target) if target == gateway.id => {}
        None => batch.push(Change::RouteToInternet { table: table.id.clone(), gateway: gateway.id.clone() }),
        Some(target) => {
            let what = format!("the default route of {} leads to {target}, not to {}", table.id, gateway.id);
            return Err(StepError::new(Fault::NotOwned, what).hint(format!(
                "find out who changed it; delete that route of {}, then redrive the execution",
                table.id
            )));
        }
    }
    Ok(batch)
}
