//! Converges the IAM Identity Center assignments of an account.
