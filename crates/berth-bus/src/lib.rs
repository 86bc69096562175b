//! Publishes what Berth tells of an account on the accounts bus.
//!
//! ```
//! use berth_bus::told;
//! use berth_events::outcome::{AccountCreated, Version};
//!
//! let account_id = "111122223333".parse().unwrap();
//! let event = AccountCreated { version: Version, account_id, reason: None, mode: None, generation: None };
//! let (detail_type, detail) = told(&event).unwrap();
//! assert_eq!((detail_type, &*detail), ("Account Created", r#"{"version":1,"accountId":"111122223333"}"#));
//! ```
#![warn(missing_docs)]

use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_events::outcome::{Published, SOURCE};
use berth_step::{Fault, StepError};
use berth_tenancy::AccountId;

/// A `detail-type` and the detail.
pub type Told = (&'static str, String);

/// An event as it is published.
///
/// # Errors
/// `Bug` when it is no JSON.
pub fn told<E: Published>(event: &E) -> Result<Told, StepError> {
    let text = serde_json::to_string(event)
        .map_err(|error| StepError::new(Fault::Bug, "an event cannot be written as JSON").because(error))?;
    Ok((E::DETAIL_TYPE, text))
}

/// Publishes what is told of an account by an execution; nothing for nothing. [EventBridge `PutEvents`]
///
/// # Errors
/// `Throttled` where the bus refuses an event, and whatever the call fails with.
pub async fn publish(
    client: &Client,
    bus: &str,
    account: &AccountId,
    execution: &str,
    told: Vec<Told>,
) -> Result<(), StepError> {
    if told.is_empty() {
        return Ok(());
    }
    let entry = |(detail_type, detail): Told| {
        let entry = PutEventsRequestEntry::builder().event_bus_name(bus).source(SOURCE).resources(execution);
        entry.detail_type(detail_type).detail(detail).build()
    };
    let sent = client.put_events().set_entries(Some(told.into_iter().map(entry).collect())).send().await;
    let answer = sent.named("events:PutEvents").or_common().map_err(|error| error.for_account(account))?;
    // `PutEvents` answers 200 although it refused an entry.
    match answer.entries().iter().find_map(|entry| entry.error_code()) {
        None => Ok(()),
        Some(code) => Err(StepError::new(Fault::Throttled, format!("events:PutEvents refused the event: {code}"))
            .for_account(account)),
    }
}
