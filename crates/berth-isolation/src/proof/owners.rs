//! Whose attachments are called shared: one of a tenant's own would let every other tenant in.

use berth_step::{Fault, StepError};
use berth_tenancy::TransitGatewayPlan;

use crate::{Details, GatewayAttachment, Vpc};

/// No shared attachment of the plan belongs to a tenant.
pub(super) fn check(plan: &TransitGatewayPlan, vpcs: &[Vpc], details: &Details) -> Result<(), StepError> {
    let mut shared = plan.shared_attachments.iter().filter_map(|id| details.attachments.get(id));
    let Some((attachment, tenant)) = shared.find_map(|each| Some((each, tenant(vpcs, details, each)?))) else {
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
pub(super) fn tenant(vpcs: &[Vpc], details: &Details, attachment: &GatewayAttachment) -> Option<String> {
    let own = vpcs.iter().find(|vpc| attachment.owner == vpc.account_id.as_str());
    own.map(|vpc| vpc.tenant.to_string()).or_else(|| details.tenants.get(&attachment.owner).cloned())
}
