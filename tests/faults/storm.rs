//! Throttling storms: many accounts at once against the token buckets of AWS.

use berth_ledger::Status;
use serde_json::{Value, json};

use super::{
    Tally,
    stand::{Stand, within},
};
use crate::rig::{Event, event};

/// Longest that a storm may last.
const STORM_SECONDS_MAX: u64 = 600;

/// Many accounts at once, and how tight the buckets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storm {
    /// Accounts whose events arrive at the same moment.
    pub accounts: usize,
    /// How much tighter than published the buckets are.
    pub tightness: u32,
}

/// What a storm was like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weather {
    /// Calls that were refused.
    pub refused: u64,
    /// Accounts that were not onboarded, or not alike.
    pub violations: Vec<String>,
}

/// Burst and rate a second of a bucket, and the calls that it is for.
///
/// EC2: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>, for calls that look and calls that
/// change. IAM Identity Center: 20 a second, <https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html>.
/// Organizations and IAM publish none for all of their calls; 20 a second is what their users report.
const BUCKETS: [(&str, &str, f64, f64); 6] = [
    ("sso", "read", 20.0, 20.0),
    ("sso", "resource", 20.0, 20.0),
    ("ec2", "read", 100.0, 20.0),
    ("ec2", "resource", 50.0, 5.0),
    ("organizations", "read", 20.0, 20.0),
    ("iam", "resource", 20.0, 20.0),
];

impl Storm {
    /// Those that belong to a sweep.
    pub const ALL: [Self; 2] = [Self { accounts: 40, tightness: 1 }, Self { accounts: 12, tightness: 10 }];

    /// Lets it loose and says what it was like. It counts as one run, whose fault is that calls are refused.
    pub fn report(self) -> Result<Tally, String> {
        let weather = self.rage()?;
        weather.violations.iter().for_each(|violation| println!("  {violation}"));
        let Self { accounts, tightness } = self;
        println!(
            "storm: {accounts} accounts at once, buckets {tightness} times tighter: {} calls refused",
            weather.refused
        );
        Ok(Tally { runs: 1, fired: usize::from(weather.refused > 0), violations: weather.violations.len() })
    }

    /// Lets it loose on a local AWS of its own.
    pub fn rage(self) -> Result<Weather, String> {
        let mut stand = Stand::start("storm", false)?;
        let accounts: Vec<(String, String)> = (0..self.accounts).map(|_| stand.newcomer()).collect();
        let rules: Vec<u64> = BUCKETS.iter().map(|bucket| stand.rig.break_calls(&self.rule(bucket))).collect();
        let events: Vec<String> = accounts.iter().map(|(account, _)| event(Event::Created, account)).collect();
        stand.rig.publish(&events);
        let mut snapshots: Vec<Vec<String>> = Vec::new();
        let mut violations = Vec::new();
        let is_onboarded = |account: &str| {
            stand.rig.record(account).is_some_and(|record| record.status == Status::Onboarded && record.lease.is_none())
        };
        for (account, _) in &accounts {
            if within(STORM_SECONDS_MAX, || is_onboarded(account).then_some(())).is_none() {
                violations.push(format!("{account} is not onboarded: {:?}", stand.rig.record(account)));
            }
        }
        let refused = rules.into_iter().map(|rule| stand.rig.fired(rule)).sum();
        for (account, tenant) in &accounts {
            snapshots.push(stand.rig.snapshot(account, tenant));
        }
        for ((account, _), snapshot) in accounts.iter().zip(&snapshots) {
            if Some(snapshot) != snapshots.first() {
                violations.push(format!("{account} is not like the others"));
            }
        }
        Ok(Weather { refused, violations })
    }

    fn rule(self, (service, effect, burst, per_second): &(&str, &str, f64, f64)) -> Value {
        let tightness = f64::from(self.tightness);
        let allowance = json!({ "burst": (burst / tightness).max(1.0), "per_second": per_second / tightness });
        let mut action = super::fault::throttling(service);
        action["allowance"] = allowance;
        json!({ "match": { "service": service, "effect": effect }, "action": action })
    }
}
