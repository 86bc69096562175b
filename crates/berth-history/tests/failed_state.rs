//! Histories of parallel failures, against the names that error and cause of the execution give.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use berth_history::{Extent, FailedState, HistoryEvent, Kind, failed_state, failure};
use proptest::prelude::*;

/// One branch of a Parallel, or one item of a Map inside one.
#[derive(Debug, Clone)]
struct Branch {
    /// Whether it is an item of a Map, and so two states deep.
    in_map: bool,
    /// Tasks that succeed before the last one.
    tasks_before: usize,
    /// Tries of the last task that are followed by another one.
    retried: usize,
    /// Whether the last task fails for good in the first run, and in the run after a redrive.
    fails: (bool, bool),
}

fn branch() -> impl Strategy<Value = Branch> {
    (any::<bool>(), 0..3_usize, 0..4_usize, any::<(bool, bool)>())
        .prop_map(|(in_map, tasks_before, retried, fails)| Branch { in_map, tasks_before, retried, fails })
}

/// What the events of one branch are, in order. The text is the state that is entered.
#[derive(Debug, Clone, PartialEq)]
enum Happened {
    Entered(String, bool),
    Exited,
    Scheduled,
    Retried,
    FailedForGood,
}

fn script(number: usize, branch: &Branch, fails: bool) -> Vec<Happened> {
    let mut events = Vec::new();
    if branch.in_map {
        events.push(Happened::Entered(format!("Map{number}"), false));
    }
    for task in 0..branch.tasks_before {
        events.extend([
            Happened::Entered(format!("Early{number}x{task}"), true),
            Happened::Scheduled,
            Happened::Exited,
        ]);
    }
    events.extend([Happened::Entered(format!("Last{number}"), true), Happened::Scheduled]);
    for _ in 0..branch.retried {
        events.extend([Happened::Retried, Happened::Scheduled]);
    }
    events.push(if fails { Happened::FailedForGood } else { Happened::Exited });
    events
}

/// What a branch's last task says when it fails: a try that is repeated says the same as the one that is not, as AWS
/// does not know which is the last.
fn says(number: usize) -> (Option<String>, Option<String>) {
    let cause = format!(r#"{{"errorType":"Denied","errorMessage":"branch {number} may not\nNext: allow it"}}"#);
    (Some("Denied".to_owned()), Some(cause))
}

struct Written {
    events: Vec<HistoryEvent>,
    /// The branch that failed first in the newest run.
    failed_first: usize,
}

/// Writes one run as Step Functions does: branches in any order, the end as soon as one has failed, and up to `late` events
/// of others between that failure and the end or after it. `end_previous` is what the end names as the event before it.
fn write_run(
    events: &mut Vec<HistoryEvent>,
    scripts: &[Vec<Happened>],
    order: &[usize],
    late: (usize, usize),
    end_previous: i64,
) -> Option<usize> {
    let root = events.last().map_or(0, |event| event.id);
    let mut previous = vec![root; scripts.len()];
    let mut at = vec![0_usize; scripts.len()];
    let mut failed_first = None;
    let mut left = late.0;
    let mut turns = order.iter().cycle();
    let step = |events: &mut Vec<HistoryEvent>, number: usize, previous: &mut i64, at: &mut usize| {
        let happened = scripts[number].get(*at)?;
        *at += 1;
        let id = events.last().map_or(0, |event| event.id) + 1;
        let mut event = HistoryEvent { id, previous: *previous, ..HistoryEvent::default() };
        match happened {
            Happened::Entered(name, is_task) => event.kind = Kind::Entered { state: name.clone(), is_task: *is_task },
            Happened::Exited => event.kind = Kind::Exited,
            Happened::Scheduled => {}
            Happened::Retried | Happened::FailedForGood => event.failure = Some(says(number)),
        }
        *previous = id;
        events.push(event);
        Some(*happened == Happened::FailedForGood)
    };
    for _ in 0..10_000 {
        if failed_first.is_some() && left == 0 {
            break;
        }
        let number = turns.next().unwrap() % scripts.len();
        match step(events, number, &mut previous[number], &mut at[number]) {
            Some(true) if failed_first.is_none() => failed_first = Some(number),
            Some(_) if failed_first.is_some() => left -= 1,
            None if at.iter().zip(scripts).all(|(at, script)| *at >= script.len()) => break,
            Some(_) | None => {}
        }
    }
    let failed_first = failed_first?;
    let id = events.last().map_or(0, |event| event.id) + 1;
    let end_previous = if end_previous == 0 { 0 } else { id - 1 };
    let failure = Some(says(failed_first));
    events.push(HistoryEvent { id, previous: end_previous, kind: Kind::Ended, failure });
    for number in order.iter().map(|turn| turn % scripts.len()).take(late.1) {
        step(events, number, &mut previous[number], &mut at[number]);
    }
    Some(failed_first)
}

fn write(
    branches: &[Branch],
    order: &[usize],
    late: (usize, usize),
    end_previous: i64,
    redriven: bool,
) -> Option<Written> {
    let mut events = vec![
        HistoryEvent { id: 1, ..HistoryEvent::default() },
        HistoryEvent {
            id: 2,
            previous: 1,
            kind: Kind::Entered { state: "Everything".to_owned(), is_task: false },
            ..HistoryEvent::default()
        },
    ];
    let scripts = |second: bool| -> Vec<Vec<Happened>> {
        let fails = |branch: &Branch| if second { branch.fails.1 } else { branch.fails.0 };
        branches.iter().enumerate().map(|(number, branch)| script(number, branch, fails(branch))).collect()
    };
    let mut failed_first = write_run(&mut events, &scripts(false), order, late, end_previous)?;
    if redriven {
        let id = events.last().map_or(0, |event| event.id) + 1;
        events.push(HistoryEvent { id, previous: 2, kind: Kind::Redriven, ..HistoryEvent::default() });
        let backwards: Vec<usize> = order.iter().rev().copied().collect();
        failed_first = write_run(&mut events, &scripts(true), &backwards, late, end_previous)?;
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
        end_previous in 0..2_i64,
        redriven: bool,
    ) {
        // Without a turn for each branch, the one that fails might never have one.
        let order: Vec<usize> = order.into_iter().chain(0..branches.len()).collect();
        let Some(Written { mut events, failed_first }) = write(&branches, &order, late, end_previous, redriven) else {
            return Ok(());
        };
        let (error, cause) = says(failed_first);
        let expected = FailedState { state: format!("Last{failed_first}"), error, cause };
        prop_assert_eq!(failed_state(&events, Extent::Whole), Some(expected.clone()));
        events.reverse();
        // Pages come newest first: either the part says so already, or it says that it does not know.
        for part in 1..=events.len() {
            let answer = failed_state(&events[..part], Extent::Newest);
            prop_assert!(answer.is_none() || answer == Some(expected.clone()), "{part}: {answer:?}");
        }
        let told = failure("FAILED", &events, Extent::Whole).unwrap();
        prop_assert_eq!((told.state, told.fault), (expected.state, "Denied".to_owned()));
        prop_assert_eq!(told.message, format!("branch {failed_first} may not"));
    }
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
