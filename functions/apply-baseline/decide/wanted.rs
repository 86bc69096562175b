//! Names and tokens: computed from the account, never made up.

use berth_tenancy::{AccountId, BackupPlan, ResourceKind, Subject, Tags};
use sha2::{Digest, Sha256};

use crate::{Input, PlannedRule};

/// Name of the backup plan.
pub const PLAN_NAME: &str = "berth-backup";

/// Name of the configuration recorder and of its delivery channel, where Berth makes them.
pub const RECORDER: &str = "berth-recorder";

/// What the names of Control Tower's recorders start with.
pub(crate) const CONTROL_TOWER: &str = "aws-controltower-";

/// The `CreatorRequestId` of what Berth makes in AWS Backup: 1 to 50 letters, digits and `-_.`. AWS keeps it and nobody
/// can change it, so it also tells what Berth made, without a call for tags.
#[must_use]
pub fn token(account: &AccountId, what: &str) -> String {
    format!("berth-{account}-{what}")
}

/// Name of the selection. A selection cannot be changed, so its name holds what it says: one with this name and this
/// token is as planned, without a call for its content.
#[must_use]
pub fn selection_name(plan: &BackupPlan) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(&plan.role_arn).chain(plan.tags.iter().flat_map(|tag| [&tag.key, &tag.value])) {
        // Lengths keep parts apart.
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let number = hash.finalize().iter().take(6).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("berth-{number:012x}")
}

/// The rules of the plan as AWS Backup has them.
pub(crate) fn planned_rules(plan: &BackupPlan) -> Vec<PlannedRule> {
    let rule = |rule: &berth_tenancy::BackupRule| PlannedRule { rule: rule.clone(), vault: plan.vault.clone() };
    plan.rules.iter().map(rule).collect()
}

/// ARN of the role that AWS Config records with.
pub(crate) fn config_role(run: &Subject) -> String {
    run.iam_arn("role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig")
}

/// The tags of a resource of this kind.
pub(crate) fn tags(input: &Input, kind: ResourceKind) -> Tags {
    input.run.tags_of(kind)
}
