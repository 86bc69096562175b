//! The account events that Berth knows, and what AWS writes into each: anything else with such a name is forged.

use crate::{
    Source,
    envelope::{Node, QUOTE_CHARS_MAX},
    json::Scalar,
    quoting::quoted,
};

const SERVICE_EVENT: &str = "AWS Service Event via CloudTrail";
const API_CALL: &str = "AWS API Call via CloudTrail";

/// What an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Control Tower finished making an account.
    ManagedCreated,
    /// Control Tower finished changing an account, or making it after a first try failed.
    ManagedUpdated,
    /// Organizations finished making an account.
    Created,
    /// Organizations finished closing an account.
    Closed,
    /// Someone moved an account to another unit.
    Moved,
    /// Someone asked for an account.
    CreationAsked,
    /// Someone asked to close an account.
    ClosingAsked,
    /// Someone changed tags.
    Tagged,
}

/// One event that Berth knows.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) source: Source,
    pub(super) meaning: Meaning,
    /// Whether other services have a call of this name too.
    is_common_name: bool,
}

const fn known(name: &'static str, source: Source, meaning: Meaning, is_common_name: bool) -> Known {
    Known { name, source, meaning, is_common_name }
}

static KNOWN: [Known; 9] = [
    known("CreateManagedAccount", Source::ControlTower, Meaning::ManagedCreated, false),
    known("UpdateManagedAccount", Source::ControlTower, Meaning::ManagedUpdated, false),
    known("CreateAccountResult", Source::Organizations, Meaning::Created, false),
    known("CloseAccountResult", Source::Organizations, Meaning::Closed, false),
    known("MoveAccount", Source::Organizations, Meaning::Moved, false),
    known("CreateAccount", Source::Organizations, Meaning::CreationAsked, true),
    known("CloseAccount", Source::Organizations, Meaning::ClosingAsked, true),
    known("TagResource", Source::Organizations, Meaning::Tagged, true),
    known("UntagResource", Source::Organizations, Meaning::Tagged, true),
];

/// The event of this name.
pub(super) fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// `source` in EventBridge and `eventSource` in CloudTrail of a service.
fn names(source: Source) -> Option<(&'static str, &'static str)> {
    match source {
        Source::ControlTower => Some(("aws.controltower", "controltower.amazonaws.com")),
        Source::Organizations => Some(("aws.organizations", "organizations.amazonaws.com")),
        Source::Own | Source::Manual => None,
    }
}

/// Whether EventBridge's `source` is one of the services that send account events.
pub(crate) fn is_source(source: &str) -> bool {
    [Source::ControlTower, Source::Organizations]
        .iter()
        .any(|&ours| names(ours).is_some_and(|(name, _)| name == source))
}

/// Whether a `detail-type` is one of those that CloudTrail's events have.
pub(crate) fn is_kind(detail_type: &str) -> bool {
    [SERVICE_EVENT, API_CALL].contains(&detail_type)
}

/// Who sent an event whose name is not known, when envelope and record agree on it.
pub(super) fn sender(record: &Node, envelope: Option<&Node>) -> Option<Source> {
    [Source::ControlTower, Source::Organizations].into_iter().find(|&service| {
        names(service).is_some_and(|(source, event_source)| {
            envelope.is_none_or(|envelope| envelope.source.text() == Some(source))
                && record.event_source.text().map_or(envelope.is_some(), |text| text == event_source)
        })
    })
}

impl Known {
    /// Whether the service itself reports it, rather than a caller's request.
    pub(super) fn is_reported_by_service(&self) -> bool {
        matches!(self.meaning, Meaning::ManagedCreated | Meaning::ManagedUpdated | Meaning::Created | Meaning::Closed)
    }

    /// Whether it is another service's call of the same name. Only AWS can send a source that starts with `aws.`.
    pub(super) fn is_namesake(&self, record: &Node, envelope: Option<&Node>) -> bool {
        let event_source = record.event_source.text();
        let other_service = match envelope.and_then(|envelope| envelope.source.text()) {
            Some(source) => source.starts_with("aws.") && !is_source(source),
            None => envelope.is_none() && event_source.is_some_and(|text| text.ends_with(".amazonaws.com")),
        };
        let ours = names(self.source).is_some_and(|(_, ours)| event_source == Some(ours));
        self.is_common_name && other_service && !ours
    }

    /// What does not fit the event's name, if anything: AWS sends each name with one source and one type.
    pub(super) fn contradiction(&self, record: &Node, envelope: Option<&Node>) -> Option<String> {
        let (source, event_source) = names(self.source)?;
        let (detail_type, event_type) =
            if self.is_reported_by_service() { (SERVICE_EVENT, "AwsServiceEvent") } else { (API_CALL, "AwsApiCall") };
        let of_envelope = envelope.map(|envelope| {
            [("source", &envelope.source, source, true), ("detail-type", &envelope.detail_type, detail_type, true)]
        });
        let of_record = [
            ("eventSource", &record.event_source, event_source, envelope.is_none()),
            ("eventType", &record.event_type, event_type, false),
        ];
        let mut checks = of_envelope.into_iter().flatten().chain(of_record);
        checks.find_map(|(key, found, expected, is_needed)| self.differs(key, found, expected, is_needed))
    }

    fn differs(&self, key: &str, found: &Scalar, expected: &str, is_needed: bool) -> Option<String> {
        if found.text() == Some(expected) || (found.is_absent() && !is_needed) {
            return None;
        }
        let found = found.text().map_or_else(|| found.kind().to_owned(), |text| quoted(text, QUOTE_CHARS_MAX));
        Some(format!("{} has {key} {expected:?}, not {found}", self.name))
    }
}
