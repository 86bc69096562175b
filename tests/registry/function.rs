//! A function as its folder declares it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use berth_aws::Part;
use berth_step::Fault;
use serde::Deserialize;
use serde_json::Value;

use crate::rig::checkout;

/// One function: a folder below `functions/`.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name: that of the folder, the package and the binary.
    pub name: String,
    /// The package's description, without the full stop.
    pub description: String,
    /// What the folder declares.
    pub declared: Declared,
}

/// `[package.metadata.berth]` of a function's `Cargo.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Declared {
    /// States that it is the function of, in whichever state machines they are.
    #[serde(default)]
    pub states: Vec<String>,
    /// Longest that an invocation may take.
    pub timeout_seconds: u32,
    /// Memory, when it is not that of all functions (`Globals` of `infra/hub.yaml`).
    pub memory_megabytes: Option<u32>,
    /// Whether it reads `platform.yaml`.
    #[serde(default)]
    pub platform: bool,
    /// Roles in other accounts that it works with.
    #[serde(default)]
    pub assumes: BTreeSet<AssumedRole>,
    /// Settings beside those of all functions. Values may be functions of CloudFormation in their long form.
    #[serde(default)]
    pub environment: BTreeMap<String, Value>,
    /// What invokes it, beside its states.
    #[serde(default)]
    pub trigger: Trigger,
    /// Most AWS calls that it may make for an account of one region. Absent for functions that an onboarding does not run.
    pub calls_max: Option<CallsMax>,
    /// Where its states retry otherwise than all others do, by fault.
    #[serde(default)]
    pub retry: BTreeMap<String, Exception>,
}

/// A role in another account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssumedRole {
    /// `BerthTenant`, in every tenant account.
    Tenant,
    /// `BerthNetwork`, in the network account.
    Network,
    /// `BerthRead`, in the management account.
    Read,
    /// `BerthSignIn`, where Identity Center is called.
    SignIn,
    /// `BerthCluster`, in other accounts with a shared cluster.
    Cluster,
}

impl AssumedRole {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Tenant, Self::Network, Self::Read, Self::SignIn, Self::Cluster];

    /// Its name in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Network => "network",
            Self::Read => "read",
            Self::SignIn => "sign-in",
            Self::Cluster => "cluster",
        }
    }

    /// The parameter of `infra/hub.yaml` that has the role's name.
    #[must_use]
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Tenant => "TenantRoleName",
            Self::Network => "NetworkRoleName",
            Self::Read => "ReadRoleName",
            Self::SignIn => "SignInRoleName",
            Self::Cluster => "ClusterRoleName",
        }
    }

    /// The part of `policy.json` that says what it allows.
    #[must_use]
    pub fn part(self) -> Part {
        match self {
            Self::Tenant => Part::Tenant,
            Self::Network => Part::Network,
            Self::Read | Self::SignIn => Part::Management,
            Self::Cluster => Part::Cluster,
        }
    }
}

/// What invokes a function, beside states. All of it may be there at once.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Trigger {
    /// A queue that Lambda reads for it.
    pub queue: Option<Queue>,
    /// A schedule.
    pub schedule: Option<Schedule>,
    /// People, the command line, or another service invoke it by name.
    #[serde(default)]
    pub direct: bool,
}

/// An event source mapping of a queue. [Lambda `CreateEventSourceMapping`]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Queue {
    /// The queue's resource in `infra/hub.yaml`, which ends with `Queue`.
    pub resource: String,
    /// Most messages of one invocation.
    pub batch_size: Value,
    /// Seconds that Lambda waits for more messages.
    pub window_seconds: Option<Value>,
    /// Most invocations at once.
    pub concurrency_max: Option<u32>,
}

/// A rule of `EventBridge` with a schedule. [EventBridge `PutRule`]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Schedule {
    /// What it does, for whoever finds the rule in the console.
    pub description: String,
    /// `rate(…)` or `cron(…)`, or a parameter.
    pub expression: Value,
    /// `ENABLED` if absent, or a parameter.
    pub state: Option<Value>,
    /// What the logical ids of rule and permission begin with; the function's name if absent. It never changes: a rule with
    /// a name of its own cannot be replaced by another resource.
    pub id: Option<String>,
}

/// Most AWS calls of a function for an account of one region.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallsMax {
    /// When the account is new.
    #[serde(default)]
    pub fresh: usize,
    /// When it is onboarded already.
    #[serde(default)]
    pub again: usize,
    /// When it leaves.
    #[serde(default)]
    pub leaving: usize,
    /// When it has left already.
    #[serde(default)]
    pub left: usize,
}

/// How a state retries a fault, where it differs from the table of all states.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exception {
    /// The first pause.
    pub interval_seconds: Option<u32>,
    /// The longest pause.
    pub delay_seconds_max: Option<u32>,
    /// How often it is tried again.
    pub attempts_max: Option<u32>,
}

/// As much of a manifest as is read here.
#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    description: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    berth: Declared,
}

impl Function {
    /// Reads a manifest. `folder` is the name of its folder.
    ///
    /// # Errors
    /// Everything that is wrong in it, with its path.
    pub fn parse(folder: &str, manifest: &str) -> Result<Self, Vec<String>> {
        let at = |problem: String| format!("functions/{folder}/Cargo.toml: {problem}");
        let Manifest { package } = toml::from_str(manifest).map_err(|error| vec![at(error.to_string())])?;
        let Package { name, description, metadata: Metadata { berth: declared } } = package;
        let function = Self { name, description: description.trim_end_matches('.').to_owned(), declared };
        let problems = function.problems(folder);
        if problems.is_empty() { Ok(function) } else { Err(problems.into_iter().map(at).collect()) }
    }

    fn problems(&self, folder: &str) -> Vec<String> {
        let Declared { states, timeout_seconds, trigger, retry, .. } = &self.declared;
        let mut problems = Vec::new();
        if self.name != folder {
            problems.push(format!("the package {} is in a folder of another name", self.name));
        }
        if states.is_empty() && trigger.is_empty() {
            problems.push("nothing invokes the function: name its states or its trigger".to_owned());
        }
        // https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
        if !(1..=900).contains(timeout_seconds) {
            problems.push(format!("timeout-seconds: Lambda takes 1 to 900, not {timeout_seconds}"));
        }
        if trigger.queue.as_ref().is_some_and(|queue| !queue.resource.ends_with("Queue")) {
            problems.push("trigger.queue.resource: the resource of a queue ends with Queue".to_owned());
        }
        for (fault, exception) in retry {
            match Fault::ALL.into_iter().find(|known| known.name() == fault) {
                Some(fault) if !fault.is_retryable() => problems.push(format!("retry.{fault}: it is never retried")),
                None => problems.push(format!("retry.{fault}: there is no such fault")),
                Some(_) if exception.interval_seconds.is_none() && exception.attempts_max.is_none() => {
                    problems.push(format!("retry.{fault}: says nothing"));
                }
                Some(_) => {}
            }
        }
        problems
    }

    /// Whether executions invoke it themselves: it is the function of a state, and no queue is between them.
    #[must_use]
    pub fn is_invoked_by_executions(&self) -> bool {
        !self.declared.states.is_empty() && self.declared.trigger.queue.is_none()
    }

    /// The name in logical ids and substitutions: `provision-vpc` is `ProvisionVpc`.
    #[must_use]
    pub fn pascal_case(&self) -> String {
        pascal_case(&self.name)
    }
}

impl Trigger {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_none() && self.schedule.is_none() && !self.direct
    }
}

/// `provision-vpc` as `ProvisionVpc`.
#[must_use]
pub fn pascal_case(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(word).collect()
}

/// Reads all folders. A folder with a `main.rs` is a function.
pub(super) fn read() -> Result<Vec<Function>, Vec<String>> {
    let folders = fs::read_dir(checkout().join("functions")).map_err(|error| vec![format!("functions/: {error}")])?;
    let mut names: Vec<String> = folders
        .flatten()
        .filter(|entry| entry.path().join("main.rs").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let (mut functions, mut problems) = (Vec::new(), Vec::new());
    for name in names {
        match parse_file(&name, &checkout().join("functions").join(&name).join("Cargo.toml")) {
            Ok(function) => functions.push(function),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if problems.is_empty() { Ok(functions) } else { Err(problems) }
}

fn parse_file(folder: &str, path: &Path) -> Result<Function, Vec<String>> {
    let text = fs::read_to_string(path).map_err(|error| vec![format!("{}: {error}", path.display())])?;
    Function::parse(folder, &text)
}
