//! What a failed AWS call means. The meaning of an error code is written per operation, next to the call.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use berth_step::{Fault, StepError};
use berth_tenancy::wait;

use crate::denial;

/// Codes by which services say that we call too fast. [AWS "Common error types"; EC2 `RequestLimitExceeded`]
///
/// `LimitExceededException` is not among them: in most services it is a quota that waiting does not raise.
const THROTTLED: [&str; 8] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "SlowDown",
];

/// Codes by which services say that they are in trouble themselves; asking again is right.
const UNAVAILABLE: [&str; 7] = [
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "RequestTimeout",
    "ServiceFailure",
    "ServiceUnavailable",
    "Unavailable",
];

/// Codes by which services say that we may not.
const DENIED: [&str; 5] =
    ["AccessDenied", "AccessDeniedException", "AuthFailure", "NotAuthorized", "UnauthorizedOperation"];

/// Codes of an account that is still being opened. [EC2 "Client error codes"; Service Quotas]
const OPENING: [&str; 4] = ["OptInRequired", "PendingVerification", "SubscriptionRequiredException", "Blocked"];

/// A call that failed, with what AWS answered.
#[derive(Debug)]
pub struct CallFailure {
    operation: &'static str,
    code: Option<String>,
    message: Option<String>,
    status: Option<u16>,
    context: String,
}

impl CallFailure {
    /// Reads what AWS answered. `operation` is the IAM action (`ec2:CreateVpc`), so that a denial names it.
    pub fn of<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let service = error.as_service_error();
        Self {
            operation,
            code: service.and_then(|e| e.code()).map(str::to_owned),
            message: service.and_then(|e| e.message()).map(str::to_owned),
            status: error.raw_response().map(|response| response.status().as_u16()),
            context: chain(error),
        }
    }

    /// The error code, when AWS answered with one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Whether AWS answered with one of these codes.
    #[must_use]
    pub fn is(&self, codes: &[&str]) -> bool {
        self.code().is_some_and(|code| codes.contains(&code))
    }

    /// Whether AWS's message holds this word: for a code that means several things, and only where no field tells.
    #[must_use]
    pub fn mentions(&self, word: &str) -> bool {
        self.message.as_deref().is_some_and(|message| message.contains(word))
    }

    /// Whether the call may have taken effect although no answer came: a time-out, a reset, or a server error.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.code.is_none() || self.status.is_some_and(|status| status >= 500)
    }

    /// This failure as `fault`, with a hint: for a code whose meaning the caller knows.
    #[must_use]
    pub fn as_fault(self, fault: Fault, hint: impl Into<String>) -> StepError {
        let message = self.what();
        StepError::new(fault, message).hint(hint).because(self.context)
    }

    /// This failure by the codes that every service shares. A code that nobody knows is a `Bug`: it is looked at once,
    /// and then gets a line of its own beside its call.
    #[must_use]
    pub fn or_common(self) -> StepError {
        let fault = self.common_fault();
        let error = StepError::new(fault, self.what());
        let error = match fault {
            Fault::Denied => {
                let operation = self.operation;
                let kind = self.message.as_deref().and_then(|message| denial::hint(operation, message));
                error.hint(kind.unwrap_or_else(|| {
                    format!("allow {operation} for the role that called it, then redrive the execution")
                }))
            }
            Fault::NotReady => error.hint(wait(
                "AWS is still opening the account, or the region in it",
                "enable the region that is named for the account; if it is enabled, open a case with AWS's support: \
                 the account's verification or its payment may be pending; then redrive the execution",
            )),
            _ => error,
        };
        error.because(self.context)
    }

    fn common_fault(&self) -> Fault {
        match self.code() {
            // Whatever stands between us and AWS (a proxy, say) has refused it, and will again.
            None if self.is_refused() => Fault::Bug,
            None => Fault::Throttled,
            Some(code) if THROTTLED.contains(&code) || UNAVAILABLE.contains(&code) => Fault::Throttled,
            Some(code) if OPENING.contains(&code) => Fault::NotReady,
            Some(code) if DENIED.contains(&code) => Fault::Denied,
            Some(_) if self.status.is_some_and(|status| status >= 500) => Fault::Throttled,
            Some(_) => Fault::Bug,
        }
    }

    /// Whether it was answered as wrong: a status that asking again does not change.
    fn is_refused(&self) -> bool {
        self.status.is_some_and(|status| (400..500).contains(&status) && ![408, 429].contains(&status))
    }

    fn what(&self) -> String {
        match (&self.code, &self.message) {
            (None, _) if self.is_refused() => {
                format!("{} was answered with HTTP {} and no code", self.operation, self.status.unwrap_or_default())
            }
            (Some(code), Some(message)) => format!("{} failed: {code}: {message}", self.operation),
            (Some(code), None) => format!("{} failed: {code}", self.operation),
            (None, _) => format!("{} got no answer from AWS", self.operation),
        }
    }
}

/// Names the call that failed, where its answer is read.
pub trait SdkResultExt<T> {
    /// The answer of a call, or what AWS answered instead. `operation` is the IAM action (`ec2:CreateVpc`), so that a
    /// denial names it.
    ///
    /// # Errors
    /// The call failed: [`CallFailure::or_common`] and the others say what that means.
    fn named(self, operation: &'static str) -> Result<T, CallFailure>;
}

impl<T, E> SdkResultExt<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn named(self, operation: &'static str) -> Result<T, CallFailure> {
        self.map_err(|error| CallFailure::of(operation, &error))
    }
}

/// What to make of a call that was [`SdkResultExt::named`].
pub trait CallResultExt<T> {
    /// The answer; or none when AWS answered with one of these codes, such as that something is not there.
    ///
    /// # Errors
    /// The call failed with another code.
    fn none_if(self, codes: &[&str]) -> Result<Option<T>, CallFailure>;

    /// The answer; or the failure by the codes that every service shares ([`CallFailure::or_common`]).
    ///
    /// # Errors
    /// The call failed.
    fn or_common(self) -> Result<T, StepError>;
}

impl<T> CallResultExt<T> for Result<T, CallFailure> {
    fn none_if(self, codes: &[&str]) -> Result<Option<T>, CallFailure> {
        match self {
            Err(failure) if failure.is(codes) => Ok(None),
            answered => answered.map(Some),
        }
    }

    fn or_common(self) -> Result<T, StepError> {
        self.map_err(CallFailure::or_common)
    }
}

/// The error and what caused it, without debug output: that fills a page, and nobody has checked what is in it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: Option<&str>, status: Option<u16>) -> CallFailure {
        CallFailure {
            operation: "ec2:CreateVpc",
            code: code.map(str::to_owned),
            message: Some("no".to_owned()),
            status,
            context: "the whole chain".to_owned(),
        }
    }

    #[test]
    fn common_codes_have_one_meaning_each() {
        for (code, status, fault) in [
            (Some("RequestLimitExceeded"), Some(503), Fault::Throttled),
            (Some("InternalError"), Some(500), Fault::Throttled),
            (Some("SomethingNew"), Some(502), Fault::Throttled),
            (None, None, Fault::Throttled),
            (None, Some(429), Fault::Throttled),
            (None, Some(502), Fault::Throttled),
            (None, Some(407), Fault::Bug),
            (Some("UnauthorizedOperation"), Some(403), Fault::Denied),
            (Some("OptInRequired"), Some(401), Fault::NotReady),
            (Some("InvalidVpcID.NotFound"), Some(400), Fault::Bug),
        ] {
            assert_eq!(failure(code, status).or_common().fault, fault, "{code:?}");
        }
    }

    #[test]
    fn a_denial_names_the_action_that_must_be_allowed() {
        let error = failure(Some("AccessDenied"), Some(403)).or_common();
        assert_eq!(error.message, "ec2:CreateVpc failed: AccessDenied: no");
        assert!(error.hint.contains("allow ec2:CreateVpc"));
    }

    #[test]
    fn an_answer_that_is_not_from_aws_is_told_from_none() {
        assert_eq!(
            failure(None, Some(407)).or_common().message,
            "ec2:CreateVpc was answered with HTTP 407 and no code"
        );
        assert_eq!(failure(None, None).or_common().message, "ec2:CreateVpc got no answer from AWS");
    }

    #[test]
    fn only_calls_without_a_clear_answer_are_ambiguous() {
        assert!(failure(None, None).is_ambiguous());
        assert!(failure(Some("InternalError"), Some(500)).is_ambiguous());
        assert!(!failure(Some("VpcLimitExceeded"), Some(400)).is_ambiguous());
    }

    #[test]
    fn what_is_not_there_is_none_and_every_other_failure_stays_one() {
        let answered = |code| Err::<(), _>(failure(Some(code), Some(404))).none_if(&["ResourceNotFoundException"]);
        assert!(answered("ResourceNotFoundException").unwrap().is_none());
        assert_eq!(answered("AccessDenied").unwrap_err().code(), Some("AccessDenied"));
        assert!(Ok(()).none_if(&["ResourceNotFoundException"]).unwrap().is_some());
    }
}
