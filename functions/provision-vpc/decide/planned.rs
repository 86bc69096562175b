//! Differences between the VPC and the plan that are left as they are: closing them would cut workloads off. Pure.
//!
//! None of them can be closed in place: the block of a VPC and of a subnet never changes, and Berth never deletes. So
//! each says what a person must do, with or without `--allow-disruption`.

use std::collections::BTreeMap;

use berth_tenancy::{Addresses, PlannedChange};

use crate::{Endpoint, FlowLog, Input, State, Subnet, Vpc, decide::service_name};

/// Most routes to one target that a difference lists.
const ROUTES_MAX: usize = 4;

/// The differences, as the step reports them.
pub(crate) fn changes(input: &Input, state: &State, vpc: &Vpc) -> Vec<PlannedChange> {
    let ours = state.subnets.iter().filter_map(|subnet| Some((subnet, subnet.place.as_ref()?)));
    let subnets = ours.filter_map(|(subnet, (tier, zone))| of_subnet(input, subnet, tier, zone));
    let parts = endpoints(input, state).chain(flow_logs(input, state));
    PlannedChange::report(of_vpc(input, vpc).into_iter().chain(subnets).chain(parts).chain(paths(state)).collect())
}

/// Gateway endpoints of ours that are not planned any more. Traffic that is under way breaks when one is deleted.
fn endpoints<'a>(input: &'a Input, state: &'a State) -> impl Iterator<Item = PlannedChange> + 'a {
    let services = &input.network.gateway_endpoints;
    let is_planned = |endpoint: &Endpoint| services.iter().any(|one| service_name(input, one) == endpoint.service);
    let ours = state.endpoints.iter().filter(|endpoint| endpoint.tags.are_ours(&input.run.account_id));
    ours.filter(move |endpoint| !is_planned(endpoint)).map(|Endpoint { id, service, .. }| {
        let region = &input.region;
        PlannedChange::by_hand(
            format!("{id} is a gateway endpoint for {service}, which is not planned any more"),
            format!(
                "delete it in the account once nothing uses it: aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {id} \
                 --region {region}"
            ),
        )
    })
}

/// Flow logs of ours that are not planned any more: they go on, and are billed by what they deliver.
fn flow_logs<'a>(input: &'a Input, state: &'a State) -> impl Iterator<Item = PlannedChange> + 'a {
    let planned = input.network.flow_logs.as_ref();
    let ours = state.flow_logs.iter().filter(|log| log.tags.are_ours(&input.run.account_id));
    ours.filter(move |log| Some(&log.destination) != planned).map(|FlowLog { id, destination, .. }| {
        let region = &input.region;
        PlannedChange::by_hand(
            format!("{id} sends flow logs to {destination}, which is not planned any more, and is billed for them"),
            format!("delete it in the account: aws ec2 delete-flow-logs --flow-log-ids {id} --region {region}"),
        )
    })
}

/// Ways out of the VPC that are not the Transit Gateway's: nobody proves them. Our own internet gateway is planned.
fn paths(state: &State) -> Vec<PlannedChange> {
    let own = state.gateway.as_ref().filter(|gateway| gateway.is_ours).map(|gateway| gateway.id.as_str());
    let mut targets: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for table in &state.tables {
        for (to, target) in table.paths.iter().filter(|(_, target)| Some(target.as_str()) != own) {
            targets.entry(target).or_default().push(format!("{to} in {}", table.id));
        }
    }
    let change = |(target, routes): (&str, Vec<String>)| {
        let peer = state.peers.get(target).map(|sides| format!(", which joins {sides}")).unwrap_or_default();
        let shown = routes.iter().take(ROUTES_MAX).cloned().collect::<Vec<_>>().join(", ");
        PlannedChange::by_hand(
            format!("routes lead to {target}{peer}, past the Transit Gateway: {shown}"),
            format!(
                "find out what {target} is for, and delete those routes unless it is meant: no proof of isolation covers it"
            ),
        )
    };
    targets.into_iter().map(change).collect()
}

fn of_vpc(input: &Input, vpc: &Vpc) -> Option<PlannedChange> {
    let planned = match &input.network.addresses {
        Addresses::Ipam { prefix_length, .. } | Addresses::Ledger { prefix_length, .. } => *prefix_length,
    };
    // The address of a VPC that mode `plan` only imagines is a placeholder of the right size.
    (vpc.cidr.prefix_len() != planned).then(|| {
        PlannedChange::by_hand(
            format!("{} has {}; planned: a /{planned}", vpc.id, vpc.cidr),
            "keep the prefixLength of before for this environment, or move the workloads to a new account",
        )
    })
}

fn of_subnet(input: &Input, subnet: &Subnet, tier: &str, zone: &str) -> Option<PlannedChange> {
    let network = &input.network;
    let id = &subnet.id;
    let Some(planned) = network.tiers.iter().find(|planned| planned.name == tier) else {
        return Some(surplus(id, &format!("tier {tier}, which is not planned any more")));
    };
    if !network.zones.iter().any(|planned| planned == zone) {
        return Some(surplus(id, &format!("zone {zone}, which is not planned any more")));
    }
    (subnet.cidr.prefix_len() != planned.prefix_length).then(|| {
        PlannedChange::by_hand(
            format!("{id} (tier {tier}, {zone}) has {}; planned: a /{}", subnet.cidr, planned.prefix_length),
            format!("keep the prefixLength of before for tier {tier}, or add a tier of the new size and move there"),
        )
    })
}

fn surplus(id: &str, place: &str) -> PlannedChange {
    PlannedChange::by_hand(format!("{id} is in {place}"), format!("delete {id} once nothing runs in it"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use berth_tenancy::Tags;
    use serde_json::{Value, json};

    use super::*;

    /// A plan of one tier in one zone.
    fn input(prefix_length: u8, tier: &Value, zone: &str) -> Input {
        serde_json::from_value(json!({
            "run": {
                "accountId": "111122223333", "accountName": "Payments", "tenant": "payments", "environment": "dev",
                "execution": "e", "generation": 1, "mode": "apply", "tenantRole": "BerthTenant",
            },
            "region": "eu-west-1",
            "network": {
                "addresses": { "ipam": { "poolId": "ipam-pool-1", "prefixLength": prefix_length } },
                "zones": [zone], "tiers": [tier], "gatewayEndpoints": [], "flowLogs": null,
            },
        }))
        .unwrap()
    }

    fn reported(input: &Input) -> Vec<String> {
        let cidr = "10.1.0.0/20".parse().unwrap();
        let vpc = Vpc { id: "vpc-1".to_owned(), cidr, further: Vec::new(), tags: Tags::default() };
        let subnet = |id: &str, cidr: &str, place| Subnet {
            vpc: "vpc-1".to_owned(),
            id: id.to_owned(),
            cidr: cidr.parse().unwrap(),
            place,
            tags: Tags::default(),
        };
        let ours = Some(("private".to_owned(), "euw1-az1".to_owned()));
        let subnets = vec![subnet("subnet-1", "10.1.0.0/22", ours), subnet("subnet-theirs", "10.1.8.0/24", None)];
        let state = State { subnets, vpc: Some(vpc.clone()), ..State::default() };
        let changes = changes(input, &state, &vpc);
        assert!(changes.iter().all(|change| !change.by_berth && !change.next.is_empty()), "{changes:?}");
        changes.into_iter().map(|change| change.what).collect()
    }

    #[test]
    fn what_cannot_change_in_place_is_reported_but_not_others_subnets() {
        let tier = |name: &str, prefix_length: u8| json!({ "name": name, "prefixLength": prefix_length, "routing": "private" });
        let private = tier("private", 22);
        let table: [(Input, &[&str]); 5] = [
            (input(20, &private, "euw1-az1"), &[]),
            (input(21, &private, "euw1-az1"), &["vpc-1 has 10.1.0.0/20; planned: a /21"]),
            (
                input(20, &tier("private", 23), "euw1-az1"),
                &["subnet-1 (tier private, euw1-az1) has 10.1.0.0/22; planned: a /23"],
            ),
            (input(20, &private, "euw1-az2"), &["subnet-1 is in zone euw1-az1, which is not planned any more"]),
            (
                input(20, &tier("other", 22), "euw1-az1"),
                &["subnet-1 is in tier private, which is not planned any more"],
            ),
        ];
        for (input, expected) in table {
            assert_eq!(reported(&input), expected);
        }
    }

    #[test]
    fn endpoints_and_flow_logs_that_left_the_plan_are_reported() {
        let mut input = input(20, &json!({ "name": "private", "prefixLength": 22, "routing": "private" }), "euw1-az1");
        input.network.gateway_endpoints = vec!["s3".to_owned()];
        input.network.flow_logs = Some("arn:aws:s3:::now".to_owned());
        let ours = || Tags::of(&input.run.account_id, &input.run.tenant);
        let endpoint = |id: &str, service: &str, tags: Tags| Endpoint {
            vpc: "vpc-1".to_owned(),
            id: id.to_owned(),
            service: service_name(&input, service),
            tables: std::collections::BTreeSet::new(),
            tags,
        };
        let log = |id: &str, bucket: &str, tags: Tags| FlowLog {
            vpc: "vpc-1".to_owned(),
            id: id.to_owned(),
            destination: format!("arn:aws:s3:::{bucket}"),
            tags,
        };
        let theirs = Tags::default;
        let state = State {
            endpoints: vec![
                endpoint("vpce-s3", "s3", ours()),
                endpoint("vpce-dynamodb", "dynamodb", ours()),
                endpoint("vpce-theirs", "dynamodb", theirs()),
            ],
            flow_logs: vec![log("fl-now", "now", ours()), log("fl-old", "old", ours()), log("fl-x", "x", theirs())],
            ..State::default()
        };
        let told: Vec<(String, String)> = endpoints(&input, &state)
            .chain(flow_logs(&input, &state))
            .map(|change| (change.what, change.next))
            .collect();
        let [(endpoint, first), (log, second)] = &*told else { panic!("{told:?}") };
        assert_eq!(
            endpoint,
            "vpce-dynamodb is a gateway endpoint for com.amazonaws.eu-west-1.dynamodb, which is not planned any more"
        );
        assert!(first.ends_with("aws ec2 delete-vpc-endpoints --vpc-endpoint-ids vpce-dynamodb --region eu-west-1"));
        assert!(log.starts_with("fl-old sends flow logs to arn:aws:s3:::old, "), "{log}");
        assert!(second.ends_with("aws ec2 delete-flow-logs --flow-log-ids fl-old --region eu-west-1"), "{second}");
    }
}
