//! Compares the attachment with the plan. Pure.

use berth_step::{Decision, Fault, StepError};

use crate::{
    Action, Association, AssociationState, Attachment, AttachmentState, Details, Effect, Input, Output,
    PropagationState, Route, World, isolation,
};

/// What to do next, or what is there.
pub(crate) fn decide(input: &Input, world: &World) -> Result<Decision<Action, Output>, StepError> {
    let plan = &input.transit_gateway;
    isolation::check_plan(plan)?;
    let Some(attachment) = &world.attachment else { return Ok(act(create(input, world)?)) };
    if !attachment.is_ours {
        return Err(StepError::new(
            Fault::Foreign,
            format!("{} attaches {} to {}, but has not our tags", attachment.id, input.vpc_id, plan.id),
        )
        .next(format!("delete {}, or give it Berth's tags if Berth is to adopt it; then redrive", attachment.id)));
    }
    match &attachment.state {
        AttachmentState::Available => {}
        AttachmentState::PendingAcceptance => {
            return Ok(act(vec![Action::Accept { attachment: attachment.id.clone() }]));
        }
        AttachmentState::Working(state) => return Err(waits(format!("{} is {state}", attachment.id))),
        AttachmentState::Ended(state) => return Err(ended(attachment, state)),
    }
    if let Some(action) = missing_subnets(input, attachment) {
        return Ok(act(vec![action]));
    }
    let Some(hub) = &world.hub else {
        return Err(waits(format!("the network account's route tables change for {}", attachment.id)));
    };
    let Some(association) = &hub.association else { return Ok(act(join(input, attachment))) };
    check_association(input, attachment, association)?;
    let Some(details) = &hub.details else {
        return Err(waits(format!("{} is associated; its isolation is read back next", attachment.id)));
    };
    let propagate = propagations(input, attachment, details)?;
    if !propagate.is_empty() {
        return Ok(act(propagate));
    }
    let isolation = isolation::prove(plan, &attachment.id, details)?;
    let routes = routes(input, world)?;
    if routes.is_empty() {
        Ok(Decision::Done(Output { attachment_id: attachment.id.clone(), isolation }))
    } else {
        Ok(act(routes))
    }
}

fn act(actions: Vec<Action>) -> Decision<Action, Output> {
    Decision::Act(actions)
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

/// Subnets that the plan has and the attachment lacks. Surplus ones stay: removing one cuts a zone off.
fn missing_subnets(input: &Input, attachment: &Attachment) -> Option<Action> {
    let missing = input.attachment_subnets.iter().filter(|subnet| !attachment.subnets.contains(*subnet));
    let subnets: Vec<String> = missing.cloned().collect();
    (!subnets.is_empty()).then(|| Action::AddSubnets { attachment: attachment.id.clone(), subnets })
}

/// Associates and propagates in one batch: the only changes that one account costs the network account.
fn join(input: &Input, attachment: &Attachment) -> Vec<Action> {
    let plan = &input.transit_gateway;
    let id = || attachment.id.clone();
    let associate = Action::Associate { attachment: id(), table: plan.spoke_route_table.clone() };
    let propagate = plan.propagate_to.iter().map(|table| Action::Propagate { attachment: id(), table: table.clone() });
    std::iter::once(associate).chain(propagate).collect()
}

/// "Already associated" means compare, never change: another table may be there on purpose.
fn check_association(input: &Input, attachment: &Attachment, association: &Association) -> Result<(), StepError> {
    let Association { table, state } = association;
    if *table != input.transit_gateway.spoke_route_table {
        return Err(isolation::wrong_table(&input.transit_gateway, &attachment.id, table));
    }
    let id = &attachment.id;
    match state {
        AssociationState::Associated => Ok(()),
        AssociationState::Associating => Err(waits(format!("{id} is being associated with {table}"))),
        AssociationState::Disassociating => Err(waits(format!("{id} is being disassociated from {table} by someone"))
            .next("nothing yet: Berth associates it again when it is gone; find out who disassociates it")),
    }
}

/// Propagations that are missing. Surplus ones are the proof's to judge.
fn propagations(input: &Input, attachment: &Attachment, details: &Details) -> Result<Vec<Action>, StepError> {
    let changing = details.propagations.iter().find(|(_, state)| **state == PropagationState::Changing);
    if let Some((table, _)) = changing {
        return Err(waits(format!("the propagation of {} to {table} is changing", attachment.id)));
    }
    let wanted = input.transit_gateway.propagate_to.iter();
    let missing = wanted.filter(|table| !details.propagations.contains_key(*table));
    Ok(missing.map(|table| Action::Propagate { attachment: attachment.id.clone(), table: table.clone() }).collect())
}

/// Routes that the private table lacks. They come last: nothing leads into the gateway before isolation is proven.
fn routes(input: &Input, world: &World) -> Result<Vec<Action>, StepError> {
    let Some(table) = &input.private_route_table else { return Ok(Vec::new()) };
    let gateway = &input.transit_gateway.id;
    let mut missing = Vec::new();
    for destination in &input.transit_gateway.routes {
        match world.routes.iter().find(|route| route.destination == *destination) {
            None => missing.push(Action::CreateRoute {
                table: table.clone(),
                destination: *destination,
                gateway: gateway.clone(),
            }),
            Some(Route { target, .. }) if target != gateway => {
                return Err(StepError::new(
                    Fault::Foreign,
                    format!("{table} routes {destination} to {target}; planned: {gateway}"),
                )
                .next(format!("find out who made the route; delete it from {table}, then redrive the execution")));
            }
            Some(Route { is_blackhole: true, .. }) => {
                return Err(StepError::new(
                    Fault::Foreign,
                    format!("{table} routes {destination} to {gateway}, but the route is a blackhole"),
                )
                .next(format!("delete the route from {table}: it belongs to a former attachment; then redrive")));
            }
            Some(_) => {}
        }
    }
    Ok(missing)
}

/// What an action would leave behind: in a plan everything comes about at once, so that the plan shows the whole way.
pub(crate) fn imagine(action: &Action) -> Effect {
    match action {
        Action::EnsureServiceLinkedRole => Effect::ServiceLinkedRole,
        Action::CreateAttachment { subnets, .. } => Effect::Attachment(Attachment {
            id: "tgw-attach-(new)".to_owned(),
            state: AttachmentState::Available,
            subnets: subnets.iter().cloned().collect(),
            is_ours: true,
        }),
        Action::AddSubnets { subnets, .. } => {
            Effect::Changed { state: AttachmentState::Available, subnets: subnets.clone() }
        }
        Action::Accept { .. } => Effect::Changed { state: AttachmentState::Available, subnets: Vec::new() },
        Action::Associate { table, .. } => Effect::WouldAssociate(table.clone()),
        Action::Propagate { table, .. } => Effect::WouldPropagate(table.clone()),
        Action::CreateRoute { destination, gateway, .. } => {
            Effect::Route(Route { destination: *destination, target: gateway.clone(), is_blackhole: false })
        }
    }
}
