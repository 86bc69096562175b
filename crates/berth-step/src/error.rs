//! The one error type of a step: a fault, what happened, to which account and region, and what to do next.

use std::fmt;

use berth_tenancy::{AccountId, Region};

use crate::Fault;

/// The cause of a [`StepError`].
type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a step stopped. `Display` is the Lambda's error message: what happened, where, and on a line of its own what to
/// do next. It never includes its source: the log line prints the chain.
#[derive(Debug)]
pub struct StepError {
    /// The name that the state machine matches.
    pub fault: Fault,
    /// What happened, as one sentence without a full stop.
    pub what: String,
    /// The account, when there is one.
    pub account: Option<AccountId>,
    /// The region, when there is one.
    pub region: Option<Region>,
    /// What a person should do next, as one sentence.
    pub next: String,
    source: Option<Source>,
}

impl StepError {
    /// An error of this kind, with the fault's own advice.
    #[must_use]
    pub fn new(fault: Fault, what: impl Into<String>) -> Self {
        Self { fault, what: what.into(), account: None, region: None, next: advice(fault).to_owned(), source: None }
    }

    /// Something has the name that Berth would use, and is not Berth's. `what` names it.
    #[must_use]
    pub fn not_owned(what: &str) -> Self {
        Self::new(Fault::NotOwned, format!("{what} has the name that Berth would use, but not Berth's tags"))
            .next("rename or delete it, or tag it as Berth's if Berth shall manage it; then redrive the execution")
    }

    /// The same error with advice that fits it better.
    #[must_use]
    pub fn next(mut self, advice: impl Into<String>) -> Self {
        self.next = advice.into();
        self
    }

    /// The same error with its cause, for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error, about this account.
    #[must_use]
    pub fn for_account(mut self, account: &AccountId) -> Self {
        self.account.get_or_insert_with(|| account.clone());
        self
    }

    /// The same error, about this region.
    #[must_use]
    pub fn in_region(mut self, region: &Region) -> Self {
        self.region.get_or_insert_with(|| region.clone());
        self
    }

    /// The same error; a denial says what was to be changed too, because AWS's message often names no resource.
    #[must_use]
    pub(crate) fn while_trying(mut self, action: &impl fmt::Display) -> Self {
        if self.fault == Fault::Denied {
            self.what = format!("{}; this was to {action}", self.what);
        }
        self
    }

    /// The chain of causes, for the log; empty when there is none.
    #[must_use]
    pub fn chain(&self) -> Vec<String> {
        let mut chain = Vec::new();
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            chain.push(error.to_string());
            next = error.source();
        }
        chain
    }
}

/// What helps with a fault when the place that raised it has no better advice.
fn advice(fault: Fault) -> &'static str {
    match fault {
        Fault::NotReady => "nothing yet: Berth asks again until its limit",
        Fault::Throttled => "nothing yet: Berth asks again with growing pauses",
        Fault::Conflict => "nothing yet: Berth looks again and retries",
        Fault::Denied => "allow the action for the role that is named, then redrive the execution",
        Fault::NotOwned => "rename or tag the resource that is named, then redrive the execution",
        Fault::InvalidInput => "correct what is named, then start the onboarding again",
        Fault::Superseded => "nothing: the other execution goes on",
        Fault::Bug => "report this with the execution's history; running it again is safe",
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match (&self.account, &self.region) {
            (Some(account), Some(region)) => write!(f, " (account {account}, {region})")?,
            (Some(account), None) => write!(f, " (account {account})")?,
            (None, Some(region)) => write!(f, " ({region})")?,
            (None, None) => {}
        }
        write!(f, "\nNext: {}", self.next)
    }
}

impl std::error::Error for StepError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_message_says_what_where_and_what_next_but_never_its_source() {
        let error = StepError::new(Fault::NotOwned, "VPC vpc-1 has our name but not our tags")
            .for_account(&"111122223333".parse().unwrap())
            .in_region(&"eu-west-1".parse().unwrap())
            .next("delete vpc-1 or tag it")
            .because("secret-token-in-source");
        assert_eq!(
            error.to_string(),
            "VPC vpc-1 has our name but not our tags (account 111122223333, eu-west-1)\nNext: delete vpc-1 or tag it"
        );
        assert_eq!(error.chain(), ["secret-token-in-source"]);
    }

    #[test]
    fn every_fault_has_advice() {
        for fault in Fault::ALL {
            assert!(!StepError::new(fault, "x").next.is_empty());
        }
    }
}
