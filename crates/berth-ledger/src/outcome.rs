//! How an execution ended, written once, and the lease released with it.

use std::collections::BTreeMap;

use berth_events::Failure;
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Binding, Counts, Given, Identity, LeftOver, Region, Subject, Thing};
use jiff::Timestamp;

use crate::{
    ClusterAccessRecord, CommitRecord, DefaultVpcRecord, Drift, Ledger, PartOffboarded, ReadinessRecord, Record,
    RegionRecord, RoleRecord, SignInRecord, Status, Tombstone,
    binding::{claim, claim_key},
    journal::{inventory, things},
    table::{Change, key},
};

/// The state that asks the tenant's file whether it takes the account, before anything is made.
const STATE_OF_THE_FILE: &str = "CheckTenant";

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The account's team can deploy.
    Onboarded {
        /// Who was onboarded.
        run: Box<Subject>,
        /// Networks by region.
        regions: BTreeMap<Region, RegionRecord>,
        /// Roles of the tenant.
        roles: Vec<RoleRecord>,
        /// Default VPCs that are still there.
        default_vpcs: Vec<DefaultVpcRecord>,
        /// Groups that may sign in.
        sign_in: Vec<SignInRecord>,
        /// Access entries of the roles, by cluster.
        cluster_access: Vec<ClusterAccessRecord>,
        /// Whether the tenant was Ready on the clusters that were waited for.
        readiness: Vec<ReadinessRecord>,
        /// Where the custom resource is.
        commit: Box<CommitRecord>,
        /// What was given before, is not in the plan, and is still there.
        left_over: Vec<LeftOver>,
        /// What was given before, is not in the plan, and is not there any more.
        gone: Vec<Thing>,
        /// What steps found or made, as the inventory is to have it.
        given: Vec<Thing>,
    },
    /// The account is not ours to onboard.
    Ignored {
        /// Why.
        reason: String,
    },
    /// The execution failed.
    Failed(Failure),
    /// The account has nothing any more.
    Offboarded(Box<Tombstone>),
    /// A part of it was taken away, and the account stays.
    PartOffboarded(Box<PartOffboarded>),
    /// The execution that takes the account, or a part of it, away failed.
    OffboardingFailed(Failure),
}

impl Ending {
    /// The status that it leaves in the ledger; none where the account is as it was before.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Onboarded { .. } => Some(Status::Onboarded),
            Self::Ignored { .. } => Some(Status::Ignored),
            Self::Failed(_) => Some(Status::Failed),
            Self::Offboarded(_) => Some(Status::Offboarded),
            Self::PartOffboarded(_) => None,
            Self::OffboardingFailed(_) => Some(Status::OffboardingFailed),
        }
    }
}

impl Ledger {
    /// Writes how `execution` ended and releases its lease, where `record` is the account's as it was read. Answers whether it was written: a second announcement of
    /// the same ending, or one of an execution that no longer counts, changes nothing.
    ///
    /// Announcements may come late and in any order, so an end without a lease must be later than what is written.
    /// (`since` is compared as text, which orders all times but those within one second.) A failure without a lease
    /// never hides that the account is onboarded.
    pub async fn finish(
        &self,
        account: &AccountId,
        execution: &str,
        ending: &Ending,
        record: Option<&Record>,
        now: Timestamp,
    ) -> Result<bool, StepError> {
        let change = match ending {
            Ending::Onboarded { .. } => onboarded(execution, ending, record, now)?,
            Ending::Failed(failure) => Change::when(
                "#lease = :me OR attribute_not_exists(#status) OR (#status = :requested AND #executionArn = :me) \
                 OR ((#status = :status OR #status = :ignored) AND #since < :since)",
            )
            .set("accountId", account)?
            .set("failure", failure)?
            .set("executionArn", execution)?
            .set_if_absent("generation", 1)?
            .remove(&["reason"])
            .value("requested", Status::Requested)?
            .value("ignored", Status::Ignored)?,
            Ending::Offboarded(tombstone) => return self.bury(account, execution, tombstone, now).await,
            Ending::PartOffboarded(taken) => return self.finish_part(account, execution, taken, record, now).await,
            // Without the lease it has changed nothing, and says nothing of the account.
            Ending::OffboardingFailed(failure) => Change::when("#lease = :me")
                .set("failure", failure)?
                .set("executionArn", execution)?
                .remove(&["reason"]),
            Ending::Ignored { reason } => Change::when(
                "#lease = :me OR attribute_not_exists(#status) OR (#status = :requested AND #executionArn = :me) \
                 OR (#status <> :running AND #status <> :requested AND #since < :since)",
            )
            .set("accountId", account)?
            .set("reason", reason)?
            .set("executionArn", execution)?
            .set_if_absent("generation", 1)?
            .remove(&["lease", "failure", "onboardedSince", "drift"])
            .value("requested", Status::Requested)?
            .value("running", Status::Running)?,
        };
        let change = change.set("status", ending.status())?.set("announced", ending.status())?;
        let change = change.set("since", now)?.value("me", execution)?;
        let unbound = record.filter(|record| is_bound_for_nothing(record, execution, ending));
        if let Some(binding) = record.and_then(|record| bound_late(record, ending, now)) {
            return self.write_end_of_unbound(account, change, binding).await;
        }
        self.write_end(account, change, ending, unbound).await
    }

    /// Writes the good end of a run whose account is bound to nobody, and binds it to who the run has made it, in one
    /// transaction. Where another account has claimed that place since, the next run of either says so.
    async fn write_end_of_unbound(
        &self,
        account: &AccountId,
        end: Change,
        binding: Binding,
    ) -> Result<bool, StepError> {
        let Identity { tenant, environment, .. } = &binding.identity;
        let claim = claim(account, &binding)?.of_item(&self.table, claim_key(tenant, environment))?;
        let bound = end.clone().set("binding", &binding)?.set("tenant", tenant)?.set("environment", environment)?;
        let bound = bound.of_item(&self.table, key(account))?;
        let refused = self.write(vec![bound, claim]).await.map_err(|error| error.for_account(account))?;
        let Some(reasons) = refused else { return Ok(true) };
        if reasons.get(1).is_some_and(|reason| reason.item.is_some()) {
            return Ok(self.update(account, end).await?.is_some());
        }
        Ok(false)
    }

    /// Writes the end of a run; of one that has bound the account for nothing, and frees its place, in one transaction.
    async fn write_end(
        &self,
        account: &AccountId,
        end: Change,
        ending: &Ending,
        unbound: Option<&Record>,
    ) -> Result<bool, StepError> {
        if let Some((record, binding)) = unbound.and_then(|record| record.binding.as_ref().map(|bound| (record, bound)))
        {
            // Whoever was given anything by an earlier version is who that says.
            let is_nobody = record.given_or_answered().is_empty();
            let end = end.remove(if is_nobody { &["binding", "tenant", "environment"] } else { &["binding"] });
            let items = vec![end.of_item(&self.table, key(account))?, self.unclaim(account, &binding.identity)?];
            return Ok(self.write(items).await.map_err(|error| error.for_account(account))?.is_none());
        }
        match self.update(account, end).await? {
            None if matches!(ending, Ending::Failed(_)) => self.note_heard_failure(account).await.map(|()| false),
            written => Ok(written.is_some()),
        }
    }

    /// The account stays onboarded, and yet subscribers heard of a failure: a good end is news to them again.
    async fn note_heard_failure(&self, account: &AccountId) -> Result<(), StepError> {
        let heard = Change::when("#status = :onboarded").set("announced", Status::Failed)?;
        self.update(account, heard.value("onboarded", Status::Onboarded)?).await.map(|_| ())
    }
}

/// Whether the account is bound to be who its tenant's file says that somebody else is, and nothing was given it because of
/// the binding: it was made by this run, or by one that came no further. Such an account is bound no more, and its place
/// is free for the one that the file names. Pure.
fn is_bound_for_nothing(record: &Record, execution: &str, ending: &Ending) -> bool {
    let Ending::Failed(failure) = ending else { return false };
    let is_refused = failure.state == STATE_OF_THE_FILE && failure.fault == Fault::NotOwned.name();
    // What an earlier version gave is in the inventory without an onboarding, until one ends well.
    let is_unused = record.journal.is_empty() && record.given().iter().all(|given| given.generation.is_none());
    let is_its = record.lease.as_deref() == Some(execution);
    record.binding.is_some() && is_refused && is_unused && is_its
}

/// Who an account is that a run has onboarded although it was bound to nobody: its tenant's file had refused it, its binding
/// was taken back, and a person has mended the file and let the same run go on. Or an earlier version planned the run. Pure.
fn bound_late(record: &Record, ending: &Ending, now: Timestamp) -> Option<Binding> {
    let Ending::Onboarded { run, roles, commit, .. } = ending else { return None };
    let onboarded = Record {
        tenant: Some(run.tenant.clone()),
        environment: Some(run.environment.clone()),
        roles: roles.clone(),
        commit: Some((**commit).clone()),
        ..record.clone()
    };
    let identity = onboarded.identity().filter(|_| record.binding.is_none())?;
    Some(Binding { identity, tenant_from: None, since: now, revision: 1 })
}

/// What is written of an account that was onboarded; of any other ending nothing is.
fn onboarded(execution: &str, ending: &Ending, record: Option<&Record>, now: Timestamp) -> Result<Change, StepError> {
    let change = Change::when("#lease = :me");
    let Ending::Onboarded {
        run,
        regions,
        roles,
        default_vpcs,
        sign_in,
        cluster_access,
        readiness,
        commit,
        left_over,
        gone: _,
        given: _,
    } = ending
    else {
        return Ok(change);
    };
    let change = if run.left_over_tags.remove { change.set("tags", &run.tags)? } else { change };
    Ok(change
        .set("drift", drift_after(record, ending, execution, now))?
        .set("inventory", inventory(given_after(record, ending)))?
        .set("leftOver", left_over)?
        .set("regions", regions)?
        .set("roles", roles)?
        .set("defaultVpcs", default_vpcs)?
        .set("signIn", sign_in)?
        .set("clusterAccess", cluster_access)?
        .set("readiness", readiness)?
        .set("commit", commit)?
        .set("executionArn", execution)?
        .set_if_absent("onboardedSince", now)?
        .remove(&["lease", "failure", "reason"]))
}

/// How the account stands after an onboarding that succeeded: in sync, but for what takes an outage or a person; after a repair
/// also but for what it may not mend of what the look before it found. None after any other ending. Pure.
#[must_use]
pub fn drift_after(record: Option<&Record>, ending: &Ending, execution: &str, now: Timestamp) -> Option<Drift> {
    let Ending::Onboarded { run, regions, .. } = ending else { return None };
    let differences = regions.iter().filter(|(_, network)| !network.planned_changes.is_empty());
    let differences = differences.map(|(region, network)| (region.clone(), network.planned_changes.clone())).collect();
    let before = record.and_then(|record| record.drift.as_ref());
    let mut drift = Drift::found(&run.account_id, (execution, now), (Counts::default(), &[]), differences);
    if let (Some(limit), Some(before)) = (&run.repairs, before) {
        drift = drift.with_left(before, limit);
    }
    Some(drift.after(before))
}

/// What the account has after an onboarding that succeeded: what its steps answered, what is left over, and what was given
/// before and is not gone. That keeps its ids, and the onboarding that made it. Empty for any other ending. Pure.
#[must_use]
pub fn given_after(record: Option<&Record>, ending: &Ending) -> Vec<Given> {
    let Ending::Onboarded { run, regions, roles, sign_in, cluster_access, commit, left_over, gone, given, .. } = ending
    else {
        return Vec::new();
    };
    let before = record.map(Record::given).unwrap_or_default();
    // Of a baseline, what is left over is in what is given; tags are beside the inventory.
    let is_elsewhere = |thing: &&Thing| matches!(thing, Thing::BaselinePart { .. } | Thing::Tag { .. });
    let kept = left_over.iter().map(|left| &left.thing).filter(|thing| !is_elsewhere(thing));
    let answered = things(regions, roles, sign_in, cluster_access, Some(commit));
    let mut now: Vec<Thing> = given.iter().cloned().chain(answered).chain(kept.cloned()).collect();
    // Of what the steps answer nothing says whether a boundary or a provider is there: what was given is, until a step finds
    // it gone.
    let recorded = record.map(Record::things).unwrap_or_default();
    let boundary = recorded.iter().filter(|thing| matches!(thing, Thing::Boundary { .. }));
    now.extend(before.iter().map(|given| &given.thing).chain(boundary).cloned());
    now.retain(|thing| gone.iter().all(|gone| gone.key() != thing.key()));
    let mut after: Vec<Given> = Vec::new();
    for thing in now {
        if after.iter().any(|given| given.thing.key() == thing.key()) {
            continue;
        }
        let known = before.iter().find(|given| given.thing.key() == thing.key());
        let generation = known.and_then(|given| given.generation).or(Some(run.generation));
        let thing = known.map_or_else(|| thing.clone(), |given| given.thing.with_ids_of(&thing));
        after.push(Given { thing, generation });
    }
    after
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use berth_tenancy::BaselinePart;
    use serde_json::{Value, json};

    use super::*;

    fn ending(left_over: Vec<LeftOver>, gone: Vec<Thing>) -> Ending {
        let run = json!({
            "accountId": "111122223333", "accountName": "x-dev", "tenant": "x", "environment": "dev", "generation": 3,
            "execution": "arn:mine", "mode": "apply", "tenantRole": "BerthTenant",
        });
        let network = json!({ "vpcId": "vpc-1", "cidr": "10.0.0.0/20", "attachmentId": "tgw-attach-1" });
        Ending::Onboarded {
            run: serde_json::from_value(run).unwrap(),
            regions: serde_json::from_value(json!({ "eu-west-1": network })).unwrap(),
            roles: serde_json::from_value(json!([{ "name": "a", "arn": "arn:a" }])).unwrap(),
            default_vpcs: Vec::new(),
            sign_in: serde_json::from_value(json!([{ "group": "g", "permissionSet": "P" }])).unwrap(),
            cluster_access: Vec::new(),
            readiness: Vec::new(),
            commit: serde_json::from_value(json!({ "sha": "0", "path": "p" })).unwrap(),
            left_over,
            gone,
            given: Vec::new(),
        }
    }

    fn record(inventory: &Value) -> Record {
        serde_json::from_value(json!({
            "accountId": "111122223333", "status": "running", "generation": 3, "since": "2026-11-01T00:00:00Z",
            "inventory": inventory,
        }))
        .unwrap()
    }

    fn sorted(given: Vec<Given>) -> Vec<(String, Option<u32>)> {
        let mut keys: Vec<_> = given.into_iter().map(|given| (given.thing.key(), given.generation)).collect();
        keys.sort();
        keys
    }

    #[test]
    fn after_a_good_end_the_inventory_is_what_is_there_and_what_is_left_over() {
        let role = |arn: &str| json!({ "thing": { "kind": "role", "name": "n", "arn": arn }, "generation": 1 });
        let sign_in = json!({
            "thing": { "kind": "signIn", "group": "g", "permissionSet": "P", "groupId": "id" }, "generation": 2,
        });
        let baseline = json!({ "thing": { "kind": "baseline", "region": "eu-west-1" }, "generation": 1 });
        let known = record(&json!({
            "1": role("arn:a"), "2": role("arn:removed"), "3": role("arn:stays"), "4": sign_in, "5": baseline,
        }));
        let role = |arn: &str| Thing::Role { name: "n".to_owned(), arn: arn.to_owned() };
        let stays = vec![LeftOver::new(role("arn:stays"), false)];
        let after = given_after(Some(&known), &ending(stays, vec![role("arn:removed")]));
        let kept = after.iter().find(|given| given.thing.key() == "sign-in P g").unwrap();
        assert!(matches!(&kept.thing, Thing::SignIn { group_id: Some(id), .. } if id == "id"), "{kept:?}");
        let wanted = [
            ("attachment eu-west-1", 3),
            ("baseline eu-west-1", 1),
            ("file p", 3),
            ("role arn:a", 1),
            ("role arn:stays", 1),
            ("sign-in P g", 2),
            ("vpc eu-west-1", 3),
        ];
        assert_eq!(sorted(after), wanted.map(|(key, generation)| (key.to_owned(), Some(generation))));
    }

    /// One of each kind, as all of them are removed by one rule.
    #[test]
    fn whatever_is_gone_leaves_the_inventory_and_the_rest_of_its_kind_stays() {
        let region = || "eu-west-1".parse().unwrap();
        let of_kinds = |n: u8| {
            let (arn, name) = (format!("arn:{n}"), format!("n{n}"));
            let (group, permission_set) = (name.clone(), name.clone());
            [
                Thing::SignIn { group, permission_set, group_id: None, permission_set_arn: None },
                Thing::AccessEntry { role: arn.clone(), cluster: name.clone(), at: None },
                Thing::Role { name, arn: arn.clone() },
                Thing::Boundary { arn: arn.clone() },
                Thing::OidcProvider { arn },
            ]
        };
        let (going, staying) = (of_kinds(1), of_kinds(2));
        let baseline = Thing::Baseline { region: region(), parts: None };
        let all = going.iter().chain(&staying).chain([&baseline]);
        let given = all.enumerate().map(|(n, thing)| (n.to_string(), json!({ "thing": thing, "generation": 1 })));
        let known = record(&given.collect());
        let keys = |gone: Vec<Thing>| -> Vec<String> {
            given_after(Some(&known), &ending(Vec::new(), gone)).iter().map(|given| given.thing.key()).collect()
        };
        let before = keys(Vec::new());
        for gone in &going {
            assert!(before.contains(&gone.key()), "{gone:?}");
            let expected: Vec<String> = before.iter().filter(|key| **key != gone.key()).cloned().collect();
            assert_eq!(keys(vec![gone.clone()]), expected, "{gone:?}");
        }
    }

    #[test]
    fn who_was_given_nothing_since_it_was_bound_is_bound_for_nothing() {
        let bound = |more: &Value| {
            let identity = json!({ "tenant": "payments", "environment": "dev" });
            let mut value = json!({
                "accountId": "111122223333", "status": "running", "generation": 3, "since": "2026-11-01T00:00:00Z",
                "lease": "arn:mine", "binding": { "identity": identity, "since": "2026-11-01T00:00:00Z", "revision": 1 },
            });
            value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value::<Record>(value).unwrap()
        };
        let failed = |state: &str, fault: &str| {
            let (message, hint) = (String::new(), String::new());
            Ending::Failed(Failure { state: state.to_owned(), fault: fault.to_owned(), message, hint })
        };
        let refused = failed("CheckTenant", "NotOwned");
        let role = |generation: Value| json!({ "1": { "thing": { "kind": "role", "name": "n", "arn": "arn:a" }, "generation": generation } });
        let batch = json!({ "generation": 3, "step": "s", "at": "2026-11-01T00:00:00Z", "changes": ["c"] });
        let cases = [
            (json!({}), &refused, true),
            (json!({ "inventory": role(Value::Null) }), &refused, true),
            (json!({ "inventory": role(json!(2)) }), &refused, false),
            (json!({ "journal": { "1": batch } }), &refused, false),
            (json!({ "lease": "arn:another" }), &refused, false),
            (json!({ "binding": null }), &refused, false),
            (json!({}), &failed("CheckTenant", "Denied"), false),
            (json!({}), &failed("CommitTenant", "NotOwned"), false),
            (json!({}), &ending(Vec::new(), Vec::new()), false),
        ];
        for (more, ending, expected) in cases {
            assert_eq!(is_bound_for_nothing(&bound(&more), "arn:mine", ending), expected, "{more} {ending:?}");
        }
    }

    #[test]
    fn a_baseline_has_what_its_step_found_and_keeps_the_onboarding_that_made_it() {
        let recorded = json!({ "thing": { "kind": "baseline", "region": "eu-west-1" }, "generation": 1 });
        let part = |name: &str| BaselinePart::ConfigRule(name.to_owned());
        let region: Region = "eu-west-1".parse().unwrap();
        let listed = Thing::Baseline { region: region.clone(), parts: Some([part("a"), part("left")].into()) };
        let left = vec![LeftOver::new(Thing::BaselinePart { region, part: part("left") }, false)];
        let mut ending = ending(left, Vec::new());
        let Ending::Onboarded { given, .. } = &mut ending else { panic!("{ending:?}") };
        given.push(listed.clone());
        let after = given_after(Some(&record(&json!({ "1": recorded }))), &ending);
        let baselines: Vec<&Given> = after.iter().filter(|given| given.thing.key().starts_with("baseline")).collect();
        assert_eq!(baselines, [&Given { thing: listed, generation: Some(1) }]);
    }

    #[test]
    fn what_only_an_earlier_version_knew_belongs_to_the_run_that_found_it() {
        let mut earlier = record(&Value::Null);
        earlier.roles = serde_json::from_value(json!([{ "name": "a", "arn": "arn:a" }])).unwrap();
        assert!(earlier.given().iter().all(|given| given.generation.is_none()));
        let after = given_after(Some(&earlier), &ending(Vec::new(), Vec::new()));
        assert!(after.iter().all(|given| given.generation == Some(3)), "{after:?}");
    }
}
