//! How long many onboardings take that begin at the same time, by discrete simulation: every account's shared calls in
//! their order, under the rates that AWS publishes. Deterministic; nothing is measured here.

mod account;
mod bucket;
pub mod drift;
pub mod quotas;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use self::{
    account::{ASSOCIATION_MS, ATTACHMENT_MS, Account, CALL_MS, Stage},
    bucket::Bucket,
    quotas::{ASSIGNMENT_SECONDS, ASSIGNMENTS, BATCH_MAX, OUTSTANDING_MAX, PUSHES_A_MINUTE, QUOTAS, Rate},
};

/// What happens when a service refuses a call, or when something is not ready.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Policy {
    /// Every call is made once, at the moment at which its service takes it: the best that any pipeline with these calls
    /// can do.
    Ideal,
    /// As the functions and the state machine do it.
    Retries(Retries),
}

/// The retries of the states, and of the SDK within an invocation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retries {
    /// Attempts of one call.
    pub attempts_max: u32,
    /// Those of `AttachTransitGateway`.
    pub attach: Patience,
    /// Those of `GrantSignIn`, where everybody waits for one service.
    pub sign_in: Patience,
}

/// How long a state goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// Longest pause after `Throttled`, in seconds; pauses double up to it, with full jitter.
    pub throttled_seconds_max: f64,
    /// Retries after `Throttled`.
    pub throttled_max: u32,
    /// First pause after `NotReady`, in seconds.
    pub not_ready_seconds: f64,
    /// What each further one is multiplied by.
    pub not_ready_rate: f64,
    /// The longest of them, in seconds.
    pub not_ready_seconds_max: f64,
    /// Retries after `NotReady`.
    pub not_ready_max: u32,
}

impl Retries {
    fn of(&self, stage: Stage) -> &Patience {
        if matches!(stage, Stage::Ask | Stage::Assigned) { &self.sign_in } else { &self.attach }
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outcome {
    /// Seconds until the last account that was onboarded was.
    pub seconds: f64,
    /// Accounts that were onboarded.
    pub onboarded: usize,
    /// Accounts whose retries were used up: visible failures, which a person redrives.
    pub failed: usize,
    /// Commits.
    pub commits: usize,
}

/// Runs `accounts` that arrive at once.
#[must_use]
pub fn simulate(accounts: usize, signs_in: bool, policy: Policy) -> Outcome {
    let mut run = Run::new(accounts, signs_in, policy);
    while let Some(Reverse((micros, _, event))) = run.queue.pop() {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of some days")]
        let now_ms = micros as f64 / 1e3;
        match event {
            Event::Go(account) => run.go(account, now_ms),
            Event::Assigned(account) => run.assigned(account, now_ms),
            Event::Push => run.push(now_ms),
        }
    }
    run.outcome
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// An account makes its next call, or ends its invocation.
    Go(usize),
    /// Identity Center has ended an assignment.
    Assigned(usize),
    /// A commit is pushed.
    Push,
}

struct Run {
    policy: Policy,
    accounts: Vec<Account>,
    buckets: Vec<Bucket>,
    queue: BinaryHeap<Reverse<(u64, u64, Event)>>,
    scheduled: u64,
    outstanding: usize,
    /// Accounts that wait for room at Identity Center, when they need not ask again and again.
    waiting: VecDeque<usize>,
    committing: VecDeque<usize>,
    is_pushing: bool,
    random: u64,
    outcome: Outcome,
}

impl Run {
    fn new(count: usize, signs_in: bool, policy: Policy) -> Self {
        let assignments = if signs_in { ASSIGNMENTS } else { 0 };
        let mut run = Self {
            policy,
            accounts: vec![Account::new(assignments); count],
            buckets: QUOTAS.iter().map(|quota| Bucket::new(quota.burst, quota.per_second)).collect(),
            queue: BinaryHeap::new(),
            scheduled: 0,
            outstanding: 0,
            waiting: VecDeque::new(),
            committing: VecDeque::new(),
            is_pushing: false,
            random: 1,
            outcome: Outcome::default(),
        };
        (0..count).for_each(|account| run.schedule(0.0, Event::Go(account)));
        run
    }

    fn schedule(&mut self, at_ms: f64, event: Event) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "microseconds of some days")]
        let micros = (at_ms * 1e3).ceil() as u64;
        self.scheduled += 1;
        self.queue.push(Reverse((micros, self.scheduled, event)));
    }

    /// A number from 0 to 1, the same ones in every run. [`SplitMix64`, Steele, Lea and Flood 2014]
    fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or_default()) / f64::from(u32::MAX)
    }

    /// The next call of an account's invocation; after the last one the invocation ends.
    fn go(&mut self, account: usize, now_ms: f64) {
        let calls = self.accounts[account].calls(now_ms, self.outstanding < OUTSTANDING_MAX);
        let Some(rate) = calls.get(self.accounts[account].done) else { return self.end(account, now_ms) };
        let bucket = &mut self.buckets[*rate as usize];
        let Policy::Retries(retries) = self.policy else {
            let at_ms = bucket.take_when_free(now_ms) + CALL_MS;
            self.accounts[account].done += 1;
            return self.schedule(at_ms, Event::Go(account));
        };
        // StartExecution is asked for by accept-event, whose message comes back until it is answered.
        if *rate == Rate::Start || bucket.take(now_ms) {
            let at_ms = if *rate == Rate::Start { bucket.take_when_free(now_ms) } else { now_ms };
            (self.accounts[account].done, self.accounts[account].attempts) = (self.accounts[account].done + 1, 0);
            return self.schedule(at_ms + CALL_MS, Event::Go(account));
        }
        self.accounts[account].attempts += 1;
        let attempts = self.accounts[account].attempts;
        if attempts < retries.attempts_max {
            let pause_ms = self.random() * 1e3 * f64::from(1 << (attempts - 1));
            return self.schedule(now_ms + pause_ms, Event::Go(account));
        }
        self.throttled(account, now_ms, retries);
    }

    /// The step ends as `Throttled`; the state machine repeats it from its beginning.
    fn throttled(&mut self, account: usize, now_ms: f64, retries: Retries) {
        let this = &mut self.accounts[account];
        (this.done, this.attempts, this.throttled) = (0, 0, this.throttled + 1);
        let (tried, patience) = (this.throttled, retries.of(this.stage));
        if tried > patience.throttled_max {
            self.outcome.failed += 1;
            return;
        }
        let most = f64::from(1_u32 << (tried - 1).min(20)).min(patience.throttled_seconds_max);
        let pause_ms = self.random() * most * 1e3;
        self.again(account, now_ms + pause_ms);
    }

    /// The step ends as `NotReady`; `at_ms` is when that comes about, as far as it is known.
    fn not_ready(&mut self, account: usize, now_ms: f64, at_ms: f64) {
        let this = &mut self.accounts[account];
        (this.done, this.attempts, this.not_ready) = (0, 0, this.not_ready + 1);
        let Policy::Retries(retries) = self.policy else { return self.schedule(at_ms.max(now_ms), Event::Go(account)) };
        let patience = retries.of(this.stage);
        if this.not_ready > patience.not_ready_max {
            self.outcome.failed += 1;
            return;
        }
        let grown = patience.not_ready_rate.powi(i32::try_from(this.not_ready).unwrap_or(i32::MAX) - 1);
        let pause_seconds = (patience.not_ready_seconds * grown).min(patience.not_ready_seconds_max);
        self.again(account, now_ms + pause_seconds * 1e3);
    }

    /// A retry is a transition, too.
    fn again(&mut self, account: usize, at_ms: f64) {
        let at_ms = self.buckets[Rate::Transition as usize].take_when_free(at_ms);
        self.schedule(at_ms, Event::Go(account));
    }

    /// All calls of an invocation were answered.
    fn end(&mut self, account: usize, now_ms: f64) {
        let this = &mut self.accounts[account];
        match this.stage {
            Stage::Start => self.enter(account, Stage::Provision, now_ms + 20.0 * CALL_MS),
            Stage::Provision => {
                this.enter(Stage::Join);
                this.ready_ms = now_ms + ATTACHMENT_MS;
                let at_ms = this.ready_ms;
                self.not_ready(account, now_ms, at_ms);
            }
            Stage::Join if this.done == 0 => {
                let at_ms = this.ready_ms;
                self.not_ready(account, now_ms, at_ms);
            }
            Stage::Join => {
                // The same state of the machine: its retries go on being counted.
                (this.stage, this.ready_ms) = (Stage::Prove, now_ms + ASSOCIATION_MS);
                let at_ms = this.ready_ms;
                self.not_ready(account, now_ms, at_ms);
            }
            Stage::Prove if this.done == 1 => {
                let at_ms = this.ready_ms;
                self.not_ready(account, now_ms, at_ms);
            }
            Stage::Prove => {
                let next = if this.unassigned == 0 { Stage::Commit } else { Stage::Ask };
                self.enter(account, next, now_ms + 2.0 * CALL_MS);
            }
            Stage::Ask => self.ask(account, now_ms),
            Stage::Assigned if this.unassigned > 0 => self.not_ready(account, now_ms, now_ms),
            Stage::Assigned => self.enter(account, Stage::Commit, now_ms + 4.0 * CALL_MS),
            Stage::Commit => self.commit(account, now_ms),
        }
    }

    fn enter(&mut self, account: usize, stage: Stage, at_ms: f64) {
        self.accounts[account].enter(stage);
        let at_ms = self.buckets[Rate::Transition as usize].take_when_free(at_ms);
        self.schedule(at_ms, Event::Go(account));
    }

    /// Asks for as many assignments as Identity Center has room for.
    fn ask(&mut self, account: usize, now_ms: f64) {
        let free = OUTSTANDING_MAX.saturating_sub(self.outstanding);
        let asked = free.min(self.accounts[account].unasked);
        let mut at_ms = now_ms;
        for _ in 0..asked {
            at_ms = self.buckets[Rate::SignIn as usize].take_when_free(at_ms) + CALL_MS;
            self.schedule(at_ms + ASSIGNMENT_SECONDS * 1e3, Event::Assigned(account));
        }
        self.outstanding += asked;
        self.accounts[account].unasked -= asked;
        if self.accounts[account].unasked == 0 {
            self.accounts[account].stage = Stage::Assigned;
        }
        match self.policy {
            // Without room it counts as throttled.
            Policy::Retries(retries) if self.accounts[account].unasked > 0 => self.throttled(account, at_ms, retries),
            Policy::Retries(_) => self.not_ready(account, at_ms, at_ms),
            // It is told when there is room, or when its own are done.
            Policy::Ideal if self.accounts[account].unasked > 0 => self.waiting.push_back(account),
            Policy::Ideal => self.accounts[account].done = 0,
        }
    }

    fn assigned(&mut self, account: usize, now_ms: f64) {
        self.outstanding -= 1;
        self.accounts[account].unassigned -= 1;
        if self.policy == Policy::Ideal {
            if self.accounts[account].unassigned == 0 {
                self.schedule(now_ms, Event::Go(account));
            }
            if let Some(next) = self.waiting.pop_front() {
                // What it had read is what it still needs: only the calls that ask are left.
                self.ask(next, now_ms);
            }
        }
    }

    /// Puts the tenant on the queue of commits. The first one starts a batch, which closes after two seconds.
    fn commit(&mut self, account: usize, now_ms: f64) {
        self.committing.push_back(account);
        if !self.is_pushing {
            self.is_pushing = true;
            self.schedule(now_ms + 2_000.0, Event::Push);
        }
    }

    /// One commit of all that wait, as far as a batch holds them; the next one as soon as GitHub likes it.
    fn push(&mut self, now_ms: f64) {
        let batch = self.committing.len().min(BATCH_MAX);
        self.committing.drain(..batch);
        self.is_pushing = batch > 0;
        if batch > 0 {
            self.outcome.commits += 1;
            self.outcome.onboarded += batch;
            self.outcome.seconds = now_ms / 1e3;
            self.schedule(now_ms + 60e3 / PUSHES_A_MINUTE, Event::Push);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{quotas::bound, *};

    #[test]
    fn no_run_beats_the_bound_and_the_ideal_one_onboards_everybody() {
        for (accounts, signs_in) in [(1, true), (200, true), (1_000, false)] {
            let Outcome { seconds, onboarded, failed, .. } = simulate(accounts, signs_in, Policy::Ideal);
            assert_eq!((onboarded, failed), (accounts, 0));
            assert!(seconds >= bound(accounts, signs_in).0, "{accounts}: {seconds}");
        }
    }

    #[test]
    fn one_account_alone_takes_what_aws_takes_and_some_seconds() {
        let Outcome { seconds, commits, .. } = simulate(1, true, Policy::Ideal);
        let aws = (ATTACHMENT_MS + ASSOCIATION_MS) / 1e3 + ASSIGNMENT_SECONDS;
        assert!(seconds > aws && seconds < aws + 10.0, "{seconds}");
        assert_eq!(commits, 1);
    }
}
