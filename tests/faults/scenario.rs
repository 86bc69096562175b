//! The scenarios that are broken.

use std::{fmt, str::FromStr};

use berth_ledger::{Record, Status};
use berth_tenancy::Standing;
use serde_json::{Value, json};

use super::invariants::ended_not_owned;
use crate::rig::{Event, HUB, MANAGEMENT, Rig, event, event_now};

/// How often a campaign may fail.
const SWEEPS_MAX: usize = 6;

/// A way through the pipeline. Between them they make every call that the pipeline can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scenario {
    /// A new account whose block comes from IPAM, and whose gateway accepts by itself.
    Pooled,
    /// A new account whose block comes from the ledger, and whose attachment the network account accepts.
    Reserved,
    /// An account that is onboarded already.
    Again,
    /// A new account whose event was lost: the campaign finds it.
    Swept,
    /// An account that is onboarded, and whose tag names another tenant by now: it is refused, and stays who it is.
    Renamed,
    /// An account that is onboarded, and that is in another environment's unit by now: it is refused, too.
    Moved,
    /// An account that is onboarded, and whose plan lost a role and a tag of the organization's, and lowered a permission
    /// set: that access and the tag go.
    Reduced,
    /// A new account about whose plan people are asked: a person approves it.
    Approved,
    /// A new account whose commit people review: a person merges the pull request, and the schedule notices.
    Reviewed,
    /// An account whose pull request was merged, then reverted, with its branch still there: it is proposed once more.
    Reverted,
    /// An account that is onboarded, and in which people have made things of their own, is offboarded.
    Leaving,
    /// An account that is onboarded, and in which somebody has changed something, is looked at for drift.
    Drift,
    /// An account that is onboarded, and whose administrators try everything that they are let do, before and during a run.
    Hostile,
}

/// What people have made of an account that leaves, by what its snapshot has of it: the name of a role, a group that signs in,
/// a role with an access entry, a backup vault, and a VPC's block, which a snapshot shows by where it lies in the VPC.
pub(super) const OF_PEOPLE: [&str; 5] =
    ["made-by-people", "people-auditors", "role/people-operators", "vault-of-people", "vpc+0/24"];

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Pooled,
        Self::Reserved,
        Self::Again,
        Self::Swept,
        Self::Renamed,
        Self::Moved,
        Self::Reduced,
        Self::Leaving,
        Self::Drift,
        Self::Hostile,
        Self::Approved,
        Self::Reviewed,
        Self::Reverted,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::Reserved => "reserved",
            Self::Again => "again",
            Self::Swept => "swept",
            Self::Renamed => "renamed",
            Self::Moved => "moved",
            Self::Reduced => "reduced",
            Self::Approved => "approved",
            Self::Reviewed => "reviewed",
            Self::Reverted => "reverted",
            Self::Leaving => "leaving",
            Self::Drift => "drift",
            Self::Hostile => "hostile",
        }
    }

    /// Whether the GitOps repository is on GitHub, with staging reviewed.
    pub(super) fn is_on_github(self) -> bool {
        matches!(self, Self::Reviewed | Self::Reverted)
    }

    /// Whether it begins with an account that is onboarded, and is known by its execution from the start.
    pub(super) fn is_of_onboarded(self) -> bool {
        matches!(
            self,
            Self::Again
                | Self::Reverted
                | Self::Renamed
                | Self::Moved
                | Self::Reduced
                | Self::Leaving
                | Self::Drift
                | Self::Hostile
        )
    }

    /// The environment, which has one region: [`Rig::quick`] shapes it so, and [`Self::prepare`] that of `Reduced`.
    fn environment(self) -> &'static str {
        match self {
            Self::Pooled
            | Self::Again
            | Self::Swept
            | Self::Renamed
            | Self::Moved
            | Self::Leaving
            | Self::Drift
            | Self::Hostile
            | Self::Reviewed
            | Self::Reverted => "staging",
            Self::Reserved => "dev",
            Self::Reduced | Self::Approved => "prod",
        }
    }

    /// Whether the account may not become what its plan says: it ends as `NotOwned`, and nothing changes.
    pub(super) fn is_refused(self) -> bool {
        matches!(self, Self::Renamed | Self::Moved)
    }

    /// Whether nothing but the repository may change, or all is made right again, so that one account serves many runs.
    pub(super) fn serves_many(self) -> bool {
        matches!(self, Self::Again | Self::Reverted | Self::Drift | Self::Hostile)
    }

    /// The scenario that shows what a run leaves when nothing is wrong.
    pub(super) fn when_well(self) -> Self {
        if self == Self::Hostile { Self::Again } else { self }
    }

    /// Whether this is how it ends when nothing is wrong.
    pub(super) fn is_end(self, record: &Record) -> bool {
        let not_owned = ended_not_owned(record);
        if self.is_refused() {
            return not_owned;
        }
        if self == Self::Drift {
            let drift = record.drift.as_ref();
            return drift.is_some_and(|drift| drift.standing == Standing::Drifted) && record.lease.is_none();
        }
        // An attacker may have left what is not Berth's, and that is said.
        (self == Self::Hostile && not_owned) || (record.status == self.end() && record.lease.is_none())
    }

    /// Everything before the part that is broken; the account's id.
    pub(super) fn prepare(self, rig: &Rig, tenant: &str) -> String {
        let environment = self.environment();
        match self {
            Self::Reduced => deploy_prod(rig, &[], |prod| prod["tags"] = json!({ "CostCenter": "4711" })),
            Self::Approved => deploy_prod(rig, &[], |prod| prod["approval"] = json!("always")),
            _ => {}
        }
        let account = rig.account(&format!("{tenant}-{environment}"), environment);
        if self.is_of_onboarded() {
            rig.publish(&[event(Event::Created, &account)]);
            rig.until("the account that runs are about", || {
                if self.merges(rig) {
                    rig.complete_merges();
                }
                rig.record(&account).filter(|record| record.status == Status::Onboarded)
            });
        }
        match self {
            Self::Renamed => {
                let tag = json!({ "Key": "berth:tenant", "Value": format!("{tenant}-renamed") });
                let tags = json!({ "ResourceId": account, "Tags": [tag] });
                rig.call(MANAGEMENT, "organizations", "tag_resource", &tags);
            }
            Self::Moved => {
                let units = ["environments.staging", "environments.dev"]
                    .map(|at| rig.platform(&format!("{at}.organizationalUnits"))[0].take());
                let [from, to] = units;
                let moved = json!({ "AccountId": account, "SourceParentId": from, "DestinationParentId": to });
                rig.call(MANAGEMENT, "organizations", "move_account", &moved);
            }
            Self::Reduced => deploy_prod(rig, &[("leftOver", json!("remove"))], |prod| {
                list(prod, "/roles/roles").retain(|role| role["key"] != "viewer");
                for one in list(prod, "/signIn") {
                    one["permissionSet"] = json!("TenantViewer");
                }
            }),
            Self::Leaving => made_by_people(rig, &account),
            Self::Drift => {
                let everything = "arn:aws:iam::aws:policy/AdministratorAccess";
                let role = json!({ "RoleName": format!("{tenant}-viewer"), "PolicyArn": everything });
                rig.call(&account, "iam", "attach_role_policy", &role);
            }
            _ => {}
        }
        account
    }

    /// What happens before each run, also of an account that has had one.
    pub(super) fn precede(self, rig: &Rig, account: &str) {
        if self == Self::Reverted {
            let commit = rig.record(account).and_then(|record| record.commit).expect("it was committed");
            rig.revert_merge(&commit.path);
        }
    }

    /// How an account ends when all goes well.
    pub(super) fn end(self) -> Status {
        if self == Self::Leaving { Status::Offboarded } else { Status::Onboarded }
    }

    /// A person starts an execution about the account.
    pub(super) fn start(self, rig: &Rig, account: &str) -> String {
        if self == Self::Leaving {
            return rig.start_offboarding(account);
        }
        if self == Self::Drift {
            let input = json!({ "accountId": account, "mode": "plan", "drift": true });
            return rig.start_execution(&input);
        }
        rig.start_execution(&json!({ "accountId": account }))
    }

    /// Starts the part that is broken.
    pub(super) fn begin(self, rig: &Rig, account: &str) -> Option<String> {
        match self {
            Self::Pooled | Self::Reserved | Self::Approved | Self::Reviewed => {
                rig.publish(&[event(Event::Created, account)]);
                None
            }
            Self::Again | Self::Reverted | Self::Reduced | Self::Leaving | Self::Hostile => {
                Some(self.start(rig, account))
            }
            Self::Renamed | Self::Moved => {
                let before = rig.executions(account);
                let _ = rig.enqueue(&[event_now(Event::Updated, account)]);
                let is_new = |execution: &String| !before.contains(execution);
                Some(rig.until("the execution of the event", || rig.executions(account).into_iter().find(is_new)))
            }
            Self::Drift => {
                let before = rig.executions(account);
                let started = || rig.executions(account).into_iter().find(|execution| !before.contains(execution));
                // A person whose answer was lost looks whether it was begun.
                (0..SWEEPS_MAX).find_map(|_| {
                    let _ = rig.invoke("berth-detect-drift", &json!({ "accounts": [account] }));
                    started()
                })
            }
            Self::Swept => {
                let input = json!({ "missingAfterMinutes": 0 });
                // A campaign that failed comes again with the schedule.
                let _ = (0..SWEEPS_MAX).any(|_| !rig.invoke("berth-sweep-accounts", &input).1);
                None
            }
        }
    }

    /// People approve what they are asked about.
    pub(super) fn approves(self, rig: &Rig) {
        let waiting = rig.records().into_iter().filter(|record| self == Self::Approved && record.waiting().is_some());
        for record in waiting {
            // Whoever is refused for a fault of the function's, or comes too late, looks again.
            let _ = rig.berth_as("mia", &["approve", record.account_id.as_str()]);
        }
    }

    /// People merge what is proposed. Whether there was something.
    pub(super) fn merges(self, rig: &Rig) -> bool {
        if !self.is_on_github() {
            return false;
        }
        let pulls = rig.pulls();
        let open: Vec<_> = pulls.iter().filter(|pull| pull["state"] == "OPEN").collect();
        for pull in &open {
            rig.merge(&pull["number"]);
        }
        !open.is_empty()
    }
}

/// Makes what people make beside Berth: none of it may go with the account.
fn made_by_people(rig: &Rig, account: &str) {
    let [role, group, _, vault, _] = OF_PEOPLE;
    let here = |service: &str, operation: &str, parameters: &Value| {
        rig.call_in(account, "eu-west-1", service, operation, parameters)
    };
    here("ec2", "create_vpc", &json!({ "CidrBlock": "192.168.77.0/24" }));
    here("backup", "create_backup_vault", &json!({ "BackupVaultName": vault }));
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole",
    }] });
    for role in [role, "people-operators"] {
        let made = json!({ "RoleName": role, "AssumeRolePolicyDocument": trust.to_string() });
        rig.call(account, "iam", "create_role", &made);
    }
    let center = rig.platform("identityCenter");
    let (instance, store) = (&center["instanceArn"], &center["identityStoreId"]);
    let of_center = |service: &str, operation: &str, parameters: &Value| {
        let region = center["region"].as_str().unwrap_or("us-east-1");
        rig.call_in(MANAGEMENT, region, service, operation, parameters)
    };
    // One group for all runs.
    let asked =
        json!({ "IdentityStoreId": store, "Filters": [{ "AttributePath": "DisplayName", "AttributeValue": group }] });
    let listed = of_center("identitystore", "list_groups", &asked);
    let known = listed["Groups"][0]["GroupId"].as_str().map(str::to_owned);
    let group = known.unwrap_or_else(|| {
        let made = json!({ "IdentityStoreId": store, "DisplayName": group });
        of_center("identitystore", "create_group", &made)["GroupId"].as_str().unwrap_or_default().to_owned()
    });
    let sets = of_center("sso-admin", "list_permission_sets", &json!({ "InstanceArn": instance }));
    let assignment = json!({
        "InstanceArn": instance, "TargetId": account, "TargetType": "AWS_ACCOUNT", "PrincipalType": "GROUP",
        "PrincipalId": group, "PermissionSetArn": sets["PermissionSets"][0],
    });
    of_center("sso-admin", "create_account_assignment", &assignment);
    let entry = json!({ "clusterName": "shared-dev-1", "principalArn": format!("arn:aws:iam::{account}:role/people-operators") });
    rig.call_in(HUB, "eu-west-1", "eks", "create_access_entry", &entry);
}

/// Deploys an environment `prod` that is like `staging`, but for its unit and what `edit` makes of it, and these values besides.
fn deploy_prod(rig: &Rig, besides: &[(&str, Value)], edit: impl FnOnce(&mut Value)) {
    let mut prod = rig.platform("environments.staging");
    prod["organizationalUnits"] = rig.platform("environments.prod.organizationalUnits");
    edit(&mut prod);
    rig.deploy_platform(&[besides, &[("environments.prod", prod)]].concat());
}

/// A list in a value.
fn list<'a>(value: &'a mut Value, at: &str) -> &'a mut Vec<Value> {
    value.pointer_mut(at).and_then(Value::as_array_mut).unwrap_or_else(|| panic!("{at} is no list"))
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|each| each.name() == text);
        found.ok_or_else(|| format!("{text:?} is no scenario; these are: {}", Self::ALL.map(Self::name).join(", ")))
    }
}
