//! What a run is about to change, written into the account's record before it is changed: the journal, which the outcome
//! is told from, and the inventory of what the account was given.
//!
//! Both are in the record itself, so that one conditional write confirms the lease and writes them down. A crash between
//! the write and the call loses nothing: the same batch is written under the same name again, and told once.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use berth_aws::CallFailure;
use berth_step::{Fault, Intent, Lease, StepError};
use berth_tenancy::{AccountId, GIVEN_BOUNDARY, Given, Partition, Region, Subject, Thing, ToldChange, short_digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ClusterAccessRecord, CommitRecord, Ledger, Record, RegionRecord, RoleRecord, SignInRecord, Status,
    lease::superseded,
    table::{Change, Item, failed, read},
};

/// Bytes of sentences that the journal of one run takes. A fresh region is 5 kB. An item has 400 KiB, and an outcome on the
/// bus 256 KiB: what else is in them fits beside.
pub const JOURNAL_BYTES_MAX: usize = 150_000;

/// Things that one write adds: an update expression has 4 kB, and each takes 30 bytes of it.
const THINGS_AT_ONCE: usize = 60;

/// One batch of changes in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalBatch {
    /// The onboarding that made it.
    pub generation: u32,
    /// The function.
    pub step: String,
    /// The region, for a step that runs once for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// When it was begun.
    pub at: Timestamp,
    /// The changes, a sentence for each.
    pub changes: Vec<String>,
}

/// What a refused write found.
enum Refused {
    /// It is written already.
    Told,
    /// The journal is full.
    Full,
    /// The record, which is one of an earlier version: it has neither journal nor inventory.
    Older(Box<Record>),
}

impl Record {
    /// Every change since the account was onboarded before its newest run, once, in the order in which they were begun. Of
    /// a run that failed the last ones may not have been made: each is written before its call.
    #[must_use]
    pub fn told_changes(&self) -> Vec<ToldChange> {
        let mut batches: Vec<&JournalBatch> = self.journal.values().collect();
        batches.sort_by_key(|batch| batch.at);
        let mut told: Vec<ToldChange> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for batch in batches {
            for change in &batch.changes {
                let one = ToldChange { step: batch.step.clone(), region: batch.region.clone(), change: change.clone() };
                if seen.insert(one.clone()) {
                    told.push(one);
                }
            }
        }
        told
    }

    /// The changes of this execution; none when the journal is not about it: it never had the lease, or another one has
    /// it by now.
    #[must_use]
    pub fn changes_of(&self, execution: &str) -> Option<Vec<ToldChange>> {
        let has_ended_well = self.status == Status::Onboarded && self.execution_arn.as_deref() == Some(execution);
        let is_it = self.lease.as_deref().map_or(has_ended_well, |lease| lease == execution);
        is_it.then(|| self.told_changes())
    }

    /// What the account was given: what is recorded, and in a record of an earlier version what it says of its last
    /// onboarding.
    #[must_use]
    pub fn given(&self) -> Vec<Given> {
        match &self.inventory {
            Some(inventory) => inventory.values().cloned().collect(),
            None => self.things().into_iter().map(|thing| Given { thing, generation: None }).collect(),
        }
    }

    /// Everything that the account may have: what is recorded, and what its last onboarding answered.
    #[must_use]
    pub fn given_or_answered(&self) -> Vec<Given> {
        let mut all = self.given();
        for thing in self.things() {
            if all.iter().all(|given| given.thing.key() != thing.key()) {
                all.push(Given { thing, generation: None });
            }
        }
        all
    }

    /// The Pod Identity associations that the account had when it was last onboarded.
    pub fn pod_identity(&self) -> impl Iterator<Item = Thing> {
        associations(&self.cluster_access)
    }

    /// The partition of the account, by its executions.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.execution_arn.as_deref().or(self.lease.as_deref()).map(Partition::of_arn).unwrap_or_default()
    }

    /// The ARN of something of IAM in the account; `resource` is its kind, path and name.
    #[must_use]
    pub fn iam_arn(&self, resource: &str) -> String {
        self.partition().iam_arn(&self.account_id, resource)
    }

    /// What the record says that the account has since it was last onboarded.
    #[must_use]
    pub fn things(&self) -> Vec<Thing> {
        let mut things = things(&self.regions, &self.roles, &self.sign_in, &self.cluster_access, self.commit.as_ref());
        // With roles comes their boundary, whose name the account was bound to.
        let boundary = self.binding.as_ref().and_then(|binding| binding.identity.given.get(GIVEN_BOUNDARY));
        let boundary = boundary.filter(|_| !self.roles.is_empty());
        let arn = |path_and_name: &String| self.iam_arn(&format!("policy{path_and_name}"));
        things.extend(boundary.map(|name| Thing::Boundary { arn: arn(name) }));
        things
    }
}

/// What the answers of an onboarding's steps say that the account has.
pub(crate) fn things(
    regions: &BTreeMap<Region, RegionRecord>,
    roles: &[RoleRecord],
    sign_in: &[SignInRecord],
    cluster_access: &[ClusterAccessRecord],
    commit: Option<&CommitRecord>,
) -> Vec<Thing> {
    let mut things = Vec::new();
    for (region, network) in regions {
        let (vpc, attachment) = (Some(network.vpc_id.clone()), Some(network.attachment_id.clone()));
        things.push(Thing::Attachment { region: region.clone(), id: attachment });
        things.push(Thing::Vpc { region: region.clone(), id: vpc });
    }
    things.extend(roles.iter().map(|role| Thing::Role { name: role.name.clone(), arn: role.arn.clone() }));
    for one in sign_in {
        let (group, permission_set) = (one.group.clone(), one.permission_set.clone());
        things.push(Thing::SignIn { group, permission_set, group_id: None, permission_set_arn: None });
    }
    for access in cluster_access {
        let cluster = access.cluster.to_string();
        let roles = access.entries.iter().map(|entry| &entry.role).chain(&access.retired);
        let entry = |role: &String| Thing::AccessEntry { role: role.clone(), cluster: cluster.clone(), at: None };
        things.extend(roles.map(entry));
    }
    things.extend(associations(cluster_access));
    things.extend(commit.map(|commit| Thing::File { path: commit.path.clone() }));
    things
}

/// The Pod Identity associations of Berth's among them.
fn associations(cluster_access: &[ClusterAccessRecord]) -> impl Iterator<Item = Thing> {
    cluster_access.iter().flat_map(|access| {
        let ours = access.pod_identity.iter().filter(|one| !one.of_others);
        let cluster = access.cluster.to_string();
        ours.map(move |one| Thing::PodIdentity { pods: one.pods.clone(), cluster: cluster.clone(), at: None })
    })
}

/// The inventory as it is kept: by a short name of each thing.
pub(crate) fn inventory(given: impl IntoIterator<Item = Given>) -> BTreeMap<String, Given> {
    given.into_iter().map(|given| (short_digest(&given.thing.key()), given)).collect()
}

impl Lease for Ledger {
    /// One write. A failed execution keeps its lease until another takes it over, so one that is redriven still has it,
    /// and a step that outlives its failed execution can never take it back from a newer one.
    async fn begin(&self, subject: &Subject, intent: &Intent) -> Result<(), StepError> {
        self.write_down(subject, intent).await.map_err(|error| error.for_account(&subject.account_id))
    }
}

impl Ledger {
    async fn write_down(&self, subject: &Subject, intent: &Intent) -> Result<(), StepError> {
        let name = batch_name(subject, intent);
        let (now, later) = intent.gives.split_at(intent.gives.len().min(THINGS_AT_ONCE));
        match self.try_to_tell(subject, intent, &name, now).await? {
            None | Some(Refused::Told) => {}
            Some(Refused::Full) => self.give(subject, now, true).await?,
            Some(Refused::Older(record)) => {
                self.begin_journal(subject, &record).await?;
                // Only the lease may be in the way now, and that is an error by itself.
                self.try_to_tell(subject, intent, &name, now).await?;
            }
        }
        for things in later.chunks(THINGS_AT_ONCE) {
            self.give(subject, things, false).await?;
        }
        Ok(())
    }

    /// Writes the batch and what it gives. [DynamoDB `UpdateItem`]
    async fn try_to_tell(
        &self,
        subject: &Subject,
        intent: &Intent,
        name: &str,
        gives: &[Thing],
    ) -> Result<Option<Refused>, StepError> {
        let batch = JournalBatch {
            generation: subject.generation,
            step: intent.step.to_owned(),
            region: intent.region.clone(),
            at: intent.at,
            changes: intent.changes.clone(),
        };
        let bytes: usize = intent.changes.iter().map(String::len).sum();
        let change = Change::when(
            "#lease = :lease AND attribute_exists(#inventory) AND attribute_exists(#journal) \
             AND attribute_not_exists(#journal.#batch) AND #journalBytes < :journalMax",
        )
        .put("journal", ("batch", name), batch)?
        .add("journalBytes", bytes)?
        .value("lease", &subject.execution)?
        .value("journalMax", JOURNAL_BYTES_MAX)?;
        match self.change_or_old(&subject.account_id, with_things(change, subject, gives)?).await? {
            None => Ok(None),
            Some(old) => refused(subject, old, name).map(Some),
        }
    }

    /// Writes only what is given: where the journal is full, that it is so. [DynamoDB `UpdateItem`]
    async fn give(&self, subject: &Subject, things: &[Thing], is_cut: bool) -> Result<(), StepError> {
        let change =
            Change::when("#lease = :lease AND attribute_exists(#inventory)").value("lease", &subject.execution)?;
        let change = if is_cut { change.set("journalIsCut", true)? } else { change };
        let old = self.change_or_old(&subject.account_id, with_things(change, subject, things)?).await?;
        old.map_or(Ok(()), |old| refused(subject, old, "").map(drop))
    }

    /// Gives the record of an execution that an earlier version planned a journal, and an inventory of what it says.
    /// [DynamoDB `UpdateItem`]
    async fn begin_journal(&self, subject: &Subject, record: &Record) -> Result<(), StepError> {
        let change = Change::when("#lease = :lease")
            .set_if_absent("journal", BTreeMap::<String, JournalBatch>::new())?
            .set_if_absent("journalBytes", 0)?
            .set_if_absent("inventory", inventory(record.given()))?
            .value("lease", &subject.execution)?;
        let old = self.change_or_old(&subject.account_id, change).await?;
        old.map_or(Ok(()), |old| refused(subject, old, "").map(drop))
    }

    /// Changes a record when its condition holds; else answers it as it is, which may be empty. [DynamoDB `UpdateItem`]
    async fn change_or_old(&self, account: &AccountId, change: Change) -> Result<Option<Item>, StepError> {
        let call = self.change_call(account, change);
        let call = call.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = call.send().await else { return Ok(None) };
        let failure = CallFailure::of("dynamodb:UpdateItem", &error);
        match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(refused) => {
                Ok(Some(refused.item.unwrap_or_else(HashMap::new)))
            }
            _ => Err(failed(failure)),
        }
    }
}

/// The name of a batch: the same for the same changes of the same step, so that a batch that is begun again after a crash
/// is told once, and an attempt that is made six hundred times fills nothing.
fn batch_name(subject: &Subject, intent: &Intent) -> String {
    let Intent { step, region, changes, gives: _, at: _ } = intent;
    let region = region.as_ref().map_or("", Region::as_str);
    short_digest(&format!("{} {step} {region} {}", subject.generation, changes.join("\n")))
}

/// The change, and what it gives besides.
fn with_things(mut change: Change, subject: &Subject, things: &[Thing]) -> Result<Change, StepError> {
    for (index, thing) in things.iter().enumerate() {
        let given = Given { thing: thing.clone(), generation: Some(subject.generation) };
        let alias = format!("g{index}");
        change = change.put("inventory", (&alias, &short_digest(&thing.key())), given)?;
    }
    Ok(change)
}

/// Why a write was refused.
fn refused(subject: &Subject, old: Item, name: &str) -> Result<Refused, StepError> {
    let holder = |item: &Item| item.get("lease").and_then(|lease| lease.as_s().ok()).cloned();
    match holder(&old) {
        Some(holder) if holder == subject.execution => {}
        Some(holder) => return Err(superseded(subject, &holder)),
        None => return Err(superseded(subject, "a newer execution")),
    }
    let map = |name: &str| old.get(name).and_then(|value| value.as_m().ok());
    let bytes = old.get("journalBytes").and_then(|value: &AttributeValue| value.as_n().ok()?.parse::<usize>().ok());
    let (Some(journal), Some(_), Some(bytes)) = (map("journal"), map("inventory"), bytes) else {
        return Ok(Refused::Older(Box::new(read(old)?)));
    };
    if journal.contains_key(name) {
        return Ok(Refused::Told);
    }
    if bytes >= JOURNAL_BYTES_MAX {
        return Ok(Refused::Full);
    }
    let record = read(old)?;
    let what = format!("the record of {} refused a batch of changes for no known reason", record.account_id);
    Err(StepError::new(Fault::Conflict, what))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
    use serde_json::json;

    use super::*;

    fn record(extra: &serde_json::Value) -> Record {
        let mut value = json!({
            "accountId": "111122223333", "status": "running", "generation": 2, "since": "2026-11-01T00:00:00Z",
        });
        value.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    fn batch(at: &str, step: &str, changes: &[&str]) -> serde_json::Value {
        json!({ "generation": 2, "step": step, "region": "eu-west-1", "at": at, "changes": changes })
    }

    #[test]
    fn every_change_is_told_once_in_the_order_in_which_it_was_begun() {
        let record = record(&json!({ "journal": {
            "a": batch("2026-11-01T00:00:03Z", "provision-vpc", &["create subnet b", "create subnet c"]),
            "b": batch("2026-11-01T00:00:01Z", "provision-vpc", &["create the VPC"]),
            // The first attempt died within its batch: what it had made is not in the second one.
            "c": batch("2026-11-01T00:00:02Z", "provision-vpc", &["create subnet a", "create subnet b"]),
            "d": batch("2026-11-01T00:00:04Z", "apply-baseline", &["create the VPC"]),
        } }));
        let told: Vec<String> = record.told_changes().iter().map(|one| format!("{} {one}", one.step)).collect();
        assert_eq!(
            told,
            [
                "provision-vpc eu-west-1: create the VPC",
                "provision-vpc eu-west-1: create subnet a",
                "provision-vpc eu-west-1: create subnet b",
                "provision-vpc eu-west-1: create subnet c",
                "apply-baseline eu-west-1: create the VPC",
            ]
        );
    }

    #[test]
    fn the_journal_is_about_whoever_has_the_lease_or_onboarded_the_account_last() {
        let journal = json!({ "a": batch("2026-11-01T00:00:03Z", "provision-vpc", &["create the VPC"]) });
        let of = |status: &str, lease: Option<&str>, newest: &str| {
            let fields = json!({ "status": status, "lease": lease, "executionArn": newest, "journal": journal });
            record(&fields).changes_of("arn:mine").map(|changes| changes.len())
        };
        assert_eq!(of("running", Some("arn:mine"), "arn:mine"), Some(1));
        assert_eq!(of("failed", Some("arn:mine"), "arn:mine"), Some(1));
        assert_eq!(of("onboarded", None, "arn:mine"), Some(1));
        // It was asked for, and failed before it took the lease.
        assert_eq!(of("failed", Some("arn:other"), "arn:mine"), None);
        assert_eq!(of("failed", None, "arn:mine"), None);
        assert_eq!(of("onboarded", None, "arn:other"), None);
    }

    #[test]
    fn a_record_of_an_earlier_version_says_what_was_given_without_an_onboarding() {
        let record = record(&json!({
            "regions": { "eu-west-1": { "vpcId": "vpc-1", "cidr": "10.0.0.0/20", "attachmentId": "tgw-attach-1" } },
            "roles": [{ "name": "developer", "arn": "arn:aws:iam::111122223333:role/tenant/x-developer" }],
            "signIn": [{ "group": "x-developers", "permissionSet": "Developer" }],
            "clusterAccess": [{
                "cluster": "dev-1",
                "entries": [{ "role": "arn:aws:iam::111122223333:role/tenant/x-developer", "groups": ["g"] }],
                "retired": ["arn:aws:iam::111122223333:role/tenant/x-old"],
            }],
            "commit": { "sha": "0", "path": "clusters/dev-1/tenants/00/x.yaml" },
        }));
        let given = record.given();
        let shown: Vec<String> = given.iter().map(|given| given.thing.to_string()).collect();
        assert_eq!(
            shown,
            [
                "Transit Gateway attachment tgw-attach-1 in eu-west-1",
                "VPC vpc-1 in eu-west-1",
                "role arn:aws:iam::111122223333:role/tenant/x-developer",
                "sign-in of x-developers with Developer",
                "access entry of arn:aws:iam::111122223333:role/tenant/x-developer on dev-1",
                "access entry of arn:aws:iam::111122223333:role/tenant/x-old on dev-1",
                "entry in clusters/dev-1/tenants/00/x.yaml of the GitOps repository",
            ]
        );
        assert!(given.iter().all(|given| given.generation.is_none()));
    }

    fn subject() -> Subject {
        serde_json::from_value(json!({
            "accountId": "111122223333", "accountName": "x-dev", "tenant": "x", "environment": "dev", "generation": 2,
            "execution": "arn:mine", "mode": "apply", "tenantRole": "BerthTenant",
        }))
        .unwrap()
    }

    fn intent(changes: &[&str], at: i64) -> Intent {
        let changes = changes.iter().map(|change| (*change).to_owned()).collect();
        Intent { step: "s", region: None, changes, gives: Vec::new(), at: Timestamp::from_second(at).unwrap() }
    }

    #[test]
    fn the_same_batch_has_the_same_name_whenever_it_is_begun() {
        let name = |changes: &[&str], at| batch_name(&subject(), &intent(changes, at));
        assert_eq!(name(&["a", "b"], 1), name(&["a", "b"], 2));
        assert_ne!(name(&["a", "b"], 1), name(&["b"], 1));
    }

    fn item(value: &serde_json::Value) -> Item {
        serde_dynamo::to_item(value).unwrap()
    }

    #[test]
    fn a_refused_write_says_who_has_the_lease_or_what_is_there_already() {
        let full =
            json!({ "lease": "arn:mine", "journal": { "n": {} }, "inventory": {}, "journalBytes": JOURNAL_BYTES_MAX });
        let refused = |value: &serde_json::Value, name| refused(&subject(), item(value), name);
        assert!(matches!(refused(&full, "n"), Ok(Refused::Told)));
        assert!(matches!(refused(&full, "m"), Ok(Refused::Full)));
        let older = serde_json::to_value(record(&json!({ "lease": "arn:mine" }))).unwrap();
        assert!(matches!(refused(&older, "n"), Ok(Refused::Older(there)) if there.given().is_empty()));
        for taken in [json!({ "lease": "arn:other", "journal": { "n": {} }, "inventory": {} }), json!({})] {
            assert_eq!(refused(&taken, "n").err().unwrap().fault, Fault::Superseded, "{taken}");
        }
    }

    /// DynamoDB takes 4 kB of an update expression.
    #[test]
    fn the_largest_write_fits_into_an_update_expression() {
        let things: Vec<Thing> = (0..THINGS_AT_ONCE).map(|n| Thing::File { path: n.to_string() }).collect();
        let change = Change::when("#lease = :lease").add("journalBytes", 1).unwrap();
        let expression = with_things(change, &subject(), &things).unwrap().expression();
        assert!(expression.len() < 3_000, "{}", expression.len());
    }
}
