//! The plan of an account as a document: what a person reads, keeps in a file, reviews, and lets Berth make.

use berth_events::outcome::{StillThere, Version};
use berth_tenancy::{
    AccountId, Counts, EnvironmentName, Planned, PlannedChange, Region, ResourceChange, StepSummary, TenantName,
    canonical_json, digest,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{ExecutionOutput, RegionResult};

/// Fields that are about the making of the document, not about the plan: the same plan made twice has the same hash.
const NOT_HASHED: [&str; 3] = ["hash", "executionArn", "plannedAt"];

/// The plan of one account: everything that an onboarding would change at this time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanDocument {
    /// Version of this document.
    pub version: Version,
    /// The account.
    pub account_id: AccountId,
    /// The tenant that it belongs, or would belong to.
    pub tenant: TenantName,
    /// Its environment.
    pub environment: EnvironmentName,
    /// ARN of the state machine that made the plan, and that can make its changes: which deployment of Berth it is.
    pub state_machine_arn: String,
    /// The execution that made the plan. Step Functions knows it for 90 days.
    pub execution_arn: String,
    /// When that execution ended.
    pub planned_at: Timestamp,
    /// Whether changes were planned, too, that cut traffic off for a while.
    pub allow_disruption: bool,
    /// How many changes there are.
    pub counts: Counts,
    /// The changes, in the order of the steps and regions; those of one step in the order in which it makes them.
    pub changes: Vec<ResourceChange>,
    /// Differences that are left, because closing them would cut somebody off.
    #[serde(default)]
    pub planned_changes: Vec<Withheld>,
    /// What the account was given before, is not in the plan, and stays.
    #[serde(default)]
    pub left_over: Vec<StillThere>,
    /// `sha256:` and the SHA-256 of all fields but this one, `executionArn` and `plannedAt`, as JSON without white space and
    /// with the keys of each object sorted.
    pub hash: String,
}

/// A difference that is left, because closing it would cut somebody off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Withheld {
    /// The region.
    pub region: Region,
    /// What is there and what is wanted, as one sentence without a full stop.
    pub what: String,
    /// Whether an onboarding closes it that allows disruption. Otherwise a person must.
    pub by_berth: bool,
    /// What to do, as one sentence without a full stop.
    pub next: String,
}

impl PlanDocument {
    /// The plan that an execution has made, by its output, with its changes as [`in_order`] has put them together. None when
    /// the output is not that of a plan.
    #[must_use]
    pub fn of_execution(
        state_machine_arn: &str,
        execution_arn: &str,
        planned_at: Timestamp,
        output: ExecutionOutput,
        changes: Vec<ResourceChange>,
    ) -> Option<Self> {
        let ExecutionOutput::Onboard { run, regions, left_over, .. } = output else { return None };
        let account_id = run.account_id;
        let withheld = |region: RegionResult| {
            let told = move |change: PlannedChange| {
                let PlannedChange { what, by_berth, next } = change;
                Withheld { region: region.region.clone(), what, by_berth, next }
            };
            region.network.planned_changes.into_iter().map(told)
        };
        let left_over = left_over.iter().map(|left| StillThere::of(&account_id, left)).collect();
        let plan = Self {
            version: Version,
            tenant: run.tenant,
            environment: run.environment,
            state_machine_arn: state_machine_arn.to_owned(),
            execution_arn: execution_arn.to_owned(),
            planned_at,
            allow_disruption: run.allow_disruption,
            counts: Counts::of(&changes),
            changes,
            planned_changes: regions.into_iter().flat_map(withheld).collect(),
            left_over,
            account_id,
            hash: String::new(),
        };
        Some(plan.sealed())
    }

    /// The document with its hash.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.hash = self.right_hash();
        self
    }

    /// Whether nobody has changed it since it was made, as far as it says itself. Whoever changes the hash, too, is found out
    /// by what the execution says: see [`PlanDocument::differs_from`].
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.hash == self.right_hash()
    }

    fn right_hash(&self) -> String {
        let mut value = json!(self);
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|key, _| !NOT_HASHED.contains(&key.as_str()));
        }
        format!("sha256:{}", digest(&canonical_json(&value)))
    }

    /// The first step whose changes are not those that an execution's output has in short; none when it is the plan of that
    /// execution.
    #[must_use]
    pub fn differs_from<'a>(&self, summaries: &'a [StepSummary]) -> Option<Difference<'a>> {
        let told: usize = summaries.iter().map(|summary| summary.counts.sum()).sum();
        let differs = |summary: &&StepSummary| Planned::digest(&changes_of(&self.changes, summary)) != summary.digest;
        match summaries.iter().find(differs) {
            Some(summary) => Some(Difference::Of(summary)),
            None if told != self.changes.len() => Some(Difference::More),
            None => None,
        }
    }

    /// What is in only one of two plans: changes of this one that the other does not have, and of the other that this one does
    /// not have. Two changes are the same when all is the same that is known of them.
    #[must_use]
    pub fn compared<'a>(&'a self, other: &'a Self) -> (Vec<&'a ResourceChange>, Vec<&'a ResourceChange>) {
        let only =
            |one: &'a Self, other: &'a Self| one.changes.iter().filter(|each| !other.changes.contains(each)).collect();
        (only(self, other), only(other, self))
    }
}

/// What a document and an execution's output do not agree about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference<'a> {
    /// The changes of this step.
    Of(&'a StepSummary),
    /// The document has changes of steps that the execution does not have.
    More,
}

/// The changes of one invocation among all: those of its step, and of its region, if it is a step that runs once for each. Of a
/// step that runs several times otherwise, as each extension is called once, those that the summary is of.
#[must_use]
pub fn changes_of(changes: &[ResourceChange], summary: &StepSummary) -> Vec<ResourceChange> {
    let is_its = |change: &&ResourceChange| {
        change.step == summary.step && (summary.region.is_none() || change.region == summary.region)
    };
    let all: Vec<ResourceChange> = changes.iter().filter(is_its).cloned().collect();
    let count = summary.counts.sum();
    if count == 0 || count >= all.len() {
        return all;
    }
    let own = all.windows(count).find(|own| Planned::digest(own) == summary.digest).map(<[ResourceChange]>::to_vec);
    own.unwrap_or(all)
}

/// Why the answers of the steps are not the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete<'a>(pub &'a StepSummary);

/// The changes of a plan in the order of its output, from the answers of its steps in any order.
///
/// # Errors
/// `Incomplete` when the answers are not those that the output tells of.
pub fn in_order<'a>(
    answers: &[ResourceChange],
    summaries: &'a [StepSummary],
) -> Result<Vec<ResourceChange>, Incomplete<'a>> {
    let mut changes = Vec::new();
    for summary in summaries {
        let its = changes_of(answers, summary);
        if Planned::digest(&its) != summary.digest {
            return Err(Incomplete(summary));
        }
        changes.extend(its);
    }
    Ok(changes)
}

/// What is in the output of a task, as the history of an execution has it: the changes of a plan. None in what is no JSON.
#[must_use]
pub fn changes_in_output(output: &str) -> Vec<ResourceChange> {
    serde_json::from_str(output).map(|answer: Value| changes_in_answer(&answer)).unwrap_or_default()
}

/// What is in the answer of a step, of `PlanOnboarding`, or of `commit-tenant`: its changes in a plan.
#[must_use]
pub fn changes_in_answer(answer: &Value) -> Vec<ResourceChange> {
    let lists = ["/Payload/plan/planned", "/Payload/planned", "/planned"].map(|pointer| answer.pointer(pointer));
    let read = |value: &Value| serde_json::from_value::<Vec<ResourceChange>>(value.clone()).ok();
    lists.into_iter().flatten().filter_map(read).flatten().collect()
}
