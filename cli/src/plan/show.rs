//! A plan for a person at a terminal: the lines of every plan, in colours.

use berth_contract::{PlanDocument, PlanLine, plan_lines};
use berth_tenancy::{Action, ResourceChange};

use crate::paint;

/// The whole plan, with a last line that counts.
pub(crate) fn plan(plan: &PlanDocument) {
    let PlanDocument { account_id, tenant, environment, counts, .. } = plan;
    if plan.changes.is_empty() {
        anstream::println!("{}: nothing would change in {account_id} ({tenant} {environment})", paint::good("plan"));
        return;
    }
    changes(&plan.changes, Some(account_id.as_str()));
    anstream::println!("{}: {counts} in {account_id} ({tenant} {environment})", paint::good("plan"));
}

/// Changes under a heading for each step and region. `account` is the one that needs no mention.
pub(crate) fn changes(changes: &[ResourceChange], account: Option<&str>) {
    for line in plan_lines(changes, account) {
        match line {
            PlanLine::Heading(text) => anstream::println!("{}", paint::strong(&text)),
            PlanLine::Change(action, text) => anstream::println!("  {} {text}", sign(action)),
            PlanLine::Difference(text) => anstream::println!("      {}", paint::faint(&text)),
        }
    }
}

fn sign(action: Action) -> String {
    let sign = action.sign().to_string();
    match action {
        Action::Create => paint::good(&sign),
        Action::Change => paint::waiting(&sign),
        Action::Delete | Action::Disrupts => paint::bad(&sign),
    }
}
