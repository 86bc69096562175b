//! What a git server says of itself: its capabilities, and where its branches are.
//!
//! <https://git-scm.com/docs/gitprotocol-v2> and, for servers that know only the older one,
//! <https://git-scm.com/docs/gitprotocol-pack>.

use gix_hash::ObjectId;

use super::pkt_line::{self, DELIMITER, FLUSH, Malformed, Packet, Packets};

/// What we call ourselves.
pub(crate) const AGENT: &str = "agent=berth/0.1";

/// A server's first answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Advert {
    /// Protocol version 2: capabilities only.
    V2(Capabilities),
    /// Protocol version 0 or 1: capabilities and all refs.
    V0 {
        /// What it can do.
        capabilities: Capabilities,
        /// Every ref with its name.
        refs: Vec<(ObjectId, String)>,
    },
}

/// What a server can do, as it wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Capabilities(Vec<String>);

impl Capabilities {
    /// Whether it has the capability `name`, with a value or without.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|line| line.split('=').next() == Some(name))
    }

    /// Whether the value of `name` lists `feature` (protocol version 2: `fetch=shallow filter`).
    pub(crate) fn lists(&self, name: &str, feature: &str) -> bool {
        self.value(name).is_some_and(|value| value.split(' ').any(|listed| listed == feature))
    }

    /// Whether ids are SHA-1, which is all that we know.
    pub(crate) fn is_sha1(&self) -> bool {
        self.value("object-format").is_none_or(|format| format == "sha1")
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }
}

/// Reads the answer to `GET info/refs?service=git-upload-pack`.
pub(crate) fn parse(body: &[u8]) -> Result<Advert, Malformed> {
    let mut lines = Vec::new();
    for packet in Packets::new(body) {
        if let Packet::Data(payload) = packet? {
            lines.push(payload);
        }
    }
    let mut lines = lines.into_iter().skip_while(|line| line.starts_with(b"# service=")).peekable();
    match lines.peek().copied().map(pkt_line::line).transpose()? {
        Some("version 2") => {
            let capabilities = lines.skip(1).map(|line| pkt_line::line(line).map(str::to_owned));
            Ok(Advert::V2(Capabilities(capabilities.collect::<Result<_, _>>()?)))
        }
        Some("version 1") => parse_v0(lines.skip(1)),
        Some(_) => parse_v0(lines),
        None => Err(Malformed),
    }
}

fn parse_v0<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Result<Advert, Malformed> {
    let mut capabilities = Capabilities::default();
    let mut refs = Vec::new();
    for (number, line) in lines.enumerate() {
        let line = pkt_line::line(line)?;
        let (line, listed) = line.split_once('\0').unwrap_or((line, ""));
        if number == 0 {
            capabilities = Capabilities(listed.split(' ').filter(|c| !c.is_empty()).map(str::to_owned).collect());
        }
        // An empty repository has one line without a ref, for its capabilities' sake.
        if let Some((id, name)) = reference(line).filter(|(id, _)| !id.is_null()) {
            refs.push((id, name.to_owned()));
        }
    }
    Ok(Advert::V0 { capabilities, refs })
}

/// Asks for the refs whose names begin with `reference` (protocol version 2).
pub(crate) fn ls_refs(capabilities: &Capabilities, reference: &str) -> Result<Vec<u8>, Malformed> {
    let mut body = command("ls-refs", capabilities)?;
    pkt_line::push(&mut body, format!("ref-prefix {reference}\n").as_bytes())?;
    body.extend_from_slice(FLUSH);
    Ok(body)
}

/// The beginning of a request of protocol version 2, up to its arguments.
pub(crate) fn command(name: &str, capabilities: &Capabilities) -> Result<Vec<u8>, Malformed> {
    let mut body = Vec::new();
    pkt_line::push(&mut body, format!("command={name}\n").as_bytes())?;
    // A server breaks off at a capability that it did not offer.
    if capabilities.has("agent") {
        pkt_line::push(&mut body, format!("{AGENT}\n").as_bytes())?;
    }
    if capabilities.has("object-format") {
        pkt_line::push(&mut body, b"object-format=sha1\n")?;
    }
    body.extend_from_slice(DELIMITER);
    Ok(body)
}

/// Where `reference` points to, from the answer to [`ls_refs`]. `None` if there is no such ref.
pub(crate) fn parse_ls_refs(body: &[u8], wanted: &str) -> Result<Option<ObjectId>, Malformed> {
    let mut at = None;
    for packet in Packets::new(body) {
        match packet? {
            Packet::Data(payload) => {
                let (id, rest) = reference(pkt_line::line(payload)?).ok_or(Malformed)?;
                if rest.split(' ').next() == Some(wanted) {
                    at = Some(id);
                }
            }
            Packet::Flush => return Ok(at),
            Packet::Separator => {}
        }
    }
    Err(Malformed)
}

fn reference(line: &str) -> Option<(ObjectId, &str)> {
    let (id, rest) = line.split_once(' ')?;
    Some((ObjectId::from_hex(id.as_bytes()).ok().filter(|id| id.kind() == gix_hash::Kind::Sha1)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    fn framed(lines: &[&str]) -> Vec<u8> {
        let mut body = Vec::new();
        for line in lines {
            if line.is_empty() {
                body.extend_from_slice(FLUSH);
            } else {
                pkt_line::push(&mut body, line.as_bytes()).unwrap();
            }
        }
        body
    }

    #[test]
    fn version_2_is_recognised_with_and_without_the_service_line() {
        let plain = ["version 2\n", "agent=git/2.47\n", "fetch=shallow wait-for-done filter\n", ""];
        let service = [&["# service=git-upload-pack\n", ""][..], &plain].concat();
        for lines in [&plain[..], &service] {
            let Advert::V2(capabilities) = parse(&framed(lines)).unwrap() else { panic!("not version 2") };
            assert!(capabilities.has("agent") && capabilities.lists("fetch", "filter") && capabilities.is_sha1());
            assert!(!capabilities.lists("fetch", "filt") && !capabilities.has("fetc"));
        }
    }

    #[test]
    fn version_0_gives_refs_and_capabilities_and_an_empty_repository_none() {
        let first = format!("{ID} HEAD\0multi_ack shallow object-format=sha256\n");
        let second = format!("{ID} refs/heads/main\n");
        let advert = parse(&framed(&["# service=git-upload-pack\n", "", &first, &second, ""])).unwrap();
        let Advert::V0 { capabilities, refs } = advert else { panic!("not version 0") };
        assert!(capabilities.has("shallow") && !capabilities.is_sha1());
        assert_eq!(refs.last().map(|(_, name)| name.as_str()), Some("refs/heads/main"));
        let empty = format!("{} capabilities^{{}}\0shallow\n", "0".repeat(40));
        assert!(matches!(parse(&framed(&[&empty, ""])), Ok(Advert::V0 { refs, .. }) if refs.is_empty()));
    }

    #[test]
    fn only_the_branch_itself_counts_and_not_one_that_begins_like_it() {
        let longer = format!("{} refs/heads/main-2\n", ID.replace('0', "f"));
        let exact = format!("{ID} refs/heads/main\n");
        let at = parse_ls_refs(&framed(&[&longer, &exact, ""]), "refs/heads/main").unwrap();
        assert_eq!(at.unwrap().to_string(), ID);
        assert_eq!(parse_ls_refs(&framed(&[&longer, ""]), "refs/heads/main"), Ok(None));
        assert_eq!(parse_ls_refs(&framed(&[&longer]), "refs/heads/main"), Err(Malformed), "cut");
    }

    #[test]
    fn a_web_page_is_no_git_server() {
        assert!(parse(b"<!doctype html><p>Sign in").is_err());
        assert!(parse(b"").is_err());
    }
}
