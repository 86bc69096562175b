//! Writes a pack of whole objects, without deltas.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};
use gix_hash::Kind as HashKind;
use gix_object::Kind;

use super::PackError;

/// The pack that holds `objects`, in this order.
pub(crate) fn write<'a>(objects: impl ExactSizeIterator<Item = (Kind, &'a [u8])>) -> Result<Vec<u8>, PackError> {
    let count = u32::try_from(objects.len()).map_err(|_| PackError::Malformed("too many objects"))?;
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend_from_slice(&count.to_be_bytes());
    for (kind, data) in objects {
        write_header(&mut pack, kind, data.len());
        let mut zlib = ZlibEncoder::new(&mut pack, Compression::fast());
        zlib.write_all(data).and_then(|()| zlib.finish()).map_err(|_| PackError::Malformed("compression failed"))?;
    }
    let mut hasher = gix_hash::hasher(HashKind::Sha1);
    hasher.update(&pack);
    let checksum = hasher.try_finalize().map_err(|_| PackError::Malformed("colliding checksum"))?;
    pack.extend_from_slice(checksum.as_slice());
    Ok(pack)
}

/// Type and size: four bits of the size in the first byte, seven in each further one, lowest first.
fn write_header(pack: &mut Vec<u8>, kind: Kind, size: usize) {
    let code: u8 = match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
    let mut byte = (code << 4) | low_bits(size, 0x0f);
    let mut rest = size >> 4;
    while rest > 0 {
        pack.push(byte | 0x80);
        byte = low_bits(rest, 0x7f);
        rest >>= 7;
    }
    pack.push(byte);
}

fn low_bits(number: usize, mask: u8) -> u8 {
    u8::try_from(number & usize::from(mask)).unwrap_or(mask)
}
