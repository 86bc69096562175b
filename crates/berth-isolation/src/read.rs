//! Reads the network account: the association first, and the material of the proof once there is something to prove.

mod tables;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::{
    Client,
    types::{
        DefaultRouteTableAssociationValue, DefaultRouteTablePropagationValue, MulticastSupportValue,
        TransitGatewayAssociationState, TransitGatewayAttachment, TransitGatewayAttachmentAssociation,
        TransitGatewayPropagationState,
    },
};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_ec2::filter;
use berth_ledger::Ledger;
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, TransitGatewayPlan, wait};
use jiff::Timestamp;

use crate::{
    AssociatedWith, Association, AssociationState, Attached, Details, GatewayAttachment, GatewayOptions, Hub,
    PropagationState,
};

/// Most attachments whose owner is looked up because the spoke table leads to them although it must not: a message
/// names fewer.
const STRANGERS_MAX: usize = 8;

/// The network account's view of one VPC, whose attachment is `own`; none in a plan of one that is not there yet. What the
/// proof needs is read only once the attachment is associated with the spoke table, and in a plan.
///
/// # Errors
///
/// Those of the calls; `InvalidInput` for a gateway or table that is not there; `NotReady` while the network account does
/// not see the attachment.
pub async fn hub(
    network: &Client,
    plan: &TransitGatewayPlan,
    own: Option<&str>,
    is_plan: bool,
    read_at: Timestamp,
) -> Result<Hub, StepError> {
    let to_error = |error: StepError| error.for_account(&plan.network_account);
    let shared = plan.shared_attachments.iter().map(String::as_str);
    let wanted: BTreeSet<&str> = own.into_iter().chain(shared).collect();
    let mut seen = attachments(network, "transit-gateway-attachment-id", &wanted).await.map_err(to_error)?;
    let association = match own {
        Some(id) => own_association(&mut seen, id).map_err(to_error)?,
        None => None,
    };
    let in_effect = |a: &Association| {
        a.state == AssociationState::Associated
            && matches!(&a.with, AssociatedWith::RouteTable(table) if *table == plan.spoke_route_table)
    };
    if !is_plan && !association.as_ref().is_some_and(in_effect) {
        return Ok(Hub { association, details: None });
    }
    let attachments = seen.into_iter().map(|(id, (attachment, _))| (id, attachment)).collect();
    let details = Box::pin(details(network, plan, own)).await.map_err(to_error)?;
    Ok(Hub {
        association,
        details: Some(with_strangers(network, plan, Details { attachments, read_at, ..details }).await?),
    })
}

/// The association of the VPC's own attachment, which is taken out of `seen`.
fn own_association(seen: &mut Attached, id: &str) -> Result<Option<Association>, StepError> {
    let not_seen = || {
        let hint = wait(
            "an attachment is known in its own account first",
            "see whether the gateway is that of the network account, and whether the attachment is \
             still there; then redrive the execution",
        );
        StepError::new(Fault::NotReady, format!("the network account does not see {id} yet")).hint(hint)
    };
    seen.remove(id).map(|(_, association)| association).ok_or_else(not_seen)
}

/// All that the proof needs besides the attachments.
async fn details(network: &Client, plan: &TransitGatewayPlan, own: Option<&str>) -> Result<Details, StepError> {
    let (propagations, options, spoke, learning, users, elsewhere, policies) = tokio::try_join!(
        propagations(network, own),
        options(network, &plan.id),
        tables::every_route(network, &plan.spoke_route_table, "spokeRouteTable"),
        tables::learning(network, &plan.propagate_to),
        users(network, &plan.propagate_to),
        tables::leading_to(network, plan, own),
        tables::policies(network, &plan.id),
    )?;
    Ok(Details { propagations, options, spoke, learning, elsewhere, users, policies, ..Details::default() })
}

/// The same with the owners of attachments that the spoke table leads to although it must not.
async fn with_strangers(
    network: &Client,
    plan: &TransitGatewayPlan,
    mut details: Details,
) -> Result<Details, StepError> {
    let targets = details.spoke.routes.iter().flat_map(|route| &route.targets).map(|target| target.attachment.as_str());
    let strangers = targets.filter(|id| !id.is_empty() && !details.attachments.contains_key(*id));
    let strangers: BTreeSet<&str> = strangers.take(STRANGERS_MAX).collect();
    if !strangers.is_empty() {
        let found = attachments(network, "transit-gateway-attachment-id", &strangers).await;
        let found = found.map_err(|error| error.for_account(&plan.network_account))?;
        details.attachments.extend(found.into_iter().map(|(id, (attachment, _))| (id, attachment)));
    }
    Ok(details)
}

/// Tenants of the accounts that own what the proof met, other than the network account and `account`, whose VPC it is.
/// [DynamoDB `GetItem`]
///
/// # Errors
///
/// Those of the call, and a record that cannot be read.
pub async fn tenants(
    ledger: &Ledger,
    plan: &TransitGatewayPlan,
    account: &AccountId,
    details: &Details,
) -> Result<BTreeMap<String, String>, StepError> {
    let met = details.attachments.values().chain(details.users.iter().map(|(_, user)| user));
    let owners: BTreeSet<&str> = met.map(|attachment| attachment.owner.as_str()).collect();
    let known = [plan.network_account.as_str(), account.as_str()];
    let mut tenants = BTreeMap::new();
    for owner in owners.into_iter().filter(|owner| !known.contains(owner)).take(STRANGERS_MAX) {
        let Ok(account) = owner.parse::<AccountId>() else { continue };
        let record = ledger.get(&account).await?;
        let tenant = record.and_then(|record| record.tenant);
        tenants.extend(tenant.map(|tenant| (owner.to_owned(), tenant.to_string())));
    }
    Ok(tenants)
}

/// Attachments with what each is associated with, by id. A filter, because an id that is not there would be an error.
/// [EC2 `DescribeTransitGatewayAttachments`]
async fn attachments(network: &Client, name: &str, values: &BTreeSet<&str>) -> Result<Attached, StepError> {
    let values: Vec<&str> = values.iter().copied().collect();
    if values.is_empty() {
        return Ok(BTreeMap::new());
    }
    let request = network.describe_transit_gateway_attachments().filters(filter(name, &values));
    let mut pages = request.into_paginator().items().send();
    let mut found = BTreeMap::new();
    while let Some(seen) = pages.next().await {
        let TransitGatewayAttachment {
            transit_gateway_attachment_id,
            resource_type,
            resource_owner_id,
            association,
            ..
        } = seen.named("ec2:DescribeTransitGatewayAttachments").or_common()?;
        let Some(id) = transit_gateway_attachment_id else { continue };
        let kind = resource_type.map(|kind| kind.as_str().to_owned()).unwrap_or_default();
        let attachment = GatewayAttachment { id: id.clone(), kind, owner: resource_owner_id.unwrap_or_default() };
        found.insert(id, (attachment, association.and_then(self::association)));
    }
    Ok(found)
}

/// What an attachment is associated with. A state that nobody knows is work in progress: waiting has a limit.
fn association(association: TransitGatewayAttachmentAssociation) -> Option<Association> {
    let state = match association.state.as_ref().map(TransitGatewayAssociationState::as_str) {
        Some("associated") => AssociationState::Associated,
        Some("disassociating") => AssociationState::Disassociating,
        Some("disassociated") => return None,
        _ => AssociationState::Associating,
    };
    let policy = association.transit_gateway_policy_table_id.filter(|table| !table.is_empty());
    let routes = association.transit_gateway_route_table_id.filter(|table| !table.is_empty());
    let with = match (policy, routes) {
        (Some(policy), _) => AssociatedWith::PolicyTable(policy),
        (None, Some(routes)) => AssociatedWith::RouteTable(routes),
        (None, None) => AssociatedWith::Unknown,
    };
    Some(Association { with, state })
}

/// Attachments whose traffic goes by one of these tables, or soon will.
async fn users(network: &Client, tables: &[String]) -> Result<Vec<(String, GatewayAttachment)>, StepError> {
    let tables: BTreeSet<&str> = tables.iter().map(String::as_str).collect();
    Ok(using(attachments(network, "association.transit-gateway-route-table-id", &tables).await?))
}

/// The same of attachments that were read.
fn using(found: Attached) -> Vec<(String, GatewayAttachment)> {
    let user = |(attachment, association): (GatewayAttachment, Option<Association>)| {
        // What is associated by another account's word, or with something else by now, counts as found.
        let with = association.map_or("a table that learns".to_owned(), |association| association.with.to_string());
        (with, attachment)
    };
    found.into_values().map(user).collect()
}

/// All that the proof needs of every VPC at a gateway: each table once, however many VPCs there are.
///
/// # Errors
///
/// Those of the calls; `InvalidInput` for a gateway or table that is not there.
pub async fn gateway(
    network: &Client,
    plan: &TransitGatewayPlan,
    read_at: Timestamp,
) -> Result<(Details, Attached), StepError> {
    let of_gateway = BTreeSet::from([plan.id.as_str()]);
    let (attached, options, spoke, learning, users, elsewhere, policies) = tokio::try_join!(
        attachments(network, "transit-gateway-id", &of_gateway),
        options(network, &plan.id),
        tables::every_route(network, &plan.spoke_route_table, "spokeRouteTable"),
        tables::learning(network, &plan.propagate_to),
        users(network, &plan.propagate_to),
        tables::others(network, plan),
        tables::policies(network, &plan.id),
    )
    .map_err(|error| error.for_account(&plan.network_account))?;
    let attachments = attached.iter().map(|(id, (attachment, _))| (id.clone(), attachment.clone())).collect();
    let details =
        Details { options, spoke, learning, elsewhere, users, policies, attachments, read_at, ..Details::default() };
    Ok((details, attached))
}

/// Tables that learn the VPC's block. [EC2 `GetTransitGatewayAttachmentPropagations`]
async fn propagations(
    network: &Client,
    attachment: Option<&str>,
) -> Result<BTreeMap<String, PropagationState>, StepError> {
    let Some(attachment) = attachment else { return Ok(BTreeMap::new()) };
    let request = network.get_transit_gateway_attachment_propagations().transit_gateway_attachment_id(attachment);
    let mut pages = request.into_paginator().items().send();
    let mut tables = BTreeMap::new();
    while let Some(propagation) = pages.next().await {
        let propagation = propagation.named("ec2:GetTransitGatewayAttachmentPropagations").or_common()?;
        let state = match propagation.state.as_ref().map(TransitGatewayPropagationState::as_str) {
            Some("enabled") => PropagationState::Enabled,
            Some("disabled") => continue,
            _ => PropagationState::Changing,
        };
        // A table without an id is one that the plan does not have.
        tables.insert(propagation.transit_gateway_route_table_id.unwrap_or_default(), state);
    }
    Ok(tables)
}

/// Options of the gateway. What the answer does not say counts as on. [EC2 `DescribeTransitGateways`]
async fn options(network: &Client, gateway: &str) -> Result<GatewayOptions, StepError> {
    let sent = network.describe_transit_gateways().transit_gateway_ids(gateway).send().await;
    let answer = sent.named("ec2:DescribeTransitGateways").map_err(|failure| {
        if failure.is(&["InvalidTransitGatewayID.NotFound"]) {
            let next = format!("correct the Transit Gateway in platform.yaml: its account does not know {gateway}");
            return failure.as_fault(Fault::InvalidInput, next);
        }
        failure.or_common()
    })?;
    let options = answer.transit_gateways.unwrap_or_default().into_iter().next().and_then(|gateway| gateway.options);
    let options = options.as_ref();
    let association = options.and_then(|options| options.default_route_table_association.clone());
    let propagation = options.and_then(|options| options.default_route_table_propagation.clone());
    let multicast = options.and_then(|options| options.multicast_support.clone());
    Ok(GatewayOptions {
        default_association: association != Some(DefaultRouteTableAssociationValue::Disable),
        default_propagation: propagation != Some(DefaultRouteTablePropagationValue::Disable),
        multicast: multicast != Some(MulticastSupportValue::Disable),
    })
}
