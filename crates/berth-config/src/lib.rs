//! platform.yaml: its types, its schema, and what is checked beyond the schema.
//!
//! [`PlatformConfig::parse`] reads and checks the file; [`PlatformConfig::match_account`] says what it means for one
//! account. Both are pure: no clock, and no I/O but in [`PlatformConfig::load`].

mod baseline;
mod check;
mod environments;
mod errors;
mod facts;
mod identity;
mod load;
mod locate;
mod matching;
mod network;
mod parse;
mod platform;
mod policy;
mod published;
mod recover;
mod resolve;
mod roles;
mod schema;
mod shape;
mod sign_in;
mod template;
mod tenant_name;

pub use baseline::{Backup, Baseline, ConfigService, Recorder};
pub use environments::{Environment, GitOps, OffboardingRules, RegionConfig};
pub use errors::{ConfigError, ConfigErrors};
pub use facts::{AccountFacts, NoPath, units_of, units_of_paths};
pub use matching::{Match, MatchError, Onboarding};
pub use network::{AddressSource, FlowLogs, GatewayEndpoint, TransitGateway};
pub use platform::{
    Cluster, ContactEmail, EksCluster, Hub, Network, OffboardingGuard, Organization, PlatformConfig, StartSource,
    TagSpecification, Unlisted,
};
pub use roles::{Boundary, RoleTemplate, Roles};
pub use schema::json_schema;
pub use sign_in::{IdentityCenter, SignIn};
