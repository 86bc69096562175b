//! platform.yaml: its types, its schema, and what is checked beyond the schema.
//!
//! [`PlatformConfig::parse`] reads and checks the file; [`PlatformConfig::match_account`] says what it means for one
//! account. Both are pure: no clock, and no I/O but in [`PlatformConfig::load`].
//!
//! ```
//! use berth_config::{AccountFacts, Match, PlatformConfig};
//!
//! let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/platform.example.yaml");
//! let config = PlatformConfig::parse(&std::fs::read_to_string(example)?)?;
//! let mut facts = AccountFacts {
//!     account_id: "111122223333".parse()?,
//!     name: "payments-dev".to_owned(),
//!     email: None,
//!     state: "ACTIVE".to_owned(),
//!     ous: vec!["ou-ab12-dev00001".to_owned()],
//!     joined: None,
//!     tags: [("berth:tenant".to_owned(), "payments".to_owned())].into(),
//! };
//! let Match::Onboard(onboarding) = config.match_account(&facts)? else { panic!("its unit is listed") };
//! assert_eq!((onboarding.tenant.as_str(), onboarding.environment.as_str()), ("payments", "dev"));
//! facts.ous = vec!["ou-ab12-other001".to_owned()];
//! assert!(matches!(config.match_account(&facts)?, Match::Ignored { .. }));
//!
//! let errors = PlatformConfig::parse("startOn: [controltower]").unwrap_err();
//! assert!(errors.to_string().contains("unknown variant `controltower`"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]

mod approval;
mod baseline;
mod check;
mod drift;
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

pub use approval::{Approval, ApprovalRules};
pub use baseline::{Backup, Baseline, ConfigService, Recorder};
pub use drift::{DriftSchedule, OnDrift};
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
