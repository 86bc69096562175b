//! A plan in which one step cannot go on still says what the other steps would do.

use berth_tests::rig::Call;
use serde_json::Value;

use crate::{alone, squat, unsquat};

#[test]
fn a_plan_that_cannot_go_on_shows_what_the_others_would_do_then_why() {
    let (rig, _alone) = alone();
    let account = rig.account("forked-dev", "dev");
    squat(rig, &account, "forked");
    let since = rig.last_call();
    let (code, text) = rig.berth(&["onboard", &account, "--plan"]);
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part:?} is not in {text}"));
    assert_eq!(code, 1, "{text}");
    assert!(place("plan: changes that would be made, as far as it is known: ") < place("create the VPC with a /"));
    assert!(place("create the VPC with a /") < place("failed in CreateTenantRoles: NotOwned: "), "{text}");
    let (code, text) = rig.berth(&["onboard", &account, "--plan", "--json"]);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, answer["failure"]["fault"].as_str()), (1, Some("NotOwned")), "{text}");
    assert!(answer["changes"].as_array().is_some_and(|changes| changes.len() > 10), "{text}");
    let made: Vec<Call> = rig.calls(since).into_iter().filter(|call| call.effect == "resource").collect();
    assert!(made.is_empty(), "{made:#?}");
    unsquat(rig, &account, "forked");
}
