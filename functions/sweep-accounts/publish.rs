//! Publishes one `Account Created` event for each account that is asked for.

use aws_sdk_eventbridge::{
    Client,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use berth_aws::{CallFailure, SdkResultExt};
use berth_contract::sweep::Ask;
use berth_events::outcome::{AccountCreated, Published, SOURCE, Version};
use berth_step::{Fault, StepError};
use berth_tenancy::wait;

/// Most entries that one `PutEvents` takes.
const ENTRIES_MAX: usize = 10;

/// Publishes an event for each account. Answers why some were not published. [EventBridge `PutEvents`]
///
/// Every batch is tried, and every entry's own answer is read: `PutEvents` answers 200 although it refused some. What was
/// refused is not lost: the next sweep finds it again.
pub(crate) async fn publish(client: &Client, bus: &str, asked: &[Ask]) -> Vec<Refused> {
    let mut refused = Vec::new();
    for batch in asked.chunks(ENTRIES_MAX) {
        let entries = batch.iter().map(|ask| entry(bus, ask)).collect::<Result<Vec<_>, _>>();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                refused.push(Refused { accounts: batch.len(), error });
                continue;
            }
        };
        match client.put_events().set_entries(Some(entries)).send().await.named("events:PutEvents") {
            Ok(answer) => refused.extend(refused_of(batch, answer.entries()).into_iter().map(one)),
            Err(failure) => refused.push(Refused { accounts: batch.len(), error: failed(failure) }),
        }
    }
    refused
}

/// Events that were not published, for the same reason.
#[derive(Debug)]
pub(crate) struct Refused {
    /// How many accounts they are about.
    pub(crate) accounts: usize,
    /// Why.
    pub(crate) error: StepError,
}

fn one((ask, code): (&Ask, String)) -> Refused {
    let error = StepError::new(Fault::Throttled, format!("events:PutEvents refused the event: {code}"))
        .hint(wait(
            "the next sweep asks again",
            "look at the AWS Health dashboard for EventBridge; `berth sweep` asks again at once",
        ))
        .for_account(&ask.account_id);
    Refused { accounts: 1, error }
}

/// Those of a batch that were refused, each with its code. An entry without an answer counts as refused.
fn refused_of<'a>(batch: &'a [Ask], answers: &[PutEventsResultEntry]) -> Vec<(&'a Ask, String)> {
    let codes = answers.iter().map(|answer| answer.error_code().map(str::to_owned));
    let codes = codes.chain(std::iter::repeat(Some("no answer".to_owned())));
    batch.iter().zip(codes).filter_map(|(ask, code)| Some((ask, code?))).collect()
}

fn entry(bus: &str, ask: &Ask) -> Result<PutEventsRequestEntry, StepError> {
    let detail = AccountCreated {
        version: Version,
        account_id: ask.account_id.clone(),
        reason: Some(format!("the sweep asks: {}", ask.reason)),
        mode: None,
        generation: Some(ask.generation),
    };
    let detail = serde_json::to_string(&detail)
        .map_err(|error| StepError::new(Fault::Bug, "an event cannot be written as JSON").because(error))?;
    let entry = PutEventsRequestEntry::builder().event_bus_name(bus).source(SOURCE);
    Ok(entry.detail_type(AccountCreated::DETAIL_TYPE).detail(detail).build())
}

/// What the codes of `PutEvents` mean. [API reference, "Errors"]
fn failed(failure: CallFailure) -> StepError {
    match failure.code() {
        Some("ResourceNotFoundException") => {
            failure.as_fault(Fault::InvalidInput, "set BERTH_BUS to the accounts bus of this deployment")
        }
        Some("InternalException") => failure.as_fault(
            Fault::Throttled,
            wait(
                "the next sweep asks again",
                "look at the AWS Health dashboard for EventBridge; `berth sweep` asks again at once",
            ),
        ),
        _ => failure.or_common(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use berth_contract::sweep::Why;

    fn ask(account: &str) -> Ask {
        Ask {
            account_id: account.parse().unwrap(),
            account_name: "name".to_owned(),
            why: Why::Missing,
            reason: "the ledger does not know it".to_owned(),
            generation: 7,
        }
    }

    #[test]
    fn a_refused_or_unanswered_entry_names_its_account() {
        let batch = ["111122223333", "222233334444", "333344445555"].map(ask);
        let taken = PutEventsResultEntry::builder().event_id("1").build();
        let throttled = PutEventsResultEntry::builder().error_code("ThrottlingException").build();
        assert!(refused_of(&batch, &[taken.clone(), taken.clone(), taken.clone()]).is_empty());
        let refused = refused_of(&batch, &[taken, throttled]);
        let refused: Vec<(&str, &str)> =
            refused.iter().map(|(ask, code)| (ask.account_id.as_str(), code.as_str())).collect();
        assert_eq!(refused, [("222233334444", "ThrottlingException"), ("333344445555", "no answer")]);
    }

    #[test]
    fn an_event_reads_back_as_its_account_reason_and_generation() {
        let entry = entry("berth-accounts", &ask("111122223333")).unwrap();
        let detail: serde_json::Value = serde_json::from_str(entry.detail().unwrap()).unwrap();
        let event = serde_json::json!({
            "source": entry.source(), "detail-type": entry.detail_type(), "account": "210987654321", "detail": detail,
        });
        let recognised = berth_events::recognise(event.to_string().as_bytes());
        assert_eq!(recognised.decision, berth_events::Decision::Onboard, "{recognised:?}");
        assert_eq!(recognised.account_id.unwrap().as_str(), "111122223333");
        assert_eq!((recognised.generation, recognised.mode), (Some(7), None));
    }
}
