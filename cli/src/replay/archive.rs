//! `berth replay --archive`: sends the events of a window again, from the archive of the accounts bus.

use std::time::Duration;

use aws_sdk_eventbridge::{
    Client,
    operation::describe_replay::DescribeReplayOutput,
    primitives::DateTime,
    types::{ReplayDestination, ReplayState},
};
use aws_sdk_sqs::{Client as Queues, types::QueueAttributeName};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::Fault;
use jiff::Timestamp;
use serde_json::json;

use super::args::ReplayArgs;
use crate::{
    outcome::{Exit, Problem},
    output, paint,
    target::Deployment,
};

/// Name of the accounts bus and of its archive (infra/hub.yaml).
const BUS: &str = "berth-accounts";

/// The queue whose rules get the events. Other rules of the bus, somebody's notifications among them, get none.
const INTAKE: &str = "berth-intake";

/// Most replays of one window: each has a name of its own.
const REPLAYS_MAX: u32 = 50;

/// Pause between two looks at a replay.
const PAUSE: Duration = Duration::from_secs(2);

/// What is replayed, and where to.
struct Window {
    from: Timestamp,
    to: Timestamp,
    archive: String,
    bus: String,
    rules: Vec<String>,
}

/// Starts the replay, or finds the one of this window that runs; follows it with `--wait`.
pub(crate) async fn run(
    args: &ReplayArgs,
    from: Timestamp,
    deployment: &Deployment,
    queues: &Queues,
) -> Result<Exit, Problem> {
    let to = args.to.unwrap_or_else(Timestamp::now);
    if from >= to {
        return Err(Problem::bad_input(format!("the window ends ({to}) before it begins ({from})"), "exchange them"));
    }
    let client = Client::new(&deployment.config);
    let (archive, bus) = archive(&client).await?;
    let rules = rules(&client, queues).await?;
    let (name, is_new) = start(&client, &Window { from, to, archive, bus, rules }).await?;
    if !args.wait {
        if output::is_data() {
            output::data(&json!({ "replay": name, "from": from, "to": to }));
        } else {
            let verb = if is_new { "started" } else { "is under way already:" };
            anstream::println!("{verb} {name}\naws events describe-replay --replay-name {name} shows how far it is");
        }
        return Ok(Exit::Done);
    }
    let ended = follow(&client, &name, !output::is_data()).await?;
    let completed = ended.state() == Some(&ReplayState::Completed);
    let state = ended.state().map_or("", ReplayState::as_str);
    let reason = ended.state_reason();
    if output::is_data() {
        output::data(&json!({ "replay": name, "from": from, "to": to, "state": state, "reason": reason }));
    } else if completed {
        let note = "what was served starts nothing; berth status shows what runs";
        anstream::println!("{} {name}\n{}", paint::good("completed"), paint::faint(note));
    } else {
        anstream::println!(
            "{} {name}: {}",
            paint::bad(&state.to_lowercase()),
            reason.unwrap_or("EventBridge says no more")
        );
    }
    Ok(if completed { Exit::Done } else { Exit::Failed })
}

/// ARNs of the archive and of its bus. [EventBridge `DescribeArchive`]
async fn archive(client: &Client) -> Result<(String, String), Problem> {
    let sent = client.describe_archive().archive_name(BUS).send().await;
    let answer = sent.named("events:DescribeArchive").map_err(|failure| {
        if failure.is(&["ResourceNotFoundException"]) {
            let hint = "set the profile and the region to those of the hub account, or deploy infra/hub.yaml";
            return failure.as_fault(Fault::InvalidInput, hint);
        }
        failure.or_common()
    })?;
    match (answer.archive_arn, answer.event_source_arn) {
        (Some(archive), Some(bus)) => Ok((archive, bus)),
        _ => Err(Problem::failed("EventBridge did not say the archive's ARN", "report it")),
    }
}

/// ARNs of the rules that send to the intake queue. [EventBridge `ListRuleNamesByTarget`, `DescribeRule`]
async fn rules(client: &Client, queues: &Queues) -> Result<Vec<String>, Problem> {
    let url = queues.get_queue_url().queue_name(INTAKE).send().await;
    let url = url.named("sqs:GetQueueUrl").or_common()?.queue_url.unwrap_or_default();
    let name = QueueAttributeName::QueueArn;
    let sent = queues.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await;
    let answer = sent.named("sqs:GetQueueAttributes").or_common()?;
    let queue = answer.attributes.unwrap_or_default().remove(&name).unwrap_or_default();
    let sent = client.list_rule_names_by_target().target_arn(queue).event_bus_name(BUS).send().await;
    let named = sent.named("events:ListRuleNamesByTarget").or_common()?;
    let mut arns = Vec::new();
    for rule in named.rule_names() {
        let sent = client.describe_rule().name(rule).event_bus_name(BUS).send().await;
        arns.extend(sent.named("events:DescribeRule").or_common()?.arn);
    }
    if arns.is_empty() {
        let what = format!("no rule of the bus {BUS} sends to {INTAKE}");
        return Err(Problem::failed(what, "deploy infra/hub.yaml; a replay to all other rules would help nobody"));
    }
    Ok(arns)
}

/// Starts the replay of a window under the window's name, or finds one that runs. The name and whether it is new.
/// [EventBridge `StartReplay`]
async fn start(client: &Client, window: &Window) -> Result<(String, bool), Problem> {
    for number in 1..=REPLAYS_MAX {
        let name = replay_name(window.from, window.to, number);
        let destination =
            ReplayDestination::builder().arn(&window.bus).set_filter_arns(Some(window.rules.clone())).build();
        let destination = destination.map_err(|error| Problem::failed(error.to_string(), "report it"))?;
        let sent = client
            .start_replay()
            .replay_name(&name)
            .description("berth replay --archive")
            .event_source_arn(&window.archive)
            .event_start_time(DateTime::from_secs(window.from.as_second()))
            .event_end_time(DateTime::from_secs(window.to.as_second()))
            .destination(destination)
            .send()
            .await;
        let Err(failure) = sent.named("events:StartReplay") else { return Ok((name, true)) };
        match failure.code() {
            // The window was replayed before, or is just now.
            Some("ResourceAlreadyExistsException") => {
                if is_under_way(&describe(client, &name).await?) {
                    return Ok((name, false));
                }
            }
            Some("LimitExceededException") => {
                return Err(failure.as_fault(Fault::Throttled, "ten replays run already: wait for one to end").into());
            }
            Some("ValidationException" | "InvalidEventPatternException") => {
                return Err(failure.as_fault(Fault::InvalidInput, "choose another window").into());
            }
            _ => return Err(failure.or_common().into()),
        }
    }
    let what = format!("this window was replayed {REPLAYS_MAX} times in 90 days");
    Err(Problem::failed(what, "choose another window, by a second"))
}

/// The name of a replay: the same window has the same name, so that two people at once start one.
fn replay_name(from: Timestamp, to: Timestamp, number: u32) -> String {
    let text = |time: Timestamp| time.strftime("%Y%m%dT%H%M%SZ").to_string();
    let again = if number > 1 { format!("-{number}") } else { String::new() };
    format!("berth-{}-{}{again}", text(from), text(to))
}

/// [EventBridge `DescribeReplay`]
async fn describe(client: &Client, name: &str) -> Result<DescribeReplayOutput, Problem> {
    let sent = client.describe_replay().replay_name(name).send().await;
    Ok(sent.named("events:DescribeReplay").or_common()?)
}

fn is_under_way(replay: &DescribeReplayOutput) -> bool {
    matches!(replay.state(), Some(ReplayState::Starting | ReplayState::Running | ReplayState::Cancelling))
}

/// Waits for the end of a replay; a line for each step that it makes.
async fn follow(client: &Client, name: &str, show: bool) -> Result<DescribeReplayOutput, Problem> {
    let mut shown = String::new();
    loop {
        let replay = describe(client, name).await?;
        let at = replay.event_last_replayed_time().and_then(|time| Timestamp::from_second(time.secs()).ok());
        let at = at.map(|time| format!(", events up to {time}")).unwrap_or_default();
        let line = format!("{name} {}{at}", replay.state().map_or("", ReplayState::as_str).to_lowercase());
        if show && line != shown {
            anstream::eprintln!("  {}", paint::faint(&line));
        }
        shown = line;
        if !is_under_way(&replay) {
            return Ok(replay);
        }
        tokio::select! {
            () = pause() => {}
            _ = tokio::signal::ctrl_c() => {
                let hint = format!("aws events cancel-replay --replay-name {name} ends it");
                return Err(Problem::failed(format!("interrupted; {name} goes on"), hint));
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a person's terminal may wait; a Lambda may not")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_one_name_that_eventbridge_takes() {
        let (from, to) = ("2026-11-01T00:00:00Z".parse().unwrap(), "2026-11-30T23:59:59.5Z".parse().unwrap());
        assert_eq!(replay_name(from, to, 1), "berth-20261101T000000Z-20261130T235959Z");
        let last = replay_name(from, to, REPLAYS_MAX);
        assert!(last.ends_with("-50") && last.len() <= 64, "{last}");
        assert!(last.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{last}");
    }
}
