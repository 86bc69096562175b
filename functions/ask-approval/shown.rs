//! The plan as people see it in a pull request: Markdown, in which no name of theirs means anything. Pure.

use berth_contract::{Approval, PlanDocument, PlanLine, plan_lines};
use berth_step::{Fault, StepError};

/// Longest file, in bytes: what an item of the ledger has room for, beside the rest of the question.
const BYTES_MAX: usize = 300_000;

/// The title of the pull request.
pub(crate) fn title(plan: &PlanDocument) -> String {
    let PlanDocument { account_id, tenant, environment, counts, .. } = plan;
    format!("Plan of {account_id} ({tenant} {environment}): {counts}")
}

/// The file. The same question is the same file, whenever it is asked: nothing in it says until when.
///
/// # Errors
/// `InvalidInput` for a plan that is too long to be shown whole: nobody shall approve what they cannot read.
pub(crate) fn text(plan: &PlanDocument, approval: &Approval) -> Result<String, StepError> {
    let PlanDocument { account_id, tenant, environment, counts, hash, .. } = plan;
    let Approval { execution, question, since, .. } = approval;
    let mut text = format!(
        "# Plan of {account_id} ({tenant} {environment})\n\n\
         Whoever merges this approves the plan: Berth looks at the account once more, and makes it if it is still the same. \
         Whoever closes the pull request rejects it. Berth never reads this file for anything else.\n\n"
    );
    let head = [
        format!("plan       {hash}"),
        format!("changes    {counts}"),
        format!("asked by   {execution}"),
        format!("question   {question}, since {since}"),
        String::new(),
    ];
    let line = |line: PlanLine| match line {
        PlanLine::Heading(text) => text,
        PlanLine::Change(action, text) => format!("  {} {text}", action.sign()),
        PlanLine::Difference(text) => format!("      {text}"),
    };
    let changes = plan_lines(&plan.changes, Some(account_id.as_str())).into_iter().map(line);
    for line in head.into_iter().chain(changes) {
        // Four spaces make it code, which ends with the next line that has fewer; so no text ends it.
        text.push_str(format!("    {}", plain(&line)).trim_end());
        text.push('\n');
    }
    if text.len() <= BYTES_MAX {
        return Ok(text);
    }
    let what = format!("the plan has {} bytes as text, and a pull request shows {BYTES_MAX}", text.len());
    Err(StepError::new(Fault::InvalidInput, what)
        .hint("onboard the account with fewer regions first, or with `by: command` in the approval of its environment"))
}

/// Text that looks like what it is: whatever is no letter of a western alphabet, sign or space is escaped, among it what ends a
/// line, hides, or turns the direction of what stands beside it.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{24f}' | '→' | '…' => plain.push(char),
            other => plain.extend(other.escape_unicode()),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn plan(sentence: &str, count: usize) -> PlanDocument {
        let change = json!({
            "step": "create-tenant-roles", "accountId": "111122223333", "action": "create", "kind": "role",
            "operation": "iam:CreateRole", "change": sentence, "key": "0000000000000000",
        });
        let document: PlanDocument = serde_json::from_value(json!({
            "version": 1, "accountId": "111122223333", "tenant": "shop", "environment": "dev", "stateMachineArn": "arn:machine",
            "executionArn": "arn:plan", "plannedAt": "1970-01-01T00:00:00Z", "allowDisruption": false, "hash": "",
            "counts": { "create": count, "change": 0, "delete": 0, "disrupts": 0 }, "changes": vec![change; count],
        }))
        .unwrap();
        document.sealed()
    }

    fn approval(until: &str) -> Approval {
        serde_json::from_value(json!({
            "plan": "sha256:1", "plannedBy": "arn:plan", "execution": "arn:me", "question": 2, "revision": 3,
            "counts": { "create": 1, "change": 0, "delete": 0, "disrupts": 0 }, "approvers": 1,
            "since": "1970-01-01T00:00:00Z", "asked": until, "until": until,
        }))
        .unwrap()
    }

    #[test]
    fn what_people_named_is_one_line_of_code_whatever_it_holds() {
        let hostile = "create \n\n# Merge me\r\n```\u{202e}@all\u{200b} <img src=x> Größe\u{ad}";
        let plan = plan(hostile, 1);
        let shown = text(&plan, &approval("1970-01-02T00:00:00Z")).unwrap();
        let code = r"      + create \u{a}\u{a}# Merge me\u{d}\u{a}```\u{202e}@all\u{200b} <img src=x> Größe\u{ad}";
        assert!(shown.contains(&format!("\n{code}\n")), "{shown}");
        let (prose, code) = shown.split_once("\n    ").unwrap();
        assert!(prose.is_ascii() && !prose.contains("Merge me"), "{prose}");
        assert!(code.lines().skip(1).all(|line| line.is_empty() || line.starts_with("    ")), "{code}");
        assert!(shown.contains(&plan.hash) && shown.contains("question   2, since 1970-01-01T00:00:00Z"), "{shown}");
        assert_eq!(title(&plan), "Plan of 111122223333 (shop dev): 1 to create, 0 to change, 0 to delete");
    }

    #[test]
    fn the_same_question_is_the_same_file_and_too_long_a_plan_is_refused() {
        let short = plan("create a role", 1);
        let [today, tomorrow] = ["1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z"].map(approval);
        assert_eq!(text(&short, &today).unwrap(), text(&short, &tomorrow).unwrap());
        let error = text(&plan(&"x".repeat(400), 1000), &today).unwrap_err();
        assert!(error.fault == Fault::InvalidInput && error.message.contains("a pull request shows 300000"), "{error}");
    }
}
