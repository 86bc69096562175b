//! Answers that never arrive: what was done is recognised, and never done twice.

use berth_gitops::{BatchOutcome, RepoError};

use crate::support::{Entry, Fault, GitServer, Repository, Service, append, open, path, run, set};

fn pushes(server: &GitServer) -> usize {
    server.take_served().iter().filter(|(service, _)| *service == Service::Push).count()
}

#[tokio::test]
async fn a_push_whose_answer_is_cut_is_not_made_twice() {
    for fault in
        [Fault::CutAfter, Fault::CutWithin(0), Fault::CutWithin(9), Fault::StatusAfter(502), Fault::StatusAfter(504)]
    {
        let server = GitServer::start(Repository::new());
        server.fault(Service::Push, fault);
        let outcome = run(&open(&server), &["payments"], append("payments", "ours")).await.unwrap();
        assert_eq!(outcome, BatchOutcome::Committed { sha: server.repository.head().parse().unwrap(), attempts: 1 });
        assert_eq!((server.repository.commits(), server.faults_left()), (2, 0));
        assert_eq!(server.repository.text(&path("payments")).as_deref(), Some("ours\n"));
        assert!(pushes(&server) <= 1);
    }
}

#[tokio::test]
async fn a_commit_with_a_cut_answer_is_recognised_below_a_persons_commit() {
    let server = GitServer::start(Repository::new());
    server.fault(Service::Push, Fault::CutAfter);
    let by_hand = |repository: &Repository| repository.commit_by_hand(&[("NOTES.md", Entry::File("x\n"))]);
    // The first list is the one before the push, the second the one after.
    server.fault(Service::List, Fault::First(Box::new(|_| {})));
    server.fault(Service::List, Fault::First(Box::new(by_hand)));
    let outcome = run(&open(&server), &["payments"], append("payments", "ours")).await.unwrap();
    let ours = server.repository.git(&["rev-parse", "main~1"]);
    assert_eq!(outcome, BatchOutcome::Committed { sha: ours.parse().unwrap(), attempts: 1 });
    assert_eq!((server.repository.commits(), pushes(&server)), (3, 0), "the cut one is not noted as served");
}

#[tokio::test]
async fn content_that_landed_far_below_the_head_is_not_committed_again() {
    let server = GitServer::start(Repository::new());
    server.fault(Service::Push, Fault::CutAfter);
    let by_hand = |repository: &Repository| {
        for text in ["1\n", "2\n", "3\n"] {
            repository.commit_by_hand(&[("NOTES.md", Entry::File(text))]);
        }
    };
    server.fault(Service::List, Fault::First(Box::new(|_| {})));
    server.fault(Service::List, Fault::First(Box::new(by_hand)));
    let outcome = run(&open(&server), &["payments"], append("payments", "ours")).await.unwrap();
    assert_eq!(outcome, BatchOutcome::Unchanged { head: server.repository.head().parse().unwrap() });
    assert_eq!(server.repository.commits(), 5);
}

#[tokio::test]
async fn a_push_that_never_arrived_is_made_once() {
    for fault in [Fault::CutBefore, Fault::Status(500, &[]), Fault::Body(b"<html>".to_vec()), Fault::Body(vec![])] {
        let server = GitServer::start(Repository::new());
        server.fault(Service::Push, fault);
        let outcome = run(&open(&server), &["payments"], append("payments", "ours")).await.unwrap();
        assert_eq!(outcome, BatchOutcome::Committed { sha: server.repository.head().parse().unwrap(), attempts: 2 });
        assert_eq!(server.repository.commits(), 2);
    }
}

#[tokio::test]
async fn a_read_that_breaks_off_is_made_again() {
    for service in [Service::Advertisement, Service::List, Service::Fetch] {
        for fault in [Fault::CutBefore, Fault::CutWithin(5), Fault::Status(503, &[])] {
            let server = GitServer::start(Repository::new());
            server.fault(service, fault);
            run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap();
            assert_eq!((server.repository.commits(), server.faults_left()), (2, 0));
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_for_good_is_reported_as_lost() {
    let server = GitServer::start(Repository::new());
    server.fault(Service::Push, Fault::CutAfter);
    server.fault(Service::List, Fault::First(Box::new(|_| {})));
    for _ in 0..20 {
        server.fault(Service::Advertisement, Fault::First(Box::new(|_| {})));
        server.fault(Service::List, Fault::CutBefore);
    }
    let error = run(&open(&server), &["payments"], append("payments", "ours")).await.unwrap_err();
    let RepoError::AnswerLost { attempted, .. } = error else { panic!("{error:?}") };
    assert_eq!(attempted.unwrap().as_str(), server.repository.head());
}
