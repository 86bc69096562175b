//! Reads Identity Center: ids of groups and permission sets, then the account's assignments, then requests under way.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_identitystore::types::{AlternateIdentifier, UniqueAttribute};
use aws_sdk_ssoadmin::types::PrincipalType;
use aws_smithy_types::Document;
use berth_aws::CallFailure;
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, AssignmentPlan, Mode, SignInPlan, Subject};

use crate::{
    OUTSTANDING_MAX, Observed, State, World,
    memory::Memory,
    requests::{self, Wanted},
    world::Clients,
};

/// Reads what the plan names. Calls follow each other: the organization has 20 a second for everybody.
pub(crate) async fn observe(
    clients: Clients,
    memory: &Memory,
    run: &Subject,
    plan: &SignInPlan,
) -> Result<World, StepError> {
    let account = &run.account_id;
    let mut groups = BTreeMap::new();
    for AssignmentPlan { group, .. } in &plan.assignments {
        if !groups.contains_key(group) {
            groups.insert(group, group_id(&clients, plan, group).await?);
        }
    }
    let mut assignments = Vec::new();
    for assignment in &plan.assignments {
        assignments.push(Observed {
            assignment: assignment.clone(),
            group_id: groups.get(&assignment.group).cloned().unwrap_or_default(),
            permission_set_arn: permission_set(&clients, memory, plan, assignment).await?,
            state: State::Absent { failed: None },
        });
    }
    mark_assigned(&clients, memory, account, plan, &mut assignments).await?;
    let mut world = World { clients: None, outstanding: 0, assignments };
    if absent(&world.assignments).is_some() {
        look_at_requests(&clients, memory, run, plan, &mut world).await?;
    }
    Ok(World { clients: Some(clients), ..world })
}

fn absent(assignments: &[Observed]) -> Option<&Observed> {
    assignments.iter().find(|observed| matches!(observed.state, State::Absent { .. }))
}

/// What is under way, and what has failed. A request may end between two looks, so the assignments are read once more
/// before one is taken for absent.
async fn look_at_requests(
    clients: &Clients,
    memory: &Memory,
    run: &Subject,
    plan: &SignInPlan,
    world: &mut World,
) -> Result<(), StepError> {
    let account = &run.account_id;
    let under_way = requests::under_way(clients, memory, &plan.instance_arn).await?;
    world.outstanding = under_way.len();
    for observed in &mut world.assignments {
        let wanted = Wanted::of(account, observed);
        let is_absent = matches!(observed.state, State::Absent { .. });
        if is_absent && under_way.iter().any(|request| wanted.is(request)) {
            observed.state = State::UnderWay { failed_before: None };
        }
    }
    // Without room nothing will be asked for, so nothing more has to be known. Everybody who waits asks this one service.
    let has_room = world.outstanding < OUTSTANDING_MAX || run.mode == Mode::Plan;
    if absent(&world.assignments).is_none() || !has_room {
        return Ok(());
    }
    mark_assigned(clients, memory, account, plan, &mut world.assignments).await?;
    if absent(&world.assignments).is_none() {
        return Ok(());
    }
    let failed = requests::failed(clients, memory, &plan.instance_arn).await?;
    for observed in &mut world.assignments {
        let wanted = Wanted::of(account, observed);
        if let State::Absent { failed: reason } = &mut observed.state {
            // Newest first.
            *reason = failed.iter().find(|request| wanted.is(request)).and_then(|request| request.failure.clone());
        }
    }
    Ok(())
}

/// The id of a group by its display name, which is unique in a store. [identitystore `GetGroupId`]
async fn group_id(clients: &Clients, plan: &SignInPlan, group: &str) -> Result<String, StepError> {
    let by_name = UniqueAttribute::builder()
        .attribute_path("displayName")
        .attribute_value(Document::String(group.to_owned()))
        .build()
        .map_err(|error| StepError::new(Fault::Bug, "a group without a name").because(error))?;
    let call = clients
        .store
        .get_group_id()
        .identity_store_id(&plan.identity_store_id)
        .alternate_identifier(AlternateIdentifier::UniqueAttribute(by_name));
    match call.send().await {
        Ok(answer) => Ok(answer.group_id),
        Err(error) => {
            let failure = CallFailure::of("identitystore:GetGroupId", &error);
            Err(match failure.code() {
                Some("ResourceNotFoundException") => missing_group(plan, group).because(error),
                Some("ValidationException") => {
                    failure.as_fault(Fault::InvalidInput, "correct identityCenter and signIn in platform.yaml")
                }
                _ => failure.or_common(),
            })
        }
    }
}

fn missing_group(plan: &SignInPlan, group: &str) -> StepError {
    let store = &plan.identity_store_id;
    StepError::new(Fault::InvalidInput, format!("Identity Center has no group {group} (identity store {store})")).next(
        format!(
            "create the group {group}, or wait until the identity provider has synced it; then redrive the execution"
        ),
    )
}

/// The ARN of a permission set: from the plan, from memory, or by asking for the name of each.
/// [sso-admin `ListPermissionSets`, `DescribePermissionSet`]
async fn permission_set(
    clients: &Clients,
    memory: &Memory,
    plan: &SignInPlan,
    assignment: &AssignmentPlan,
) -> Result<String, StepError> {
    let (instance, wanted) = (&plan.instance_arn, &assignment.permission_set);
    let known = assignment.permission_set_arn.clone().or_else(|| memory.permission_set(instance, wanted));
    if let Some(arn) = known {
        return Ok(arn);
    }
    let mut pages = clients.center.list_permission_sets().instance_arn(instance).into_paginator().items().send();
    while let Some(arn) = pages.next().await {
        let arn = arn.map_err(|error| instance_meaning(CallFailure::of("sso:ListPermissionSets", &error)))?;
        if memory.knows(&arn) {
            continue;
        }
        let call = clients.center.describe_permission_set().instance_arn(instance).permission_set_arn(&arn);
        let described = match call.send().await {
            Ok(described) => described,
            Err(error) => {
                let failure = CallFailure::of("sso:DescribePermissionSet", &error);
                // It was deleted between the two calls.
                if failure.is(&["ResourceNotFoundException"]) {
                    continue;
                }
                return Err(failure.or_common());
            }
        };
        let name = described.permission_set.and_then(|set| set.name).unwrap_or_default();
        memory.remember(instance, &name, &arn);
        if name == *wanted {
            return Ok(arn);
        }
    }
    let what = format!("Identity Center has no permission set {wanted} (instance {instance})");
    let next =
        format!("create the permission set {wanted}, or correct signIn in platform.yaml; then redrive the execution");
    Err(StepError::new(Fault::InvalidInput, what).next(next))
}

/// What is assigned already. [sso-admin `ListAccountAssignments`]
async fn mark_assigned(
    clients: &Clients,
    memory: &Memory,
    account: &AccountId,
    plan: &SignInPlan,
    assignments: &mut [Observed],
) -> Result<(), StepError> {
    let is_absent = |observed: &&Observed| matches!(observed.state, State::Absent { .. });
    let sets: BTreeSet<String> =
        assignments.iter().filter(is_absent).map(|observed| observed.permission_set_arn.clone()).collect();
    for set in sets {
        let groups = assigned_groups(clients, memory, account, plan, &set).await?;
        for observed in assignments.iter_mut().filter(|observed| observed.permission_set_arn == set) {
            if groups.contains(&observed.group_id) {
                observed.state = State::Assigned;
            }
        }
    }
    Ok(())
}

/// Groups that sign in to the account with a permission set.
async fn assigned_groups(
    clients: &Clients,
    memory: &Memory,
    account: &AccountId,
    plan: &SignInPlan,
    set: &str,
) -> Result<BTreeSet<String>, StepError> {
    let call = clients.center.list_account_assignments().instance_arn(&plan.instance_arn);
    let call = call.account_id(account.as_str()).permission_set_arn(set);
    let mut pages = call.into_paginator().items().send();
    let mut groups = BTreeSet::new();
    while let Some(assignment) = pages.next().await {
        let assignment = assignment.map_err(|error| {
            let failure = CallFailure::of("sso:ListAccountAssignments", &error);
            if failure.is(&["ResourceNotFoundException"]) {
                gone(failure, memory, plan, set)
            } else {
                failure.or_common()
            }
        })?;
        if assignment.principal_type == Some(PrincipalType::Group) {
            groups.extend(assignment.principal_id);
        }
    }
    Ok(groups)
}

/// A permission set that is not there: one of platform.yaml is a mistake there, a remembered one was replaced.
fn gone(failure: CallFailure, memory: &Memory, plan: &SignInPlan, set: &str) -> StepError {
    if memory.knows(set) {
        memory.forget(set);
        return failure
            .as_fault(Fault::NotReady, "nothing yet: the permission set was replaced; Berth looks for it by name");
    }
    let named = plan.assignments.iter().find(|one| one.permission_set_arn.as_deref() == Some(set));
    let name = named.map_or("", |one| one.permission_set.as_str());
    let next = format!("correct {name} in identityCenter.permissionSets of platform.yaml: there is no {set}");
    failure.as_fault(Fault::InvalidInput, &next)
}

fn instance_meaning(failure: CallFailure) -> StepError {
    if failure.is(&["ResourceNotFoundException"]) {
        return failure.as_fault(Fault::InvalidInput, "correct identityCenter.instanceArn in platform.yaml");
    }
    failure.or_common()
}
