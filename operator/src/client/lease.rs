//! The lease of the replica that acts, and the fence that lets nobody else write.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube_client::{Api, Client, Error, api::PostParams};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::error::{is_conflict, is_not_found, message};
use crate::{
    election::{LEASE, ObservedRecord, RENEW_DEADLINE, RETRY, Record, Step, decide},
    names,
};

/// Name of the lease.
const NAME: &str = "berth-operator";

/// Lets through what happens while the lease is held, and nothing else.
#[derive(Debug, Clone)]
pub struct Fence {
    start: Instant,
    /// Milliseconds after `start` until which the lease is surely held.
    until: Arc<AtomicU64>,
}

impl Default for Fence {
    fn default() -> Self {
        Self { start: Instant::now(), until: Arc::new(AtomicU64::new(0)) }
    }
}

impl Fence {
    /// One that never closes: for a single reconcile by hand.
    #[must_use]
    pub fn open() -> Self {
        Self { start: Instant::now(), until: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// Whether the lease is held now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.now() < self.until.load(Ordering::Acquire)
    }

    /// An error unless the lease is held now. Asked before every change.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_open() { Ok(()) } else { Err(Error::Service("another replica may hold the lease now".into())) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Open from the moment at which a renewal was asked for, not from the one at which it was answered.
    fn renewed(&self, asked: u64) {
        let deadline = u64::try_from(RENEW_DEADLINE.as_millis()).unwrap_or(u64::MAX);
        self.until.store(asked.saturating_add(deadline), Ordering::Release);
    }

    fn close(&self) {
        self.until.store(0, Ordering::Release);
    }
}

/// A replica that wants the lease.
pub struct Candidate {
    leases: Api<Lease>,
    me: String,
    fence: Fence,
    seen: Option<ObservedRecord>,
}

impl Candidate {
    /// A candidate of this name; two of one name would both act.
    #[must_use]
    pub fn new(client: Client, namespace: &str, me: String, fence: Fence) -> Self {
        Self { leases: Api::namespaced(client, namespace), me, fence, seen: None }
    }

    /// Returns when the lease is held.
    pub async fn acquire(&mut self) {
        let mut ticks = ticks();
        loop {
            ticks.tick().await;
            match self.look().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::warn!(error = message(&error), "the lease cannot be read or written"),
            }
        }
    }

    /// Renews the lease, and returns when it is lost.
    pub async fn hold(&mut self) {
        let mut ticks = ticks();
        while self.fence.is_open() {
            ticks.tick().await;
            match timeout(RENEW_DEADLINE, self.look()).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => self.fence.close(),
                Ok(Err(error)) => tracing::warn!(error = message(&error), "the lease is not renewed"),
                Err(_) => tracing::warn!("the lease is not renewed: no answer"),
            }
        }
    }

    /// Gives the lease back, so that another replica need not wait.
    pub async fn release(&mut self) {
        self.fence.close();
        if let Ok(mut lease) = self.leases.get(NAME).await
            && let Some(spec) = &mut lease.spec
            && spec.holder_identity.as_deref() == Some(self.me.as_str())
        {
            spec.holder_identity = None;
            let _ = self.leases.replace(NAME, &params(), &lease).await;
        }
    }

    /// Looks at the lease, makes, renews or takes it if it may, and says whether it is held.
    async fn look(&mut self) -> Result<bool, Error> {
        let asked = self.fence.now();
        let lease = match self.leases.get(NAME).await {
            Ok(lease) => Some(lease),
            Err(error) if is_not_found(&error) => None,
            Err(error) => return Err(error),
        };
        let now = Duration::from_millis(self.fence.now());
        self.seen = lease.as_ref().map(|lease| ObservedRecord::next(self.seen.take(), record(lease), now));
        let step = decide(&self.me, self.seen.as_ref(), now);
        let written = match (step, lease) {
            (Step::Wait, _) | (Step::Renew | Step::TakeOver, None) => return Ok(false),
            (Step::Create, _) => self.leases.create(&params(), &self.mine(None, 0)).await,
            (Step::Renew, Some(lease)) => {
                let transitions = record(&lease).transitions;
                self.leases.replace(NAME, &params(), &self.mine(Some(lease), transitions)).await
            }
            (Step::TakeOver, Some(lease)) => {
                let transitions = record(&lease).transitions + 1;
                self.leases.replace(NAME, &params(), &self.mine(Some(lease), transitions)).await
            }
        };
        match written {
            Ok(_) => {
                self.fence.renewed(asked);
                Ok(true)
            }
            // Another one was faster.
            Err(error) if is_conflict(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The lease with this replica as its holder. With the version that was read, so that only one of two takes it.
    fn mine(&self, lease: Option<Lease>, transitions: i32) -> Lease {
        let now = MicroTime(Timestamp::now());
        let mut lease = lease.unwrap_or_default();
        lease.metadata.name = Some(NAME.to_owned());
        let before = lease.spec.take().unwrap_or_default();
        let same = before.holder_identity.as_deref() == Some(self.me.as_str());
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.me.clone()),
            lease_duration_seconds: i32::try_from(LEASE.as_secs()).ok(),
            acquire_time: before.acquire_time.filter(|_| same).or_else(|| Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(transitions),
            ..before
        });
        lease
    }
}

fn ticks() -> tokio::time::Interval {
    let mut ticks = interval(RETRY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn params() -> PostParams {
    PostParams { field_manager: Some(names::MANAGER.to_owned()), ..PostParams::default() }
}

fn record(lease: &Lease) -> Record {
    let spec = lease.spec.clone().unwrap_or_default();
    Record {
        holder: spec.holder_identity.unwrap_or_default(),
        renewed: spec.renew_time.map(|time| time.0.to_string()).unwrap_or_default(),
        transitions: spec.lease_transitions.unwrap_or_default(),
    }
}
