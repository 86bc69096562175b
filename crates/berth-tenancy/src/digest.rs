//! A short name for a text, the same in every version and on every machine.

use sha2::{Digest, Sha256};

/// The first eight bytes of the text's SHA-256, as 16 hexadecimal digits: enough to tell the things of one account apart.
#[must_use]
pub fn short_digest(text: &str) -> String {
    Sha256::digest(text).iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_digest_is_the_start_of_the_sha256() {
        // `printf abc | sha256sum`
        assert_eq!(super::short_digest("abc"), "ba7816bf8f01cfea");
    }
}
