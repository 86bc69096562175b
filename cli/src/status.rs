//! `berth status`: where accounts are, what went wrong, and what to do.

use berth_ledger::{Record, RegionRecord, Status};
use serde_json::{Value, json};

use crate::{
    args::{StatusArgs, Target},
    outcome::{Exit, Problem},
    paint, target,
};

/// Shows one account or all of them. Exit 1 when the account that was asked about failed.
pub(crate) async fn run(args: &StatusArgs, wanted: Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    let Some(account) = &args.account else {
        let records = deployment.ledger.list().await?;
        if args.json {
            anstream::println!("{}", records.iter().map(view).collect::<Value>());
        } else {
            table(&records);
        }
        return Ok(Exit::Done);
    };
    let record = deployment.ledger.get(account).await?.ok_or_else(|| {
        Problem::failed(
            format!("the ledger does not know account {account}"),
            format!("berth onboard {account} starts its onboarding"),
        )
    })?;
    if args.json {
        anstream::println!("{}", view(&record));
    } else {
        details(&record);
    }
    Ok(if record.status == Status::Failed { Exit::Failed } else { Exit::Done })
}

/// The record as scripts read it: every field is always there (design.md §9).
pub(crate) fn view(record: &Record) -> Value {
    json!({
        "accountId": record.account_id,
        "accountName": record.account_name,
        "tenant": record.tenant,
        "environment": record.environment,
        "status": record.status,
        "since": record.since,
        "generation": record.generation,
        "executionArn": record.execution_arn,
        "reason": record.reason,
        "failure": record.failure,
        "regions": record.regions,
        "roles": record.roles,
        "defaultVpcs": record.default_vpcs,
        "commit": record.commit,
    })
}

fn painted(status: Status) -> String {
    let name = format!("{:<10}", status.name());
    match status {
        Status::Onboarded => paint::good(&name),
        Status::Failed => paint::bad(&name),
        Status::Requested | Status::Running => paint::waiting(&name),
        Status::Ignored => paint::faint(&name),
    }
}

fn table(records: &[Record]) {
    if records.is_empty() {
        anstream::println!("the ledger knows no account yet");
        return;
    }
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    anstream::println!("{}", paint::strong("ACCOUNT       STATUS      ENVIRONMENT  TENANT                SINCE"));
    for record in records {
        let environment = dash(record.environment.as_ref().map(ToString::to_string));
        let tenant = dash(record.tenant.as_ref().map(ToString::to_string));
        let status = painted(record.status);
        anstream::println!("{}  {status}  {environment:<11}  {tenant:<20}  {}", record.account_id, record.since);
    }
}

/// One account, for a person.
pub(crate) fn details(record: &Record) {
    let tenant = record.tenant.as_ref().map(|tenant| format!(" {tenant}")).unwrap_or_default();
    let environment = record.environment.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    anstream::println!("{}{tenant}{environment}", paint::strong(record.account_id.as_str()));
    anstream::println!("  status     {} since {}", painted(record.status).trim_end(), record.since);
    if let Some(reason) = &record.reason {
        anstream::println!("  reason     {reason}");
    }
    if let Some(failure) = &record.failure {
        anstream::println!("  failed in  {}: {}: {}", failure.state, paint::bad(&failure.fault), failure.message);
        anstream::println!("  next       {}", failure.hint);
    }
    for (region, network) in &record.regions {
        network_details(region.as_str(), network);
    }
    for role in &record.roles {
        let access = role.access.map_or("", |access| access.as_str());
        anstream::println!("  role {:<9} {}  {access}", role.name, role.arn);
    }
    for left in &record.default_vpcs {
        let vpc = left.vpc_id.as_deref().unwrap_or("not known");
        anstream::println!("  {:<14} {} {vpc}: {}", left.region, paint::waiting("default VPC stays:"), left.reason);
    }
    if let Some(commit) = &record.commit {
        anstream::println!("  commit     {} {}", commit.sha.chars().take(12).collect::<String>(), commit.path);
    }
    if let Some(execution) = &record.execution_arn {
        anstream::println!("  execution  {execution}");
    }
}

/// One region of an account: what is there, the proof of isolation, and what a person should know.
fn network_details(region: &str, network: &RegionRecord) {
    anstream::println!("  {region:<14} {}  {}  {}", network.vpc_id, network.cidr, network.attachment_id);
    if let Some(proof) = network.isolation.as_ref().and_then(isolation) {
        anstream::println!("  {:<14} {} {proof}", "", paint::good("isolated:"));
    }
    if !network.duplicate_vpcs.is_empty() {
        let ids = network.duplicate_vpcs.join(", ");
        anstream::println!("  {region:<14} {} {ids}: remove it once nothing uses it", paint::bad("duplicate VPC:"));
    }
    for change in &network.planned_changes {
        anstream::println!("  {:<14} {} {}", "", paint::waiting("planned change:"), change.what);
        anstream::println!("  {:<14} {}", "", paint::faint(&format!("Next: {}", change.next)));
    }
}

/// The proof of isolation in one line; none for a record of a version that proved it in another form.
fn isolation(proof: &Value) -> Option<String> {
    let text = |name: &str| proof.get(name).and_then(Value::as_str);
    let list = |value: &Value| {
        let names: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    let routes = proof.get("spokeRoutes")?;
    let (count, lead_to) = (routes.get("count")?.as_u64()?, list(routes.get("leadTo")?));
    let learned_by = list(proof.get("propagatedTo")?);
    let table = text("associatedWith")?;
    Some(format!("associated with {table} ({count} routes, to {lead_to}), learned by {learned_by}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_proof_of_isolation_is_one_line() {
        let proof = json!({
            "spokeRouteTable": "tgw-rtb-1", "associatedWith": "tgw-rtb-1", "propagatedTo": ["tgw-rtb-2"],
            "spokeRoutes": { "count": 2, "leadTo": ["tgw-attach-9"], "digest": "00", "first": [] },
            "defaultAssociation": false, "defaultPropagation": false,
        });
        assert_eq!(
            isolation(&proof).unwrap(),
            "associated with tgw-rtb-1 (2 routes, to tgw-attach-9), learned by tgw-rtb-2"
        );
        assert_eq!(isolation(&json!({ "spokeRoutes": [] })), None);
    }
}
