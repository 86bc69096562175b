//! Invokes a function and waits for its answer.

use reqwest::Response;
use serde_json::Value;

use crate::{aws::signed, outcome::Problem, target::Deployment};

/// Invokes `function` with `payload`; its answer. [Lambda `Invoke`]
pub(crate) async fn invoke(deployment: &Deployment, function: &str, payload: &Value) -> Result<Value, Problem> {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let answer = signed::post(deployment, "lambda", &path, &[], payload.to_string()).await?;
    read(function, answer).await
}

/// The answer of the function, or what went wrong: before it ran, or in it.
async fn read(function: &str, answer: Response) -> Result<Value, Problem> {
    let (status, failed) = (answer.status(), answer.headers().contains_key("x-amz-function-error"));
    let text = answer.text().await.unwrap_or_default();
    let said: Value = serde_json::from_str(&text).unwrap_or_default();
    if status.is_success() && !failed {
        return Ok(said);
    }
    let told = |names: [&str; 3]| names.into_iter().find_map(|name| said.get(name)?.as_str().map(str::to_owned));
    let what = told(["errorMessage", "Message", "message"]).unwrap_or(text);
    if failed {
        // A fault's message ends with what to do.
        let (what, next) = what.split_once("\nNext: ").unwrap_or((&what, "look at the function's log"));
        let fault = said.get("errorType").and_then(Value::as_str).unwrap_or("it failed");
        return Err(Problem::failed(format!("{function}: {fault}: {what}"), next));
    }
    let hint = match status.as_u16() {
        403 => "allow lambda:InvokeFunction for your role in the hub account",
        404 => "deploy the hub, or set AWS_REGION to its region",
        _ => "try again; the call is safe to repeat",
    };
    Err(Problem::failed(format!("lambda:InvokeFunction of {function} failed: {status}: {what}"), hint))
}
