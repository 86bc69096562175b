//! What several functions share when they call EC2: filters and tags. A crate of its own, so that functions without EC2
//! do not link aws-sdk-ec2.
//!
//! ```
//! use berth_ec2::{filter, sdk_tags, tags};
//! use berth_tenancy::Tags;
//!
//! let of_vpc = filter("vpc-id", &["vpc-0123456789abcdef0"]);
//! assert_eq!(of_vpc.values(), ["vpc-0123456789abcdef0"]);
//! let ours = Tags::from_iter([("berth:tenant", "payments")]);
//! assert_eq!(tags(Some(&sdk_tags(&ours))), ours);
//! ```
#![warn(missing_docs)]

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use berth_tenancy::Tags;

/// One filter of a Describe call: any of these values.
#[must_use]
pub fn filter(name: &str, values: &[impl AsRef<str>]) -> Filter {
    let values = values.iter().map(|value| value.as_ref().to_owned()).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

/// Tags as EC2 answers them: no list when there are none.
#[must_use]
pub fn tags(tags: Option<&[Tag]>) -> Tags {
    let pair = |tag: &Tag| (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned());
    tags.unwrap_or_default().iter().map(pair).collect()
}

/// Tags as EC2 takes them.
#[must_use]
pub fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.0.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Tags of a resource that is being made, as its creating call takes them.
#[must_use]
pub fn tag_specification(kind: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder().resource_type(kind).set_tags(Some(sdk_tags(tags))).build()
}
