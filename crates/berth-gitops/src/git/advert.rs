//! What a git server says of itself: its capabilities, and where its branches are.
//!
//! <https://git-scm.com/docs/gitprotocol-v2> and, for servers that know only the older one and for every push,
//! <https://git-scm.com/docs/gitprotocol-pack>. Git's own clients take an `ERR` wherever a line may stand.

use std::collections::BTreeMap;

use gix_hash::ObjectId;

use super::pkt_line::{self, DELIMITER, FLUSH, Malformed, Packet, Packets};

/// What we call ourselves.
pub(crate) const AGENT: &str = "agent=berth/0.1";

/// Where branches are, by their whole names.
pub(crate) type Refs = BTreeMap<String, ObjectId>;

/// A server's first answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Advert {
    /// Protocol version 2: capabilities only.
    V2(Capabilities),
    /// Protocol version 0 or 1: capabilities and all refs.
    V0 {
        /// What it can do.
        capabilities: Capabilities,
        /// Every ref.
        refs: Refs,
    },
}

/// Why a first answer, or a list of refs, tells nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAdvert {
    /// It is cut, or not what the protocol says.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The server says why, in its own words.
    #[error("the git server says: {0}")]
    Said(String),
    /// The ids are not SHA-1, and Berth knows no others.
    #[error("the repository's ids are not SHA-1")]
    OtherHash,
    /// A list of refs for clients of before 2010, as a plain web server hands it out.
    #[error("the repository is served as plain files")]
    Dumb,
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

    /// Whether the server is one whose "ok" to a push is known to be true (docs/gitops.md): git itself, which most
    /// forges run, and `JGit`. dulwich 1.2.21 answers "ok" to a push that lost a race (findings/dulwich-stale-push.sh).
    pub(crate) fn is_sound(&self) -> bool {
        self.agent().is_some_and(|agent| agent.starts_with("git/") || agent.starts_with("JGit/"))
    }

    /// What the server calls itself.
    pub(crate) fn agent(&self) -> Option<&str> {
        self.value("agent")
    }

    /// Whether ids are SHA-1, which is all that we know.
    fn is_sha1(&self) -> bool {
        self.value("object-format").is_none_or(|format| format == "sha1")
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }
}

/// Reads the answer to `GET info/refs?service=…`.
pub(crate) fn parse(body: &[u8]) -> Result<Advert, NoAdvert> {
    let (mut lines, mut is_service, mut is_whole) = (Vec::new(), false, false);
    for packet in Packets::new(body) {
        let packet = packet.map_err(|malformed| if is_dumb(body) { NoAdvert::Dumb } else { malformed.into() })?;
        is_whole = packet == Packet::Flush;
        match packet {
            Packet::Data(line) if line.starts_with(b"# service=") => is_service = true,
            Packet::Data(line) => lines.push(line),
            Packet::Flush | Packet::Separator => {}
        }
    }
    if let Some(said) = lines.iter().find_map(|line| pkt_line::refusal(line)) {
        return Err(NoAdvert::Said(said));
    }
    // A list that is cut between two lines would hide branches.
    if !is_whole && !body.is_empty() {
        return Err(Malformed::Cut.into());
    }
    let advert = match lines.first().copied().map(pkt_line::line).transpose()? {
        Some("version 2") => {
            let capabilities = lines.into_iter().skip(1).map(|line| pkt_line::line(line).map(str::to_owned));
            Advert::V2(Capabilities(capabilities.collect::<Result<_, _>>()?))
        }
        Some("version 1") => parse_v0(lines.into_iter().skip(1))?,
        Some(_) => parse_v0(lines.into_iter())?,
        // dulwich says nothing at all of a repository that is empty.
        None if is_service => parse_v0(std::iter::empty())?,
        None => return Err(Malformed::Garbled.into()),
    };
    let (Advert::V2(capabilities) | Advert::V0 { capabilities, .. }) = &advert;
    if capabilities.is_sha1() { Ok(advert) } else { Err(NoAdvert::OtherHash) }
}

fn parse_v0<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Result<Advert, NoAdvert> {
    let mut capabilities = Capabilities::default();
    let mut refs = Refs::new();
    for (number, line) in lines.enumerate() {
        let line = pkt_line::line(line)?;
        let (line, listed) = line.split_once('\0').unwrap_or((line, ""));
        if number == 0 {
            capabilities = Capabilities(listed.split(' ').filter(|c| !c.is_empty()).map(str::to_owned).collect());
            if !capabilities.is_sha1() {
                return Err(NoAdvert::OtherHash);
            }
        }
        // An empty repository has one line without a ref, for its capabilities' sake.
        if let Some((id, name)) = reference(line).filter(|(id, _)| !id.is_null()) {
            refs.insert(name.to_owned(), id);
        } else if line.split(' ').next().is_some_and(|id| id.len() == 64) {
            return Err(NoAdvert::OtherHash);
        }
    }
    Ok(Advert::V0 { capabilities, refs })
}

/// `<id>\t<ref>`: what `git update-server-info` writes.
fn is_dumb(body: &[u8]) -> bool {
    let (id, rest) = body.split_at_checked(40).unwrap_or_default();
    !id.is_empty() && id.iter().all(u8::is_ascii_hexdigit) && rest.starts_with(b"\trefs/")
}

/// Asks for the refs whose names begin with one of `prefixes` (protocol version 2).
pub(crate) fn ls_refs<'a>(
    capabilities: &Capabilities,
    prefixes: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<u8>, Malformed> {
    let mut body = command("ls-refs", capabilities)?;
    for prefix in prefixes {
        pkt_line::push(&mut body, format!("ref-prefix {prefix}\n").as_bytes())?;
    }
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

/// Where refs are, from the answer to [`ls_refs`].
pub(crate) fn parse_ls_refs(body: &[u8]) -> Result<Refs, NoAdvert> {
    let mut refs = Refs::new();
    for packet in Packets::new(body) {
        match packet? {
            Packet::Data(payload) => {
                if let Some(said) = pkt_line::refusal(payload) {
                    return Err(NoAdvert::Said(said));
                }
                let (id, rest) = reference(pkt_line::line(payload)?).ok_or(Malformed::Garbled)?;
                refs.insert(rest.split(' ').next().unwrap_or(rest).to_owned(), id);
            }
            Packet::Flush => return Ok(refs),
            Packet::Separator => {}
        }
    }
    Err(Malformed::Cut.into())
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
            assert!(capabilities.has("agent") && capabilities.lists("fetch", "filter") && capabilities.is_sound());
            assert!(!capabilities.lists("fetch", "filt") && !capabilities.has("fetc"));
        }
    }

    #[test]
    fn version_0_gives_refs_and_capabilities_and_an_empty_repository_none() {
        let first = format!("{ID} HEAD\0multi_ack shallow agent=dulwich/1.2.21\n");
        let second = format!("{ID} refs/heads/main\n");
        let advert = parse(&framed(&["# service=git-upload-pack\n", "", &first, &second, ""])).unwrap();
        let Advert::V0 { capabilities, refs } = advert else { panic!("not version 0") };
        assert!(capabilities.has("shallow") && !capabilities.is_sound());
        assert_eq!(refs.keys().map(String::as_str).collect::<Vec<_>>(), ["HEAD", "refs/heads/main"]);
        let empty = format!("{} capabilities^{{}}\0shallow\n", "0".repeat(40));
        let of_dulwich = framed(&["# service=git-upload-pack\n", "", ""]);
        for body in [framed(&[&empty, ""]), of_dulwich] {
            assert!(matches!(parse(&body), Ok(Advert::V0 { refs, .. }) if refs.is_empty()));
        }
    }

    #[test]
    fn other_ids_are_told_from_what_makes_no_sense_in_either_version() {
        let id = "0123456789abcdef".repeat(4);
        for lines in [
            &["version 2\n", "object-format=sha256\n", ""][..],
            &[&format!("{id} HEAD\0object-format=sha256\n"), ""],
            &[&format!("{id} HEAD\0shallow\n"), ""],
        ] {
            assert_eq!(parse(&framed(lines)), Err(NoAdvert::OtherHash), "{lines:?}");
        }
    }

    #[test]
    fn an_err_is_the_servers_word_wherever_it_stands() {
        let said = Err(NoAdvert::Said("FATAL: R any tenants u DENIED by fallthru".into()));
        let line = "ERR FATAL: R any tenants u DENIED by fallthru\n";
        assert_eq!(parse(&framed(&["# service=git-upload-pack\n", "", line])), said);
        assert_eq!(parse(&framed(&[line])), said);
        assert_eq!(parse_ls_refs(&framed(&[line])), said.map(|_: Advert| Refs::new()));
    }

    #[test]
    fn refs_are_listed_with_their_names_and_without_their_attributes() {
        let main = format!("{ID} refs/heads/main symref-target:x\n");
        let other = format!("{} refs/heads/main-2\n", ID.replace('0', "f"));
        let refs = parse_ls_refs(&framed(&[&other, &main, ""])).unwrap();
        assert_eq!(refs.get("refs/heads/main").map(ToString::to_string).as_deref(), Some(ID));
        assert_eq!(refs.len(), 2);
        assert_eq!(parse_ls_refs(&framed(&[&main])), Err(Malformed::Cut.into()), "cut");
    }

    #[test]
    fn a_web_page_and_plain_files_are_no_git_server() {
        assert_eq!(parse(b"<!doctype html><p>Sign in"), Err(Malformed::Garbled.into()));
        assert_eq!(parse(b""), Err(Malformed::Garbled.into()));
        let cut = framed(&["# service=git-upload-pack\n", "", &format!("{ID} HEAD\0shallow\n")]);
        assert_eq!(parse(&cut), Err(Malformed::Cut.into()));
        assert_eq!(parse(format!("{ID}\trefs/heads/main\n").as_bytes()), Err(NoAdvert::Dumb));
    }
}
