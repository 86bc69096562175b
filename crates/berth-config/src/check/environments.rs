//! Environments: every unit in one place, known clusters, at least one region.

use std::collections::{BTreeMap, BTreeSet};

use berth_tenancy::{ApprovalPlan, ApprovedBy, Ask, Delivery, Extension, OrganizationalUnitId, limits::EXTENSIONS_MAX};

use super::problems::Problems;
use crate::{Approval, Environment, OffboardingRules, OnDrift, PlatformConfig};

/// Checks what environments name: units and clusters.
pub(super) fn check(config: &PlatformConfig, problems: &mut Problems) {
    if config.environments.is_empty() {
        problems.add("environments", "there is no environment", "add one, with the units whose accounts belong to it");
    }
    clusters(config, problems);
    guard(config, problems);
    leaving(config, problems);
    drift(config, problems);
    let mut owners: BTreeMap<&OrganizationalUnitId, String> = BTreeMap::new();
    problems.repeated(&config.exit_units, |n| format!("exitUnits[{n}]"));
    let exits: BTreeSet<&OrganizationalUnitId> = config.exit_units.iter().collect();
    for (name, environment) in &config.environments {
        let base = format!("environments.{name}");
        if environment.organizational_units.is_empty() {
            let hint = "list the ids of the units whose accounts belong here";
            problems.add(format!("{base}.organizationalUnits"), "no unit belongs to this environment", hint);
        }
        for (n, unit) in environment.organizational_units.iter().enumerate() {
            let path = format!("{base}.organizationalUnits[{n}]");
            if exits.contains(unit) {
                let hint = "keep it in one of the two lists: an account in it either belongs here, or leaves";
                problems.add(path, format!("{unit} is one of `exitUnits`, too"), hint);
            } else if let Some(owner) = owners.get(unit) {
                let message = format!("{unit} belongs to the environment {owner} already");
                problems.add(path, message, "a unit belongs to one environment: keep it in one list");
            } else {
                owners.insert(unit, name.to_string());
            }
        }
        if !config.clusters.contains_key(&environment.cluster) {
            let known: Vec<&str> = config.clusters.keys().map(berth_tenancy::ClusterName::as_str).collect();
            let message = format!("the cluster {} is not one of `clusters`", environment.cluster);
            problems.add(
                format!("{base}.cluster"),
                message,
                format!("add it to `clusters`, or use {}", either(&known)),
            );
        }
        if environment.regions.is_empty() {
            problems.add(
                format!("{base}.regions"),
                "there is no region",
                "add a region with its addresses and gateway",
            );
        }
        if !(1..=Delivery::MERGE_DAYS_MAX).contains(&environment.git_ops.merge_days_max) {
            let message = format!("a merge is waited for 1 to {} days", Delivery::MERGE_DAYS_MAX);
            problems.add(format!("{base}.gitOps.mergeDaysMax"), message, "write a whole number of days, or remove it");
        }
        approval(environment.approval, &base, problems);
        extensions(config, environment, &base, problems);
        if environment.stage.as_ref().is_some_and(|stage| stage.trim().is_empty() || stage.chars().count() > 40) {
            let hint = "write a short word such as production, or remove the line";
            problems.add(format!("{base}.stage"), "a stage has 1 to 40 characters", hint);
        }
    }
}

/// Rules of a question that nobody is asked, or that waits longer than a run may.
fn approval(approval: Approval, base: &str, problems: &mut Problems) {
    let Approval::Rules(rules) = approval else { return };
    if rules.ask == Ask::None && rules.four_eyes {
        let hint = "write `ask: always` or `ask: disruptive`, or take the rules out";
        problems.add(format!("{base}.approval.fourEyes"), "nobody is asked, so there is nobody to approve", hint);
    }
    if rules.by == ApprovedBy::PullRequest && rules.ask == Ask::None {
        let hint = "write `ask: always` or `ask: disruptive`, or take the rules out";
        problems.add(format!("{base}.approval.by"), "nobody is asked, so there is nothing to merge", hint);
    }
    if rules.by == ApprovedBy::PullRequest && rules.four_eyes {
        let what = "a merge shows one person, and not who asked: Berth cannot count four eyes there";
        let hint = "take it out, and have the branch take a merge only after two reviews (docs/approvals.md)";
        problems.add(format!("{base}.approval.fourEyes"), what, hint);
    }
    if !(1..=ApprovalPlan::DAYS_MAX).contains(&rules.days) {
        let message = format!("an answer is waited for 1 to {} days", ApprovalPlan::DAYS_MAX);
        problems.add(format!("{base}.approval.days"), message, "write a whole number of days, or remove it");
    }
}

/// Extensions that are called twice, or that the hub cannot reach: its function calls those of its own account.
fn extensions(config: &PlatformConfig, environment: &Environment, base: &str, problems: &mut Problems) {
    let extensions = &environment.after;
    if extensions.len() > EXTENSIONS_MAX {
        let message = format!("{} extensions are listed; at most {EXTENSIONS_MAX}", extensions.len());
        problems.add(format!("{base}.after"), message, "let one state machine do what several do");
    }
    let mut before: BTreeSet<&Extension> = BTreeSet::new();
    for (n, extension) in extensions.iter().enumerate() {
        let path = format!("{base}.after[{n}]");
        if !before.insert(extension) {
            let message = format!("{} is called at this point already", extension.call);
            problems.add(path.clone(), message, "keep it once");
        }
        let (own, partition) = (extension.call.partition(), config.partition());
        if own != partition {
            let message = format!("the extension is in the partition {own}, the Regions are in {partition}");
            problems.add(format!("{path}.call"), message, "call one of the hub account");
        }
        let account = extension.call.account();
        if let Some(hub) = config.hub.as_ref().map(|hub| hub.account.as_str()).filter(|hub| *hub != account) {
            let message = format!("the extension is in the account {account}, and the hub is {hub}");
            let hint = "put it into the hub account; from there it may call what it likes";
            problems.add(format!("{path}.call"), message, hint);
        }
    }
}

/// A guard that lets nobody go, or everybody.
fn guard(config: &PlatformConfig, problems: &mut Problems) {
    let guard = config.offboarding_guard;
    if guard.accounts_per_day == 0 {
        let hint = "write 1 or more; `offboarding.protected` of an environment lets none of its accounts go";
        problems.add("offboardingGuard.accountsPerDay", "0 accounts a day is no guard but a lock", hint);
    }
    if !(1..=100).contains(&guard.percent_per_day) {
        problems.add(
            "offboardingGuard.percentPerDay",
            "a share is 1 to 100 percent",
            "write a whole number from 1 to 100",
        );
    }
}

/// Rules by which nobody leaves, or nobody can follow.
fn leaving(config: &PlatformConfig, problems: &mut Problems) {
    for (name, environment) in &config.environments {
        let rules = environment.offboarding;
        let at = |field: &str| format!("environments.{name}.offboarding.{field}");
        if rules.auto && rules.protected {
            let hint = "take one of both out";
            problems.add(at("auto"), "accounts that are protected cannot leave by themselves", hint);
        }
        if rules.grace_days > OffboardingRules::GRACE_DAYS_MAX {
            let what = format!("AWS deletes a closed account after {} days", OffboardingRules::GRACE_DAYS_MAX);
            problems.add(at("graceDays"), what, "write a whole number from 0 to 90");
        }
    }
}

/// Repairs of nothing, or that nobody starts.
fn drift(config: &PlatformConfig, problems: &mut Problems) {
    for (name, environment) in &config.environments {
        let OnDrift::Repair(kinds) = &environment.on_drift else { continue };
        let path = format!("environments.{name}.onDrift");
        if config.drift_schedule.is_none() {
            let hint = "add `driftSchedule: rate(1 day)` at the top of the file, or remove `onDrift`";
            problems.add(path.clone(), "nobody looks for drift, so nothing is ever repaired", hint);
        }
        if kinds.is_empty() {
            problems.add(format!("{path}.repair"), "no kind is repaired", "list some, or write `onDrift: report`");
        }
        problems.repeated(kinds, |n| format!("{path}.repair[{n}]"));
    }
}

/// A cluster outside of the hub is reached through a role there, and the role is of no use without its account.
fn clusters(config: &PlatformConfig, problems: &mut Problems) {
    for (name, cluster) in &config.clusters {
        let Some(eks) = &cluster.eks else {
            if cluster.await_ready {
                let hint =
                    "add `eks`, which says where the cluster is (`eks: {}`: of this name in the hub), or remove it";
                problems.add(format!("clusters.{name}.awaitReady"), "there is no `eks` to find the cluster by", hint);
            }
            continue;
        };
        let path = format!("clusters.{name}.eks");
        match (&eks.account, &eks.role) {
            (Some(account), None) => {
                let hint = "add `role`: the role in that account that Berth assumes";
                problems.add(format!("{path}.account"), format!("there is no role to reach {account}"), hint);
            }
            (None, Some(role)) => {
                let hint = "add `account`, or remove `role`: in the hub the function's own role is used";
                problems.add(format!("{path}.role"), format!("the account of the role {role} is not said"), hint);
            }
            (Some(account), Some(_)) if config.hub.as_ref().is_some_and(|hub| hub.account == *account) => {
                let hint = "remove `account` and `role`: in the hub the function's own role is used";
                problems.add(format!("{path}.account"), format!("{account} is the hub account"), hint);
            }
            _ => {}
        }
    }
}

/// A list of names for a person.
fn either(names: &[&str]) -> String {
    if names.is_empty() { "a cluster that exists".to_owned() } else { names.join(" or ") }
}
