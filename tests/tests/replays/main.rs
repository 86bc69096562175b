//! What failed is shown, announced and run again, on a local AWS that nobody else uses: `berth replay --all` is about
//! everything that failed, and a replay of the archive about everything that came.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod archive;
mod dead_letters;
mod endings;
mod failures;
mod logs;
mod long_history;
mod moments;
#[path = "../journeys/onboarded.rs"]
mod onboarded;
mod plans;
mod status;
mod strangers;

use std::sync::MutexGuard;

use berth_tests::rig::{self, Rig, TimingProfile};
use serde_json::{Value, json};

/// Lets one test at a time have the local AWS for itself.
fn alone() -> (&'static Rig, MutexGuard<'static, ()>) {
    rig::alone(TimingProfile::Fast, |_| ())
}

/// Puts somebody else's role where one of the tenant's belongs: `CreateTenantRoles` fails with `NotOwned`.
fn squat(rig: &Rig, account: &str, tenant: &str) {
    let trust = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
    let name = format!("{tenant}-viewer");
    let role = json!({ "RoleName": name, "Path": "/tenant/", "AssumeRolePolicyDocument": trust });
    rig.call(account, "iam", "create_role", &role);
}

/// Takes that role away.
fn unsquat(rig: &Rig, account: &str, tenant: &str) {
    rig.call(account, "iam", "delete_role", &json!({ "RoleName": format!("{tenant}-viewer") }));
}

/// The list, as scripts read it.
fn listed(rig: &Rig) -> Vec<Value> {
    let (code, text) = rig.berth(&["replay", "--json"]);
    assert_eq!(code, 0, "{text}");
    serde_json::from_str(&text).unwrap()
}
