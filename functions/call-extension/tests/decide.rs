//! `decide` of call-extension: it is called for what it says that it would do, and for nothing else.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use berth_step::{Decision, DryRun, Fault, Step, StepError, dry_run};
use berth_tenancy::{
    Action, LeftOverTags, Mode, OrganizationTags, Subject,
    limits::{EXTENSION_CHANGES_MAX, EXTENSION_CHARS_MAX},
};
use call_extension::{CallExtension, Change, Ended, Input, Output, State};
use proptest::prelude::*;
use serde_json::{Value, json};

fn input(kind: &str) -> Input {
    Input {
        run: Subject {
            account_id: "111122223333".parse().unwrap(),
            account_name: "payments-dev".into(),
            tenant: "payments".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            execution: "arn:aws:states:us-east-1:210987654321:execution:m:e".into(),
            generation: 1,
            mode: Mode::Apply,
            tenant_role: "BerthTenant".parse().unwrap(),
            allow_disruption: false,
            opening_until: None,
            tags: OrganizationTags::default(),
            left_over_tags: LeftOverTags::default(),
            only_planned: None,
            repairs: None,
        },
        at: berth_tenancy::ExtensionPoint::End,
        extension: format!("arn:aws:{kind}:berth-extension-dns").parse().unwrap(),
        regions: Vec::new(),
        roles: Vec::new(),
        redrives: 0,
    }
}

fn function() -> Input {
    input("lambda:us-east-1:210987654321:function")
}

fn decide(asked: Ended, called: Option<Ended>) -> Result<Decision<Change, Output>, StepError> {
    CallExtension::decide(&function(), &State { asked, called })
}

fn tells(changes: Value) -> Ended {
    Ended::Answered(json!({ "changes": changes }))
}

#[test]
fn it_is_called_for_what_it_tells_and_not_when_it_tells_nothing() {
    assert_eq!(decide(tells(json!([])), None).unwrap(), Decision::Done(Output {}));
    let Decision::Act(changes) = decide(tells(json!(["make a zone", "make a record"])), None).unwrap() else {
        panic!()
    };
    assert_eq!(changes.len(), 1, "one call for all of it");
    assert_eq!(changes[0].to_string(), "have berth-extension-dns do: make a zone; make a record");
    assert_eq!(
        decide(tells(json!(["make a zone"])), Some(Ended::Answered(Value::Null))).unwrap(),
        Decision::Done(Output {})
    );
}

#[test]
fn what_is_not_ready_is_waited_for_and_what_failed_ends_the_run() {
    for (asked, called) in [(Ended::Waits("w".into()), None), (tells(json!(["x"])), Some(Ended::Waits("w".into())))] {
        let error = decide(asked, called).unwrap_err();
        assert_eq!((error.fault, error.message.as_str()), (Fault::NotReady, "berth-extension-dns is not ready: w"));
    }
    for (asked, called) in [(Ended::Failed("f".into()), None), (tells(json!(["x"])), Some(Ended::Failed("f".into())))] {
        let error = decide(asked, called).unwrap_err();
        assert_eq!((error.fault, error.message.as_str()), (Fault::ExtensionFailed, "berth-extension-dns failed: f"));
        assert!(error.hint.contains("redrive"), "{}", error.hint);
    }
}

#[test]
fn an_answer_that_no_plan_takes_is_refused_before_it_is_called() {
    let many = vec!["x"; EXTENSION_CHANGES_MAX + 1];
    for answer in [
        Value::Null,
        json!("ok"),
        json!({}),
        json!({ "changes": "x" }),
        json!({ "changes": [1] }),
        json!({ "changes": [""] }),
        json!({ "changes": ["two\nlines"] }),
        json!({ "changes": ["x".repeat(EXTENSION_CHARS_MAX + 1)] }),
        json!({ "changes": many }),
    ] {
        let error = decide(Ended::Answered(answer.clone()), None).unwrap_err();
        assert_eq!(error.fault, Fault::ExtensionFailed, "{answer}: {error}");
        assert!(error.message.contains("in mode plan it "), "{error}");
    }
    let most = vec!["x".repeat(EXTENSION_CHARS_MAX); EXTENSION_CHANGES_MAX];
    assert!(matches!(decide(tells(json!(most)), None), Ok(Decision::Act(_))));
}

#[test]
fn a_plan_has_what_it_tells_and_another_plan_has_another_key() {
    let key = |input: &Input, told: &[&str]| {
        let state = State { asked: tells(json!(told)), called: None };
        let DryRun { batches, .. } = dry_run::<CallExtension>(input, state.clone()).unwrap();
        let planned = berth_step::planned::<CallExtension>("call-extension", input, state, &batches);
        assert_eq!(planned.planned.len(), 1);
        (planned.planned[0].action, planned.planned[0].operation.clone(), planned.planned[0].key.clone())
    };
    let (function, machine) = (function(), input("states:us-east-1:210987654321:stateMachine"));
    let (action, operation, first) = key(&function, &["make a zone"]);
    assert_eq!((action, operation.as_str()), (Action::Change, "lambda:InvokeFunction"));
    assert_eq!(key(&machine, &["make a zone"]).1, "states:StartExecution");
    assert_eq!(key(&function, &["make a zone"]).2, first);
    assert_ne!(key(&function, &["make another zone"]).2, first, "it is not what was approved");
}

proptest! {
    #[test]
    fn from_any_state_it_ends_in_one_call_or_a_fault(told in prop::collection::vec(".{0,30}", 0..25), ending in 0..4) {
        let called = match ending {
            0 => None,
            1 => Some(Ended::Answered(Value::Null)),
            2 => Some(Ended::Waits("w".into())),
            _ => Some(Ended::Failed("f".into())),
        };
        let state = State { asked: tells(json!(told)), called };
        if let Ok(DryRun { batches, state, .. }) = dry_run::<CallExtension>(&function(), state) {
            prop_assert!(batches.len() <= 1);
            prop_assert_eq!(CallExtension::decide(&function(), &state).unwrap(), Decision::Done(Output {}));
        }
    }
}
