//! What executions are told, and which messages go back to the queue.

use serde_json::json;

use crate::{
    aws::Said,
    git::{Fault, PASSWORD, Service, USER},
    requests::{Whole, batch, record, request, token},
};

/// Error and message of the only answer to a token.
fn failure(whole: &Whole, number: usize) -> (String, String) {
    match &whole.aws.said(&token(number))[..] {
        [Said::Failure(error, message)] => (error.clone(), message.clone()),
        other => panic!("not one failure: {other:?}"),
    }
}

fn succeeded(whole: &Whole, number: usize) -> usize {
    let said = whole.aws.said(&token(number));
    assert!(said.iter().all(|said| matches!(said, Said::Success(_))), "{said:?}");
    said.len()
}

#[tokio::test]
async fn a_token_that_nobody_waits_for_any_more_is_no_error() {
    for code in ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"] {
        let whole = Whole::start(2);
        whole.aws.refuse(&token(0), code);
        assert_eq!(whole.take(batch([request(0), request(1)])).await, Vec::<String>::new(), "{code}");
        assert_eq!((whole.aws.heal(), succeeded(&whole, 1)), (1, 1), "{code}");
    }
}

#[tokio::test]
async fn only_unanswered_messages_go_back_and_redelivery_makes_no_commit() {
    let whole = Whole::start(3);
    whole.aws.refuse(&token(1), "InternalError");
    let requests = [request(0), request(1), json!({ "no": "request" }), request(2)];
    assert_eq!(whole.take(batch(requests)).await, ["m2", "m1"], "the one that is none, and the one without an answer");
    assert!(whole.aws.heal() > 0);
    assert_eq!([0, 1, 2].map(|number| succeeded(&whole, number)), [1, 0, 1]);
    let head = whole.git.repository.head();

    assert_eq!(whole.take(batch([request(1)])).await, Vec::<String>::new());
    let said = whole.aws.said(&token(1));
    let [Said::Success(output)] = &said[..] else { panic!("{said:?}") };
    assert_eq!((output["sha"].as_str(), &output["changes"]), (Some(head.as_str()), &json!([])));
    assert_eq!(whole.git.repository.head(), head);
}

#[tokio::test]
async fn a_push_whose_answer_is_cut_is_answered_with_the_commit_that_it_made() {
    let whole = Whole::start(2);
    whole.git.fault(Service::Push, Fault::CutAfter);
    whole.take(batch([request(0), request(1)])).await;
    assert_eq!((whole.git.repository.commits(), whole.git.faults_left()), (2, 0));
    for number in [0, 1] {
        let said = whole.aws.said(&token(number));
        let [Said::Success(output)] = &said[..] else { panic!("{said:?}") };
        assert_eq!(output["sha"], json!(whole.git.repository.head()));
    }
}

#[tokio::test]
async fn what_the_git_server_says_becomes_the_fault_of_every_execution() {
    type Case = (fn() -> Fault, usize, &'static str, &'static str);
    let refused =
        || Fault::Body(b"000eunpack ok\n0036ng refs/heads/main protected branch hook declined\n0000".to_vec());
    // Refused credentials are read again and tried once more.
    let cases: [Case; 4] = [
        (|| Fault::Status(403, &[("Retry-After", "60")]), 1, "Throttled", "(HTTP 403, for 60 s)"),
        (|| Fault::Status(429, &[]), 1, "Throttled", "(HTTP 429)"),
        (|| Fault::Status(403, &[]), 2, "Denied", "(HTTP 403)"),
        (refused, 1, "Denied", "protected branch hook declined"),
    ];
    for (fault, times, error, text) in cases {
        let whole = Whole::start(2);
        (0..times).for_each(|_| whole.git.fault(Service::Push, fault()));
        assert_eq!(whole.take(batch([request(0), request(1)])).await, Vec::<String>::new());
        for number in [0, 1] {
            let (found, message) = failure(&whole, number);
            assert!(found == error && message.contains(text), "{found}: {message}");
        }
        assert_eq!((whole.git.repository.commits(), whole.git.faults_left()), (1, 0));
    }
}

#[tokio::test]
async fn a_warm_function_reads_renewed_credentials_within_the_failed_batch() {
    let whole = Whole::start(2);
    whole.take(batch([request(0)])).await;
    whole.git.fault(Service::Push, Fault::Status(401, &[]));
    whole.take(batch([request(1)])).await;
    assert!(matches!(&whole.aws.said(&token(1))[..], [Said::Success(_)]), "{:?}", whole.aws.said(&token(1)));
    let reads = (whole.aws.secrets_read(), whole.git.faults_left());
    assert_eq!((reads, whole.git.repository.commits()), ((2, 0), 3));
}

#[tokio::test]
async fn an_expired_token_is_denied_and_the_renewed_one_is_read_at_the_next_try() {
    let whole = Whole::start(1);
    whole.aws.set_secret(json!({ "username": USER, "password": "expired" }));
    whole.take(batch([request(0)])).await;
    let (error, message) = failure(&whole, 0);
    assert!(error == "Denied" && message.contains("(HTTP 401)") && message.contains("renew"), "{error}: {message}");
    whole.aws.set_secret(json!({ "username": USER, "password": PASSWORD }));
    whole.take(batch([request(0)])).await;
    assert!(matches!(whole.aws.said(&token(0)).last(), Some(Said::Success(_))));
    assert_eq!((whole.aws.secrets_read(), whole.git.repository.commits()), (3, 2), "twice at the first try");
}

#[tokio::test]
async fn an_execution_without_the_lease_is_superseded_and_writes_nothing() {
    let whole = Whole::start(2);
    let mut taken_over = record(0);
    taken_over["lease"] = json!("arn:of-a-newer-execution");
    whole.aws.put(taken_over);
    whole.take(batch([request(0), request(1), request(2)])).await;
    assert_eq!(failure(&whole, 0).0, "Superseded");
    assert_eq!(failure(&whole, 2).0, "Superseded", "an account without a record");
    assert_eq!((succeeded(&whole, 1), whole.git.repository.commits()), (1, 2));
    let tree = whole.git.repository.git(&["ls-tree", "-r", "--name-only", "main"]);
    assert_eq!(tree.lines().count(), 2, "{tree}");
}
