//! Compares the attachment with the plan. Pure.
//!
//! What would cut traffic off is done only with leave (`allowDisruption`). Without it, a breach of isolation is a fault,
//! and any other difference is reported as a planned change and left.

use berth_step::{Decision, Fault, StepError};
use berth_tenancy::PlannedChange;

use crate::{
    Action, Association, AssociationState, Attachment, AttachmentState, Details, Effect, Input, Output,
    PropagationState, Route, World, isolation, routes,
};

/// What to do next, or what is there.
pub(crate) fn decide(input: &Input, world: &World) -> Result<Decision<Action, Output>, StepError> {
    let plan = &input.transit_gateway;
    isolation::check_plan(plan)?;
    let Some(attachment) = &world.attachment else { return Ok(Decision::Act(create(input, world)?)) };
    let mut batch = of_state(input, attachment)?;
    if batch.is_empty() {
        batch.extend(subnets(input, attachment));
    }
    if !batch.is_empty() {
        return Ok(Decision::Act(batch));
    }
    let Some(hub) = &world.hub else {
        return Err(waits(format!("the network account's route tables change for {}", attachment.id)));
    };
    let Some(association) = &hub.association else {
        return Ok(Decision::Act(join(input, attachment, hub.details.as_ref())));
    };
    batch.extend(check_association(input, attachment, association)?);
    if !batch.is_empty() {
        return Ok(Decision::Act(batch));
    }
    let Some(details) = &hub.details else {
        return Err(waits(format!("{} is associated; its isolation is read back next", attachment.id)));
    };
    batch.extend(propagations(input, attachment, details)?);
    if !batch.is_empty() {
        return Ok(Decision::Act(batch));
    }
    let isolation = isolation::prove(plan, &attachment.id, details)?;
    // Last: nothing leads into the gateway before isolation is proven.
    let routes = routes::compare(input, world);
    if !routes.actions.is_empty() {
        return Ok(Decision::Act(routes.actions));
    }
    let planned = others(input, world).chain(surplus_subnets(input, attachment)).chain(routes.planned);
    let planned_changes = PlannedChange::report(planned.collect());
    Ok(Decision::Done(Output { attachment_id: attachment.id.clone(), isolation, planned_changes }))
}

/// Something that AWS is still doing.
fn waits(what: String) -> StepError {
    StepError::new(Fault::NotReady, what)
}

/// Service-linked role, then attachment: without the role an attachment hangs and fails.
fn create(input: &Input, world: &World) -> Result<Vec<Action>, StepError> {
    if input.attachment_subnets.is_empty() {
        return Err(StepError::new(Fault::InvalidInput, format!("{} has no subnet for an attachment", input.vpc_id))
            .next("add an attachment tier or a private tier to platform.yaml, then start the onboarding again"));
    }
    if !world.service_linked_role {
        return Ok(vec![Action::EnsureServiceLinkedRole]);
    }
    Ok(vec![Action::CreateAttachment {
        vpc: input.vpc_id.clone(),
        gateway: input.transit_gateway.id.clone(),
        subnets: input.attachment_subnets.clone(),
    }])
}

/// What the state of the attachment asks for; nothing when it is available.
fn of_state(input: &Input, attachment: &Attachment) -> Result<Vec<Action>, StepError> {
    let id = &attachment.id;
    if !attachment.is_ours {
        return Err(StepError::new(
            Fault::NotOwned,
            format!("{id} attaches {} to {}, but has not our tags", input.vpc_id, input.transit_gateway.id),
        )
        .next(format!("delete {id}, or give it Berth's tags if Berth is to adopt it; then redrive")));
    }
    match &attachment.state {
        AttachmentState::Available => Ok(Vec::new()),
        AttachmentState::PendingAcceptance => Ok(vec![Action::Accept { attachment: id.clone() }]),
        AttachmentState::Working(state) => Err(waits(format!("{id} is {state}"))),
        AttachmentState::Ended(state) => Err(ended(attachment, state)),
    }
}

/// An attachment that will not come back by itself.
fn ended(attachment: &Attachment, state: &str) -> StepError {
    let id = &attachment.id;
    let next = match state {
        "rejected" | "rejecting" => format!("ask the network account's owner why {id} was rejected; then delete it"),
        "deleting" => format!("find out who deletes {id}, and wait until it is gone"),
        _ => format!("read in CloudTrail why {id} failed (often the service-linked role); then delete it"),
    };
    StepError::new(Fault::InvalidInput, format!("{id} is {state}"))
        .next(format!("{next}; then redrive the execution, which attaches anew"))
}

/// Adds subnets that the attachment lacks. Removing one cuts its zone off, so that needs leave; both in one call,
/// because a zone takes one subnet only.
fn subnets(input: &Input, attachment: &Attachment) -> Option<Action> {
    let missing = input.attachment_subnets.iter().filter(|subnet| !attachment.subnets.contains(*subnet));
    let add: Vec<String> = missing.cloned().collect();
    let remove = if input.run.allow_disruption { surplus(input, attachment) } else { Vec::new() };
    let is_needed = !add.is_empty() || !remove.is_empty();
    is_needed.then(|| Action::ChangeSubnets { attachment: attachment.id.clone(), add, remove })
}

/// Subnets that the attachment has and the plan has not.
fn surplus(input: &Input, attachment: &Attachment) -> Vec<String> {
    // Removing the last subnet would end the attachment.
    if input.attachment_subnets.is_empty() {
        return Vec::new();
    }
    attachment.subnets.iter().filter(|subnet| !input.attachment_subnets.contains(subnet)).cloned().collect()
}

fn surplus_subnets(input: &Input, attachment: &Attachment) -> Option<PlannedChange> {
    let surplus = surplus(input, attachment);
    let what = || format!("{} uses {}, which is not planned any more", attachment.id, surplus.join(", "));
    (!surplus.is_empty()).then(|| PlannedChange::by_berth(what()))
}

/// Attachments of the VPC to other gateways: paths that nobody proves, and each costs money.
fn others<'a>(input: &'a Input, world: &'a World) -> impl Iterator<Item = PlannedChange> + 'a {
    world.others.iter().map(|other| {
        PlannedChange::by_hand(
            format!("{} attaches {} to {}, too", other.id, input.vpc_id, other.gateway),
            format!("delete {} once nothing uses it: Berth proves isolation in its own gateway only", other.id),
        )
    })
}

/// Associates and propagates in one batch: the only changes that one account costs the network account.
fn join(input: &Input, attachment: &Attachment, details: Option<&Details>) -> Vec<Action> {
    let plan = &input.transit_gateway;
    let id = || attachment.id.clone();
    let associate = Action::Associate { attachment: id(), table: plan.spoke_route_table.clone() };
    let known = |table: &String| details.is_some_and(|details| details.propagations.contains_key(table));
    let missing = plan.propagate_to.iter().filter(|table| !known(table));
    let propagate = missing.map(|table| Action::Propagate { attachment: id(), table: table.clone() });
    std::iter::once(associate).chain(propagate).collect()
}

/// "Already associated" means compare: another table may be there on purpose, so it is changed only with leave.
fn check_association(
    input: &Input,
    attachment: &Attachment,
    association: &Association,
) -> Result<Option<Action>, StepError> {
    let Association { table, state } = association;
    let id = &attachment.id;
    let is_planned = *table == input.transit_gateway.spoke_route_table;
    match state {
        AssociationState::Disassociating => Err(waits(format!("{id} is being disassociated from {table}"))
            .next("nothing yet: Berth associates it when that is over; find out who disassociates it if it stays")),
        AssociationState::Associated if is_planned => Ok(None),
        _ if !is_planned && !input.run.allow_disruption => {
            Err(isolation::wrong_table(&input.transit_gateway, id, table))
        }
        AssociationState::Associated => Ok(Some(Action::Disassociate { attachment: id.clone(), table: table.clone() })),
        AssociationState::Associating => Err(waits(format!("{id} is being associated with {table}"))),
    }
}

/// Propagations that are missing. Surplus ones are ended with leave; without it they are the proof's to judge.
fn propagations(input: &Input, attachment: &Attachment, details: &Details) -> Result<Vec<Action>, StepError> {
    let changing = details.propagations.iter().find(|(_, state)| **state == PropagationState::Changing);
    if let Some((table, _)) = changing {
        return Err(waits(format!("the propagation of {} to {table} is changing", attachment.id)));
    }
    let wanted = &input.transit_gateway.propagate_to;
    let id = || attachment.id.clone();
    let missing = wanted.iter().filter(|table| !details.propagations.contains_key(*table));
    let mut actions: Vec<Action> =
        missing.map(|table| Action::Propagate { attachment: id(), table: table.clone() }).collect();
    if input.run.allow_disruption {
        let surplus = details.propagations.keys().filter(|table| !wanted.contains(table));
        actions.extend(surplus.map(|table| Action::StopPropagation { attachment: id(), table: table.clone() }));
    }
    Ok(actions)
}

/// What an action would leave behind: in a plan everything comes about at once, so that the plan shows the whole way.
pub(crate) fn imagine(action: &Action) -> Effect {
    let changed = |added, removed| Effect::Changed { state: AttachmentState::Available, added, removed };
    match action {
        Action::EnsureServiceLinkedRole => Effect::ServiceLinkedRole,
        Action::CreateAttachment { subnets, .. } => Effect::Attachment(Attachment {
            id: "tgw-attach-(new)".to_owned(),
            state: AttachmentState::Available,
            subnets: subnets.iter().cloned().collect(),
            is_ours: true,
        }),
        Action::ChangeSubnets { add, remove, .. } => changed(add.clone(), remove.clone()),
        Action::Accept { .. } => changed(Vec::new(), Vec::new()),
        Action::Associate { table, .. } => Effect::WouldAssociate(table.clone()),
        Action::Disassociate { .. } => Effect::WouldDisassociate,
        Action::Propagate { table, .. } => Effect::WouldPropagate(table.clone()),
        Action::StopPropagation { table, .. } => Effect::WouldStopPropagation(table.clone()),
        Action::CreateRoute { destination, gateway, .. } | Action::ReplaceRoute { destination, gateway, .. } => {
            let (destination, target) = (destination.clone(), gateway.clone());
            Effect::Route(Route { destination, target, is_blackhole: false })
        }
        Action::DeleteRoute { destination, .. } => Effect::RouteGone(destination.clone()),
    }
}
