//! The command line.

use std::{ffi::OsString, path::PathBuf};

use berth_tenancy::{AccountId, EnvironmentName, Invalid, Region, TenantName};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use jiff::SignedDuration;

use crate::{
    apply::ApplyArgs,
    approve::{ApproveArgs, RejectArgs},
    drift::DriftArgs,
    findings::FindingFormat,
    output::OutputArgs,
    replay::args::ReplayArgs,
    status::StatusArgs,
    suspend::SuspendArgs,
};

/// Takes new AWS accounts from "created" to "its team can deploy".
#[derive(Debug, Parser)]
#[command(
    name = "berth",
    version,
    after_help = "Exit codes: 0 done; 1 it failed, or the account failed or is not Berth's to onboard; 2 the input is wrong; \
                  3 there are no credentials, or AWS does not take them."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which AWS to talk to, and as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which AWS")]
pub(crate) struct Target {
    /// Which AWS to talk to: the one that the environment names, or the local one.
    #[arg(long = "target", global = true, value_enum, default_value_t = Which::Auto)]
    pub(crate) which: Which,
    /// A hub of `~/.config/berth/config.toml`: its profile, region and stack.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) hub: Option<String>,
    /// The profile of `~/.aws/config` to sign in with; keys in the environment are left out then.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The region of the hub. It may be written `--region`, but not after `offboard`, which has one of its own.
    #[arg(id = "hub-region", long = "hub-region", global = true, value_name = "REGION")]
    pub(crate) region: Option<Region>,
}

/// Which AWS to talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// The local AWS while it runs and the environment names no other; it says so on standard error.
    Auto,
    /// The AWS that the environment names (profile, region, credentials).
    Aws,
    /// The local AWS.
    Local,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Says what Berth makes of an event, offline: the same code that runs in the Lambda.
    Explain(ExplainArgs),
    /// Checks a platform.yaml: every problem with its line and what to do.
    Validate(ValidateArgs),
    /// Starts an onboarding; safe to repeat at any time.
    Onboard(OnboardArgs),
    /// Makes the changes of a plan that `berth onboard --plan --out` kept, and no other: when something else would be done by
    /// now, it shows the difference and changes nothing.
    Apply(ApplyArgs),
    /// Approves the plan that an account's run waits with: the run looks once more, and makes it.
    Approve(ApproveArgs),
    /// Rejects the plan that an account's run waits with: the run ends, and nothing is changed.
    Reject(RejectArgs),
    /// Takes everybody's access to an account's namespaces away for a while, and with `--lift` gives it back.
    Suspend(SuspendArgs),
    /// Makes an account another environment, or another tenant's, after its name, tag or unit were changed: takes its old
    /// access away, then onboards it as the other one.
    Transfer(TransferArgs),
    /// Takes away what Berth gave an account: access, its entry, its networks, its addresses. Plans unless told `--yes`.
    Offboard(OffboardArgs),
    /// Takes an account out of the ledger for which nothing was ever planned, such as one that does not exist.
    Forget(ForgetArgs),
    /// Shows where accounts are, what went wrong, and what to do.
    Status(StatusArgs),
    /// Shows what the functions logged about an account, oldest first.
    Logs(LogsArgs),
    /// Lists what failed and can be run again, shows one, or runs one, some or all of it again.
    Replay(ReplayArgs),
    /// Shows the pools of addresses in the ledger and how full they are, and gives blocks back.
    Addresses(AddressesArgs),
    /// Finds accounts whose event never came, or whose onboarding stopped, and asks for their onboarding.
    Sweep(SweepArgs),
    /// Looks whether onboarded accounts have drifted from their plan: those whose turn it is, or those that are named.
    Drift(DriftArgs),
    /// Shows which hub, profile, region and deployment a command would use, and where each of it comes from.
    Config,
    /// Prints completions for a shell: `source <(berth completions bash)`.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Writes the pages of the manual: berth.1, and one for each subcommand.
    Man {
        /// Where to; it is made if it is not there.
        folder: PathBuf,
    },
    /// The ledger itself: writes it anew after its table was lost.
    Ledger {
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// The local AWS: a whole organization on this machine.
    Local {
        #[command(subcommand)]
        command: LocalCommand,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// File with the event; `-` reads standard input.
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// The platform.yaml; `-` reads standard input.
    #[arg(required_unless_present = "repository")]
    pub(crate) file: Option<PathBuf>,
    /// Also says what it would make of accounts that exist: reads the ledger of the deployment.
    #[arg(long, requires = "file")]
    pub(crate) accounts: bool,
    /// How mistakes are printed: with their lines, or as annotations of a GitHub workflow.
    #[arg(long, value_enum, default_value_t = FindingFormat::Text, requires = "file")]
    pub(crate) format: FindingFormat,
    /// Tries the GitOps repository and the secret of the deployment without changing anything, from where Berth runs.
    #[arg(long)]
    pub(crate) repository: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct OnboardArgs {
    /// The account: twelve digits.
    pub(crate) account: AccountId,
    /// Only shows the changes that would be made: `+` makes something, `~` changes it, `-` takes it away, and `!` cuts traffic
    /// off.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Keeps the plan in a file as JSON, for a review, or for `berth apply`.
    #[arg(long, value_name = "FILE", requires = "plan")]
    pub(crate) out: Option<PathBuf>,
    /// Exits with 0 when nothing would change and 3 when something would; no credentials are 1 then.
    #[arg(long, requires = "plan")]
    pub(crate) exit_code: bool,
    /// Makes changes too that cut traffic off for a while; `--plan` and `berth status` list them as planned changes.
    #[arg(long)]
    pub(crate) allow_disruption: bool,
    /// Shows progress and waits for the end.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TransferArgs {
    /// The account: twelve digits.
    pub(crate) account: AccountId,
    /// Whom it shall become, which must be what its name, tag, unit and platform.yaml make it now.
    #[arg(long, value_name = "TENANT/ENVIRONMENT", value_parser = identity)]
    pub(crate) to: String,
    /// Only shows what is taken away, what moves and what is made anew.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Says that access which Berth cannot reach, or cannot prove to be its own, was taken away by hand.
    #[arg(long)]
    pub(crate) old_access_removed: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what"))]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct OffboardArgs {
    /// The account: twelve digits.
    pub(crate) account: AccountId,
    /// Lists all that would be taken away, and what is in the way; the same without any switch.
    #[arg(long, group = "what")]
    pub(crate) plan: bool,
    /// Takes it away, and waits for the end.
    #[arg(long, group = "what")]
    pub(crate) yes: bool,
    /// Takes the account off the list of those that are to be offboarded.
    #[arg(long, group = "what")]
    pub(crate) cancel: bool,
    /// Says that access which Berth cannot reach any more was taken away by hand.
    #[arg(long, requires = "yes")]
    pub(crate) access_removed: bool,
    /// Only the network of this region, which platform.yaml does not have any more.
    #[arg(long, conflicts_with = "cancel")]
    pub(crate) region: Option<Region>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", requires = "yes")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    /// The account: twelve digits.
    pub(crate) account: AccountId,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The account: twelve digits.
    pub(crate) account: AccountId,
    /// Goes on with what is logged from now on, until Ctrl-C.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How far to look back, like 30m, 12h or 7d; to the beginning of its newest execution when it is left out.
    #[arg(long, value_name = "TIME", value_parser = time_back)]
    pub(crate) since: Option<SignedDuration>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct AddressesArgs {
    #[command(subcommand)]
    pub(crate) command: Option<AddressesCommand>,
    /// The platform.yaml of the deployment: with it, each pool shows how many blocks it has in all.
    #[arg(long, value_name = "FILE")]
    pub(crate) platform: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AddressesCommand {
    /// Gives back the blocks of an account in a region, after a plan has shown that no VPC of Berth is there. They rest
    /// for 30 minutes, or without looking for 91 days; then another account may get them.
    Release {
        /// The account: twelve digits.
        account: AccountId,
        /// The region.
        region: Region,
        /// Does not look: for an account that is closed, or that Berth may not enter any more.
        #[arg(long)]
        without_looking: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Looks at every account that is Berth's and that the ledger does not know, by a plan that changes nothing, and
    /// writes its record and its blocks. What the ledger has is never overwritten.
    Rebuild(RebuildArgs),
    /// Lists which account is which environment of which tenant.
    Claims,
    /// Lets another account take the place of one that was offboarded by hand, or is closed: its environment of its tenant.
    Release(ReleaseArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    /// The account that gives its place up: twelve digits.
    pub(crate) account: AccountId,
    /// Says that its sign-in, its access entries, its roles and its entry in the tenant's file are gone.
    #[arg(long)]
    pub(crate) removed: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    /// The platform.yaml of the deployment: it says which pool a region's blocks are from.
    #[arg(long, value_name = "FILE")]
    pub(crate) platform: PathBuf,
    /// Only shows what would be written.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// Only shows which accounts would be asked for.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Minutes in the organization after which an account that the ledger does not know is missing.
    #[arg(long, value_name = "MINUTES")]
    pub(crate) missing_after: Option<u32>,
    /// Minutes after which an account on which no execution works is stuck.
    #[arg(long, value_name = "MINUTES")]
    pub(crate) stuck_after: Option<u32>,
    /// Minutes after which a failed account is tried again; 0 tries all of them now.
    #[arg(long, value_name = "MINUTES")]
    pub(crate) failed_after: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LocalCommand {
    /// Starts the local AWS in the background and prints the environment to use it.
    Up(UpArgs),
    /// Ends the local AWS.
    Down,
    /// Prints the environment to use the local AWS with: as the hub account, or as the administrator of another.
    Env(EnvArgs),
    /// Makes an account in the local organization; its event is sent with `berth local send`, or it is onboarded by its id.
    #[command(name = "create-account")]
    CreateAccount(CreateAccountArgs),
    /// Deploys a platform.yaml, after it was checked: every function starts anew with it.
    Deploy(DeployArgs),
    /// Publishes an event to the accounts bus of the local AWS.
    Send(SendArgs),
    /// Shows one onboarding from the event to the commit; with --kubernetes to a tenant that is Ready.
    Demo(DemoArgs),
}

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Port of the AWS endpoint, 4566 when it is left out; 0 takes a free one.
    #[arg(long)]
    pub(crate) port: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct EnvArgs {
    /// Acts as the administrator of this account: twelve digits.
    #[arg(long)]
    pub(crate) account: Option<AccountId>,
}

#[derive(Debug, Args)]
pub(crate) struct CreateAccountArgs {
    /// Its name in Organizations.
    pub(crate) name: String,
    /// The environment in whose unit it is.
    #[arg(long)]
    pub(crate) environment: EnvironmentName,
    /// A tag of the account; may be repeated.
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    pub(crate) tags: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// The platform.yaml; when it is left out, the one that is deployed, as you have edited it.
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Port of the AWS endpoint, when none is running yet; 0 takes a free one.
    #[arg(long, default_value_t = 4566)]
    pub(crate) port: u16,
    /// With a real Kubernetes API server and the tenant operator: it ends when the tenant is Ready.
    #[arg(long)]
    pub(crate) kubernetes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// File with the event; `-` reads standard input.
    pub(crate) file: PathBuf,
}

/// A command line in which `--region` is that of the hub. clap knows no switch of all commands that one of them has for
/// something else, and would hand the hub's on to it as the region whose network is to go.
pub(crate) fn spelled_out(line: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut is_offboard = false;
    let spell_out = |word: OsString| {
        is_offboard |= word == "offboard";
        match word.to_str().and_then(|text| text.strip_prefix("--region")) {
            Some(rest) if !is_offboard && (rest.is_empty() || rest.starts_with('=')) => {
                format!("--hub-region{rest}").into()
            }
            _ => word,
        }
    };
    line.map(spell_out).collect()
}

/// A tenant and an environment.
fn identity(text: &str) -> Result<String, String> {
    let (tenant, environment) = text.split_once('/').ok_or("it is <tenant>/<environment>, like payments/dev")?;
    let _: TenantName = tenant.parse().map_err(|error: Invalid| error.to_string())?;
    let _: EnvironmentName = environment.parse().map_err(|error: Invalid| error.to_string())?;
    Ok(text.to_owned())
}

/// A time like `90s`, `30m`, `12h` or `7d`.
fn time_back(text: &str) -> Result<SignedDuration, String> {
    const SHAPE: &str = "it is a number and a unit: 90s, 30m, 12h or 7d";
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(SHAPE)?;
    let number: i64 = number.parse::<u32>().map_err(|_| SHAPE)?.into();
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(SHAPE.to_owned()),
    };
    Ok(SignedDuration::from_secs(number * seconds))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_status_that_does_not_exist_is_refused_with_those_that_do() {
        let error = Cli::try_parse_from(["berth", "status", "--status", "done"]).unwrap_err().to_string();
        assert!(error.contains("requested, running, onboarded, failed, ignored"), "{error}");
        assert!(Cli::try_parse_from(["berth", "status", "--status", "failed", "--status", "running"]).is_ok());
    }

    #[test]
    fn the_region_of_the_hub_is_never_the_one_whose_network_is_taken_away() {
        let parsed = |line: &str| Cli::try_parse_from(spelled_out(line.split(' ').map(OsString::from))).unwrap();
        let own = |cli: &Cli| match &cli.command {
            Command::Offboard(args) => args.region.clone(),
            _ => None,
        };
        let region = |name: &str| Some(name.parse::<Region>().unwrap());
        assert_eq!(parsed("berth status --region us-east-1").target.region, region("us-east-1"));
        assert_eq!(parsed("berth --region=us-east-1 status").target.region, region("us-east-1"));
        let network = parsed("berth offboard 111122223333 --region eu-west-1");
        assert_eq!((own(&network), &network.target.region), (region("eu-west-1"), &None));
        let hub = parsed("berth --region us-east-1 offboard 111122223333");
        assert_eq!((own(&hub), &hub.target.region), (None, &region("us-east-1")));
        let both = parsed("berth offboard 111122223333 --region eu-west-1 --hub-region us-east-1");
        assert_eq!((own(&both), &both.target.region), (region("eu-west-1"), &region("us-east-1")));
    }

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        let hours = |text| time_back(text).map(|time| time.as_secs_f64() / 3600.0);
        for (text, wanted) in [("90s", 0.025), ("30m", 0.5), ("12h", 12.0), ("7d", 168.0)] {
            assert_eq!(hours(text), Ok(wanted), "{text}");
        }
        for text in ["", "7", "d", "-1d", "1w", "1.5h", "12ü"] {
            assert!(hours(text).unwrap_err().contains("30m, 12h"), "{text}");
        }
    }

    #[test]
    fn an_account_id_with_eleven_digits_is_refused_before_anything_happens() {
        let error = Cli::try_parse_from(["berth", "onboard", "11112222333"]).unwrap_err().to_string();
        assert!(error.contains("exactly twelve digits"), "{error}");
    }
}
