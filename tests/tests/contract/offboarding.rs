//! The state machine of offboardings: every payload fits its step, and what comes out is what announce-outcome reads.

use announce_outcome::{Change, Ended, offboarding_ended};
use berth_contract::{CommitRequest, OffboardingOutput, Wish};
use berth_ledger::{Ending, Readiness, ReadinessRecord};
use berth_step::Converged;
use berth_tenancy::{Departure, Mode, Planned};
use berth_tests::registry::{function_of_state, machine};
use commit_tenant::CommitRequestExt;
use plan_offboarding::read_request;
use serde_json::{Value, json};

use crate::{
    hub_for,
    steps::{SHA, strict},
    walk::{Walk, walk},
};

const MACHINE: &str = "offboard-account";
const EXECUTION: &str = "arn:aws:states:us-east-1:210987654321:execution:berth-offboard-account:one";

const ROLE: &str = "arn:aws:iam::111122223333:role/tenant/payments-developer";

/// What the first state answers.
fn departure(mode: Mode, is_closed: bool) -> Value {
    let region =
        |region: &str| json!({ "region": region, "networkAccount": "310987654321", "networkRole": "BerthNetwork" });
    let remove = |thing: Value| json!({ "thing": thing, "remove": true });
    let at = json!({ "name": "shared-dev-1", "eksName": "shared-dev-1", "region": "eu-west-1", "outside": null });
    let entry = remove(json!({ "kind": "accessEntry", "role": ROLE, "cluster": "shared-dev-1", "at": at }));
    let pods = json!({ "namespace": "payments-dev", "serviceAccount": "payments" });
    let pods = remove(json!({ "kind": "podIdentity", "pods": pods, "cluster": "shared-dev-1", "at": at }));
    let sign_in = remove(json!({ "kind": "signIn", "group": "g", "permissionSet": "P" }));
    let role = remove(json!({ "kind": "role", "name": "developer", "arn": ROLE }));
    let baseline = remove(json!({ "kind": "baseline", "region": "eu-west-1" }));
    json!({ "decision": "offboard", "reason": "a person asked for it", "plan": {
        "run": {
            "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
            "execution": EXECUTION, "generation": 2, "mode": mode, "tenantRole": "BerthTenant",
            "allowDisruption": false, "openingUntil": null,
        },
        "scope": "account",
        "freeze": "suspend",
        "isClosed": is_closed,
        "regions": [region("eu-central-1"), region("eu-west-1")],
        "gitOps": {
            "cluster": "shared-dev-1", "clusterRegion": "eu-west-1", "path": "clusters/shared-dev-1/tenants/df/payments.yaml",
            "delivery": "push", "answerSecondsMax": 3600, "contactEmail": null, "costCenter": null, "ownerGroups": [],
            "workloads": [],
        },
        "awaitedClusters": [at],
        "leftOver": { "access": [entry, pods], "signIn": [sign_in], "roles": if is_closed { json!([]) } else { json!([role]) }, "reported": [] },
        "signIn": {
            "account": "999988887777", "role": "BerthSignIn", "region": "eu-west-1", "instanceArn": "arn:aws:sso:::instance/ssoins-1",
            "identityStoreId": "d-1", "assignments": [],
        },
        "baselines": if is_closed { json!([]) } else { json!([baseline]) },
        "entered": if is_closed { json!([]) } else { json!(["111122223333"]) },
        "leftBehind": if is_closed { json!(["vpc-1 in eu-west-1"]) } else { json!([]) },
    } })
}

/// The answer of the cluster that is asked.
fn gone(payload: &Value) -> Result<Value, String> {
    let input: await_tenant::Input = strict(payload)?;
    assert!(input.entry.is_none() && payload.get("entry").is_some(), "it is said that no entry is left");
    let readiness = ReadinessRecord {
        cluster: input.cluster.name,
        state: Readiness::Gone,
        message: "the Tenant payments is gone".to_owned(),
    };
    written(&Converged { output: await_tenant::Output { readiness }, changes: Vec::new(), planned: Planned::default() })
}

/// The answer of the baseline's step.
fn without_baseline(payload: &Value) -> Result<Value, String> {
    let input: apply_baseline::Input = strict(payload)?;
    assert!(input.baseline.is_empty() && input.left_over[0].remove, "nothing is wanted");
    let region = input.baseline.region;
    let changes = vec![format!("delete the baseline in {region}")];
    let left_behind = vec![format!("{region}: backup vault v stays")];
    converged(apply_baseline::Output { region, left_behind, left_over: Vec::new(), given: Vec::new() }, changes)
}

/// What a step answers that has made these changes.
fn converged(output: impl serde::Serialize, changes: Vec<String>) -> Result<Value, String> {
    written(&Converged { output, changes, planned: Planned::default() })
}

fn answer(function: &str, payload: &Value, mode: Mode, is_closed: bool) -> Result<Value, String> {
    match function {
        "plan-offboarding" => {
            let input: plan_offboarding::Input = strict(payload)?;
            let request = read_request(&input.request).map_err(|error| error.message)?;
            assert_eq!(request.mode, mode);
            let answer = departure(mode, is_closed);
            let _: Departure = strict(&answer)?;
            Ok(answer)
        }
        "delete-vpc" => {
            let input: delete_vpc::Input = strict(payload)?;
            assert_eq!(input.is_closed, is_closed);
            let block = "10.16.16.0/20".parse().unwrap();
            let left_behind = is_closed.then(|| "vpc-1".to_owned());
            let output = delete_vpc::Output { region: input.region.clone(), blocks: vec![block], left_behind };
            let changes =
                if input.is_inspection { Vec::new() } else { vec![format!("delete the VPC in {}", input.region)] };
            converged(output, changes)
        }
        "detach-transit-gateway" => {
            let input: detach_transit_gateway::Input = strict(payload)?;
            let changes = vec![format!("delete the attachment in {}", input.region)];
            converged(detach_transit_gateway::Output { region: input.region }, changes)
        }
        "commit-tenant" => {
            let request: CommitRequest = strict(payload)?;
            assert!(request.regions.is_empty() && request.roles.is_empty());
            let changes = vec![if request.wish == Wish::Suspend { "suspend" } else { "take out" }.to_owned()];
            let sha = (mode == Mode::Apply).then(|| SHA.to_owned());
            let entry = request.entry().map_err(|error| error.message)?;
            written(&commit_tenant::Output {
                sha,
                path: request.git_ops.path,
                entry,
                is_suspended: false,
                changes,
                planned: Planned::default(),
            })
        }
        "await-tenant" => gone(payload),
        "apply-baseline" => without_baseline(payload),
        "grant-cluster-access" => {
            let input: grant_cluster_access::Input = strict(payload)?;
            assert!(input.clusters.is_empty() && input.roles.is_empty(), "nothing is wanted");
            assert!(input.pod_identity.is_empty() && input.left_over.len() == 2, "nothing is wanted");
            let output = grant_cluster_access::Output { cluster_access: Vec::new(), left_over: Vec::new() };
            converged(output, vec![format!("remove {}", input.left_over[0].thing)])
        }
        "grant-sign-in" => {
            let input: grant_sign_in::Input = strict(payload)?;
            assert!(input.sign_in.is_some_and(|plan| plan.assignments.is_empty()), "nobody is wanted");
            // What cannot be removed is told.
            let output = grant_sign_in::Output { sign_in: Vec::new(), left_over: input.left_over };
            converged(output, Vec::new())
        }
        "create-tenant-roles" => {
            let input: create_tenant_roles::Input = strict(payload)?;
            assert!(input.roles.is_none() && input.left_over.len() == 1, "nothing is wanted");
            let output = create_tenant_roles::Output { roles: Vec::new(), left_over: Vec::new() };
            converged(output, vec!["remove the role".to_owned()])
        }
        other => Err(format!("{other} is no step of the state machine")),
    }
}

fn written(value: &impl serde::Serialize) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| error.to_string())
}

/// The same plan with nothing but what a scope takes.
fn part(scope: &str) -> Value {
    let mut answer = departure(Mode::Apply, false);
    let plan = answer["plan"].as_object_mut().unwrap();
    let empty = json!({ "access": [], "signIn": [], "roles": [], "reported": [] });
    let (region, left_over) = (plan["regions"][0].clone(), plan["leftOver"].clone());
    let regions = if scope == "region" { json!([region]) } else { json!([]) };
    let is_access = scope == "access";
    plan.insert("scope".to_owned(), json!(scope));
    plan.insert("freeze".to_owned(), json!(if scope == "resume" { "resume" } else { "suspend" }));
    plan.insert("regions".to_owned(), regions);
    if scope != "region" {
        plan.insert("baselines".to_owned(), json!([]));
    }
    plan.insert("leftOver".to_owned(), if is_access { left_over } else { empty });
    plan.insert("entered".to_owned(), if is_access { json!(["111122223333"]) } else { json!([]) });
    answer
}

#[test]
fn a_scope_calls_what_takes_its_part_and_nothing_else() {
    let network = ["plan-offboarding", "delete-vpc", "detach-transit-gateway", "delete-vpc", "apply-baseline"];
    let entry = ["plan-offboarding", "commit-tenant"];
    let access = [
        "plan-offboarding",
        "commit-tenant",
        "commit-tenant",
        "await-tenant",
        "grant-cluster-access",
        "grant-sign-in",
        "create-tenant-roles",
    ];
    let scopes = [
        ("region", &network[..], vec![]),
        ("suspend", &entry, vec!["suspend"]),
        ("resume", &entry, vec!["resume"]),
        ("access", &access, vec!["suspend", "leave"]),
    ];
    for (scope, expected, wished) in scopes {
        let input = json!({ "accountId": "111122223333", "mode": "apply", "scope": scope });
        let definition = &machine(MACHINE).definition;
        let walk = walk(definition, &hub_for(MACHINE), input, &|function, payload| match function {
            "plan-offboarding" => {
                let answer = part(scope);
                let _: Departure = strict(&answer)?;
                Ok(answer)
            }
            _ => answer(function, payload, Mode::Apply, false),
        })
        .unwrap();
        let called: Vec<&str> = walk.calls.iter().map(|(function, _)| function.as_str()).collect();
        assert_eq!(called, expected, "{scope}");
        let wishes: Vec<&str> = walk.calls.iter().filter_map(|(_, payload)| payload["wish"].as_str()).collect();
        assert_eq!(wishes, wished, "{scope}");
        let OffboardingOutput::Offboard { scope: said, regions, baselines, left_behind, .. } =
            strict(&walk.output).unwrap()
        else {
            panic!()
        };
        let is_region = usize::from(scope == "region");
        assert_eq!((json!(said), regions.len(), baselines.len()), (json!(scope), is_region, is_region));
        let stays: Vec<String> = baselines.into_iter().flat_map(|baseline| baseline.left_behind).collect();
        assert_eq!(left_behind, stays, "what stays of a baseline is said once in words");
    }
}

fn run(mode: Mode, is_closed: bool) -> Walk {
    let input = json!({ "accountId": "111122223333", "mode": mode });
    let definition = &machine(MACHINE).definition;
    walk(definition, &hub_for(MACHINE), input, &|function, payload| answer(function, payload, mode, is_closed)).unwrap()
}

/// What announce-outcome makes of the output.
fn ended(walk: &Walk, mode: Mode) -> Ended {
    let input = json!({ "accountId": "111122223333", "mode": mode }).to_string();
    let change: Change = strict(&json!({
        "executionArn": EXECUTION, "status": "SUCCEEDED", "output": walk.output.to_string(), "input": input, "stopDate": 1,
    }))
    .unwrap();
    offboarding_ended(&change, None, None).unwrap()
}

#[test]
fn an_offboarding_looks_first_then_freezes_and_ends_with_the_tombstone() {
    for is_closed in [false, true] {
        let walk = run(Mode::Apply, is_closed);
        let called: Vec<&str> = walk.calls.iter().map(|(function, _)| function.as_str()).collect();
        let expected = [
            "plan-offboarding",
            "delete-vpc",
            "delete-vpc",
            "commit-tenant",
            "commit-tenant",
            "await-tenant",
            "grant-cluster-access",
            "grant-sign-in",
            "detach-transit-gateway",
            "delete-vpc",
            "detach-transit-gateway",
            "delete-vpc",
            "apply-baseline",
            "create-tenant-roles",
        ];
        let entered = 2 * usize::from(!is_closed);
        assert_eq!(called, expected[..expected.len() - 2 + entered], "a closed account is not entered");
        let wishes = walk.calls.iter().filter_map(|(_, payload)| payload["wish"].as_str());
        assert_eq!(wishes.collect::<Vec<_>>(), ["suspend", "leave"]);
        let looks = walk.calls.iter().filter_map(|(_, payload)| payload["isInspection"].as_bool());
        assert_eq!(looks.collect::<Vec<_>>(), [true, true, false, false], "it looks before it changes anything");
        let OffboardingOutput::Offboard { regions, changes, left_over, .. } = strict(&walk.output).unwrap() else {
            panic!()
        };
        assert_eq!((regions.len(), regions[1].changes.len()), (2, 2));
        assert_eq!((changes.len(), left_over.len()), (7 + entered, 1), "{changes:?}");
        let Ended::Outcome { ending: Ending::Offboarded(tombstone), .. } = ended(&walk, Mode::Apply) else { panic!() };
        // What is said of the sign-in and of the cluster; and of the vault, or of the closed account's VPC.
        assert_eq!((tombstone.is_closed, tombstone.left_behind.len()), (is_closed, 3), "{:?}", tombstone.left_behind);
        assert!(tombstone.left_behind.contains(&"shared-dev-1: the Tenant payments is gone".to_owned()));
        assert!(tombstone.left_behind.iter().any(|line| line.starts_with("sign-in of g with P: ")));
        assert_eq!(tombstone.snapshot["commit"], SHA);
    }
}

#[test]
fn a_plan_walks_the_same_way_and_is_announced_to_nobody() {
    let walk = run(Mode::Plan, false);
    assert_eq!(walk.calls.len(), 14);
    assert!(matches!(ended(&walk, Mode::Plan), Ended::Silent { .. }));
}

#[test]
fn an_account_without_anything_and_a_duplicate_end_after_one_call() {
    for decision in ["ignore", "duplicate"] {
        let answer =
            json!({ "decision": decision, "reason": "the ledger does not know it", "accountId": "111122223333" });
        let _: Departure = strict(&answer).unwrap();
        let input = json!({ "accountId": "111122223333", "mode": "apply" });
        let definition = &machine(MACHINE).definition;
        let walk = walk(definition, &hub_for(MACHINE), input, &|_, _| Ok(answer.clone())).unwrap();
        assert_eq!(walk.entered, ["PlanOffboarding", "IsToLeave", "NothingToTakeAway"]);
        assert!(matches!(ended(&walk, Mode::Apply), Ended::Silent { .. }));
    }
}

#[test]
fn every_task_of_the_offboarding_has_its_function() {
    let tasks = machine(MACHINE).tasks();
    let functions: Vec<&str> = tasks.iter().map(|task| function_of_state(&task.name).unwrap().name.as_str()).collect();
    // A region alone goes past what is the entry's and access.
    assert_eq!(
        functions,
        [
            "plan-offboarding",
            "delete-vpc",
            "detach-transit-gateway",
            "delete-vpc",
            "apply-baseline",
            "create-tenant-roles",
            "commit-tenant",
            "commit-tenant",
            "await-tenant",
            "grant-cluster-access",
            "grant-sign-in",
        ]
    );
}
