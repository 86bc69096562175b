//! Requests that are Berth's own: the plain `{"accountId": "…"}` of a person, and the `Account Created` event.

use berth_tenancy::{Mode, PlanLimit, RepairLimit};

use crate::{
    Decision, Recognised, Source, Transfer,
    envelope::{Node, QUOTE_CHARS_MAX, account_id, with_particulars},
    fields::STRANGE_MAX,
    json::{Json, Scalar},
    outcome,
    quoting::quoted,
};

/// Keys of a plain request, besides what [`is_remark`] allows.
const KEYS: [&str; 12] = [
    "accountId",
    "mode",
    "generation",
    "allowDisruption",
    "onlyPlanned",
    "drift",
    "repairs",
    "transferTo",
    "oldAccessRemoved",
    "reason",
    "source",
    "time",
];

/// Keys that a plain request may have and that say nothing: remarks, and what Step Functions adds to a nested run.
fn is_remark(key: &str) -> bool {
    matches!(key, "comment" | "Comment" | "eventId" | "requestedBy") || key.starts_with("AWS_STEP_FUNCTIONS_")
}

/// Recognises the input of a console run. Unknown keys are refused: with `"mdoe": "plan"` a person wants no change.
pub(crate) fn plain(request: &Node) -> Recognised {
    let strange = request.strange.iter().map(String::as_str).filter(|key| !is_remark(key));
    let misplaced = request.keys().filter(|key| !KEYS.contains(key));
    if let Some(key) = strange.chain(misplaced).next() {
        let key = quoted(key, QUOTE_CHARS_MAX);
        return Recognised::reject(format!(
            "a request has no key {key}; it has accountId, and may have mode, generation, allowDisruption, onlyPlanned, drift, repairs, transferTo and oldAccessRemoved"
        ))
        .from(Source::Manual);
    }
    if request.strange.len() == STRANGE_MAX {
        return Recognised::reject("the request has too many keys that say nothing").from(Source::Manual);
    }
    let allow_disruption = match switch(&request.allow_disruption, "allowDisruption") {
        Ok(allow) => allow,
        Err(why) => return Recognised::reject(why).from(Source::Manual),
    };
    let only_planned = match only_planned(request) {
        Ok(limit) => limit,
        Err(why) => return Recognised::reject(why).from(Source::Manual),
    };
    let transfer = match transfer(request) {
        Ok(transfer) => transfer,
        Err(why) => return Recognised::reject(why).from(Source::Manual),
    };
    let drift = match drift(request) {
        Ok(drift) => drift,
        Err(why) => return Recognised::reject(why).from(Source::Manual),
    };
    let repairs = match repairs(request) {
        Ok(repairs) => repairs,
        Err(why) => return Recognised::reject(why).from(Source::Manual),
    };
    let time = request.time.text().and_then(crate::timestamp::parse);
    let asked = asked(request, "a person asked for it");
    Recognised { time, allow_disruption, only_planned, drift, repairs, transfer, ..asked }.from(Source::Manual)
}

/// Recognises an event with Berth's own source or detail-type.
pub(crate) fn own(source: &str, kind: &str, detail: &Node, envelope: &Node) -> Recognised {
    if source != outcome::SOURCE {
        return Recognised::reject(format!(
            "forged: its detail-type is {kind:?} but its source is {}, not {}",
            quoted(source, QUOTE_CHARS_MAX),
            outcome::SOURCE
        ));
    }
    let recognised = match kind {
        outcome::ACCOUNT_CREATED if !is_known_version(&detail.version) => {
            Recognised::reject(format!("the version of its detail is not {}", outcome::Version::NUMBER))
                .from(Source::Own)
        }
        outcome::ACCOUNT_CREATED if !detail.allow_disruption.is_absent() => {
            // Events are repeated and replayed; an outage is allowed once, by a person who waits for it.
            Recognised::reject("an event cannot allow disruption: only a person's request can").from(Source::Own)
        }
        outcome::ACCOUNT_CREATED if !detail.only_planned.is_absent() => {
            // A plan is applied at once or not at all: by the time of a replay it is another.
            Recognised::reject("an event cannot apply a plan: only a person's request can").from(Source::Own)
        }
        outcome::ACCOUNT_CREATED if !detail.drift.is_absent() => {
            Recognised::reject("an event cannot ask for a look for drift: only a request can").from(Source::Own)
        }
        outcome::ACCOUNT_CREATED if !detail.repairs.is_absent() => {
            Recognised::reject("an event cannot ask for a repair: only a request can").from(Source::Own)
        }
        outcome::ACCOUNT_CREATED if !(detail.transfer_to.is_absent() && detail.old_access_removed.is_absent()) => {
            Recognised::reject("an event cannot transfer an account: only a person's request can").from(Source::Own)
        }
        outcome::ACCOUNT_CREATED => asked(detail, "Berth's own event says that the account is there").from(Source::Own),
        outcome::ACCOUNT_ONBOARDED | outcome::ACCOUNT_ONBOARDING_FAILED | outcome::ACCOUNT_IGNORED => {
            let account = account_id(&detail.account_id).ok();
            Recognised::ignore("it says how an onboarding ended").about(account).from(Source::Own)
        }
        outcome::ACCOUNT_APPROVAL_REQUESTED => {
            let account = account_id(&detail.account_id).ok();
            Recognised::ignore("it says that a plan waits for an approval").about(account).from(Source::Own)
        }
        outcome::ACCOUNT_DRIFT_CHANGED => {
            let account = account_id(&detail.account_id).ok();
            Recognised::ignore("it says how an account stands to its plan").about(account).from(Source::Own)
        }
        outcome::ACCOUNT_OFFBOARDED | outcome::ACCOUNT_OFFBOARDING_FAILED => {
            let account = account_id(&detail.account_id).ok();
            Recognised::ignore("it says how an offboarding ended").about(account).from(Source::Own)
        }
        other => {
            let kind = quoted(other, QUOTE_CHARS_MAX);
            return Recognised::reject(format!("forged: Berth publishes no event with detail-type {kind}"));
        }
    };
    with_particulars(recognised, kind, detail, envelope)
}

/// Tools may leave the version out.
fn is_known_version(version: &Scalar) -> bool {
    matches!(version, Json::Absent) || *version == Json::Number(outcome::Version::NUMBER.into())
}

/// What a request asks for.
fn asked(request: &Node, why: &str) -> Recognised {
    match (account_id(&request.account_id), mode(&request.mode), generation(&request.generation)) {
        (Ok(account), Ok(mode), Ok(generation)) => {
            let reason = if mode == Some(Mode::Plan) { format!("{why}, as a plan only") } else { why.to_owned() };
            Recognised { mode, generation, ..Recognised::new(Decision::Onboard, reason).about(Some(account)) }
        }
        (Err(why), ..) | (_, Err(why), _) | (.., Err(why)) => Recognised::reject(why),
    }
}

fn mode(value: &Scalar) -> Result<Option<Mode>, String> {
    match value {
        Json::Absent | Json::Null => Ok(None),
        Json::Text(text) if text == "apply" => Ok(Some(Mode::Apply)),
        Json::Text(text) if text == "plan" => Ok(Some(Mode::Plan)),
        Json::Text(text) => Err(format!("mode is {}, not \"apply\" or \"plan\"", quoted(text, QUOTE_CHARS_MAX))),
        other => Err(format!("mode is {}, not \"apply\" or \"plan\"", other.kind())),
    }
}

/// A truth value that is off unless it is given.
fn switch(value: &Scalar, key: &str) -> Result<bool, String> {
    match value {
        Json::Absent | Json::Null => Ok(false),
        Json::Truth(on) => Ok(*on),
        other => Err(format!("{key} is {}, not true or false", other.kind())),
    }
}

/// Whether the request looks for drift, which is a plan that the ledger is told of.
fn drift(request: &Node) -> Result<bool, String> {
    let drift = switch(&request.drift, "drift")?;
    if drift && mode(&request.mode)? != Some(Mode::Plan) {
        return Err("a look for drift changes nothing: drift needs mode \"plan\"".to_owned());
    }
    Ok(drift)
}

/// The kinds that a repair may mend.
fn repairs(request: &Node) -> Result<Option<RepairLimit>, String> {
    let limit: RepairLimit = match &request.repairs {
        Json::Absent | Json::Null => return Ok(None),
        Json::Text(text) => text.parse().map_err(|error| format!("repairs is no list of kinds: {error}"))?,
        other => return Err(format!("repairs is {}, not a text with kinds", other.kind())),
    };
    // An outage is never repaired unasked, and a plan is made as it is.
    if switch(&request.allow_disruption, "allowDisruption")? || !request.only_planned.is_absent() {
        return Err("repairs goes with neither allowDisruption nor onlyPlanned".to_owned());
    }
    Ok(Some(limit))
}

/// The plan to which a run is limited: its hash, and the keys of its changes.
fn only_planned(request: &Node) -> Result<Option<PlanLimit>, String> {
    match &request.only_planned {
        Json::Absent | Json::Null => Ok(None),
        Json::Text(text) => text.parse().map(Some).map_err(|error| format!("onlyPlanned is no plan: {error}")),
        other => Err(format!("onlyPlanned is {}, not a hash and keys", other.kind())),
    }
}

/// Whom the account shall become: `<tenant>/<environment>`.
fn transfer(request: &Node) -> Result<Option<Transfer>, String> {
    let is_old_access_removed = switch(&request.old_access_removed, "oldAccessRemoved")?;
    let text = match &request.transfer_to {
        Json::Absent | Json::Null if is_old_access_removed => {
            return Err("oldAccessRemoved belongs to a transfer, and transferTo is not there".to_owned());
        }
        Json::Absent | Json::Null => return Ok(None),
        Json::Text(text) => text,
        other => return Err(format!("transferTo is {}, not \"<tenant>/<environment>\"", other.kind())),
    };
    let parsed = text.split_once('/').map(|(tenant, environment)| (tenant.parse(), environment.parse()));
    match parsed {
        Some((Ok(tenant), Ok(environment))) => Ok(Some(Transfer { tenant, environment, is_old_access_removed })),
        _ => Err(format!("transferTo is {}, not \"<tenant>/<environment>\"", quoted(text, QUOTE_CHARS_MAX))),
    }
}

fn generation(value: &Scalar) -> Result<Option<u32>, String> {
    match value {
        Json::Absent | Json::Null => Ok(None),
        Json::Number(number) => {
            u32::try_from(*number).map(Some).map_err(|_| format!("generation {number} is larger than {}", u32::MAX))
        }
        other => Err(format!("generation is {}, not a whole number", other.kind())),
    }
}
