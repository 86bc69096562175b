//! Which onboardings were asked for before: their names are taken for 90 days, so the count must go on after them.

use std::collections::BTreeMap;

use aws_sdk_sfn::types::ExecutionListItem;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_tenancy::AccountId;

use crate::{outcome::Problem, target::Deployment};

/// The newest onboarding of an account that Step Functions still knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Newest {
    pub(super) generation: u32,
    /// ARN of its execution.
    pub(super) execution: String,
}

/// The newest of each account. [Step Functions `ListExecutions`]
pub(super) async fn newest_of(deployment: &Deployment) -> Result<BTreeMap<AccountId, Newest>, Problem> {
    let machine = deployment.state_machine().await?;
    let mut pages =
        deployment.step_functions.list_executions().state_machine_arn(machine).into_paginator().items().send();
    let mut newest = BTreeMap::new();
    while let Some(execution) = pages.next().await {
        let execution = execution.named("states:ListExecutions").or_common()?;
        take(&mut newest, &execution);
    }
    Ok(newest)
}

fn take(newest: &mut BTreeMap<AccountId, Newest>, execution: &ExecutionListItem) {
    // Executions that a person started have other names: they belong to no generation.
    let Some((account, generation)) = parse(execution.name()) else { return };
    let is_newer = newest.get(&account).is_none_or(|known: &Newest| known.generation < generation);
    if is_newer {
        newest.insert(account, Newest { generation, execution: execution.execution_arn().to_owned() });
    }
}

/// Account and generation in the name of an execution: `111122223333-g2`.
fn parse(name: &str) -> Option<(AccountId, u32)> {
    let (account, generation) = name.split_once("-g")?;
    Some((account.parse().ok()?, generation.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_berth_gives_have_a_generation() {
        let account: AccountId = "111122223333".parse().unwrap();
        assert_eq!(parse("111122223333-g12"), Some((account, 12)));
        for name in ["111122223333", "111122223333-g", "11112222333-g1", "6f9c-g1", "111122223333-gx"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
