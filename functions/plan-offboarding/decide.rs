//! From what the ledger has of an account to what is taken away, and what forbids it. Pure.

use std::collections::BTreeSet;

use berth_config::PlatformConfig;
use berth_ledger::{Record, Status, accounts_with_something};
use berth_step::{Fault, StepError};
use berth_tenancy::{
    ClusterPlan, Freeze, GitOpsPlan, Given, LeftOver, LeftOverPolicy, LeftOverTags, LeftOvers, OffboardingPlan,
    OffboardingScope, OrganizationTags, Region, RegionRemoval, Subject, Thing, cluster_of_path,
};

use crate::{OffboardingRequest, Standing};

/// What an attachment costs in a month, in US dollars. <https://aws.amazon.com/transit-gateway/pricing/>
const ATTACHMENT_DOLLARS: &str = "36.50";

/// Things that a message names.
const NAMED_MAX: usize = 6;

/// Why nothing is to be taken away; none for an account that may have something.
#[must_use]
pub fn ignored(record: Option<&Record>) -> Option<String> {
    let Some(record) = record else { return Some("the ledger does not know the account".to_owned()) };
    match record.status {
        Status::Offboarded => Some(format!("the account was offboarded at {}", record.since)),
        _ if record.identity().is_none() => Some("the account was never planned, so it has nothing".to_owned()),
        _ => None,
    }
}

/// The generation of an offboarding: the account's next one, and the same when the step is retried after it took the lease.
#[must_use]
pub fn generation(record: &Record, execution: &str) -> u32 {
    let is_mine = record.lease.as_deref() == Some(execution) && record.status == Status::Offboarding;
    if is_mine { record.generation } else { record.generation.max(1).saturating_add(1) }
}

/// Who leaves.
///
/// # Errors
/// `Bug` for a record without an identity: [`ignored`] has passed over it.
pub fn subject(
    platform: &PlatformConfig,
    record: &Record,
    request: &OffboardingRequest,
    execution: &str,
) -> Result<Subject, StepError> {
    let identity = record.identity();
    let identity = identity.ok_or_else(|| StepError::new(Fault::Bug, "an account that is nobody's is to leave"))?;
    Ok(Subject {
        account_id: record.account_id.clone(),
        account_name: record.account_name.clone().unwrap_or_default(),
        tenant: identity.tenant,
        environment: identity.environment,
        execution: execution.to_owned(),
        generation: generation(record, execution),
        mode: request.mode,
        tenant_role: platform.tenant_role.clone(),
        allow_disruption: false,
        opening_until: None,
        // Nothing is made on the way out.
        tags: OrganizationTags::default(),
        left_over_tags: LeftOverTags::default(),
        only_planned: None,
        repairs: None,
    })
}

/// What is taken away.
///
/// # Errors
/// `InvalidInput` when the account's cluster is not in platform.yaml any more.
pub fn plan(
    platform: &PlatformConfig,
    record: &Record,
    run: Subject,
    standing: Standing,
) -> Result<OffboardingPlan, StepError> {
    let is_closed = standing != Standing::Active;
    let removal = |region: Region| RegionRemoval {
        region,
        network_account: platform.network.account.clone(),
        network_role: platform.network.role.clone(),
    };
    let git_ops = git_ops(platform, record, &run)?;
    let regions = regions(platform, record, &run).into_iter().map(removal).collect();
    let left_behind = left_behind(record, standing);
    let mut left_over = access(platform, record);
    let entered = if is_closed { Vec::new() } else { vec![run.account_id.clone()] };
    if is_closed {
        left_over.roles.clear();
    }
    let sign_in = platform.sign_in_of_nobody();
    let awaited_clusters = awaited_clusters(platform, &git_ops);
    let baselines = if is_closed { Vec::new() } else { baselines(record) };
    Ok(OffboardingPlan {
        run,
        scope: OffboardingScope::Account,
        freeze: Freeze::Suspend,
        is_closed,
        regions,
        git_ops,
        awaited_clusters,
        left_over,
        sign_in,
        baselines,
        entered,
        left_behind,
    })
}

/// The cluster of the account's entry, where platform.yaml says that its operator is waited for.
fn awaited_clusters(platform: &PlatformConfig, git_ops: &GitOpsPlan) -> Vec<ClusterPlan> {
    let is_awaited = platform.clusters.get(&git_ops.cluster).is_some_and(|cluster| cluster.await_ready);
    let plan = platform.cluster_plan(git_ops.cluster.as_str());
    plan.into_iter().filter(|_| is_awaited).collect()
}

/// The baselines that the account was given, each to be removed.
fn baselines(record: &Record) -> Vec<LeftOver> {
    let things = given(record).into_iter().map(|given| given.thing);
    let of_baselines = things.filter(|thing| matches!(thing, Thing::Baseline { .. }));
    of_baselines.map(|thing| LeftOver::new(thing, true)).collect()
}

/// Everything that the account was given: what is recorded, and what its last onboarding answered.
pub(crate) fn given(record: &Record) -> Vec<Given> {
    record.given_or_answered()
}

/// What lets people in, each thing to be removed: whoever offboards the account has agreed to that, also where only the
/// record of an earlier version knows of it.
#[must_use]
pub fn access(platform: &PlatformConfig, record: &Record) -> LeftOvers {
    let mut left = LeftOvers::of(&given(record), &[], Some(LeftOverPolicy::Remove));
    left.reported.clear();
    left.baselines.clear();
    for one in left.access.iter_mut().chain(&mut left.sign_in).chain(&mut left.roles) {
        one.remove = true;
        one.thing = one.thing.clone().placed(|cluster| platform.cluster_plan(cluster));
    }
    left
}

/// Regions in which the account has a network, or may have the beginning of one.
fn regions(platform: &PlatformConfig, record: &Record, run: &Subject) -> BTreeSet<Region> {
    let all = given(record);
    let networks = all.iter().filter(|given| !matches!(given.thing, Thing::Baseline { .. }));
    let known = record.regions.keys().chain(networks.filter_map(|given| given.thing.region())).cloned();
    let environment = platform.environments.get(&run.environment);
    known.chain(environment.into_iter().flat_map(|environment| environment.regions.keys().cloned())).collect()
}

/// Where the account's entry is: the cluster is the one of the file that the ledger knows, else that of the environment.
fn git_ops(platform: &PlatformConfig, record: &Record, run: &Subject) -> Result<GitOpsPlan, StepError> {
    let environment = platform.environments.get(&run.environment);
    let known = record.commit.as_ref().and_then(|commit| cluster_of_path(&commit.path));
    let cluster = known.or_else(|| environment.map(|environment| environment.cluster.clone()));
    let found = cluster.and_then(|name| platform.clusters.get(&name).map(|cluster| (name, cluster)));
    let Some((cluster, config)) = found else {
        let what = format!("the cluster of {}/{} is not in platform.yaml any more", run.tenant, run.environment);
        return Err(StepError::new(Fault::InvalidInput, what)
            .hint("keep a cluster in platform.yaml until its last account is offboarded"));
    };
    let delivery = environment.map(|environment| environment.git_ops.clone()).unwrap_or_default();
    Ok(GitOpsPlan {
        path: berth_tenancy::tenant_path(&cluster, &run.tenant),
        cluster,
        cluster_region: config.region.clone(),
        delivery: delivery.mode,
        answer_seconds_max: delivery.answer_seconds_max(),
        contact_email: None,
        cost_center: None,
        owner_groups: Vec::new(),
        workloads: Vec::new(),
        leaves: None,
    })
}

/// What stays when the offboarding has ended.
#[must_use]
pub fn left_behind(record: &Record, standing: Standing) -> Vec<String> {
    let mut lines: Vec<String> = record
        .regions
        .iter()
        .flat_map(|(region, network)| {
            network.duplicate_vpcs.iter().map(move |vpc| format!("{vpc} in {region}: a person must delete it"))
        })
        .collect();
    let until = match standing {
        Standing::Active => {
            lines.extend(baselines(record).iter().filter_map(|left| left.thing.region().map(settings)));
            return lines;
        }
        Standing::Closed => "in the closed account until AWS deletes it, 90 days after its closing",
        Standing::Gone => "in the account, which is not in the organization any more",
    };
    lines.extend(baselines(record).into_iter().map(|left| format!("{}: {until}", left.thing)));
    for (region, network) in &record.regions {
        let (vpc, attachment) = (&network.vpc_id, &network.attachment_id);
        lines.push(format!("{vpc} in {region}, which costs nothing by itself: {until}"));
        lines.push(format!(
            "{attachment} in {region} is deleted from the network account; it has cost ${ATTACHMENT_DOLLARS} a month"
        ));
    }
    let roles = given(record).into_iter().filter(|given| matches!(given.thing, Thing::Role { .. }));
    lines.extend(roles.map(|given| format!("{}: {until}", given.thing)));
    lines
}

/// What of a baseline stays: it protects the account, and nobody knows what was there before.
fn settings(region: &Region) -> String {
    format!("settings of EBS, EC2 and S3 in {region} stay as they are: they protect the account")
}

/// Refuses an account of an environment that is protected.
///
/// # Errors
/// `InvalidInput`.
pub fn check_protection(platform: &PlatformConfig, record: &Record) -> Result<(), StepError> {
    let Some(name) = record.identity().map(|identity| identity.environment) else { return Ok(()) };
    match platform.environments.get(&name) {
        Some(environment) if environment.offboarding.protected => Err(StepError::new(
            Fault::InvalidInput,
            format!("accounts of the environment {name} are protected from offboarding; nothing was changed"),
        )
        .hint(format!(
            "take `offboarding.protected` out of the environment {name} in platform.yaml and deploy, then ask again"
        ))),
        _ => Ok(()),
    }
}

/// Refuses an account with access that Berth cannot reach any more, because platform.yaml does not say where it is: access
/// ends before networks.
///
/// # Errors
/// `InvalidInput`, with what may be there.
pub fn check_reach(plan: &OffboardingPlan, is_removed: bool) -> Result<(), StepError> {
    let is_lost = |thing: &&Thing| match thing {
        Thing::SignIn { .. } => plan.sign_in.is_none(),
        other => other.place().is_some_and(|(_, at)| at.is_none()),
    };
    let lost: Vec<String> =
        plan.left_over.iter().map(|left| &left.thing).filter(is_lost).map(ToString::to_string).collect();
    if lost.is_empty() || is_removed {
        return Ok(());
    }
    let mut named: Vec<String> = lost.iter().take(NAMED_MAX).cloned().collect();
    let more = lost.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    let what = format!(
        "platform.yaml does not say any more where this is, so Berth cannot take it away: {}; nothing was changed",
        named.join(", ")
    );
    Err(StepError::new(Fault::InvalidInput, what).hint(
        "put its cluster, with `eks`, or identityCenter back into platform.yaml and deploy; or take it away by hand, then: \
         berth offboard ACCOUNT --yes --access-removed (of a transfer: berth transfer ACCOUNT --to … --old-access-removed)",
    ))
}

/// How many accounts may leave on this day (`2026-11-29`), and of how many: those that have something, or had when the day
/// began.
#[must_use]
pub fn allowed(platform: &PlatformConfig, records: &[Record], day: &str) -> (usize, usize) {
    let all = accounts_with_something(records, day).max(1);
    (platform.offboarding_guard.allowed(all), all)
}

/// The error of an account that is one too many on its day: the usual cause is a wrong unit, a wrong event, or a loop in a
/// script.
#[must_use]
pub fn too_many(platform: &PlatformConfig, (allowed, all): (usize, usize), left: usize) -> StepError {
    let guard = platform.offboarding_guard;
    let what = format!(
        "{left} of {all} accounts were taken away today, and the guard allows {allowed} (offboardingGuard: {} accounts, \
         {} %); nothing of this one was changed",
        guard.accounts_per_day, guard.percent_per_day
    );
    StepError::new(Fault::InvalidInput, what).hint(
        "look at why so many leave (`berth status --status offboarded`); if it is right, go on tomorrow (UTC), or raise \
         offboardingGuard in platform.yaml and deploy",
    )
}
