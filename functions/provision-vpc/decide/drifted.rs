//! Tags that are missing from the VPC and its parts, or have another value. Pure.
//!
//! Of ours only: a part that lost Berth's own tags is nobody's. Tags that other people set stay; those that left platform.yaml
//! go where it says so.

use berth_step::StepError;
use berth_tenancy::{ResourceKind, Tags};

use crate::{Change, Input, State, Vpc, decide::service_name};

/// Changes of each part that lacks tags, or has some too many.
pub(super) fn repairs(input: &Input, state: &State, vpc: &Vpc) -> Result<Vec<Change>, StepError> {
    let mut batch = Vec::new();
    let mut compare = |kind: ResourceKind, id: &str, there: &Tags, wanted: &Tags| {
        let (id, tags) = (id.to_owned(), there.missing(wanted));
        batch.extend((!tags.0.is_empty()).then(|| Change::TagResource { id: id.clone(), tags }));
        let tags = input.run.surplus_tags(kind, there, wanted);
        batch.extend((!tags.0.is_empty()).then_some(Change::UntagResource { id, tags }));
    };
    compare(ResourceKind::Vpc, &vpc.id, &vpc.tags, &input.vpc_tags());
    for subnet in &state.subnets {
        if let Some((tier, zone)) = &subnet.place {
            compare(ResourceKind::Subnet, &subnet.id, &subnet.tags, &input.subnet_tags(tier, zone));
        }
    }
    for table in &state.tables {
        if let Some(routing) = table.routing {
            compare(ResourceKind::RouteTable, &table.id, &table.tags, &input.table_tags(routing)?);
        }
    }
    if let Some(gateway) = state.gateway.as_ref().filter(|gateway| gateway.is_ours) {
        compare(ResourceKind::InternetGateway, &gateway.id, &gateway.tags, &input.gateway_tags());
    }
    let is_ours = |tags: &Tags| tags.are_ours(&input.run.account_id);
    for endpoint in state.endpoints.iter().filter(|endpoint| is_ours(&endpoint.tags)) {
        let planned = input.network.gateway_endpoints.iter();
        for service in planned.filter(|service| service_name(input, service) == endpoint.service) {
            compare(ResourceKind::VpcEndpoint, &endpoint.id, &endpoint.tags, &input.endpoint_tags(service));
        }
    }
    for log in state.flow_logs.iter().filter(|log| is_ours(&log.tags)) {
        compare(ResourceKind::VpcFlowLog, &log.id, &log.tags, &input.flow_log_tags());
    }
    Ok(batch)
}
