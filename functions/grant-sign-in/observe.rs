//! Reads Identity Center: ids of groups and permission sets, then the account's assignments, then requests under way.

mod left_over;
mod memory;
mod requests;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_identitystore::types::{AlternateIdentifier, UniqueAttribute};
use aws_sdk_ssoadmin::types::PrincipalType;
use aws_smithy_types::Document;
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, AssignmentPlan, Mode, SignInPlan, Subject, wait};

pub(crate) use self::memory::Memory;
use self::requests::Wanted;
use crate::{Clients, Input, OUTSTANDING_MAX, ObservedAssignment, Progress, State};

/// Reads what the plan names. Calls follow each other: the organization has 20 a second for everybody.
pub(crate) async fn observe(clients: &Clients, input: &Input, plan: &SignInPlan) -> Result<State, StepError> {
    let run = &input.run;
    let account = &run.account_id;
    let mut groups = BTreeMap::new();
    for AssignmentPlan { group, .. } in &plan.assignments {
        if !groups.contains_key(group) {
            groups.insert(group, group_id(clients, plan, group).await?);
        }
    }
    let mut assignments = Vec::new();
    for assignment in &plan.assignments {
        assignments.push(ObservedAssignment {
            assignment: assignment.clone(),
            group_id: groups.get(&assignment.group).cloned().unwrap_or_default(),
            permission_set_arn: permission_set(clients, plan, assignment).await?,
            progress: Progress::Absent { failed: None },
        });
    }
    mark_assigned(clients, account, plan, &mut assignments).await?;
    let left_over = left_over::observe(clients, account, plan, &input.left_over).await?;
    let is_leaving = left_over.iter().any(|left| left.remove);
    let mut state = State { outstanding: 0, assignments, left_over };
    if absent(&state.assignments).is_some() || is_leaving {
        look_at_requests(clients, run, plan, &mut state).await?;
    }
    Ok(state)
}

fn absent(assignments: &[ObservedAssignment]) -> Option<&ObservedAssignment> {
    assignments.iter().find(|observed| matches!(observed.progress, Progress::Absent { .. }))
}

/// What is under way, and what has failed. A request may end between two looks, so the assignments are read once more
/// before one is taken for absent.
async fn look_at_requests(
    clients: &Clients,
    run: &Subject,
    plan: &SignInPlan,
    state: &mut State,
) -> Result<(), StepError> {
    let account = &run.account_id;
    let under_way = requests::under_way(clients, &plan.instance_arn).await?;
    state.outstanding = under_way.len();
    for observed in &mut state.assignments {
        let wanted = Wanted::of(account, observed);
        let is_absent = matches!(observed.progress, Progress::Absent { .. });
        if is_absent && under_way.iter().any(|request| wanted.is(request)) {
            observed.progress = Progress::UnderWay { failed_before: None };
        }
    }
    // Without room nothing will be asked for, so nothing more has to be known. Everybody who waits asks this one service.
    let has_room = state.outstanding < OUTSTANDING_MAX || run.mode == Mode::Plan;
    if absent(&state.assignments).is_none() || !has_room {
        return Ok(());
    }
    mark_assigned(clients, account, plan, &mut state.assignments).await?;
    if absent(&state.assignments).is_none() {
        return Ok(());
    }
    let failed = requests::failed(clients, &plan.instance_arn).await?;
    for observed in &mut state.assignments {
        let wanted = Wanted::of(account, observed);
        if let Progress::Absent { failed: reason } = &mut observed.progress {
            // Newest first.
            *reason = failed.iter().find(|request| wanted.is(request)).and_then(|request| request.failure.clone());
        }
    }
    Ok(())
}

/// The id of a group by its display name, which is unique in a store. [identitystore `GetGroupId`]
async fn group_id(clients: &Clients, plan: &SignInPlan, group: &str) -> Result<String, StepError> {
    let found = find_group(clients, plan, group).await?;
    found.map_err(|failure| match failure.code() {
        Some("ResourceNotFoundException") => missing_group(failure, plan, group),
        Some("ValidationException") => {
            failure.as_fault(Fault::InvalidInput, "correct identityCenter and signIn in platform.yaml")
        }
        _ => failure.or_common(),
    })
}

/// What Identity Center answers to a look for a group. [identitystore `GetGroupId`]
async fn find_group(
    clients: &Clients,
    plan: &SignInPlan,
    group: &str,
) -> Result<Result<String, CallFailure>, StepError> {
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
    let sent = call.send().await.named("identitystore:GetGroupId");
    Ok(sent.map(|answer| answer.group_id))
}

fn missing_group(failure: CallFailure, plan: &SignInPlan, group: &str) -> StepError {
    let next = format!(
        "create the group {group}, or wait until the identity provider has synced it; then redrive the execution"
    );
    let mut error = failure.as_fault(Fault::InvalidInput, next);
    error.message = format!("Identity Center has no group {group} (identity store {})", plan.identity_store_id);
    error
}

/// The ARN of a permission set: from the plan, or by its name.
async fn permission_set(
    clients: &Clients,
    plan: &SignInPlan,
    assignment: &AssignmentPlan,
) -> Result<String, StepError> {
    let (instance, wanted) = (&plan.instance_arn, &assignment.permission_set);
    if let Some(known) = &assignment.permission_set_arn {
        return Ok(known.clone());
    }
    let what = || format!("Identity Center has no permission set {wanted} (instance {instance})");
    let next =
        format!("create the permission set {wanted} and redrive the execution, or correct signIn in platform.yaml");
    let found = find_permission_set(clients, plan, wanted).await?;
    found.ok_or_else(|| StepError::new(Fault::InvalidInput, what()).hint(next))
}

/// The ARN of the permission set of this name, if there is one: from memory, or by asking for the name of each.
/// [sso-admin `ListPermissionSets`, `DescribePermissionSet`]
async fn find_permission_set(clients: &Clients, plan: &SignInPlan, wanted: &str) -> Result<Option<String>, StepError> {
    let instance = &plan.instance_arn;
    if let Some(known) = clients.memory.permission_set(instance, wanted) {
        return Ok(Some(known));
    }
    let mut pages = clients.center.list_permission_sets().instance_arn(instance).into_paginator().items().send();
    while let Some(arn) = pages.next().await {
        let arn = arn.named("sso:ListPermissionSets").map_err(instance_meaning)?;
        if clients.memory.knows(&arn) {
            continue;
        }
        let call = clients.center.describe_permission_set().instance_arn(instance).permission_set_arn(&arn);
        let sent = call.send().await.named("sso:DescribePermissionSet");
        // None: it was deleted between the two calls.
        let Some(described) = sent.none_if(&["ResourceNotFoundException"]).or_common()? else { continue };
        let name = described.permission_set.and_then(|set| set.name).unwrap_or_default();
        clients.memory.remember(instance, &name, &arn);
        if name == wanted {
            return Ok(Some(arn));
        }
    }
    Ok(None)
}

/// What is assigned already. [sso-admin `ListAccountAssignments`]
async fn mark_assigned(
    clients: &Clients,
    account: &AccountId,
    plan: &SignInPlan,
    assignments: &mut [ObservedAssignment],
) -> Result<(), StepError> {
    let is_absent = |observed: &&ObservedAssignment| matches!(observed.progress, Progress::Absent { .. });
    let sets: BTreeSet<String> =
        assignments.iter().filter(is_absent).map(|observed| observed.permission_set_arn.clone()).collect();
    for set in sets {
        let groups = assigned_groups(clients, account, plan, &set).await?;
        for observed in assignments.iter_mut().filter(|observed| observed.permission_set_arn == set) {
            if groups.contains(&observed.group_id) {
                observed.progress = Progress::Assigned;
            }
        }
    }
    Ok(())
}

/// Groups that sign in to the account with a permission set.
async fn assigned_groups(
    clients: &Clients,
    account: &AccountId,
    plan: &SignInPlan,
    set: &str,
) -> Result<BTreeSet<String>, StepError> {
    find_assigned(clients, account, plan, set).await.map_err(|failure| {
        if failure.is(&["ResourceNotFoundException"]) {
            gone(failure, &clients.memory, plan, set)
        } else {
            failure.or_common()
        }
    })
}

/// What Identity Center answers to a look for them. [sso-admin `ListAccountAssignments`]
async fn find_assigned(
    clients: &Clients,
    account: &AccountId,
    plan: &SignInPlan,
    set: &str,
) -> Result<BTreeSet<String>, CallFailure> {
    let call = clients.center.list_account_assignments().instance_arn(&plan.instance_arn);
    let call = call.account_id(account.as_str()).permission_set_arn(set);
    let mut pages = call.into_paginator().items().send();
    let mut groups = BTreeSet::new();
    while let Some(assignment) = pages.next().await {
        let assignment = assignment.named("sso:ListAccountAssignments")?;
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
        return failure.as_fault(
            Fault::NotReady,
            wait(
                "the permission set was replaced; Berth looks for it by name",
                "make the permission set again, or correct platform.yaml and start anew: berth replay ACCOUNT --new",
            ),
        );
    }
    let named = plan.assignments.iter().find(|one| one.permission_set_arn.as_deref() == Some(set));
    let name = named.map_or("", |one| one.permission_set.as_str());
    let next = format!("correct {name} in identityCenter.permissionSets of platform.yaml: there is no {set}");
    failure.as_fault(Fault::InvalidInput, next)
}

fn instance_meaning(failure: CallFailure) -> StepError {
    if failure.is(&["ResourceNotFoundException"]) {
        return failure.as_fault(Fault::InvalidInput, "correct identityCenter.instanceArn in platform.yaml");
    }
    failure.or_common()
}
