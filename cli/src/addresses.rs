//! `berth addresses`: the pools of addresses in the ledger, how full they are, and blocks that are given back.

use std::collections::BTreeMap;

use berth_config::{AddressSource, PlatformConfig};
use berth_ledger::{Pool, Rest, Status, usable};
use berth_tenancy::{AccountId, Mode, Region};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    args::{AddressesArgs, AddressesCommand, Target},
    follow,
    onboard::{self, Wish},
    outcome::{Exit, Problem},
    output,
    table::{Cell, Table},
    target::{self, Deployment},
};

/// What a plan says for a region without a VPC of Berth (`provision-vpc`).
const NO_VPC: &str = "create the VPC with ";

/// Shows the pools, or gives blocks back.
pub(crate) async fn run(args: &AddressesArgs, wanted: &Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    if let Some(AddressesCommand::Release { account, region, without_looking }) = &args.command {
        return release(&deployment, account, region, *without_looking).await;
    }
    let totals = args.platform.as_deref().map(PlatformConfig::load).transpose();
    let totals =
        totals.map_err(|why| Problem::bad_input(why, "correct it with `berth validate`"))?.map(|p| totals_of(&p));
    let pools = deployment.ledger.pools().await?;
    let now = Timestamp::now();
    if output::is_data() {
        let view = |(name, pool): (&String, &Pool)| json(name, pool, totals.as_ref(), now);
        output::data(&pools.iter().map(view).collect::<Value>());
    } else if pools.is_empty() {
        anstream::println!("no block was handed out by the ledger yet; IPAM's pools are in the AWS console");
    } else {
        let mut table = Table::new(["POOL", "SIZE", "#IN USE", "#RESTING", "#OF"]);
        for (name, pool) in &pools {
            let size = Cell::or_none(pool.prefix_length.map(|length| format!("/{length}")));
            let (used, resting) = fill(pool, now);
            let total = totals.as_ref().and_then(|totals| totals.get(name)).map_or("?".to_owned(), u64::to_string);
            table.row([name.as_str().into(), size, used.to_string().into(), resting.to_string().into(), total.into()]);
        }
        table.print();
    }
    Ok(Exit::Done)
}

/// Blocks in use, and released ones that still rest.
fn fill(pool: &Pool, now: Timestamp) -> (usize, usize) {
    let used = pool.holders.values().filter(|holding| holding.released.is_none()).count();
    let rested = pool.holders.values().filter(|holding| holding.has_rested(now)).count();
    (used, pool.holders.len().saturating_sub(used + rested))
}

fn json(name: &str, pool: &Pool, totals: Option<&BTreeMap<String, u64>>, now: Timestamp) -> Value {
    let (used, resting) = fill(pool, now);
    let blocks = pool.holders.iter().map(|(block, holding)| {
        let free_at = holding
            .released
            .and_then(|released| released.checked_add(SignedDuration::from_secs(holding.rest_seconds)).ok());
        json!({
            "cidr": block.to_string(), "owner": holding.owner, "released": holding.released, "freeAt": free_at,
        })
    });
    json!({
        "pool": name, "prefixLength": pool.prefix_length, "used": used, "resting": resting,
        "total": totals.and_then(|totals| totals.get(name)), "blocks": blocks.collect::<Value>(),
    })
}

/// How many blocks each ledger pool of platform.yaml has.
fn totals_of(platform: &PlatformConfig) -> BTreeMap<String, u64> {
    let regions = platform.environments.values().flat_map(|environment| environment.regions.values());
    let pools = regions.filter_map(|region| match &region.addresses {
        AddressSource::Ledger { pool, supernets, excluded, prefix_length } => {
            Some((pool.clone(), usable(supernets, excluded, *prefix_length)))
        }
        AddressSource::Ipam { .. } => None,
    });
    pools.collect()
}

async fn release(
    deployment: &Deployment,
    account: &AccountId,
    region: &Region,
    without_looking: bool,
) -> Result<Exit, Problem> {
    let record = deployment.ledger.get(account).await?;
    if record.is_some_and(|record| matches!(record.status, Status::Requested | Status::Running | Status::Offboarding)) {
        let what = format!("{account} is being onboarded now");
        return Err(Problem::failed(what, "wait for its end, then see whether its block is still to be released"));
    }
    if !without_looking {
        look(deployment, account, region).await?;
    }
    let rest = if without_looking { Rest::Unseen } else { Rest::VpcGone };
    let released = deployment.ledger.release_blocks(account, region, rest, Timestamp::now()).await?;
    if released.is_empty() {
        let what = format!("{account} has no block in {region} that could be released");
        return Err(Problem::failed(what, "berth addresses --json lists who has which block"));
    }
    let rests = match rest {
        Rest::VpcGone => format!("{} minutes", rest.seconds() / 60),
        Rest::Unseen => {
            format!("{} days, because AWS keeps the VPC of a closed account for 90", rest.seconds() / 86_400)
        }
    };
    for (pool, block) in &released {
        output::say(&format!("{block} of pool {pool} rests for {rests}; then it is free"));
    }
    if output::is_data() {
        let view = |(pool, block)| json!({ "pool": pool, "cidr": block, "restSeconds": rest.seconds() });
        output::data(&released.iter().map(|(pool, block)| view((pool.clone(), block.to_string()))).collect::<Value>());
    }
    Ok(Exit::Done)
}

/// Plans the onboarding: only a run that would create the VPC has seen that there is none.
async fn look(deployment: &Deployment, account: &AccountId, region: &Region) -> Result<(), Problem> {
    let execution = onboard::start(deployment, &Wish::of(account, Mode::Plan)).await?;
    let ended = follow::to_the_end(deployment, &execution, false).await?;
    match ended.region_changes(region) {
        Some(changes) if changes.iter().any(|change| change.starts_with(NO_VPC)) => Ok(()),
        Some(_) => Err(Problem::failed(
            format!("a VPC of Berth is in {account}, {region}: its block is in use"),
            "delete the VPC first, with everything in it",
        )),
        None => Err(Problem::failed(
            format!("nobody could look into {account}, {region}: {execution} planned nothing there"),
            "when the account is closed, or its network is known to be gone: --without-looking",
        )),
    }
}
