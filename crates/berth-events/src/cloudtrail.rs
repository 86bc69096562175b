//! CloudTrail's records of account events: which are known, who may send them, and what each means.
//!
//! Control Tower: <https://docs.aws.amazon.com/controltower/latest/userguide/lifecycle-events.html>.
//! Organizations: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html>.

mod known;

use berth_tenancy::AccountId;

use crate::{
    Decision, Recognised,
    envelope::{Node, Parameters, QUOTE_CHARS_MAX, Status, account_id, with_particulars},
    json::{Json, Scalar},
    quoting::quoted,
};
use known::{Known, Meaning};

/// Longest message of AWS that a reason repeats, in characters.
const MESSAGE_CHARS_MAX: usize = 300;

pub(crate) use known::{is_kind, is_source};

/// Recognises a record; `envelope` is EventBridge's, when there is one.
pub(crate) fn recognise(record: &Node, envelope: Option<&Node>) -> Recognised {
    let Some(name) = record.event_name.text() else {
        return Recognised::reject(format!("its eventName is {}", record.event_name.kind()));
    };
    let particulars = |recognised| with_particulars(recognised, name, record, envelope.unwrap_or(&Node::default()));
    let Some(known) = known::find(name) else {
        let sender = known::sender(record, envelope);
        let ignored = Recognised::ignore(format!("{} asks for nothing", quoted(name, QUOTE_CHARS_MAX)));
        return particulars(Recognised { source: sender, ..ignored });
    };
    if known.is_namesake(record, envelope) {
        return particulars(Recognised::ignore(format!("{name} of another service does not concern accounts")));
    }
    if let Some(why) = known.contradiction(record, envelope) {
        return particulars(Recognised::reject(format!("forged: {why}")));
    }
    let recognised = if record.error_code.is_given() {
        let code = record.error_code.text().map_or_else(String::new, |code| quoted(code, QUOTE_CHARS_MAX));
        let account = asked_for(record).and_then(|asked| account_id(&asked.account_id).ok());
        Recognised::ignore(format!("{name} was refused by AWS ({code}), so nothing changed")).about(account)
    } else {
        never_the_management_account(meaning(known, record), record, envelope, known)
    };
    particulars(recognised.from(known.source))
}

/// What a true record asks for.
fn meaning(known: &Known, record: &Node) -> Recognised {
    let details = record.details.object();
    let tower = |status: &Status| account_id(status.account.object().map_or(&Json::Absent, |held| &held.account_id));
    let organizations = |status: &Status| account_id(&status.account_id);
    match known.meaning {
        Meaning::ManagedCreated => {
            let status = details.and_then(|details| details.managed_created.object());
            result(known, status, tower, Decision::Onboard, "Control Tower created the account")
        }
        Meaning::ManagedUpdated => {
            let status = details.and_then(|details| details.managed_updated.object());
            let why = "Control Tower updated the account, or created it at a second try";
            result(known, status, tower, Decision::Onboard, why)
        }
        Meaning::Created => {
            let status = details.and_then(|details| details.created.object());
            result(known, status, organizations, Decision::Onboard, "Organizations created the account")
        }
        Meaning::Closed => {
            let status = details.and_then(|details| details.closed.object());
            result(known, status, organizations, Decision::Offboard, "the account was closed")
        }
        Meaning::Moved => moved(record),
        Meaning::CreationAsked => {
            Recognised::ignore("the account is only being created: CreateAccountResult tells its id and how it went")
        }
        Meaning::ClosingAsked => {
            target(record, |asked| &asked.account_id, Decision::Offboard, "the account is being closed")
        }
        Meaning::Tagged => tagged(record, known.name),
    }
}

/// A result that AWS reports: it counts when it succeeded.
fn result(
    known: &Known,
    status: Option<&Status>,
    account: impl Fn(&Status) -> Result<AccountId, String>,
    decision: Decision,
    why: &str,
) -> Recognised {
    let name = known.name;
    let Some(status) = status else {
        return Recognised::reject(format!("its serviceEventDetails lack the status of {name}"));
    };
    let account = account(status);
    match status.state.text() {
        Some("SUCCEEDED") => settled(account, decision, why.to_owned()),
        Some(state) => {
            let told = status.failure_reason.text().or(status.message.text());
            let told = told.map_or_else(String::new, |told| format!(": {}", quoted(told, MESSAGE_CHARS_MAX)));
            let state = quoted(state, QUOTE_CHARS_MAX);
            Recognised::ignore(format!("{name} ended with state {state}{told}")).about(account.ok())
        }
        None => Recognised::reject(format!("the state of its {name} is {}", status.state.kind())),
    }
}

/// An account that the plan looks at again, because where it is decides whether it is ours.
fn moved(record: &Node) -> Recognised {
    let unit = asked_for(record).and_then(|asked| asked.destination.text());
    let unit = unit.map_or_else(|| "another organizational unit".to_owned(), |unit| quoted(unit, QUOTE_CHARS_MAX));
    target(record, |asked| &asked.account_id, Decision::Onboard, &format!("the account was moved to {unit}"))
}

/// Tags may opt an account in or out; those of units and policies do not matter.
fn tagged(record: &Node, name: &str) -> Recognised {
    let resource = asked_for(record).map_or(&Json::Absent, |asked| &asked.resource_id);
    match resource.text() {
        Some(text) if !text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Recognised::ignore(format!("{name} of {}, which is no account", quoted(text, QUOTE_CHARS_MAX)))
        }
        _ => settled(account_id(resource), Decision::Onboard, "the tags of the account changed".to_owned()),
    }
}

/// A call about the account that a parameter names.
fn target(record: &Node, parameter: fn(&Parameters) -> &Scalar, decision: Decision, why: &str) -> Recognised {
    settled(account_id(asked_for(record).map_or(&Json::Absent, parameter)), decision, why.to_owned())
}

fn asked_for(record: &Node) -> Option<&Parameters> {
    record.parameters.object()
}

/// The decision, if there is an account to decide about.
fn settled(account: Result<AccountId, String>, decision: Decision, why: String) -> Recognised {
    match account {
        Ok(account) => Recognised::new(decision, why).about(Some(account)),
        Err(missing) => Recognised::reject(missing),
    }
}

/// These events appear in the management account only, so they name it; it is never onboarded and never offboarded.
fn never_the_management_account(
    recognised: Recognised,
    record: &Node,
    envelope: Option<&Node>,
    known: &Known,
) -> Recognised {
    if !matches!(recognised.decision, Decision::Onboard | Decision::Offboard) {
        return recognised;
    }
    let caller = record.identity.object().filter(|_| known.is_reported_by_service()).map(|who| &who.account_id);
    let managers = [envelope.map(|envelope| &envelope.account), Some(&record.recipient), caller];
    let account = recognised.account_id.as_ref().map(AccountId::as_str);
    if account.is_some() && managers.into_iter().flatten().any(|manager| manager.text() == account) {
        let reason = "it is about the management account, which Berth never touches";
        return Recognised { decision: Decision::Ignore, reason: reason.to_owned(), ..recognised };
    }
    recognised
}
