//! The words of a push: one request that is a compare-and-swap on the branch, and the server's report.
//!
//! <https://git-scm.com/docs/gitprotocol-pack>, sections "Pushing Data To a Server" and "Report Status". gix has no push.

use gix_hash::ObjectId;

use super::{
    advert::AGENT,
    pkt_line::{self, FLUSH, Malformed, Packet, Packets},
};

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    /// The branch points to our commit now.
    Accepted,
    /// The branch was not where we said, or somebody else was moving it.
    Stale(String),
    /// The server does not want our commit.
    Rejected(String),
}

/// Moves `reference` from `old` to `new`, if it still is at `old`. Without a side band, so that the report is the whole
/// answer.
pub(crate) fn request(reference: &str, old: ObjectId, new: ObjectId, pack: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut body = Vec::with_capacity(pack.len() + 300);
    pkt_line::push(&mut body, format!("{old} {new} {reference}\0 report-status {AGENT}").as_bytes())?;
    body.extend_from_slice(FLUSH);
    body.extend_from_slice(pack);
    Ok(body)
}

/// Reads the report. An answer that is cut, or that does not name our branch, is malformed: it says neither yes nor no.
pub(crate) fn parse(body: &[u8], reference: &str) -> Result<Report, Malformed> {
    let mut unpacked = false;
    for packet in Packets::new(body) {
        let Packet::Data(payload) = packet? else { continue };
        let line = String::from_utf8_lossy(payload.strip_suffix(b"\n").unwrap_or(payload));
        if let Some(result) = line.strip_prefix("unpack ") {
            if result != "ok" {
                return Ok(Report::Rejected(format!("unpack {result}")));
            }
            unpacked = true;
        } else if line.strip_prefix("ok ") == Some(reference) && unpacked {
            return Ok(Report::Accepted);
        } else if let Some((refused, reason)) = line.strip_prefix("ng ").and_then(|rest| rest.split_once(' '))
            && refused == reference
        {
            return Ok(judge(reason.trim()));
        }
    }
    Err(Malformed)
}

/// Tells a lost race from a refusal by git's own words. A race in other words shows as a head that has moved, which
/// `commit_batch` looks for after each refusal.
fn judge(reason: &str) -> Report {
    const STALE: [&str; 9] = [
        "failed to update ref",
        "failed to lock",
        "cannot lock ref",
        "fetch first",
        "non-fast-forward",
        "stale info",
        "incorrect old value",
        "reference already exists",
        "but expected",
    ];
    if STALE.iter().any(|words| reason.contains(words)) {
        Report::Stale(reason.to_owned())
    } else {
        Report::Rejected(reason.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "refs/heads/main";

    fn report(lines: &[&str]) -> Result<Report, Malformed> {
        let mut body = Vec::new();
        for line in lines {
            pkt_line::push(&mut body, line.as_bytes()).unwrap();
        }
        body.extend_from_slice(FLUSH);
        parse(&body, MAIN)
    }

    #[test]
    fn only_a_report_that_names_our_branch_is_a_success() {
        assert_eq!(report(&["unpack ok\n", "ok refs/heads/main\n"]), Ok(Report::Accepted));
        assert_eq!(report(&["unpack ok\n", "ok refs/heads/main-2\n"]), Err(Malformed));
        assert_eq!(report(&["ok refs/heads/main\n"]), Err(Malformed));
        assert_eq!(report(&["unpack ok\n"]), Err(Malformed));
        assert_eq!(parse(b"<html>Sign in", MAIN), Err(Malformed));
        assert_eq!(parse(b"", MAIN), Err(Malformed));
    }

    #[test]
    fn a_lost_race_is_told_from_a_refusal() {
        for reason in ["failed to update ref", "incorrect old value provided", "cannot lock ref 'refs/heads/main'"] {
            let line = format!("ng refs/heads/main {reason}\n");
            assert_eq!(report(&["unpack ok\n", &line]), Ok(Report::Stale(reason.into())));
        }
        for reason in ["pre-receive hook declined", "protected branch hook declined", "deny updating a hidden ref"] {
            let line = format!("ng refs/heads/main {reason}\n");
            assert_eq!(report(&["unpack ok\n", &line]), Ok(Report::Rejected(reason.into())));
        }
        assert_eq!(report(&["unpack index-pack failed\n"]), Ok(Report::Rejected("unpack index-pack failed".into())));
    }
}
