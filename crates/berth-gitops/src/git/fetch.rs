//! The words of a fetch: what we ask for, and the pack in the answer.

use gix_hash::ObjectId;

use super::{
    advert::{AGENT, Capabilities, command},
    pkt_line::{self, FLUSH, Malformed, Packet, Packets},
};

/// Why the answer to a fetch holds no pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FetchError {
    /// It is cut, or not what the protocol says.
    Malformed(Malformed),
    /// The server says why, in its own words.
    Said(String),
}

impl From<Malformed> for FetchError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// How to talk to the server, as its first answer told.
#[derive(Debug, Clone)]
pub(crate) enum Protocol {
    V2(Capabilities),
    V0(Capabilities),
}

impl Protocol {
    /// Whether it is version 2, which each request has to say.
    pub(crate) fn is_v2(&self) -> bool {
        matches!(self, Self::V2(_))
    }
}

/// Asks for the commit `tip` without its history and, where the server can, without the contents of files.
///
/// If the trees of an older commit are in memory, `have` names it, and only what differs is sent; the older protocol
/// always gets everything.
pub(crate) fn tip(protocol: &Protocol, tip: ObjectId, have: Option<ObjectId>) -> Result<Vec<u8>, Malformed> {
    match protocol {
        Protocol::V2(capabilities) => tip_v2(capabilities, tip, have),
        Protocol::V0(capabilities) => {
            let mut body = wants_v0(capabilities, [tip])?;
            if capabilities.has("shallow") {
                pkt_line::push(&mut body, b"deepen 1\n")?;
            }
            body.extend_from_slice(FLUSH);
            pkt_line::push(&mut body, b"done\n")?;
            Ok(body)
        }
    }
}

fn tip_v2(capabilities: &Capabilities, tip: ObjectId, have: Option<ObjectId>) -> Result<Vec<u8>, Malformed> {
    let mut body = command("fetch", capabilities)?;
    let mut argument = |text: String| pkt_line::push(&mut body, text.as_bytes());
    argument("no-progress\n".into())?;
    argument("ofs-delta\n".into())?;
    if capabilities.lists("fetch", "shallow") {
        if let Some(have) = have {
            argument(format!("shallow {have}\n"))?;
        }
        argument("deepen 1\n".into())?;
    }
    if capabilities.lists("fetch", "filter") {
        argument("filter blob:none\n".into())?;
    }
    argument(format!("want {tip}\n"))?;
    if let Some(have) = have {
        // Only for a thin pack does git leave out what a disconnected shallow commit has already.
        argument("thin-pack\n".into())?;
        argument(format!("have {have}\n"))?;
    }
    argument("done\n".into())?;
    body.extend_from_slice(FLUSH);
    Ok(body)
}

/// Asks for exactly these objects: the contents of files that [`tip`] left out.
pub(crate) fn objects_v2(
    capabilities: &Capabilities,
    wanted: impl IntoIterator<Item = ObjectId>,
) -> Result<Vec<u8>, Malformed> {
    let mut body = command("fetch", capabilities)?;
    pkt_line::push(&mut body, b"no-progress\n")?;
    pkt_line::push(&mut body, b"ofs-delta\n")?;
    for id in wanted {
        pkt_line::push(&mut body, format!("want {id}\n").as_bytes())?;
    }
    pkt_line::push(&mut body, b"done\n")?;
    body.extend_from_slice(FLUSH);
    Ok(body)
}

/// Asks for what `tips` have on top of `base`, as one who has all of `base`'s history: a tip that is part of it is not
/// in the answer.
pub(crate) fn beyond(
    protocol: &Protocol,
    tips: impl IntoIterator<Item = ObjectId>,
    base: ObjectId,
) -> Result<Vec<u8>, Malformed> {
    match protocol {
        Protocol::V2(capabilities) => {
            let mut body = command("fetch", capabilities)?;
            pkt_line::push(&mut body, b"no-progress\n")?;
            pkt_line::push(&mut body, b"ofs-delta\n")?;
            if capabilities.lists("fetch", "filter") {
                pkt_line::push(&mut body, b"filter blob:none\n")?;
            }
            for tip in tips {
                pkt_line::push(&mut body, format!("want {tip}\n").as_bytes())?;
            }
            pkt_line::push(&mut body, format!("have {base}\n").as_bytes())?;
            pkt_line::push(&mut body, b"done\n")?;
            body.extend_from_slice(FLUSH);
            Ok(body)
        }
        Protocol::V0(capabilities) => {
            let mut body = wants_v0(capabilities, tips)?;
            body.extend_from_slice(FLUSH);
            pkt_line::push(&mut body, format!("have {base}\n").as_bytes())?;
            pkt_line::push(&mut body, b"done\n")?;
            Ok(body)
        }
    }
}

/// What we want of a server of the older protocol, and how it shall talk to us: as git itself asks for it, where it is
/// offered. Azure Repos and `CodeCommit` refuse who does not say `multi_ack` (go-git issue 64, fluxcd/pkg pull 576);
/// `no-done` and `include-tag` are of no use to us.
fn wants_v0(capabilities: &Capabilities, wanted: impl IntoIterator<Item = ObjectId>) -> Result<Vec<u8>, Malformed> {
    let one_of = |names: &'static [&'static str]| names.iter().copied().find(|name| capabilities.has(name));
    let mut asked: Vec<&str> = Vec::new();
    asked.extend(one_of(&["multi_ack_detailed", "multi_ack"]));
    asked.extend(one_of(&["side-band-64k", "side-band"]));
    asked.extend(one_of(&["no-progress"]));
    asked.extend(one_of(&["ofs-delta"]));
    // dulwich answers 500 to a client that does not say so; what it leaves out is never what we look for.
    asked.extend(one_of(&["thin-pack"]).filter(|_| !capabilities.is_sound()));
    if capabilities.has("object-format") {
        asked.push("object-format=sha1");
    }
    if capabilities.has("agent") {
        asked.push(AGENT);
    }
    let mut body = Vec::new();
    for (number, id) in wanted.into_iter().enumerate() {
        let asked = if number == 0 && !asked.is_empty() { format!(" {}", asked.join(" ")) } else { String::new() };
        pkt_line::push(&mut body, format!("want {id}{asked}\n").as_bytes())?;
    }
    Ok(body)
}

/// The pack in the answer: after a line of its own in version 2, after the acknowledgements in the older protocol.
pub(crate) fn pack(protocol: &Protocol, body: &[u8]) -> Result<Vec<u8>, FetchError> {
    let mut packets = Packets::new(body);
    let (mut pack, mut started) = (Vec::new(), false);
    loop {
        // Without a side band the pack stands there as it is.
        if !started && packets.rest().starts_with(b"PACK") {
            return Ok(packets.rest().to_vec());
        }
        let payload = match packets.next().transpose()? {
            None => return Err(Malformed::Cut.into()),
            Some(Packet::Flush) if started => return Ok(pack),
            Some(Packet::Flush | Packet::Separator) => continue,
            Some(Packet::Data(payload)) => payload,
        };
        if let Some(said) = pkt_line::refusal(payload) {
            return Err(FetchError::Said(said));
        }
        match payload.split_first() {
            Some((1, data)) if started || !protocol.is_v2() => {
                started = true;
                pack.extend_from_slice(data);
            }
            Some((2, _progress)) => {}
            Some((3, said)) => return Err(FetchError::Said(String::from_utf8_lossy(said).trim_end().to_owned())),
            _ if started => return Err(Malformed::Garbled.into()),
            _ => started = payload.strip_suffix(b"\n").unwrap_or(payload) == b"packfile",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(lines: &[&[u8]]) -> Vec<u8> {
        let mut body = Vec::new();
        for line in lines {
            pkt_line::push(&mut body, line).unwrap();
        }
        body
    }

    fn v2() -> Protocol {
        Protocol::V2(Capabilities::default())
    }

    fn v0() -> Protocol {
        Protocol::V0(Capabilities::default())
    }

    #[test]
    fn the_pack_is_joined_from_its_side_band_without_progress() {
        let mut body = framed(&[b"shallow-info\n", b"shallow 01\n"]);
        body.extend_from_slice(b"0001");
        body.extend(framed(&[b"packfile\n", b"\x01PA", b"\x02counting\n", b"\x01CK"]));
        assert_eq!(pack(&v2(), &body), Err(Malformed::Cut.into()), "cut before its end");
        body.extend_from_slice(FLUSH);
        assert_eq!(pack(&v2(), &body).unwrap(), b"PACK");
    }

    #[test]
    fn an_older_pack_follows_acknowledgements_with_a_side_band_or_none() {
        let acks: [&[&[u8]]; 3] = [
            &[b"NAK\n"],
            &[b"ACK 01 common\n", b"ACK 01 ready\n", b"NAK\n", b"ACK 01\n"],
            &[b"shallow 01\n", b"NAK\n"],
        ];
        for lines in acks {
            let mut banded = framed(lines);
            banded.extend(framed(&[b"\x02counting\n", b"\x01PACK", b"\x01rest"]));
            assert_eq!(pack(&v0(), &banded), Err(Malformed::Cut.into()), "cut before its end");
            banded.extend_from_slice(FLUSH);
            assert_eq!(pack(&v0(), &banded).unwrap(), b"PACKrest");
            let plain = [framed(lines), b"PACKrest".to_vec()].concat();
            assert_eq!(pack(&v0(), &plain).unwrap(), b"PACKrest");
        }
    }

    #[test]
    fn an_error_of_the_server_is_passed_on() {
        let said = Err(FetchError::Said("upload-pack: not our ref".into()));
        for protocol in [v2(), v0()] {
            assert_eq!(pack(&protocol, &framed(&[b"ERR upload-pack: not our ref\n"])), said);
            assert_eq!(pack(&protocol, &framed(&[b"packfile\n", b"\x03upload-pack: not our ref"])), said);
        }
    }
}
