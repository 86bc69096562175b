//! The baseline of one account: which regions do what, and the role that AWS Backup works with.

use std::collections::BTreeMap;

use berth_tenancy::{
    AccountBaselinePlan, AccountId, BackupPlan, BaselinePlan, ConfigPlan, Partition, RecorderPlan, Region, RolePlan,
    RoleTrust, role_arn,
};

use crate::{Backup, Baseline, ConfigService, Environment, Recorder, RegionConfig, baseline::BACKUP_ROLE};

/// Shortest of the longest sessions that IAM takes; AWS Backup asks for no longer one.
const SESSION_SECONDS: u32 = 3600;

/// The baseline of every region that has anything switched on. Account-wide settings go with the first region.
pub(crate) fn baselines(environment: &Environment, account: &AccountId) -> Vec<BaselinePlan> {
    let whole = environment.baseline.as_ref().is_some_and(|baseline| baseline.s3_public_access_block);
    let plans = environment.regions.iter().enumerate().map(|(n, (region, config))| {
        let first = n == 0;
        let mut plan = one(region, of(environment, config), first, account);
        plan.account = (first && whole).then_some(AccountBaselinePlan { s3_public_access_block: true });
        plan
    });
    plans.filter(|plan| !plan.is_empty()).collect()
}

/// The role that AWS Backup works with, where an account of the environment needs Berth to make it.
pub(crate) fn backup_role(environment: &Environment, partition: Partition) -> Option<RolePlan> {
    needs_backup_role(environment).then(|| RolePlan {
        key: BACKUP_ROLE.to_owned(),
        name: BACKUP_ROLE.to_owned(),
        path: "/".to_owned(),
        trust: RoleTrust::AwsService { name: "backup.amazonaws.com".to_owned() },
        access: None,
        managed_policies: vec![
            partition.managed_policy_arn("service-role/AWSBackupServiceRolePolicyForBackup"),
            partition.managed_policy_arn("service-role/AWSBackupServiceRolePolicyForRestores"),
        ],
        inline_policies: BTreeMap::new(),
        session_seconds_max: SESSION_SECONDS,
        tags: BTreeMap::new(),
    })
}

/// Whether any region's backups work with the role that Berth makes.
pub(crate) fn needs_backup_role(environment: &Environment) -> bool {
    let baselines = environment.regions.values().filter_map(|region| of(environment, region));
    baselines.filter_map(|baseline| baseline.backup.as_ref()).any(|backup| backup.role.is_none())
}

/// The baseline of a region: its own, else the environment's.
fn of<'a>(environment: &'a Environment, region: &'a RegionConfig) -> Option<&'a Baseline> {
    region.baseline.as_ref().or(environment.baseline.as_ref())
}

fn one(region: &Region, baseline: Option<&Baseline>, first: bool, account: &AccountId) -> BaselinePlan {
    let Baseline { backup, config, ebs_encryption, require_imds_v2, snapshot_sharing, s3_public_access_block: _ } =
        baseline.cloned().unwrap_or_default();
    BaselinePlan {
        region: region.clone(),
        backup: backup.map(|backup| plan_backup(backup, Partition::of(region.as_str()), account)),
        config: config.map(|config| plan_config(config, first)),
        ebs_encryption,
        require_imds_v2,
        snapshot_sharing,
        account: None,
    }
}

fn plan_backup(backup: Backup, partition: Partition, account: &AccountId) -> BackupPlan {
    let Backup { vault, kms_key, role, rules, tags } = backup;
    let role_arn = role.map_or_else(
        || partition.iam_arn(account, &format!("role/{BACKUP_ROLE}")),
        |role| role_arn(partition, account, &role),
    );
    BackupPlan { vault, kms_key, role_arn, rules, tags }
}

/// Resources without a region are recorded in one region of the account only, or each would be recorded many times.
fn plan_config(config: ConfigService, first: bool) -> ConfigPlan {
    let ConfigService { recorder, rules } = config;
    let plan = |Recorder { bucket, prefix }: Recorder| RecorderPlan { bucket, prefix, global_resources: first };
    ConfigPlan { recorder: recorder.map(plan), rules }
}
