//! The ledger in DynamoDB: who works on an account now, what was asked for, how it ended.
//!
//! What becomes of an event is decided without I/O:
//!
//! ```
//! use berth_ledger::{Admission, admit};
//!
//! assert_eq!(admit(None, None, None), Admission::Start { generation: 1 }, "an account that nobody knows");
//! let second = admit(None, None, Some(2));
//! assert!(matches!(second, Admission::Duplicate { .. }), "{second:?}");
//! ```
#![warn(missing_docs)]

mod addresses;
mod admission;
mod approvals;
mod binding;
mod creation;
mod drift;
mod forget;
mod free;
mod journal;
mod lease;
mod merges;
mod offboarding;
mod outcome;
mod part;
mod questions;
mod record;
mod release;
mod restore;
mod table;

pub use addresses::{BlockRequest, CLOSED_REST_SECONDS, Holding, Pool, REST_SECONDS, Rest, usable};
pub use admission::{Admission, admit, next_generation};
pub use approvals::WaitingToken;
pub use binding::Bound;
pub use creation::{RecordedVpc, VpcIntent};
pub use journal::{JOURNAL_BYTES_MAX, JournalBatch};
pub use lease::{Acquisition, Holder};
pub use merges::{OpenProposal, Waiter};
pub use offboarding::{OffboardingMark, Tombstone, accounts_with_something, day};
pub use outcome::{Ending, drift_after, given_after};
pub use part::{AccessRemoval, Before, Part, PartOffboarded, Suspension};
// What a record holds of an onboarding is what its execution said.
pub use berth_contract::{
    AccessEntryRecord, Answered, Approval, ClusterAccessRecord, CommitRecord, DefaultVpcRecord, Drift,
    PodIdentityRecord, Readiness, ReadinessRecord, RegionRecord, Rejection, RoleRecord, SignInRecord,
};
pub use questions::{ProposedAt, Question};
pub use record::{Record, Status};
pub use restore::Restored;
pub use table::{Ledger, Listing, Unreadable};
