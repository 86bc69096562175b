//! What of the whole plan a run takes that takes a part of the account, and what forbids it. Pure.

use berth_config::PlatformConfig;
use berth_ledger::{Part, Record};
use berth_step::{Fault, StepError};
use berth_tenancy::{Freeze, LeftOvers, OffboardingPlan, OffboardingScope, Region};

use crate::{
    OffboardingRequest,
    decide::{check_protection, check_reach, given},
};

/// The plan, with what the request asks for and nothing else; none when the account has nothing of it.
///
/// # Errors
/// `InvalidInput` when that part cannot be taken alone.
pub fn narrowed(
    platform: &PlatformConfig,
    record: &Record,
    whole: OffboardingPlan,
    request: &OffboardingRequest,
) -> Result<Option<OffboardingPlan>, StepError> {
    let scope = request.scope;
    let plan = OffboardingPlan { scope, ..whole };
    match (scope, &request.region) {
        (OffboardingScope::Account, _) => Ok(Some(plan)),
        (OffboardingScope::Suspend, _) => Ok(Some(frozen(plan, Freeze::Suspend))),
        (OffboardingScope::Resume, _) => Ok(Some(frozen(plan, Freeze::Resume))),
        (OffboardingScope::Access, _) => access_of(plan).map(Some),
        (OffboardingScope::Region, Some(region)) => region_of(platform, record, plan, region),
        (OffboardingScope::Region, None) => Err(StepError::new(Fault::Bug, "a region without a name was asked for")),
    }
}

/// Only what becomes of the account's entry.
fn frozen(plan: OffboardingPlan, freeze: Freeze) -> OffboardingPlan {
    OffboardingPlan { freeze, left_over: LeftOvers::default(), ..without_places(plan) }
}

/// Without what is in the account or its networks. Every field is named, so that a new one is decided about here.
fn without_places(plan: OffboardingPlan) -> OffboardingPlan {
    let OffboardingPlan {
        run,
        scope,
        freeze,
        is_closed,
        regions: _,
        git_ops,
        awaited_clusters,
        left_over,
        sign_in,
        baselines: _,
        entered: _,
        left_behind: _,
    } = plan;
    OffboardingPlan {
        run,
        scope,
        freeze,
        is_closed,
        regions: Vec::new(),
        git_ops,
        awaited_clusters,
        left_over,
        sign_in,
        baselines: Vec::new(),
        entered: Vec::new(),
        left_behind: Vec::new(),
    }
}

/// The entry, and all that lets people in.
fn access_of(plan: OffboardingPlan) -> Result<OffboardingPlan, StepError> {
    if plan.is_closed {
        let what = "the account is closed, so nobody can enter it and its roles stay; nothing was changed";
        let account = &plan.run.account_id;
        let next = format!("take the whole account away: berth offboard {account} --plan");
        return Err(StepError::new(Fault::InvalidInput, what).hint(next));
    }
    let entered = plan.entered.clone();
    Ok(OffboardingPlan { entered, ..without_places(plan) })
}

/// The network and the baseline of a region that nobody wants any more.
fn region_of(
    platform: &PlatformConfig,
    record: &Record,
    plan: OffboardingPlan,
    region: &Region,
) -> Result<Option<OffboardingPlan>, StepError> {
    let (account, environment) = (&record.account_id, &plan.run.environment);
    let refused = |what: String, next: String| Err(StepError::new(Fault::InvalidInput, what).hint(next));
    if plan.is_closed {
        return refused(
            "the account is closed, and leaves as a whole; nothing was changed".to_owned(),
            format!("berth offboard {account} --plan"),
        );
    }
    let wanted = platform.environments.get(environment).is_some_and(|wanted| wanted.regions.contains_key(region));
    if wanted {
        return refused(
            format!("platform.yaml has {region} for the environment {environment}; nothing was changed"),
            format!(
                "take {region} out of the environment {environment} and deploy, run `berth onboard {account}`, then ask again"
            ),
        );
    }
    // Its block may go to another tenant soon, and must be in nobody's file by then.
    if record.regions.contains_key(region) {
        return refused(
            format!(
                "the account was last onboarded when platform.yaml had {region}, so its tenant's file names the network \
                 there; nothing was changed"
            ),
            format!("run `berth onboard {account}`, which takes {region} out of the file, then ask again"),
        );
    }
    if !given(record).iter().any(|given| given.thing.region() == Some(region)) {
        return Ok(None);
    }
    let is_here = |line: &String| line.split([' ', ',', ':']).any(|word| word == region.as_str());
    let left_behind = plan.left_behind.iter().filter(|line| is_here(line)).cloned().collect();
    let mut baselines = plan.baselines.clone();
    baselines.retain(|left| left.thing.region() == Some(region));
    let mut regions = plan.regions.clone();
    regions.retain(|removal| removal.region == *region);
    let left_over = LeftOvers::default();
    Ok(Some(OffboardingPlan { regions, baselines, left_behind, left_over, ..without_places(plan) }))
}

/// What the ledger writes down of a run that takes a part; none of one that takes everything.
#[must_use]
pub fn part(record: &Record, request: &OffboardingRequest) -> Option<Part> {
    let is_part = request.scope != OffboardingScope::Account;
    is_part.then(|| Part::of(record, request.scope, request.region.clone()))
}

/// Refuses what may not be taken: networks and access of a protected environment, and access that Berth cannot reach. A
/// suspension takes nothing away, and its end least of all.
///
/// # Errors
/// `InvalidInput`.
pub fn guard(
    platform: &PlatformConfig,
    record: &Record,
    plan: &OffboardingPlan,
    request: &OffboardingRequest,
) -> Result<(), StepError> {
    match plan.scope {
        OffboardingScope::Suspend | OffboardingScope::Resume => Ok(()),
        OffboardingScope::Region => check_protection(platform, record),
        OffboardingScope::Account | OffboardingScope::Access => {
            check_protection(platform, record)?;
            check_reach(plan, request.access_removed)
        }
    }
}
