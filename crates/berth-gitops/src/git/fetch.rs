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
    Malformed,
    /// The server says why, in its own words.
    Said(String),
}

impl From<Malformed> for FetchError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Asks for the commit `tip` without its history and, where the server can, without the contents of files.
///
/// If the trees of an older commit are in memory, `have` names it, and only what differs is sent.
pub(crate) fn tip_v2(capabilities: &Capabilities, tip: ObjectId, have: Option<ObjectId>) -> Result<Vec<u8>, Malformed> {
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

/// Asks for exactly these objects: the contents of files that [`tip_v2`] left out.
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

/// As [`tip_v2`], for a server that only knows the older protocol: no filter, and always everything.
pub(crate) fn tip_v0(capabilities: &Capabilities, tip: ObjectId) -> Result<Vec<u8>, FetchError> {
    if !capabilities.has("side-band-64k") {
        return Err(FetchError::Said("no side-band-64k".into()));
    }
    let mut body = Vec::new();
    let known = ["ofs-delta", "no-progress", "shallow"].into_iter().filter(|name| capabilities.has(name));
    let asked: Vec<&str> = ["side-band-64k"].into_iter().chain(known).chain([AGENT]).collect();
    pkt_line::push(&mut body, format!("want {tip} {}\n", asked.join(" ")).as_bytes())?;
    if capabilities.has("shallow") {
        pkt_line::push(&mut body, b"deepen 1\n")?;
    }
    body.extend_from_slice(FLUSH);
    pkt_line::push(&mut body, b"done\n")?;
    Ok(body)
}

/// The pack in an answer of protocol version 2: after the line `packfile`.
pub(crate) fn pack_v2(body: &[u8]) -> Result<Vec<u8>, FetchError> {
    pack_after(body, b"packfile")
}

/// The pack in an answer of the older protocol: after the line `NAK`, because we said that we have nothing.
pub(crate) fn pack_v0(body: &[u8]) -> Result<Vec<u8>, FetchError> {
    pack_after(body, b"NAK")
}

/// Joins the data of the side band that begins after the line `start`, up to its flush.
fn pack_after(body: &[u8], start: &[u8]) -> Result<Vec<u8>, FetchError> {
    let mut pack = Vec::new();
    let mut started = false;
    for packet in Packets::new(body) {
        match (packet?, started) {
            (Packet::Data(payload), false) => {
                let line = payload.strip_suffix(b"\n").unwrap_or(payload);
                if let Some(said) = line.strip_prefix(b"ERR ") {
                    return Err(FetchError::Said(String::from_utf8_lossy(said).into_owned()));
                }
                started = line == start;
            }
            (Packet::Data(payload), true) => match payload.split_first() {
                Some((1, data)) => pack.extend_from_slice(data),
                Some((2, _progress)) => {}
                Some((3, said)) => return Err(FetchError::Said(String::from_utf8_lossy(said).into_owned())),
                _ => return Err(FetchError::Malformed),
            },
            (Packet::Flush, true) => return Ok(pack),
            (Packet::Flush | Packet::Separator, _) => {}
        }
    }
    Err(FetchError::Malformed)
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

    #[test]
    fn the_pack_is_joined_from_its_side_band_without_progress() {
        let mut body = framed(&[b"shallow-info\n", b"shallow 01\n"]);
        body.extend_from_slice(b"0001");
        body.extend(framed(&[b"packfile\n", b"\x01PA", b"\x02counting\n", b"\x01CK"]));
        assert_eq!(pack_v2(&body), Err(FetchError::Malformed), "cut before its end");
        body.extend_from_slice(FLUSH);
        assert_eq!(pack_v2(&body).unwrap(), b"PACK");
    }

    #[test]
    fn an_error_of_the_server_is_passed_on() {
        let said = Err(FetchError::Said("upload-pack: not our ref".into()));
        assert_eq!(pack_v2(&framed(&[b"ERR upload-pack: not our ref\n"])), said);
        assert_eq!(pack_v2(&framed(&[b"packfile\n", b"\x03upload-pack: not our ref"])), said);
    }
}
