//! The command line of `berth replay`.

use berth_tenancy::EnvironmentName;
use clap::{Args, Subcommand};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::entry::{Filter, Kind};

#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ReplayArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ReplayCommand>,
    /// What to run again: account ids, or ids of messages; without any, the list is shown.
    #[arg(value_name = "ID", conflicts_with_all = ["all", "list"])]
    pub(crate) ids: Vec<String>,
    /// Shows the list, oldest first.
    #[arg(long)]
    pub(crate) list: bool,
    /// Runs everything of the list again; the filters narrow it.
    #[arg(long, conflicts_with = "list")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) filters: Filters,
    /// Starts anew instead of a redrive: with the plan and the state machine of today.
    #[arg(long)]
    pub(crate) new: bool,
    /// Waits for the end of what is running again.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Sends the events of a window again, from the archive of the accounts bus; what was served starts nothing.
    #[arg(long, requires = "from", conflicts_with_all = ["ids", "all", "list", "new", "fault", "environment", "kind"])]
    pub(crate) archive: bool,
    /// Begin of the window: 2026-11-01, or 2026-11-01T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "archive")]
    pub(crate) from: Option<Timestamp>,
    /// End of the window; now, when it is left out.
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "archive")]
    pub(crate) to: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReplayCommand {
    /// Shows one in full.
    Show(ShowArgs),
    /// Takes messages out of their dead-letter queue for good.
    Delete(DeleteArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Ids of messages.
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// An account id, or the id of a message.
    pub(crate) id: String,
}

/// Which part of the list.
#[derive(Debug, Args)]
pub(crate) struct Filters {
    /// Only what failed by this fault (`Denied`, `States.Timeout`, `rejected` …).
    #[arg(long)]
    fault: Option<String>,
    /// Only accounts of this environment.
    #[arg(long)]
    environment: Option<EnvironmentName>,
    /// Only this kind.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
}

impl Filters {
    /// The filter that they make.
    pub(crate) fn filter(&self) -> Filter {
        Filter { fault: self.fault.clone(), environment: self.environment.clone(), kind: self.kind }
    }
}

/// A moment in RFC 3339, or a day: its midnight in UTC.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(day) = text.parse::<Date>()
        && !text.contains('T')
    {
        return day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(|error| error.to_string());
    }
    text.parse().map_err(|error| format!("{error}; write 2026-11-01 or 2026-11-01T12:00:00Z"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn parsed(line: &str) -> Result<ReplayArgs, String> {
        let words = ["berth", "replay"].into_iter().chain(line.split_whitespace());
        match Cli::try_parse_from(words).map_err(|error| error.to_string())?.command {
            Command::Replay(args) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_day_is_its_midnight_and_a_moment_is_itself() {
        assert_eq!(moment("2026-11-01").unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(moment("2026-11-01T13:30:00+01:00").unwrap().to_string(), "2026-11-01T12:30:00Z");
        assert!(moment("yesterday").unwrap_err().contains("2026-11-01T12:00:00Z"));
    }

    #[test]
    fn show_is_a_command_and_anything_else_is_an_id() {
        assert!(matches!(parsed("show 111122223333").unwrap().command, Some(ReplayCommand::Show(_))));
        assert_eq!(parsed("111122223333 1a2b3c4d").unwrap().ids.len(), 2);
        assert!(parsed("").unwrap().ids.is_empty());
    }

    #[test]
    fn ids_and_all_exclude_each_other_and_a_window_needs_the_archive() {
        for line in ["111122223333 --all", "--from 2026-11-01", "--archive", "--archive --from 2026-11-01 --all"] {
            assert!(parsed(line).is_err(), "{line}");
        }
        assert!(parsed("--archive --from 2026-11-01 --wait").is_ok());
    }
}
