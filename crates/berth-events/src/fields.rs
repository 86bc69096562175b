//! Objects of which only some fields matter: how they are declared, and what happens when a key is there twice.

use serde::de::{Error as _, MapAccess};

use crate::json::Json;

/// How many keys that nobody asked for an object remembers, for the reason.
pub(crate) const STRANGE_MAX: usize = 8;
/// How much of each, in characters.
pub(crate) const STRANGE_CHARS_MAX: usize = 40;

/// Fields of one kind of object: their keys, and where each value goes.
pub(crate) trait Fields: Default + PartialEq {
    /// The key as it is kept, or none. One comparison by length and content, not one for each key: messages are hostile.
    fn known(key: &str) -> Option<&'static str>;
    /// Reads the value of a known key.
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &'static str, map: &mut A) -> Result<(), A::Error>;
    /// Hears of a key that is not kept.
    fn passed_over(&mut self, key: &str);
}

/// No fields: for values that only matter when they are text, numbers or truth values.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Nothing;

impl Fields for Nothing {
    fn known(_key: &str) -> Option<&'static str> {
        None
    }
    fn take<'de, A: MapAccess<'de>>(&mut self, _key: &'static str, _map: &mut A) -> Result<(), A::Error> {
        Ok(())
    }
    fn passed_over(&mut self, _key: &str) {}
}

/// Puts the value of a deciding key into its field; refuses a second, different value.
pub(crate) fn put<'de, A, T>(slot: &mut Json<T>, key: &str, map: &mut A) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    T: Fields,
{
    let value = map.next_value()?;
    if slot.is_absent() {
        *slot = value;
    } else if *slot != value {
        return Err(A::Error::custom(format_args!("the key {key:?} is there twice, with different values")));
    }
    Ok(())
}

/// Puts the value of a key that decides nothing into its field; the first one stays.
pub(crate) fn put_first<'de, A, T>(slot: &mut Json<T>, map: &mut A) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    T: Fields,
{
    let value = map.next_value()?;
    if slot.is_absent() {
        *slot = value;
    }
    Ok(())
}

/// Declares an object: its fields with their keys. `first` marks keys that decide nothing, where the first value stays.
macro_rules! object {
    (@put $slot:expr, $key:expr, $map:expr, first) => { $crate::fields::put_first(&mut $slot, $map) };
    (@put $slot:expr, $key:expr, $map:expr, strict) => { $crate::fields::put(&mut $slot, $key, $map) };
    ($(#[$doc:meta])* $name:ident { $($key:literal $how:ident $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default, PartialEq)]
        pub(crate) struct $name {
            $(pub(crate) $field: $crate::json::Json<$type>,)*
            /// The first keys that are none of these, cut.
            pub(crate) strange: Vec<String>,
        }

        impl $name {
            /// Keys of this kind of object that are there.
            #[allow(dead_code, reason = "only some kinds of object are asked")]
            pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
                [$(($key, self.$field.is_absent())),*].into_iter().filter(|(_, absent)| !absent).map(|(key, _)| key)
            }
        }

        impl $crate::fields::Fields for $name {
            fn known(key: &str) -> Option<&'static str> {
                match key {
                    $($key => Some($key),)*
                    _ => None,
                }
            }
            fn take<'de, A: ::serde::de::MapAccess<'de>>(
                &mut self,
                key: &'static str,
                map: &mut A,
            ) -> Result<(), A::Error> {
                match key {
                    $($key => $crate::fields::object!(@put self.$field, key, map, $how),)*
                    _ => Ok(()),
                }
            }
            fn passed_over(&mut self, key: &str) {
                if self.strange.len() < $crate::fields::STRANGE_MAX {
                    self.strange.push($crate::quoting::cut(key, $crate::fields::STRANGE_CHARS_MAX).to_owned());
                }
            }
        }
    };
}
pub(crate) use object;
