//! The one error type of a step: a fault, what happened, to which account and region, and what to do next.

use std::fmt;

use berth_tenancy::{AccountId, PlanLimit, Region, RepairLimit, wait};

use crate::Fault;

/// What a plan is made from, besides AWS itself.
const PLANNED_FROM: [&str; 2] = ["platform.yaml", "the account's tags"];

/// Problems that the error of a run over many things names; the log has all of them.
const NAMED_MAX: usize = 5;

/// The cause of a [`StepError`].
type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a step stopped. `Display` is the Lambda's error message: what happened, where, and on a line of its own what to
/// do next. It never includes its source: the log line prints the chain.
#[derive(Debug)]
pub struct StepError {
    /// The name that the state machine matches.
    pub fault: Fault,
    /// What happened, as one sentence without a full stop.
    pub message: String,
    /// The account, when there is one.
    pub account: Option<AccountId>,
    /// The region, when there is one.
    pub region: Option<Region>,
    /// What a person should do next, as one sentence. Of a fault that passes by itself: [`wait`].
    pub hint: String,
    source: Option<Source>,
}

impl StepError {
    /// An error of this kind, with the fault's own hint. `message` says what happened.
    #[must_use]
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into(), account: None, region: None, hint: advice(fault), source: None }
    }

    /// Something has the name that Berth would use, and is not Berth's. `what` names it.
    #[must_use]
    pub fn not_owned(what: &str) -> Self {
        Self::new(Fault::NotOwned, format!("{what} has the name that Berth would use, but not Berth's tags"))
            .hint("rename or delete it, or tag it as Berth's if Berth shall manage it; then redrive the execution")
    }

    /// The run makes a plan, and the plan does not have this change.
    #[must_use]
    pub fn not_planned(limit: &PlanLimit, change: impl fmt::Display) -> Self {
        let what = format!("the plan that is applied does not have this change: {change} (plan {})", limit.hash());
        Self::new(Fault::InvalidInput, what).hint(
            "make a new plan with berth onboard ACCOUNT --plan --out FILE, look at it, and apply that one; a redrive would \
             make the same plan again",
        )
    }

    /// The run is a repair, and cannot go on without something that it may not make.
    #[must_use]
    pub fn beyond_repair(limit: &RepairLimit, what: impl fmt::Display) -> Self {
        let what = format!("the repair needs more than it may mend ({limit}): {what}");
        Self::new(Fault::InvalidInput, what).hint(
            "look at all of it with berth onboard ACCOUNT --plan, then onboard the account: berth onboard ACCOUNT; a redrive \
             would be as limited as this run",
        )
    }

    /// The one error of a run over many things that had problems with some. `done` says what it did nevertheless, and
    /// `function` whose log has all problems. Fault and hint are those of the first.
    #[must_use]
    pub fn of_many(problems: Vec<Self>, done: &str, function: &str) -> Self {
        let count = problems.len();
        let one = |error: &Self| match &error.account {
            Some(account) => format!("{} ({account})", error.message),
            None => error.message.clone(),
        };
        let mut named: Vec<String> = problems.iter().take(NAMED_MAX).map(one).collect();
        if count > NAMED_MAX {
            named.push(format!("{} more in the log of {function}", count - NAMED_MAX));
        }
        let what = format!("{done}, and had {count} problems: {}", named.join("; "));
        match problems.into_iter().next() {
            Some(first) => Self::new(first.fault, what).hint(first.hint.clone()).because(first),
            None => Self::new(Fault::Bug, what),
        }
    }

    /// The same error with a hint that fits it better.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same error of a step, which works by the plan of its execution: a hint that leads to platform.yaml says how the
    /// change takes effect.
    #[must_use]
    pub fn of_planned(mut self, account: &AccountId) -> Self {
        if PLANNED_FROM.iter().any(|source| self.hint.contains(source)) && !self.hint.contains("--new") {
            self.hint = format!(
                "{}; a redrive keeps the plan, so after such a change: berth replay {account} --new",
                self.hint
            );
        }
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
            self.message = format!("{}; this was to {action}", self.message);
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
fn advice(fault: Fault) -> String {
    match fault {
        Fault::NotReady => {
            return wait(
                "Berth asks again until its limit",
                "look at what the message names in the AWS console, and redrive the execution once it is ready",
            );
        }
        Fault::Throttled => {
            return wait(
                "Berth asks again with growing pauses",
                "redrive the execution later; if it comes often, ask AWS for a higher rate of that call",
            );
        }
        Fault::Conflict => {
            return wait(
                "Berth looks again and retries",
                "find out who else changes what the message names (CloudTrail shows it), then redrive the execution",
            );
        }
        Fault::Denied => "allow the action for the role that is named, then redrive the execution",
        Fault::NotOwned => "rename or tag the resource that is named, then redrive the execution",
        Fault::InvalidInput => "correct what is named, then start the onboarding again",
        Fault::Superseded => "nothing: the other execution goes on",
        Fault::ExtensionFailed => "mend the extension that is named, then redrive the execution",
        Fault::Bug => "report this with the execution's history; running it again is safe",
    }
    .to_owned()
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match (&self.account, &self.region) {
            (Some(account), Some(region)) => write!(f, " (account {account}, {region})")?,
            (Some(account), None) => write!(f, " (account {account})")?,
            (None, Some(region)) => write!(f, " ({region})")?,
            (None, None) => {}
        }
        write!(f, "\nNext: {}", self.hint)
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
            .hint("delete vpc-1 or tag it")
            .because("secret-token-in-source");
        assert_eq!(
            error.to_string(),
            "VPC vpc-1 has our name but not our tags (account 111122223333, eu-west-1)\nNext: delete vpc-1 or tag it"
        );
        assert_eq!(error.chain(), ["secret-token-in-source"]);
    }

    #[test]
    fn a_hint_that_leads_to_platform_yaml_says_how_a_change_of_it_takes_effect() {
        let account: AccountId = "111122223333".parse().unwrap();
        let planned = |hint: &str| StepError::new(Fault::InvalidInput, "x").hint(hint).of_planned(&account).hint;
        let corrected = planned("correct the roles in platform.yaml");
        assert!(corrected.ends_with("after such a change: berth replay 111122223333 --new"), "{corrected}");
        for kept in ["allow it, then redrive the execution", "correct platform.yaml, then: berth replay ACCOUNT --new"]
        {
            assert_eq!(planned(kept), kept);
        }
    }

    #[test]
    fn the_error_of_many_says_how_many_and_names_the_first_few() {
        let account: AccountId = "111122223333".parse().unwrap();
        let error = |number: u32| {
            StepError::new(Fault::Denied, format!("problem {number}")).hint("allow it").for_account(&account)
        };
        let all = |problems| StepError::of_many(problems, "asked for 7 accounts", "berth-sweep-accounts");
        let two = all(vec![error(1), error(2)]);
        assert_eq!(
            two.message,
            "asked for 7 accounts, and had 2 problems: problem 1 (111122223333); problem 2 (111122223333)"
        );
        assert_eq!((two.fault, two.hint.as_str(), two.account.is_none()), (Fault::Denied, "allow it", true));
        let many = all((1..=9).map(error).collect());
        assert!(
            many.message.ends_with("problem 5 (111122223333); 4 more in the log of berth-sweep-accounts"),
            "{many}"
        );
    }

    #[test]
    fn every_fault_has_advice() {
        for fault in Fault::ALL {
            assert!(!StepError::new(fault, "x").hint.is_empty());
        }
    }
}
