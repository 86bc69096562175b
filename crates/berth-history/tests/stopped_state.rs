//! Where a stopped execution was, and in whose words its end is told.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use berth_history::{Extent, HistoryEvent, Kind, failure, stopped_state};

fn entered(id: i64, previous: i64, name: &str) -> HistoryEvent {
    HistoryEvent {
        id,
        previous,
        kind: Kind::Entered { state: name.to_owned(), is_task: true },
        ..HistoryEvent::default()
    }
}

fn other(id: i64, previous: i64) -> HistoryEvent {
    HistoryEvent { id, previous, ..HistoryEvent::default() }
}

fn failed(id: i64, previous: i64, error: &str) -> HistoryEvent {
    let failure = Some((Some(error.to_owned()), Some("why".to_owned())));
    HistoryEvent { id, previous, failure, ..HistoryEvent::default() }
}

/// Two regions and the roles at once; the roles are done, one region has moved on and waits, the other is in its task.
fn stopped() -> Vec<HistoryEvent> {
    let exited = |id, previous| HistoryEvent { kind: Kind::Exited, ..other(id, previous) };
    let parallel =
        HistoryEvent { kind: Kind::Entered { state: "ProvisionAccount".to_owned(), is_task: false }, ..other(2, 1) };
    let end = HistoryEvent { failure: Some((None, None)), kind: Kind::Ended, ..other(21, 0) };
    vec![
        entered(1, 0, "PlanOnboarding"),
        exited(20, 1),
        parallel,
        entered(3, 2, "ProvisionVpc"),
        entered(4, 2, "ProvisionVpc"),
        entered(5, 2, "CreateTenantRoles"),
        exited(6, 5),
        exited(7, 3),
        entered(8, 7, "AttachTransitGateway"),
        failed(9, 8, "NotReady"),
        failed(10, 9, "NotReady"),
        other(11, 4),
        end,
    ]
}

#[test]
fn an_execution_that_was_stopped_tells_the_task_that_waited_and_for_what() {
    assert_eq!(stopped_state(&stopped()), Some(("AttachTransitGateway".to_owned(), Some("why".to_owned()))));
}

#[test]
fn a_task_that_waits_for_nothing_is_told_too_and_one_that_was_left_is_not() {
    let quiet: Vec<HistoryEvent> = stopped().into_iter().filter(|event| ![9, 10].contains(&event.id)).collect();
    assert_eq!(stopped_state(&quiet), Some(("AttachTransitGateway".to_owned(), None)));
    let earlier: Vec<HistoryEvent> = quiet.into_iter().filter(|event| event.id != 8).collect();
    assert_eq!(stopped_state(&earlier), Some(("ProvisionVpc".to_owned(), None)));
    assert_eq!(stopped_state(&[]), None);
}

#[test]
fn the_words_of_whoever_stopped_it_come_before_what_it_waited_for() {
    let told = failure("ABORTED", &stopped(), Extent::Whole).unwrap();
    assert_eq!((told.state.as_str(), told.fault.as_str()), ("AttachTransitGateway", "Aborted"));
    assert!(told.message.ends_with("AttachTransitGateway was waiting: why"), "{}", told.message);
    let words = || Some((Some("Maintenance".to_owned()), Some("we move tonight".to_owned())));
    let said = |event: HistoryEvent| {
        if event.kind == Kind::Ended { HistoryEvent { failure: words(), ..event } } else { event }
    };
    let told = failure("ABORTED", &stopped().into_iter().map(said).collect::<Vec<_>>(), Extent::Whole).unwrap();
    assert_eq!((told.fault.as_str(), told.message.as_str()), ("Maintenance", "we move tonight"));
}
