//! A day of looks for drift: when each account is looked at, what that asks of services that all accounts share, and whether
//! any of them would refuse a call. Deterministic; nothing is measured here.

use berth_tenancy::AccountId;
use detect_drift::{LOOKS_PER_TICK_MAX, TICK_MINUTES, turn};
use jiff::{SignedDuration, Timestamp};

use super::{
    account::CALL_MS,
    bucket::Bucket,
    quotas::{QUOTAS, Rate},
};

/// How often the SDK asks.
const SDK_ATTEMPTS: u32 = 3;

/// Calls of one look at an account of one region, without baseline and sign-in, in which nothing has drifted, by service. A
/// test counts them.
pub const LOOK_CALLS: [(&str, usize); 6] =
    [("dynamodb", 5), ("ec2", 16), ("eks", 4), ("iam", 1), ("organizations", 2), ("states", 2)];

/// Shared calls of one look in their order: milliseconds after its execution began, and what they take from.
const SHARED: [(f64, Shared); 17] = [
    (2.0, Shared::Organizations),
    (2.0, Shared::Organizations),
    (12.0, Shared::Of(Rate::Association)),
    (12.0, Shared::Of(Rate::Propagations)),
    (12.0, Shared::Of(Rate::Gateways)),
    (13.0, Shared::Of(Rate::Routes)),
    (13.0, Shared::Of(Rate::Routes)),
    (13.0, Shared::Of(Rate::Association)),
    (13.0, Shared::Of(Rate::Tables)),
    (13.0, Shared::Of(Rate::Policies)),
    (30.0, Shared::Of(Rate::SignIn)),
    (30.0, Shared::Of(Rate::SignIn)),
    (31.0, Shared::Of(Rate::SignIn)),
    (32.0, Shared::Of(Rate::SignIn)),
    (0.0, Shared::Of(Rate::Start)),
    (0.0, Shared::Of(Rate::Transition)),
    (30.0, Shared::Of(Rate::Transition)),
];

/// What a call takes from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shared {
    /// A rate that is published.
    Of(Rate),
    /// AWS Organizations, whose load is computed only.
    Organizations,
}

/// What a day asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    /// Accounts that were looked at.
    pub looks: usize,
    /// Most looks of one tick.
    pub most_in_a_tick: usize,
    /// Calls that a service with a published rate would have refused, and that the SDK asks again.
    pub again: usize,
    /// Calls that it would have refused for good, so that the state machine tries again.
    pub refused: usize,
    /// For each service: calls of the day, and most in one second.
    pub load: Vec<(&'static str, usize, usize)>,
}

/// A day of so many accounts, each of which has been looked at the day before.
#[must_use]
pub fn a_day(accounts: usize) -> Day {
    let (begin, period) = (Timestamp::UNIX_EPOCH, SignedDuration::from_hours(24));
    let ticks = usize::try_from(24 * 60 / TICK_MINUTES).unwrap_or_default();
    let mut due = vec![0_usize; ticks + 1];
    for number in 0..accounts {
        // Ids of accounts have no order; these are as good as any.
        let Ok(account) = format!("{:012}", 100_000_000_007_usize + number * 79_190_003).parse::<AccountId>() else {
            continue;
        };
        let (_, began) = turn(&account, period, begin);
        let minutes = (began + period).duration_since(begin).as_mins();
        let tick = usize::try_from(minutes / TICK_MINUTES + 1).unwrap_or_default();
        due[tick.min(ticks)] += 1;
    }
    let mut calls: Vec<(f64, Shared)> = Vec::new();
    let (mut waiting, mut looks, mut most_in_a_tick) = (0, 0, 0);
    for (tick, due) in due.iter().enumerate() {
        waiting += due;
        let now = waiting.min(LOOKS_PER_TICK_MAX);
        (waiting, looks, most_in_a_tick) = (waiting - now, looks + now, most_in_a_tick.max(now));
        #[expect(clippy::cast_precision_loss, reason = "minutes of a day, and some accounts")]
        let started = |look: usize| tick as f64 * TICK_MINUTES as f64 * 60e3 + look as f64 * CALL_MS;
        calls.extend((0..now).flat_map(|look| SHARED.map(|(after, shared)| (started(look) + after * CALL_MS, shared))));
    }
    calls.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (again, refused) = serve(&calls);
    Day { looks, most_in_a_tick, again, refused, load: load(&calls) }
}

/// Serves the calls under the published rates: how many are asked again, and how many are refused for good. A call that a
/// service refuses the SDK asks again after up to a second, and then up to two.
fn serve(calls: &[(f64, Shared)]) -> (usize, usize) {
    let mut buckets: Vec<Bucket> = QUOTAS.iter().map(|quota| Bucket::new(quota.burst, quota.per_second)).collect();
    let mut waiting: Vec<(f64, u32, Rate)> = Vec::new();
    for (at_ms, shared) in calls {
        if let Shared::Of(rate) = shared {
            waiting.push((*at_ms, 1, *rate));
        }
    }
    let (mut again, mut refused, mut next) = (0, 0, 0);
    while let Some((at_ms, attempt, rate)) = waiting.get(next).copied() {
        next += 1;
        if buckets[rate as usize].take(at_ms) {
            continue;
        }
        if attempt == SDK_ATTEMPTS {
            refused += 1;
            continue;
        }
        again += 1;
        // Half of the longest pause: full jitter, on the average.
        let later = (at_ms + 500.0 * f64::from(attempt), attempt + 1, rate);
        let place = waiting[next..].partition_point(|(at, ..)| *at <= later.0);
        waiting.insert(next + place, later);
    }
    (again, refused)
}

/// Calls of each service, and most of them in one second.
fn load(calls: &[(f64, Shared)]) -> Vec<(&'static str, usize, usize)> {
    let service = |shared: Shared| match shared {
        Shared::Organizations => "AWS Organizations",
        Shared::Of(Rate::Start | Rate::Transition) => "Step Functions",
        Shared::Of(Rate::SignIn) => "IAM Identity Center",
        Shared::Of(_) => "EC2 in the network account",
    };
    let names = ["AWS Organizations", "EC2 in the network account", "IAM Identity Center"];
    let of = |name: &'static str| {
        let times: Vec<f64> = calls.iter().filter(|(_, shared)| service(*shared) == name).map(|(at, _)| *at).collect();
        let mut most = 0;
        let mut first = 0;
        for (last, at) in times.iter().enumerate() {
            while times[first] <= at - 1e3 {
                first += 1;
            }
            most = most.max(last + 1 - first);
        }
        (name, times.len(), most)
    };
    names.map(of).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_accounts_have_their_turn_and_no_service_refuses_for_good() {
        let day = a_day(10_000);
        assert_eq!((day.looks, day.refused), (10_000, 0), "{day:?}");
        assert!(day.most_in_a_tick <= LOOKS_PER_TICK_MAX, "{day:?}");
    }

    #[test]
    fn a_hundred_thousand_accounts_would_not_have_their_turn() {
        let day = a_day(100_000);
        assert!(day.looks < 100_000 && day.most_in_a_tick == LOOKS_PER_TICK_MAX, "{day:?}");
    }
}
