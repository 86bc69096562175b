//! Rules for every policy, wherever it is used.

use berth_aws::{Part, PolicyFile};
use berth_tests::permissions::{policies, policy_text};

/// Longest session policy that is accepted here. STS takes 2,048 characters, but packs them, and refuses what is packed too
/// large at a size that it does not publish. [STS `AssumeRole`, "Policy", `PackedPolicySize`]
const SESSION_POLICY_CHARACTERS_MAX: usize = 1_450;

#[test]
fn every_session_policy_is_small_enough_to_be_packed() {
    let mut looked_at = 0;
    for (function, policy) in policies() {
        let text: &'static str = Box::leak(policy_text(&function).into_boxed_str());
        for part in policy.0.keys().copied().filter(|part| *part != Part::Hub) {
            let document = PolicyFile::new(text).session(part).document().unwrap();
            let length = document.len();
            assert!(length <= SESSION_POLICY_CHARACTERS_MAX, "{function}, {part}: {length} characters");
            looked_at += 1;
        }
    }
    assert!(looked_at > 8, "{looked_at} session policies");
}

#[test]
fn no_policy_has_a_wildcard_action_or_an_empty_statement_or_one_name_twice() {
    for (function, policy) in policies() {
        for (part, statements) in &policy.0 {
            let mut sids: Vec<&str> = statements.iter().map(|statement| statement.sid.as_str()).collect();
            sids.sort_unstable();
            sids.dedup();
            assert_eq!(sids.len(), statements.len(), "{function}, {part}: two statements have one Sid");
            for statement in statements {
                let (sid, actions) = (&statement.sid, &statement.action);
                assert!(!actions.is_empty(), "{function}, {part}, {sid} allows nothing");
                assert!(!actions.iter().any(|action| action.contains('*')), "{function}, {part}, {sid}: a wildcard");
                assert!(actions.is_sorted(), "{function}, {part}, {sid}: sort the actions");
            }
        }
    }
}
