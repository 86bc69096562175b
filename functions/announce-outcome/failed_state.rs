//! Why an execution failed: read backwards from its history until the state that failed is found.

use berth_aws::{CallResultExt, SdkResultExt};
use berth_events::Failure;
use berth_history::{Extent, HistoryEvent, failure};
use berth_step::StepError;

use crate::{AnnounceOutcome, Change};

/// Events in one page of a history. [Step Functions `GetExecutionHistory` takes up to 1,000]
const PAGE_EVENTS: i32 = 1000;

/// Pages that are read: a history has at most 25,000 events. [Step Functions quotas]
const PAGES_MAX: usize = 25;

impl AnnounceOutcome {
    /// Reads why the execution failed. [Step Functions `GetExecutionHistory`, newest first]
    pub(crate) async fn read_failure(&self, change: &Change) -> Result<Option<Failure>, StepError> {
        let status = change.status.name();
        let mut events: Vec<HistoryEvent> = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let page = self
                .step_functions
                .get_execution_history()
                .execution_arn(&change.execution_arn)
                .reverse_order(true)
                .max_results(PAGE_EVENTS)
                .include_execution_data(false)
                .set_next_token(token)
                .send()
                .await
                .named("states:GetExecutionHistory")
                .or_common()?;
            events.extend(page.events.iter().map(HistoryEvent::from));
            token = page.next_token;
            let found = failure(status, &events, Extent::Newest);
            if found.is_some() || token.is_none() {
                return Ok(found.or_else(|| failure(status, &events, Extent::Whole)));
            }
        }
        Ok(failure(status, &events, Extent::Whole))
    }
}
