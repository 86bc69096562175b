//! What the operator counts, for Prometheus.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

/// Labels of a reconcile: how it ended, and why not well.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
    reason: &'static str,
}

/// All counters of one operator.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reconciles: Family<Ended, Counter<u64, AtomicU64>>,
    seconds: Histogram,
    changes: Counter<u64, AtomicU64>,
    tenants: Gauge<i64, AtomicI64>,
    gone: Gauge<i64, AtomicI64>,
    brake: Gauge<i64, AtomicI64>,
    leader: Gauge<i64, AtomicI64>,
    crd_too_old: Gauge<i64, AtomicI64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("berth_operator"),
            reconciles: Family::default(),
            seconds: Histogram::new(exponential_buckets(0.01, 2.5, 9)),
            changes: Counter::default(),
            tenants: Gauge::default(),
            gone: Gauge::default(),
            brake: Gauge::default(),
            leader: Gauge::default(),
            crd_too_old: Gauge::default(),
        };
        let all = &mut metrics.registry;
        all.register("reconciles", "Reconciles of a tenant, by outcome and reason", metrics.reconciles.clone());
        all.register("reconcile_seconds", "Duration of a reconcile", metrics.seconds.clone());
        all.register("changes", "Changes of namespaces and objects", metrics.changes.clone());
        all.register("tenants", "Tenants of the cluster", metrics.tenants.clone());
        all.register("tenants_gone", "Tenants that are gone while their namespaces are there", metrics.gone.clone());
        all.register(
            "brake",
            "1 while nothing is done about tenants that are gone: too many, or no CRD",
            metrics.brake.clone(),
        );
        all.register("leader", "1 while this replica is the one that acts", metrics.leader.clone());
        all.register("crd_too_old", "Fields that the operator needs and the CRD lacks", metrics.crd_too_old.clone());
        metrics
    }
}

impl Metrics {
    /// A reconcile has ended; `reason` is empty when all is well.
    pub fn reconciled(&self, outcome: &'static str, reason: &'static str, changes: usize, seconds: f64) {
        self.reconciles.get_or_create(&Ended { outcome, reason }).inc();
        self.changes.inc_by(u64::try_from(changes).unwrap_or_default());
        self.seconds.observe(seconds);
    }

    /// How many tenants there are.
    pub fn tenants(&self, count: usize) {
        self.tenants.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// How many tenants are gone, and whether the brake holds.
    pub fn gone(&self, count: usize, brake: bool) {
        self.gone.set(i64::try_from(count).unwrap_or(i64::MAX));
        self.brake.set(brake.into());
    }

    /// Whether this replica acts.
    pub fn leads(&self, leads: bool) {
        self.leader.set(leads.into());
    }

    /// How many fields the CRD lacks.
    pub fn crd_lacks(&self, count: usize) {
        self.crd_too_old.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// All of them, in the text format of `OpenMetrics`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // A String takes everything.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
