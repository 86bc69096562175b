//! Answers task tokens.

use aws_sdk_sfn::{error::SdkError, operation::send_task_success::SendTaskSuccessError};
use berth_aws::{CallFailure, SdkResultExt, failure_cause, was_awaited};
use berth_contract::CommitRequest;
use berth_step::StepError;
use serde_json::json;

use crate::{CommitTenant, Output};

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
        // Nobody waits when the execution was stopped or timed out, or another copy of this function has answered.
        if !was_awaited(sent).map_err(|failure| failure.or_common().for_account(account))? {
            tracing::info!(%account, "nobody waits for this commit any more");
        }
        Ok(())
    }

    async fn succeed(&self, request: &CommitRequest, output: &Output) -> Result<(), CallFailure> {
        let text = json!(output).to_string();
        let sent: Result<_, SdkError<SendTaskSuccessError>> =
            self.step_functions.send_task_success().task_token(&request.task_token.0).output(text).send().await;
        sent.named("states:SendTaskSuccess").map(|_| ())
    }

    async fn fail(&self, request: &CommitRequest, error: &StepError) -> Result<(), CallFailure> {
        let call = self.step_functions.send_task_failure().task_token(&request.task_token.0);
        let call = call.error(error.fault.name()).cause(failure_cause(error));
        call.send().await.named("states:SendTaskFailure").map(|_| ())
    }
}
