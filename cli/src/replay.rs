//! `berth replay`: lists what failed, shows one, and runs one, some or all of it again.

mod again;
mod archive;
pub(crate) mod args;
mod delete;
mod dlq;
pub(crate) mod entry;
mod list;
mod show;

use aws_sdk_sqs::Client as Queues;
use berth_tenancy::AccountId;
use serde_json::{Value, json};

use self::{
    again::{ReplayOutcome, Replayed},
    args::{ReplayArgs, ReplayCommand},
    entry::Filter,
    list::Item,
};
use crate::{
    args::Target,
    follow,
    outcome::{Exit, Problem},
    output, paint,
    target::{self, Deployment},
};

/// Lists, shows or runs again (boxed: each future is large). Exit 1 when something could not be run again, or failed again while it was waited for.
pub(crate) async fn run(args: &ReplayArgs, wanted: &Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    let queues = Queues::new(&deployment.config);
    match &args.command {
        Some(ReplayCommand::Show(args)) => return Box::pin(show::run(args, &deployment, &queues)).await,
        Some(ReplayCommand::Delete(args)) => return Box::pin(delete::run(args, &deployment, &queues)).await,
        None => {}
    }
    if let (true, Some(from)) = (args.archive, args.from) {
        return archive::run(args, from, &deployment, &queues).await;
    }
    if args.all || !args.ids.is_empty() {
        return Box::pin(again(args, &deployment, &queues)).await;
    }
    Box::pin(list::run(args, &deployment, &queues)).await
}

/// Runs the chosen lines again, oldest first.
async fn again(args: &ReplayArgs, deployment: &Deployment, queues: &Queues) -> Result<Exit, Problem> {
    let list = list::gather(deployment, queues, dlq::MOVE_SECONDS).await?;
    let (filter, all) = (args.filters.filter(), list.items.len());
    let chosen = choose(list.items, &args.ids, &filter);
    let (chosen, others) = match chosen {
        Ok(chosen) => chosen,
        Err((error, items)) => {
            dlq::put_back(queues, &list::messages(&items)).await?;
            return Err(not_chosen(deployment, error).await?);
        }
    };
    dlq::put_back(queues, &list::messages(&others)).await?;
    if chosen.is_empty() {
        if output::is_data() {
            output::data(&json!([]));
        } else {
            anstream::println!("{}", list::nothing(all, &filter));
        }
        return Ok(if args.all { Exit::Done } else { Exit::Failed });
    }
    let mut done = Vec::new();
    for (index, item) in chosen.iter().enumerate() {
        let replayed = again::replay(deployment, queues, item, args.new).await;
        if !output::is_data() {
            anstream::println!("{}", line(&replayed, index + 1, chosen.len()));
        }
        done.push(replayed);
    }
    let results = if args.wait { wait(deployment, &mut done).await? } else { Results::default() };
    if output::is_data() {
        output::data(&results.json(&done));
    }
    let failed = done.iter().any(|replayed| replayed.outcome == ReplayOutcome::Failed) || results.failed;
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// What is wrong with a selection.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SelectionError {
    /// The id names nothing of the list.
    NotFound(String),
    /// The id names several messages.
    Ambiguous(String),
}

/// The chosen items and the others; or what is wrong with an id, and all items.
type Choice = Result<(Vec<Item>, Vec<Item>), (SelectionError, Vec<Item>)>;

/// Divides the list: `ids` name lines, none names all; the filter narrows both. Pure.
fn choose(items: Vec<Item>, ids: &[String], filter: &Filter) -> Choice {
    for id in ids {
        let named = items.iter().filter(|item| item.entry.is_named(id));
        let error = match named.count() {
            0 => Some(SelectionError::NotFound(id.clone())),
            1 => None,
            _ if id.parse::<AccountId>().is_ok() => None,
            _ => Some(SelectionError::Ambiguous(id.clone())),
        };
        if let Some(error) = error {
            return Err((error, items));
        }
    }
    let named = |item: &Item| ids.is_empty() || ids.iter().any(|id| item.entry.is_named(id));
    Ok(items.into_iter().partition(|item| named(item) && filter.takes(&item.entry)))
}

/// The error of a selection that fits nothing, with what the ledger says of an account.
async fn not_chosen(deployment: &Deployment, error: SelectionError) -> Result<Problem, Problem> {
    let id = match error {
        SelectionError::NotFound(id) => id,
        SelectionError::Ambiguous(id) => {
            return Ok(Problem::bad_input(format!("{id} begins the ids of several messages"), "write more of the id"));
        }
    };
    let hint = "berth replay lists what can be run again";
    let Ok(account) = id.parse::<AccountId>() else {
        return Ok(Problem::failed(format!("nothing that failed has the id {id}"), hint));
    };
    let onboard = format!("berth onboard {account} starts an onboarding all the same; it is always safe");
    Ok(match deployment.ledger.get(&account).await? {
        None => Problem::failed(format!("the ledger does not know account {account}"), onboard),
        Some(record) => {
            let status = record.status.name();
            Problem::failed(
                format!("nothing of account {account} failed: it is {status} since {:.0}", record.since),
                onboard,
            )
        }
    })
}

fn line(replayed: &Replayed, number: usize, of: usize) -> String {
    let Replayed { kind, id, outcome, text, execution_arn, .. } = replayed;
    let word = match outcome {
        ReplayOutcome::Redriven => paint::good("redriven"),
        ReplayOutcome::Started => paint::good("started"),
        ReplayOutcome::Moved => paint::good("moved"),
        ReplayOutcome::Nothing => paint::faint("nothing to do"),
        ReplayOutcome::Failed => paint::bad("not run again"),
    };
    let count = if of > 1 { paint::faint(&format!("{number}/{of} ")) } else { String::new() };
    let arn = match (outcome, execution_arn) {
        (ReplayOutcome::Redriven | ReplayOutcome::Started, Some(arn)) => format!("\n  {}", paint::faint(arn)),
        _ => String::new(),
    };
    format!("{count}{} {id} {word}: {text}{arn}", kind.as_str())
}

/// How what runs again has ended.
#[derive(Debug, Default)]
struct Results {
    ended: Vec<(String, Value)>,
    failed: bool,
}

impl Results {
    /// The lines with how they ended.
    fn json(&self, done: &[Replayed]) -> Value {
        let with_end = |replayed: &Replayed| {
            let mut value = json!(replayed);
            let ended = self.ended.iter().find(|(arn, _)| replayed.execution_arn.as_ref() == Some(arn));
            if let (Some((_, ended)), Some(fields)) = (ended, value.as_object_mut()) {
                fields.insert("ended".to_owned(), ended.clone());
            }
            value
        };
        done.iter().map(with_end).collect()
    }
}

/// Follows every execution that runs again to its end; one alone with its progress.
async fn wait(deployment: &Deployment, done: &mut [Replayed]) -> Result<Results, Problem> {
    let mut results = Results::default();
    let runs = |replayed: &&mut Replayed| replayed.execution_arn.is_some() && replayed.outcome != ReplayOutcome::Failed;
    let running: Vec<&mut Replayed> = done.iter_mut().filter(runs).collect();
    let alone = running.len() == 1;
    for replayed in running {
        let Some(arn) = replayed.execution_arn.clone() else { continue };
        let seen = std::mem::take(&mut replayed.seen);
        let ended = follow::rest(deployment, &arn, alone && !output::is_data(), seen).await?;
        results.failed |= !ended.succeeded();
        if !output::is_data() {
            anstream::print!("{}: ", replayed.id);
            ended.print();
        }
        results.ended.push((arn.clone(), ended.json(&arn)));
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use berth_ledger::Record;

    use super::*;
    use crate::replay::{entry::Entry, list::What};

    fn item(account: &str) -> Item {
        let record: Record = serde_json::from_value(json!({
            "accountId": account, "status": "failed", "generation": 1, "since": "2026-11-01T00:00:00Z",
        }))
        .unwrap();
        Item { entry: Entry::of_record(&record), what: What::Account(Box::new(record)) }
    }

    fn ids(items: &[Item]) -> Vec<&str> {
        items.iter().map(|item| item.entry.id.as_str()).collect()
    }

    #[test]
    fn ids_choose_and_without_ids_everything_is_chosen() {
        let items = || vec![item("111122223333"), item("444455556666")];
        let (chosen, others) = choose(items(), &["444455556666".to_owned()], &Filter::default()).unwrap();
        assert_eq!((ids(&chosen), ids(&others)), (vec!["444455556666"], vec!["111122223333"]));
        let (chosen, others) = choose(items(), &[], &Filter::default()).unwrap();
        assert_eq!((chosen.len(), others.len()), (2, 0));
        let none = Filter { fault: Some("Denied".to_owned()), ..Filter::default() };
        assert_eq!(choose(items(), &[], &none).unwrap().0.len(), 0);
    }

    #[test]
    fn an_id_that_names_nothing_leaves_all_of_them_alone() {
        let ids = ["111122223333".to_owned(), "beef".to_owned()];
        let (error, items) = choose(vec![item("111122223333")], &ids, &Filter::default()).unwrap_err();
        assert_eq!((error, items.len()), (SelectionError::NotFound("beef".to_owned()), 1));
    }
}
