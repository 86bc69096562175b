//! The network of accounts on the local AWS: isolation that somebody breaks, plans that change, executions that race,
//! pools that run out, attachments that end, regions that stay closed.
//!
//! These journeys change the network account and platform.yaml, so they have a local AWS of their own and take turns.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod addresses;
mod attachments;
mod changes;
mod hostile;
mod isolation;
mod parts;
mod proven_again;
mod races;
mod regions;
mod tenants;

use std::sync::MutexGuard;

use berth_tests::rig::{self, Call, MANAGEMENT, NETWORK, Rig, TimingProfile, onboarded, run};
use serde_json::{Value, json};

/// The one region of the environment `staging`.
const WEST: &str = "eu-west-1";
/// Where `staging` keeps that region in platform.yaml.
const WEST_PLAN: &str = "environments.staging.regions.eu-west-1";

/// The rig, for one journey at a time, with the first platform.yaml.
fn turn() -> (&'static Rig, MutexGuard<'static, ()>) {
    let (rig, turn) = rig::alone(TimingProfile::Fast, |_| ());
    rig.deploy_platform(&[]);
    (rig, turn)
}

/// A call of EC2 in the west, as an administrator.
fn ec2(rig: &Rig, account: &str, operation: &str, parameters: &Value) -> Value {
    rig.call_in(account, WEST, "ec2", operation, parameters)
}

/// A call of EC2 in the network account.
fn network(rig: &Rig, operation: &str, parameters: &Value) -> Value {
    ec2(rig, NETWORK, operation, parameters)
}

/// Lets the organization use something of the network account. [RAM `CreateResourceShare`]
fn share(rig: &Rig, region: &str, arn: &Value) {
    let organization = rig.call(MANAGEMENT, "organizations", "describe_organization", &json!({}));
    let principals = [organization["Organization"]["Arn"].clone()];
    let share = json!({ "name": "of the journey", "resourceArns": [arn], "principals": principals });
    rig.call_in(NETWORK, region, "ram", "create_resource_share", &share);
}

/// Calls of an execution that changed something.
fn changing(rig: &Rig, execution: &str) -> Vec<Call> {
    rig.calls_of(execution).into_iter().filter(|call| call.effect == "resource").collect()
}

/// The account's attachments in the west, as its own administrator sees them.
fn attachments(rig: &Rig, account: &str) -> Vec<Value> {
    let found = ec2(rig, account, "describe_transit_gateway_vpc_attachments", &json!({}));
    found["TransitGatewayVpcAttachments"].as_array().unwrap().clone()
}

/// Id of the account's only attachment in the west.
fn attachment(rig: &Rig, account: &str) -> String {
    rig.world(account).regions[WEST].attachments[0].id.clone()
}
