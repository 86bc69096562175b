//! `berth explain`: what Berth makes of an event.

use berth_events::{Decision, Recognised, recognise};
use serde_json::json;

use crate::{
    args::ExplainArgs,
    input,
    outcome::{Exit, Problem},
    output, paint,
};

/// Explains one event. Exit 2 for an event that would be rejected.
pub(crate) fn run(args: &ExplainArgs) -> Result<Exit, Problem> {
    let recognised = recognise(&input::read(&args.file)?);
    if output::is_data() {
        output::data(&json!(recognised));
    } else {
        print(&recognised);
    }
    Ok(if recognised.decision == Decision::Reject { Exit::BadInput } else { Exit::Done })
}

/// What is known of a message, for a person.
pub(crate) fn print(recognised: &Recognised) {
    let decision = match recognised.decision {
        Decision::Reject => paint::bad(recognised.decision.as_str()),
        Decision::Ignore => paint::faint(recognised.decision.as_str()),
        Decision::Onboard | Decision::Offboard => paint::good(recognised.decision.as_str()),
    };
    anstream::println!("{decision}: {}", recognised.reason);
    let rows = [
        ("account", recognised.account_id.as_ref().map(ToString::to_string)),
        ("source", recognised.source.map(|source| source.to_string())),
        ("event", recognised.event.clone()),
        ("time", recognised.time.map(|time| time.to_string())),
        ("replay", recognised.replay.clone()),
    ];
    for (name, value) in rows {
        if let Some(value) = value {
            anstream::println!("  {name:<8} {value}");
        }
    }
}
