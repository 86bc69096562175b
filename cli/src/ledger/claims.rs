//! `berth ledger claims` and `berth ledger release`: which account is which environment of which tenant.

use berth_ledger::{Record, SignInRecord, Status};
use berth_tenancy::Claim;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    args::{ReleaseArgs, Target},
    outcome::{Exit, Problem},
    output, paint,
    table::{Cell, Table, since},
    target,
};

/// Lists every claim.
pub(super) async fn list(wanted: &Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    let claims = deployment.ledger.claims().await?;
    if output::is_data() {
        output::data(&claims.iter().map(|claim| json!(claim)).collect::<Value>());
        return Ok(Exit::Done);
    }
    let now = Timestamp::now();
    let mut table = Table::new(["TENANT", "ENVIRONMENT", "ACCOUNT", since()]).named_by("ACCOUNT");
    for Claim { tenant, environment, account_id, since } in &claims {
        let (tenant, environment) = (tenant.as_str().into(), environment.as_str().into());
        table.row([tenant, environment, account_id.as_str().into(), Cell::age(*since, now)]);
    }
    table.print();
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
        let text = format!("{account} is nobody\'s environment; nothing to release");
        output::done(&text, &json!({ "accountId": account, "released": null }));
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
    let text = format!("{}: {account} is not {identity} any more", paint::good("released"));
    output::done(&text, &json!({ "accountId": account, "released": identity.to_string() }));
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
    lines.extend(record.pod_identity().map(|thing| thing.to_string()));
    lines.extend(record.roles.iter().map(|role| format!("role {}", role.arn)));
    lines.extend(record.commit.iter().map(|commit| format!("its entry in {} of the GitOps repository", commit.path)));
    lines
}
