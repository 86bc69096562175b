//! Whether the extension has anything to do, has done it, or is waited for. Pure.

use berth_contract::ExtensionAnswer;
use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{
    limits::{EXTENSION_CHANGES_MAX, EXTENSION_CHARS_MAX},
    wait,
};
use serde_json::Value;

use crate::{Change, Ended, Input, Output, State};

/// From what it said and did to the next step.
pub(crate) fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    match state.called.as_ref().unwrap_or(&state.asked) {
        Ended::Waits(why) => Err(waits(input, why)),
        Ended::Failed(why) => Err(failed(input, why)),
        Ended::Answered(_) if state.called.is_some() => Ok(Decision::Done(Output {})),
        Ended::Answered(answer) => {
            let told = told(answer).map_err(|why| failed(input, &why))?;
            if told.is_empty() {
                return Ok(Decision::Done(Output {}));
            }
            Ok(Decision::Act(vec![Change { extension: input.extension.clone(), told }]))
        }
    }
}

/// What it would do, as a plan can have it.
fn told(answer: &Value) -> Result<Vec<String>, String> {
    let is_line = |line: &String| {
        let length = line.chars().count();
        (1..=EXTENSION_CHARS_MAX).contains(&length) && !line.chars().any(char::is_control)
    };
    let ExtensionAnswer { changes } = serde_json::from_value(answer.clone())
        .map_err(|error| format!("in mode plan it answers with something else than {{\"changes\": […]}}: {error}"))?;
    if changes.len() > EXTENSION_CHANGES_MAX || !changes.iter().all(is_line) {
        return Err(format!(
            "in mode plan it tells {} changes; a plan takes {EXTENSION_CHANGES_MAX}, each a line of 1 to {EXTENSION_CHARS_MAX} characters",
            changes.len()
        ));
    }
    Ok(changes)
}

fn waits(input: &Input, why: &str) -> StepError {
    let name = input.extension.name();
    let hint = wait(
        format!("{name} is asked again"),
        format!("look at {name} in the hub account, and why it is not ready; then redrive the execution"),
    );
    StepError::new(Fault::NotReady, format!("{name} is not ready: {why}")).hint(hint)
}

fn failed(input: &Input, why: &str) -> StepError {
    let name = input.extension.name();
    let hint = format!("mend {name} in the hub account, then redrive the execution: it is called once more");
    StepError::new(Fault::ExtensionFailed, format!("{name} failed: {why}")).hint(hint)
}
