//! What answers of the API server mean.

use kube_client::Error;

use crate::status::Reason;

/// Why a call failed, as the status of a tenant says it.
///
/// <https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#http-status-codes>
#[must_use]
pub(crate) fn reason(error: &Error) -> Reason {
    let Error::Api(status) = error else { return Reason::Unavailable };
    match (status.code, status.reason.as_str()) {
        // A namespace that goes away takes nothing new.
        (403, _) if status.message.contains("because it is being terminated") => Reason::Terminating,
        (401 | 403, _) => Reason::Denied,
        // Server-side apply without force; another version seen (`Conflict` of a replace) is observed again.
        (409, "Conflict") if is_field_conflict(error) => Reason::FieldConflict,
        (400 | 404 | 405 | 413 | 415 | 422, _) => Reason::Refused,
        _ => Reason::Unavailable,
    }
}

fn is_field_conflict(error: &Error) -> bool {
    let Error::Api(status) = error else { return false };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == "FieldManagerConflict")
}

/// Whether there is no such object, or no such kind.
#[must_use]
pub(crate) fn is_not_found(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 404)
}

/// Whether somebody was faster: there is one of that name, or another version than the one seen.
#[must_use]
pub(crate) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 409) && !is_field_conflict(error)
}

/// The server's own words, without its structure.
#[must_use]
pub(crate) fn message(error: &Error) -> String {
    match error {
        Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => {
            let mut text = other.to_string();
            let mut cause = std::error::Error::source(other);
            while let Some(next) = cause {
                text.push_str(": ");
                text.push_str(&next.to_string());
                cause = next.source();
            }
            text
        }
    }
}
