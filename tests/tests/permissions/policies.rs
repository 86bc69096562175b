//! The policies as they lie beside the functions.

use std::{collections::BTreeMap, fs, path::PathBuf};

use berth_aws::{FunctionPolicy, Part, PolicyFile};
use berth_tests::rig::checkout;

/// Longest session policy that is accepted here. STS takes 2,048 characters, but packs them, and refuses what is packed too
/// large at a size that it does not publish. [STS `AssumeRole`, "Policy", `PackedPolicySize`]
const SESSION_POLICY_CHARACTERS_MAX: usize = 1_400;

/// Every function's policy, by the function's name.
pub fn all() -> BTreeMap<String, FunctionPolicy> {
    let functions = fs::read_dir(checkout().join("functions")).unwrap().flatten();
    let names = functions.filter(|entry| entry.path().join("main.rs").is_file());
    names
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let policy = FunctionPolicy::read(&text(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, policy)
        })
        .collect()
}

/// Where the policy of a function is.
pub fn path(function: &str) -> PathBuf {
    checkout().join("functions").join(function).join("policy.json")
}

fn text(function: &str) -> String {
    let path = path(function);
    fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; each function has its policy", path.display()))
}

#[test]
fn every_session_policy_is_small_enough_to_be_packed() {
    let mut looked_at = 0;
    for (function, policy) in all() {
        let text: &'static str = Box::leak(text(&function).into_boxed_str());
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
    for (function, policy) in all() {
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
