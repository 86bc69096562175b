//! What must hold around a tenant whose administrators try everything: nobody else is reached, whatever they did.

use serde_json::{Value, json};

use super::{NETWORK, Rig};

/// What the attacker makes for itself: a role within the boundary, one as people have who sign in, and a policy.
const OF_THE_ATTACKER: [&str; 3] = ["role/mischief", "AWSReservedSSO_Administrator_0a", "policy/mine"];

impl Rig {
    /// Has an administrator of an account try everything that changes something in a region, within the boundary or as
    /// somebody who signed in. What was done, and how often something was denied or failed.
    #[must_use]
    pub fn hostile(&self, account: &str, victim: &str, region: &str, signed_in: bool) -> Value {
        self.person(&json!({
            "do": "hostile", "account": account, "victim": victim, "region": region, "signed_in": signed_in,
        }))
    }

    /// The snapshot of an account without what its administrators made for themselves.
    #[must_use]
    pub fn snapshot_of_berth(&self, account: &str, tenant: &str) -> Vec<String> {
        let is_berths = |line: &String| !OF_THE_ATTACKER.iter().any(|name| line.contains(name));
        self.snapshot(account, tenant).into_iter().filter(is_berths).collect()
    }

    /// What a tenant has got of others: blocks but its own that a table of the gateway leads to its attachments, and groups
    /// but its own on a cluster. Each in words; of a tenant that is isolated, nothing.
    #[must_use]
    pub fn reached(&self, account: &str, tenant: &str) -> Vec<String> {
        let world = self.world(account);
        let mut reached = Vec::new();
        for (region, seen) in &world.regions {
            let own: Vec<&str> = seen.vpcs.iter().map(|vpc| vpc.cidr.as_str()).collect();
            let attachments: Vec<&str> = seen.attachments.iter().map(|each| each.id.as_str()).collect();
            for table in [&seen.spoke_table, &seen.shared_table] {
                let learned = self.learned_from(region, table, &attachments);
                let others = learned.into_iter().filter(|block| !own.contains(&block.as_str()));
                reached.extend(others.map(|block| format!("{table} in {region} leads {block} to {account}")));
            }
        }
        let of_others = |group: &&String| !group.starts_with(&format!("tenant:{tenant}:"));
        for entry in &world.access_entries {
            reached.extend(entry.groups.iter().filter(of_others).map(|group| format!("{account} is in {group}")));
        }
        reached
    }

    /// Blocks that a table of the gateway leads to one of these attachments. [EC2 `SearchTransitGatewayRoutes`]
    #[must_use]
    pub fn learned_from(&self, region: &str, table: &str, attachments: &[&str]) -> Vec<String> {
        let search = json!({
            "TransitGatewayRouteTableId": table, "Filters": [{ "Name": "state", "Values": ["active", "blackhole"] }],
        });
        let found = self.call_in(NETWORK, region, "ec2", "search_transit_gateway_routes", &search);
        let leads_there = |route: &&Value| {
            let via = route["TransitGatewayAttachments"].as_array().into_iter().flatten();
            via.filter_map(|each| each["TransitGatewayAttachmentId"].as_str()).any(|id| attachments.contains(&id))
        };
        let routes = found["Routes"].as_array().into_iter().flatten().filter(leads_there);
        routes.filter_map(|route| route["DestinationCidrBlock"].as_str()).map(str::to_owned).collect()
    }
}
