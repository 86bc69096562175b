//! What functions, the command line and the ledger write for each other: an execution's output, the result of a region,
//! a request for a commit, a plan, what a look for drift found, the reports of a sweep and of a look at the repository.
//!
//! Types and their JSON, and nothing else: no function depends on another, and the command line on none, for the sake of a
//! shape. What is stored stays readable: `tests/records.rs` holds records as earlier versions wrote them.
//!
//! ```
//! use berth_contract::ExecutionOutput;
//!
//! let output = r#"{ "decision": "ignore", "reason": "it is the hub account", "accountId": "111122223333" }"#;
//! let ExecutionOutput::Ignore { reason, account_id } = serde_json::from_str(output)? else { panic!("{output}") };
//! assert_eq!((reason.as_str(), account_id.as_str()), ("it is the hub account", "111122223333"));
//! # Ok::<(), serde_json::Error>(())
//! ```
#![warn(missing_docs)]

/// What to do about an account that Organizations does not know: `plan-onboarding` says it, and `announce-outcome` knows by it
/// that there is nothing to keep a record of.
pub const NO_SUCH_ACCOUNT: &str =
    "check the account id: this organization has no such account; berth onboard takes twelve digits";

mod approval;
mod commit;
pub mod drift;
mod extension;
mod lines;
mod offboarding;
mod output;
mod plan;
mod record;
pub mod repository;
pub mod sweep;

pub use approval::{Answered, Approval, DECISION_HEADER, Decide, Decided, PROOF_SECONDS, Proof, Rejection, Verdict};
pub use commit::{CommitRequest, Settled, TaskToken, Wish};
pub use drift::Drift;
pub use extension::{ExtensionAnswer, ExtensionRegion, ExtensionRequest, ExtensionRole};
pub use lines::{PlanLine, plan_lines};
pub use offboarding::{LeftBaseline, LeftRegion, OffboardingOutput};
pub use output::{CommitOutput, ExecutionOutput, RegionResult};
pub use plan::{
    Difference, Incomplete, PlanDocument, Withheld, changes_in_answer, changes_in_output, changes_of, in_order,
};
pub use record::{
    AccessEntryRecord, ClusterAccessRecord, CommitRecord, DefaultVpcRecord, PodIdentityRecord, Readiness,
    ReadinessRecord, RegionRecord, RoleRecord, SignInRecord,
};
