//! Converges the baseline of an account in one region.
