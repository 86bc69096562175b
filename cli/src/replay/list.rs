//! Everything that failed and can be run again, in one list, oldest first.

use std::collections::BTreeMap;

use aws_sdk_sfn::types::ExecutionStatus;
use aws_sdk_sqs::Client as Queues;
use berth_events::Failure;
use berth_ledger::{Listing, Record, Status};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    args::ReplayArgs,
    dlq::{self, DlqMessage, QUEUES},
    entry::{Entry, Filter},
};
use crate::{
    execution,
    outcome::{Exit, Problem},
    output, paint, status,
    table::{Cell, Table, since},
    target::Deployment,
};

/// Most accounts under way whose execution is looked at: their end may not have reached the ledger.
const UNDER_WAY_MAX: usize = 100;

/// How long an execution that was asked for may take to be there.
const START: SignedDuration = SignedDuration::from_mins(5);

/// Characters of a reason in the table.
const REASON_CHARS: usize = 90;

/// One line, and what it stands for.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) entry: Entry,
    pub(crate) what: What,
}

/// What a line stands for.
#[derive(Debug)]
pub(crate) enum What {
    /// An account whose newest execution failed.
    Account(Box<Record>),
    Message(DlqMessage),
}

#[derive(Debug, Default)]
pub(crate) struct List {
    pub(crate) items: Vec<Item>,
    /// Messages that somebody else was reading.
    pub(crate) hidden: u64,
}

impl List {
    /// The messages in it.
    pub(crate) fn messages(&self) -> Vec<&DlqMessage> {
        messages(&self.items)
    }
}

/// The messages among these.
pub(crate) fn messages(items: &[Item]) -> Vec<&DlqMessage> {
    let message = |item: &'_ Item| matches!(item.what, What::Message(_));
    let items = items.iter().filter(|item| message(item));
    items.filter_map(|item| if let What::Message(message) = &item.what { Some(message) } else { None }).collect()
}

/// `berth replay --list`.
pub(crate) async fn run(args: &ReplayArgs, deployment: &Deployment, queues: &Queues) -> Result<Exit, Problem> {
    let mut list = gather(deployment, queues, dlq::LIST_SECONDS).await?;
    dlq::put_back(queues, &list.messages()).await?;
    let filter = args.filters.filter();
    let all = list.items.len();
    list.items.retain(|item| filter.takes(&item.entry));
    if output::is_data() {
        let entries: Vec<&Entry> = list.items.iter().map(|item| &item.entry).collect();
        output::data(&json!(entries));
    } else {
        print(&list, all, &filter);
    }
    Ok(Exit::Done)
}

/// Reads the ledger and the dead-letter queues. Messages stay hidden from others for `seconds`, until they are put back.
pub(crate) async fn gather(deployment: &Deployment, queues: &Queues, seconds: i32) -> Result<List, Problem> {
    let records = readable(deployment.ledger.list().await?);
    let environment = |record: &Record| Some((record.account_id.clone(), record.environment.clone()?));
    let environments: BTreeMap<_, _> = records.iter().filter_map(environment).collect();
    let mut items = failed(deployment, records).await?;
    let mut hidden = 0;
    // All three at once: each ends with a call that waits.
    let [intake, commits, outcomes] = &QUEUES;
    let reads = tokio::join!(
        dlq::read(queues, intake, seconds),
        dlq::read(queues, commits, seconds),
        dlq::read(queues, outcomes, seconds)
    );
    for read in [reads.0?, reads.1?, reads.2?] {
        hidden += read.hidden;
        for message in read.messages {
            let entry = Entry::of_message(&message, &environments);
            items.push(Item { entry, what: What::Message(message) });
        }
    }
    items.sort_by(|a, b| (a.entry.since, &a.entry.id).cmp(&(b.entry.since, &b.entry.id)));
    Ok(List { items, hidden })
}

/// The records; those that cannot be read are named on standard error.
fn readable(listing: Listing) -> Vec<Record> {
    for item in &listing.unreadable {
        anstream::eprintln!("{} {}: {}", paint::bad("left out:"), item.key, status::why(item));
    }
    listing.records
}

/// Accounts whose newest execution failed, whether or not the ledger knows that already.
async fn failed(deployment: &Deployment, records: Vec<Record>) -> Result<Vec<Item>, Problem> {
    let (failed, others): (Vec<Record>, Vec<Record>) =
        records.into_iter().partition(|record| record.status == Status::Failed);
    let mut under_way: Vec<Record> =
        others.into_iter().filter(|record| matches!(record.status, Status::Requested | Status::Running)).collect();
    under_way.sort_by_key(|record| record.since);
    let mut found = failed;
    for mut record in under_way.into_iter().take(UNDER_WAY_MAX) {
        if let Some(failure) = unannounced(deployment, &record).await? {
            record.failure = Some(failure);
            found.push(record);
        }
    }
    let item = |record: Record| Item { entry: Entry::of_record(&record), what: What::Account(Box::new(record)) };
    Ok(found.into_iter().map(item).collect())
}

/// How an account that the ledger calls under way has failed; none when it is really under way.
async fn unannounced(deployment: &Deployment, record: &Record) -> Result<Option<Failure>, Problem> {
    let Some(arn) = &record.execution_arn else { return Ok(None) };
    let Some(described) = execution::describe(deployment, arn).await? else {
        let late = Timestamp::now().duration_since(record.since) > START;
        let lost = "its execution was asked for, and is not there";
        return Ok(late.then(|| Failure::new("", "NotStarted", lost, Some("run it again"))));
    };
    Ok(match described.status() {
        ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted => {
            Some(Failure::from_status(described.status().as_str(), described.error(), described.cause(), ""))
        }
        _ => None,
    })
}

fn print(list: &List, all: usize, filter: &Filter) {
    if list.items.is_empty() {
        anstream::println!("{}", nothing(all, filter));
    } else {
        let (mut table, now) = (
            Table::new(["KIND", "ID", "ACCOUNT", since(), "STATE", "FAULT", "REASON"]).named_by("ID"),
            Timestamp::now(),
        );
        for item in &list.items {
            table.row(line(&item.entry, now));
        }
        table.print();
        let hint = "berth replay show ID shows one; berth replay ID… or --all runs it again";
        output::aside(&paint::faint(hint));
    }
    if list.hidden > 0 {
        let note = format!("{} more messages are being read by somebody just now: look again later", list.hidden);
        output::aside(&paint::waiting(&note));
    }
}

/// Why there is nothing to show or to do.
pub(crate) fn nothing(all: usize, filter: &Filter) -> String {
    if all == 0 || filter.is_empty() {
        return "nothing failed: there is nothing to run again".to_owned();
    }
    format!("none of the {all} lines of the list fits the filters; berth replay shows them all")
}

fn line(entry: &Entry, now: Timestamp) -> [Cell; 7] {
    let Entry { kind, id, account_id, since, state, fault, reason, replays, .. } = entry;
    let reason: String = reason.lines().next().unwrap_or_default().chars().take(REASON_CHARS).collect();
    let again = if *replays > 0 { format!(" (moved back before: {replays})") } else { String::new() };
    let (kind, fault) = (kind.as_str().into(), Cell::painted(fault.as_str(), paint::bad));
    let account = Cell::or_none(account_id.as_ref());
    [kind, id.as_str().into(), account, Cell::age(*since, now), state.as_str().into(), fault, (reason + &again).into()]
}
