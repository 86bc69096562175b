//! Tenants that are gone while their namespaces are there: what is done about them, and when nothing is. Pure.
//!
//! A Tenant goes in three ways: somebody offboards it, somebody's GitOps tool prunes by mistake, or the CRD is deleted and
//! all of them go. Only the first may have consequences, so there is a grace, a brake, and a look at the CRD. The namespaces
//! themselves are never deleted here: after the grace the access to them is taken away, and a Tenant that comes back gets
//! it back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{names, object::Live, settings::Settings};

/// The CRD of Tenants, as far as it says whether their absence means anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrdState {
    /// There is none.
    Missing,
    /// It is being deleted, and every Tenant with it.
    Terminating,
    /// It is there, since then.
    Present(Timestamp),
}

/// Why nothing is done about any tenant that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brake {
    /// There is no CRD, or it is being deleted.
    NoCrd,
    /// The CRD was installed less than the grace ago: tenants may not have come back yet.
    NewCrd,
    /// Too many are gone at once.
    TooMany {
        /// Their names.
        gone: Vec<String>,
        /// How many may be gone at once.
        at_most: usize,
    },
}

impl Brake {
    /// What happened and what to do, for people.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::NoCrd => {
                "the CRD of Tenants is missing or being deleted: every namespace and all access stays as it is. \
                            Install it again"
                    .to_owned()
            }
            Self::NewCrd => {
                "the CRD of Tenants is new: tenants that are missing are given time to come back".to_owned()
            }
            Self::TooMany { gone, at_most } => {
                let (count, confirm) = (gone.len(), names::CONFIRM_GONE);
                let shown = gone.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
                format!(
                    "{count} tenants are gone at once, and at most {at_most} may be: every namespace and all access stays as \
                     it is. Restore them, or confirm each: kubectl annotate namespace NAMESPACE {confirm}=TENANT. Gone: {shown}"
                )
            }
        }
    }
}

/// What to do about one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Its tenant is gone: note since when.
    Mark,
    /// Its tenant is back: remove the note.
    Unmark,
    /// The grace is over: take the access away.
    Withdraw,
}

/// What a scan found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Tenants that are gone, whatever is done about them.
    pub gone: Vec<String>,
    /// Why nothing is done.
    pub brake: Option<Brake>,
    /// What is done, by namespace.
    pub steps: Vec<(String, Step)>,
}

/// How many of `all` tenants may be gone at once.
#[must_use]
pub fn at_most(all: usize, settings: &Settings) -> usize {
    (all * usize::from(settings.orphan_brake_percent) / 100).max(1)
}

/// What to do about `namespaces`, which are those of the operator, given the names of the `tenants` that are there.
#[must_use]
pub fn scan(
    tenants: &BTreeSet<String>,
    namespaces: &[Live],
    crd: CrdState,
    settings: &Settings,
    now: Timestamp,
) -> Scan {
    let mut by_tenant: BTreeMap<&str, Vec<&Live>> = BTreeMap::new();
    for namespace in namespaces.iter().filter(|namespace| !namespace.is_terminating()) {
        by_tenant.entry(namespace.label(names::TENANT).unwrap_or_default()).or_default().push(namespace);
    }
    let (back, gone): (Vec<_>, Vec<_>) = by_tenant.iter().partition(|(tenant, _)| tenants.contains(**tenant));
    let names_of = |tenants: &[(&&str, &Vec<&Live>)]| tenants.iter().map(|(tenant, _)| (**tenant).to_owned()).collect();
    let recent: Vec<_> = gone
        .iter()
        .copied()
        .filter(|(tenant, namespaces)| {
            !namespaces.iter().any(|namespace| namespace.annotation(names::CONFIRM_GONE) == Some(tenant))
                && !namespaces.iter().all(|namespace| is_past_grace(namespace, settings, now))
        })
        .collect();
    let all = by_tenant.keys().map(|tenant| (*tenant).to_owned()).chain(tenants.iter().cloned());
    let at_most = at_most(all.collect::<BTreeSet<_>>().len(), settings);
    let brake = match crd {
        CrdState::Missing | CrdState::Terminating => Some(Brake::NoCrd),
        CrdState::Present(since) if now.duration_since(since) < settings.orphan_grace() => Some(Brake::NewCrd),
        CrdState::Present(_) if recent.len() > at_most => Some(Brake::TooMany { gone: names_of(&recent), at_most }),
        CrdState::Present(_) => None,
    };
    let brake = brake.filter(|_| !gone.is_empty() || !matches!(crd, CrdState::Present(_)));
    let mut steps = Vec::new();
    if brake.is_none() {
        steps.extend(gone.iter().flat_map(|(_, namespaces)| namespaces.iter()).filter_map(|namespace| {
            let step = match namespace.annotation(names::ORPHANED_SINCE) {
                None => Step::Mark,
                Some(_) if is_past_grace(namespace, settings, now) => Step::Withdraw,
                Some(_) => return None,
            };
            Some((namespace.name().to_owned(), step))
        }));
    }
    let marked = back.iter().flat_map(|(_, namespaces)| namespaces.iter());
    let marked = marked.filter(|namespace| namespace.annotation(names::ORPHANED_SINCE).is_some());
    steps.extend(marked.map(|namespace| (namespace.name().to_owned(), Step::Unmark)));
    Scan { gone: names_of(&gone), brake, steps }
}

/// Whether a namespace has been without its tenant for the grace. A note that cannot be read does not count.
fn is_past_grace(namespace: &Live, settings: &Settings, now: Timestamp) -> bool {
    let since = namespace.annotation(names::ORPHANED_SINCE).and_then(|since| since.parse::<Timestamp>().ok());
    since.is_some_and(|since| now.duration_since(since) >= settings.orphan_grace())
}

#[cfg(test)]
#[path = "orphans_tests.rs"]
mod tests;
