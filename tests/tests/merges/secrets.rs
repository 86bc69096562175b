//! The App's key, its proofs and its tokens are nowhere, whatever happens.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::disguises;
use serde_json::{Value, json};

use crate::{Proposed, alone, completed, proposed, waits_for_merge};

/// How installation tokens begin.
const TOKEN: &str = "ghs_";
/// How proofs begin: `{"alg":` or `{"typ":` in base64.
const PROOFS: [&str; 2] = ["eyJhbGciOi", "eyJ0eXAiOi"];
/// How session tokens of the local AWS begin.
const SESSION: &str = "FQoGZXIvYXdz";

#[test]
fn neither_key_nor_proof_nor_token_is_anywhere_after_pull_requests() {
    let (rig, _alone) = alone();
    let Proposed { account, execution, pull } = proposed(rig, "discreet-staging", "staging");
    rig.close(&pull["number"]);
    rig.complete_merges();
    assert_eq!(rig.ended(&execution).error.as_deref(), Some("Denied"));
    rig.wait_for_outcome(&account, &execution);

    // GitHub refuses the token, and then the App's proof, and echoes both.
    let refused = json!({ "at": "read", "status": 401, "body": { "message": "Bad credentials: ECHO" }, "echo": true });
    let no_app = json!({ "at": "token", "status": 401, "body": { "message": "Bad proof: ECHO" }, "echo": true });
    for (fault, times) in [(&refused, 8), (&no_app, 8)] {
        for _ in 0..times {
            rig.tell_github("fault", fault);
        }
        rig.redrive(&execution);
        let ended = rig.ended(&execution);
        assert_eq!((&ended.status, ended.error.as_deref()), (&ExecutionStatus::Failed, Some("Denied")), "{ended:?}");
        let left = rig.tell_github("state", &json!({}))["faults"].as_u64().unwrap();
        assert!(left < times, "nothing was refused");
        rig.tell_github("heal", &json!({}));
    }
    rig.redrive(&execution);
    let pull = waits_for_merge(rig, &account);
    rig.merge(&pull["number"]);
    completed(rig, &execution);

    let secret: Value = serde_json::from_str(rig.app()["secret"].as_str().unwrap()).unwrap();
    let key = secret["privateKey"].as_str().unwrap();
    let lines = key.lines().filter(|line| line.len() > 40 && !line.starts_with('-'));
    let beginnings = [TOKEN, SESSION, PROOFS[0], PROOFS[1]].map(str::to_owned);
    let hidden: Vec<String> = lines.flat_map(disguises).chain(beginnings).collect();
    assert!(hidden.len() > 100, "{}", hidden.len());
    let places = rig.places();
    for place in &places {
        let shown = hidden.iter().find(|text| place.text.contains(*text));
        assert_eq!(shown, None, "in {}", place.name);
    }
    for kind in ["log", "history", "ledger", "repository"] {
        assert!(places.iter().any(|place| place.name.starts_with(kind) && place.text.contains(&account)), "{kind}");
    }
    let (_, shown) = rig.berth(&["status", &account, "--json"]);
    assert!(hidden.iter().all(|text| !shown.contains(text)));
}
