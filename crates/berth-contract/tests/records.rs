//! Records and results as earlier versions wrote them are read, and what does not belong to them is refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use berth_contract::{ExecutionOutput, RegionRecord, RegionResult};
use serde_json::{Value, json};

/// What version 0.1 stored of a region, before the isolation was proven.
fn stored() -> Value {
    json!({ "vpcId": "vpc-1", "cidr": "10.1.0.0/20", "attachmentId": "tgw-attach-1" })
}

fn result() -> Value {
    json!({
        "region": "eu-west-1", "vpcId": "vpc-1", "cidr": "10.1.0.0/20", "duplicateVpcs": ["vpc-2"],
        "attachmentId": "tgw-attach-1", "isolation": { "checkedRoutes": 3 }, "changes": ["attach the VPC"],
    })
}

#[test]
fn a_region_that_an_earlier_version_stored_is_read_and_stays_as_it_is() {
    let record: RegionRecord = serde_json::from_value(stored()).unwrap();
    assert_eq!((record.isolation.as_ref(), record.duplicate_vpcs.len()), (None, 0));
    assert_eq!(serde_json::to_value(&record).unwrap(), stored());
}

#[test]
fn a_result_is_the_region_with_its_record_side_by_side() {
    let read: RegionResult = serde_json::from_value(result()).unwrap();
    assert_eq!(read.network.vpc_id, "vpc-1");
    assert_eq!(serde_json::to_value(&read).unwrap(), result());
}

// serde's documentation calls `flatten` with `deny_unknown_fields` unsupported; for a flattened struct it holds.
#[test]
fn a_field_that_no_region_has_is_refused_by_name() {
    let mut wrong = result();
    wrong["vpcIds"] = json!([]);
    let error = serde_json::from_value::<RegionResult>(wrong).unwrap_err().to_string();
    assert!(error.contains("vpcIds"), "{error}");
}

#[test]
fn a_result_without_attachment_or_proof_is_refused() {
    for field in ["attachmentId", "isolation"] {
        let mut lacking = result();
        lacking.as_object_mut().unwrap().remove(field);
        let error = serde_json::from_value::<RegionResult>(lacking).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}

#[test]
fn an_output_of_an_ignored_account_is_told_from_an_onboarded_one() {
    let ignored = json!({ "decision": "ignore", "reason": "a core account", "accountId": "111122223333" });
    let read: ExecutionOutput = serde_json::from_value(ignored).unwrap();
    assert!(matches!(&read, ExecutionOutput::Ignore { reason, .. } if reason == "a core account"));
}
