//! One private local AWS for each test binary, and what the journeys do with it.

mod api_server;
mod desk;
mod executions;
mod github;
mod hostile;
mod intake;
mod journal;
mod local_aws;
mod person;
mod places;
mod pods;
mod repository;
mod sentences;
mod subscriber;
mod told;

use std::{
    collections::BTreeMap,
    fmt,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::ChildStdin,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use berth_ledger::Ledger;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

pub use self::api_server::{Asked, FakeApiServer};
pub(crate) use self::local_aws::binaries;
pub use self::local_aws::{checkout, recordings};
pub use self::told::{told_and_not_done, untold};
pub use self::{
    desk::SignIn,
    executions::{Ended, onboarded, run},
    intake::{Event, event, event_now, fixture},
    journal::{Call, Invocation, StoppedClock, TimedCall},
    person::{
        AccessEntrySeen, AssignmentSeen, AssociationSeen, AttachmentSeen, Counted, LetIn, RegionSeen, RoleSeen,
        VpcSeen, World,
    },
    places::{Place, disguises},
    pods::{give_role_to_pods, make_pod_role, role_of_pods},
    repository::InPlace,
};

/// The network account of the local organization.
pub const NETWORK: &str = "310987654321";
/// The management account of the local organization.
pub const MANAGEMENT: &str = "999988887777";
/// The hub account of the local organization.
pub const HUB: &str = "210987654321";

/// Longest that anything here may take: minutes, because a machine may be slow. What happens is seen as soon as it does.
pub const SECONDS_MAX: u64 = 600;

/// One region is looked through for a default VPC: all are alike.
const ONE_REGION: (&str, &str) = ("BERTH_LOCAL_REGIONS", "eu-west-1");
/// What all seconds are multiplied by that nobody works in (`local/berth_local/timing.py`).
const TIME_SCALE: &str = "BERTH_LOCAL_TIME_SCALE";
/// What takes AWS its time takes less, beside pauses that stay long: seconds before they are scaled.
const SHORT_WORK: [(&str, &str); 3] = [
    ("BERTH_LOCAL_ATTACHMENT_SECONDS", "0.3"),
    ("BERTH_LOCAL_ASSOCIATION_SECONDS", "0.2"),
    ("BERTH_LOCAL_ASSIGNMENT_SECONDS", "0.2"),
];

/// The same under a scale of a half.
const SEEN_WORK: [(&str, &str); 3] = [
    ("BERTH_LOCAL_ATTACHMENT_SECONDS", "0.6"),
    ("BERTH_LOCAL_ASSOCIATION_SECONDS", "0.4"),
    ("BERTH_LOCAL_ASSIGNMENT_SECONDS", "0.4"),
];

/// The same under a scale of a fiftieth.
const POLLED_WORK: [(&str, &str); 3] = [
    ("BERTH_LOCAL_ATTACHMENT_SECONDS", "15"),
    ("BERTH_LOCAL_ASSOCIATION_SECONDS", "10"),
    ("BERTH_LOCAL_ASSIGNMENT_SECONDS", "10"),
];

/// How long a local AWS waits where nobody works: for attachments, associations and assignments, between two attempts of
/// a state, for more messages of a batch. What happens, and in which order, is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimingProfile {
    /// As in the demo: an attachment takes 2 s, a state tries again after 2 or 3.
    Demo,
    /// A tenth of all that. A test that has to see what is under way stops the clock ([`Rig::stop_clock`]) or holds a call.
    Fast,
    /// AWS is fast and pauses are those of the demo: for crowds, in which accounts wait for each other anyhow and a poll
    /// is work.
    Crowd,
    /// The shortest pauses, for what is tried again thousands of times. What AWS works on is polled several times, however
    /// slow the machine is: a fault in a poll has one to meet.
    Shortest,
    /// Pauses are longer than whatever they wait for: everything that is waited for is looked at once while it is under
    /// way, and once when it is done.
    EachSeenOnce,
}

impl TimingProfile {
    fn settings(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Demo => Vec::new(),
            Self::Fast => vec![(TIME_SCALE, "0.1")],
            Self::Crowd => SHORT_WORK.to_vec(),
            Self::Shortest => [&[(TIME_SCALE, "0.02")], POLLED_WORK.as_slice()].concat(),
            Self::EachSeenOnce => [&[(TIME_SCALE, "0.5")], SEEN_WORK.as_slice()].concat(),
        }
    }
}

/// Pause between two looks that cost nothing.
const PAUSE: Duration = Duration::from_millis(150);
/// Longest pause between two looks.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How much longer than a look the pause after it is.
const ASKING_SHARE: u32 = 5;

/// The local AWS of this test binary, and clients for it. It ends with the binary, however the binary ends.
pub struct Rig {
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    endpoint: String,
    runtime: Runtime,
    http: reqwest::Client,
    step_functions: aws_sdk_sfn::Client,
    queues: aws_sdk_sqs::Client,
    ledger: Ledger,
    person: Mutex<person::Person>,
    /// Number of the newest call when an execution was started by hand, by its ARN.
    began: Mutex<BTreeMap<String, u64>>,
    /// What runs did, and which of them were compared with what they told.
    told: Mutex<told::ReadSoFar>,
    /// Whether whoever has the rig compares them itself.
    pub(crate) is_compared_by_its_owner: bool,
    _alive: ChildStdin,
}

impl fmt::Debug for Rig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rig").field("folder", &self.folder).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// The rig of this test binary: the first test that asks starts it.
///
/// # Panics
/// When it does not start.
#[must_use]
pub fn rig() -> &'static Rig {
    rig_at(TimingProfile::Fast)
}

/// The same with another timing profile; all tests of a binary ask for one.
///
/// # Panics
/// When it does not start.
#[must_use]
pub fn rig_at(timing: TimingProfile) -> &'static Rig {
    static RIG: OnceLock<Result<Rig, String>> = OnceLock::new();
    match RIG.get_or_init(|| Rig::start("", &timing.settings(), person::STAGING_OF_ONE_REGION)) {
        Ok(rig) => rig,
        Err(why) => panic!("{why}"),
    }
}

/// The rig for one test at a time: for tests that look at everything there is, or change what all of them share. Whoever
/// comes first prepares it.
pub fn alone(timing: TimingProfile, prepare: impl FnOnce(&Rig)) -> (&'static Rig, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static PREPARED: OnceLock<()> = OnceLock::new();
    // A test that failed has said so itself.
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let rig = rig_at(timing);
    PREPARED.get_or_init(|| prepare(rig));
    (rig, alone)
}

impl Rig {
    /// A local AWS of its own, for tests that break things. Every environment has one region.
    pub fn private(label: &str, timing: TimingProfile) -> Result<Self, String> {
        let settings = [timing.settings().as_slice(), &[ONE_REGION]].concat();
        Self::start(label, &settings, person::ONE_REGION_EACH)
    }

    fn start(label: &str, timing: &[(&str, &str)], shape: person::Shape) -> Result<Self, String> {
        let running = local_aws::start(label, timing)?;
        let text = |key: &str| running.state[key].as_str().unwrap_or_default().to_owned();
        let endpoint = text("endpoint");
        let environment: BTreeMap<String, String> = serde_json::from_value(running.state["environment"].clone())
            .map_err(|error| format!("state.json: {error}"))?;
        let config = config(&endpoint, &environment);
        let mut person = person::Person::start(&running.folder)?;
        person.shape_platform(shape);
        Ok(Self {
            runtime: Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|e| e.to_string())?,
            http: reqwest::Client::builder().no_proxy().build().map_err(|error| error.to_string())?,
            step_functions: aws_sdk_sfn::Client::new(&config),
            queues: aws_sdk_sqs::Client::new(&config),
            ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), "berth-ledger".to_owned()),
            person: Mutex::new(person),
            began: Mutex::default(),
            told: Mutex::default(),
            is_compared_by_its_owner: false,
            folder: running.folder,
            environment,
            endpoint,
            _alive: running.alive,
        })
    }

    /// Where the local AWS keeps its state, for messages.
    fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// The platform.yaml that is deployed.
    #[must_use]
    pub fn platform_path(&self) -> PathBuf {
        self.folder.join("platform/platform.yaml")
    }

    /// Asks until there is an answer.
    ///
    /// # Panics
    /// When there is none in time.
    pub fn until<T>(&self, what: &str, ask: impl FnMut() -> Option<T>) -> T {
        self.until_within(SECONDS_MAX, what, ask)
    }

    /// The same, with a limit of one's own.
    ///
    /// # Panics
    /// When there is no answer in time.
    pub fn until_within<T>(&self, seconds_max: u64, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            let asked = Instant::now();
            if let Some(answer) = ask() {
                return answer;
            }
            let waited = began.elapsed().as_secs();
            assert!(waited < seconds_max, "waited {waited} s for {what}; logs: {}", self.logs().display());
            // What takes long to answer keeps the local AWS from the work that is waited for.
            rest((asked.elapsed() * ASKING_SHARE).clamp(PAUSE, PAUSE_MAX));
        }
    }

    /// Runs the real `berth` on this local AWS; its exit code and its standard output.
    #[must_use]
    pub fn berth(&self, arguments: &[&str]) -> (i32, String) {
        Self::berth_in(&self.environment, arguments)
    }

    /// The same with the credentials, the region and the endpoint of this local AWS in a profile, and none of them in the
    /// environment.
    #[must_use]
    pub fn berth_by_profile(&self, arguments: &[&str]) -> (i32, String) {
        let (aws, mut environment): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.environment.clone().into_iter().partition(|(name, _)| name.starts_with("AWS_"));
        let profile = self.folder.join("aws-config");
        let text = format!(
            "[profile hub]\nregion = {}\nendpoint_url = {}\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            aws["AWS_REGION"], self.endpoint, aws["AWS_ACCESS_KEY_ID"], aws["AWS_SECRET_ACCESS_KEY"]
        );
        std::fs::write(&profile, text).expect("a file for the profile");
        environment.insert("AWS_CONFIG_FILE".to_owned(), profile.display().to_string());
        environment.insert("AWS_PROFILE".to_owned(), "hub".to_owned());
        Self::berth_in(&environment, arguments)
    }

    /// The demo with a real cluster, on this local AWS: its exit code and its standard output.
    #[must_use]
    pub fn demo_with_a_cluster(&self) -> (i32, String) {
        let mut environment = self.environment.clone();
        environment.insert("BERTH_LOCAL_STATE".to_owned(), self.folder.display().to_string());
        Self::berth_in(&environment, &["local", "demo", "--kubernetes"])
    }

    fn berth_in(environment: &BTreeMap<String, String>, arguments: &[&str]) -> (i32, String) {
        let (code, text, errors) = Self::said(environment, arguments);
        assert!(code < 2, "berth {arguments:?}: {errors}");
        (code, text)
    }

    /// Runs `berth` with any exit code: that, and what is on standard output and on standard error.
    #[must_use]
    pub fn berth_said(&self, arguments: &[&str]) -> (i32, String, String) {
        Self::said(&self.environment, arguments)
    }

    fn said(environment: &BTreeMap<String, String>, arguments: &[&str]) -> (i32, String, String) {
        let output = std::process::Command::new(local_aws::binaries().join("berth"))
            .args(arguments)
            .envs(environment)
            .output()
            .expect("berth runs");
        let code = output.status.code().expect("berth ends by itself");
        let text = |bytes| String::from_utf8(bytes).expect("berth prints UTF-8");
        (code, text(output.stdout), text(output.stderr))
    }

    /// A file of this name beside what the local AWS keeps, for a test's own use.
    #[must_use]
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Runs `berth` until `ends` says so of a line that it prints, then presses Ctrl-C; its exit code and its lines until
    /// then.
    #[must_use]
    pub fn berth_until(&self, arguments: &[&str], mut ends: impl FnMut(&str) -> bool) -> (i32, Vec<String>) {
        let mut child = std::process::Command::new(local_aws::binaries().join("berth"))
            .args(arguments)
            .envs(&self.environment)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("berth runs");
        let mut seen = Vec::new();
        // It stays open until the end: a program whose reader has gone dies of that.
        let mut lines = BufReader::new(child.stdout.take().expect("it has a pipe")).lines();
        for line in lines.by_ref() {
            seen.push(line.expect("berth prints UTF-8"));
            if seen.last().is_some_and(|line| ends(line)) {
                break;
            }
        }
        let pressed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(pressed.expect("kill runs").success());
        (child.wait().expect("berth ends").code().expect("by itself"), seen)
    }

    /// `berth status ACCOUNT --json`: its exit code and what it says.
    #[must_use]
    pub fn status(&self, account: &str) -> (i32, Value) {
        let (code, text) = self.berth(&["status", account, "--json"]);
        (code, serde_json::from_str(&text).expect("berth status --json prints JSON"))
    }
}

pub(crate) fn pause() {
    rest(PAUSE);
}

#[expect(clippy::disallowed_methods, reason = "a test may wait; a Lambda may not")]
fn rest(time: Duration) {
    std::thread::sleep(time);
}

/// Clients as the hub account. Nothing is read from the environment, so that no test can reach a real account.
fn config(endpoint: &str, environment: &BTreeMap<String, String>) -> SdkConfig {
    let value = |name: &str| environment.get(name).cloned().unwrap_or_default();
    let keys = Credentials::new(value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"), None, None, "berth-local");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new(value("AWS_REGION")))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .build()
}
