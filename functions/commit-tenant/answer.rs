//! Answers task tokens.

use aws_sdk_sfn::{error::SdkError, operation::send_task_success::SendTaskSuccessError};
use berth_aws::{CallFailure, SdkResultExt};
use berth_contract::CommitRequest;
use berth_step::StepError;
use serde_json::json;

use crate::{CommitTenant, Output};

/// Codes that say that nobody waits for this token any more: the execution was stopped, timed out, or was answered by
/// another copy of this function. [Step Functions `SendTaskSuccess`, "Errors"]
const NOBODY_WAITS: [&str; 3] = ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"];

impl CommitTenant {
    /// Tells the execution how its commit ended. [Step Functions `SendTaskSuccess`, `SendTaskFailure`]
    pub(crate) async fn answer(
        &self,
        request: &CommitRequest,
        verdict: Result<Output, StepError>,
    ) -> Result<(), StepError> {
        let account = &request.run.account_id;
        let sent = match verdict {
            Ok(output) => {
                tracing::info!(%account, path = output.path, sha = output.sha, changes = output.changes.len(), "committed");
                self.succeed(request, &output).await
            }
            Err(error) => {
                let error = error.of_planned(account);
                tracing::warn!(%account, fault = %error.fault, error = %error.message, causes = ?error.chain(), "not committed");
                self.fail(request, &error).await
            }
        };
        match sent {
            Err(failure) if failure.is(&NOBODY_WAITS) => {
                tracing::info!(%account, "nobody waits for this commit any more");
                Ok(())
            }
            Err(failure) => Err(failure.or_common().for_account(account)),
            Ok(()) => Ok(()),
        }
    }

    async fn succeed(&self, request: &CommitRequest, output: &Output) -> Result<(), CallFailure> {
        let text = json!(output).to_string();
        let sent: Result<_, SdkError<SendTaskSuccessError>> =
            self.step_functions.send_task_success().task_token(&request.task_token.0).output(text).send().await;
        sent.named("states:SendTaskSuccess").map(|_| ())
    }

    /// The cause has the form of a Lambda's, so that every failure is read in one way.
    async fn fail(&self, request: &CommitRequest, error: &StepError) -> Result<(), CallFailure> {
        let name = error.fault.name();
        let cause = json!({ "errorType": name, "errorMessage": error.to_string() }).to_string();
        let call = self.step_functions.send_task_failure().task_token(&request.task_token.0).error(name).cause(cause);
        call.send().await.named("states:SendTaskFailure").map(|_| ())
    }
}
