//! Reads a file or standard input, with a limit.

use std::{
    fs::File,
    io::{Read, stdin},
    path::Path,
};

use crate::outcome::Problem;

/// Most bytes that are read: four times what EventBridge or SQS ever delivers.
const BYTES_MAX: u64 = 1 << 20;

/// Reads `path`, or standard input when it is `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    read_up_to(path, BYTES_MAX)
}

/// The same, with another limit.
pub(crate) fn read_up_to(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Problem> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let unreadable = |error: std::io::Error| {
        Problem::bad_input(format!("cannot read {name}: {error}"), "name a file, or - for standard input")
    };
    let mut bytes = Vec::new();
    let mut limited: Box<dyn Read> = if is_stdin {
        Box::new(stdin().lock().take(bytes_max + 1))
    } else {
        Box::new(File::open(path).map_err(unreadable)?.take(bytes_max + 1))
    };
    limited.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > bytes_max {
        return Err(Problem::bad_input(format!("{name} is larger than {bytes_max} bytes"), "name the right file"));
    }
    Ok(bytes)
}
