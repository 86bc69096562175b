//! A process that lives no longer than the test: a guardian ends it when this process is gone, however it went.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::ServerError;

/// Ends the program when its standard input ends, which no signal to the test can prevent. `$1` is removed afterwards.
const GUARDIAN: &str = r#"
trap '' INT HUP
remove=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & program=$!
{ cat <&3 >/dev/null; kill -9 "$program"; } 2>/dev/null & watch=$!
wait "$program"; status=$?
kill "$watch" 2>/dev/null
[ -z "$remove" ] || rm -rf "$remove"
exit "$status"
"#;

/// How much of a log an error shows.
const LOG_LINES_MAX: usize = 12;

/// A running program with its guardian.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) program: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program in `folder`, which is removed after its end when `last` says so.
    pub(crate) fn start(
        program: &'static str,
        path: &Path,
        arguments: &[String],
        folder: &Path,
        last: bool,
    ) -> Result<Self, ServerError> {
        let log = folder.join(format!("{program}.log"));
        let failed = |source| ServerError::Io { what: format!("{program} cannot be started"), source };
        let output = File::create(&log).map_err(failed)?;
        let remove = if last { folder.as_os_str() } else { "".as_ref() };
        let child = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(remove)
            .arg(path)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().map_err(failed)?)
            .stderr(output)
            .spawn()
            .map_err(failed)?;
        Ok(Self { program, child, log })
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// The end of its log, as an error.
    pub(crate) fn not_ready(&self) -> ServerError {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let skipped = text.lines().count().saturating_sub(LOG_LINES_MAX);
        let log = text.lines().skip(skipped).collect::<Vec<_>>().join("\n");
        ServerError::NotReady { program: self.program, log }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // The guardian ends when the program has; there is nobody to tell if it cannot be waited for.
        drop(self.child.wait());
    }
}
