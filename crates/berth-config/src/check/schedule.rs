//! Schedules as AWS writes them: `cron(0 3 * * ? *)`.

/// What the fields of a schedule may hold: the smallest number, the largest, and the words.
const FIELDS: [(u32, u32, &[&str]); 6] = [
    (0, 59, &[]),
    (0, 23, &[]),
    (1, 31, &["L", "W", "LW"]),
    (1, 12, &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]),
    (1, 7, &["L", "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]),
    (1970, 2199, &[]),
];
/// Which fields are days: one of them says `?`.
const DAYS: [usize; 2] = [2, 4];

/// Whether a text is a schedule that AWS Backup takes.
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/creating-a-backup-plan.html>
pub(super) fn is_schedule(text: &str) -> bool {
    let inner = text.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')'));
    let fields: Vec<&str> = inner.map(|inner| inner.split_whitespace().collect()).unwrap_or_default();
    let unsaid = DAYS.iter().filter(|day| fields.get(**day) == Some(&"?")).count();
    let every = fields.iter().zip(FIELDS).enumerate().all(|(n, (field, bounds))| {
        (*field == "?" && DAYS.contains(&n)) || field.split(',').all(|part| is_part(part, bounds))
    });
    fields.len() == FIELDS.len() && unsaid == 1 && every
}

/// One value, a range, a step, a weekday near a day (`15W`), or the n-th weekday of a month (`MON#2`).
fn is_part(part: &str, bounds: (u32, u32, &[&str])) -> bool {
    let number = |text: &str, least: u32, most: u32| {
        text.bytes().all(|b| b.is_ascii_digit()) && text.parse().is_ok_and(|n: u32| (least..=most).contains(&n))
    };
    let value = |text: &str| {
        let bare = text.strip_suffix(['L', 'W']).filter(|bare| !bare.is_empty()).unwrap_or(text);
        bounds.2.contains(&text)
            || number(text, bounds.0, bounds.1)
            || (bounds.1 <= 31 && number(bare, bounds.0, bounds.1))
    };
    let (start, step) = part.split_once('/').map_or((part, None), |(start, step)| (start, Some(step)));
    let (start, nth) = start.split_once('#').map_or((start, None), |(start, nth)| (start, Some(nth)));
    let right_start = start == "*" || start.split_once('-').map_or_else(|| value(start), |(a, b)| value(a) && value(b));
    right_start && step.is_none_or(|step| number(step, 1, bounds.1)) && nth.is_none_or(|nth| number(nth, 1, 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_what_aws_takes() {
        for good in [
            "cron(0 3 * * ? *)",
            "cron(0 4 1 * ? *)",
            "cron(0/15 8-18 ? * MON-FRI *)",
            "cron(0 5 L * ? *)",
            "cron(30 1,13 15W JAN,JUL ? 2026-2030)",
            "cron(0 12 ? * MON#2 *)",
        ] {
            assert!(is_schedule(good), "{good}");
        }
        for bad in [
            "",
            "daily",
            "cron(0 3 * * *)",
            "cron(0 25 * * ? *)",
            "cron(60 3 * * ? *)",
            "cron(0 3 * * * *)",
            "cron(0 3 ? * ? *)",
            "cron(0 3 32 * ? *)",
            "cron(0 3 * 13 ? *)",
            "cron(0 3 ? * MOO *)",
            "cron(0 3 * * ? 1900)",
            "cron(0 +3 * * ? *)",
            "cron(0/0 3 * * ? *)",
            "cron(, 3 * * ? *)",
            "0 3 * * ? *",
            "rate(1 day)",
        ] {
            assert!(!is_schedule(bad), "{bad}");
        }
    }
}
