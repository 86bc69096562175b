//! A hostile tenant and its neighbour: one tries everything that the local AWS lets it do, between and during runs.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::{Record, Status};
use serde_json::json;

use super::{
    Scenario,
    invariants::{differing, ended_not_owned},
};
use crate::rig::Rig;

/// Where the environment of both has its network.
const REGION: &str = "eu-west-1";

/// An account whose administrators are hostile, and one that they are after.
#[derive(Debug)]
pub(super) struct Neighbours {
    attacker: String,
    victim: String,
    of_victim: String,
    /// What the victim had before anybody tried anything.
    before: Vec<String>,
}

impl Neighbours {
    /// Gives the attacker's account a neighbour, which is onboarded.
    pub(super) fn of(rig: &Rig, attacker: &str, tenant: &str) -> Self {
        let of_victim = format!("beside-{tenant}");
        let victim = Scenario::Again.prepare(rig, &of_victim);
        let before = rig.snapshot(&victim, &of_victim);
        Self { attacker: attacker.to_owned(), victim, of_victim, before }
    }

    /// Whether these are the attacker and its neighbour.
    pub(super) fn are_of(&self, attacker: &str) -> bool {
        self.attacker == attacker
    }

    /// The attacker tries everything once, as somebody who signed in or from a role within the boundary.
    ///
    /// # Panics
    /// When it could do nothing at all, or was refused nothing: that was no attempt.
    pub(super) fn attack(&self, rig: &Rig, signed_in: bool) {
        let report = rig.hostile(&self.attacker, &self.victim, REGION, signed_in);
        let (denied, done) = (report["counts"]["denied"].as_u64(), report["done"].as_array());
        let tried = denied.is_some_and(|count| count > 0) && done.is_some_and(|done| !done.is_empty());
        assert!(tried, "a hostile tenant tried nothing: {report:#}");
    }

    /// What does not hold after a run during which the attacker tried everything. The run may have ended with the word that
    /// something is not Berth's; the next one makes everything right, or says so.
    pub(super) fn violated(&self, rig: &Rig, tenant: &str, clean: &[String], record: &Record) -> Vec<String> {
        let mut violations = self.reached(rig, tenant);
        if record.status != Status::Onboarded && !ended_not_owned(record) {
            violations.push(format!("no lost account: it ended {}: {:?}", record.status.name(), record.failure));
        }
        let execution = rig.start_execution(&json!({ "accountId": self.attacker }));
        let ended = rig.ended(&execution);
        let record = rig.wait_for_outcome(&self.attacker, &execution);
        if ended.status == ExecutionStatus::Succeeded {
            let lines = differing(clean, &rig.snapshot_of_berth(&self.attacker, tenant));
            violations.extend(lines.into_iter().map(|line| format!("what a tenant changed is noticed: {line}")));
        } else if !ended_not_owned(&record) {
            violations.push(format!("what a tenant changed is noticed: it ended {:?}", record.failure));
        }
        violations.extend(self.reached(rig, tenant));
        violations
    }

    /// What the attacker has got of its neighbour, or done to it.
    fn reached(&self, rig: &Rig, tenant: &str) -> Vec<String> {
        let reached = rig.reached(&self.attacker, tenant).into_iter();
        let mut violations: Vec<String> = reached.map(|what| format!("isolation: {what}")).collect();
        let changed = differing(&self.before, &rig.snapshot(&self.victim, &self.of_victim));
        violations.extend(changed.into_iter().map(|line| format!("isolation: of the neighbour {line}")));
        violations
    }
}
