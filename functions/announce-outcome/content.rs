//! What a status change leaves out because it is too long: read from the execution itself.

use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::wait;

use crate::{AnnounceOutcome, Change};

impl Change {
    /// Whether something is missing that the ending is read from. EventBridge takes 256 KiB, so Step Functions leaves out
    /// an input and an output that are longer together, escaped.
    #[must_use]
    pub fn lacks_content(&self) -> bool {
        self.input.is_none() || (!self.status.is_failure() && self.output.is_none())
    }
}

impl AnnounceOutcome {
    /// The change with its input, and with its output when it succeeded. [Step Functions `DescribeExecution`]
    pub(crate) async fn complete(&self, mut change: Change) -> Result<Change, StepError> {
        if !change.lacks_content() {
            return Ok(change);
        }
        let described = self.step_functions.describe_execution().execution_arn(&change.execution_arn).send().await;
        let described = described.named("states:DescribeExecution").or_common()?;
        change.input = change.input.or(described.input);
        change.output = change.output.or(described.output);
        if change.lacks_content() {
            // It answers what was true a moment ago.
            let what = format!("states:DescribeExecution does not know yet how {} ended", change.execution_arn);
            return Err(StepError::new(Fault::NotReady, what).hint(wait(
                "the queue delivers the event again",
                "look at the AWS Health dashboard for Step Functions; then berth replay runs the event again",
            )));
        }
        Ok(change)
    }
}
