//! Proves again that no tenant's VPC reaches another, for every spoke route table of the platform.
//!
//! An onboarding proves it of its own VPC, and what somebody changes in the network account afterwards, no onboarding
//! sees. So this reads each route table of each gateway once, on a schedule, however many accounts there are, and compares
//! it with every VPC that the ledger has there. It changes nothing; a difference is its error, which an alarm hears.

mod gateways;

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_config::PlatformConfig;
use berth_isolation::{prove_all, read};
use berth_ledger::{Ledger, Listing};
use berth_step::{Fault, StepError, Traced};
use berth_tenancy::{AccountId, Region};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use crate::gateways::{Gateway, gateways};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// What the schedule asks for: nothing in particular.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {}

impl Traced for Input {
    fn account(&self) -> Option<AccountId> {
        None
    }
}

/// What was proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// When it was read: nobody knows what was changed since.
    pub proven_at: Timestamp,
    /// The spoke tables.
    pub gateways: Vec<Proven>,
    /// VPCs in regions that platform.yaml has no more, of which nothing is proven: what is left over.
    pub left_over: usize,
}

/// One spoke table, of whose VPCs none reaches another tenant's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proven {
    pub region: Region,
    pub transit_gateway: String,
    pub spoke_route_table: String,
    /// How many VPCs were compared.
    pub vpcs: usize,
}

#[derive(Debug, Clone)]
pub struct ProveIsolation {
    /// The platform's configuration, or why it cannot be used.
    pub platform: Result<PlatformConfig, String>,
    /// Sessions into the network account.
    pub sessions: Sessions,
    pub ledger: Ledger,
}

impl ProveIsolation {
    /// Proves once, at the time `now`. A gateway that cannot be read holds up no other.
    ///
    /// # Errors
    ///
    /// `NotOwned` for what somebody changed, with every difference; what could not be read is not proven, and an error, too.
    pub async fn handle(&self, _: Input, now: Timestamp) -> Result<Report, StepError> {
        let platform = self.platform.as_ref().map_err(|why| {
            StepError::new(Fault::InvalidInput, format!("isolation is not proven, without a platform.yaml: {why}"))
                .hint("run `berth validate platform.yaml`, correct it, and deploy again; the next proof is in an hour")
        })?;
        // Before the gateways: an account that is onboarded meanwhile proves its own VPC.
        let Listing { records, unreadable } = self.ledger.list().await?;
        let mut problems: Vec<StepError> = unreadable.into_iter().map(|each| each.error).collect();
        let tenants: BTreeMap<String, String> = records
            .iter()
            .filter_map(|record| Some((record.account_id.to_string(), record.tenant.as_ref()?.to_string())))
            .collect();
        let (gateways, left_over, unproven) = gateways(platform, &records);
        problems.extend(unproven);
        let mut proven = Vec::new();
        for gateway in &gateways {
            let breaches = match Box::pin(self.look(platform, gateway, tenants.clone(), now)).await {
                Ok(breaches) => breaches,
                Err(error) => vec![error],
            };
            let Gateway { region, plan, vpcs, .. } = gateway;
            let (table, count) = (plan.spoke_route_table.as_str(), vpcs.len());
            tracing::info!(region = region.as_str(), table, vpcs = count, breaches = breaches.len(), "looked");
            if breaches.is_empty() {
                proven.push(Proven {
                    region: region.clone(),
                    transit_gateway: plan.id.clone(),
                    spoke_route_table: plan.spoke_route_table.clone(),
                    vpcs: count,
                });
            }
            problems.extend(breaches.into_iter().map(|error| error.in_region(region)));
        }
        if problems.is_empty() {
            return Ok(Report { proven_at: now, gateways: proven, left_over });
        }
        for error in &problems {
            let account = error.account.as_ref().map(AccountId::as_str);
            let region = error.region.as_ref().map(Region::as_str);
            tracing::error!(account, region, fault = %error.fault, hint = error.hint, "{}", error.message);
        }
        let (good, all) = (proven.len(), gateways.len());
        let done = format!("{good} of {all} spoke tables isolate their tenants");
        // The hints of each speak of an execution, and here is none.
        Err(StepError::of_many(problems, &done, "berth-prove-isolation").hint(
            "the log of berth-prove-isolation has each difference with what to do about it in the network account; the \
             next proof, in an hour, sees it",
        ))
    }

    /// Everything in which one gateway differs from the plan.
    async fn look(
        &self,
        platform: &PlatformConfig,
        gateway: &Gateway,
        tenants: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<Vec<StepError>, StepError> {
        let role = (&platform.network.account, &platform.network.role);
        let scope =
            SessionScope::in_platform(role, Some(&gateway.region), "prove-isolation", POLICY.session(Part::Network));
        let network = Client::new(&self.sessions.assume(scope).await?);
        let (mut details, attached) = Box::pin(read::gateway(&network, &gateway.plan, now)).await?;
        details.tenants = tenants;
        Ok(prove_all(&gateway.plan, &gateway.vpcs, &details, &attached))
    }
}
