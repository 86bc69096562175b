//! `berth local up` and `down`: starts and ends the local AWS of this checkout.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::json;

use crate::{
    args::{CreateAccountArgs, DeployArgs, EnvArgs, UpArgs},
    input,
    outcome::{Exit, Problem},
    output, paint,
};

/// Longest that the local AWS may take to start.
const UP_SECONDS_MAX: u64 = 90;

/// Port of the AWS endpoint, when nobody names one.
const PORT: u16 = 4566;

/// Pause between two looks at a local AWS that starts.
const PAUSE: Duration = Duration::from_millis(100);

/// The local AWS that runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Running {
    status: String,
    pid: u32,
    process_started: u64,
    /// Address of the AWS endpoint.
    #[serde(default)]
    pub(crate) endpoint: String,
    /// Path of the platform.yaml that is deployed.
    #[serde(default)]
    platform: String,
    /// Address of the GitOps repository.
    #[serde(default)]
    pub(crate) git_url: String,
    /// What a client needs in its environment.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
}

/// The checkout that this command is used in, or was built from.
pub(crate) fn checkout() -> Result<PathBuf, Problem> {
    let is_checkout = |folder: &Path| folder.join("local/berth_local").is_dir();
    let here = std::env::current_dir().ok();
    let above = here.iter().flat_map(|folder| folder.ancestors()).find(|folder| is_checkout(folder));
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent().filter(|folder| is_checkout(folder));
    above.or(built_from).map(Path::to_path_buf).ok_or_else(|| {
        Problem::failed(
            "the local AWS is part of Berth's source, and this is no checkout of it",
            "run berth in a checkout",
        )
    })
}

/// Where the local AWS keeps its state: another folder is another local AWS beside the first.
fn state_folder() -> Result<PathBuf, Problem> {
    if let Some(folder) = std::env::var_os("BERTH_LOCAL_STATE").filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    Ok(checkout()?.join("target/local"))
}

/// The bare repository behind its git server.
pub(crate) fn repository() -> Result<PathBuf, Problem> {
    Ok(state_folder()?.join("git/tenants.git"))
}

/// The local AWS of this checkout, when it is ready.
pub(crate) fn running() -> Option<Running> {
    let text = fs::read_to_string(state_folder().ok()?.join("state.json")).ok()?;
    // Half-written state means that it starts or ends just now.
    let state: Option<Running> = serde_json::from_str(&text).ok();
    state.filter(|state| state.status == "ready" && started(state.pid) == Some(state.process_started))
}

/// When a process started, in clock ticks since boot: with this, a reused process id is told from the one that was
/// meant. [`proc_pid_stat(5)`, field 22]
fn started(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// The error of a command that needs the local AWS.
pub(crate) fn not_running() -> Problem {
    Problem::failed("no local AWS is running", "berth local up")
}

/// A command of the local AWS's own program.
pub(crate) fn program(arguments: &[&str]) -> Result<Command, Problem> {
    let checkout = checkout()?;
    let python = checkout.join("local/.venv/bin/python");
    if !python.exists() {
        let missing = format!("{} does not exist", python.display());
        return Err(Problem::failed(missing, "make local, which makes the virtual environment"));
    }
    let mut command = Command::new(python);
    command
        .current_dir(&checkout)
        .env("PYTHONPATH", checkout.join("local"))
        .args(["-m", "berth_local"])
        .args(arguments);
    Ok(command)
}

/// Runs a command of the local AWS's own program to its end and answers its standard output.
pub(crate) fn answer(arguments: &[&str]) -> Result<String, Problem> {
    answer_to(arguments, "")
}

/// The same with something to read on its standard input.
pub(crate) fn answer_to(arguments: &[&str], input: &str) -> Result<String, Problem> {
    let unusable = |error: io::Error| Problem::failed(format!("cannot start Python: {error}"), "make local");
    let mut command = program(arguments)?;
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(unusable)?;
    if let Some(mut pipe) = child.stdin.take() {
        // One that reads nothing may have ended already.
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(unusable)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let (what, hint) = said(&text, "read target/local/logs");
    Err(Problem::failed(what, hint))
}

/// What the local AWS's own program said went wrong, and what to do: its hint, or `otherwise`.
pub(crate) fn said<'a>(line: &'a str, otherwise: &'a str) -> (&'a str, &'a str) {
    let (what, hint) = line.split_once(" Next: ").unwrap_or((line, otherwise));
    (what.trim_start_matches("berth-local: "), hint)
}

/// `berth local up`.
pub(crate) async fn up(args: &UpArgs) -> Result<Exit, Problem> {
    if let (Some(port), Some(state)) = (args.port.filter(|port| *port != 0), running())
        && !state.endpoint.ends_with(&format!(":{port}"))
    {
        let what = format!("the local AWS runs already at {}, not on port {port}", state.endpoint);
        return Err(Problem::failed(what, "berth local down, then start it on the other port"));
    }
    let state = start(args.port.unwrap_or(PORT)).await?;
    print(&state.environment);
    Ok(Exit::Done)
}

fn print(environment: &BTreeMap<String, String>) {
    if output::is_data() {
        output::data(&json!(environment));
        return;
    }
    for (name, value) in environment {
        anstream::println!("export {name}={}", quoted(value));
    }
    // findings/aws-cli-1-sqs-endpoint.sh
    let warning = "AWS CLI 1 sends what it asks of SQS to AWS all the same: use version 2, or --endpoint-url";
    anstream::eprintln!("{}", paint::faint(warning));
}

/// `berth local env`.
pub(crate) fn env(args: &EnvArgs) -> Result<Exit, Problem> {
    let state = running().ok_or_else(not_running)?;
    let environment = match &args.account {
        None => state.environment,
        Some(account) => {
            let text = answer(&["env", "--account", account.as_str(), "--json"])?;
            serde_json::from_str(&text)
                .map_err(|error| Problem::failed(format!("the local AWS answered {error}"), "make local"))?
        }
    };
    print(&environment);
    Ok(Exit::Done)
}

/// `berth local create-account`: prints the id.
pub(crate) fn create_account(args: &CreateAccountArgs) -> Result<Exit, Problem> {
    running().ok_or_else(not_running)?;
    let mut arguments = vec!["account", "create", "--name", &args.name, "--environment", args.environment.as_str()];
    arguments.extend(args.tags.iter().flat_map(|tag| ["--tag", tag]));
    let account = answer(&arguments)?;
    output::done(&account, &json!({ "accountId": account }));
    Ok(Exit::Done)
}

/// `berth local deploy`: a file that the functions would refuse is refused here, and the one before stays deployed.
pub(crate) fn deploy(args: &DeployArgs) -> Result<Exit, Problem> {
    let state = running().ok_or_else(not_running)?;
    let file = args.file.clone().unwrap_or_else(|| PathBuf::from(&state.platform));
    let text = String::from_utf8(input::read(&file)?).map_err(|error| {
        Problem::bad_input(format!("{} is not UTF-8 text: {error}", file.display()), "save it as UTF-8")
    })?;
    if let Err(errors) = berth_config::PlatformConfig::parse(&text) {
        for error in errors.as_slice() {
            anstream::eprintln!("{}: {error}", file.display());
        }
        let what = format!("{} is not deployed: {} to correct", file.display(), errors.as_slice().len());
        return Err(Problem::bad_input(what, "correct it; what was deployed before still is"));
    }
    let file = file
        .canonicalize()
        .map_err(|error| Problem::bad_input(format!("{}: {error}", file.display()), "name a file"))?;
    let deployed = answer(&["deploy", &file.display().to_string()])?;
    output::done(&format!("deployed: {deployed}"), &json!({ "deployed": file, "said": deployed }));
    Ok(Exit::Done)
}

/// Starts the local AWS in the background, or finds the one that runs.
pub(crate) async fn start(port: u16) -> Result<Running, Problem> {
    if let Some(state) = running() {
        anstream::eprintln!("{}", paint::faint(&format!("the local AWS runs already at {}", state.endpoint)));
        return Ok(state);
    }
    let folder = state_folder()?;
    let log = folder.join("supervisor.log");
    let cannot = |error: io::Error| Problem::failed(format!("cannot write {}: {error}", log.display()), "make room");
    fs::create_dir_all(&folder).map_err(cannot)?;
    let file = File::create(&log).map_err(cannot)?;
    let mut child = program(&["up", "--port", &port.to_string()])?
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file)
        // A group of its own: Ctrl-C in this terminal ends this command, which then ends the group in good order.
        .process_group(0)
        .spawn()
        .map_err(|error| Problem::failed(format!("cannot start Python: {error}"), "make local"))?;
    tokio::select! {
        result = until_ready(&mut child, &log) => result,
        _ = tokio::signal::ctrl_c() => {
            answer(&["down"])?;
            Err(Problem::failed("interrupted", "nothing is left running"))
        }
    }
}

/// Waits until it is ready, printing its progress; fails when it ends.
#[expect(clippy::disallowed_methods, reason = "a person's terminal may wait; a Lambda may not")]
async fn until_ready(child: &mut Child, log: &Path) -> Result<Running, Problem> {
    let began = Instant::now();
    let mut shown = 0;
    loop {
        let text = fs::read_to_string(log).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| text.get(..=end).unwrap_or_default());
        for line in whole.lines().skip(shown).filter(|line| !line.starts_with("berth-local:")) {
            anstream::eprintln!("{}", paint::faint(line));
        }
        shown = whole.lines().count();
        if let Some(state) = running() {
            return Ok(state);
        }
        let ended = child.try_wait().ok().flatten().is_some();
        if ended || began.elapsed() > Duration::from_secs(UP_SECONDS_MAX) {
            let text = fs::read_to_string(log).unwrap_or_default();
            let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
            let (what, hint) = said(last, "read target/local/supervisor.log");
            if !ended {
                answer(&["down"])?;
            }
            return Err(Problem::failed(format!("the local AWS did not start: {what}"), hint));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// `berth local down`.
#[expect(clippy::unused_async, reason = "every command has one shape")]
pub(crate) async fn down() -> Result<Exit, Problem> {
    let said = answer(&["down"])?;
    output::done(&said, &json!({ "said": said }));
    Ok(Exit::Done)
}

/// A value as a shell reads it back.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:-@%+=,".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_survives_the_shell() {
        assert_eq!(quoted("http://127.0.0.1:4566"), "http://127.0.0.1:4566");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_process_that_is_gone_has_no_start() {
        assert!(started(std::process::id()).is_some());
        assert!(started(u32::MAX).is_none());
    }
}
