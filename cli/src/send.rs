//! `berth local send`: publishes an event to the accounts bus of the local AWS.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::{
    args::SendArgs,
    input, local,
    outcome::{Exit, Problem},
    output, paint,
};

/// Publishes one event, as the management account's forwarder would.
pub(crate) fn run(args: &SendArgs) -> Result<Exit, Problem> {
    let bytes = input::read(&args.file)?;
    local::running().ok_or_else(local::not_running)?;
    let event = publish(&bytes)?;
    output::done(&event, &json!({ "eventId": event }));
    Ok(Exit::Done)
}

/// Publishes an event and answers its id.
pub(crate) fn publish(event: &[u8]) -> Result<String, Problem> {
    let cannot = |error: std::io::Error| Problem::failed(format!("cannot run Python: {error}"), "make local");
    let mut child = local::program(&["event", "-"])?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(event).map_err(cannot)?;
    }
    let output = child.wait_with_output().map_err(cannot)?;
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() {
        if !text.is_empty() {
            anstream::eprintln!("{}", paint::waiting(&text));
        }
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let (what, hint) = local::said(&text, "berth explain says what is wrong with an event");
    Err(Problem::bad_input(what, hint))
}
