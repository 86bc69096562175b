//! From what is known of the account to its plan. Pure.

use berth_config::{AccountFacts, MatchError, Onboarding, PlatformConfig};
use berth_ledger::{Record, next_generation};
use berth_step::{Fault, StepError};
use berth_tenancy::{
    ApprovalPlan, BaselinePlan, Effect, Given, LeftOver, LeftOverPolicy, LeftOverTags, LeftOvers, Mode, Origin, Plan,
    Planned, Region, ResourceChange, Subject, Thing, UntaggedKind, wait,
};
use jiff::{SignedDuration, Timestamp};

use crate::OnboardingRequest;

/// Longest that AWS may open an account, in hours. Control Tower alone works on a new one for half an hour before it
/// says that it is there.
const OPENING_HOURS_MAX: i64 = 1;

/// Who is onboarded. The generation is the one that the execution was started for; a person's execution gets the next
/// one, and keeps it when this step is retried after it took the lease.
#[must_use]
pub fn subject(
    facts: &AccountFacts,
    matched: &Onboarding,
    record: Option<&Record>,
    request: &OnboardingRequest,
    execution: &str,
) -> Subject {
    let generation = request.generation.unwrap_or_else(|| match record {
        None => 1,
        Some(record) if record.lease.as_deref() == Some(execution) => record.generation,
        Some(record) => record.generation.saturating_add(1),
    });
    Subject {
        account_id: facts.account_id.clone(),
        account_name: facts.name.clone(),
        tenant: matched.tenant.clone(),
        environment: matched.environment.clone(),
        execution: execution.to_owned(),
        generation,
        mode: request.mode,
        tenant_role: matched.tenant_role.clone(),
        allow_disruption: request.allow_disruption,
        opening_until: None,
        tags: matched.tags.clone(),
        left_over_tags: LeftOverTags::default(),
        only_planned: request.only_planned.clone(),
        repairs: request.repairs.clone(),
    }
}

/// Whether an execution may run the generation that it names: the account's current one, or the next. A number beyond it
/// would leave a gap, and every later event would count as served.
///
/// # Errors
/// `InvalidInput` for a number beyond the next one. One that has passed is for the lease to refuse.
pub fn check_generation(record: Option<&Record>, request: &OnboardingRequest) -> Result<(), StepError> {
    let next = next_generation(record);
    match request.generation {
        Some(generation) if generation > next && request.mode == Mode::Apply => Err(StepError::new(
            Fault::InvalidInput,
            format!("the request names generation {generation}, but the account's next one is {next}"),
        )
        .hint("leave `generation` out: Berth takes the next one")),
        _ => Ok(()),
    }
}

/// Whether every state has room for the keys of the plan that the run is limited to, beside what the account needs.
///
/// # Errors
/// `InvalidInput` when one may not.
pub fn check_room(matched: &Onboarding, request: &OnboardingRequest) -> Result<(), StepError> {
    let Some(limit) = &request.only_planned else { return Ok(()) };
    let (bytes, room) = (limit.to_string().len(), matched.room());
    if bytes <= room {
        return Ok(());
    }
    let what = format!(
        "the plan that is applied has too many changes for one run: their keys have {bytes} bytes, and Step Functions has \
         room for {room} beside what the account itself needs"
    );
    Err(StepError::new(Fault::InvalidInput, what)
        .hint("onboard the account without a plan file: berth onboard ACCOUNT --wait"))
}

/// Until when AWS may still be opening the account: for `seconds` from `now`, if it joined the organization lately.
/// Counted from the start of the onboarding too, so that a real denial shows before the retries of a state are used up.
#[must_use]
pub fn opening_until(joined: Option<Timestamp>, now: Timestamp, seconds: u32) -> Option<Timestamp> {
    let young = now.duration_since(joined?) < SignedDuration::from_hours(OPENING_HOURS_MAX);
    let until = now.checked_add(SignedDuration::from_secs(i64::from(seconds))).ok()?;
    (young && seconds > 0).then_some(until)
}

/// The plan of an account that is ours.
#[must_use]
pub fn plan(subject: Subject, matched: Onboarding) -> Plan {
    let Onboarding {
        reason: _,
        regions,
        roles,
        baselines,
        default_vpc,
        sign_in,
        clusters,
        pod_identity,
        awaited_clusters,
        extensions,
        approval: _,
        git_ops,
        tenant: _,
        tenant_from: _,
        environment: _,
        tenant_role: _,
        tags: _,
    } = matched;
    Plan {
        run: subject,
        regions,
        roles,
        baselines,
        default_vpc,
        sign_in,
        clusters,
        pod_identity,
        awaited_clusters,
        git_ops,
        extensions,
        approval: None,
        changes: Vec::new(),
        planned: Vec::new(),
        summary: Vec::new(),
        left_over: LeftOvers::default(),
    }
}

/// What the run asks people before its first change; none when it asks nobody. A run that only plans changes nothing.
#[must_use]
pub fn approval(matched: &Onboarding, record: Option<&Record>, run: &Subject) -> Option<ApprovalPlan> {
    let asked = record.and_then(|record| record.requested_execution.as_ref());
    let is_by_event = asked == Some(&run.execution);
    let approval = matched.approval.plan(run.allow_disruption, is_by_event, matched.room());
    approval.filter(|_| run.mode == Mode::Apply)
}

/// Adds to the plan what the account was given before and the plan does not have: where that is, too, so that the steps can
/// look at it and remove it although nothing of its kind is wanted any more.
pub fn with_left_over(plan: &mut Plan, record: Option<&Record>, wanted: &[Thing], platform: &PlatformConfig) {
    let mut given = record.map(Record::given).unwrap_or_default();
    given.extend(record.into_iter().flat_map(|record| unlisted(plan, record)));
    let mut left = LeftOvers::of(&given, wanted, platform.left_over);
    if let Some(mut tags) = record.and_then(|record| record.tags.clone()) {
        // Those of a role that is not planned any more go or stay with it.
        tags.by_role.retain(|key, _| plan.roles.roles.iter().any(|role| role.key == *key));
        let remove = platform.left_over == Some(LeftOverPolicy::Remove);
        let tags = LeftOverTags::of(&tags, &plan.run.tags, remove);
        // A run that takes them away leaves none.
        let told = tags.things().into_iter().filter(|_| !remove).map(|tag| LeftOver::new(tag, false));
        left.reported.extend(told);
        plan.run.left_over_tags = tags;
    }
    for one in &mut left.access {
        one.thing = one.thing.clone().placed(|cluster| platform.cluster_plan(cluster));
    }
    if plan.sign_in.is_none() && !left.sign_in.is_empty() {
        plan.sign_in = platform.sign_in_of_nobody();
    }
    for region in left.baselines.iter().filter_map(|left| left.thing.region()) {
        if plan.baselines.iter().all(|baseline| baseline.region != *region) {
            plan.baselines.push(BaselinePlan::of_nothing(region.clone()));
        }
    }
    plan.left_over = left;
}

/// Baselines that an earlier version made of an account that it onboarded, and did not write down.
fn unlisted(plan: &Plan, record: &Record) -> Vec<Given> {
    let given = record.given();
    let is_given = |region: &Region| {
        given.iter().any(|given| matches!(&given.thing, Thing::Baseline { region: known, .. } if known == region))
    };
    let regions = plan.baselines.iter().map(|baseline| &baseline.region);
    let made = regions.filter(|region| record.regions.contains_key(*region) && !is_given(region));
    made.map(|region| Given { thing: Thing::Baseline { region: region.clone(), parts: None }, generation: None })
        .collect()
}

/// Adds to the plan what planning itself would change: the account joins a tenant that others belong to.
pub fn with_join(plan: &mut Plan, join: Option<String>) {
    let Some(join) = join else { return };
    let place = Origin::of(env!("CARGO_PKG_NAME"), &plan.run, None);
    let effect = Effect::changes(UntaggedKind::Record, "dynamodb:TransactWriteItems").name(plan.run.tenant.to_string());
    let change = ResourceChange::of(&place, effect.field("environment", (), &plan.run.environment), &join);
    let planned = Planned::of(&place, vec![change]);
    plan.changes.push(join);
    (plan.planned, plan.summary) = (planned.planned, planned.summary);
}

/// The error of an account that could not be matched.
pub(crate) fn unmatched(error: &MatchError) -> StepError {
    match error {
        MatchError::NotReady { message, hint } => {
            StepError::new(Fault::NotReady, message).hint(wait("AWS activates new accounts within minutes", hint))
        }
        MatchError::InvalidInput { message, hint } => StepError::new(Fault::InvalidInput, message).hint(hint),
    }
}
