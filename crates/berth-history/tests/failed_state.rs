//! Histories of parallel failures, against the names that error and cause of the execution give.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use berth_history::{Extent, FailedState, HistoryEvent, Kind, failed_state, failure};
use proptest::prelude::*;

/// One branch of the Parallel.
#[derive(Debug, Clone)]
struct Branch {
    /// States around its tasks: a Map, a Parallel, both.
    around: Vec<Around>,
    /// Tasks that succeed before the last one.
    tasks_before: usize,
    /// Tries of the last task that are followed by another one.
    retried: usize,
    /// Whether the last task fails for good in the first run, and in the run after a redrive.
    fails: (bool, bool),
}

/// A state that holds others.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Around {
    Map,
    Parallel,
}

fn branch() -> impl Strategy<Value = Branch> {
    let around = proptest::collection::vec(prop_oneof![Just(Around::Map), Just(Around::Parallel)], 0..3);
    (around, 0..3_usize, 0..4_usize, any::<(bool, bool)>()).prop_map(|(around, tasks_before, retried, fails)| Branch {
        around,
        tasks_before,
        retried,
        fails,
    })
}

/// What the events of one branch are, in order. The text is the state that is entered.
#[derive(Debug, Clone, PartialEq)]
enum Happened {
    Entered(String, bool),
    Exited,
    Other,
    Retried,
    FailedForGood,
    /// A state around the failure is over. [`ParallelStateFailed`, `MapIterationFailed`]
    Closed,
    /// The task itself is over. [`TaskStateAborted`]
    Aborted,
}

fn script(number: usize, branch: &Branch, fails: bool) -> Vec<Happened> {
    let mut events = Vec::new();
    for (depth, around) in branch.around.iter().enumerate() {
        // Entered and started; an iteration of a Map starts, too.
        events.extend([Happened::Entered(format!("{around:?}{number}x{depth}"), false), Happened::Other]);
    }
    for task in 0..branch.tasks_before {
        events.extend([Happened::Entered(format!("Early{number}x{task}"), true), Happened::Other, Happened::Exited]);
    }
    events.extend([Happened::Entered(format!("Last{number}"), true), Happened::Other]);
    for _ in 0..branch.retried {
        events.extend([Happened::Retried, Happened::Other]);
    }
    events.push(if fails { Happened::FailedForGood } else { Happened::Exited });
    if fails {
        events.push(Happened::Aborted);
        events.extend(branch.around.iter().flat_map(|_| [Happened::Closed, Happened::Closed]));
    }
    events
}

/// What a branch's last task says when it fails: a try that is repeated says the same as the one that is not, as AWS
/// does not know which is the last. Timeouts of all branches say the same, and give no cause.
fn says(number: usize, times_out: bool) -> (Option<String>, Option<String>) {
    if times_out {
        return (Some("States.Timeout".to_owned()), None);
    }
    let cause = format!(r#"{{"errorType":"Denied","errorMessage":"branch {number} may not\nNext: allow it"}}"#);
    (Some("Denied".to_owned()), Some(cause))
}

/// How a history is written.
#[derive(Debug, Clone, Copy)]
struct Manner {
    /// Events of other branches between the failure that counts and the end, and after the end.
    late: (usize, usize),
    /// Whether the end names the event before it.
    end_is_linked: bool,
    /// Whether every failure is a timeout.
    times_out: bool,
}

struct Written {
    events: Vec<HistoryEvent>,
    /// The branch that failed first in the newest run.
    failed_first: usize,
}

/// Branches that are written event by event.
struct Run<'a> {
    scripts: &'a [Vec<Happened>],
    previous: Vec<i64>,
    at: Vec<usize>,
    /// The last event of each branch that is not a closing one: states around a failure name it as theirs.
    failure: Vec<i64>,
    times_out: bool,
}

impl Run<'_> {
    /// Writes the next event of a branch; whether it failed by it, none when it has ended.
    fn step(&mut self, events: &mut Vec<HistoryEvent>, number: usize) -> Option<bool> {
        let happened = self.scripts[number].get(self.at[number])?;
        self.at[number] += 1;
        let id = events.last().map_or(0, |event| event.id) + 1;
        let mut event = HistoryEvent { id, previous: self.previous[number], ..HistoryEvent::default() };
        match happened {
            Happened::Entered(name, is_task) => event.kind = Kind::Entered { state: name.clone(), is_task: *is_task },
            Happened::Exited => event.kind = Kind::Exited,
            Happened::Other => {}
            Happened::Retried | Happened::FailedForGood => event.failure = Some(says(number, self.times_out)),
            Happened::Closed => (event.kind, event.previous) = (Kind::Closed, self.failure[number]),
            Happened::Aborted => event.kind = Kind::Aborted,
        }
        if event.failure.is_some() {
            self.failure[number] = id;
        }
        self.previous[number] = id;
        events.push(event);
        Some(*happened == Happened::FailedForGood)
    }

    fn has_ended(&self) -> bool {
        self.at.iter().zip(self.scripts).all(|(at, script)| *at >= script.len())
    }
}

/// Writes one run as Step Functions does: branches in any order, and the end some events after the first failure.
fn write_run(
    events: &mut Vec<HistoryEvent>,
    scripts: &[Vec<Happened>],
    order: &[usize],
    manner: Manner,
) -> Option<usize> {
    let root = events.last().map_or(0, |event| event.id);
    let count = scripts.len();
    let (previous, at, failure) = (vec![root; count], vec![0; count], vec![0; count]);
    let mut run = Run { scripts, previous, at, failure, times_out: manner.times_out };
    let (mut failed_first, mut left) = (None, manner.late.0);
    for turn in order.iter().cycle().take(10_000) {
        if (failed_first.is_some() && left == 0) || run.has_ended() {
            break;
        }
        let number = turn % count;
        match run.step(events, number) {
            Some(true) if failed_first.is_none() => failed_first = Some(number),
            Some(_) if failed_first.is_some() => left -= 1,
            Some(_) | None => {}
        }
    }
    let failed_first = failed_first?;
    // What is under way elsewhere is stopped, also while it waits for its next try.
    for number in (0..count).filter(|number| run.at[*number] < scripts[*number].len() && manner.end_is_linked) {
        let id = events.last().map_or(0, |event| event.id) + 1;
        let previous = run.previous[number];
        events.push(HistoryEvent { id, previous, kind: Kind::Aborted, ..HistoryEvent::default() });
    }
    // The Parallel around all branches fails with the failure that came first; the execution with it.
    let id = events.last().map_or(0, |event| event.id) + 1;
    let closed = HistoryEvent { id, previous: run.failure[failed_first], kind: Kind::Closed, failure: None };
    events.push(closed);
    let failure = Some(says(failed_first, manner.times_out));
    let previous = if manner.end_is_linked { id } else { 0 };
    events.push(HistoryEvent { id: id + 1, previous, kind: Kind::Ended, failure });
    for number in order.iter().map(|turn| turn % count).take(manner.late.1) {
        run.step(events, number);
    }
    Some(failed_first)
}

fn write(branches: &[Branch], order: &[usize], manner: Manner, redriven: bool) -> Option<Written> {
    let everything = Kind::Entered { state: "Everything".to_owned(), is_task: false };
    let mut events = vec![
        HistoryEvent { id: 1, ..HistoryEvent::default() },
        HistoryEvent { id: 2, previous: 1, kind: everything, ..HistoryEvent::default() },
    ];
    let scripts = |second: bool| -> Vec<Vec<Happened>> {
        let fails = |branch: &Branch| if second { branch.fails.1 } else { branch.fails.0 };
        branches.iter().enumerate().map(|(number, branch)| script(number, branch, fails(branch))).collect()
    };
    let mut failed_first = write_run(&mut events, &scripts(false), order, manner)?;
    if redriven {
        let id = events.last().map_or(0, |event| event.id) + 1;
        events.push(HistoryEvent { id, previous: 2, kind: Kind::Redriven, ..HistoryEvent::default() });
        let backwards: Vec<usize> = order.iter().rev().copied().collect();
        failed_first = write_run(&mut events, &scripts(true), &backwards, manner)?;
    }
    Some(Written { events, failed_first })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_branch_that_failed_first_is_named_whatever_the_others_write(
        branches in proptest::collection::vec(branch(), 1..6),
        order in proptest::collection::vec(0..60_usize, 1..40),
        late in (0..6_usize, 0..6_usize),
        (end_is_linked, times_out) in any::<(bool, bool)>(),
        redriven: bool,
    ) {
        // Without a turn for each branch, the one that fails might never have one.
        let order: Vec<usize> = order.into_iter().chain(0..branches.len()).collect();
        let manner = Manner { late, end_is_linked, times_out };
        let Some(Written { mut events, failed_first }) = write(&branches, &order, manner, redriven) else {
            return Ok(());
        };
        let (error, cause) = says(failed_first, times_out);
        let expected = FailedState { state: format!("Last{failed_first}"), error, cause };
        prop_assert_eq!(failed_state(&events, Extent::Whole), Some(expected.clone()));
        events.reverse();
        // Pages come newest first: either the part says so already, or it says that it does not know.
        for part in 1..=events.len() {
            let answer = failed_state(&events[..part], Extent::Newest);
            prop_assert!(answer.is_none() || answer == Some(expected.clone()), "{part}: {answer:?}");
        }
        let told = failure("FAILED", &events, Extent::Whole).unwrap();
        let fault = if times_out { "States.Timeout" } else { "Denied" };
        prop_assert_eq!((told.state, told.fault.as_str()), (expected.state, fault));
        if !times_out {
            prop_assert_eq!(told.message, format!("branch {failed_first} may not"));
        }
    }
}

/// Events of a Parallel whose task failed, as AWS recorded them: id, the event before it, and what it is.
#[test]
fn what_closes_a_state_after_its_failure_is_no_other_try_of_it() {
    let closed = |id, previous| HistoryEvent { id, previous, kind: Kind::Closed, ..HistoryEvent::default() };
    let timed_out = |id, previous| HistoryEvent {
        id,
        previous,
        failure: Some((Some("States.Timeout".to_owned()), None)),
        ..HistoryEvent::default()
    };
    let parallel = Kind::Entered { state: "Both".to_owned(), is_task: false };
    let end = HistoryEvent { kind: Kind::Ended, ..timed_out(13, 12) };
    let events = [
        HistoryEvent { id: 2, previous: 0, kind: parallel, ..HistoryEvent::default() },
        entered(4, 3, "First"),
        timed_out(5, 4),
        HistoryEvent { id: 6, previous: 5, ..HistoryEvent::default() },
        entered(7, 3, "Second"),
        timed_out(10, 7),
        closed(11, 10),
        closed(12, 10),
        end,
    ];
    assert_eq!(failed_state(&events, Extent::Whole).unwrap().state, "Second", "the first one was tried again");
}

fn entered(id: i64, previous: i64, name: &str) -> HistoryEvent {
    HistoryEvent {
        id,
        previous,
        kind: Kind::Entered { state: name.to_owned(), is_task: true },
        ..HistoryEvent::default()
    }
}

fn failed(id: i64, previous: i64, error: &str) -> HistoryEvent {
    let failure = Some((Some(error.to_owned()), Some("why".to_owned())));
    HistoryEvent { id, previous, failure, ..HistoryEvent::default() }
}

fn end(id: i64, previous: i64, error: &str) -> HistoryEvent {
    HistoryEvent { kind: Kind::Ended, ..failed(id, previous, error) }
}

#[test]
fn a_failure_outside_of_a_task_is_the_last_state_of_its_branch() {
    let events = [
        entered(1, 0, "PlanOnboarding"),
        HistoryEvent { id: 2, previous: 1, kind: Kind::Exited, ..HistoryEvent::default() },
        HistoryEvent { kind: Kind::Entered { state: "IsOurs".to_owned(), is_task: false }, ..entered(3, 2, "") },
        end(4, 3, "States.Runtime"),
    ];
    let answer = failed_state(&events, Extent::Whole).unwrap();
    assert_eq!((answer.state.as_str(), answer.error.as_deref()), ("IsOurs", Some("States.Runtime")));
    assert_eq!(failed_state(&events[1..], Extent::Newest), None, "older events may tell");
}

#[test]
fn a_failure_that_a_catch_took_is_not_the_one_that_ended_it() {
    let caught = HistoryEvent { id: 3, previous: 2, kind: Kind::Exited, ..HistoryEvent::default() };
    let events = [
        entered(1, 0, "First"),
        failed(2, 1, "Denied"),
        caught,
        entered(4, 3, "Second"),
        failed(5, 4, "Denied"),
        end(6, 5, "Denied"),
    ];
    assert_eq!(failed_state(&events, Extent::Whole).map(|failed| failed.state).as_deref(), Some("Second"));
}

#[test]
fn a_history_that_says_nothing_gives_a_failure_without_a_state() {
    assert_eq!(failed_state(&[], Extent::Whole), None);
    let told = failure("FAILED", &[], Extent::Whole).unwrap();
    assert_eq!((told.state.as_str(), told.fault.as_str()), ("", "Unknown"));
    assert_eq!(failure("FAILED", &[], Extent::Newest), None);
    let circle =
        [HistoryEvent { id: 1, previous: 2, ..HistoryEvent::default() }, failed(2, 1, "Bug"), end(3, 2, "Bug")];
    assert_eq!(failed_state(&circle, Extent::Whole), None);
}

#[test]
fn an_event_that_leads_nowhere_has_others_that_say_the_same() {
    let said = says(1, false);
    let event = |id, previous, kind, failure: Option<&(Option<String>, Option<String>)>| HistoryEvent {
        id,
        previous,
        kind,
        failure: failure.cloned(),
    };
    let entered = Kind::Entered { state: "Last1".to_owned(), is_task: true };
    let mut events = vec![
        event(1, 0, entered, None),
        event(2, 1, Kind::Other, Some(&said)),
        // The one before it is none of this history.
        event(4, 3_000, Kind::Other, Some(&said)),
        event(5, 4, Kind::Closed, None),
        event(6, 5, Kind::Ended, Some(&said)),
    ];
    let state = |events: &[HistoryEvent]| failed_state(events, Extent::Whole).map(|failed| failed.state);
    assert_eq!(state(&events).as_deref(), Some("Last1"));
    // Another failure is no answer.
    events[1].failure = Some(says(2, false));
    assert_eq!(state(&events), None);
    assert_eq!(failure("FAILED", &events, Extent::Whole).unwrap().state, "");
}
