//! The JSON Schema of platform.yaml, made from the types, for editors and for people without Berth at hand.

use berth_tenancy::without_formats;
use schemars::{generate::SchemaSettings, transform::RecursiveTransform};

use crate::PlatformConfig;

/// The JSON Schema (draft 2020-12) of platform.yaml, as pretty JSON with a newline at its end.
///
/// It holds shapes and bounds; what needs to look at two places at once is checked by [`PlatformConfig::parse`] only.
#[must_use]
pub fn json_schema() -> String {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(without_formats));
    let schema = settings.into_generator().into_root_schema_for::<PlatformConfig>();
    format!("{:#}\n", schema.as_value())
}
