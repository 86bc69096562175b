//! Many tenants, few commits.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    aws::Said,
    git::{Entry, path},
    requests::{Whole, account, batch, execution, handle, request, token},
};

/// The output of a success, or a panic.
fn success(said: &[Said]) -> &serde_json::Value {
    match said {
        [Said::Success(output)] => output,
        other => panic!("not one success: {other:?}"),
    }
}

/// So many tenants, fifty to a message batch, by two copies that race: as many commits as batches, and everybody is in one.
async fn commit_by_two_racing_copies(tenants: usize) {
    const BATCH: usize = 50;
    let whole = Whole::start(tenants);
    let (odd, even) = (whole.copy(), whole.copy());
    let run = async |function, first: usize| {
        for start in (first * BATCH..tenants).step_by(2 * BATCH) {
            let given_back = handle(function, batch((start..start + BATCH).map(request)), start as u64).await;
            assert_eq!(given_back, Vec::<String>::new());
        }
    };
    tokio::join!(run(&odd, 0), run(&even, 1));

    let repository = &whole.git.repository;
    assert_eq!(repository.commits(), 1 + tenants / BATCH);
    let tree = repository.git(&["ls-tree", "-r", "--name-only", "main"]);
    let files: BTreeSet<&str> = tree.lines().collect();
    let commits: BTreeSet<String> = repository.git(&["rev-list", "main"]).lines().map(str::to_owned).collect();
    let trailers = repository.git(&["log", "--format=%(trailers:key=Berth-Account,valueonly)", "main"]);
    let trailers: BTreeSet<&str> = trailers.lines().filter(|line| !line.is_empty()).collect();
    for number in 0..tenants {
        let said = whole.aws.said(&token(number));
        let output = success(&said);
        let at = output["path"].as_str().unwrap();
        assert!(files.contains(at) && commits.contains(output["sha"].as_str().unwrap()), "{output}");
        assert!(trailers.contains(account(number).as_str()), "{}", account(number));
    }
    assert_eq!((files.len(), trailers.len(), whole.aws.all_said().len()), (tenants + 1, tenants, tenants));
    let last = tenants - 1;
    let text = repository.text(&path(&format!("team-{last}"))).unwrap();
    assert!(text.contains(&account(last)), "{text}");
    repository.git(&["fsck", "--strict"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_racing_functions_commit_two_hundred_tenants_and_lose_none() {
    commit_by_two_racing_copies(200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "make test-all: a thousand tenants"]
async fn two_racing_functions_commit_a_thousand_tenants_and_lose_none() {
    commit_by_two_racing_copies(1000).await;
}

#[tokio::test]
async fn one_bad_resource_in_a_batch_of_fifty_fails_alone_with_its_field_and_rule() {
    let whole = Whole::start(50);
    let mut requests: Vec<_> = (0..50).map(request).collect();
    requests[17]["gitOps"]["costCenter"] = json!("cost centre 4711");
    assert_eq!(whole.take(batch(requests)).await, Vec::<String>::new());
    assert_eq!(whole.git.repository.commits(), 2, "one commit for the 49");
    for number in (0..50).filter(|number| *number != 17) {
        success(&whole.aws.said(&token(number)));
        assert!(whole.git.repository.text(&path(&format!("team-{number}"))).is_some());
    }
    assert_eq!(whole.git.repository.text(&path("team-17")), None);
    let said = whole.aws.said(&token(17));
    let [Said::Failure(error, message)] = &said[..] else { panic!("{said:?}") };
    assert_eq!(error, "InvalidInput");
    assert!(message.contains("spec.costCenter") && message.contains("(pattern)"), "{message}");
    assert!(message.contains(&account(17)) && !message.contains("4711"), "{message}");
    let log = whole.git.repository.git(&["log", "-1", "--format=%B", "main"]);
    assert!(log.starts_with("Onboard 49 accounts\n") && !log.contains(&account(17)), "{log}");
    assert!(log.contains(&format!("Berth-Execution: {}", execution(49))), "{log}");
}

#[tokio::test]
async fn with_batching_off_each_tenant_is_a_commit_of_its_own() {
    let whole = Whole::start(3);
    for number in 0..3 {
        whole.take(batch([request(number)])).await;
    }
    let subjects = whole.git.repository.git(&["log", "-3", "--format=%s", "main"]);
    assert_eq!(subjects, "Onboard team-2 (dev)\nOnboard team-1 (dev)\nOnboard team-0 (dev)");
    let shas: BTreeSet<String> = (0..3).map(|n| success(&whole.aws.said(&token(n)))["sha"].to_string()).collect();
    assert_eq!(shas.len(), 3);
}

#[tokio::test]
async fn an_equal_tree_succeeds_without_a_commit_as_the_one_in_the_ledger() {
    let whole = Whole::start(2);
    whole.take(batch([request(0)])).await;
    let first = success(&whole.aws.said(&token(0)))["sha"].clone();
    whole.take(batch([request(1)])).await;
    let head = whole.git.repository.head();
    assert_ne!(first, json!(head));

    // The ledger of an account that never finished knows no commit: then any that holds the file.
    whole.take(batch([request(0)])).await;
    let mut record = crate::requests::record(0);
    let region = &request(0)["regions"][0];
    record["regions"] = json!({ "eu-west-1": {
        "vpcId": region["vpcId"], "cidr": region["cidr"], "attachmentId": region["attachmentId"],
    } });
    record["roles"] = request(0)["roles"].clone();
    record["commit"] = json!({ "sha": first, "path": path("team-0").as_str() });
    whole.aws.put(record);
    whole.take(batch([request(0)])).await;

    let shas: Vec<_> =
        whole.aws.said(&token(0)).iter().map(|said| success(std::slice::from_ref(said))["sha"].clone()).collect();
    assert_eq!(shas, [first.clone(), json!(head), first]);
    assert_eq!(whole.git.repository.head(), head, "no commit");
}

#[tokio::test]
async fn a_non_file_is_not_owned_for_its_tenant_and_the_rest_lands() {
    let whole = Whole::start(2);
    whole.git.repository.commit_by_hand(&[(path("team-0").as_str(), Entry::Symlink("../../../../README.md"))]);
    whole.take(batch([request(0), request(1)])).await;
    let said = whole.aws.said(&token(0));
    let [Said::Failure(error, message)] = &said[..] else { panic!("{said:?}") };
    assert!(error == "NotOwned" && message.contains("symbolic link"), "{error}: {message}");
    success(&whole.aws.said(&token(1)));
}
