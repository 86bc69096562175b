//! `berth status --watch`: looks again and again. A terminal is redrawn; anything else gets a line for each change.

use std::{collections::BTreeMap, io::IsTerminal, time::Duration};

use berth_ledger::{Listing, Record};
use berth_tenancy::AccountId;
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    execution,
    outcome::{Exit, Problem},
    output, paint,
    position::{self, Position},
    status::{self, StatusArgs},
    target::Deployment,
};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(1500);

/// Clears the screen and puts the cursor into its first line.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// Watches until the account has ended, or until Ctrl-C. Exit 1 when the account failed.
pub(crate) async fn run(args: &StatusArgs, deployment: &Deployment) -> Result<Exit, Problem> {
    let mut view = View { redraws: !output::is_data() && std::io::stdout().is_terminal(), shown: BTreeMap::new() };
    let watching = async {
        loop {
            let ended = match &args.account {
                Some(account) => one(deployment, account, &mut view).await?,
                None => all(args, deployment, &mut view).await?,
            };
            if let Some(exit) = ended {
                return Ok(exit);
            }
            pause().await;
        }
    };
    tokio::select! {
        ended = watching => ended,
        _ = tokio::signal::ctrl_c() => Ok(Exit::Done),
    }
}

/// Waits until the next look.
#[expect(clippy::disallowed_methods, reason = "a person's terminal may wait; a Lambda may not")]
pub(crate) async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

/// What is on the screen.
struct View {
    redraws: bool,
    /// The last line of each account.
    shown: BTreeMap<String, String>,
}

impl View {
    /// Prints a line about an account, unless it is the one that was printed last.
    fn line(&mut self, account: &str, text: &str, print: impl FnOnce()) {
        if self.shown.insert(account.to_owned(), text.to_owned()).as_deref() != Some(text) {
            print();
        }
    }
}

async fn one(deployment: &Deployment, account: &AccountId, view: &mut View) -> Result<Option<Exit>, Problem> {
    let Some(record) = deployment.ledger.get(account).await? else {
        // Its event may be under way.
        let text = format!("{account} the ledger does not know it yet");
        view.line(account.as_str(), &text, || anstream::eprintln!("{}", paint::faint(&text)));
        return Ok(None);
    };
    let position = position::of(deployment, &record).await?;
    if view.redraws {
        anstream::print!("{CLEAR}");
        status::print(&record, position.as_ref(), Timestamp::now());
    } else {
        let text = summary(&record, position.as_ref());
        view.line(account.as_str(), &text, || {
            if output::is_data() {
                output::data(&status::view_now(&record, position.as_ref()));
            } else {
                anstream::println!("{} {text}", clock());
            }
        });
    }
    Ok(status::ended(&record, position.as_ref()))
}

async fn all(args: &StatusArgs, deployment: &Deployment, view: &mut View) -> Result<Option<Exit>, Problem> {
    let Listing { records, unreadable } = deployment.ledger.list().await?;
    let records = status::chosen(args, records);
    let redriven = execution::redriven(deployment, &records).await?;
    if view.redraws {
        anstream::print!("{CLEAR}");
        status::table(&records, &unreadable, &redriven, Timestamp::now());
        return Ok(None);
    }
    for item in &unreadable {
        let text = format!("{}: {}", item.key, status::why(item));
        view.line(&item.key, &text, || {
            if output::is_data() {
                output::data(&status::view_unreadable(item));
            } else {
                anstream::println!("{} {text}", clock());
            }
        });
    }
    for record in &records {
        let again = if redriven.contains(&record.account_id) { ", redriven, running again" } else { "" };
        let text = format!("{}{again} since {:.0}", summary(record, None), record.since);
        view.line(record.account_id.as_str(), &text, || {
            if output::is_data() {
                output::data(&status::view_listed(record, &redriven));
            } else {
                anstream::println!("{} {text}", clock());
            }
        });
    }
    Ok(None)
}

fn clock() -> String {
    paint::faint(&Timestamp::now().to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string())
}

/// An account in one line: it changes when something happened, and not with time alone.
fn summary(record: &Record, position: Option<&Position>) -> String {
    let mut text = format!("{} {}", record.account_id, record.status.name());
    for open in position.into_iter().flat_map(|position| &position.now) {
        let region = open.region.as_ref().map(|region| format!(" {region}")).unwrap_or_default();
        text = format!("{text}; {}{region}", open.state);
        if let Some(waits) = &open.waits_for {
            text = format!("{text} waits: {}: {}", waits.fault, waits.message);
        }
    }
    let is_past = position.is_some_and(Position::is_past_failure);
    match &record.failure {
        Some(failure) if !is_past => format!("{text} in {}: {}: {}", failure.state, failure.fault, failure.message),
        _ => text,
    }
}
