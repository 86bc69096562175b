//! The two parts of a hint that asks for patience: what Berth waits for, and what a person does when that never comes.

use std::fmt::Display;

/// How the hint of a fault begins that passes by itself.
const WAIT: &str = "nothing yet: ";
/// What stands before that part of it that holds when it does not pass.
const IF_IT_STAYS: &str = "; if it stays: ";

/// The hint of a fault that passes by itself. `why` is what Berth waits for; `if_it_stays` makes sense alone, because
/// after the last attempt only that is told ([`after_waiting`]).
#[must_use]
pub fn wait(why: impl Display, if_it_stays: impl Display) -> String {
    format!("{WAIT}{why}{IF_IT_STAYS}{if_it_stays}")
}

/// The hint when nothing waits any more: without the part that asks for patience.
#[must_use]
pub fn after_waiting(hint: &str) -> &str {
    match hint.strip_prefix(WAIT).and_then(|rest| rest.split_once(IF_IT_STAYS)) {
        Some((_, if_it_stays)) => if_it_stays,
        None => hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_last_attempt_a_hint_asks_for_patience_no_longer() {
        assert_eq!(after_waiting(&wait("AWS works", "look at it")), "look at it");
        assert_eq!(after_waiting("look at it"), "look at it");
        let denied = wait("AWS opens the account", wait("IAM is slow", "allow it"));
        assert_eq!(after_waiting(after_waiting(&denied)), "allow it");
    }
}
