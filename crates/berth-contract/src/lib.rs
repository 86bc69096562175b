//! What functions, the command line and the ledger write for each other: an execution's output, the result of a region,
//! a request for a commit, the reports of a sweep and of a look at the repository.
//!
//! Types and their JSON, and nothing else: no function depends on another, and the command line on none, for the sake of a
//! shape. What is stored stays readable: `tests/records.rs` holds records as earlier versions wrote them.

mod commit;
mod offboarding;
mod output;
mod record;
pub mod repository;
pub mod sweep;

pub use commit::{CommitRequest, Settled, TaskToken, Wish};
pub use offboarding::{LeftRegion, OffboardingOutput};
pub use output::{CommitOutput, ExecutionOutput, RegionResult};
pub use record::{
    AccessEntryRecord, ClusterAccessRecord, CommitRecord, DefaultVpcRecord, Readiness, ReadinessRecord, RegionRecord,
    RoleRecord, SignInRecord,
};
