//! The tags of each part: what creating calls set, and what later runs repair.

use berth_step::{Fault, StepError};
use berth_tenancy::{ResourceKind, Tags, TierRouting};

use crate::{
    Input,
    state::{TAG_ROUTING, TAG_TIER, TAG_ZONE, routing_tag},
};

impl Input {
    /// Name of the VPC, and first part of the names of everything in it. Computed, so that a repeat finds what it made.
    #[must_use]
    pub fn vpc_name(&self) -> String {
        format!("berth-{}-{}", self.run.tenant, self.run.environment)
    }

    /// Tags of the VPC.
    #[must_use]
    pub fn vpc_tags(&self) -> Tags {
        self.run.tags_of(ResourceKind::Vpc).with("Name", &self.vpc_name())
    }

    /// Tags of a subnet.
    #[must_use]
    pub fn subnet_tags(&self, tier: &str, zone: &str) -> Tags {
        let tags = self.part(ResourceKind::Subnet, &format!("{tier}-{zone}"));
        tags.with(TAG_TIER, tier).with(TAG_ZONE, zone)
    }

    /// Tags of a route table.
    ///
    /// # Errors
    /// `Bug`, for tiers without a table of their own.
    pub fn table_tags(&self, routing: TierRouting) -> Result<Tags, StepError> {
        let name = routing_tag(routing)
            .ok_or_else(|| StepError::new(Fault::Bug, "asked for a route table of tiers that use the main one"))?;
        Ok(self.part(ResourceKind::RouteTable, name).with(TAG_ROUTING, name))
    }

    /// Tags of the internet gateway.
    #[must_use]
    pub fn gateway_tags(&self) -> Tags {
        self.part(ResourceKind::InternetGateway, "public")
    }

    /// Tags of a gateway endpoint, by the short name of its service.
    #[must_use]
    pub fn endpoint_tags(&self, service: &str) -> Tags {
        self.part(ResourceKind::VpcEndpoint, service)
    }

    /// Tags of the flow logs.
    #[must_use]
    pub fn flow_log_tags(&self) -> Tags {
        self.part(ResourceKind::VpcFlowLog, "flow-logs")
    }

    /// Tags of a part whose name ends with `suffix`.
    fn part(&self, kind: ResourceKind, suffix: &str) -> Tags {
        self.run.tags_of(kind).with("Name", &format!("{}-{suffix}", self.vpc_name()))
    }
}
