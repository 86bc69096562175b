//! The loop that every step runs in: it acts until nothing is left, never acts in a plan, and always ends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{cell::RefCell, rc::Rc};

use berth_step::{Actor, Converged, Decision, Fault, HasSubject, Intent, Lease, Step, StepError};
use berth_tenancy::{
    ChangedKind, Counts, Effect, LeftOverTags, Mode, OrganizationTags, PlanLimit, Planned, Region, RepairLimit,
    ResourceChange, Subject, Thing, UntaggedKind,
};
use jiff::Timestamp;

/// Runs the step at a fixed time.
async fn converge(step: &FillJar, ledger: &Ledger, input: &Input) -> Result<Converged<u32>, StepError> {
    let actor = Actor { step: "fill-jar", now: || Timestamp::UNIX_EPOCH };
    berth_step::converge(step, ledger, actor, input).await
}

struct Input(Subject, u32);

impl HasSubject for Input {
    fn subject(&self) -> &Subject {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Input {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("not read in this test"))
    }
}

/// Fills a jar up to what the plan says, two at a time; the level of the jar is what is observed.
#[derive(Default)]
struct FillJar(Rc<Jar>);

/// What the step reaches, as clients would.
#[derive(Default)]
struct Jar {
    level: RefCell<u32>,
    log: RefCell<Vec<String>>,
    fail_at: Option<u32>,
    fault: Option<Fault>,
    /// Whether somebody else was first where it fails.
    is_done_by_others: bool,
    /// What the ledger has when a change is made.
    told: Option<Rc<RefCell<Vec<Intent>>>>,
}

impl FillJar {
    fn of(jar: Jar) -> Self {
        Self(Rc::new(jar))
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Add(u32);

impl std::fmt::Display for Add {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "add number {}", self.0)
    }
}

impl Step for FillJar {
    type Input = Input;
    type Output = u32;
    type Clients = Rc<Jar>;
    type State = u32;
    type Change = Add;
    type Made = u32;

    async fn connect(&self, _: &Input) -> Result<Rc<Jar>, StepError> {
        Ok(self.0.clone())
    }

    async fn observe(jar: &Rc<Jar>, _: &Input) -> Result<u32, StepError> {
        jar.log.borrow_mut().push("observe".into());
        Ok(*jar.level.borrow())
    }

    fn decide(input: &Input, state: &u32) -> Result<Decision<Add, u32>, StepError> {
        if *state >= input.1 {
            return Ok(Decision::Done(*state));
        }
        Ok(Decision::Act((*state + 1..=input.1).take(2).map(Add).collect()))
    }

    async fn act(jar: &Rc<Jar>, _: &Input, change: &Add) -> Result<u32, StepError> {
        jar.log.borrow_mut().push(change.to_string());
        if let Some(told) = &jar.told {
            let told = told.borrow();
            assert!(told.iter().any(|intent| intent.changes.contains(&change.to_string())), "{change} before {told:?}");
        }
        if jar.fail_at == Some(change.0) {
            *jar.level.borrow_mut() += u32::from(jar.is_done_by_others);
            return Err(StepError::new(jar.fault.unwrap_or(Fault::Conflict), "the jar slipped"));
        }
        *jar.level.borrow_mut() += 1;
        Ok(1)
    }

    fn apply(state: &mut u32, _: &Input, _: &Add, made: Option<u32>) {
        *state += made.unwrap_or(1);
    }

    fn effect(_: &Input, state: &u32, change: &Add) -> Effect {
        Effect::changes(UntaggedKind::AccountSetting, "jars:Add").name("jar").field("level", state, change.0)
    }

    /// Each jar is full of one thing, whichever change fills it.
    fn gives(_: &Input, change: &Add) -> Option<Thing> {
        let region = if change.0 > 2 { region("eu-west-2") } else { region("eu-west-1") };
        Some(Thing::Baseline { region, parts: None })
    }
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

#[derive(Default)]
struct Ledger {
    superseded: bool,
    /// After so many intents another execution takes over.
    taken_over_after: Option<usize>,
    told: Rc<RefCell<Vec<Intent>>>,
}

impl Lease for Ledger {
    async fn begin(&self, _: &Subject, intent: &Intent) -> Result<(), StepError> {
        let is_taken_over = self.taken_over_after.is_some_and(|told| self.told.borrow().len() >= told);
        if self.superseded || is_taken_over {
            return Err(StepError::new(Fault::Superseded, "another execution"));
        }
        self.told.borrow_mut().push(intent.clone());
        Ok(())
    }
}

fn input(mode: Mode, wanted: u32) -> Input {
    let subject = Subject {
        account_id: "111122223333".parse().unwrap(),
        account_name: "payments-dev".into(),
        tenant: "payments".parse().unwrap(),
        environment: "dev".parse().unwrap(),
        execution: "arn:aws:states:us-east-1:210987654321:execution:m:e".into(),
        generation: 1,
        mode,
        tenant_role: "BerthTenant".parse().unwrap(),
        allow_disruption: false,
        opening_until: None,
        tags: OrganizationTags::default(),
        left_over_tags: LeftOverTags::default(),
        only_planned: None,
        repairs: None,
    };
    Input(subject, wanted)
}

#[tokio::test]
async fn it_observes_once_and_acts_until_nothing_is_left() {
    let (step, ledger) = (FillJar::default(), Ledger::default());
    let converged = converge(&step, &ledger, &input(Mode::Apply, 5)).await.unwrap();
    assert_eq!((converged.output, converged.changes.len()), (5, 5));
    assert_eq!(converged.planned, Planned::default(), "only a plan says more than sentences");
    assert_eq!(step.0.log.borrow().iter().filter(|line| *line == "observe").count(), 1);
}

#[tokio::test]
async fn every_batch_is_written_down_before_any_change_of_it_is_made() {
    let ledger = Ledger::default();
    let step = FillJar::of(Jar { told: Some(ledger.told.clone()), ..Jar::default() });
    converge(&step, &ledger, &input(Mode::Apply, 5)).await.unwrap();
    let told = ledger.told.borrow();
    let changes: Vec<Vec<&str>> =
        told.iter().map(|intent| intent.changes.iter().map(String::as_str).collect()).collect();
    let batches = [vec!["add number 1", "add number 2"], vec!["add number 3", "add number 4"], vec!["add number 5"]];
    assert_eq!(changes, batches);
    assert!(told.iter().all(|intent| intent.step == "fill-jar" && intent.at == Timestamp::UNIX_EPOCH));
    let gives: Vec<Vec<String>> = told.iter().map(|intent| intent.gives.iter().map(Thing::key).collect()).collect();
    assert_eq!(gives, [["baseline eu-west-1"], ["baseline eu-west-2"], ["baseline eu-west-2"]], "each once");
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_writes_nothing_down() {
    let (step, ledger) = (FillJar::of(Jar { level: RefCell::new(5), ..Jar::default() }), Ledger::default());
    let converged = converge(&step, &ledger, &input(Mode::Apply, 5)).await.unwrap();
    assert_eq!((converged.changes.len(), ledger.told.borrow().len()), (0, 0));
    assert_eq!(*step.0.log.borrow(), ["observe"]);
}

#[tokio::test]
async fn a_plan_lists_every_change_down_to_the_end_and_acts_on_none() {
    let (step, lease) = (FillJar::default(), Ledger::default());
    let converged = converge(&step, &lease, &input(Mode::Plan, 3)).await.unwrap();
    assert_eq!(converged.changes, ["add number 1", "add number 2", "add number 3"]);
    let told: Vec<(&str, Option<&serde_json::Value>)> =
        converged.planned.planned.iter().map(|one| (one.change.as_str(), one.fields[0].before.as_ref())).collect();
    // Each batch is told by the state before it.
    let (empty, two) = (&0.into(), &2.into());
    assert_eq!(told, [("add number 1", Some(empty)), ("add number 2", Some(empty)), ("add number 3", Some(two))]);
    let counts: Vec<Counts> = converged.planned.summary.iter().map(|summary| summary.counts).collect();
    assert_eq!(counts, [Counts { change: 3, ..Counts::default() }]);
    assert_eq!((*step.0.level.borrow(), lease.told.borrow().len()), (0, 0));
}

#[tokio::test]
async fn a_run_of_a_plan_stops_before_a_batch_with_another_change() {
    let planned =
        converge(&FillJar::default(), &Ledger::default(), &input(Mode::Plan, 5)).await.unwrap().planned.planned;
    let limited = |changes: &[ResourceChange]| {
        let mut input = input(Mode::Apply, 5);
        let hash = format!("sha256:{}", "0a".repeat(32));
        input.0.only_planned = Some(PlanLimit::new(&hash, changes.iter().map(|change| change.key.clone())).unwrap());
        input
    };
    let (step, ledger) = (FillJar::default(), Ledger::default());
    assert_eq!(converge(&step, &ledger, &limited(&planned)).await.unwrap().output, 5);
    // The plan lacks the fourth: the third, which is in its batch, is not made either.
    let (step, ledger) = (FillJar::default(), Ledger::default());
    let error = converge(&step, &ledger, &limited(&[&planned[..3], &planned[4..]].concat())).await.unwrap_err();
    assert_eq!((error.fault, *step.0.level.borrow(), ledger.told.borrow().len()), (Fault::InvalidInput, 2, 1));
    assert!(error.message.contains("does not have this change: add number 4"), "{error}");
}

#[tokio::test]
async fn a_repair_makes_what_it_may_and_leaves_the_rest_as_if_it_were_made() {
    let limited = |kind: ChangedKind| {
        let mut input = input(Mode::Apply, 5);
        input.0.repairs = Some(RepairLimit::new([kind]));
        input
    };
    let (step, ledger) = (FillJar::default(), Ledger::default());
    let converged = converge(&step, &ledger, &limited(UntaggedKind::AccountSetting.into())).await.unwrap();
    assert_eq!((converged.output, *step.0.level.borrow(), converged.changes.len()), (5, 5, 5));
    let (step, ledger) = (FillJar::default(), Ledger::default());
    let converged = converge(&step, &ledger, &limited(UntaggedKind::SignIn.into())).await.unwrap();
    assert_eq!((converged.changes.len(), *step.0.level.borrow(), ledger.told.borrow().len()), (0, 0, 0));
    for (kind, count) in [(UntaggedKind::AccountSetting, 5), (UntaggedKind::SignIn, 0)] {
        let mut input = limited(kind.into());
        input.0.mode = Mode::Plan;
        let planned = converge(&FillJar::default(), &ledger, &input).await.unwrap();
        assert_eq!(
            (planned.changes.len(), planned.planned.planned.len()),
            (count, count),
            "what it leaves is not planned"
        );
    }
}

#[tokio::test]
async fn a_superseded_execution_stops_before_its_first_change() {
    let (step, lease) = (FillJar::default(), Ledger { superseded: true, ..Ledger::default() });
    let error = converge(&step, &lease, &input(Mode::Apply, 3)).await.unwrap_err();
    assert_eq!((error.fault, *step.0.level.borrow()), (Fault::Superseded, 0));
}

#[tokio::test]
async fn an_execution_that_is_superseded_on_its_way_changes_no_more() {
    let (step, ledger) = (FillJar::default(), Ledger { taken_over_after: Some(1), ..Ledger::default() });
    let error = converge(&step, &ledger, &input(Mode::Apply, 6)).await.unwrap_err();
    assert_eq!((error.fault, *step.0.level.borrow()), (Fault::Superseded, 2));
}

#[tokio::test]
async fn one_failing_action_does_not_abandon_the_others_of_its_batch() {
    let step = FillJar::of(Jar { fail_at: Some(1), ..Jar::default() });
    let error = converge(&step, &Ledger::default(), &input(Mode::Apply, 2)).await.unwrap_err();
    assert_eq!((error.fault, *step.0.level.borrow()), (Fault::Conflict, 1));
}

#[tokio::test]
async fn a_denial_says_what_was_to_be_changed() {
    let step = FillJar::of(Jar { fail_at: Some(1), fault: Some(Fault::Denied), ..Jar::default() });
    let error = converge(&step, &Ledger::default(), &input(Mode::Apply, 1)).await.unwrap_err();
    assert_eq!(error.message, "the jar slipped; this was to add number 1");
}

#[tokio::test]
async fn a_denial_of_what_somebody_else_has_done_is_none() {
    let jar = Jar { fail_at: Some(2), fault: Some(Fault::Denied), is_done_by_others: true, ..Jar::default() };
    let step = FillJar::of(jar);
    let converged = converge(&step, &Ledger::default(), &input(Mode::Apply, 4)).await.unwrap();
    assert_eq!((converged.output, *step.0.level.borrow()), (4, 4));
    assert_eq!(converged.changes, ["add number 1", "add number 3", "add number 4"], "it made no others");
    let log = step.0.log.borrow();
    assert_eq!(*log, ["observe", "add number 1", "add number 2", "observe", "add number 3", "add number 4"]);
}

#[tokio::test]
async fn only_a_denial_is_looked_after() {
    for (fault, observed) in [(Fault::Denied, 2), (Fault::NotReady, 1)] {
        let step = FillJar::of(Jar { fail_at: Some(1), fault: Some(fault), ..Jar::default() });
        let error = converge(&step, &Ledger::default(), &input(Mode::Apply, 1)).await.unwrap_err();
        let looked = step.0.log.borrow().iter().filter(|line| *line == "observe").count();
        assert_eq!((error.fault, looked), (fault, observed), "only a denial is looked after");
    }
}

#[tokio::test]
async fn a_step_that_never_ends_is_a_bug_and_not_a_loop() {
    let error = converge(&FillJar::default(), &Ledger::default(), &input(Mode::Apply, 1000)).await.unwrap_err();
    assert_eq!(error.fault, Fault::Bug);
}
