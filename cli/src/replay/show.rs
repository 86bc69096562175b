//! `berth replay show`: one line of the list in full.

use aws_sdk_sqs::Client as Queues;
use berth_events::recognise;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    args::ShowArgs,
    dlq::{self, DlqMessage},
    entry::{Entry, Kind, plain},
    list::{self, Item, What},
};
use crate::{
    explain,
    outcome::{Exit, Problem},
    output, paint, position, status,
    target::Deployment,
};

/// Shows everything that `id` names: a message, or an account and the messages about it.
pub(crate) async fn run(args: &ShowArgs, deployment: &Deployment, queues: &Queues) -> Result<Exit, Problem> {
    let list = list::gather(deployment, queues, dlq::LIST_SECONDS).await?;
    dlq::put_back(queues, &list.messages()).await?;
    let named: Vec<&Item> = list.items.iter().filter(|item| item.entry.is_named(&args.id)).collect();
    if named.is_empty() {
        let hint = "berth replay lists what can be run again; berth status ACCOUNT shows any account";
        return Err(Problem::failed(format!("nothing that failed has the id {}", args.id), hint));
    }
    if output::is_data() {
        output::data(&named.iter().map(|item| view(item)).collect::<Value>());
        return Ok(Exit::Done);
    }
    for item in named {
        match &item.what {
            What::Account(record) => {
                let position = position::of(deployment, record).await?;
                status::print(record, position.as_ref(), Timestamp::now());
            }
            What::Message(message) => print(&item.entry, message),
        }
    }
    Ok(Exit::Done)
}

fn view(item: &Item) -> Value {
    let mut value = json!(item.entry);
    let more = match &item.what {
        What::Account(record) => status::view(record),
        What::Message(message) => {
            let attributes: Value =
                message.attributes.iter().map(|(name, (_, text))| (name.clone(), Value::from(text.clone()))).collect();
            let recognised = (item.entry.kind == Kind::Event).then(|| recognise(message.body.as_bytes()));
            json!({ "body": without_token(&message.body), "attributes": attributes, "recognised": recognised })
        }
    };
    if let (Some(fields), Value::Object(more)) = (value.as_object_mut(), more) {
        fields.extend(more);
    }
    value
}

fn print(entry: &Entry, message: &DlqMessage) {
    anstream::println!("{} {}", paint::strong(entry.kind.as_str()), message.message_id);
    anstream::println!("  queue      {} since {:.0}", message.queue.dead, message.sent);
    if let Some(account) = &entry.account_id {
        anstream::println!("  account    {account}");
    }
    anstream::println!("  why        {}: {}", paint::bad(&entry.fault), entry.reason);
    for (name, (_, text)) in &message.attributes {
        anstream::println!("  attribute  {name} = {}", plain(text));
    }
    if entry.kind == Kind::Event {
        anstream::print!("  now        ");
        explain::print(&recognise(message.body.as_bytes()));
    }
    // What is JSON is easier to read in lines.
    let body = without_token(&message.body);
    let pretty = serde_json::from_str::<Value>(&body).ok().and_then(|body| serde_json::to_string_pretty(&body).ok());
    anstream::println!("  run again  berth replay {}", entry.id);
    anstream::println!("  body\n{}", plain(pretty.as_deref().unwrap_or(&body)));
}

/// A body as people may see it: whoever has an execution's task token can end its wait in Berth's name.
fn without_token(body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(mut value) => match value.get_mut("taskToken") {
            Some(token) => {
                *token = Value::from("(not shown)");
                value.to_string()
            }
            None => body.to_owned(),
        },
        Err(_) if body.contains("taskToken") => "(not JSON, and not shown: it names a task token)".to_owned(),
        Err(_) => body.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_token_is_not_shown_and_everything_else_is() {
        let shown = without_token(r#"{"run":{"accountId":"111122223333"},"taskToken":"canary"}"#);
        assert_eq!(shown, r#"{"run":{"accountId":"111122223333"},"taskToken":"(not shown)"}"#);
        assert!(!without_token(r#"{"taskToken":"canary""#).contains("canary"));
        for whole in [r#"{ "detail": 1 }"#, "no JSON"] {
            assert_eq!(without_token(whole), whole);
        }
    }
}
