//! Times as AWS writes them in events: RFC 3339, almost RFC 3339, and English.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// No format of ours is longer; a longer text is not a time.
const CHARS_MAX: usize = 64;

/// English dates of the same events, with and without a comma after the year. They are UTC.
const ENGLISH: [&str; 2] = ["%b %d, %Y, %I:%M:%S %p", "%b %d, %Y %I:%M:%S %p"];

/// Reads a time, or gives up: a time that cannot be read never decides.
///
/// Seen: `2018-08-30T21:42:18Z`, `2019-11-15T11:45:18+0000`, `May 15, 2023 8:26:54 AM`, `Jul 17, 2025, 2:53:40 PM`,
/// the last also with a narrow no-break space before `PM` (Java's way since version 20).
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    if text.len() > CHARS_MAX {
        return None;
    }
    let text = text.trim().replace(['\u{202f}', '\u{a0}'], " ");
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    if let Ok(time) = Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", &text) {
        return Some(time);
    }
    let utc = |civil: DateTime| TimeZone::UTC.to_timestamp(civil).ok();
    ENGLISH.iter().find_map(|format| DateTime::strptime(format, &text).ok().and_then(utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_that_aws_uses_is_read() {
        for (text, expected) in [
            ("2018-08-30T21:42:18Z", "2018-08-30T21:42:18Z"),
            ("2018-08-30T21:42:18.123Z", "2018-08-30T21:42:18.123Z"),
            ("2019-11-15T11:45:18+0000", "2019-11-15T11:45:18Z"),
            ("2019-11-15T11:45:18.5+0000", "2019-11-15T11:45:18.5Z"),
            ("2019-11-15T11:45:18+02:00", "2019-11-15T09:45:18Z"),
            ("May 15, 2023 8:26:54 AM", "2023-05-15T08:26:54Z"),
            ("Jul 17, 2025, 2:53:40 PM", "2025-07-17T14:53:40Z"),
            ("Jul 17, 2025, 2:53:40\u{202f}PM", "2025-07-17T14:53:40Z"),
            ("Jun 21, 2018 12:06:27 AM", "2018-06-21T00:06:27Z"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_time_is_none() {
        for text in ["", "Z", "yesterday", "2023-02-30T00:00:00Z", "9999-99-99T99:99:99Z", &"1".repeat(1000)] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
