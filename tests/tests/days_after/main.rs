//! The days after the first: an account stays who it is, whatever becomes of its name, its tags, its unit and platform.yaml.
//!
//! These journeys change platform.yaml, so they have a local AWS of their own and take turns.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod edits;
mod hints;
mod identity;
mod transfers;
mod upgrade;

use std::sync::MutexGuard;

use berth_tests::rig::{self, Call, MANAGEMENT, Rig, TimingProfile};
use serde_json::{Value, json};

/// The rig, for one journey at a time, with the first platform.yaml but for these values.
fn turn(edits: &[(&str, Value)]) -> (&'static Rig, MutexGuard<'static, ()>) {
    let (rig, turn) = rig::alone(TimingProfile::Fast, |_| ());
    rig.deploy_platform(edits);
    (rig, turn)
}

/// Sets the account's tag that names its tenant, in Organizations.
fn tag(rig: &Rig, account: &str, tenant: &str) {
    let tags = json!({ "ResourceId": account, "Tags": [{ "Key": "berth:tenant", "Value": tenant }] });
    rig.call(MANAGEMENT, "organizations", "tag_resource", &tags);
}

/// Calls of Berth since `since` that changed a resource.
fn changed_since(rig: &Rig, since: u64) -> Vec<Call> {
    let by_berth = |call: &Call| call.effect == "resource" && call.function.starts_with("berth-");
    rig.calls(since).into_iter().filter(by_berth).collect()
}

/// Runs the account again by the command line, as a plan and for real; both are refused, with this in what they say, and
/// change nothing.
fn assert_refused(rig: &Rig, account: &str, says: &[&str]) {
    let before = rig.world(account);
    let files = rig.files_naming(account);
    let since = rig.last_call();
    for more in [&["--plan"][..], &["--wait"]] {
        let arguments: Vec<&str> = ["onboard", account].into_iter().chain(more.iter().copied()).collect();
        let (code, said) = rig.berth(&arguments);
        assert_eq!(code, 1, "{more:?}: {said}");
        for text in says {
            assert!(said.contains(text), "{more:?}: {text:?} is not in: {said}");
        }
    }
    assert_eq!(changed_since(rig, since), []);
    assert_eq!(rig.world(account), before);
    assert_eq!(rig.files_naming(account), files);
}
