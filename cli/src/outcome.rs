//! How a command ends: its exit code, and its one error with a hint.

use std::{fmt, process::ExitCode};

use berth_step::{Fault, StepError};

use berth_tenancy::after_waiting;

use crate::{output, paint};

/// Exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    /// It failed, or the account that was asked about failed.
    Failed,
    /// The input is wrong; clap uses the same code.
    BadInput,
    /// There are no credentials, or AWS does not take them: whoever runs the command signs in.
    NoCredentials,
    /// Of a plan, where somebody asks for this code: there are changes to make. Having no credentials is a failure then.
    Changes,
}

impl Exit {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::BadInput => 2,
            Self::NoCredentials | Self::Changes => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// What went wrong, and what to do next.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) exit: Exit,
    pub(crate) what: String,
    pub(crate) hint: String,
}

impl Problem {
    pub(crate) fn failed(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, what: what.into(), hint: hint.into() }
    }

    pub(crate) fn bad_input(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::BadInput, what: what.into(), hint: hint.into() }
    }

    pub(crate) fn credentials(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::NoCredentials, what: what.into(), hint: hint.into() }
    }

    /// Prints to standard error, in the form that was chosen.
    pub(crate) fn print(&self) {
        if output::is_data() {
            output::problem(self);
            return;
        }
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

/// Codes by which AWS says that it does not know the credentials, or not any more. [STS, IAM "Common error types"]
const REFUSED: [&str; 6] = [
    "ExpiredToken",
    "InvalidClientTokenId",
    "InvalidIdentityToken",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "UnrecognizedClientException",
];

/// Whether AWS says by this code that it does not take the credentials.
pub(crate) fn is_refused(code: &str) -> bool {
    REFUSED.iter().any(|refused| code.starts_with(refused))
}

/// A call to AWS that failed.
impl From<StepError> for Problem {
    fn from(error: StepError) -> Self {
        let causes = error.chain().join(": ");
        let is_refused = error.message.split_once(" failed: ").is_some_and(|(_, code)| is_refused(code));
        let hint = match error.fault {
            _ if is_refused => {
                "sign in anew (aws sso login, aws login), or renew the keys; if they are new, set the clock"
            }
            Fault::Throttled if causes.contains("invalid peer certificate") => {
                "name the certificates that your network signs with: AWS_CA_BUNDLE, or ca_bundle in the profile"
            }
            Fault::Throttled if error.message.contains("got no answer") => {
                "check the region, AWS_ENDPOINT_URL and HTTPS_PROXY; for the local AWS: berth local up"
            }
            // No state machine asks again here.
            _ => after_waiting(&error.hint),
        };
        let hint = hint.to_owned();
        let what = if causes.is_empty() { error.message } else { format!("{} ({causes})", error.message) };
        if is_refused { Self::credentials(what, hint) } else { Self::failed(what, hint) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_aws_does_not_take_have_an_exit_code_of_their_own() {
        let problem = |message: &str| Problem::from(StepError::new(Fault::Bug, message));
        let refused = problem("dynamodb:Scan failed: ExpiredTokenException: The security token is expired");
        assert!(refused.exit == Exit::NoCredentials && refused.hint.contains("aws sso login"), "{refused:?}");
        assert_eq!(problem("dynamodb:Scan failed: ValidationException: no").exit, Exit::Failed);
    }

    #[test]
    fn a_certificate_of_ones_own_network_is_told_from_silence() {
        let silent = |cause: &str| {
            Problem::from(StepError::new(Fault::Throttled, "dynamodb:Scan got no answer from AWS").because(cause))
        };
        assert!(silent("io error: invalid peer certificate: UnknownIssuer").hint.contains("AWS_CA_BUNDLE"));
        assert!(silent("connection refused").hint.contains("HTTPS_PROXY"));
    }
}
