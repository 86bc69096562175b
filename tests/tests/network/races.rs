//! Several invocations of one step at once, over real HTTP: a step may be retried while its first try still runs.

use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};

use crate::{attachments, run, turn};

/// Invocations at once, and how often each is repeated at most.
const RACERS: usize = 4;
const TRIES_MAX: usize = 200;

#[test]
fn invocations_that_race_on_one_attachment_make_one_and_all_prove_it() {
    let (rig, _turn) = turn();
    let account = rig.account("raced-staging", "staging");
    let refused = json!({
        "match": { "account": account, "operation": "CreateTransitGatewayVpcAttachment" },
        "action": { "error": { "code": "TransitGatewayAttachmentLimitExceeded", "status": 400, "message": "full" } },
    });
    let rule = rig.break_calls(&refused);
    let failed = run(rig, &account);
    assert_eq!((failed.status, failed.error.as_deref()), (ExecutionStatus::Failed, Some("InvalidInput")));
    assert!(rig.fired(rule) >= 1);
    assert!(attachments(rig, &account).is_empty());

    // The failed execution keeps its lease, so its step may be invoked again, as a redrive would.
    let payload = rig.payload(&failed.arn, "attach-transit-gateway");
    let race = || {
        let mut faults = Vec::new();
        while faults.len() < TRIES_MAX {
            let (answer, failed) = rig.invoke("berth-attach-transit-gateway", &payload);
            if !failed {
                return (answer, faults);
            }
            faults.push(answer["errorType"].as_str().unwrap_or_default().to_owned());
        }
        panic!("{TRIES_MAX} tries did not end: {faults:?}");
    };
    let ends: Vec<(Value, Vec<String>)> = std::thread::scope(|threads| {
        let racers: Vec<_> = (0..RACERS).map(|_| threads.spawn(race)).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    let made = attachments(rig, &account);
    let [attachment] = made.as_slice() else { panic!("exactly one attachment, not {made:#?}") };
    for (answer, faults) in &ends {
        assert_eq!(answer["attachmentId"], attachment["TransitGatewayAttachmentId"]);
        assert_eq!(answer["isolation"], ends[0].0["isolation"]);
        let other: Vec<&String> =
            faults.iter().filter(|fault| !["NotReady", "Conflict"].contains(&fault.as_str())).collect();
        assert!(other.is_empty(), "{other:?}");
    }
    let seen = &rig.world(&account).regions["eu-west-1"];
    assert_eq!(seen.attachments[0].associated_with.as_ref(), Some(&seen.spoke_table));
    assert_eq!((seen.attachments[0].propagated_to.len(), seen.routes.len()), (1, 1));
    rig.redrive(&failed.arn);
    assert_eq!(rig.ended(&failed.arn).status, ExecutionStatus::Succeeded);
}
