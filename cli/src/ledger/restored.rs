//! From what a plan has seen of an account to its record. Pure.

use std::collections::BTreeMap;

use berth_contract::{ExecutionOutput, RegionResult, sweep::Ask};
use berth_events::Failure;
use berth_ledger::{Record, Status, Suspension};
use berth_tenancy::{EnvironmentName, JOIN_CHANGE, RECORD_CHANGE, Region};
use jiff::Timestamp;

use super::generations::Newest;

/// What a plan says of a region without a VPC of Berth (`provision-vpc`).
const NO_VPC: &str = "create the VPC with ";

/// What a plan has seen.
#[derive(Debug)]
pub(super) struct Found {
    /// The output of a plan that went through.
    seen: Option<ExecutionOutput>,
    /// Why the account is not as planned.
    failure: Option<Failure>,
}

/// What the output of a plan says.
pub(super) fn found(output: ExecutionOutput) -> Found {
    // Without the ledger every account joins its tenant anew, and no VPC is on record: both are written back with its
    // record.
    let lacks = |change: &&String| ![JOIN_CHANGE, RECORD_CHANGE].iter().any(|start| change.starts_with(start));
    let failure = match &output {
        ExecutionOutput::Onboard { changes, .. } if changes.iter().any(|change| lacks(&change)) => Some(Failure {
            state: String::new(),
            fault: "Rebuilt".to_owned(),
            message: format!(
                "the ledger was rebuilt, and the account lacks {} changes of its plan",
                changes.iter().filter(lacks).count()
            ),
            hint: "start its onboarding again: it makes what is missing".to_owned(),
        }),
        _ => None,
    };
    Found { seen: Some(output), failure }
}

impl Found {
    /// Nobody could look: the plan failed.
    pub(super) fn unseen(failure: Failure) -> Self {
        Self { seen: None, failure: Some(failure) }
    }

    /// The blocks of the VPCs that are there.
    pub(super) fn blocks(&self) -> Vec<(EnvironmentName, Region, String)> {
        let Some(ExecutionOutput::Onboard { run, regions, .. }) = &self.seen else { return Vec::new() };
        let there = regions.iter().filter(|region| has_vpc(region));
        there.map(|region| (run.environment.clone(), region.region.clone(), region.network.cidr.clone())).collect()
    }

    /// That the tenant's file has the account suspended: nobody knows any more who wanted that, so it counts as a person.
    fn suspension(&self, now: Timestamp) -> Option<Suspension> {
        let Some(ExecutionOutput::Onboard { commit, .. }) = &self.seen else { return None };
        let reason = format!("{} said so when the ledger was rebuilt", commit.path);
        commit.is_suspended.then_some(Suspension { since: now, reason, execution: None })
    }

    /// The record; none for an account that nobody has ever begun to onboard.
    pub(super) fn record(&self, ask: &Ask, newest: Option<&Newest>, now: Timestamp) -> Option<Record> {
        let is_begun = newest.is_some() || self.failure.is_none() || !self.blocks().is_empty();
        if !is_begun
            || matches!(
                self.seen,
                Some(
                    ExecutionOutput::Ignore { .. }
                        | ExecutionOutput::Duplicate { .. }
                        | ExecutionOutput::Transfer { .. }
                )
            )
        {
            return None;
        }
        let mut record = Record {
            account_id: ask.account_id.clone(),
            account_name: Some(ask.account_name.clone()),
            tenant: None,
            environment: None,
            binding: None,
            status: if self.failure.is_some() { Status::Failed } else { Status::Onboarded },
            generation: newest.map_or(1, |newest| newest.generation),
            lease: None,
            execution_arn: newest.map(|newest| newest.execution.clone()),
            since: now,
            onboarded_since: None,
            announced: None,
            reason: None,
            failure: self.failure.clone(),
            regions: BTreeMap::new(),
            roles: Vec::new(),
            default_vpcs: Vec::new(),
            sign_in: Vec::new(),
            cluster_access: Vec::new(),
            readiness: Vec::new(),
            commit: None,
            inventory: None,
            left_over: Vec::new(),
            tags: None,
            journal: BTreeMap::new(),
            journal_is_cut: false,
            drift: None,
            offboarding: None,
            offboarding_cancelled: None,
            part: None,
            suspended: self.suspension(now),
            access_removed: None,
            requested_execution: None,
            approval: None,
            offboarded: None,
        };
        self.fill(&mut record);
        Some(record)
    }

    /// Puts into the record what the execution has answered.
    fn fill(&self, record: &mut Record) {
        if let Some(ExecutionOutput::Onboard { run, regions, roles, default_vpcs, sign_in, cluster_access, .. }) =
            &self.seen
        {
            record.tenant = Some(run.tenant.clone());
            record.environment = Some(run.environment.clone());
            record.regions = regions
                .iter()
                .filter(|region| has_vpc(region))
                .map(|region| (region.region.clone(), region.network.clone()))
                .collect();
            // A plan also lists what it would make, with ids that are made up: only a whole account's are real.
            if self.failure.is_none() {
                record.roles.clone_from(roles);
                record.default_vpcs.clone_from(default_vpcs);
                record.sign_in.clone_from(sign_in);
                record.cluster_access.clone_from(cluster_access);
            }
        }
    }
}

fn has_vpc(region: &RegionResult) -> bool {
    !region.changes.iter().any(|change| change.starts_with(NO_VPC))
}

#[cfg(test)]
mod tests {
    use berth_contract::sweep::Why;
    use serde_json::{Value, json};

    use super::*;

    fn output(changes: &[&str], vpc: &[&str]) -> Found {
        let region = json!({
            "region": "eu-west-1", "vpcId": "vpc-1", "cidr": "10.1.0.0/20", "duplicateVpcs": [],
            "attachmentId": "tgw-attach-1", "isolation": {}, "changes": vpc,
        });
        let run = json!({
            "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
            "execution": "arn:x", "generation": 1, "mode": "plan", "tenantRole": "BerthTenant",
        });
        let whole: Value = json!({
            "decision": "onboard", "run": run, "regions": [region], "roles": [], "defaultVpcs": [], "signIn": [],
            "clusterAccess": [], "commit": { "sha": null, "path": "p" }, "changes": changes,
        });
        found(serde_json::from_value(whole).unwrap())
    }

    fn ask() -> Ask {
        Ask {
            account_id: "111122223333".parse().unwrap(),
            account_name: "payments-dev".to_owned(),
            why: Why::Missing,
            reason: String::new(),
            generation: 1,
        }
    }

    fn record(found: &Found, generation: Option<u32>) -> Option<Record> {
        let newest = generation.map(|generation| Newest { generation, execution: "arn:newest".to_owned() });
        found.record(&ask(), newest.as_ref(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn an_account_that_lacks_nothing_is_onboarded_and_counts_on() {
        let record = record(&output(&[], &[]), Some(4)).unwrap();
        assert_eq!((record.status, record.generation), (Status::Onboarded, 4));
        assert_eq!(record.regions.len(), 1);
        assert_eq!(record.execution_arn.as_deref(), Some("arn:newest"));
    }

    #[test]
    fn an_account_that_is_suspended_in_its_file_is_so_in_its_record() {
        let suspended = |is_suspended: bool| {
            let mut found = output(&[], &[]);
            if let Some(ExecutionOutput::Onboard { commit, .. }) = &mut found.seen {
                commit.is_suspended = is_suspended;
            }
            record(&found, Some(4)).unwrap().suspended
        };
        assert_eq!(suspended(false), None);
        assert!(suspended(true).unwrap().reason.contains("p said so"));
    }

    #[test]
    fn an_account_that_lacks_something_has_failed_and_keeps_its_vpcs_block() {
        let found = output(&["attach the VPC"], &["attach the VPC"]);
        assert_eq!(found.blocks().len(), 1);
        let record = record(&found, None).unwrap();
        assert_eq!((record.status, record.generation), (Status::Failed, 1));
        assert!(record.failure.unwrap().message.contains("lacks 1 changes"));
    }

    #[test]
    fn a_vpc_yet_to_be_made_is_none_and_an_unbegun_account_has_no_record() {
        let change = "create the VPC with 10.1.0.0/20";
        let found = output(&[change], &[change]);
        assert!(found.blocks().is_empty());
        assert!(record(&found, None).is_none());
        let begun = record(&found, Some(1)).unwrap();
        assert_eq!(begun.status, Status::Failed);
        assert!(begun.regions.is_empty(), "its ids would be made up: {:?}", begun.regions);
    }

    #[test]
    fn an_account_that_cannot_be_read_has_failed_where_it_was_begun() {
        let failure = Failure {
            state: "ProvisionVpc".to_owned(),
            fault: "Denied".to_owned(),
            message: "no".to_owned(),
            hint: "allow".to_owned(),
        };
        let found = Found::unseen(failure.clone());
        assert!(record(&found, None).is_none());
        assert_eq!(record(&found, Some(2)).unwrap().failure, Some(failure));
    }
}
