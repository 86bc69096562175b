//! The plan of an account with more subnets than `berth validate` takes: larger than what a state gives on, and whole all the
//! same, because its changes are in the answers of the steps. Those answers are what the steps themselves decide.

use berth_contract::{ExecutionOutput, changes_in_answer, in_order};
use berth_step::{Converged, HasSubject, Step, dry_run, planned};
use berth_tenancy::{
    Addresses, Admission, Mode, Planned, Region, ResourceChange, TierPlan, TierRouting,
    limits::{PAYLOAD_BYTES_MAX, REGIONS_MAX},
};
use remove_default_vpcs::{Found, Gateway};
use serde_json::{Value, json};

use crate::{
    hub, onboard_account,
    steps::{Case, strict},
    walk::{Walk, walk},
};

/// Regions that AWS has: a default VPC may be in each.
const REGIONS_OF_AWS: usize = 34;
/// Zones of a VPC, at most, by themselves. [berth-config, `check/regions.rs`]
const ZONES_MAX: usize = 6;
/// Tiers of subnets, at most, by themselves. [The same]
const TIERS_MAX: usize = 12;

/// The plan of the account: as many subnets as there may be, in as many regions as there may be.
fn admission(case: &Case) -> Admission {
    let Admission::Onboard { reason, mut plan } = case.admission() else { unreachable!("the account is ours") };
    for region in &mut plan.regions {
        let (network, name) = (&mut region.network, region.region.clone());
        network.zones = (1..=ZONES_MAX).map(|zone| format!("{name}-az{zone}")).collect();
        network.tiers = (1..=TIERS_MAX)
            .map(|tier| TierPlan {
                name: format!("workloads-{tier:02}"),
                prefix_length: 28,
                routing: if tier == 1 { TierRouting::Attachment } else { TierRouting::Private },
            })
            .collect();
        let (pool_id, supernets) = ("ipam-pool-0a1b2c3d4e5f67890".to_owned(), Vec::new());
        network.addresses = Addresses::Ipam { pool_id, prefix_length: 20, supernets };
    }
    Admission::Onboard { reason, plan }
}

/// What a step answers that finds this, as it decides it itself.
fn decided<S: Step>(step: &str, payload: &Value, state: S::State) -> Result<Value, String> {
    let input: S::Input = strict(payload)?;
    let dry = dry_run::<S>(&input, state.clone()).map_err(|error| error.message)?;
    let changes = dry.batches.iter().flatten().map(ToString::to_string).collect();
    let is_plan = input.subject().mode == Mode::Plan;
    let told = if is_plan { planned::<S>(step, &input, state, &dry.batches) } else { Planned::default() };
    let answer = Converged { output: dry.output, changes, planned: told };
    serde_json::to_value(answer).map_err(|error| error.to_string())
}

/// Default VPCs in every region of AWS, as AWS makes them.
fn default_vpcs() -> remove_default_vpcs::State {
    let vpc = |n: usize| {
        let region: Region = format!("xx-{}-{}", ["north", "south", "east", "west"][n / 9], n % 9 + 1).parse().unwrap();
        let vpc = remove_default_vpcs::Vpc {
            id: format!("vpc-{n:017x}"),
            used: Vec::new(),
            gateway: Some(Gateway { id: format!("igw-{n:017x}"), is_attached: true }),
            subnets: (0..ZONES_MAX).map(|zone| format!("subnet-{n:08x}{zone:09x}")).collect(),
        };
        (region, Found::Vpc(vpc))
    };
    remove_default_vpcs::State { regions: (0..REGIONS_OF_AWS).map(vpc).collect(), enabled: REGIONS_OF_AWS }
}

/// The request for a commit as the question before it, which the case answers without comparing what was made.
fn as_question(payload: &Value) -> Value {
    let regions: Vec<&Value> = payload["regions"].as_array().unwrap().iter().map(|region| &region["region"]).collect();
    let mut question = payload.clone();
    question["plannedRegions"] = json!(regions);
    question["wish"] = json!("check");
    question["regions"] = json!([]);
    question["roles"] = json!([]);
    question
}

/// Walks the machine for the largest account; every change that the answers tell of.
fn walked(case: &Case) -> (Walk, Vec<ResourceChange>) {
    let told = std::cell::RefCell::new(Vec::new());
    let answer = |function: &str, payload: &Value| {
        let answer = match function {
            "plan-onboarding" => serde_json::to_value(admission(case)).map_err(|error| error.to_string()),
            "provision-vpc" => {
                decided::<provision_vpc::ProvisionVpc>(function, payload, provision_vpc::State::default())
            }
            "create-tenant-roles" => decided::<create_tenant_roles::CreateTenantRoles>(
                function,
                payload,
                create_tenant_roles::State::default(),
            ),
            "apply-baseline" => decided::<apply_baseline::ApplyBaseline>(
                function,
                payload,
                apply_baseline::State { backup_role: true, ..apply_baseline::State::default() },
            ),
            "remove-default-vpcs" => {
                decided::<remove_default_vpcs::RemoveDefaultVpcs>(function, payload, default_vpcs())
            }
            "commit-tenant" if payload["wish"].is_null() => case.answer(function, &as_question(payload)),
            "attach-transit-gateway" => {
                let mut payload = payload.clone();
                payload["vpcId"] = json!(format!("vpc-{}", payload["region"].as_str().unwrap()));
                case.answer(function, &payload)
            }
            _ => case.answer(function, payload),
        }?;
        told.borrow_mut().extend(changes_in_answer(&json!({ "Payload": answer })));
        let bytes = answer.to_string().len();
        if bytes >= PAYLOAD_BYTES_MAX { Err(format!("{function} answers {bytes} bytes")) } else { Ok(answer) }
    };
    let walk = walk(&onboard_account(), &hub(), case.input(), &answer).unwrap_or_else(|problem| panic!("{problem}"));
    (walk, told.into_inner())
}

/// A plan of this size is larger than what a state may give on, and whole all the same.
#[test]
fn a_plan_that_no_state_could_carry_is_whole_in_the_answers_of_its_steps() {
    let case = Case { regions: REGIONS_MAX, mode: Mode::Plan, regions_changed: REGIONS_MAX, asks: false };
    let (walk, answers) = walked(&case);
    let output: ExecutionOutput = strict(&walk.output).unwrap();
    let ExecutionOutput::Onboard { plan, .. } = output else { unreachable!("it is onboarded") };
    let changes = in_order(&answers, &plan).unwrap();
    assert!(changes.len() > REGIONS_MAX * ZONES_MAX * TIERS_MAX * 2, "{}", changes.len());
    assert!(json!(changes).to_string().len() > 2 * PAYLOAD_BYTES_MAX, "it would fit: no need for the history");
    let keys = changes.iter().map(|change| &change.key).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(keys.len(), changes.len(), "no two changes of a plan have one key");
}
