//! The shape of every step: connect, observe, decide, act, apply.
//!
//! A step observes once. `decide` is pure: it compares what was observed with the plan, and names a batch of changes
//! that do not depend on each other. `act` makes one of them in AWS; `apply` makes it in the observed state, so that
//! `decide` can be asked again. Without `act`, the same functions are the dry run.

use std::fmt::{Debug, Display};

use berth_tenancy::{Effect, Region, Subject, Thing};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::StepError;

/// One step: converges one part of an account to its plan. Safe to run any number of times.
pub trait Step {
    /// Payload from the state machine.
    type Input: DeserializeOwned + HasSubject;
    /// What later states read.
    type Output: Serialize;
    /// What one invocation reaches AWS with.
    type Clients;
    /// What was observed, as far as `decide` needs it. A plain value.
    type State: Debug + Clone + PartialEq;
    /// One change, with all that making it takes. `Display` is the line that a plan shows.
    type Change: Debug + Clone + PartialEq + Display;
    /// What only AWS can say about a change that was made, such as an id. `()` when there is nothing.
    type Made;

    /// Opens the sessions of this invocation.
    fn connect(&self, input: &Self::Input) -> impl Future<Output = Result<Self::Clients, StepError>>;

    /// Reads AWS, and changes nothing.
    fn observe(clients: &Self::Clients, input: &Self::Input) -> impl Future<Output = Result<Self::State, StepError>>;

    /// Compares what was observed with the plan. Pure: no clock, no I/O, no randomness.
    fn decide(input: &Self::Input, state: &Self::State) -> Result<Decision<Self::Change, Self::Output>, StepError>;

    /// Makes one change. What is made already counts as made.
    fn act(
        clients: &Self::Clients,
        input: &Self::Input,
        change: &Self::Change,
    ) -> impl Future<Output = Result<Self::Made, StepError>>;

    /// Makes the change in the observed state. `made` is what AWS said, and `None` in a dry run: then placeholders stand
    /// for what only AWS can give. Pure.
    fn apply(state: &mut Self::State, input: &Self::Input, change: &Self::Change, made: Option<Self::Made>);

    /// What the change does to which resource, with what is different about it as far as `state`, the state before it, says.
    /// For plans, and for a run that makes only what a plan has. Pure.
    fn effect(input: &Self::Input, state: &Self::State, change: &Self::Change) -> Effect;

    /// What the account has by this change, for its inventory: none for a change of something that is there. It is written
    /// down before the change is made. Pure.
    fn gives(_input: &Self::Input, _change: &Self::Change) -> Option<Thing> {
        None
    }
}

/// What `decide` made of the observed state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<C, O> {
    /// Make these changes; they do not depend on each other.
    Act(Vec<C>),
    /// Everything is as planned.
    Done(O),
}

/// Anything whose subject is known: every input of a step.
pub trait HasSubject {
    /// Who is onboarded, by which execution, and how.
    fn subject(&self) -> &Subject;

    /// The region, for a step that runs once for each.
    fn region(&self) -> Option<&Region> {
        None
    }
}

/// Says where an input has its subject: in its field `run`; and its region, for a step that runs once for each.
///
/// ```
/// use berth_step::HasSubject;
/// # use berth_tenancy::{Region, Subject};
///
/// struct Plan {
///     region: Region,
/// }
/// struct Input {
///     run: Subject,
///     plan: Plan,
/// }
/// berth_step::has_subject!(Input, plan.region);
/// ```
#[macro_export]
macro_rules! has_subject {
    ($input:ty $(, $($region:ident).+)?) => {
        impl $crate::HasSubject for $input {
            fn subject(&self) -> &::berth_tenancy::Subject {
                &self.run
            }

            $(fn region(&self) -> Option<&::berth_tenancy::Region> {
                Some(&self.$($region).+)
            })?
        }
    };
}

/// What a step is about to do: a batch of changes, written down before the first of them is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// The function.
    pub step: &'static str,
    /// The region, for a step that runs once for each.
    pub region: Option<Region>,
    /// The changes, a sentence for each.
    pub changes: Vec<String>,
    /// What the account has by them.
    pub gives: Vec<Thing>,
    /// When.
    pub at: Timestamp,
}

/// The account's lease and the journal of its run, in one: nothing is changed that the lease does not allow, or that the
/// journal does not tell.
pub trait Lease {
    /// Confirms that the subject's execution may act on the account, and writes down what it is about to do, in one
    /// write. The same intent may be written any number of times. `Superseded` when another execution may act: then
    /// nothing is written.
    fn begin(&self, subject: &Subject, intent: &Intent) -> impl Future<Output = Result<(), StepError>>;
}
