//! What several functions share when they call IAM: tags, and the roles that AWS services make for themselves.
//!
//! ```
//! use berth_iam::{sdk_tags, tags};
//! use berth_tenancy::Tags;
//!
//! let ours = Tags::from_iter([("berth:tenant", "payments")]);
//! assert_eq!(tags(&sdk_tags(&ours)?), ours);
//! # Ok::<(), berth_step::StepError>(())
//! ```
#![warn(missing_docs)]

use aws_sdk_iam::{Client, types::Tag};
use berth_aws::{CallFailure, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{Tags, wait};

/// Tags as IAM answers them.
#[must_use]
pub fn tags(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key(), tag.value())).collect()
}

/// Tags as IAM takes them.
///
/// # Errors
/// `Bug`, for a tag without key or value: there is none.
pub fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, StepError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let built: Result<Vec<Tag>, _> = tags.0.iter().map(tag).collect();
    built.map_err(|error| StepError::new(Fault::Bug, "a tag without key or value").because(error))
}

/// Makes the service-linked role of an AWS service (`config.amazonaws.com`), unless it is there.
/// [IAM `CreateServiceLinkedRole`]
///
/// IAM answers `InvalidInput` when the role is there, and for wrong input too: only the message tells them apart.
///
/// # Errors
/// `Conflict` while another region of the account makes the same role; else what the code means for every service.
pub async fn ensure_service_linked_role(iam: &Client, service: &str) -> Result<(), StepError> {
    let sent = iam.create_service_linked_role().aws_service_name(service).send().await;
    match sent.named("iam:CreateServiceLinkedRole") {
        Ok(_) => Ok(()),
        Err(failure) if is_there(&failure) => Ok(()),
        Err(failure) if failure.is(&["ConcurrentModification", "ConcurrentModificationException"]) => {
            let hint = wait(
                "another region makes the same role",
                "see in IAM whether the service-linked role is there, or is being deleted; then redrive the execution",
            );
            Err(failure.as_fault(Fault::Conflict, hint))
        }
        Err(failure) => Err(failure.or_common()),
    }
}

fn is_there(failure: &CallFailure) -> bool {
    failure.is(&["InvalidInput", "InvalidInputException"]) && failure.mentions("has been taken in this account")
}
