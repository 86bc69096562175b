//! Git's framing of lines and data: four hexadecimal digits of length, then the content.
//!
//! <https://git-scm.com/docs/gitprotocol-common>, section "pkt-line Format".

/// The most content that one packet can carry.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 65_516;

/// The end of a list or of a request.
pub(crate) const FLUSH: &[u8] = b"0000";

/// The end of a section (protocol version 2).
pub(crate) const DELIMITER: &[u8] = b"0001";

/// Why bytes are not the packets that were expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// They end too early: the rest was lost on the way.
    #[error("the answer breaks off")]
    Cut,
    /// They are something else.
    #[error("malformed pkt-line")]
    Garbled,
}

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// A line, or data.
    Data(&'a [u8]),
    /// `0000`.
    Flush,
    /// `0001`, or `0002` (end of a stateless response).
    Separator,
}

/// Appends one packet with `payload`.
pub(crate) fn push(out: &mut Vec<u8>, payload: &[u8]) -> Result<(), Malformed> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(Malformed::Garbled);
    }
    out.extend_from_slice(format!("{:04x}", payload.len() + 4).as_bytes());
    out.extend_from_slice(payload);
    Ok(())
}

/// The packets in `bytes`, in order; nothing follows the first malformed one.
pub(crate) struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Packets<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What follows the packets that were read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn split(&mut self) -> Result<Packet<'a>, Malformed> {
        let (digits, rest) = self.rest.split_at_checked(4).ok_or(Malformed::Cut)?;
        // `from_str_radix` would also take a sign.
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Malformed::Garbled);
        }
        let digits = std::str::from_utf8(digits).map_err(|_| Malformed::Garbled)?;
        let length = usize::from_str_radix(digits, 16).map_err(|_| Malformed::Garbled)?;
        if length < 4 {
            self.rest = rest;
            return match length {
                0 => Ok(Packet::Flush),
                1 | 2 => Ok(Packet::Separator),
                _ => Err(Malformed::Garbled),
            };
        }
        let (payload, rest) = rest.split_at_checked(length - 4).ok_or(Malformed::Cut)?;
        self.rest = rest;
        Ok(Packet::Data(payload))
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let packet = self.split();
        if packet.is_err() {
            self.rest = &[];
        }
        Some(packet)
    }
}

/// The text of a line packet, without the newline that may end it.
pub(crate) fn line(payload: &[u8]) -> Result<&str, Malformed> {
    let payload = payload.strip_suffix(b"\n").unwrap_or(payload);
    std::str::from_utf8(payload).map_err(|_| Malformed::Garbled)
}

/// What the server says is wrong, if the line is an `ERR`. It stands where anything else could stand, with HTTP 200.
pub(crate) fn refusal(payload: &[u8]) -> Option<String> {
    let said = payload.strip_prefix(b"ERR ")?;
    Some(String::from_utf8_lossy(said).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_pushed_comes_back(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8)) {
            let mut bytes = Vec::new();
            for payload in &payloads {
                push(&mut bytes, payload).unwrap();
            }
            bytes.extend_from_slice(FLUSH);
            let packets: Vec<_> = Packets::new(&bytes).collect::<Result<_, _>>().unwrap();
            let mut expected: Vec<_> = payloads.iter().map(|payload| Packet::Data(payload)).collect();
            expected.push(Packet::Flush);
            prop_assert_eq!(packets, expected);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic_and_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Packets::new(&bytes).count() <= bytes.len());
        }
    }

    #[test]
    fn the_examples_of_gits_documentation_are_framed_as_shown_there() {
        for (payload, framed) in [("a\n", "0006a\n"), ("a", "0005a"), ("foobar\n", "000bfoobar\n"), ("", "0004")] {
            let mut bytes = Vec::new();
            push(&mut bytes, payload.as_bytes()).unwrap();
            assert_eq!(bytes, framed.as_bytes());
        }
    }

    #[test]
    fn what_is_cut_or_malformed_is_an_error() {
        let first = |bytes: &'static str| Packets::new(bytes.as_bytes()).next();
        for cut in ["0", "00", "0009abc"] {
            assert_eq!(first(cut), Some(Err(Malformed::Cut)), "{cut}");
        }
        for garbled in ["0003", "+005a", "zzzz"] {
            assert_eq!(first(garbled), Some(Err(Malformed::Garbled)), "{garbled}");
        }
        assert_eq!(push(&mut Vec::new(), &vec![0; PAYLOAD_BYTES_MAX + 1]), Err(Malformed::Garbled));
    }
}
