//! One account on its way: what it asks for in each invocation, and how it goes on.

use super::quotas::Rate;

/// Milliseconds of a call that no quota holds up.
pub(super) const CALL_MS: f64 = 50.0;
/// Milliseconds from the creation of an attachment until it is available.
pub(super) const ATTACHMENT_MS: f64 = 120_000.0;
/// Milliseconds until an association with a route table is in effect.
pub(super) const ASSOCIATION_MS: f64 = 5_000.0;

/// Where an account is: what its next invocation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Waits for its execution to start.
    Start,
    /// Plans, makes the VPC and asks for the attachment; all of it in the account itself.
    Provision,
    /// Waits for the attachment, associates and propagates.
    Join,
    /// Waits for the association, and proves isolation.
    Prove,
    /// Asks for the assignments that Identity Center has room for.
    Ask,
    /// Waits for them.
    Assigned,
    /// Access to the cluster, then the queue of commits.
    Commit,
}

/// An account.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) stage: Stage,
    /// Calls of this invocation that were answered.
    pub(super) done: usize,
    /// Attempts of the next call that were throttled.
    pub(super) attempts: u32,
    /// Retries of this state because of `Throttled`, and because of `NotReady`.
    pub(super) throttled: u32,
    pub(super) not_ready: u32,
    /// When that comes about which it waits for.
    pub(super) ready_ms: f64,
    /// Assignments that are still to be asked for, and that are not done.
    pub(super) unasked: usize,
    pub(super) unassigned: usize,
}

impl Account {
    pub(super) fn new(assignments: usize) -> Self {
        Self {
            stage: Stage::Start,
            done: 0,
            attempts: 0,
            throttled: 0,
            not_ready: 0,
            ready_ms: 0.0,
            unasked: assignments,
            unassigned: assignments,
        }
    }

    /// Shared calls of the next invocation, in their order. `has_room` says whether Identity Center takes assignments.
    pub(super) fn calls(&self, now_ms: f64, has_room: bool) -> &'static [Rate] {
        use Rate::{
            Associate, Association, Gateways, Policies, Propagate, Propagations, Routes, SignIn, Start, Tables,
        };
        match self.stage {
            Stage::Start => &[Start],
            Stage::Provision | Stage::Commit => &[],
            // While the attachment is pending only its own account is asked.
            Stage::Join if now_ms < self.ready_ms => &[],
            Stage::Join => &[Association, Associate, Propagate],
            Stage::Prove if now_ms < self.ready_ms => &[Association],
            Stage::Prove => &[Association, Propagations, Gateways, Routes, Routes, Association, Tables, Policies],
            // Two lists of assignments, what is under way; with room, the lists again, what has failed, one call for each.
            Stage::Ask if has_room => &[SignIn; 6],
            Stage::Ask => &[SignIn; 3],
            // The lists, and what is under way while it is.
            Stage::Assigned if self.unassigned > 0 => &[SignIn; 3],
            Stage::Assigned => &[SignIn; 2],
        }
    }

    /// Enters a state of the state machine, whose retries are counted anew.
    pub(super) fn enter(&mut self, stage: Stage) {
        (self.stage, self.done, self.attempts, self.throttled, self.not_ready) = (stage, 0, 0, 0, 0);
    }
}
