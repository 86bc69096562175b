//! Denials of an account that AWS is still opening: not a mistake of anybody, so not a failure, for a limited time.
//!
//! For some minutes a new account answers `AccessDenied` or `UnauthorizedOperation` to calls that it allows later, with
//! the same codes as a real denial. Only the account's age tells them apart, so the plan says until when to believe it.

use berth_tenancy::{Subject, wait};
use jiff::Timestamp;

use crate::{Fault, StepError};

/// What AWS says of a call that a policy denies outright: that never comes of an account that is being opened. No field
/// says it. [IAM User Guide, "Troubleshoot access denied error messages"]
const EXPLICIT: &str = "with an explicit deny in";

/// What an error means at the time `now`: a denial in the subject's own account is `NotReady` while the account may
/// still be opened. Denials of other accounts, and all later ones, stay what they are.
#[must_use]
pub fn while_opening(mut error: StepError, subject: &Subject, now: Timestamp) -> StepError {
    let in_account = error.account.as_ref().is_none_or(|account| *account == subject.account_id);
    let Some(until) = subject.opening_until.filter(|until| now < *until) else { return error };
    if error.fault != Fault::Denied || !in_account || error.message.contains(EXPLICIT) {
        return error;
    }
    let hint = wait(format!("AWS may still be opening the account, until {until:.0}"), &error.hint);
    error.fault = Fault::NotReady;
    error.hint(hint)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use berth_tenancy::{LeftOverTags, Mode, OrganizationTags};

    use super::*;

    const UNTIL: &str = "2026-11-21T10:00:00Z";

    fn subject(opening_until: Option<&str>) -> Subject {
        Subject {
            account_id: "111122223333".parse().unwrap(),
            account_name: "x".into(),
            tenant: "x".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            execution: "e".into(),
            generation: 1,
            mode: Mode::Apply,
            tenant_role: "BerthTenant".parse().unwrap(),
            allow_disruption: false,
            opening_until: opening_until.map(|text| text.parse().unwrap()),
            tags: OrganizationTags::default(),
            left_over_tags: LeftOverTags::default(),
            only_planned: None,
            repairs: None,
        }
    }

    fn judged(error: StepError, until: Option<&str>, now: &str) -> StepError {
        while_opening(error, &subject(until), now.parse().unwrap())
    }

    fn denied() -> StepError {
        StepError::new(Fault::Denied, "ec2:CreateVpc failed: UnauthorizedOperation").hint("allow ec2:CreateVpc")
    }

    #[test]
    fn a_denial_is_not_ready_until_the_limit_and_denied_from_then_on() {
        for (until, now, fault) in [
            (Some(UNTIL), "2026-11-21T09:59:59Z", Fault::NotReady),
            (Some(UNTIL), UNTIL, Fault::Denied),
            (Some(UNTIL), "2026-11-22T00:00:00Z", Fault::Denied),
            (None, "2026-11-21T00:00:00Z", Fault::Denied),
        ] {
            assert_eq!(judged(denied(), until, now).fault, fault, "{until:?} {now}");
        }
    }

    #[test]
    fn a_denial_in_the_grace_period_says_what_was_denied_and_what_to_do() {
        let error = judged(denied(), Some(UNTIL), "2026-11-21T09:00:00Z");
        assert_eq!(error.message, "ec2:CreateVpc failed: UnauthorizedOperation");
        assert!(error.hint.ends_with("until 2026-11-21T10:00:00Z; if it stays: allow ec2:CreateVpc"), "{}", error.hint);
    }

    #[test]
    fn a_denial_in_another_account_is_denied_however_new_the_tenants_account_is() {
        let network = denied().for_account(&"310987654321".parse().unwrap());
        assert_eq!(judged(network, Some(UNTIL), "2026-11-21T09:00:00Z").fault, Fault::Denied);
        let own = denied().for_account(&"111122223333".parse().unwrap());
        assert_eq!(judged(own, Some(UNTIL), "2026-11-21T09:00:00Z").fault, Fault::NotReady);
    }

    #[test]
    fn an_explicit_denial_is_told_at_once_however_new_the_account_is() {
        let message =
            "ec2:CreateVpc failed: UnauthorizedOperation: … with an explicit deny in a service control policy";
        let explicit = StepError::new(Fault::Denied, message);
        assert_eq!(judged(explicit, Some(UNTIL), "2026-11-21T09:00:00Z").fault, Fault::Denied);
    }

    #[test]
    fn no_other_fault_is_changed() {
        for fault in Fault::ALL.into_iter().filter(|fault| *fault != Fault::Denied) {
            let error = judged(StepError::new(fault, "x"), Some(UNTIL), "2026-11-21T09:00:00Z");
            assert_eq!(error.fault, fault);
        }
    }
}
