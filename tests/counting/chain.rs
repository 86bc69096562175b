//! How many calls follow each other.

/// When a call was under way, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) begun: f64,
    pub(super) ended: f64,
}

/// The most calls of which each began after the one before had ended. Taking the one that ends first, again and again,
/// finds them.
pub(super) fn longest_chain(mut spans: Vec<Span>) -> usize {
    spans.sort_by(|a, b| a.ended.total_cmp(&b.ended));
    let (mut length, mut until) = (0, f64::NEG_INFINITY);
    for span in spans {
        if span.begun >= until {
            (length, until) = (length + 1, span.ended);
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(spans: &[(f64, f64)]) -> usize {
        longest_chain(spans.iter().map(|(begun, ended)| Span { begun: *begun, ended: *ended }).collect())
    }

    #[test]
    fn calls_at_the_same_time_count_once_and_calls_after_each_other_each() {
        assert_eq!(chain(&[]), 0);
        assert_eq!(chain(&[(0.0, 1.0), (0.1, 1.1), (0.2, 1.2)]), 1);
        assert_eq!(chain(&[(0.0, 1.0), (1.0, 2.0), (2.1, 3.0)]), 3);
        // Six at once, of which two had to wait for a place.
        assert_eq!(chain(&[(0.0, 1.0), (0.0, 1.1), (1.01, 2.1), (1.12, 2.2)]), 2);
    }
}
