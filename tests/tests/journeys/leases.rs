//! One writer per account: the fight for the lease, and the step that outlives its execution.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::{Acquisition, Holder, Status};
use berth_step::Fault;
use berth_tenancy::{LeftOverTags, Mode, OrganizationTags, Subject};
use berth_tests::rig::{Call, Event, Rig, event, rig};
use serde_json::json;

use crate::onboarded::assert_onboarded;

/// Executions that want the same account at the same moment.
const RIVALS: usize = 12;

/// How often they fight: each time for an account that nobody has worked on.
const ROUNDS: usize = 8;

fn subject(account: &str, execution: &str, generation: u32) -> Subject {
    Subject {
        account_id: account.parse().unwrap(),
        account_name: "fought over".to_owned(),
        tenant: format!("fought-{account}").parse().unwrap(),
        environment: "dev".parse().unwrap(),
        execution: format!("arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:{execution}"),
        generation,
        mode: Mode::Apply,
        tenant_role: "BerthTenant".parse().unwrap(),
        allow_disruption: false,
        opening_until: None,
        tags: OrganizationTags::default(),
        left_over_tags: LeftOverTags::default(),
        only_planned: None,
        repairs: None,
    }
}

/// The one subject that got the lease; all others must have been told who has it.
fn winner(rig: &Rig, subjects: &[Subject], former: Option<&Holder>) -> String {
    let answers = rig.acquire_at_once(subjects, former);
    let winners: Vec<&Subject> = subjects
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| matches!(answer, Ok(Acquisition::Acquired)))
        .map(|(subject, _)| subject)
        .collect();
    let [winner] = winners.as_slice() else { panic!("{} have the lease: {answers:#?}", winners.len()) };
    for answer in answers.iter().filter(|answer| !matches!(answer, Ok(Acquisition::Acquired))) {
        let Ok(Acquisition::HeldBy(holder)) = answer else { panic!("{answer:?}") };
        assert_eq!(holder.execution, winner.execution, "the others learn who has it");
    }
    let record = rig.record(winner.account_id.as_str()).unwrap();
    assert_eq!((record.status, record.lease.as_ref()), (Status::Running, Some(&winner.execution)));
    winner.execution.clone()
}

#[test]
fn of_executions_that_fight_for_the_lease_in_the_table_exactly_one_gets_it() {
    let rig = rig();
    for round in 0..ROUNDS {
        let account = format!("0009{round:08}");
        let rivals = |name: &str| -> Vec<Subject> {
            (0..RIVALS).map(|rival| subject(&account, &format!("{account}-{name}{rival}"), 1)).collect()
        };
        let dead = Holder { execution: winner(rig, &rivals("first"), None), waits: false };
        // The holder is known to have ended: again exactly one takes over.
        let second = winner(rig, &rivals("second"), Some(&dead));
        assert_ne!(second, dead.execution);
        let late = rig.acquire_at_once(&[subject(&account, "an-older-generation", 0)], Some(&dead));
        assert_eq!(late[0].as_ref().unwrap_err().fault, Fault::Superseded, "{late:?}");
    }
}

#[test]
fn a_stale_writer_stops_before_its_first_change_after_a_takeover() {
    let rig = rig();
    let account = rig.account("superseded-dev", "dev");
    // Looks at VPCs are held: the first execution dies with its steps under way, and they decide before its successor has
    // made anything, so that they want to.
    let looks = json!({ "account": account, "function": "berth-provision-vpc", "operation": "DescribeVpcs" });
    let rule = rig.break_calls(&json!({ "match": looks, "action": { "hold": true } }));
    let stale = rig.start_execution(&json!({ "accountId": account }));
    rig.until("both steps to look", || (rig.fired_so_far(rule) >= 2).then_some(()));
    assert_eq!(rig.record(&account).unwrap().lease.as_ref(), Some(&stale));
    rig.stop(&stale);

    let successor = rig.start_execution(&json!({ "accountId": account }));
    rig.until("the takeover", || rig.record(&account).filter(|record| record.lease.as_ref() == Some(&successor)));
    rig.mend(rule);
    let stopped = rig.until("both steps of the stale to end", || {
        let lines = rig.log_lines("berth-provision-vpc");
        let lines: Vec<String> =
            lines.into_iter().filter(|line| line.contains(&stale) && line.contains("\"outcome\"")).collect();
        (lines.len() == 2).then_some(lines)
    });
    for line in &stopped {
        assert!(line.contains("\"fault\":\"Superseded\"") && line.contains(&successor), "{line}");
    }
    let vpcs_and_attachments =
        |call: &&Call| call.function == "berth-provision-vpc" || call.function == "berth-attach-transit-gateway";
    let changes: Vec<Call> = rig.calls_of(&stale).into_iter().filter(|call| call.effect == "resource").collect();
    assert_eq!(changes.iter().filter(vpcs_and_attachments).count(), 0, "{changes:#?}");

    let ended = rig.ended(&successor);
    assert!(rig.fired(rule) >= 2, "the looks were really held");
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    let record = rig.wait_for_outcome(&account, &successor);
    assert_onboarded(rig, &record);
}

#[test]
fn create_update_and_a_person_at_the_same_moment_end_as_one_onboarding() {
    let rig = rig();
    let account = rig.account("crowded-dev", "dev");
    let events = [event(Event::Created, &account), event(Event::Updated, &account)];
    std::thread::scope(|threads| {
        threads.spawn(|| rig.deliver(&events));
        threads.spawn(|| rig.start_execution(&json!({ "accountId": account })));
    });
    let record = rig.wait_for(&account, Status::Onboarded);
    assert_onboarded(rig, &record);
    let executions = rig.executions(&account);
    assert!(executions.len() <= 2, "the two events are one execution: {executions:?}");
    let changed = |execution: &&String| rig.calls_of(execution).iter().any(|call| call.effect == "resource");
    assert_eq!(executions.iter().filter(changed).count(), 1, "{executions:?}");
    for execution in &executions {
        let ended = rig.ended(execution);
        let is_rival = ended.output["decision"] == "duplicate" || ended.error.as_deref() == Some("Superseded");
        assert!(is_rival || ended.output["decision"] == "onboard", "{ended:?}");
    }
    assert_eq!(rig.commits(&record.commit.unwrap().path).len(), 1);
}
