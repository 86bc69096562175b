//! Converges the EKS access entries of a tenant on its clusters.
