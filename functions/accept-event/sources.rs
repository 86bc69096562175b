//! From `startOn` of platform.yaml to the sources that may start an onboarding. Pure.

use berth_config::StartSource;
use berth_events::{Source, Sources};

/// The sources that may start an onboarding for an event of this name: Berth's own events and people always may.
///
/// Organizations sends two kinds of events that `startOn` tells apart: accounts that moved, and all others.
#[must_use]
pub fn sources(start_on: &[StartSource], event: Option<&str>) -> Sources {
    let organizations = if event == Some("MoveAccount") { StartSource::Move } else { StartSource::Organizations };
    let mut sources = vec![Source::Own, Source::Manual];
    if start_on.contains(&StartSource::ControlTower) {
        sources.push(Source::ControlTower);
    }
    if start_on.contains(&organizations) {
        sources.push(Source::Organizations);
    }
    Sources::from_iter(sources)
}
