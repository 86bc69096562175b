//! The ways to break a call.

use std::{fmt, str::FromStr};

use serde_json::{Value, json};

use super::InjectionPoint;
use crate::registry;

/// How a scenario goes on after its function was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recovery {
    /// By itself: the state machine's `Retry`, or the queue's next delivery.
    Retry,
    /// The execution is stopped and redriven.
    Redrive,
    /// The execution is stopped, and a person starts a new one.
    NewExecution,
    /// As before, and while the new one works, somebody redrives the old one.
    Contended,
}

/// One way to break one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// Refused with the service's throttling error, also when the SDK asks again.
    Throttled,
    /// An internal error of the service, also when the SDK asks again.
    InternalError,
    /// The service is unavailable, also when the SDK asks again.
    Unavailable,
    /// The connection is reset and nothing happened, also when the SDK asks again.
    Reset,
    /// It happened, and the answer is lost.
    AnswerLost,
    /// The function dies before the call.
    KilledBefore(Recovery),
    /// The function dies after the call took effect.
    KilledAfter(Recovery),
    /// The service says that the request is wrong, until a person has repaired what makes it so. Then the execution is
    /// redriven.
    Refused,
    /// For a while after each change, calls of this kind answer as if it had not happened.
    Stale,
    /// The call hangs until the function is out of time, and takes effect after that.
    Hang,
}

/// How long a read misses a change. Pauses are a fiftieth here, so to the state machine it is as long as 20 s.
const STALE_MILLISECONDS: u64 = 400;

/// Attempts that the SDK makes of one call.
const ATTEMPTS: usize = 3;

/// Far more often than anybody asks before a person has come.
const ALWAYS: usize = 1_000;

/// Longer than [`super::testbed::FUNCTION_SECONDS`], so that the function is given up before the call lands.
const HANG_MILLISECONDS: u64 = 7_000;

impl FaultKind {
    const ALL: [(Self, &str); 16] = [
        (Self::Throttled, "throttled"),
        (Self::InternalError, "internal-error"),
        (Self::Unavailable, "unavailable"),
        (Self::Reset, "reset"),
        (Self::AnswerLost, "answer-lost"),
        (Self::KilledBefore(Recovery::Retry), "killed-before"),
        (Self::KilledBefore(Recovery::Redrive), "killed-before-redriven"),
        (Self::KilledBefore(Recovery::NewExecution), "killed-before-restarted"),
        (Self::KilledAfter(Recovery::Retry), "killed-after"),
        (Self::KilledAfter(Recovery::Redrive), "killed-after-redriven"),
        (Self::KilledAfter(Recovery::NewExecution), "killed-after-restarted"),
        (Self::KilledBefore(Recovery::Contended), "killed-before-contended"),
        (Self::KilledAfter(Recovery::Contended), "killed-after-contended"),
        (Self::Refused, "refused"),
        (Self::Stale, "stale"),
        (Self::Hang, "hang"),
    ];

    /// Every way to break a call of this function with this effect. Only an execution can be redriven or started anew,
    /// so functions behind a queue recover by themselves or not at all. A lost answer is only worth a run when
    /// something happened.
    #[must_use]
    pub fn of(point: &InjectionPoint, effect: &str, is_contended: bool) -> Vec<Self> {
        let function = point.function.as_str();
        let in_execution = registry::function(function).is_invoked_by_executions();
        let changes = ["resource", "data", "execution"].contains(&effect);
        let fits = |way: Self| match way {
            Self::AnswerLost => changes,
            // Two executions contend once in each function, about one of its changes.
            Self::KilledBefore(Recovery::Contended) | Self::KilledAfter(Recovery::Contended) => {
                in_execution && is_contended
            }
            Self::KilledBefore(recovery) | Self::KilledAfter(recovery) => in_execution || recovery == Recovery::Retry,
            // All calls of the kind are stale at once, so once for each kind. Every read of the ledger is consistent.
            Self::Stale => effect == "read" && point.nth == 1 && point.service != "dynamodb",
            // A queue delivers again and again until a person looks at its dead letters: that is another scenario.
            Self::Refused => in_execution || function == "commit-tenant" && point.service != "states",
            Self::Throttled | Self::InternalError | Self::Unavailable | Self::Reset | Self::Hang => true,
        };
        Self::ALL.into_iter().map(|(way, _)| way).filter(|way| fits(*way)).collect()
    }

    /// How the scenario goes on.
    #[must_use]
    pub fn recovery(self) -> Recovery {
        match self {
            Self::KilledBefore(recovery) | Self::KilledAfter(recovery) => recovery,
            Self::Refused => Recovery::Redrive,
            _ => Recovery::Retry,
        }
    }

    /// The gateway's rule that breaks this call when `tenant` is onboarded.
    #[must_use]
    pub fn rule(self, point: &InjectionPoint, tenant: &str) -> Value {
        if self == Self::Stale {
            let mut kind = Self::matching(point, tenant);
            kind.as_object_mut().map(|kind| kind.remove("nth"));
            return json!({ "match": kind, "action": { "stale_ms": STALE_MILLISECONDS } });
        }
        let found = Self::matching(point, tenant);
        let (action, times) = match self {
            Self::Throttled => (throttling(&point.service), ATTEMPTS),
            Self::InternalError => (json!({ "error": { "code": "InternalError", "status": 500 } }), ATTEMPTS),
            Self::Unavailable => (json!({ "error": { "code": "ServiceUnavailable", "status": 503 } }), ATTEMPTS),
            Self::Reset => (json!({ "drop": true }), ATTEMPTS),
            Self::AnswerLost => (json!({ "cut": true }), 1),
            // Until somebody stops the execution. Else its next attempt would leave nothing to contend for.
            Self::KilledBefore(Recovery::Contended) => (json!({ "kill": "before" }), ALWAYS),
            Self::KilledBefore(_) => (json!({ "kill": "before" }), 1),
            Self::KilledAfter(_) => (json!({ "kill": "after" }), 1),
            Self::Refused => (json!({ "error": { "code": "ValidationException", "status": 400 } }), ALWAYS),
            Self::Hang | Self::Stale => (json!({ "delay_ms": HANG_MILLISECONDS }), 1),
        };
        json!({ "match": found, "action": action, "times": times })
    }

    /// The call that a rule is for.
    fn matching(point: &InjectionPoint, tenant: &str) -> Value {
        json!({
            "account": point.owner.account(tenant),
            "function": format!("berth-{}", point.function),
            "region": point.region,
            "service": point.service,
            "operation": point.operation,
            "nth": point.nth,
        })
    }
}

/// The error with which a service throttles.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
pub(super) fn throttling(service: &str) -> Value {
    let (code, status) = match service {
        "ec2" => ("RequestLimitExceeded", 503),
        "iam" | "sts" => ("Throttling", 400),
        "organizations" | "eks" => ("TooManyRequestsException", 429),
        _ => ("ThrottlingException", 400),
    };
    json!({ "error": { "code": code, "status": status, "message": "Rate exceeded" } })
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(way, _)| way == self).map_or("", |(_, name)| *name);
        f.write_str(name)
    }
}

impl FromStr for FaultKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|(_, name)| *name == text);
        let names = || Self::ALL.map(|(_, name)| name).join(", ");
        found.map(|(way, _)| way).ok_or_else(|| format!("{text:?} is no way to break a call; these are: {}", names()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_has_a_name_of_its_own_and_is_read_back_from_it() {
        for (way, name) in FaultKind::ALL {
            assert_eq!(name.parse::<FaultKind>(), Ok(way));
            assert_eq!(way.to_string(), name);
        }
    }

    /// Else its next attempt would do what the two executions are to contend for.
    #[test]
    fn a_function_dies_before_a_contended_call_until_somebody_comes() {
        let point = "provision-vpc/tenant/eu-west-1/ec2:AssociateRouteTable#1".parse::<InjectionPoint>().unwrap();
        let times = |recovery| FaultKind::KilledBefore(recovery).rule(&point, "111122223333")["times"].as_u64();
        assert_eq!(times(Recovery::Contended), Some(ALWAYS as u64));
        for once in [Recovery::Retry, Recovery::Redrive, Recovery::NewExecution] {
            assert_eq!(times(once), Some(1));
        }
    }

    #[test]
    fn what_fits_follows_from_the_function_and_the_effect() {
        let point = |name: &str| name.parse::<InjectionPoint>().unwrap();
        let read = FaultKind::of(&point("provision-vpc/tenant/eu-west-1/ec2:DescribeVpcs#1"), "read", false);
        assert!(!read.contains(&FaultKind::AnswerLost) && read.contains(&FaultKind::Stale));
        let later = FaultKind::of(&point("provision-vpc/tenant/eu-west-1/ec2:DescribeVpcs#2"), "read", false);
        assert!(!later.contains(&FaultKind::Stale) && later.contains(&FaultKind::Hang));
        let write = FaultKind::of(&point("provision-vpc/tenant/eu-west-1/ec2:CreateVpc#1"), "resource", true);
        assert!(write.contains(&FaultKind::AnswerLost) && write.contains(&FaultKind::KilledAfter(Recovery::Contended)));
        assert!(write.contains(&FaultKind::KilledAfter(Recovery::Redrive)));
        let queued = FaultKind::of(&point("commit-tenant/hub/us-east-1/dynamodb:UpdateItem#1"), "data", false);
        assert!(queued.contains(&FaultKind::KilledAfter(Recovery::Retry)));
        assert!(!queued.contains(&FaultKind::KilledAfter(Recovery::Redrive)));
        let answer = point("commit-tenant/hub/us-east-1/states:SendTaskSuccess#1");
        let answered = FaultKind::of(&answer, "execution", false);
        assert!(queued.contains(&FaultKind::Refused) && !answered.contains(&FaultKind::Refused));
        assert!(answered.contains(&FaultKind::AnswerLost));
    }
}
