//! `berth ledger rebuild`: writes the ledger anew from what AWS itself knows, after the table was lost.
//!
//! What is there is looked at by a plan of each account: the same functions as in an onboarding find the VPCs by their tags,
//! and change nothing. What a plan cannot see is not made up: it is said.

mod claims;
mod generations;
mod restored;

use berth_config::{AddressSource, PlatformConfig};
use berth_contract::{
    ExecutionOutput, RegionRecord,
    sweep::{Ask, Input, Report, Why},
};
use berth_ledger::{Listing, Record, Restored};
use berth_tenancy::{AccountId, EnvironmentName, Mode, Region};
use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde_json::json;

use self::{
    generations::{Newest, newest_of},
    restored::{Found, found},
};
use crate::{
    args::{LedgerCommand, RebuildArgs, Target},
    follow,
    invoke::invoke,
    onboard::{self, Wish},
    outcome::{Exit, Problem},
    output, paint, status, sweep,
    target::{self, Deployment},
};

/// What nobody can know any more, however the ledger is rebuilt.
const LOST: &str = "not rebuilt: which commit an account's entry came with (the next run of the account finds it), pull \
                    requests that wait, blocks that were given back and rest, and why accounts were ignored";

pub(crate) async fn run(command: &LedgerCommand, wanted: &Target) -> Result<Exit, Problem> {
    let args = match command {
        LedgerCommand::Rebuild(args) => args,
        LedgerCommand::Claims => return claims::list(wanted).await,
        LedgerCommand::Release(args) => return claims::release(args, wanted).await,
    };
    let platform = PlatformConfig::load(&args.platform)
        .map_err(|why| Problem::bad_input(why, "correct it with `berth validate`"))?;
    let deployment = target::connect(wanted).await?;
    let rebuild = Rebuild { deployment: &deployment, platform: &platform, args };
    rebuild.run().await
}

struct Rebuild<'a> {
    deployment: &'a Deployment,
    platform: &'a PlatformConfig,
    args: &'a RebuildArgs,
}

/// A block that an account uses.
struct Used {
    account: AccountId,
    environment: EnvironmentName,
    region: Region,
    cidr: String,
}

/// What was done, or would be.
#[derive(Default)]
struct Tally {
    records: usize,
    blocks: usize,
    left: usize,
    problems: Vec<String>,
}

impl Rebuild<'_> {
    /// Blocks of the accounts that the ledger still knows come first, then account after account: its blocks, then its
    /// record. A rebuild that was cut off goes on where it was.
    async fn run(&self) -> Result<Exit, Problem> {
        let mut tally = Tally::default();
        let Listing { records, unreadable } = self.deployment.ledger.list().await?;
        tally.problems.extend(unreadable.iter().map(|item| format!("{}: {}", item.key, status::why(item))));
        for record in records {
            for used in used_by(&record) {
                self.block(&used, &mut tally).await?;
            }
        }
        let generations = newest_of(self.deployment).await?;
        for ask in self.missing(&mut tally).await? {
            self.account(&ask, generations.get(&ask.account_id), &mut tally).await?;
        }
        Ok(self.end(&tally))
    }

    /// Accounts that are ours and that the ledger does not know, as the sweep sees them: only its role may list them.
    async fn missing(&self, tally: &mut Tally) -> Result<Vec<Ask>, Problem> {
        let input = Input { dry_run: true, missing_after_minutes: Some(0), ..Input::default() };
        let answer = invoke(self.deployment, sweep::FUNCTION, &json!(input)).await?;
        let report: Report = serde_json::from_value(answer).map_err(|error| {
            let what = format!("{} answered what this version cannot read: {error}", sweep::FUNCTION);
            Problem::failed(what, "deploy this version")
        })?;
        tally.problems.extend(report.problems.into_iter().map(|problem| problem.what));
        Ok(report.asked.into_iter().filter(|ask| ask.why == Why::Missing).collect())
    }

    /// Looks at one account and writes what was found.
    async fn account(&self, ask: &Ask, newest: Option<&Newest>, tally: &mut Tally) -> Result<(), Problem> {
        let account = &ask.account_id;
        let execution = onboard::start(self.deployment, &Wish::of(account, Mode::Plan)).await?;
        let ended = follow::to_the_end(self.deployment, &execution, false).await?;
        let found = match ended.failure() {
            Some(failure) => Found::unseen(failure.clone()),
            None => found(read(ended.output())?),
        };
        for (environment, region, cidr) in found.blocks() {
            let used = Used { account: account.clone(), environment, region, cidr };
            self.block(&used, tally).await?;
        }
        if let Some(record) = found.record(ask, newest, Timestamp::now()) {
            return self.record(&record, tally).await;
        }
        tally.left += 1;
        output::say(&format!("{account}  left to the sweep: nothing of Berth's is there"));
        Ok(())
    }

    async fn record(&self, record: &Record, tally: &mut Tally) -> Result<(), Problem> {
        let written =
            if self.args.dry_run { Restored::Written } else { self.deployment.ledger.restore_record(record).await? };
        let why = record.failure.as_ref().map(|failure| format!(": {}", failure.message)).unwrap_or_default();
        let (account, status, generation) = (&record.account_id, record.status.name(), record.generation);
        if !self.args.dry_run
            && let Some(Restored::HeldBy(by)) = self.deployment.ledger.restore_claim(record).await?
        {
            tally.problems.push(format!("{account} is the same environment of the same tenant as {by}"));
        }
        match written {
            Restored::Written => {
                tally.records += 1;
                output::say(&format!("{account}  {status}, generation {generation}{why}"));
            }
            Restored::Kept | Restored::HeldBy(_) => {
                output::say(&format!("{account}  has a record by now; it stays"));
            }
        }
        Ok(())
    }

    /// Writes that an account has its block, where the ledger hands blocks out.
    async fn block(&self, used: &Used, tally: &mut Tally) -> Result<(), Problem> {
        let Used { account, environment, region, cidr } = used;
        let declared = self.platform.environments.get(environment).and_then(|known| known.regions.get(region));
        let Some(AddressSource::Ledger { pool, .. }) = declared.map(|declared| &declared.addresses) else {
            return Ok(()); // IPAM knows its own blocks
        };
        let block: Ipv4Net = cidr.parse().map_err(|_| {
            Problem::failed(format!("the VPC of {account} in {region} has no IPv4 block: {cidr:?}"), "look at the VPC")
        })?;
        let ledger = &self.deployment.ledger;
        let restored = if self.args.dry_run {
            ledger.block_of(pool, block, account, region).await?.unwrap_or(Restored::Written)
        } else {
            ledger.restore_block(pool, block, account, region).await?
        };
        match restored {
            Restored::Written => {
                tally.blocks += 1;
                output::say(&format!("{account}  {region}: {block} of pool {pool}"));
            }
            Restored::Kept => {}
            Restored::HeldBy(by) => {
                tally
                    .problems
                    .push(format!("{block} of pool {pool} is used by {account} in {region}, but {by} has it"));
            }
        }
        Ok(())
    }

    fn end(&self, tally: &Tally) -> Exit {
        let Tally { records, blocks, left, problems } = tally;
        let done = if self.args.dry_run { "would be written" } else { "written" };
        output::say(&format!("{records} records and {blocks} blocks {done}; {left} accounts left to the sweep"));
        output::say(&paint::faint(LOST));
        if output::is_data() {
            output::data(&json!({ "records": records, "blocks": blocks, "left": left, "problems": problems }));
        }
        for problem in problems {
            anstream::eprintln!("{}: {problem}", paint::bad("error"));
        }
        if problems.is_empty() { Exit::Done } else { Exit::Failed }
    }
}

/// The blocks in a record.
fn used_by(record: &Record) -> Vec<Used> {
    let Some(environment) = &record.environment else { return Vec::new() };
    let used = |(region, known): (&Region, &RegionRecord)| Used {
        account: record.account_id.clone(),
        environment: environment.clone(),
        region: region.clone(),
        cidr: known.cidr.clone(),
    };
    record.regions.iter().map(used).collect()
}

fn read(output: &serde_json::Value) -> Result<ExecutionOutput, Problem> {
    serde_json::from_value(output.clone()).map_err(|error| {
        Problem::failed(format!("a plan answered what this version cannot read: {error}"), "deploy this version")
    })
}
