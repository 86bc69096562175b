//! A quantity of Kubernetes: a whole number or a text such as `40Gi`, as the API server stores it.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Visitor},
};

/// A quantity as it stands in a document. Kubernetes' own `IntOrString` has 32 bits, and 8 GiB in bytes need 34: a typed
/// reader of it fails on an object that the API server took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Quantity {
    /// A whole number of units: cores, bytes, objects.
    Number(i64),
    /// With a suffix, or any other form that Kubernetes takes.
    Text(String),
}

/// As in a `ResourceQuota`, where every quantity is a string.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

struct QuantityVisitor;

/// Whole numbers up to here are exact in a number with a fraction.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of 64 bits, or a quantity as a string")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Quantity, E> {
        Ok(Quantity::Number(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Quantity, E> {
        let number = i64::try_from(value).map_err(|_| E::custom("the number has more than 64 bits"))?;
        Ok(Quantity::Number(number))
    }

    /// The API server takes `2.0` for the whole number that it is.
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked, and the fraction is nought")]
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Quantity, E> {
        if value.fract() == 0.0 && value.abs() <= EXACT_MAX {
            return Ok(Quantity::Number(value as i64));
        }
        Err(E::custom("a number with a fraction must be a string"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Quantity, E> {
        Ok(Quantity::Text(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_64_bits_and_texts_are_read_and_written_as_they_are() {
        for (json, shown) in [
            ("8589934592", "8589934592"),
            ("9223372036854775807", "9223372036854775807"),
            ("-1", "-1"),
            ("\"40Gi\"", "40Gi"),
            ("\"1e3\"", "1e3"),
        ] {
            let quantity: Quantity = serde_json::from_str(json).unwrap();
            assert_eq!(quantity.to_string(), shown);
            assert_eq!(serde_json::to_string(&quantity).unwrap(), json);
        }
        assert_eq!(serde_json::from_str::<Quantity>("2.0").unwrap(), Quantity::Number(2));
    }

    #[test]
    fn fractions_larger_numbers_and_other_types_are_refused() {
        for json in ["1.5", "9223372036854775808", "1e30", "true", "null", "[]", "{}"] {
            assert!(serde_json::from_str::<Quantity>(json).is_err(), "{json}");
        }
    }
}
