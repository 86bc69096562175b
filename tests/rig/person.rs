//! The person with every key: `person.py`, and what it sees, as types.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{ChildStdin, ChildStdout, Stdio},
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Rig, local_aws};

/// What an account has in one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Counted {
    /// VPCs beyond the default one.
    pub vpcs: usize,
    /// Attachments to Transit Gateways.
    pub attachments: usize,
}

/// Everything that onboarding makes for one account.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct World {
    /// Networks by region; every region of tenants is there.
    pub regions: BTreeMap<String, RegionSeen>,
    /// Roles beyond those that the account came with.
    pub roles: Vec<RoleSeen>,
    /// Who signs in, by group.
    pub assignments: Vec<AssignmentSeen>,
    /// Access entries of the account's roles, by cluster and role.
    #[serde(rename = "accessEntries")]
    pub access_entries: Vec<AccessEntrySeen>,
    /// EKS Pod Identity associations with the account's roles, by cluster and whose pods.
    pub associations: Vec<AssociationSeen>,
}

/// Whom an account lets in.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LetIn {
    /// Who signs in, by group.
    pub assignments: Vec<AssignmentSeen>,
    /// Access entries of the account's roles, by cluster and role.
    pub access_entries: Vec<AccessEntrySeen>,
}

/// One region of an account, and the network account's side of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionSeen {
    /// VPCs beyond the default one.
    pub vpcs: Vec<VpcSeen>,
    /// Blocks of the subnets in them.
    pub subnets: Vec<String>,
    /// Routes into a Transit Gateway.
    pub routes: Vec<Value>,
    /// Attachments.
    pub attachments: Vec<AttachmentSeen>,
    /// Route table `spoke`.
    pub spoke_table: String,
    /// Route table `shared-services`.
    pub shared_table: String,
    /// VPCs that routes of the spoke table lead to.
    pub spoke_leads_to: Vec<String>,
    /// VPCs of the shared services.
    pub shared_vpcs: Vec<String>,
}

/// A VPC.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct VpcSeen {
    /// Its id.
    pub id: String,
    /// Its block.
    pub cidr: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// An attachment, as the network account sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentSeen {
    /// Its id.
    pub id: String,
    /// The VPC.
    pub vpc: String,
    /// Its state.
    pub state: String,
    /// The one route table that it is associated with.
    pub associated_with: Option<String>,
    /// Route tables that it propagates to.
    pub propagated_to: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RoleSeen {
    /// Its ARN.
    pub arn: String,
    /// Its unique id, which a role that is made again does not have.
    pub id: String,
    /// Its trust policy.
    pub trust: Value,
    /// Its permissions boundary.
    pub boundary: Option<String>,
    /// Its managed policies.
    pub attached: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// An assignment of IAM Identity Center.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentSeen {
    /// Display name of the group.
    pub group: String,
    /// Name of the permission set.
    pub permission_set: String,
}

/// An EKS access entry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AccessEntrySeen {
    /// The cluster.
    pub cluster: String,
    /// ARN of the role.
    pub role: String,
    /// Its own ARN, which an entry that is made again does not have.
    pub arn: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its Kubernetes groups.
    pub groups: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// An EKS Pod Identity association.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationSeen {
    /// The cluster.
    pub cluster: String,
    /// Namespace of the pods.
    pub namespace: String,
    /// Their service account.
    pub service_account: String,
    /// Its id.
    pub association_id: String,
    /// Its own ARN.
    pub association_arn: String,
    /// The role that they have first.
    pub role_arn: String,
    /// The role that they end up with, when that is another one.
    pub target_role_arn: Option<String>,
    /// Whether EKS does not tell whose the pods are.
    pub disable_session_tags: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// An environment of platform.yaml that is changed.
pub(super) struct Shaped {
    name: &'static str,
    /// The regions that it keeps.
    regions: &'static [&'static str],
    /// The blocks that the ledger hands out; none where IPAM does.
    supernet: Option<&'static str>,
}

/// All of those.
pub(super) type Shape = &'static [Shaped];

/// So that accounts of one region and tenants of two accounts exist.
pub(super) const STAGING_OF_ONE_REGION: Shape = &[Shaped { name: "staging", regions: &["eu-west-1"], supernet: None }];

/// The least that every step is needed for: one region with IPAM, and one with the ledger's blocks whose attachments are
/// accepted by hand.
pub(super) const ONE_REGION_EACH: Shape = &[
    Shaped { name: "staging", regions: &["eu-west-1"], supernet: None },
    Shaped { name: "dev", regions: &["eu-central-1"], supernet: Some("10.64.0.0/10") },
];

/// The cluster of environments that are changed.
const CLUSTER: &str = "shared-dev-1";

fn ledger(pool: &str, supernet: &str) -> Value {
    json!({ "pool": pool, "supernets": [supernet], "prefixLength": 20 })
}

/// Prod has one region with the ledger's own addresses and a public tier, and keeps its default VPCs.
fn prod() -> Value {
    let public = json!({ "name": "edge", "prefixLength": 26, "routing": "public" });
    let mut ledger = ledger("prod", "10.200.0.0/16");
    ledger["excluded"] = json!(["10.200.0.0/18"]);
    json!({
        "cluster": CLUSTER, "regions": ["eu-west-1"], "set": { "defaultVpc": "keep" },
        "setInRegions": { "addresses": { "ledger": ledger } }, "tier": public,
    })
}

/// The process.
pub(super) struct Person {
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Person {
    pub(super) fn start(folder: &Path) -> Result<Self, String> {
        let mut child = local_aws::python("person.py")?
            .arg(folder.join("state.json"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start person.py: {error}"))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(ask), Some(answers)) => Ok(Self { ask, answers: BufReader::new(answers) }),
            _ => Err("person.py has no pipes".to_owned()),
        }
    }

    /// Changes platform.yaml. Only before the first function starts: functions read the file once.
    pub(super) fn shape_platform(&mut self, shape: Shape) {
        let changed = |&Shaped { name, regions, supernet }: &Shaped| {
            let addresses = supernet.map(|supernet| json!({ "addresses": { "ledger": ledger(name, supernet) } }));
            let set = json!({ "cluster": CLUSTER, "regions": regions, "setInRegions": addresses.unwrap_or(json!({})) });
            (name.to_owned(), set)
        };
        let mut environments: serde_json::Map<String, Value> = shape.iter().map(changed).collect();
        environments.insert("prod".to_owned(), prod());
        self.ask(&json!({ "do": "platform", "environments": environments }));
    }

    fn ask(&mut self, request: &Value) -> Value {
        self.try_to(request).unwrap_or_else(|error| panic!("{request}: {error}"))
    }

    /// The same; the error is what the request failed with.
    fn try_to(&mut self, request: &Value) -> Result<Value, String> {
        writeln!(self.ask, "{request}").expect("person.py listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("person.py answers");
        let mut answer: Value = serde_json::from_str(&line).expect("person.py answers JSON");
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["ok"].take()),
        }
    }
}

impl Rig {
    pub(super) fn person(&self, request: &Value) -> Value {
        let mut person = self.person.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        person.ask(request)
    }

    /// Makes an account in the unit of an environment; its id.
    #[must_use]
    pub fn account(&self, name: &str, environment: &str) -> String {
        self.account_with(name, environment, &json!({}))
    }

    /// Makes an account with tags; its id.
    #[must_use]
    pub fn account_with(&self, name: &str, environment: &str, tags: &Value) -> String {
        let request = json!({ "do": "create_account", "name": name, "environment": environment, "tags": tags });
        self.person(&request).as_str().expect("an id").to_owned()
    }

    /// Makes many accounts in the unit of an environment, each with Berth's role; their ids.
    #[must_use]
    pub fn accounts(&self, names: &[String], environment: &str) -> Vec<String> {
        let request = json!({ "do": "create_accounts", "names": names, "environment": environment });
        serde_json::from_value(self.person(&request)).expect("ids")
    }

    /// Makes accounts that nobody will ever enter, in the unit of an environment; their ids.
    #[must_use]
    pub fn crowd(&self, count: usize, environment: &str) -> Vec<String> {
        let request = json!({ "do": "crowd", "count": count, "environment": environment });
        serde_json::from_value(self.person(&request)).expect("ids")
    }

    /// Moves a crowd out of the unit of an environment, to the suspended accounts.
    pub fn disperse(&self, accounts: &[String], environment: &str) {
        self.person(&json!({ "do": "disperse", "accounts": accounts, "environment": environment }));
    }

    /// Leaves default VPCs and the baseline out of an environment. Only before the first function starts.
    pub fn slim(&self, environment: &str) {
        self.person(&json!({ "do": "slim", "environment": environment }));
    }

    /// How many VPCs and attachments each account has in a region.
    #[must_use]
    pub fn census(&self, accounts: &[String], region: &str) -> BTreeMap<String, Counted> {
        let request = json!({ "do": "census", "accounts": accounts, "region": region });
        serde_json::from_value(self.person(&request)).expect("counts")
    }

    /// Publishes events to the accounts bus, one after the other at once.
    pub fn publish(&self, events: &[String]) {
        self.person(&json!({ "do": "publish", "events": events }));
    }

    /// Calls any operation, by its name in boto, as an administrator of any account.
    pub fn call(&self, account: &str, service: &str, operation: &str, parameters: &Value) -> Value {
        self.call_in(account, "us-east-1", service, operation, parameters)
    }

    /// The error with which AWS refuses a call.
    ///
    /// # Panics
    /// When AWS takes it.
    pub fn refusal(&self, account: &str, service: &str, operation: &str, parameters: &Value) -> String {
        let request = json!({
            "do": "call", "account": account, "service": service, "region": "us-east-1",
            "operation": operation, "parameters": parameters,
        });
        let mut person = self.person.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        person.try_to(&request).expect_err("AWS refuses the call")
    }

    /// Calls an operation in another region.
    pub fn call_in(&self, account: &str, region: &str, service: &str, operation: &str, parameters: &Value) -> Value {
        self.person(&json!({
            "do": "call", "account": account, "service": service, "region": region,
            "operation": operation, "parameters": parameters,
        }))
    }

    /// Deploys a platform.yaml: the first one, but for these values by their paths (`environments.staging.cluster`).
    pub fn deploy_platform(&self, edits: &[(&str, Value)]) {
        let edit = |(at, value): &(&str, Value)| json!({ "at": at.split('.').collect::<Vec<_>>(), "value": value });
        self.person(&json!({ "do": "edit_platform", "edits": edits.iter().map(edit).collect::<Value>() }));
        self.refresh();
    }

    /// A value of the platform.yaml that is deployed, by its path.
    #[must_use]
    pub fn platform(&self, at: &str) -> Value {
        self.person(&json!({ "do": "platform_value", "at": at.split('.').collect::<Vec<_>>() }))
    }

    /// A job of a CI system assumes a role with a token of its issuer: whom AWS takes it for, or the code of its refusal.
    /// [STS `AssumeRoleWithWebIdentity`]
    pub fn ci_job(&self, issuer: &str, role: &str, claims: &Value) -> Result<String, String> {
        let answer = self.person(&json!({ "do": "ci_job", "issuer": issuer, "role": role, "claims": claims }));
        let text = |key: &str| answer[key].as_str().map(str::to_owned);
        text("arn").ok_or_else(|| text("refused").unwrap_or_default())
    }

    /// Everything that onboarding makes, as it is now.
    #[must_use]
    pub fn world(&self, account: &str) -> World {
        serde_json::from_value(self.person(&json!({ "do": "world", "account": account }))).expect("a world")
    }

    /// Whom the account lets in now: the part of its world that takes no look at a network.
    #[must_use]
    pub fn let_in(&self, account: &str) -> LetIn {
        serde_json::from_value(self.person(&json!({ "do": "let_in", "account": account }))).expect("who is let in")
    }

    /// Everything that onboarding makes, as lines without ids: of two accounts that are onboarded alike, the same ones.
    #[must_use]
    pub fn snapshot(&self, account: &str, tenant: &str) -> Vec<String> {
        let request = json!({ "do": "snapshot", "account": account, "tenant": tenant });
        serde_json::from_value(self.person(&request)).expect("lines")
    }
}
