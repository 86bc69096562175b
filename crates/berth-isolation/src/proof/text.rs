//! Names and routes in messages, cut to what an execution's history holds.

use std::collections::BTreeSet;

use crate::GatewayRoute;

/// Most names that a message lists.
const LISTED_MAX: usize = 8;

pub(super) fn list(names: &BTreeSet<&String>) -> String {
    cut(&names.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ", ")
}

/// The first of the texts, and how many more there are.
pub(super) fn cut<T: AsRef<str>>(texts: &[T], separator: &str) -> String {
    let shown: Vec<&str> = texts.iter().take(LISTED_MAX).map(AsRef::as_ref).collect();
    let text = shown.join(separator);
    match texts.len().saturating_sub(LISTED_MAX) {
        0 if text.is_empty() => "nothing".to_owned(),
        0 => text,
        more => format!("{text}{separator}and {more} more"),
    }
}

/// A route as a message shows it.
pub(super) fn described(route: &GatewayRoute) -> String {
    let GatewayRoute { destination, prefix_list, kind, state, targets } = route;
    let from = prefix_list.as_ref().map(|list| format!(" of {list}")).unwrap_or_default();
    let kind = if matches!(kind.as_str(), "static" | "propagated") { String::new() } else { format!("{kind:?}, ") };
    let attachments: Vec<&str> = targets.iter().map(|target| target.attachment.as_str()).collect();
    format!("{destination}{from} ({kind}{state}) to {}", cut(&attachments, ", "))
}
