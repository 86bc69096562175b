//! Publishes one `Account Created` event for each account that is asked for.

use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};
use berth_aws::CallFailure;
use berth_events::outcome::{AccountCreated, Published, SOURCE, Version};
use berth_step::{Fault, StepError};

use crate::Ask;

/// Most entries that one `PutEvents` takes.
const ENTRIES_MAX: usize = 10;

/// Publishes an event for each account. [EventBridge `PutEvents`]
///
/// Every batch is tried, and every entry's own answer is read: `PutEvents` answers 200 although it refused some. The
/// error says how many were refused and names one. What was refused is not lost: the next sweep finds it again.
pub(crate) async fn publish(client: &Client, bus: &str, asked: &[Ask]) -> Result<(), StepError> {
    let mut refused: Vec<(&Ask, String)> = Vec::new();
    for batch in asked.chunks(ENTRIES_MAX) {
        let entries = batch.iter().map(|ask| entry(bus, ask)).collect::<Result<Vec<_>, _>>()?;
        match client.put_events().set_entries(Some(entries)).send().await {
            Ok(answer) => {
                let codes = answer.entries().iter().map(|entry| entry.error_code().map(str::to_owned));
                // An entry without an answer counts as refused.
                let codes = codes.chain(std::iter::repeat(Some("no answer".to_owned())));
                refused.extend(batch.iter().zip(codes).filter_map(|(ask, code)| Some((ask, code?))));
            }
            Err(error) => return Err(failed(CallFailure::of("events:PutEvents", &error))),
        }
    }
    let Some((first, code)) = refused.first() else { return Ok(()) };
    let (count, all) = (refused.len(), asked.len());
    Err(StepError::new(
        Fault::Throttled,
        format!("events:PutEvents refused {count} of {all} events, the first with {code}"),
    )
    .next("nothing: the next sweep asks again; `berth sweep` does so now")
    .for_account(&first.account_id))
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
        Some("InternalException") => failure.as_fault(Fault::Throttled, "nothing: the next sweep asks again"),
        _ => failure.or_common(),
    }
}
