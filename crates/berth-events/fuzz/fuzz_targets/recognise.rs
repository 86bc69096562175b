//! Whatever the bytes are: an answer, with an account id of twelve digits or none, that survives its own JSON.
#![no_main]

use berth_events::{Decision, Failure, Recognised, recognise};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let answer = recognise(bytes);
    let acts = matches!(answer.decision, Decision::Onboard | Decision::Offboard);
    assert!(!acts || (answer.account_id.is_some() && answer.source.is_some()), "{answer:?}");
    if let Some(account) = &answer.account_id {
        let text = account.as_str();
        assert!(text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()), "{text:?}");
    }
    assert!(!answer.reason.is_empty() && !answer.reason.contains('\n'), "{:?}", answer.reason);
    let json = serde_json::to_vec(&answer).expect("an answer is always JSON");
    assert_eq!(serde_json::from_slice::<Recognised>(&json).expect("and is read back"), answer);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let failure = Failure::from_error(None, Some(text), "State");
        assert!(!failure.message.is_empty() && !failure.hint.is_empty(), "{failure:?}");
    }
});
