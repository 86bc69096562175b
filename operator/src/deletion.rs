//! What becomes of the namespaces of a Tenant that is being deleted, and when nothing does. Pure.
//!
//! Only `deletionPolicy: Delete` has a finalizer, so that with `Retain` nothing can wait for the operator. Removing the
//! finalizer by hand is the way to keep the namespaces after all.

use berth_crd::{DeletionPolicy, Tenant};
use jiff::Timestamp;

use crate::{
    names,
    object::Owner,
    observed::Observed,
    orphans::{self, CrdState},
    settings::Settings,
    status::{Part, Problem, Reason, seconds},
};

/// What to do with the finalizer of a Tenant that is not being deleted.
#[must_use]
pub fn finalizers(tenant: &Tenant) -> Option<Vec<String>> {
    let now = tenant.metadata.finalizers.clone().unwrap_or_default();
    let mut wanted: Vec<String> = now.iter().filter(|finalizer| *finalizer != names::FINALIZER).cloned().collect();
    if tenant.spec.deletion_policy == DeletionPolicy::Delete {
        wanted.push(names::FINALIZER.to_owned());
    }
    let has = |list: &[String]| list.iter().any(|finalizer| finalizer == names::FINALIZER);
    (has(&now) != has(&wanted)).then_some(wanted)
}

/// Deletions of Tenants that go on at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletions {
    /// Tenants whose namespaces would be deleted, this one among them; confirmed ones are not counted.
    pub waiting: usize,
    /// All tenants.
    pub all: usize,
}

/// What becomes of a Tenant that is being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// Nothing yet, and why.
    Hold(Problem),
    /// These namespaces are deleted now: name and uid. Then it waits for their end.
    Delete(Vec<(String, String)>, Problem),
    /// It waits for the end of its namespaces.
    Wait(Problem),
    /// Its namespaces are gone, or never were: the finalizer goes.
    Release,
}

/// What becomes of `tenant`, which is being deleted since `since` and has our finalizer.
#[must_use]
pub fn deletion(
    tenant: &Tenant,
    observed: &Observed,
    crd: CrdState,
    deletions: Deletions,
    settings: &Settings,
    (since, now): (Timestamp, Timestamp),
) -> Deletion {
    let name = names::of(tenant);
    let hold = |reason, message: String| Deletion::Hold(Problem::new(Part::Namespaces, reason, message));
    let release = format!("to keep the namespaces, remove the finalizer {} from the Tenant", names::FINALIZER);
    // What an administrator gave to the tenant is not the operator's to delete.
    let ours = observed.namespaces.values().filter(|there| there.namespace.owner(name) == Owner::Us);
    let (going, there): (Vec<_>, Vec<_>) = ours.partition(|there| there.namespace.is_terminating());
    if there.is_empty() && going.is_empty() {
        return Deletion::Release;
    }
    if !matches!(crd, CrdState::Present(_)) {
        let message = "the CRD of Tenants is missing or being deleted: no namespace is deleted".to_owned();
        return hold(Reason::BrakeHeld, message);
    }
    let annotations = tenant.metadata.annotations.as_ref();
    let is_confirmed = annotations.and_then(|all| all.get(names::CONFIRM_GONE)).is_some_and(|value| value == name);
    let at_most = orphans::at_most(deletions.all, settings);
    if deletions.waiting > at_most && !is_confirmed {
        let (count, confirm) = (deletions.waiting, names::CONFIRM_GONE);
        let message = format!(
            "{count} tenants are being deleted at once, and at most {at_most} may be: no namespace is deleted. Confirm this \
             one: kubectl annotate tenant {name} {confirm}={name}; {release}"
        );
        return hold(Reason::BrakeHeld, message);
    }
    let due = since.checked_add(settings.orphan_grace()).unwrap_or(now);
    if now < due && !is_confirmed {
        return hold(Reason::Deleting, format!("its namespaces are deleted at {}; {release}", seconds(due)));
    }
    let blockers: Vec<String> = going.iter().flat_map(|there| there.blockers()).collect();
    let names: Vec<&str> = there.iter().chain(&going).map(|there| there.namespace.name()).collect();
    let message = format!("namespaces are being deleted: {}. {}", names.join(", "), blockers.join(" "));
    let waiting = Problem::new(Part::Namespaces, Reason::Deleting, message.trim_end().to_owned());
    if there.is_empty() {
        return Deletion::Wait(waiting);
    }
    let uid = |there: &&crate::observed::ObservedNamespace| {
        let uid = there.namespace.metadata("uid").unwrap_or_default().to_owned();
        (there.namespace.name().to_owned(), uid)
    };
    Deletion::Delete(there.iter().map(uid).collect(), waiting)
}
