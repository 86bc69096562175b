//! `berth logs`: what the functions logged about an account, from the one log group that they share.

use std::collections::BTreeSet;

use berth_tenancy::AccountId;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    args::{LogsArgs, Target},
    aws::signed::post,
    execution,
    outcome::{Exit, Problem},
    output, paint,
    replay::entry::plain,
    target::{self, Deployment},
    watch,
};

/// The log group of all functions (infra/hub.yaml).
const GROUP: &str = "/berth/functions";

/// The call, as the wire names it.
const TARGET: &str = "Logs_20140328.FilterLogEvents";

/// How far back one looks for an account of which no execution is known.
const BACK: SignedDuration = SignedDuration::from_hours(24);

/// What was logged before an execution began, about the event that asked for it.
const BEFORE: SignedDuration = SignedDuration::from_mins(1);

/// How late a line may come: CloudWatch takes lines of many functions, not in order.
const LATE: SignedDuration = SignedDuration::from_secs(30);

/// Fields that a person needs in few lines only: `-o json` has them all.
const NOT_SHOWN: [&str; 7] = ["timestamp", "level", "target", "message", "message_id", "account", "execution"];

/// A page of the answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    events: Vec<Logged>,
    next_token: Option<String>,
}

/// One line of the log.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logged {
    event_id: String,
    timestamp: i64,
    message: String,
    #[serde(default)]
    log_stream_name: String,
}

/// Shows the lines, and with `--follow` those that come.
pub(crate) async fn run(args: &LogsArgs, wanted: &Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    let mut since = beginning(args, &deployment).await?;
    let mut shown = BTreeSet::new();
    show(args, &deployment, since, &mut shown).await?;
    if !args.follow {
        if shown.is_empty() {
            let text = format!("no line about {} since {since:.0}: --since 7d looks further back", args.account);
            anstream::eprintln!("{}", paint::faint(&text));
        }
        return Ok(Exit::Done);
    }
    let following = async {
        loop {
            watch::pause().await;
            if let Some(newest) = show(args, &deployment, since, &mut shown).await? {
                since = since.max(newest.saturating_sub(LATE).unwrap_or(since));
            }
        }
    };
    tokio::select! {
        ended = following => ended,
        _ = tokio::signal::ctrl_c() => Ok(Exit::Done),
    }
}

/// Since when lines are shown: as asked, or since the account's newest execution.
async fn beginning(args: &LogsArgs, deployment: &Deployment) -> Result<Timestamp, Problem> {
    let before = |time: Timestamp, by| time.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH);
    if let Some(back) = args.since {
        return Ok(before(Timestamp::now(), back));
    }
    let record = deployment.ledger.get(&args.account).await?;
    let described = match record.and_then(|record| record.execution_arn) {
        Some(arn) => execution::describe(deployment, &arn).await?,
        None => None,
    };
    let began = described.and_then(|execution| Timestamp::from_second(execution.start_date().secs()).ok());
    Ok(began.map_or_else(|| before(Timestamp::now(), BACK), |began| before(began, BEFORE)))
}

/// Prints the lines since then that were not shown before; the time of the newest one.
/// [CloudWatch Logs `FilterLogEvents`]
async fn show(
    args: &LogsArgs,
    deployment: &Deployment,
    since: Timestamp,
    shown: &mut BTreeSet<String>,
) -> Result<Option<Timestamp>, Problem> {
    let (mut token, mut newest): (Option<String>, _) = (None, None);
    loop {
        let mut page = page(deployment, &args.account, since, token.as_deref()).await?;
        page.events.sort_by_cached_key(|event| (written_at(event), event.timestamp));
        for event in page.events {
            let at = Timestamp::from_millisecond(event.timestamp).unwrap_or(since);
            newest = newest.max(Some(at));
            if shown.insert(event.event_id.clone()) {
                print(&event, at);
            }
        }
        // A page may be empty, and still not be the last one.
        token = page.next_token;
        if token.is_none() {
            return Ok(newest);
        }
    }
}

/// When a function wrote the line, by its own clock. That of the log is when it got there, in milliseconds: lines of two
/// functions may get there in another order.
fn written_at(event: &Logged) -> Timestamp {
    let said: Option<Value> = serde_json::from_str(&event.message).ok();
    let own = said.as_ref().and_then(|said| said.get("timestamp")?.as_str()?.parse().ok());
    own.unwrap_or_else(|| Timestamp::from_millisecond(event.timestamp).unwrap_or_default())
}

async fn page(
    deployment: &Deployment,
    account: &AccountId,
    since: Timestamp,
    token: Option<&str>,
) -> Result<Page, Problem> {
    let mut request = json!({
        "logGroupName": GROUP, "filterPattern": format!("\"{account}\""), "startTime": since.as_millisecond(),
    });
    if let (Some(fields), Some(token)) = (request.as_object_mut(), token) {
        fields.insert("nextToken".to_owned(), json!(token));
    }
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", TARGET)];
    let answer = post(deployment, "logs", "/", &headers, request.to_string()).await?;
    let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
    let unreadable =
        |error| Problem::failed(format!("logs:FilterLogEvents answered what is not understood: {error}"), "try again");
    if status.is_success() { serde_json::from_str(&text).map_err(unreadable) } else { Err(refused(&text)) }
}

/// What a refusal means.
fn refused(text: &str) -> Problem {
    let said: Value = serde_json::from_str(text).unwrap_or_default();
    let field = |name: &str| said.get(name).and_then(Value::as_str);
    let code = field("__type").map(|code| code.rsplit('#').next().unwrap_or(code)).unwrap_or_default();
    let hint = match code {
        "ResourceNotFoundException" => "deploy the hub, or set AWS_REGION to its region",
        "AccessDeniedException" => "allow logs:FilterLogEvents on that log group for your role in the hub account",
        _ => "try again; the call only reads",
    };
    let message = field("message").or_else(|| field("Message")).unwrap_or(text);
    Problem::failed(format!("logs:FilterLogEvents of {GROUP} failed: {code}: {message}"), hint)
}

fn print(event: &Logged, at: Timestamp) {
    if output::is_data() {
        // The runtime's own lines may be plain text.
        output::data(&serde_json::from_str(&event.message).unwrap_or_else(|_| Value::from(event.message.trim_end())));
        return;
    }
    for line in lines(event, at) {
        anstream::println!("{line}");
    }
}

/// A line for a person: when, which function, where, and what happened; then what led to it. Pure.
fn lines(event: &Logged, at: Timestamp) -> Vec<String> {
    let said: Value = serde_json::from_str(&event.message).unwrap_or_default();
    let text = |name: &str| said.get(name).and_then(Value::as_str);
    let function = text("step").unwrap_or_else(|| function_of(&event.log_stream_name));
    let head = format!("{at:.3}  {function:<22}  {:<14}", text("region").unwrap_or_default());
    let Some(outcome) = text("outcome") else {
        let message = said.as_object().map_or_else(|| event.message.trim_end().to_owned(), words);
        // Lambda's runtime repeats every fault that its function reported.
        let repeats = message.starts_with("Diagnostic {");
        return if repeats { Vec::new() } else { vec![format!("{head}  {}", plain(&message))] };
    };
    let number = |name: &str| said.get(name).and_then(Value::as_u64).unwrap_or_default();
    let took = format!("({} calls, {} ms)", number("calls"), number("milliseconds"));
    let why = format!("{}: {}", text("fault").unwrap_or_default(), plain(text("error").unwrap_or_default()));
    let what = match outcome {
        "done" => outcome.to_owned(),
        "again" => paint::waiting(&format!("again: {why}")),
        _ => paint::bad(&format!("{outcome}: {why}")),
    };
    let mut lines = vec![format!("{head}  {what} {}", paint::faint(&took))];
    let causes = said.get("causes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    lines.extend(causes.map(|cause| format!("    {}", paint::faint(&format!("because: {}", plain(cause))))));
    lines
}

/// What a line says besides its time, its level and whom it is about: its message, then its fields.
fn words(fields: &Map<String, Value>) -> String {
    let message = fields.get("message").and_then(Value::as_str);
    let shown = |(name, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!NOT_SHOWN.contains(&name.as_str())).then(|| format!("{name}: {value}"))
    };
    let others = fields.iter().filter_map(shown);
    message.map(str::to_owned).into_iter().chain(others).collect::<Vec<_>>().join(", ")
}

/// The function of a log stream: `2026/11/30/berth-accept-event[$LATEST]0123…`.
fn function_of(stream: &str) -> &str {
    let name = stream.rsplit('/').next().unwrap_or_default();
    let name = name.split('[').next().unwrap_or_default();
    name.strip_prefix("berth-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(message: &str) -> Vec<String> {
        let log_stream_name = "2026/11/30/berth-accept-event[$LATEST]00ff".to_owned();
        let event = Logged { event_id: "1".into(), timestamp: 0, message: message.into(), log_stream_name };
        let lines = lines(&event, Timestamp::from_millisecond(1_796_030_168_035).unwrap());
        lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect()
    }

    #[test]
    fn a_line_is_placed_by_the_clock_of_its_function() {
        let at = |message: &str| {
            let (event_id, log_stream_name) = ("1".to_owned(), "2026/11/30/berth-x[$LATEST]00".to_owned());
            written_at(&Logged { event_id, timestamp: 7, message: message.to_owned(), log_stream_name })
        };
        let (early, late) =
            (r#"{"timestamp":"2026-11-30T09:16:08.12Z"}"#, r#"{"timestamp":"2026-11-30T09:16:08.123Z"}"#);
        assert!(at(early) < at(late), "as text it would be the other way round");
        assert_eq!([at("{}"), at("no JSON")], [Timestamp::from_millisecond(7).unwrap(); 2]);
    }

    #[test]
    fn a_line_says_when_which_function_where_and_what_happened() {
        let fault = json!({
            "step": "provision-vpc", "region": "eu-west-1", "outcome": "fault", "fault": "Denied", "error": "no\u{1b}[2J",
            "causes": ["AccessDenied"], "calls": 3, "milliseconds": 17,
        });
        assert_eq!(
            shown(&fault.to_string()),
            [
                "2026-11-30T09:16:08.035Z  provision-vpc           eu-west-1       fault: Denied: no\u{fffd}[2J (3 calls, 17 ms)",
                "    because: AccessDenied",
            ]
        );
        let done = json!({ "step": "plan-onboarding", "outcome": "done", "calls": 5, "milliseconds": 61 }).to_string();
        assert!(shown(&done)[0].ends_with("plan-onboarding                         done (5 calls, 61 ms)"), "{done}");
        let change = r#"{"level":"INFO","account":"111122223333","change":"create role /tenant/x"}"#;
        assert!(shown(change)[0].ends_with("  change: create role /tenant/x"));
        let committed = r#"{"message":"committed","changes":1,"path":"a.yaml"}"#;
        assert!(shown(committed)[0].ends_with("  committed, changes: 1, path: a.yaml"));
        assert!(shown(r#"{"level":"ERROR","message":"Diagnostic { error_type: \"NotReady\" }"}"#).is_empty());
        for message in [r#"{"level":"INFO","message":"onboarding asked for"}"#, "onboarding asked for\n"] {
            assert!(shown(message)[0].ends_with("accept-event                            onboarding asked for"));
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let denied = refused(r#"{"__type":"com.amazonaws.logs#AccessDeniedException","Message":"no"}"#);
        assert_eq!(denied.to_string(), "logs:FilterLogEvents of /berth/functions failed: AccessDeniedException: no");
        assert!(format!("{denied:?}").contains("allow logs:FilterLogEvents"), "{denied:?}");
        let absent = refused(r#"{"__type":"ResourceNotFoundException","message":"no"}"#);
        assert!(format!("{absent:?}").contains("set AWS_REGION"), "{absent:?}");
    }
}
