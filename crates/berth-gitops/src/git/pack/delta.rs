//! Applies a delta: instructions that copy from a base object or insert new bytes.

use super::PackError;

const BROKEN: PackError = PackError::Malformed("delta");

#[cfg(test)]
thread_local! {
    static APPLIED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How many deltas this thread has applied: what can be counted is not timed.
#[cfg(test)]
pub(super) fn applied() -> usize {
    APPLIED.with(std::cell::Cell::get)
}

/// The object that `delta` makes of `base`, at most `bytes_max` long.
pub(super) fn apply(base: &[u8], mut delta: &[u8], bytes_max: usize) -> Result<Vec<u8>, PackError> {
    #[cfg(test)]
    APPLIED.with(|applied| applied.set(applied.get() + 1));
    if size(&mut delta)? != base.len() {
        return Err(BROKEN);
    }
    let result_len = size(&mut delta)?;
    if result_len > bytes_max {
        return Err(PackError::TooLarge(bytes_max));
    }
    let mut result = Vec::with_capacity(result_len);
    while !delta.is_empty() {
        let instruction = byte(&mut delta)?;
        let piece = if instruction & 0x80 == 0 {
            let (inserted, rest) = delta.split_at_checked(usize::from(instruction)).ok_or(BROKEN)?;
            delta = rest;
            inserted
        } else {
            copied(base, instruction, &mut delta)?
        };
        // An instruction without effect is reserved, and would let a short delta keep us busy.
        if piece.is_empty() || piece.len() > result_len - result.len() {
            return Err(BROKEN);
        }
        result.extend_from_slice(piece);
    }
    if result.len() == result_len { Ok(result) } else { Err(BROKEN) }
}

/// The part of `base` that a copy instruction means. Its low seven bits say which bytes of offset and length follow.
fn copied<'a>(base: &'a [u8], instruction: u8, delta: &mut &[u8]) -> Result<&'a [u8], PackError> {
    let offset = number(delta, instruction, 4)?;
    let length = match number(delta, instruction >> 4, 3)? {
        0 => 0x1_0000,
        length => length,
    };
    let end = offset.checked_add(length).ok_or(BROKEN)?;
    base.get(offset..end).ok_or(BROKEN)
}

/// A number of up to `bytes` bytes, lowest first, of which only those are there whose bit in `present` is set.
fn number(delta: &mut &[u8], present: u8, bytes: u32) -> Result<usize, PackError> {
    let mut number = 0_usize;
    for position in 0..bytes {
        if present & (1 << position) != 0 {
            number |= usize::from(byte(delta)?) << (8 * position);
        }
    }
    Ok(number)
}

/// A number in groups of seven bits, lowest first; a set top bit says that more follows.
fn size(delta: &mut &[u8]) -> Result<usize, PackError> {
    let mut size = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = byte(delta)?;
        size |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
    Err(BROKEN)
}

fn byte(bytes: &mut &[u8]) -> Result<u8, PackError> {
    let (first, rest) = bytes.split_first().ok_or(BROKEN)?;
    *bytes = rest;
    Ok(*first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn copies_and_insertions_make_the_object() {
        // Base of 6, result of 7: copy 3 from 1, insert "XY", copy 2 from 0.
        let delta = [6, 7, 0b1001_0001, 1, 3, 2, b'X', b'Y', 0b1001_0000, 2];
        assert_eq!(apply(b"abcdef", &delta, 100).unwrap(), b"bcdXYab");
    }

    #[test]
    fn what_reaches_outside_or_ends_early_is_refused() {
        for broken in [&[5, 1, 1, b'x'][..], &[6, 2, 1, b'x'], &[6, 1, 2, b'x'], &[6, 3, 0b1001_0001, 5, 3], &[6, 1, 0]]
        {
            assert_eq!(apply(b"abcdef", broken, 100), Err(BROKEN), "{broken:?}");
        }
        assert_eq!(apply(b"", &[0, 0xff, 0xff, 0x7f], 100), Err(PackError::TooLarge(100)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_make_what_they_promise(delta in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(object) = apply(b"abcdef", &delta, 1000) {
                prop_assert!(object.len() <= 1000);
            }
        }
    }
}
