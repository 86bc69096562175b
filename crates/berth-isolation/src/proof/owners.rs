//! Whose attachments are called shared: one of a tenant's own would let every other tenant in.

use berth_step::{Fault, StepError};

use crate::{Details, GatewayAttachment, Input};

/// No shared attachment of the plan belongs to a tenant.
pub(super) fn check(input: &Input, details: &Details) -> Result<(), StepError> {
    let plan = &input.transit_gateway;
    let mut shared = plan.shared_attachments.iter().filter_map(|id| details.attachments.get(id));
    let Some((attachment, tenant)) = shared.find_map(|each| Some((each, tenant(input, details, each)?))) else {
        return Ok(());
    };
    let GatewayAttachment { id, owner, .. } = attachment;
    let what = format!("sharedAttachments lists {id}, which belongs to account {owner} of tenant {tenant}");
    Err(StepError::new(Fault::InvalidInput, what).hint(format!(
        "remove {id} from sharedAttachments in platform.yaml, and its routes from {}; what tenants share is in an \
         account of the platform; then start the onboarding again",
        plan.spoke_route_table
    )))
}

/// The tenant whose account owns the attachment; none when no tenant's does, as far as the ledger knows.
pub(super) fn tenant(input: &Input, details: &Details, attachment: &GatewayAttachment) -> Option<String> {
    if attachment.owner == input.run.account_id.as_str() {
        return Some(input.run.tenant.to_string());
    }
    details.tenants.get(&attachment.owner).cloned()
}
