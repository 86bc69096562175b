//! Compares the routes of the VPC's private table with the plan. Pure.

use berth_tenancy::PlannedChange;

use crate::{Change, Input, Route, State};

/// What the routes ask for.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Changes to make now.
    pub(crate) actions: Vec<Change>,
    /// Differences that are left, because closing them cuts traffic off.
    pub(crate) planned: Vec<PlannedChange>,
}

/// Planned routes that are missing or lead elsewhere, and routes to the gateway that are not planned any more. Other
/// routes are the tenant's own.
pub(crate) fn compare(input: &Input, state: &State) -> Routes {
    let Some(table) = &input.private_route_table else { return Routes::default() };
    let planned = &input.transit_gateway.routes;
    let mut routes = Routes::default();
    for destination in planned {
        let (table, gateway) = (table.clone(), input.transit_gateway.id.clone());
        let known = state.routes.iter().find(|route| route.destination == *destination);
        let destination = destination.clone();
        match known {
            None => routes.actions.push(Change::CreateRoute { table, destination, gateway }),
            Some(Route { target, is_blackhole: false, .. }) if *target == gateway => {}
            Some(Route { target, .. }) => {
                let what = format!("{table} routes {destination} to {target}; planned: {gateway}");
                let replace = Change::ReplaceRoute { table, destination, gateway };
                // A route of a former attachment to the same gateway drops everything: nothing can be cut off.
                let is_free = *target == input.transit_gateway.id;
                routes.disrupting(input.run.allow_disruption || is_free, replace, what);
            }
        }
    }
    let ours = state.routes.iter().filter(|route| route.target == input.transit_gateway.id);
    for Route { destination, target, .. } in ours.filter(|route| !planned.contains(&route.destination)) {
        let what = format!("{table} routes {destination} to {target}, which is not planned any more");
        let delete = Change::DeleteRoute { table: table.clone(), destination: destination.clone() };
        routes.disrupting(input.run.allow_disruption, delete, what);
    }
    routes
}

impl Routes {
    fn disrupting(&mut self, allowed: bool, change: Change, what: String) {
        if allowed {
            self.actions.push(change);
        } else {
            self.planned.push(PlannedChange::by_berth(what));
        }
    }
}
