//! Requests for assignments, of the whole organization: which are under way, and which Identity Center gave up.
//!
//! Their list holds only ids; what a request is about must be asked for one by one. That never changes, so a process
//! asks once for each.

use aws_sdk_ssoadmin::types::{AccountAssignmentOperationStatusMetadata, OperationStatusFilter, StatusValues};
use aws_smithy_types::DateTime;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::StepError;
use berth_tenancy::AccountId;

use super::memory::Request;
use crate::{Clients, ObservedAssignment};

/// Failed requests that are looked at, newest first. An older one of ours only means that its reason is not shown.
const FAILED_MAX: usize = 10;

/// What an assignment of the plan looks like as a request.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    account: String,
    permission_set_arn: String,
    group_id: String,
}

impl Wanted {
    /// The request that would make this assignment.
    pub(crate) fn of(account: &AccountId, observed: &ObservedAssignment) -> Self {
        let (permission_set_arn, group_id) = (observed.permission_set_arn.clone(), observed.group_id.clone());
        Self { account: account.to_string(), permission_set_arn, group_id }
    }

    /// Whether a request is this one.
    pub(crate) fn is(&self, request: &Request) -> bool {
        self.account == request.account
            && self.permission_set_arn == request.permission_set_arn
            && self.group_id == request.principal
    }
}

/// Requests under way: at most as many as Identity Center takes at once.
pub(crate) async fn under_way(clients: &Clients, instance: &str) -> Result<Vec<Request>, StepError> {
    let mut requests = Vec::new();
    for listed in list(clients, instance, StatusValues::InProgress).await? {
        requests.extend(described(clients, instance, &listed, false).await?);
    }
    Ok(requests)
}

/// Requests that failed, newest first.
pub(crate) async fn failed(clients: &Clients, instance: &str) -> Result<Vec<Request>, StepError> {
    let mut listed = list(clients, instance, StatusValues::Failed).await?;
    listed.sort_by_key(|request| std::cmp::Reverse(request.created_date.as_ref().map_or(0, DateTime::as_nanos)));
    let mut requests = Vec::new();
    for listed in listed.iter().take(FAILED_MAX) {
        requests.extend(described(clients, instance, listed, true).await?);
    }
    Ok(requests)
}

/// Lists requests of one status. [sso-admin `ListAccountAssignmentCreationStatus`]
async fn list(
    clients: &Clients,
    instance: &str,
    status: StatusValues,
) -> Result<Vec<AccountAssignmentOperationStatusMetadata>, StepError> {
    let filter = OperationStatusFilter::builder().status(status).build();
    let call = clients.center.list_account_assignment_creation_status().instance_arn(instance).filter(filter);
    let listed: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    listed.named("sso:ListAccountAssignmentCreationStatus").or_common()
}

/// What a request asks for, and why it failed. None for one that Identity Center has forgotten meanwhile.
/// [sso-admin `DescribeAccountAssignmentCreationStatus`]
async fn described(
    clients: &Clients,
    instance: &str,
    listed: &AccountAssignmentOperationStatusMetadata,
    has_failed: bool,
) -> Result<Option<Request>, StepError> {
    let Some(id) = listed.request_id() else { return Ok(None) };
    if let Some(known) = clients.memory.request(id).filter(|known| !has_failed || known.failure.is_some()) {
        return Ok(Some(known));
    }
    let call = clients.center.describe_account_assignment_creation_status().instance_arn(instance);
    let sent = call.account_assignment_creation_request_id(id).send().await;
    let sent = sent.named("sso:DescribeAccountAssignmentCreationStatus").none_if(&["ResourceNotFoundException"]);
    let Some(answer) = sent.or_common()? else { return Ok(None) };
    let Some(status) = answer.account_assignment_creation_status else { return Ok(None) };
    let no_reason = || "Identity Center gives no reason".to_owned();
    let failure =
        (status.status == Some(StatusValues::Failed)).then(|| status.failure_reason.unwrap_or_else(no_reason));
    let request = Request {
        account: status.target_id.unwrap_or_default(),
        permission_set_arn: status.permission_set_arn.unwrap_or_default(),
        principal: status.principal_id.unwrap_or_default(),
        failure,
    };
    clients.memory.remember_request(id, request.clone());
    Ok(Some(request))
}
