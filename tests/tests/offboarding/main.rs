//! Accounts leave: what goes, in which order, what stays, and what stops it.
//!
//! These journeys count who leaves in a day and change platform.yaml, so they have a local AWS of their own and take turns.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod awaited;
mod baseline;
mod frozen;
mod leaving;
mod parts;
mod rivals;
mod stopped;
mod triggers;

use std::sync::MutexGuard;

use berth_tests::rig::{self, Rig, TimingProfile};
use serde_json::{Value, json};

/// The rig, for one journey at a time, with a guard that lets these journeys' accounts go, and these values.
fn turn(edits: &[(&str, Value)]) -> (&'static Rig, MutexGuard<'static, ()>) {
    let (rig, turn) = rig::alone(TimingProfile::Fast, |_| ());
    deployed(rig, edits);
    (rig, turn)
}

/// Deploys a platform.yaml with that guard and these values: of an earlier deployment nothing is left.
fn deployed(rig: &Rig, edits: &[(&str, Value)]) {
    let guard = ("offboardingGuard", json!({ "accountsPerDay": 1000, "percentPerDay": 100 }));
    rig.deploy_platform(&[&[guard], edits].concat());
}

/// Kinds of a snapshot's lines that an account keeps: settings that protect it.
const STAYS: [&str; 4] = ["EBS encryption", "S3 public access", "metadata defaults", "snapshot sharing"];

/// What an account has now that it had not before it came, but for what stays by decision and roles that AWS made for its
/// services. Default VPCs, which it had and has no more, are in no line of it.
fn added(before: &[String], after: &[String]) -> Vec<String> {
    let mut rest = before.to_vec();
    let is_new = |line: &&String| match rest.iter().position(|known| known == *line) {
        Some(at) => {
            rest.swap_remove(at);
            false
        }
        None => true,
    };
    let new = after.iter().filter(is_new).filter(|line| {
        let kind = line.split_once(' ').map_or("", |(_, rest)| rest);
        let stays =
            STAYS.iter().any(|stays| kind.starts_with(&format!("{stays} "))) || kind.contains("/aws-service-role/");
        // AWS shows an attachment that was deleted for some hours.
        !stays && !kind.contains("\"State\": \"deleted\"")
    });
    new.cloned().collect()
}

/// What the account has of networks, in both accounts: the parts of its snapshot that offboarding takes away.
fn networks(rig: &Rig, account: &str, tenant: &str) -> Vec<String> {
    let kinds =
        ["vpc", "subnet", "route table", "security group", "endpoint", "flow log", "internet gateway", "attachment"];
    let lines = rig.snapshot(account, tenant).into_iter();
    let is_network = |line: &String| {
        let rest = line.split_once(' ').map_or("", |(_, rest)| rest);
        kinds.iter().any(|kind| rest.starts_with(&format!("{kind} ")))
    };
    // AWS shows an attachment that was deleted for some hours.
    lines.filter(is_network).filter(|line| !line.contains("\"State\": \"deleted\"")).collect()
}
