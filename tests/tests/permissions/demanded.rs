//! The list of actions that AWS demands is true as far as the code can tell.

use berth_tests::permissions::{Demanded, EVENT_SOURCE, demanded, policies};

use crate::need;

#[test]
fn what_is_demanded_is_allowed_and_so_is_what_demands_it() {
    let policies = policies();
    for Demanded { function, part, action, by, why, url } in demanded() {
        let allowed = policies[function].actions(*part);
        assert!(allowed.contains(action.as_str()), "demanded.json: {function} may not {action} in {part}");
        assert!(!by.is_empty() && !why.is_empty() && url.starts_with("https://"), "{function}, {action}");
        for each in by.iter().filter(|each| *each != EVENT_SOURCE) {
            assert!(allowed.contains(each.as_str()), "demanded.json: {function} may not {each} in {part}");
        }
    }
}

#[test]
fn nothing_is_called_demanded_that_the_code_calls() {
    for Demanded { function, action, part, .. } in demanded() {
        // CreateTags and the like are called too; then both reasons hold, and the code is the better one.
        let files = need::naming(function, action);
        assert!(
            files.is_empty(),
            "demanded.json: {action} of {function} in {part} is called by {files:?}: remove the entry"
        );
    }
}
