//! Policies beside functions, and what journeys used of them. Rules about them are in `tests/tests/permissions/`.

mod decided;
mod demanded;
mod policies;
mod recorded;
mod used;

pub use self::{
    decided::{Decided, decided, denied, unneeded},
    demanded::{Demanded, EVENT_SOURCE, demanded, demanded_of},
    policies::{policies, policy_text},
    recorded::{Permission, Use, differences, recorded},
    used::used_page,
};
