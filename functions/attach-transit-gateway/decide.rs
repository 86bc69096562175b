//! Compares the attachment with the plan. Pure.
//!
//! What would cut traffic off is done only with leave (`allowDisruption`). Without it, a breach of isolation is a fault,
//! and any other difference is reported as a planned change and left.

mod routes;

use berth_isolation::{
    AssociatedWith, Association, AssociationState, Details, PropagationState, check_plan, prove, wrong_table,
};
use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{PlannedChange, ResourceKind, wait};

use crate::{Attachment, AttachmentState, Change, Input, Output, State};

/// What to do next, or what is there.
pub(crate) fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    let plan = &input.transit_gateway;
    check_plan(plan)?;
    let Some(attachment) = &state.attachment else { return Ok(Decision::Act(create(input, state)?)) };
    let mut batch = of_state(input, attachment)?;
    if batch.is_empty() {
        batch.extend(drifted_tags(input, attachment));
        batch.extend(subnets(input, attachment));
    }
    if !batch.is_empty() {
        return Ok(Decision::Act(batch));
    }
    let Some(hub) = &state.hub else {
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
    let isolation = prove(plan, &input.vpc(&attachment.id), details)?;
    // Last: nothing leads into the gateway before isolation is proven.
    let routes = routes::compare(input, state);
    if !routes.actions.is_empty() {
        return Ok(Decision::Act(routes.actions));
    }
    let planned = others(input, state).chain(surplus_subnets(input, attachment)).chain(routes.planned);
    let planned_changes = PlannedChange::report(planned.collect());
    Ok(Decision::Done(Output { attachment_id: attachment.id.clone(), isolation, planned_changes }))
}

/// Something that AWS is still doing.
fn waits(what: String) -> StepError {
    StepError::new(Fault::NotReady, what).hint(wait(
        "the gateway takes about two minutes",
        "look at the attachment in the network account: it may wait to be accepted there, or be stuck; AWS's \
             support can free it; then redrive the execution",
    ))
}

/// Service-linked role, then attachment: without the role an attachment hangs and fails.
fn create(input: &Input, state: &State) -> Result<Vec<Change>, StepError> {
    if input.attachment_subnets.is_empty() {
        return Err(StepError::new(Fault::InvalidInput, format!("{} has no subnet for an attachment", input.vpc_id))
            .hint("add an attachment tier or a private tier to platform.yaml, then start the onboarding again"));
    }
    if !state.service_linked_role {
        return Ok(vec![Change::EnsureServiceLinkedRole]);
    }
    Ok(vec![Change::CreateAttachment {
        vpc: input.vpc_id.clone(),
        gateway: input.transit_gateway.id.clone(),
        subnets: input.attachment_subnets.clone(),
    }])
}

/// What the state of the attachment asks for; nothing when it is available.
fn of_state(input: &Input, attachment: &Attachment) -> Result<Vec<Change>, StepError> {
    let id = &attachment.id;
    if !attachment.is_ours {
        return Err(StepError::new(
            Fault::NotOwned,
            format!("{id} attaches {} to {}, but has not our tags", input.vpc_id, input.transit_gateway.id),
        )
        .hint(format!("delete {id}, or give it Berth's tags if Berth is to adopt it; then redrive")));
    }
    match &attachment.state {
        AttachmentState::Available => Ok(Vec::new()),
        AttachmentState::PendingAcceptance => Ok(vec![Change::Accept { attachment: id.clone() }]),
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
        .hint(format!("{next}; then redrive the execution, which attaches anew"))
}

/// Tags that the attachment lacks. Those of other people stay; those that left platform.yaml go where it says so.
fn drifted_tags(input: &Input, attachment: &Attachment) -> impl Iterator<Item = Change> {
    let (there, wanted) = (&attachment.tags, input.tags());
    let (tags, attachment) = (there.missing(&wanted), attachment.id.clone());
    let surplus = input.run.surplus_tags(ResourceKind::TransitGatewayAttachment, there, &wanted);
    let tag = (!tags.0.is_empty()).then(|| Change::Tag { attachment: attachment.clone(), tags });
    tag.into_iter().chain((!surplus.0.is_empty()).then_some(Change::Untag { attachment, tags: surplus }))
}

/// Adds subnets that the attachment lacks. Removing one cuts its zone off, so that needs leave; both in one call,
/// because a zone takes one subnet only.
fn subnets(input: &Input, attachment: &Attachment) -> Option<Change> {
    let missing = input.attachment_subnets.iter().filter(|subnet| !attachment.subnets.contains(*subnet));
    let add: Vec<String> = missing.cloned().collect();
    let remove = if input.run.allow_disruption { surplus(input, attachment) } else { Vec::new() };
    let is_needed = !add.is_empty() || !remove.is_empty();
    is_needed.then(|| Change::ChangeSubnets { attachment: attachment.id.clone(), add, remove })
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
fn others<'a>(input: &'a Input, state: &'a State) -> impl Iterator<Item = PlannedChange> + 'a {
    state.others.iter().map(|other| {
        PlannedChange::by_hand(
            format!("{} attaches {} to {}, too", other.id, input.vpc_id, other.gateway),
            format!("delete {} once nothing uses it: Berth proves isolation in its own gateway only", other.id),
        )
    })
}

/// Associates and propagates in one batch: the only changes that one account costs the network account.
fn join(input: &Input, attachment: &Attachment, details: Option<&Details>) -> Vec<Change> {
    let plan = &input.transit_gateway;
    let id = || attachment.id.clone();
    let associate = Change::Associate { attachment: id(), table: plan.spoke_route_table.clone() };
    let known = |table: &String| details.is_some_and(|details| details.propagations.contains_key(table));
    let missing = plan.propagate_to.iter().filter(|table| !known(table));
    let propagate = missing.map(|table| Change::Propagate { attachment: id(), table: table.clone() });
    std::iter::once(associate).chain(propagate).collect()
}

/// "Already associated" means compare: another table may be there on purpose, so it is changed only with leave. What is
/// not known is not touched at all.
fn check_association(
    input: &Input,
    attachment: &Attachment,
    association: &Association,
) -> Result<Option<Change>, StepError> {
    let Association { with, state } = association;
    let id = &attachment.id;
    let leave = match with {
        AssociatedWith::RouteTable(table) if *table == input.transit_gateway.spoke_route_table => {
            return match state {
                AssociationState::Associated => Ok(None),
                AssociationState::Associating => Err(waits(format!("{id} is being associated with {table}"))),
                AssociationState::Disassociating => Err(leaving(id, with)),
            };
        }
        AssociatedWith::RouteTable(table) => Change::Disassociate { attachment: id.clone(), table: table.clone() },
        AssociatedWith::PolicyTable(table) => Change::LeavePolicyTable { attachment: id.clone(), table: table.clone() },
        AssociatedWith::Unknown => return Err(wrong_table(&input.transit_gateway, id, with)),
    };
    match state {
        AssociationState::Disassociating => Err(leaving(id, with)),
        _ if !input.run.allow_disruption => Err(wrong_table(&input.transit_gateway, id, with)),
        AssociationState::Associated => Ok(Some(leave)),
        AssociationState::Associating => Err(waits(format!("{id} is being associated with {with}"))),
    }
}

/// An association that somebody ends, or Berth did.
fn leaving(attachment: &str, with: &AssociatedWith) -> StepError {
    waits(format!("{attachment} is being disassociated from {with}")).hint(wait(
        "Berth associates it when that is over",
        "find out who disassociates it, and end that; then redrive the execution",
    ))
}

/// Propagations that are missing. Surplus ones are ended with leave; without it they are the proof's to judge.
fn propagations(input: &Input, attachment: &Attachment, details: &Details) -> Result<Vec<Change>, StepError> {
    let changing = details.propagations.iter().find(|(_, state)| **state == PropagationState::Changing);
    if let Some((table, _)) = changing {
        return Err(waits(format!("the propagation of {} to {table} is changing", attachment.id)));
    }
    let wanted = &input.transit_gateway.propagate_to;
    let id = || attachment.id.clone();
    let missing = wanted.iter().filter(|table| !details.propagations.contains_key(*table));
    let mut actions: Vec<Change> =
        missing.map(|table| Change::Propagate { attachment: id(), table: table.clone() }).collect();
    if input.run.allow_disruption {
        let surplus = details.propagations.keys().filter(|table| !wanted.contains(table));
        actions.extend(surplus.map(|table| Change::StopPropagation { attachment: id(), table: table.clone() }));
    }
    Ok(actions)
}
