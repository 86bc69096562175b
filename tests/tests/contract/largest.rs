//! The largest plans that `berth validate` takes go through every state, with the longest answers of the steps and with
//! all that an account may have left over: nothing that a state gets or gives is more than Step Functions takes. So do the
//! changes that they would make, which the steps tell in mode `plan`.

use apply_baseline::ApplyBaseline;
use berth_config::{AccountFacts, Onboarding, PlatformConfig, RoleTemplate};
use berth_contract::{CommitRequest, Wish};
use berth_isolation::{Isolation, SpokeRoute, SpokeRoutes};
use berth_ledger::{
    AccessEntryRecord, ClusterAccessRecord, DefaultVpcRecord, PodIdentityRecord, Readiness, ReadinessRecord,
    RoleRecord, SignInRecord,
};
use berth_step::{Converged, HasSubject, Step, dry_run, planned};
use berth_tenancy::{
    Admission, ConfigRule, Effect, Given, LeftOvers, Mode, Origin, Planned, Region, ResourceChange, ResourceKind,
    Subject, Thing, TierPlan, TierRouting, TransitGatewayPlan, UntaggedKind,
    limits::{PAYLOAD_BYTES_MAX, REGIONS_MAX},
};
use commit_tenant::CommitRequestExt;
use create_tenant_roles::CreateTenantRoles;
use plan_onboarding::read_request;
use proptest::prelude::*;
use provision_vpc::ProvisionVpc;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    hub, onboard_account,
    steps::{SHA, strict},
    walk::{EXECUTION, walk},
};

/// What Step Functions and Lambda put around a payload and an answer.
const AROUND_BYTES: usize = 2 * 1024;
/// What AWS's ids end in.
const ID: &str = "0123456789abcdef0";
/// Regions that an organization can have enabled.
const ENABLED_REGIONS: usize = 34;

/// What is made larger.
#[derive(Debug, Clone, Copy)]
enum Grown {
    ConfigRules,
    Zones,
    Tiers,
    Routes,
    SharedAttachments,
    Roles,
    ManagedPolicies,
}

/// platform.example.yaml with so many regions in dev, and so many of these things, in each region where they are in regions.
fn platform(grown: &[(Grown, usize)], regions: usize) -> PlatformConfig {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/platform.example.yaml");
    let mut config = PlatformConfig::load(path.as_ref()).unwrap();
    let dev = config.environments.get_mut(&"dev".parse().unwrap()).unwrap();
    let mut region = dev.regions.values().next().unwrap().clone();
    for (grown, count) in grown {
        let numbers = 0..*count;
        match grown {
            Grown::ConfigRules => {
                let rules = &mut dev.baseline.as_mut().unwrap().config.as_mut().unwrap().rules;
                let one = rules[1].clone(); // one with parameters
                let name = |n: usize| format!("{n:03}-{}", "r".repeat(96));
                *rules = numbers.map(|n| ConfigRule { name: name(n), ..one.clone() }).collect();
            }
            Grown::Zones => region.zones = numbers.map(|n| format!("euw1-az{}", n + 1)).collect(),
            Grown::Tiers => {
                let tier = |n: usize| TierPlan {
                    name: format!("a-tier-of-tenants-{n:02}"),
                    prefix_length: 28,
                    routing: [TierRouting::Private, TierRouting::Intra, TierRouting::Public][n % 3],
                };
                region.tiers = numbers.map(tier).collect();
            }
            Grown::Routes => {
                let route = |n: usize| format!("10.{}.{}.128/25", 100 + n / 256, n % 256).parse().unwrap();
                region.transit_gateway.routes = numbers.map(route).collect();
            }
            Grown::SharedAttachments => {
                let attachment = |n: usize| format!("tgw-attach-{n:017x}");
                region.transit_gateway.shared_attachments = numbers.map(attachment).collect();
            }
            Grown::Roles => {
                let role = |n: usize| RoleTemplate {
                    key: format!("role-{n:02}"),
                    name: format!("{{tenant}}-role-{n:02}"),
                    ..dev.roles.roles[n % dev.roles.roles.len()].clone()
                };
                dev.roles.roles = numbers.map(role).collect();
            }
            Grown::ManagedPolicies => {
                let arn = |n: usize| format!("arn:aws:iam::aws:policy/{n:03}{}", "p".repeat(120));
                for role in &mut dev.roles.roles {
                    role.managed_policies = numbers.clone().map(arn).collect();
                }
            }
        }
    }
    dev.regions = (0..regions).map(|n| (region_named("xx", n), region.clone())).collect();
    config
}

/// A region with a name as long as AWS has them.
fn region_named(partition: &str, n: usize) -> Region {
    format!("{partition}-{}-{}", ["northeast", "southeast", "northwest", "southwest"][n / 9], n % 9 + 1)
        .parse()
        .unwrap()
}

/// The most of these that `berth validate` takes.
fn largest(grown: Grown, most: usize, regions: usize) -> (usize, PlatformConfig) {
    let (mut taken, mut refused) = (0, most + 1);
    while refused - taken > 1 {
        let count = taken.midpoint(refused);
        let is_taken = platform(&[(grown, count)], regions).beyond_limits().is_empty();
        *(if is_taken { &mut taken } else { &mut refused }) = count;
    }
    assert!(taken > 0, "{grown:?}: not even one is taken");
    (taken, platform(&[(grown, taken)], regions))
}

/// Everything that an account may have been given and its plan does not have any more, in every other region.
fn left_over(account: &str) -> Vec<Given> {
    let mut things = Vec::new();
    for n in 0..REGIONS_MAX {
        let region = region_named("xy", n);
        things.push(Thing::Vpc { region: region.clone(), id: Some(format!("vpc-{ID}")) });
        things.push(Thing::Attachment { region: region.clone(), id: Some(format!("tgw-attach-{ID}")) });
        things.push(Thing::Baseline { region, parts: None });
    }
    for n in 0..16 {
        let arn = |kind: &str| format!("arn:aws:iam::{account}:{kind}/tenant/{n:02}{}", "n".repeat(62));
        things.push(Thing::Role { name: format!("role-{n:02}"), arn: arn("role") });
        things.push(Thing::AccessEntry { role: arn("role"), cluster: "dev-euw1".to_owned(), at: None });
        things.push(Thing::OidcProvider { arn: arn("oidc-provider") });
        things.push(Thing::SignIn {
            group: format!("{n:02}{}", "g".repeat(62)),
            permission_set: "P".repeat(32),
            group_id: Some("0".repeat(47)),
            permission_set_arn: Some(format!("arn:aws:sso:::permissionSet/ssoins-{ID}/ps-{ID}")),
        });
    }
    things.into_iter().map(|thing| Given { thing, generation: Some(1) }).collect()
}

/// What the first state answers.
fn admission(onboarding: &Onboarding, mode: Mode) -> Admission {
    let facts = AccountFacts {
        account_id: "111122223333".parse().unwrap(),
        name: "n".repeat(50),
        email: Some("e".repeat(64)),
        state: "ACTIVE".to_owned(),
        ous: Vec::new(),
        joined: None,
        tags: [].into(),
    };
    let request = read_request(&input(mode)).unwrap();
    let subject = plan_onboarding::subject(&facts, onboarding, None, &request, EXECUTION);
    let mut plan = plan_onboarding::plan(subject, onboarding.clone());
    plan.left_over = LeftOvers::of(&left_over("111122223333"), &[], None);
    Admission::Onboard { reason: "r".repeat(500), plan: Box::new(plan) }
}

fn input(mode: Mode) -> Value {
    json!({ "accountId": "111122223333", "generation": 1, "mode": mode })
}

/// Everything that a step makes from nothing, and its answer, with ids of AWS's length.
fn made<S: Step<Output: Serialize>>(step: &str, input: &S::Input, state: S::State) -> (S::Output, Told) {
    let made = dry_run::<S>(input, state.clone()).unwrap();
    let told = planned::<S>(step, input, state, &made.batches).planned;
    let sentences = made.batches.iter().flatten().map(|change| with_ids(change.to_string()));
    let told = Told { run: input.subject().clone(), sentences: sentences.collect(), changes: told };
    (made.output, told)
}

/// A text with ids and blocks of AWS's length in the place of those that only AWS gives.
fn with_ids(text: String) -> String {
    let mut parts = text.split("(new");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        whole += ID;
        whole += part.split_once(')').map_or(part, |(_, rest)| rest);
    }
    whole.replace("with a /", "with 100.100.100.100/")
}

/// What a step tells of its changes.
struct Told {
    run: Subject,
    sentences: Vec<String>,
    changes: Vec<ResourceChange>,
}

impl Told {
    fn of(run: &Subject, (step, region): (&str, Option<&Region>), made: Vec<(Effect, String)>) -> Self {
        let place = Origin::of(step, run, region);
        let sentences = made.iter().map(|(_, sentence)| sentence.clone()).collect();
        let told = |(effect, sentence): (Effect, String)| ResourceChange::of(&place, effect, sentence);
        Self { run: run.clone(), sentences, changes: made.into_iter().map(told).collect() }
    }
}

fn answered<O: Serialize>(output: O, told: Told) -> Result<Value, String> {
    let Told { run, sentences, changes } = told;
    let planned = match changes.first().filter(|_| run.mode == Mode::Plan) {
        None => Planned::default(),
        Some(first) => {
            let (step, region) = (first.step.clone(), first.region.clone());
            Planned::of(&Origin::of(&step, &run, region.as_ref()), changes)
        }
    };
    let answer = Converged { output, changes: sentences, planned };
    let text = with_ids(serde_json::to_string(&answer).unwrap());
    Ok(serde_json::from_str(&text).unwrap())
}

/// The longest answer of a function to a payload.
fn answer(onboarding: &Onboarding, mode: Mode, function: &str, payload: &Value) -> Result<Value, String> {
    match function {
        "plan-onboarding" => Ok(serde_json::to_value(admission(onboarding, mode)).unwrap()),
        "provision-vpc" => {
            let (output, changes) = made::<ProvisionVpc>(function, &strict(payload)?, provision_vpc::State::default());
            answered(output, changes)
        }
        "attach-transit-gateway" => attached(&strict(payload)?),
        "create-tenant-roles" => {
            let input: create_tenant_roles::Input = strict(payload)?;
            let left_over = input.left_over.clone();
            let (output, changes) = made::<CreateTenantRoles>(function, &input, create_tenant_roles::State::default());
            let with_id = |role| RoleRecord { role_id: Some(format!("AROA{ID}")), ..role };
            let roles = output.roles.into_iter().map(with_id).collect();
            answered(create_tenant_roles::Output { roles, left_over }, changes)
        }
        "apply-baseline" => {
            let state = apply_baseline::State { backup_role: true, ..Default::default() };
            let (output, changes) = made::<ApplyBaseline>(function, &strict(payload)?, state);
            answered(output, changes)
        }
        "remove-default-vpcs" => {
            let input: remove_default_vpcs::Input = strict(payload)?;
            answered(default_vpcs(), Told::of(&input.run, (function, None), default_vpcs_removed()))
        }
        "grant-sign-in" => assigned(&strict(payload)?),
        "grant-cluster-access" => entered(&strict(payload)?),
        "commit-tenant" => committed(&strict(payload)?),
        "await-tenant" => {
            let input: await_tenant::Input = strict(payload)?;
            let readiness =
                ReadinessRecord { cluster: input.cluster.name, state: Readiness::Ready, message: "m".repeat(1_024) };
            answered(await_tenant::Output { readiness }, Told::of(&input.run, (function, None), Vec::new()))
        }
        other => Err(format!("{other} is no step of the state machine")),
    }
}

fn attached(input: &attach_transit_gateway::Input) -> Result<Value, String> {
    let plan = &input.transit_gateway;
    let attachment = format!("tgw-attach-{ID}");
    let there = |operation| Effect::changes(ResourceKind::TransitGatewayAttachment, operation).id(&attachment);
    let subnets = &input.attachment_subnets;
    let mut changes = vec![
        (
            Effect::creates(UntaggedKind::ServiceLinkedRole, "iam:CreateServiceLinkedRole"),
            "ensure the service-linked role of Transit Gateway".to_owned(),
        ),
        (
            there("ec2:CreateTransitGatewayVpcAttachment").field("subnetIds", subnets, subnets),
            format!("attach vpc-{ID} to {} with {}", plan.id, subnets.join(", ")),
        ),
        (
            there("ec2:AcceptTransitGatewayVpcAttachment").field("state", "pendingAcceptance", "available"),
            format!("accept {attachment}"),
        ),
        (
            there("ec2:AssociateTransitGatewayRouteTable").field("association", &plan.id, &plan.spoke_route_table),
            format!("associate {attachment} with {}", plan.spoke_route_table),
        ),
    ];
    changes.extend(plan.propagate_to.iter().map(|table| {
        let effect = there("ec2:EnableTransitGatewayRouteTablePropagation");
        let effect = effect.field(&format!("propagations.{table}"), (), "enabled");
        (effect, format!("propagate {attachment} to {table}"))
    }));
    let routes = plan.routes.iter().filter(|_| input.private_route_table.is_some());
    changes.extend(routes.map(|route| {
        let (route, table) = (String::from(route.clone()), format!("rtb-{ID}"));
        // Replaced, which tells where it leads, too.
        let effect = Effect::changes(ResourceKind::RouteTable, "ec2:ReplaceRoute").id(&table);
        let effect = effect.field(&format!("routes.{route}"), format!("vgw-{ID}"), &plan.id).disrupting();
        (effect, format!("route {route} to {} in {table}", plan.id))
    }));
    let output = attach_transit_gateway::Output {
        attachment_id: attachment,
        isolation: isolation(plan),
        planned_changes: Vec::new(),
    };
    let place = ("attach-transit-gateway", Some(&input.region));
    answered(output, Told::of(&input.run, place, changes))
}

/// As the proof shows it at most: ten routes, each to ten attachments.
fn isolation(plan: &TransitGatewayPlan) -> Isolation {
    let route = |n: usize| SpokeRoute {
        destination: format!("100.100.{n}.128/25"),
        prefix_list: Some(format!("pl-{ID}")),
        attachments: plan.shared_attachments.iter().take(10).cloned().collect(),
        state: "blackhole".to_owned(),
    };
    Isolation {
        proven_at: Some("2026-11-01T00:00:00.123456789Z".parse().unwrap()),
        spoke_route_table: plan.spoke_route_table.clone(),
        associated_with: plan.spoke_route_table.clone(),
        propagated_to: plan.propagate_to.clone(),
        spoke_routes: SpokeRoutes {
            count: 1_000,
            lead_to: plan.shared_attachments.clone(),
            digest: "00".repeat(32),
            first: (0..10).map(route).collect(),
        },
        default_association: false,
        default_propagation: false,
    }
}

fn default_vpcs() -> remove_default_vpcs::Output {
    let left = |n: usize| DefaultVpcRecord {
        region: region_named("xz", n),
        vpc_id: Some(format!("vpc-{ID}")),
        reason: "r".repeat(100),
    };
    remove_default_vpcs::Output { left: (0..ENABLED_REGIONS / 2).map(left).collect() }
}

fn default_vpcs_removed() -> Vec<(Effect, String)> {
    let of_region = |n: usize| {
        let region = region_named("xz", ENABLED_REGIONS / 2 + n);
        let first = (
            Effect::changes(ResourceKind::InternetGateway, "ec2:DetachInternetGateway")
                .id(format!("igw-{ID}"))
                .in_region(&region)
                .field("vpcId", format!("vpc-{ID}"), ()),
            format!("detach igw-{ID} from default vpc-{ID} in {region}"),
        );
        let rest = ["igw", "subnet", "subnet", "subnet", "vpc"].map(|kind| {
            let effect = Effect::deletes(ResourceKind::InternetGateway, "ec2:DeleteInternetGateway");
            (effect.id(format!("{kind}-{ID}")).in_region(&region), format!("delete default {kind}-{ID} in {region}"))
        });
        std::iter::once(first).chain(rest).collect::<Vec<_>>()
    };
    (0..ENABLED_REGIONS / 2).flat_map(of_region).collect()
}

fn assigned(input: &grant_sign_in::Input) -> Result<Value, String> {
    let assignments = input.sign_in.iter().flat_map(|plan| &plan.assignments);
    let (mut sign_in, mut changes) = (Vec::new(), Vec::new());
    for one in assignments {
        let name = format!("{} with {}", one.group, one.permission_set);
        let effect = Effect::creates(UntaggedKind::SignIn, "sso:CreateAccountAssignment").name(name);
        let effect =
            input.sign_in.iter().fold(effect, |effect, plan| effect.in_account(&plan.account).in_region(&plan.region));
        changes.push((effect, format!("assign group {} with permission set {}", one.group, one.permission_set)));
        sign_in.push(SignInRecord { group: one.group.clone(), permission_set: one.permission_set.clone() });
    }
    let told = Told::of(&input.run, ("grant-sign-in", None), changes);
    answered(grant_sign_in::Output { sign_in, left_over: input.left_over.clone() }, told)
}

fn entered(input: &grant_cluster_access::Input) -> Result<Value, String> {
    let mut changes = Vec::new();
    let mut cluster_access = Vec::new();
    for cluster in &input.clusters {
        let roles: Vec<String> =
            input.roles.iter().filter(|role| role.access.is_some()).map(|role| role.arn.clone()).collect();
        let tenant = input.run.tenant.as_str();
        let groups = || ["edit", "view"].map(|access| format!("tenant:{tenant}:development:{access}")).to_vec();
        changes.extend(roles.iter().map(|role| {
            let effect = Effect::creates(ResourceKind::AccessEntry, "eks:CreateAccessEntry").id(role);
            let effect = effect.name(cluster.name.to_string()).in_region(&cluster.region);
            (
                effect.field("kubernetesGroups", (), groups()),
                format!("create access entry of {role} on {}", cluster.name),
            )
        }));
        let entries = roles.into_iter().map(|role| AccessEntryRecord { role, groups: groups() }).collect();
        let mut pod_identity = Vec::new();
        for planned in input.pod_identity.iter().filter(|planned| planned.cluster == cluster.name) {
            let pods = planned.workload.pods();
            let role = input.roles.iter().find(|role| role.name == planned.workload.role);
            let role = role.map(|role| role.arn.clone()).unwrap_or_default();
            let effect = Effect::creates(ResourceKind::PodIdentityAssociation, "eks:CreatePodIdentityAssociation");
            let effect = effect.name(format!("{pods} on {}", cluster.name)).in_region(&cluster.region);
            let effect = effect.field("roleArn", (), &planned.workload.platform_role).field("targetRoleArn", (), &role);
            let sentence = format!("create pod identity association of {pods} on {}, with {role}", cluster.name);
            changes.push((effect.field("disableSessionTags", (), false), sentence));
            pod_identity.push(PodIdentityRecord { pods, role, of_others: false });
        }
        let (cluster, retired) = (cluster.name.clone(), Vec::new());
        cluster_access.push(ClusterAccessRecord { cluster, entries, retired, pod_identity });
    }
    let told = Told::of(&input.run, ("grant-cluster-access", None), changes);
    answered(grant_cluster_access::Output { cluster_access, left_over: input.left_over.clone() }, told)
}

fn committed(request: &CommitRequest) -> Result<Value, String> {
    let entry = request.entry().map_err(|error| error.message)?;
    let path = request.path().to_string();
    let changes = if request.wish == Wish::Check { Vec::new() } else { vec![format!("commit {path}")] };
    let output = commit_tenant::Output {
        sha: Some(SHA.to_owned()),
        path,
        entry,
        is_suspended: true,
        changes,
        planned: Planned::default(),
    };
    Ok(serde_json::to_value(output).unwrap())
}

/// The largest states of a walk, with what each of them is.
fn sizes(onboarding: &Onboarding, mode: Mode) -> Vec<(String, usize)> {
    let answer = |function: &str, payload: &Value| answer(onboarding, mode, function, payload);
    let walk = walk(&onboard_account(), &hub(), input(mode), &answer).unwrap();
    let payloads =
        walk.calls.iter().map(|(name, payload)| (format!("the payload of {name}"), payload.to_string().len()));
    let mut sizes: Vec<(String, usize)> = payloads.chain(walk.sizes).collect();
    sizes.push(("the output".to_owned(), walk.output.to_string().len()));
    sizes.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    sizes
}

/// What is made larger, and the most of it that is tried: in each of as many regions as there may be, and in one.
const GROWN: [(Grown, usize, usize); 10] = [
    (Grown::ConfigRules, REGIONS_MAX, 100),
    (Grown::Tiers, REGIONS_MAX, 12),
    (Grown::Routes, REGIONS_MAX, 1_000),
    (Grown::SharedAttachments, REGIONS_MAX, 1_000),
    (Grown::ManagedPolicies, REGIONS_MAX, 20),
    (Grown::ConfigRules, 1, 1_000),
    (Grown::Tiers, 1, 12),
    (Grown::Routes, 1, 1_000),
    (Grown::SharedAttachments, 1, 1_000),
    (Grown::ManagedPolicies, 1, 20),
];

#[test]
fn no_state_of_the_largest_plans_has_more_than_step_functions_takes() {
    for (grown, regions, most) in GROWN {
        let (count, platform) = largest(grown, most, regions);
        let onboarding = platform.largest(&"dev".parse().unwrap()).unwrap();
        assert_eq!(onboarding.regions.len(), regions);
        let (applied, planned) = (sizes(&onboarding, Mode::Apply), sizes(&onboarding, Mode::Plan));
        println!("{grown:?} {count} in {regions}: {:?}; in mode plan {:?}", &applied[..3], &planned[..3]);
        for (what, bytes) in [&applied[0], &planned[0]] {
            assert!(*bytes + AROUND_BYTES < PAYLOAD_BYTES_MAX, "{grown:?} {count} in {regions}: {what}: {bytes} bytes");
        }
        // The bound is near: else it would refuse what fits.
        let near = applied[0].1.max(planned[0].1);
        assert!(count == most || near > PAYLOAD_BYTES_MAX / 2, "{grown:?} {count} in {regions}: only {near} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// A plan that `validate` refuses would not have fitted, or nearly so; and one that it takes fits.
    #[test]
    fn what_an_account_may_need_is_estimated_closely_and_never_too_low(
        regions in 1..=REGIONS_MAX,
        zones in 1..=6_usize,
        tiers in 1..=8_usize,
        rules in 0..=30_usize,
        routes in 0..=40_usize,
        attachments in 1..=40_usize,
        roles in 1..=40_usize,
        policies in 0..=20_usize,
    ) {
        let grown = [
            (Grown::Zones, zones),
            (Grown::Tiers, tiers),
            (Grown::ConfigRules, rules),
            (Grown::Routes, routes),
            (Grown::SharedAttachments, attachments),
            (Grown::Roles, roles),
            (Grown::ManagedPolicies, policies),
        ];
        let onboarding = platform(&grown, regions).largest(&"dev".parse().unwrap()).unwrap();
        // Where a step shows its changes whole they have a bound of their own.
        let is_whole = |what: &str| !what.ends_with(" got");
        let planned = sizes(&onboarding, Mode::Plan).into_iter().find(|(what, _)| is_whole(what)).unwrap();
        let (what, bytes) = std::cmp::max_by_key(sizes(&onboarding, Mode::Apply).swap_remove(0), planned, |(_, n)| *n);
        let (seen, estimated) = (bytes + AROUND_BYTES, onboarding.state_bytes());
        prop_assert!(seen <= estimated, "{what}: {seen} bytes, estimated {estimated}");
        prop_assert!(estimated <= bytes * 115 / 100 + 4 * 1024, "{what}: {bytes} bytes, estimated {estimated}");
    }
}
