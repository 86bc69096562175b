//! The forms of texts in a Tenant, as regular expressions that Go, Rust and JavaScript read alike.
//!
//! No `format`: beside it the API server (1.36) does not look at the type, stores a list where a text belongs, and then
//! every typed reader fails on every list that holds the object.

use regex::Regex;

/// Whether a text has a form. A pattern that does not compile fits nothing, and a test compiles them all.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
}

/// A mail address as AWS takes it for an account: ASCII without spaces, one `@`.
/// [Organizations `CreateAccount`, `Email`]
pub(crate) const EMAIL: &str = "^[!-?A-~]+@[!-?A-~]+$";

/// An ARN of an IAM role.
pub(crate) const ROLE_ARN: &str = "^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/[!-~]+$";

/// A suffix of a namespace, or a reference to one.
pub(crate) const SUFFIX: &str = "^[a-z0-9]+$";

/// A DNS-1123 label, which is what Kubernetes takes as the name of a namespace.
pub(crate) const LABEL: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

/// A DNS-1123 subdomain, which is what Kubernetes takes as the name of a service account.
pub(crate) const SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// A key of a label or an annotation: an optional DNS subdomain, a slash, and at most 63 characters.
pub(crate) const QUALIFIED_NAME: &str = "^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";

/// A value of a label.
pub(crate) const LABEL_VALUE: &str = "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$";

/// Kubernetes' own pattern of a quantity.
pub(crate) const QUANTITY: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

/// A time as RFC 3339 writes it.
pub(crate) const TIME: &str =
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[-+][0-9]{2}:[0-9]{2})$";

/// A block of IPv4 or IPv6 addresses with its prefix length. The address may lie inside the block.
pub(crate) fn cidr() -> String {
    let byte = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    let v4 = format!("({byte}[.]){{3}}{byte}/(3[0-2]|[12]?[0-9])");
    let group = "[0-9A-Fa-f]{1,4}";
    // All eight groups; or `::` with at most seven beside it, by how many stand before it.
    let mut forms =
        vec![format!("({group}:){{7}}{group}"), format!("({group}:){{1,7}}:"), format!(":(:{group}){{1,7}}")];
    forms.extend((1..=6).map(|before| format!("({group}:){{{before}}}(:{group}){{1,{}}}", 7 - before)));
    let v6 = format!("({}|::)/(12[0-8]|1[01][0-9]|[1-9]?[0-9])", forms.join("|"));
    format!("^({v4}|{v6})$")
}
