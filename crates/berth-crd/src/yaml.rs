//! The only reader and writer of custom resources.
//!
//! Written strings stay strings for YAML 1.1 and 1.2 readers alike: account names are any printable ASCII text.
//! Read documents mean what `kubectl apply -f` and Argo CD take them for (YAML 1.1 booleans and octals, then JSON). kustomize,
//! and so Flux, takes a bare `no` or `on` for a text: `bare_booleans` finds these.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Largest document that is read: etcd takes no larger object.
const DOCUMENT_BYTES_MAX: usize = 1_500_000;

/// Why a text is not the YAML of a custom resource, or a value cannot be written as YAML.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum YamlError {
    /// The text is larger than Kubernetes would store.
    #[error("the document has {bytes} bytes, more than {DOCUMENT_BYTES_MAX}")]
    TooLarge {
        /// Size of the text.
        bytes: usize,
    },
    /// The text is not exactly one YAML document (or uses a key twice).
    #[error("it is not one valid YAML document, or has a key twice{}", place(*line))]
    Unreadable {
        /// Where reading stopped.
        line: Option<u64>,
        /// What the parser says; it may quote the document.
        source: Box<serde_saphyr::Error>,
    },
    /// The value cannot be written.
    #[error("the value cannot be written as YAML")]
    Unwritable(#[source] Box<serde_saphyr::ser_error::Error>),
    /// The value cannot be turned into JSON's data model.
    #[error("the value cannot be written as JSON")]
    Unserializable(#[source] serde_json::Error),
}

impl YamlError {
    pub(crate) fn unserializable(error: serde_json::Error) -> Self {
        Self::Unserializable(error)
    }
}

fn place(line: Option<u64>) -> String {
    line.map_or_else(String::new, |line| format!(" (line {line})"))
}

/// Reads exactly one document. Anchors are resolved, keys used twice are refused. Documents without a value besides it are
/// passed over, as kubectl and Flux do: whoever writes a head with a marker of its own above a file makes one.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    read_with(text, false)
}

/// The same, with no other Booleans than true and false, as kustomize reads.
pub(crate) fn read_as_kustomize<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    read_with(text, true)
}

fn read_with<T: DeserializeOwned>(text: &str, strict_booleans: bool) -> Result<T, YamlError> {
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(YamlError::TooLarge { bytes: text.len() });
    }
    let options = || serde_saphyr::options! { legacy_octal_numbers: true, strict_booleans: strict_booleans };
    let read = serde_saphyr::from_str_with_options(text, options()).or_else(|error| {
        // What is wrong in the one document says more than that there are several.
        let mut all = serde_saphyr::from_multiple_with_options::<T>(text, options())?.into_iter();
        all.next().filter(|_| all.next().is_none()).ok_or(error)
    });
    read.map_err(|error| {
        let line = error.location().map(|location| location.line()).filter(|line| *line > 0);
        YamlError::Unreadable { line, source: Box::new(error) }
    })
}

/// First lines of a file that Berth makes. yamllint wants the start of the document marked.
const HEAD: &str = "\
# Written by Berth, which keeps accounts, the blocks of their VPCs and what is
# absent. Everything else is yours: edit it here, and Berth leaves it.
---
";

/// Writes a new file: what it is, then the document as yamllint likes it.
pub(crate) fn write_file(value: &Value) -> Result<String, YamlError> {
    Ok(format!("{HEAD}{}", write_block(value, true)?))
}

/// Writes a value: block style, keys in alphabetical order, no anchors, no document markers.
pub(crate) fn write(value: &Value) -> Result<String, YamlError> {
    write_block(value, false)
}

/// The same, with lists in mappings indented more than their key, or not.
pub(crate) fn write_block(value: &Value, indented: bool) -> Result<String, YamlError> {
    let mut sorted = value.clone();
    // The map keeps insertion order when any crate of the build asks serde_json for it.
    sorted.sort_all_objects();
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false, compact_list_indent: !indented };
    serde_saphyr::to_string_with_options(&sorted, options).map_err(|error| YamlError::Unwritable(Box::new(error)))
}
