//! The one place of this crate that touches the disk.

use std::{fs, path::Path};

use crate::PlatformConfig;

impl PlatformConfig {
    /// Reads a platform.yaml from disk. The error is text, because a function keeps it and answers every request with
    /// it: a function that cannot start would hide the reason.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text).map_err(|errors| errors.to_string())
    }
}
