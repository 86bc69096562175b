//! Quantities of Kubernetes as numbers: the server writes them in its own form, so texts cannot be compared.

/// A quantity in billionths, as `resource.Quantity` of apimachinery reads it. `None` for what is none, and for numbers
/// beyond 10^29.
#[must_use]
pub fn nanos(text: &str) -> Option<i128> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    let (factor, exponent) = scale(suffix)?;
    let places = i32::try_from(fraction.len()).ok()?;
    let scaled = shifted(mantissa.checked_mul(factor)?, exponent + 9 - places)?;
    Some(if negative { -scaled } else { scaled })
}

/// Factor and power of ten of a suffix.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    Some(match suffix {
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "" => (1, 0),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        exponent => (1, exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

/// `number` times ten to `power`. Below one billionth it is rounded up, as the server does.
fn shifted(number: i128, power: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(power.unsigned_abs())?;
    if power >= 0 { number.checked_mul(factor) } else { Some((number + factor - 1) / factor) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_amount_is_the_same_however_it_is_written() {
        for (one, other) in [
            ("8589934592", "8Gi"),
            ("1", "1000m"),
            ("0.5", "500m"),
            ("1e3", "1k"),
            ("40Gi", "40960Mi"),
            ("+2", "2.0"),
            ("1.5Gi", "1536Mi"),
            (".1", "100m"),
            ("2E", "2000P"),
            ("-1", "-1000m"),
        ] {
            assert!(nanos(one).is_some() && nanos(one) == nanos(other), "{one} {other}");
        }
        assert_ne!(nanos("1Gi"), nanos("1G"));
    }

    #[test]
    fn what_is_no_quantity_is_none() {
        for text in ["", "-", "Gi", "1Q", "1.2.3", "lots", "1 Gi", "1e", "99999999999999999999999999999999999999999"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }
}
