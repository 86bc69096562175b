//! What a platform team has at hand signs in: Identity Center, a program that hands keys out, and `aws login`.

use berth_tests::rig::{SignIn, onboarded, rig};
use serde_json::Value;

#[test]
fn every_kind_of_profile_shows_an_account_as_keys_do() {
    let rig = rig();
    let account = rig.account("desk-dev", "dev");
    onboarded(rig, &account);
    let by_keys = rig.status(&account);
    for sign_in in SignIn::ALL {
        let (code, text) = rig.berth_signed_in(sign_in, &["status", &account, "--json"]);
        assert_eq!((code, serde_json::from_str::<Value>(&text).unwrap()), by_keys, "{sign_in:?}");
    }
    let (code, said) = rig.berth_signed_in(SignIn::IdentityCenter, &["onboard", &account, "--wait"]);
    assert!(code == 0 && said.contains("nothing had to change"), "the stack says which state machine: {said}");
}
