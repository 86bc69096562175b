//! How a command ends: its exit code, and its one error with a hint.

use std::{fmt, process::ExitCode};

use berth_step::{Fault, StepError};

use berth_tenancy::after_waiting;

use crate::paint;

/// Exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It is done.
    Done,
    /// It failed, or the account that was asked about failed.
    Failed,
    /// The input is wrong; clap uses the same code.
    BadInput,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::BadInput => Self::from(2),
        }
    }
}

/// What went wrong, and what to do next.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) exit: Exit,
    what: String,
    hint: String,
}

impl Problem {
    pub(crate) fn failed(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, what: what.into(), hint: hint.into() }
    }

    pub(crate) fn bad_input(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::BadInput, what: what.into(), hint: hint.into() }
    }

    /// Prints to standard error.
    pub(crate) fn print(&self) {
        anstream::eprintln!(
            "{}: {}\n{}",
            paint::bad("error"),
            self.what,
            paint::faint(&format!("Next: {}", self.hint))
        );
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// A call to AWS that failed.
impl From<StepError> for Problem {
    fn from(error: StepError) -> Self {
        let hint = match error.fault {
            Fault::Throttled if error.message.contains("got no answer") => {
                "check AWS_ENDPOINT_URL, the region and the credentials; for the local AWS: berth local up".to_owned()
            }
            // No state machine asks again here.
            _ => after_waiting(&error.hint).to_owned(),
        };
        let causes = error.chain().join(": ");
        let what = if causes.is_empty() { error.message } else { format!("{} ({causes})", error.message) };
        Self::failed(what, hint)
    }
}
