//! The step against a small AWS that takes its time, while invocations crash at any point.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use berth_isolation::{AssociatedWith, Association, AssociationState, Details, Hub, PropagationState};
use berth_step::{Decision, Fault};
use proptest::prelude::*;

use crate::{
    Attachment, AttachmentState, Change, Input, Route, State,
    decide::decide,
    decide_tests::{ID, input, isolated, learned, whole},
};

/// An AWS that takes its time: what a person would see in the two accounts.
#[derive(Default)]
pub(crate) struct Aws {
    pub(crate) auto_accept: bool,
    pub(crate) attachment: Option<Attachment>,
    pub(crate) association: Option<Association>,
    pub(crate) propagations: BTreeMap<String, PropagationState>,
    pub(crate) routes: Vec<Route>,
    pub(crate) hub_changes: usize,
    pub(crate) attachments_made: usize,
}

impl Aws {
    /// What the step would observe, read in the same stages.
    pub(crate) fn observe(&self) -> State {
        let mut observed = State { attachment: self.attachment.clone(), ..State::default() };
        if !self.attachment.as_ref().is_some_and(|a| a.state == AttachmentState::Available) {
            return observed;
        }
        let is_associated = self.association.as_ref().is_some_and(|a| a.state == AssociationState::Associated);
        let details = is_associated.then(|| Details {
            propagations: self.propagations.clone(),
            // Only what is planned is shown beside the spoke table: the other tables are for tests of the proof.
            learning: self
                .propagations
                .keys()
                .map(|table| (table.clone(), whole(vec![learned("10.1.0.0/20", ID)])))
                .collect(),
            ..isolated()
        });
        observed.routes = if is_associated { self.routes.clone() } else { Vec::new() };
        observed.hub = Some(Hub { association: self.association.clone(), details });
        observed
    }

    /// Time passes.
    pub(crate) fn tick(&mut self) {
        if let Some(attachment) = &mut self.attachment
            && let AttachmentState::Working(state) = &attachment.state
        {
            let foreign = state == "initiatingRequest" && !self.auto_accept;
            attachment.state = if foreign { AttachmentState::PendingAcceptance } else { AttachmentState::Available };
        }
        self.association = self.association.take().and_then(|association| match association.state {
            AssociationState::Disassociating => None,
            _ => Some(Association { state: AssociationState::Associated, ..association }),
        });
        self.propagations.values_mut().for_each(|state| *state = PropagationState::Enabled);
    }

    pub(crate) fn perform(&mut self, change: &Change) {
        let available = self.attachment.as_ref().is_some_and(|a| a.state == AttachmentState::Available);
        match change {
            Change::EnsureServiceLinkedRole => {}
            Change::Untag { tags, .. } => self.attachment.as_mut().unwrap().tags.remove(tags),
            Change::Tag { tags, .. } => self.attachment.as_mut().unwrap().tags.0.extend(tags.0.clone()),
            Change::CreateAttachment { subnets, .. } => {
                assert!(self.attachment.is_none(), "EC2 would answer DuplicateTransitGatewayAttachment");
                self.attachments_made += 1;
                let state = AttachmentState::of("initiatingRequest");
                let subnets = subnets.iter().cloned().collect();
                self.attachment =
                    Some(Attachment { id: ID.to_owned(), state, subnets, is_ours: true, tags: input().tags() });
            }
            Change::ChangeSubnets { add, remove, .. } => {
                assert!(available, "IncorrectState");
                let attachment = self.attachment.as_mut().unwrap();
                attachment.subnets.extend(add.clone());
                attachment.subnets.retain(|subnet| !remove.contains(subnet));
                assert!(!attachment.subnets.is_empty(), "the last subnet cannot be removed");
                attachment.state = AttachmentState::of("modifying");
            }
            Change::Accept { .. } => self.attachment.as_mut().unwrap().state = AttachmentState::of("pending"),
            Change::Associate { table, .. } => {
                assert!(available && self.association.is_none(), "Resource.AlreadyAssociated");
                self.hub_changes += 1;
                let with = AssociatedWith::RouteTable(table.clone());
                self.association = Some(Association { with, state: AssociationState::Associating });
            }
            Change::Propagate { table, .. } => {
                assert!(available, "IncorrectState");
                // A second one is answered with TransitGatewayRouteTablePropagation.Duplicate, and changes nothing.
                if !self.propagations.contains_key(table) {
                    self.hub_changes += 1;
                    self.propagations.insert(table.clone(), PropagationState::Changing);
                }
            }
            Change::Disassociate { table, .. } => {
                self.hub_changes += 1;
                let with = AssociatedWith::RouteTable(table.clone());
                let association = self.association.as_mut().filter(|association| association.with == with);
                association.expect("InvalidAssociation.NotFound").state = AssociationState::Disassociating;
            }
            Change::LeavePolicyTable { .. } => {
                self.hub_changes += 1;
                let association = self.association.as_mut().expect("InvalidAssociation.NotFound");
                association.state = AssociationState::Disassociating;
            }
            Change::StopPropagation { table, .. } => {
                self.hub_changes += 1;
                self.propagations.remove(table).expect("TransitGatewayRouteTablePropagation.NotFound");
            }
            Change::DeleteRoute { destination, .. } => self.routes.retain(|route| route.destination != *destination),
            Change::ReplaceRoute { destination, gateway, .. } => {
                let route = self.routes.iter_mut().find(|route| route.destination == *destination);
                let route = route.expect("InvalidRoute.NotFound");
                (route.target, route.is_blackhole) = (gateway.clone(), false);
            }
            Change::CreateRoute { destination, gateway, .. } => {
                assert!(available, "InvalidTransitGatewayID.NotFound");
                assert!(self.association.as_ref().is_some_and(|a| a.state == AssociationState::Associated));
                let (destination, target) = (destination.clone(), gateway.clone());
                assert!(!self.routes.iter().any(|route| route.destination == destination), "RouteAlreadyExists");
                self.routes.push(Route { destination, target, is_blackhole: false });
            }
        }
    }
}

/// How an invocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    NotReady,
    Crashed,
}

/// One invocation: it observes once, and acts until it is done, AWS must work, or it crashes in the middle of a batch,
/// in which case the bits of `lucky` say which of the batch's actions took effect.
pub(crate) fn invoke(aws: &mut Aws, input: &Input, lucky: Option<u8>) -> End {
    let mut observed = aws.observe();
    for _ in 0..8 {
        match decide(input, &observed) {
            Ok(Decision::Done(_)) => return End::Done,
            Err(error) => {
                assert_eq!(error.fault, Fault::NotReady, "{error}");
                return End::NotReady;
            }
            Ok(Decision::Act(actions)) => {
                for (n, action) in actions.iter().enumerate() {
                    if lucky.is_none_or(|lucky| lucky & (1 << (n % 8)) != 0) {
                        aws.perform(action);
                    }
                }
                if lucky.is_some() && actions != [Change::EnsureServiceLinkedRole] {
                    return End::Crashed;
                }
                let role = observed.service_linked_role || actions == [Change::EnsureServiceLinkedRole];
                observed = State { service_linked_role: role, ..aws.observe() };
            }
        }
    }
    unreachable!("eight rounds did not converge");
}

proptest! {
    #[test]
    fn through_any_crash_or_delay_one_attachment_is_made_joined_and_proven(
        auto_accept in any::<bool>(),
        luck in proptest::collection::vec((any::<bool>(), proptest::option::of(any::<u8>())), 40),
    ) {
        let input = input();
        let mut aws = Aws { auto_accept, ..Aws::default() };
        for (time_passes, lucky) in luck {
            invoke(&mut aws, &input, lucky);
            if time_passes {
                aws.tick();
            }
        }
        let ends: Vec<End> = (0..12).map(|_| { aws.tick(); invoke(&mut aws, &input, None) }).collect();
        prop_assert_eq!(ends.last(), Some(&End::Done));
        prop_assert_eq!((aws.attachments_made, aws.routes.len()), (1, 2));
        prop_assert_eq!(aws.hub_changes, 2, "associate and propagate, once each");
        let again = decide(&input, &aws.observe()).unwrap();
        prop_assert!(matches!(again, Decision::Done(_)), "{again:?}");
    }
}
