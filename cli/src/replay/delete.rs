//! `berth replay delete`: takes messages out of their dead-letter queue for good.

use aws_sdk_sqs::Client as Queues;
use serde_json::{Value, json};

use super::{
    args::DeleteArgs,
    dlq::{self, DlqMessage},
    list::{self, Item, What},
};
use crate::{
    outcome::{Exit, Problem},
    output, paint,
    target::Deployment,
};

/// Deletes the messages that `ids` name, each by the beginning of its id. Nothing is deleted when one of them names none,
/// several, or an account: what an account failed by is no message, and no account's messages go by one word.
pub(crate) async fn run(args: &DeleteArgs, deployment: &Deployment, queues: &Queues) -> Result<Exit, Problem> {
    let list = list::gather(deployment, queues, dlq::MOVE_SECONDS).await?;
    let chosen = chosen(&list.items, &args.ids);
    let named = chosen.as_ref().map(Vec::as_slice).unwrap_or_default();
    let is_named = |message: &DlqMessage| named.iter().any(|(_, named)| named.message_id == message.message_id);
    let others: Vec<&DlqMessage> = list.messages().into_iter().filter(|message| !is_named(message)).collect();
    dlq::put_back(queues, &others).await?;
    let mut deleted = Vec::new();
    for (id, message) in chosen? {
        dlq::delete(queues, message).await?;
        if !output::is_data() {
            anstream::println!("{} {id} of {}", paint::good("deleted"), message.queue.dead);
        }
        deleted.push(json!({ "id": id, "messageId": message.message_id, "queue": message.queue.dead }));
    }
    if output::is_data() {
        output::data(&Value::from(deleted));
    }
    Ok(Exit::Done)
}

/// The message of each id, with the id that the list shows; or what is wrong with one of them. Pure.
fn chosen<'a>(items: &'a [Item], ids: &[String]) -> Result<Vec<(&'a str, &'a DlqMessage)>, Problem> {
    let mut chosen = Vec::new();
    for id in ids {
        let message = |item: &'a Item| match &item.what {
            What::Message(message) if item.entry.account_id.as_ref().is_none_or(|account| account.as_str() != id) => {
                Some((item.entry.id.as_str(), message))
            }
            What::Message(_) | What::Account(_) => None,
        };
        let named: Vec<_> = items.iter().filter(|item| item.entry.is_named(id)).filter_map(message).collect();
        match named.as_slice() {
            [one] => chosen.push(*one),
            [] => {
                let what = format!("{id} is no message of a dead-letter queue: nothing is deleted");
                return Err(Problem::failed(what, "name a message by the id that berth replay shows"));
            }
            _ => {
                let what = format!("{id} begins the ids of several messages: nothing is deleted");
                return Err(Problem::bad_input(what, "write more of the id"));
            }
        }
    }
    Ok(chosen)
}
