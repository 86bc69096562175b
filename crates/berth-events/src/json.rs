//! Reads JSON in one pass, keeping only the fields that decide something, however odd their values.
//!
//! Nothing here fails because of a value's type: a number where a text belongs is kept as a number, for the reason. It
//! fails on what is not JSON, on nesting without end, and on a deciding key that is there twice with different values
//! (`serde_json::Value` would silently keep the last, other readers keep the first: that is how forgeries pass).

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::fields::{Fields, Nothing};

/// Largest message, in bytes. EventBridge and SQS allow at most 1 MiB.
pub const BYTES_MAX: usize = 1 << 20;
/// Deepest nesting, in levels. Real events have about eight; `serde_json` itself stops at 128.
pub const DEPTH_MAX: usize = 64;

/// A value, whatever it is.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Json<T> {
    #[default]
    Absent,
    Null,
    Text(String),
    Number(u64),
    Truth(bool),
    /// A negative number or a fraction.
    Other,
    Object(Box<T>),
    /// The first element of a list, and how many there are. Only one is ever used, so only one is kept.
    List(Option<Box<Json<T>>>, usize),
}

/// A value that only matters when it is text, a number or a truth value.
pub(crate) type Scalar = Json<Nothing>;

impl<T> Json<T> {
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether there is a value: not absent and not `null`.
    pub(crate) fn is_given(&self) -> bool {
        !matches!(self, Self::Absent | Self::Null)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn object(&self) -> Option<&T> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// What it is, for a reason.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Absent => "missing",
            Self::Null => "null",
            Self::Text(_) => "text",
            Self::Number(_) | Self::Other => "a number",
            Self::Truth(_) => "a truth value",
            Self::Object(_) => "an object",
            Self::List(..) => "a list",
        }
    }
}

/// Reads a key: one of `T`'s, or none. The object hears of the others.
struct Key<'a, T>(&'a mut T);

impl<'de, T: Fields> DeserializeSeed<'de> for Key<'_, T> {
    type Value = Option<&'static str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<T: Fields> Visitor<'_> for Key<'_, T> {
    type Value = Option<&'static str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        let known = T::known(text);
        if known.is_none() {
            self.0.passed_over(text);
        }
        Ok(known)
    }
}

impl<'de, T: Fields> Deserialize<'de> for Json<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any(std::marker::PhantomData))
    }
}

struct Any<T>(std::marker::PhantomData<T>);

impl<'de, T: Fields> Visitor<'de> for Any<T> {
    type Value = Json<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Json<T>, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, on: bool) -> Result<Json<T>, E> {
        Ok(Json::Truth(on))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Json<T>, E> {
        Ok(Json::Other)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Json<T>, E> {
        Ok(Json::Other)
    }
    fn visit_u64<E>(self, number: u64) -> Result<Json<T>, E> {
        Ok(Json::Number(number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Json<T>, E> {
        Ok(Json::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json<T>, A::Error> {
        let first = list.next_element::<Json<T>>()?.map(Box::new);
        let mut length = usize::from(first.is_some());
        while list.next_element::<IgnoredAny>()?.is_some() {
            length = length.saturating_add(1);
        }
        Ok(Json::List(first, length))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<T>, A::Error> {
        let mut object = Box::<T>::default();
        while let Some(key) = map.next_key_seed(Key(object.as_mut()))? {
            match key {
                Some(known) => object.take(known, &mut map)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Json::Object(object))
    }
}

/// Reads objects, and counts how much it was given: a message is read once for each layer, and no layer is longer than
/// the one around it, so the work is bounded by the length of the message.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// Bytes so far.
    pub(crate) bytes: usize,
}

impl Reader {
    /// Reads one object. The error is a reason: why these bytes are not one.
    pub(crate) fn read<T: Fields>(&mut self, bytes: &[u8]) -> Result<Box<T>, String> {
        self.bytes = self.bytes.saturating_add(bytes.len());
        read(bytes)
    }
}

fn read<T: Fields>(bytes: &[u8]) -> Result<Box<T>, String> {
    if bytes.len() > BYTES_MAX {
        return Err(format!("it is larger than {BYTES_MAX} bytes ({})", bytes.len()));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err("it is empty".to_owned());
    }
    if is_deeper_than(DEPTH_MAX, bytes) {
        return Err(format!("it is nested deeper than {DEPTH_MAX} levels"));
    }
    match serde_json::from_slice::<Json<T>>(bytes) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(other) => Err(format!("it is {}, not a JSON object", other.kind())),
        Err(error) if error.is_data() => Err(format!("it contradicts itself: {error}")),
        Err(error) => Err(format!("it is not JSON: {error}")),
    }
}

/// Whether brackets nest deeper than `levels_max`, not counting those in texts. Needed because `serde_json` skips
/// values that nobody asked for without any limit.
fn is_deeper_than(levels_max: usize, bytes: &[u8]) -> bool {
    let (mut levels, mut in_text, mut escaped) = (0_usize, false, false);
    for &byte in bytes {
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => levels += 1,
            b'}' | b']' => levels = levels.saturating_sub(1),
            _ => {}
        }
        if levels > levels_max {
            return true;
        }
    }
    false
}
