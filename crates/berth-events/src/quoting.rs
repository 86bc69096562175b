//! Text from outside, made fit for a reason, a log line or a message: escaped and cut.

/// `text` in quotation marks, escaped, cut after `chars_max` characters.
pub(crate) fn quoted(text: &str, chars_max: usize) -> String {
    let cut = cut(text, chars_max);
    let mark = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{mark}")
}

/// The first `chars_max` characters.
pub(crate) fn cut(text: &str, chars_max: usize) -> &str {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_escaped_and_cut_between_characters() {
        assert_eq!(quoted("a\n\"b\"", 9), r#""a\n\"b\"""#);
        assert_eq!(quoted("äöü", 2), "\"äö\"…");
        assert_eq!(cut("äöü", 3), "äöü");
    }
}
