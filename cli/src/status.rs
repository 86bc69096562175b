//! `berth status`: where accounts are, what they wait for, what went wrong, and what to do.

mod approval;
pub(crate) mod args;
mod drift;
mod leaving;
mod listed;

use std::collections::BTreeSet;

use berth_events::{
    Failure,
    outcome::{StillThere, run_again_command},
};
use berth_ledger::{
    Listing, PodIdentityRecord, Readiness, ReadinessRecord, Record, RegionRecord, SignInRecord, Status, Unreadable,
};
use berth_tenancy::AccountId;
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use crate::{
    args::Target,
    execution,
    outcome::{Exit, Problem},
    output, paint,
    position::{self, Position},
    target, watch,
};

pub(crate) use self::{
    args::StatusArgs,
    listed::{chosen, table},
};

/// What stands in place of the status of a record that cannot be read.
const UNREADABLE: &str = "unreadable";

/// Shows one account or all of them. Exit 1 when the account that was asked about failed, or one cannot be read.
pub(crate) async fn run(args: &StatusArgs, wanted: &Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    if args.watch {
        return watch::run(args, &deployment).await;
    }
    let Some(account) = &args.account else {
        let Listing { records, unreadable } = deployment.ledger.list().await?;
        let records = chosen(args, records);
        let redriven = execution::redriven(&deployment, &records).await?;
        if output::is_data() {
            let rows = records.iter().map(|record| view_listed(record, &redriven));
            output::data(&rows.chain(unreadable.iter().map(view_unreadable)).collect::<Value>());
        } else {
            table(&records, &unreadable, &redriven, Timestamp::now());
        }
        return Ok(if unreadable.is_empty() { Exit::Done } else { Exit::Failed });
    };
    let record = deployment.ledger.get(account).await?.ok_or_else(|| {
        Problem::failed(
            format!("the ledger does not know account {account}"),
            format!("berth onboard {account} starts its onboarding"),
        )
    })?;
    let position = position::of(&deployment, &record).await?;
    // A redriven execution waits again, while the ledger still says how it failed.
    let is_running = position.as_ref().map_or(record.status == Status::Running, Position::is_running);
    let waits_for = deployment.ledger.waits_for(account).await?.filter(|_| is_running);
    if output::is_data() {
        let mut view = view_now(&record, position.as_ref());
        if let Some(fields) = view.as_object_mut() {
            let merge = waits_for.map(|(url, since)| json!({ "merge": url, "since": since }));
            fields.insert("waitsFor".to_owned(), json!(merge));
        }
        output::data(&view);
    } else {
        print(&record, position.as_ref(), Timestamp::now());
        if let Some((url, since)) = waits_for {
            anstream::println!("  waits for  the merge of {url} since {since}");
        }
        approval::changes(&record, &deployment).await?;
    }
    let is_past = position.as_ref().is_some_and(Position::is_past_failure);
    Ok(if has_failed(&record) && !is_past { Exit::Failed } else { Exit::Done })
}

/// Whether the ledger says that the account's newest execution failed.
pub(crate) fn has_failed(record: &Record) -> bool {
    matches!(record.status, Status::Failed | Status::OffboardingFailed)
}

/// How a look at an account ends a watch; none while something is under way.
pub(crate) fn ended(record: &Record, position: Option<&Position>) -> Option<Exit> {
    match record.status {
        _ if position.is_some_and(Position::is_running) => None,
        Status::Requested | Status::Running | Status::Offboarding => None,
        Status::Failed | Status::OffboardingFailed if position.is_some_and(Position::is_past_failure) => None,
        Status::Failed | Status::OffboardingFailed => Some(Exit::Failed),
        Status::Onboarded | Status::Ignored | Status::Offboarded => Some(Exit::Done),
    }
}

/// The record as scripts read it: every field is always there (design.md §9).
pub(crate) fn view(record: &Record) -> Value {
    json!({
        "accountId": record.account_id,
        "accountName": record.account_name,
        "tenant": record.tenant,
        "environment": record.environment,
        "identity": record.identity(),
        "status": record.status,
        "since": record.since,
        "onboardedSince": record.onboarded_since,
        "generation": record.generation,
        "executionArn": record.execution_arn,
        "reason": record.reason,
        "failure": record.failure,
        "regions": record.regions,
        "roles": record.roles,
        "defaultVpcs": record.default_vpcs,
        "signIn": record.sign_in,
        "clusterAccess": record.cluster_access,
        "readiness": record.readiness,
        "commit": record.commit,
        "changes": record.told_changes(),
        "changesAreCut": record.journal_is_cut,
        "leftOver": still_there(record),
        "drift": record.drift,
        "offboarding": record.offboarding,
        "part": record.part,
        "suspended": record.suspended,
        "accessRemoved": record.access_removed,
        "approval": record.approval,
        "offboarded": record.offboarded,
    })
}

/// A record of a list as scripts read it: whether it failed before a redrive, which runs.
pub(crate) fn view_listed(record: &Record, redriven: &BTreeSet<AccountId>) -> Value {
    let mut value = view(record);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("failedBeforeRedrive".to_owned(), json!(redriven.contains(&record.account_id)));
    }
    value
}

/// What the account was given and nobody wants any more: of an account that is not Berth's any more, everything.
fn still_there(record: &Record) -> Vec<StillThere> {
    let account = &record.account_id;
    match record.status {
        Status::Ignored => record.given().iter().map(|given| StillThere::of_leaving(account, &given.thing)).collect(),
        _ if record.offboarding.is_some() => {
            record.left_over.iter().map(|left| StillThere::of_leaving(account, &left.thing)).collect()
        }
        _ => record.left_over.iter().map(|left| StillThere::of(account, left)).collect(),
    }
}

/// An item that cannot be read, as scripts read it. No filter hides it: it may be any account.
pub(crate) fn view_unreadable(item: &Unreadable) -> Value {
    json!({ "accountId": item.account_id, "status": UNREADABLE, "key": item.key, "error": why(item) })
}

/// Why an item cannot be read.
pub(crate) fn why(item: &Unreadable) -> String {
    let causes = item.error.chain().join(": ");
    if causes.is_empty() { item.error.message.clone() } else { format!("{}: {causes}", item.error.message) }
}

/// The same, with where the account is now and the command that runs it again.
pub(crate) fn view_now(record: &Record, position: Option<&Position>) -> Value {
    let mut value = view(record);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("execution".to_owned(), json!(position));
        let is_old = record.failure.is_some() && position.is_some_and(Position::is_past_failure);
        fields.insert("failedBeforeRedrive".to_owned(), json!(is_old));
        let again = run_again(record, position);
        fields.insert("runAgain".to_owned(), json!(again));
    }
    value
}

/// The command that runs a failed account again; none for one that is well or on its way.
fn run_again(record: &Record, position: Option<&Position>) -> Option<String> {
    let has_stopped = match record.status {
        Status::Failed => !position.is_some_and(Position::is_past_failure),
        // Who it is to be, whoever asked for its transfer knows.
        Status::Requested if record.access_removed.is_some() => false,
        // The end of its execution is not in the ledger yet.
        Status::Requested | Status::Running => position.is_some_and(|position| !position.is_running()),
        // `berth offboard` goes on with what is left.
        Status::Onboarded | Status::Ignored | Status::Offboarding | Status::OffboardingFailed | Status::Offboarded => {
            false
        }
    };
    has_stopped.then(|| run_again_command(&record.account_id))
}

fn style(status: Status) -> fn(&str) -> String {
    match status {
        Status::Onboarded => paint::good,
        Status::Failed | Status::OffboardingFailed => paint::bad,
        Status::Requested | Status::Running | Status::Offboarding => paint::waiting,
        Status::Ignored | Status::Offboarded => paint::faint,
    }
}

/// One account, for a person, as the ledger knows it.
pub(crate) fn details(record: &Record) {
    print(record, None, Timestamp::UNIX_EPOCH);
}

/// One account, for a person. `now` is the time of the look.
pub(crate) fn print(record: &Record, position: Option<&Position>, now: Timestamp) {
    let tenant = record.tenant.as_ref().map(|tenant| format!(" {tenant}")).unwrap_or_default();
    let environment = record.environment.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    anstream::println!("{}{tenant}{environment}", paint::strong(record.account_id.as_str()));
    anstream::println!(
        "  status     {} since {}",
        style(record.status)(&format!("{:<10}", record.status.name())),
        record.shown_since()
    );
    if record.shown_since() != record.since {
        anstream::println!("  last run   {}", record.since);
    }
    if let Some(position) = position {
        print_position(record, position, now);
    }
    if let Some(reason) = &record.reason {
        anstream::println!("  reason     {reason}");
    }
    approval::print(record);
    print_still_there(record);
    drift::print(record);
    let is_past_failure = position.is_some_and(Position::is_past_failure);
    leaving::print(record, is_past_failure);
    print_failure(record, is_past_failure);
    if let Some(command) = run_again(record, position) {
        anstream::println!("  run again  {command}");
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
    for SignInRecord { group, permission_set } in &record.sign_in {
        anstream::println!("  sign-in    {group} with {permission_set}");
    }
    for access in &record.cluster_access {
        let groups: Vec<&str> = access.entries.iter().flat_map(|entry| &entry.groups).map(String::as_str).collect();
        anstream::println!("  cluster    {} as {}", access.cluster, groups.join(", "));
        for PodIdentityRecord { pods, role, of_others } in &access.pod_identity {
            let whose = if *of_others { "  (an association of somebody else)" } else { "" };
            anstream::println!("  pods       {pods} on {} as {role}{whose}", access.cluster);
        }
        for role in &access.retired {
            anstream::println!("  retired    access entry of {role}, without groups: delete it");
        }
    }
    for ReadinessRecord { cluster, state, message } in &record.readiness {
        let state = match state {
            Readiness::Ready => paint::good("Ready"),
            Readiness::Gone => paint::good("gone"),
            Readiness::Unknown => paint::waiting("unknown"),
        };
        anstream::println!("  tenant     {state} on {cluster}: {message}");
    }
    if let Some(commit) = &record.commit {
        anstream::println!("  commit     {} {}", commit.sha.chars().take(12).collect::<String>(), commit.path);
    }
    if let Some(execution) = &record.execution_arn {
        anstream::println!("  execution  {execution}");
    }
    print_changes(record);
}

/// What went wrong, and what to do. The ledger keeps the failure of an execution that was redriven until it is told of its
/// second end: it is no advice any more.
fn print_failure(record: &Record, is_past: bool) {
    let Some(Failure { state, fault, message, hint }) = &record.failure else { return };
    if is_past {
        let before = |text: String| anstream::println!("  {}", paint::faint(&format!("before the redrive {text}")));
        before(format!("it failed in {state}: {fault}: {message}"));
        before(format!("the advice was: {hint}"));
        return;
    }
    anstream::println!("  failed in  {state}: {}: {message}", paint::bad(fault));
    anstream::println!("  next       {hint}");
}

/// Every change of its newest run.
fn print_changes(record: &Record) {
    let changes = record.told_changes();
    // A record of an earlier version has no journal.
    if changes.is_empty() && record.status == Status::Onboarded && record.inventory.is_some() {
        anstream::println!("  changes    nothing had to change");
    }
    for change in changes {
        anstream::println!("  changed    {change}");
    }
    if record.journal_is_cut {
        anstream::println!(
            "  changed    {}",
            paint::waiting("more than the ledger keeps: the functions' logs have all")
        );
    }
}

/// What is there and nobody wants any more, each with what it costs and the command that removes it.
fn print_still_there(record: &Record) {
    let (still_there, is_ignored) = (still_there(record), record.status == Status::Ignored);
    for left in &still_there {
        let label = if is_ignored { "still there" } else { "left over" };
        anstream::println!("  {label:<10} {}: {}", paint::bad(&left.to_string()), left.next());
    }
    if is_ignored && !still_there.is_empty() {
        let text =
            "what was made is not taken away: offboard it (docs/offboarding.md), or undo what made it somebody else's";
        anstream::println!("  next       {text}");
    }
}

/// One region of an account: what is there, the proof of isolation, and what a person should know.
fn network_details(region: &str, network: &RegionRecord) {
    anstream::println!("  {region:<14} {}  {}  {}", network.vpc_id, network.cidr, network.attachment_id);
    if let Some(proof) = network.isolation.as_ref().and_then(isolation) {
        let as_of = paint::good(&as_of(network.isolation.as_ref()));
        anstream::println!("  {:<14} {as_of} {proof}", "");
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

/// What is shown is what was true then: nobody knows what was changed since.
fn as_of(proof: Option<&Value>) -> String {
    match proof.and_then(|proof| proof.get("provenAt")).and_then(Value::as_str) {
        Some(at) => {
            let second = at.parse::<Timestamp>().ok().and_then(|at| at.round(Unit::Second).ok());
            format!("isolated as of {}:", second.map_or_else(|| at.to_owned(), |second| second.to_string()))
        }
        None => "isolated when it was last onboarded:".to_owned(),
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

/// Where its execution is, and what it waits for.
fn print_position(record: &Record, position: &Position, now: Timestamp) {
    if !position.is_running() {
        if !has_failed(record) || position.is_past_failure() {
            let text = format!("its execution has ended ({}), and the ledger does not know yet", position.status);
            anstream::println!("  now        {}", paint::waiting(&text));
        }
        return;
    }
    if has_failed(record) {
        anstream::println!("  now        {}", paint::waiting("it was redriven, and is running again"));
    }
    for open in &position.now {
        let region = open.region.as_ref().map(|region| format!(" {region}")).unwrap_or_default();
        let seconds = now.duration_since(open.since).as_secs().max(0);
        anstream::println!("  now        {}{region} since {} ({seconds} s)", open.state, open.since);
        if let Some(waits) = &open.waits_for {
            let times = if waits.times > 1 { format!(", {} times", waits.times) } else { String::new() };
            let text = format!("{} ({}{times})", waits.message, waits.fault);
            anstream::println!("  waits for  {}", paint::waiting(&text));
        } else if ["CommitTenant", "SuspendTenant", "RemoveTenant"].contains(&open.state.as_str()) {
            anstream::println!("  waits for  its commit, which many tenants share");
        } else if open.state == "CheckTenant" {
            anstream::println!("  waits for  its tenant's file, which is asked before anything is made");
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn record(status: &str) -> Record {
        serde_json::from_value(json!({
            "accountId": "111122223333", "status": status, "generation": 1, "since": "2026-11-01T00:00:00Z",
            "environment": "dev",
        }))
        .unwrap()
    }

    fn position(status: &str) -> Position {
        Position { status: status.to_owned(), redrives: 0, now: Vec::new() }
    }

    #[test]
    fn a_watch_ends_with_the_account_and_not_while_a_redrive_runs() {
        assert_eq!(ended(&record("onboarded"), None), Some(Exit::Done));
        assert_eq!(ended(&record("ignored"), None), Some(Exit::Done));
        assert_eq!(ended(&record("failed"), Some(&position("FAILED"))), Some(Exit::Failed));
        assert_eq!(ended(&record("failed"), Some(&position("RUNNING"))), None);
        assert_eq!(ended(&record("failed"), Some(&position("SUCCEEDED"))), None, "the ledger does not know yet");
        assert_eq!(ended(&record("running"), Some(&position("FAILED"))), None);
        assert_eq!(ended(&record("requested"), None), None);
    }

    #[test]
    fn the_command_to_run_it_again_is_there_exactly_when_it_has_stopped() {
        let command = Some("berth replay 111122223333".to_owned());
        assert_eq!(run_again(&record("failed"), None), command);
        assert_eq!(run_again(&record("failed"), Some(&position("RUNNING"))), None);
        assert_eq!(run_again(&record("failed"), Some(&position("SUCCEEDED"))), None);
        assert_eq!(run_again(&record("running"), Some(&position("TIMED_OUT"))), command);
        assert_eq!(run_again(&record("running"), Some(&position("RUNNING"))), None);
        assert_eq!(run_again(&record("onboarded"), None), None);
    }

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
        assert_eq!(as_of(Some(&proof)), "isolated when it was last onboarded:");
        let timed = json!({ "provenAt": "2026-11-29T08:00:00.086319754Z" });
        assert_eq!(as_of(Some(&timed)), "isolated as of 2026-11-29T08:00:00Z:");
    }
}
