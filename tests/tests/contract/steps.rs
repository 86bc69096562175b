//! The steps as the walk sees them: each takes its payload with its own strict `Input`, and answers with its own `Output`.

use announce_outcome::{Change, Ended, ended};
use berth_config::{AccountFacts, Match, PlatformConfig};
use berth_contract::{CommitRequest, ExecutionOutput, Wish};
use berth_isolation::{Isolation, SpokeRoute, SpokeRoutes};
use berth_ledger::{
    ClusterAccessRecord, DefaultVpcRecord, Ending, Readiness, ReadinessRecord, RoleRecord, SignInRecord,
};
use berth_step::Converged;
use berth_tenancy::{
    AccountId, Admission, ApprovalPlan, ApprovedBy, Ask, AssignmentPlan, BaselinePart, ClusterPlan, Counts, Effect,
    ExtensionKind, ExtensionPoint, Given, LeftOver, LeftOvers, Mode, Origin, PlanLimit, Planned, PlannedChange, Pods,
    Region, ResourceChange, ResourceKind, Subject, Thing,
};
use commit_tenant::CommitRequestExt;
use jiff::Timestamp;
use plan_onboarding::read_request;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::walk::{EXECUTION, Walk};

/// The commit of every walk.
pub const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// What an execution meets.
#[derive(Debug, Clone)]
pub struct Case {
    /// Regions of the account.
    pub regions: usize,
    /// Whether steps act.
    pub mode: Mode,
    /// Regions in which something changes, from the first on.
    pub regions_changed: usize,
    /// Whether people are asked about the plan.
    pub asks: bool,
}

/// An account of the environment dev.
fn facts() -> AccountFacts {
    AccountFacts {
        account_id: "111122223333".parse().unwrap(),
        name: "Payments (dev)".to_owned(),
        email: Some("payments-dev@example.com".to_owned()),
        state: "ACTIVE".to_owned(),
        ous: vec!["ou-ab12-dev00001".to_owned()],
        joined: None,
        tags: [("berth:tenant".to_owned(), "payments".to_owned())].into(),
    }
}

/// What tells things that are left over apart, sorted.
fn keys<'a>(left: impl IntoIterator<Item = &'a LeftOver>) -> Vec<String> {
    let mut keys: Vec<String> = left.into_iter().map(|left| left.thing.key()).collect();
    keys.sort();
    keys
}

/// One thing of each list that is left over, but for that of the baselines.
fn left_over() -> [Thing; 5] {
    let arn = "arn:aws:iam::111122223333:role/tenant/payments-gone".to_owned();
    [
        Thing::Role { name: "gone".to_owned(), arn: arn.clone() },
        Thing::SignIn {
            group: "g".to_owned(),
            permission_set: "P".to_owned(),
            group_id: None,
            permission_set_arn: None,
        },
        Thing::AccessEntry { role: arn, cluster: "dev-euw1".to_owned(), at: None },
        Thing::PodIdentity {
            pods: Pods { namespace: "payments-dev".to_owned(), service_account: "gone".to_owned() },
            cluster: "dev-euw1".to_owned(),
            at: None,
        },
        Thing::Vpc { region: "eu-north-1".parse().unwrap(), id: Some("vpc-1".to_owned()) },
    ]
}

impl Case {
    /// What starts the execution.
    pub fn input(&self) -> Value {
        json!({ "accountId": "111122223333", "generation": 1, "mode": self.mode })
    }

    /// What the first state answers: the plan that platform.example.yaml gives the account.
    pub fn admission(&self) -> Admission {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/platform.example.yaml");
        let platform = PlatformConfig::load(path.as_ref()).unwrap();
        let Match::Onboard(mut matched) = platform.match_account(&facts()).unwrap() else {
            panic!("the account of the walk is not ours by infra/platform.example.yaml")
        };
        assert!(matched.regions.len() >= 2, "infra/platform.example.yaml gives dev fewer than two regions");
        let further =
            |n: usize| -> Region { format!("xx-{}-{}", ["north", "south"][n / 9], n % 9 + 1).parse().unwrap() };
        for n in matched.regions.len()..self.regions {
            let (mut region, mut baseline) = (matched.regions[0].clone(), matched.baselines[0].clone());
            (region.region, baseline.region) = (further(n), further(n));
            matched.regions.push(region);
            matched.baselines.push(baseline);
        }
        matched.regions.truncate(self.regions);
        matched.baselines.truncate(self.regions);
        let request = read_request(&self.input()).unwrap();
        let subject = plan_onboarding::subject(&facts(), &matched, None, &request, EXECUTION);
        let reason = matched.reason.clone();
        let mut plan = plan_onboarding::plan(subject, *matched);
        plan.left_over = LeftOvers::of(&left_over().map(|thing| Given { thing, generation: Some(1) }), &[], None);
        let part = Thing::BaselinePart { region: plan.baselines[0].region.clone(), part: BaselinePart::BackupPlan };
        plan.left_over.baselines.push(LeftOver::new(part, false));
        let extension = |what: &str| format!("arn:aws:{what}:berth-extension-one").parse().unwrap();
        plan.extensions.network.push(extension("lambda:us-east-1:210987654321:function"));
        plan.extensions.end.push(extension("states:us-east-1:210987654321:stateMachine"));
        if self.asks {
            let answer_seconds_max = 86_400;
            let asked = ApprovalPlan {
                ask: Ask::Always,
                by: ApprovedBy::Command,
                approvers: 1,
                answer_seconds_max,
                limit_bytes_max: 100_000,
            };
            plan.approval = Some(asked);
            return Admission::Ask { reason, plan: Box::new(plan) };
        }
        Admission::Onboard { reason, plan: Box::new(plan) }
    }

    /// The answer of the state that asks people: the run, limited to what they approved.
    fn approved(payload: &Value) -> Result<Value, String> {
        let input: ask_approval::Input = strict(payload)?;
        same("the token", &input.task_token.0, &"token-1".to_owned())?;
        same("how often it was redriven", &input.redrives, &0)?;
        same("what is asked", &input.approval.ask, &Ask::Always)?;
        let only_planned = PlanLimit::new(&format!("sha256:{}", "0".repeat(64)), []).ok();
        let run = Subject { only_planned, ..input.run };
        let approval = json!({
            "plan": "sha256:0", "plannedBy": "p", "counts": Counts::default(), "execution": run.execution, "question": 1,
            "since": Timestamp::UNIX_EPOCH, "asked": Timestamp::UNIX_EPOCH, "until": Timestamp::UNIX_EPOCH, "approvers": 1, "revision": 2,
            "approved": [{ "by": "arn:aws:iam::210987654321:user/mia", "at": Timestamp::UNIX_EPOCH }],
        });
        Ok(json!({ "decision": "onboard", "run": run, "approvals": [approval] }))
    }

    /// Whether something changes in this region.
    fn changes(&self, region: &Region, what: &str) -> Vec<String> {
        let changed =
            ["eu-central-1", "eu-west-1"].into_iter().take(self.regions_changed).any(|r| r == region.as_str());
        if changed { vec![format!("{what} in {region}")] } else { Vec::new() }
    }

    /// A change of a step that runs once for an account.
    fn once(&self, what: &str) -> Vec<String> {
        if self.regions_changed > 0 { vec![what.to_owned()] } else { Vec::new() }
    }

    /// Regions whose baseline changes.
    fn baselines_changed(&self) -> usize {
        self.regions_changed.min(self.regions)
    }

    /// The answer of a function to a payload.
    pub fn answer(&self, function: &str, payload: &Value) -> Result<Value, String> {
        match function {
            "plan-onboarding" => {
                let input: plan_onboarding::Input = strict(payload)?;
                let request = read_request(&input.request).map_err(|error| error.message)?;
                same("the generation", &request.generation, &Some(1))?;
                same("the execution", &input.execution, &EXECUTION.to_owned())?;
                written(&self.admission())
            }
            "provision-vpc" => {
                let input: provision_vpc::Input = whole(payload)?;
                let changes = self.changes(&input.region, "make the VPC");
                self.converged((function, Some(&input.region), &input.run), vpc(&input), changes)
            }
            "attach-transit-gateway" => {
                let input: attach_transit_gateway::Input = whole(payload)?;
                same("the VPC", &input.vpc_id, &vpc_id(&input.region))?;
                let changes = self.changes(&input.region, "attach");
                self.converged((function, Some(&input.region), &input.run), attachment(&input), changes)
            }
            "create-tenant-roles" => self.made_roles(payload),
            "grant-sign-in" => self.assigned(payload),
            "grant-cluster-access" => {
                let input: grant_cluster_access::Input = whole(payload)?;
                same("the number of roles", &input.roles.len(), &5)?;
                let record = |cluster: &ClusterPlan| ClusterAccessRecord {
                    cluster: cluster.name.clone(),
                    entries: Vec::new(),
                    retired: Vec::new(),
                    pod_identity: Vec::new(),
                };
                same("the number of associations", &input.pod_identity.len(), &1)?;
                let cluster_access = input.clusters.iter().map(record).collect();
                let output = grant_cluster_access::Output { cluster_access, left_over: input.left_over };
                self.converged((function, None, &input.run), output, self.once("create an entry"))
            }
            "apply-baseline" => {
                let input: apply_baseline::Input = strict(payload)?;
                same("what is left over of baselines", &input.left_over.len(), &1)?;
                let region = input.baseline.region;
                let changes = self.changes(&region, "apply the baseline");
                let here = |left: &LeftOver| left.thing.region() == Some(&region);
                let left_over = input.left_over.into_iter().filter(here).collect();
                let given = vec![Thing::Baseline { region: region.clone(), parts: None }];
                let output =
                    apply_baseline::Output { region: region.clone(), left_behind: Vec::new(), left_over, given };
                self.converged((function, Some(&region), &input.run), output, changes)
            }
            "remove-default-vpcs" => {
                let input: remove_default_vpcs::Input = strict(payload)?;
                let changes = if self.regions_changed > 0 { vec!["delete default vpc".to_owned()] } else { Vec::new() };
                self.converged((function, None, &input.run), left_vpcs(), changes)
            }
            "ask-approval" => Self::approved(payload),
            "call-extension" => self.called(payload),
            "commit-tenant" | "await-tenant" => self.answer_at_the_end(function, payload),
            other => Err(format!("{other} is no step of the state machine")),
        }
    }

    /// The answer of the step that calls extensions: the first knows no roles yet.
    fn called(&self, payload: &Value) -> Result<Value, String> {
        let input: call_extension::Input = strict(payload)?;
        same("the number of networks", &input.regions.len(), &self.regions)?;
        let (kind, roles) = match input.at {
            ExtensionPoint::Network => (ExtensionKind::Function, 0),
            ExtensionPoint::End => (ExtensionKind::StateMachine, 5),
        };
        same("what is called", &input.extension.kind(), &kind)?;
        same("the number of roles", &input.roles.len(), &roles)?;
        same("how often it was redriven", &input.redrives, &0)?;
        self.converged(
            ("call-extension", None, &input.run),
            call_extension::Output {},
            self.once(&format!("have it do at the {}", input.at)),
        )
    }

    /// The answers of the last two, which get what all others have made.
    fn answer_at_the_end(&self, function: &str, payload: &Value) -> Result<Value, String> {
        if function == "await-tenant" {
            let input: await_tenant::Input = whole(payload)?;
            let entry = input.entry.ok_or("the account's entry did not arrive")?;
            same("the account that is waited for", &entry.account_id, &input.run.account_id)?;
            same("the number of its networks", &entry.regions.len(), &self.regions)?;
            let readiness = readiness(&input.cluster);
            return self.converged((function, None, &input.run), await_tenant::Output { readiness }, Vec::new());
        }
        let request: CommitRequest = strict(payload)?;
        if request.wish == Wish::Check {
            return self.checked(&request);
        }
        self.check_commit(&request)?;
        let sha = (self.mode == Mode::Apply).then(|| SHA.to_owned());
        let entry = request.entry().map_err(|error| error.message)?;
        written(&commit_tenant::Output {
            sha,
            path: request.path().to_string(),
            entry,
            is_suspended: true,
            changes: Vec::new(),
            planned: Planned::default(),
        })
    }

    /// The answer to the question before anything is made.
    fn checked(&self, request: &CommitRequest) -> Result<Value, String> {
        same("the number of regions that are planned", &request.planned_regions.len(), &self.regions)?;
        same("whether anything is made already", &(request.regions.len() + request.roles.len()), &0)?;
        let entry = request.entry().map_err(|error| error.message)?;
        let path = request.path().to_string();
        let (changes, planned) = (Vec::new(), Planned::default());
        written(&commit_tenant::Output { sha: None, path, entry, is_suspended: true, changes, planned })
    }

    /// The answer of the roles' step.
    fn made_roles(&self, payload: &Value) -> Result<Value, String> {
        let input: create_tenant_roles::Input = strict(payload)?;
        let planned = input.roles.ok_or("the plan's roles did not arrive")?.roles;
        let roles = planned.iter().map(|role| role_record(&input.run.account_id, role)).collect();
        let output = create_tenant_roles::Output { roles, left_over: input.left_over };
        self.converged(("create-tenant-roles", None, &input.run), output, self.once("make roles"))
    }

    /// The answer of the sign-in's step.
    fn assigned(&self, payload: &Value) -> Result<Value, String> {
        let input: grant_sign_in::Input = whole(payload)?;
        let plan = input.sign_in.ok_or("the plan's sign-in did not arrive")?;
        let record = |one: &AssignmentPlan| SignInRecord {
            group: one.group.clone(),
            permission_set: one.permission_set.clone(),
        };
        let sign_in = plan.assignments.iter().map(record).collect();
        let output = grant_sign_in::Output { sign_in, left_over: input.left_over };
        self.converged(("grant-sign-in", None, &input.run), output, self.once("assign a group"))
    }

    /// What a step answers: in a plan with all that is known of its changes.
    fn converged(
        &self,
        (step, region, run): (&str, Option<&Region>, &Subject),
        output: impl Serialize,
        changes: Vec<String>,
    ) -> Result<Value, String> {
        let place = Origin::of(step, run, region);
        let effect = |change: &String| Effect::creates(ResourceKind::Vpc, "ec2:CreateVpc").name(change);
        let told = changes.iter().map(|change| ResourceChange::of(&place, effect(change), change));
        let planned = if self.mode == Mode::Plan { Planned::of(&place, told.collect()) } else { Planned::default() };
        written(&Converged { output, changes, planned })
    }

    /// The request holds what the steps before it answered, each in its place.
    fn check_commit(&self, request: &CommitRequest) -> Result<(), String> {
        same("the token", &request.task_token.0, &"token-1".to_owned())?;
        same("the number of regions", &request.regions.len(), &self.regions)?;
        for region in &request.regions {
            same("the VPC", &region.network.vpc_id, &vpc_id(&region.region))?;
            same("the attachment", &region.network.attachment_id, &attachment_id(&region.region))?;
            let changes =
                [self.changes(&region.region, "make the VPC"), self.changes(&region.region, "attach")].concat();
            same("the changes of a region", &region.changes, &changes)?;
        }
        request.entry().map(|_| ()).map_err(|error| error.message)
    }

    /// What is wrong with the execution's output: announce-outcome reads it.
    pub fn check_output(&self, walk: &Walk) -> Result<(), String> {
        let output: ExecutionOutput = strict(&walk.output)?;
        let ExecutionOutput::Onboard {
            run,
            regions,
            default_vpcs,
            commit,
            changes,
            left_over,
            left_over_before,
            given,
            plan: told,
            approvals,
            ..
        } = output
        else {
            return Err("the output is not that of an onboarding".to_owned());
        };
        same("the mode", &run.mode, &self.mode)?;
        let (Admission::Onboard { plan, .. } | Admission::Ask { plan, .. }) = self.admission() else {
            return Err("it is not onboarded".to_owned());
        };
        let asked = (run.only_planned.is_some(), approvals.len());
        same("the approval, and the limit that it sets", &asked, &(self.asks, usize::from(self.asks)))?;
        same("what is left over", &keys(&left_over), &keys(plan.left_over.iter()))?;
        let wholes = plan.left_over.iter().filter(|left| !matches!(left.thing, Thing::BaselinePart { .. }));
        same("what was left over before", &keys(&left_over_before), &keys(wholes))?;
        same("the number of baselines", &given.len(), &plan.baselines.len())?;
        let planned: Vec<String> = regions.iter().flat_map(|region| region.changes.clone()).collect();
        same("the number of changes in regions", &planned.len(), &(2 * self.regions_changed.min(self.regions)))?;
        same("the default VPCs", &default_vpcs, &left_vpcs().left)?;
        // Roles, sign-in, default VPCs, cluster access and two extensions.
        let once = if self.regions_changed > 0 { 6 } else { 0 };
        same("the number of changes", &changes.len(), &(planned.len() + once + self.baselines_changed()))?;
        let in_short: usize = told.iter().map(|summary| summary.counts.sum()).sum();
        same("the number of changes in short", &in_short, &if self.mode == Mode::Plan { changes.len() } else { 0 })?;
        same("the commit", &commit.sha, &(self.mode == Mode::Apply).then(|| SHA.to_owned()))?;
        self.check_ending(walk)
    }

    /// What announce-outcome makes of the output.
    fn check_ending(&self, walk: &Walk) -> Result<(), String> {
        let change: Change = strict(&json!({
            "executionArn": EXECUTION, "status": "SUCCEEDED", "output": walk.output.to_string(), "stopDate": 1,
        }))?;
        match ended(&change, None).map_err(|error| error.message)? {
            Ended::Silent { .. } if self.mode == Mode::Plan => Ok(()),
            Ended::Outcome {
                ending: Ending::Onboarded { regions, roles, sign_in, cluster_access, readiness, .. },
                ..
            } if self.mode == Mode::Apply => {
                let planned = [planned_change("the block"), planned_change("a route")];
                let reported = regions.values().all(|region| region.planned_changes == planned);
                same("whether the planned changes of both steps are reported", &reported, &true)?;
                same("the number of roles", &roles.len(), &5)?;
                same("the number of groups that sign in", &sign_in.len(), &2)?;
                same("the number of clusters", &cluster_access.len(), &1)?;
                same("how many clusters were waited for", &readiness.len(), &1)?;
                same("the number of regions", &regions.len(), &self.regions)?;
                let attached = regions.iter().all(|(name, region)| region.attachment_id == attachment_id(name));
                same("whether the attachments are in their regions", &attached, &true)
            }
            other => Err(format!("announce-outcome makes {other:?} of it")),
        }
    }
}

/// Reads a payload as the function does.
pub fn strict<T: DeserializeOwned>(payload: &Value) -> Result<T, String> {
    serde_json::from_value(payload.clone()).map_err(|error| error.to_string())
}

/// Reads a payload whose every field must be there, those that may be null too.
fn whole<T: DeserializeOwned + Serialize>(payload: &Value) -> Result<T, String> {
    let input: T = strict(payload)?;
    let full = written(&input)?;
    let missing = |full: &Value| full.as_object()?.keys().find(|name| payload.get(name.as_str()).is_none()).cloned();
    missing(&full).map_or(Ok(input), |name| Err(format!("missing field `{name}`, which reads as null")))
}

fn written(value: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| error.to_string())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, wanted: &T) -> Result<(), String> {
    if got == wanted { Ok(()) } else { Err(format!("{what} is {got:?}, not {wanted:?}")) }
}

fn vpc_id(region: &Region) -> String {
    format!("vpc-{region}")
}

fn attachment_id(region: &Region) -> String {
    format!("tgw-attach-{region}")
}

/// A VPC of intra tiers only: its route table is null, which must not get lost on the way.
fn vpc(input: &provision_vpc::Input) -> provision_vpc::Output {
    provision_vpc::Output {
        vpc_id: vpc_id(&input.region),
        cidr: "10.16.16.0/20".parse().unwrap(),
        attachment_subnets: vec![format!("subnet-{}", input.region)],
        private_route_table: None,
        subnets: Vec::new(),
        duplicates: Vec::new(),
        planned_changes: vec![planned_change("the block")],
    }
}

fn attachment(input: &attach_transit_gateway::Input) -> attach_transit_gateway::Output {
    let plan = &input.transit_gateway;
    attach_transit_gateway::Output {
        attachment_id: attachment_id(&input.region),
        isolation: Isolation {
            proven_at: Some(jiff::Timestamp::UNIX_EPOCH),
            spoke_route_table: plan.spoke_route_table.clone(),
            associated_with: plan.spoke_route_table.clone(),
            propagated_to: plan.propagate_to.clone(),
            spoke_routes: SpokeRoutes {
                count: 1,
                lead_to: plan.shared_attachments.clone(),
                digest: "00".repeat(32),
                first: vec![SpokeRoute {
                    destination: "10.0.0.0/16".to_owned(),
                    prefix_list: None,
                    attachments: plan.shared_attachments.clone(),
                    state: "active".to_owned(),
                }],
            },
            default_association: false,
            default_propagation: false,
        },
        planned_changes: vec![planned_change("a route")],
    }
}

fn readiness(cluster: &ClusterPlan) -> ReadinessRecord {
    let message = "Reconciled: everything is as the spec says".to_owned();
    ReadinessRecord { cluster: cluster.name.clone(), state: Readiness::Ready, message }
}

fn left_vpcs() -> remove_default_vpcs::Output {
    let (region, reason) = ("us-west-2".parse().unwrap(), "nobody may look".to_owned());
    remove_default_vpcs::Output { left: vec![DefaultVpcRecord { region, vpc_id: None, reason }] }
}

fn planned_change(what: &str) -> PlannedChange {
    PlannedChange::by_hand(what, "change it")
}

fn role_record(account: &AccountId, role: &berth_tenancy::RolePlan) -> RoleRecord {
    let (path, name) = (&role.path, &role.name);
    RoleRecord {
        name: role.key.clone(),
        arn: format!("arn:aws:iam::{account}:role{path}{name}"),
        access: role.access,
        role_id: Some(format!("AROA{}", role.key.to_uppercase())),
    }
}
