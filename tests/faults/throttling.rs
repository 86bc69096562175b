//! Throttling scenarios: many accounts at once against the token buckets of AWS.

use berth_ledger::Status;
use serde_json::{Value, json};

use super::{Scenario, Tally, testbed::within};
use crate::rig::{Event, Rig, TimingProfile, event};

/// Longest that a throttling scenario may last.
const THROTTLING_SECONDS_MAX: u64 = 600;

/// Many accounts at once, and how tight the buckets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottlingScenario {
    /// Accounts whose events arrive at the same moment.
    pub accounts: usize,
    /// How much tighter than published the buckets are.
    pub tightness: u32,
}

/// What became of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttled {
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

impl ThrottlingScenario {
    /// Those that belong to a campaign.
    pub const ALL: [Self; 2] = [Self { accounts: 40, tightness: 1 }, Self { accounts: 12, tightness: 10 }];

    /// Lets it loose and says what it was like. It counts as one run, whose fault is that calls are refused.
    pub fn report(self) -> Result<Tally, String> {
        let throttled = self.run()?;
        throttled.violations.iter().for_each(|violation| println!("  {violation}"));
        let Self { accounts, tightness } = self;
        println!(
            "throttling: {accounts} accounts at once, buckets {tightness} times tighter: {} calls refused",
            throttled.refused
        );
        Ok(Tally { runs: 1, fired: usize::from(throttled.refused > 0), violations: throttled.violations.len() })
    }

    /// Lets it loose on a local AWS of its own, whose pauses are as long as AWS's: the buckets fill at AWS's rates, too.
    pub fn run(self) -> Result<Throttled, String> {
        let rig = Rig::private("throttling", TimingProfile::Crowd)?;
        let tenants: Vec<String> = (1..=self.accounts).map(|number| format!("subject-{number:05}")).collect();
        let accounts: Vec<String> = tenants.iter().map(|tenant| Scenario::Pooled.prepare(&rig, tenant)).collect();
        let rules: Vec<u64> = BUCKETS.iter().map(|bucket| rig.break_calls(&self.rule(bucket))).collect();
        let events: Vec<String> = accounts.iter().map(|account| event(Event::Created, account)).collect();
        rig.publish(&events);
        let mut violations = Vec::new();
        for account in &accounts {
            // Whoever has failed is not waited for.
            let ended = within(THROTTLING_SECONDS_MAX, || {
                let record = rig.record(account)?;
                let is_over = record.status == Status::Failed || record.lease.is_none();
                (is_over && !matches!(record.status, Status::Requested | Status::Running)).then_some(record.status)
            });
            if ended != Some(Status::Onboarded) {
                violations.push(format!("{account} is not onboarded: {:?}", rig.record(account)));
            }
        }
        let refused = rules.into_iter().map(|rule| rig.fired(rule)).sum();
        if violations.is_empty() {
            let seen = accounts.iter().zip(&tenants).map(|(account, tenant)| rig.snapshot(account, tenant));
            let seen: Vec<Vec<String>> = seen.collect();
            let others = accounts.iter().zip(&seen).filter(|(_, lines)| Some(*lines) != seen.first());
            violations.extend(others.map(|(account, _)| format!("{account} is not like the others")));
        }
        Ok(Throttled { refused, violations })
    }

    fn rule(self, (service, effect, burst, per_second): &(&str, &str, f64, f64)) -> Value {
        let tightness = f64::from(self.tightness);
        let allowance = json!({ "burst": (burst / tightness).max(1.0), "per_second": per_second / tightness });
        let mut action = super::fault::throttling(service);
        action["allowance"] = allowance;
        json!({ "match": { "service": service, "effect": effect }, "action": action })
    }
}
