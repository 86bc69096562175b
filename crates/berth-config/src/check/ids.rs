//! What AWS takes as a name or an id, where several checks ask.

/// Whether a text is an id as EC2 makes them: the prefix, then 8 to 17 hexadecimal digits.
pub(super) fn is_ec2_id(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    (8..=17).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Whether IAM takes this as the name of a role or policy, apart from its length.
pub(super) fn is_iam_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b))
}

/// Whether `CreatePermissionSet` takes this as a name.
pub(super) fn is_permission_set(name: &str) -> bool {
    is_iam_name(name) && name.len() <= 32
}
