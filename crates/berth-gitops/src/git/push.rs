//! The words of a push: one request that is a compare-and-swap on a branch, and the server's report.
//!
//! <https://git-scm.com/docs/gitprotocol-pack>, sections "Pushing Data To a Server" and "Report Status". gix has no push.

use gix_hash::ObjectId;

use super::{
    advert::{AGENT, Capabilities},
    pkt_line::{self, FLUSH, Malformed, Packet, Packets},
};

/// What a push shall do: move `reference` from `old` to `new`, if it still is at `old`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Push<'a> {
    /// The branch's whole name.
    pub(crate) reference: &'a str,
    /// Where it is; all zeros if it is not there.
    pub(crate) old: ObjectId,
    /// Where it shall be; all zeros if it shall be gone, and then there is no pack.
    pub(crate) new: ObjectId,
    /// The objects that the server does not have.
    pub(crate) pack: &'a [u8],
    /// Words to the server's own hooks; left out where it takes none.
    pub(crate) options: &'a [String],
}

/// What the server says became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// Whether it says that it was done; else its reason.
    pub(crate) verdict: Result<(), String>,
    /// What its hooks said to people: git shows it behind `remote:`.
    pub(crate) remarks: Vec<String>,
}

/// Why an answer to a push is no report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoReport {
    /// It says neither yes nor no about our branch.
    Malformed(Malformed),
    /// The server lets us not push at all, in its own words.
    Said(String),
}

impl From<Malformed> for NoReport {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// The request, with what git itself asks for where it is offered.
pub(crate) fn request(push: &Push<'_>, capabilities: &Capabilities) -> Result<Vec<u8>, Malformed> {
    let Push { reference, old, new, pack, options } = push;
    let takes_options = !options.is_empty() && capabilities.has("push-options");
    let mut asked: Vec<&str> = vec!["report-status"];
    asked.extend(["side-band-64k", "quiet"].into_iter().filter(|name| capabilities.has(name)));
    if takes_options {
        asked.push("push-options");
    }
    if capabilities.has("object-format") {
        asked.push("object-format=sha1");
    }
    if capabilities.has("agent") {
        asked.push(AGENT);
    }
    let mut body = Vec::with_capacity(pack.len() + 1000);
    pkt_line::push(&mut body, format!("{old} {new} {reference}\0 {}", asked.join(" ")).as_bytes())?;
    body.extend_from_slice(FLUSH);
    if takes_options {
        for option in *options {
            pkt_line::push(&mut body, option.as_bytes())?;
        }
        body.extend_from_slice(FLUSH);
    }
    body.extend_from_slice(pack);
    Ok(body)
}

/// Reads the report, with a side band or without. An answer that is cut, or that does not name our branch, is malformed.
pub(crate) fn parse(body: &[u8], reference: &str) -> Result<Report, NoReport> {
    let (mut banded, mut remarks, mut plain) = (Vec::new(), String::new(), Vec::new());
    let (mut fatal, mut ending) = (None, Ok(()));
    for packet in Packets::new(body) {
        let payload = match packet {
            Ok(Packet::Data(payload)) => payload,
            Ok(Packet::Flush | Packet::Separator) => continue,
            Err(malformed) => {
                ending = Err(malformed);
                break;
            }
        };
        if let Some(said) = pkt_line::refusal(payload) {
            return Err(NoReport::Said(said));
        }
        match payload.split_first() {
            Some((1, data)) => banded.extend_from_slice(data),
            Some((2, said)) => remarks.push_str(&String::from_utf8_lossy(said)),
            Some((3, said)) => fatal = Some(String::from_utf8_lossy(said).trim().to_owned()),
            _ => plain.push(payload),
        }
    }
    if !banded.is_empty() {
        for packet in Packets::new(&banded) {
            if let Packet::Data(payload) = packet? {
                plain.push(payload);
            }
        }
    }
    let lines = |text: &str| -> Vec<String> {
        text.split(['\n', '\r']).map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    match (verdict(&plain, reference), fatal) {
        // dulwich 1.2.21 says on the band for fatal errors what a hook said, and reports all the same.
        (Some(verdict), fatal) => {
            Ok(Report { verdict, remarks: lines(&format!("{remarks}\n{}", fatal.unwrap_or_default())) })
        }
        (None, Some(fatal)) => Ok(Report { verdict: Err(fatal), remarks: lines(&remarks) }),
        (None, None) => Err(ending.err().unwrap_or(Malformed::Cut).into()),
    }
}

/// What the lines of a report say of our branch; nothing if they do not name it.
fn verdict(lines: &[&[u8]], reference: &str) -> Option<Result<(), String>> {
    let mut unpacked = false;
    for payload in lines {
        let line = String::from_utf8_lossy(payload.strip_suffix(b"\n").unwrap_or(payload));
        if let Some(result) = line.strip_prefix("unpack ") {
            if result != "ok" {
                return Some(Err(format!("unpack {result}")));
            }
            unpacked = true;
        } else if line.strip_prefix("ok ") == Some(reference) && unpacked {
            return Some(Ok(()));
        } else if let Some((refused, reason)) = line.strip_prefix("ng ").and_then(|rest| rest.split_once(' '))
            && refused == reference
        {
            return Some(Err(reason.trim().to_owned()));
        }
    }
    None
}

/// A refusal for people: the server's reason and the last thing that its hooks said, which is the sentence that explains.
/// Of a ref that could not be updated git itself says why in its first line. What hooks draw with is no word.
pub(crate) fn in_words(reason: &str, remarks: &[String]) -> String {
    // Git adds a line of its own to what an update hook said.
    let has_words = |line: &&String| {
        line.chars().any(char::is_alphanumeric) && !line.starts_with("error: hook declined to update ")
    };
    let why = remarks.iter().find(|line| sounds_contended(reason) && line.starts_with("error: "));
    match why.or_else(|| remarks.iter().rev().find(has_words)) {
        Some(line) => format!("{reason}: {line}"),
        None => reason.to_owned(),
    }
}

/// Whether a refusal sounds as if somebody else held or moved the branch at that moment. It is a hint that another try
/// may pay off, and nothing more: what became of a push is told by where the branch is.
pub(crate) fn sounds_contended(reason: &str) -> bool {
    const HINTS: [&str; 11] = [
        // git
        "cannot lock ref",
        "failed to lock", // JGit, too
        "failed to update ref",
        "incorrect old value",
        "reference already exists",
        "but expected",
        "fetch first",
        "non-fast", // git: "non-fast-forward"; JGit: "non-fast forward"
        "stale info",
        "invalid old id", // JGit
        "concurrently",   // go-git: "reference has changed concurrently"
    ];
    let reason = reason.to_ascii_lowercase();
    HINTS.iter().any(|hint| reason.contains(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "refs/heads/main";

    fn lines(lines: &[&str]) -> Vec<u8> {
        let mut body = Vec::new();
        for line in lines {
            pkt_line::push(&mut body, line.as_bytes()).unwrap();
        }
        body.extend_from_slice(FLUSH);
        body
    }

    /// The same report as it is, and in a side band that cuts it anywhere, with a hook's words in between.
    fn both(report: &[&str]) -> [Vec<u8>; 2] {
        let plain = lines(report);
        let mut banded = Vec::new();
        for (number, piece) in plain.chunks(7).enumerate() {
            pkt_line::push(&mut banded, &[b"\x01", piece].concat()).unwrap();
            let said = if number == 0 { "\x02remark one\nremark" } else { "\x02" };
            pkt_line::push(&mut banded, said.as_bytes()).unwrap();
        }
        pkt_line::push(&mut banded, b"\x02 two\n").unwrap();
        banded.extend_from_slice(FLUSH);
        [plain, banded]
    }

    fn verdict_of(report: &[&str]) -> Result<Result<(), String>, NoReport> {
        let [plain, banded] = both(report).map(|body| parse(&body, MAIN));
        if let Ok(report) = &banded {
            assert_eq!(report.remarks, ["remark one", "remark two"]);
        }
        let (plain, banded) = (plain.map(|report| report.verdict), banded.map(|report| report.verdict));
        assert_eq!(plain, banded);
        plain
    }

    #[test]
    fn only_a_report_that_names_our_branch_is_a_success() {
        let malformed = Err(NoReport::Malformed(Malformed::Cut));
        assert_eq!(verdict_of(&["unpack ok\n", "ok refs/heads/main\n"]), Ok(Ok(())));
        assert_eq!(verdict_of(&["unpack ok\n", "ok refs/heads/main-2\n"]), malformed);
        assert_eq!(verdict_of(&["ok refs/heads/main\n"]), malformed);
        assert_eq!(verdict_of(&["unpack ok\n"]), malformed);
        assert_eq!(parse(b"<html>Sign in", MAIN), Err(NoReport::Malformed(Malformed::Garbled)));
        assert_eq!(parse(b"", MAIN), Err(NoReport::Malformed(Malformed::Cut)));
    }

    #[test]
    fn a_refusal_has_the_servers_reason_and_its_hooks_last_words() {
        assert_eq!(verdict_of(&["unpack ok\n", "ng refs/heads/main hook declined\n"]), Ok(Err("hook declined".into())));
        assert_eq!(verdict_of(&["unpack index-pack failed\n"]), Ok(Err("unpack index-pack failed".into())));
        let remarks = ["GH013: Rule violations".to_owned(), "- Sign your commits.".to_owned(), "=====".to_owned()];
        assert_eq!(in_words("declined", &remarks), "declined: - Sign your commits.");
        assert_eq!(in_words("declined", &[]), "declined");
        let of_git = ["error: cannot lock ref 'x'".to_owned(), "remove the file manually to continue.".to_owned()];
        assert_eq!(in_words("failed to update ref", &of_git), "failed to update ref: error: cannot lock ref 'x'");
    }

    #[test]
    fn a_fatal_error_and_an_err_are_the_servers_words() {
        let mut fatal = Vec::new();
        pkt_line::push(&mut fatal, b"\x03fatal: disk full\n").unwrap();
        assert_eq!(parse(&fatal, MAIN).unwrap().verdict, Err("fatal: disk full".into()));
        assert_eq!(parse(&lines(&["ERR W denied\n"]), MAIN), Err(NoReport::Said("W denied".into())));
        // Before a report, it is what a hook said.
        let [_, report] = both(&["unpack pre-receive hook declined\n"]);
        let Report { verdict, remarks } = parse(&[fatal, report].concat(), MAIN).unwrap();
        assert_eq!(verdict, Err("unpack pre-receive hook declined".into()));
        assert!(remarks.contains(&"fatal: disk full".to_owned()), "{remarks:?}");
    }

    #[test]
    fn options_are_sent_only_where_they_are_taken() {
        let old = ObjectId::null(gix_hash::Kind::Sha1);
        let options = ["merge_request.create".to_owned()];
        let push = Push { reference: MAIN, old, new: old, pack: b"PACK", options: &options };
        let advert = lines(&[&format!("{old} capabilities^{{}}\0push-options side-band-64k\n")]);
        let Ok(super::super::advert::Advert::V0 { capabilities, .. }) = super::super::advert::parse(&advert) else {
            panic!("no advertisement")
        };
        let shown = |capabilities: &Capabilities| String::from_utf8(request(&push, capabilities).unwrap()).unwrap();
        assert!(shown(&capabilities).ends_with("side-band-64k push-options00000018merge_request.create0000PACK"));
        assert!(shown(&Capabilities::default()).ends_with("\0 report-status0000PACK"));
    }
}
