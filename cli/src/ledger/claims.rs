//! `berth ledger claims` and `berth ledger release`: which account is which environment of which tenant.

use berth_ledger::{Record, SignInRecord, Status};
use berth_tenancy::Claim;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    args::{ClaimsArgs, ReleaseArgs, Target},
    outcome::{Exit, Problem},
    paint, target,
};

/// Lists every claim.
pub(super) async fn list(args: &ClaimsArgs, wanted: &Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    let claims = deployment.ledger.claims().await?;
    if args.json {
        anstream::println!("{}", claims.iter().map(|claim| json!(claim)).collect::<Value>());
        return Ok(Exit::Done);
    }
    anstream::println!("{}", paint::strong("TENANT                ENVIRONMENT  ACCOUNT       SINCE"));
    for Claim { tenant, environment, account_id, since } in &claims {
        anstream::println!("{:<20}  {:<11}  {account_id}  {since}", tenant.as_str(), environment.as_str());
    }
    Ok(Exit::Done)
}

/// Lets the ledger forget who an account is, so that another one can take its place.
pub(super) async fn release(args: &ReleaseArgs, wanted: &Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    let ReleaseArgs { account, removed } = args;
    let record = deployment.ledger.get(account).await?.ok_or_else(|| {
        Problem::failed(format!("the ledger does not know account {account}"), "berth ledger claims lists who has what")
    })?;
    let Some(identity) = record.identity() else {
        anstream::println!("{account} is nobody\'s environment; nothing to release");
        return Ok(Exit::Done);
    };
    if matches!(record.status, Status::Requested | Status::Running | Status::Offboarding) {
        let what = format!("{account} is {}, so it keeps {identity}", record.status.name());
        return Err(Problem::failed(what, format!("wait for its end: berth status {account} --watch")));
    }
    let there = still_there(&record);
    if !there.is_empty() && !removed {
        for line in &there {
            anstream::println!("  {line}");
        }
        let what = format!("{account} is {identity}, and what is listed was there when it was last onboarded");
        let hint =
            "remove it, then say so: --removed. Whoever is the tenant\'s next account shares its files and groups";
        return Err(Problem::failed(what, hint));
    }
    if !deployment.ledger.release_identity(&record, Timestamp::now()).await? {
        let what = format!("{account} changed while it was released; nothing was written");
        return Err(Problem::failed(what, "look at it, and try again"));
    }
    anstream::println!("{}: {account} is not {identity} any more", paint::good("released"));
    Ok(Exit::Done)
}

/// What the ledger knows to have been made because of who the account is.
fn still_there(record: &Record) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for SignInRecord { group, permission_set } in &record.sign_in {
        lines.push(format!("sign-in of {group} with {permission_set}"));
    }
    for access in &record.cluster_access {
        for entry in access.entries.iter().filter(|entry| !entry.groups.is_empty()) {
            lines.push(format!("access entry of {} on {}", entry.role, access.cluster));
        }
    }
    lines.extend(record.roles.iter().map(|role| format!("role {}", role.arn)));
    lines.extend(record.commit.iter().map(|commit| format!("its entry in {} of the GitOps repository", commit.path)));
    lines
}
