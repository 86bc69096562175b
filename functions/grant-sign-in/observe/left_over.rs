//! Looks at assignments that the account was given and that the plan does not have any more: which are still there.

use std::collections::BTreeMap;

use berth_aws::CallResultExt;
use berth_step::StepError;
use berth_tenancy::{AccountId, LeftOver, SignInPlan, Thing};

use super::{find_assigned, find_group, find_permission_set};
use crate::{Clients, ObservedLeftOver};

/// What Identity Center says of a group, or of a permission set, that is gone: it has taken its assignments along.
const GONE: [&str; 1] = ["ResourceNotFoundException"];

/// Those of them that are there. By the ids that were recorded, and only where there are none by name: a group or a
/// permission set of that name may be another one by now.
pub(super) async fn observe(
    clients: &Clients,
    account: &AccountId,
    plan: &SignInPlan,
    left_over: &[LeftOver],
) -> Result<Vec<ObservedLeftOver>, StepError> {
    let mut assigned = BTreeMap::new();
    let mut there = Vec::new();
    for LeftOver { thing, remove, until_next_run } in left_over {
        let Thing::SignIn { group, permission_set: set, group_id: id, permission_set_arn: arn } = thing else {
            continue;
        };
        let set_arn = match arn {
            Some(arn) => Some(arn.clone()),
            None => find_permission_set(clients, plan, set).await?,
        };
        let id = match id {
            Some(id) => Some(id.clone()),
            None => find_group(clients, plan, group).await?.none_if(&GONE).or_common()?,
        };
        let (Some(set_arn), Some(id)) = (set_arn, id) else { continue };
        if !assigned.contains_key(&set_arn) {
            let groups = find_assigned(clients, account, plan, &set_arn).await.none_if(&GONE).or_common()?;
            assigned.insert(set_arn.clone(), groups.unwrap_or_default());
        }
        if assigned.get(&set_arn).is_some_and(|groups| groups.contains(&id)) {
            there.push(ObservedLeftOver {
                group: group.clone(),
                permission_set: set.clone(),
                group_id: id,
                permission_set_arn: set_arn,
                remove: *remove,
                until_next_run: *until_next_run,
                is_leaving: false,
            });
        }
    }
    Ok(there)
}
