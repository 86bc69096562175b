//! Sessions in other accounts: one `sts:AssumeRole`, narrowed to what the step does, named after the execution.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use aws_config::{Region as SdkRegion, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_sts::Client;
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Partition, Region, RoleName, Subject, role_arn, wait};

use crate::{CallFailure, SdkResultExt, SessionPolicy};

/// Length of a session in seconds: the shortest that STS allows, and no function runs longer.
const SESSION_SECONDS: i32 = 900;

/// How long a session serves further invocations of the same execution. It must outlast the function that takes it:
/// functions run for two minutes at most.
const KEPT: Duration = Duration::from_mins(10);

/// Most sessions that are kept. A warm copy of a function works for one execution at a time.
const KEPT_MAX: usize = 8;

/// Longest session name that STS takes.
const SESSION_NAME_MAX: usize = 64;

/// Assumes roles in other accounts.
#[derive(Debug, Clone)]
pub struct Sessions {
    base: SdkConfig,
    sts: Client,
    external_id: String,
    kept: Arc<Mutex<VecDeque<Kept>>>,
}

/// A session that was given before, and what for.
#[derive(Debug, Clone)]
struct Kept {
    key: Key,
    until: Instant,
    credentials: Credentials,
}

/// What a session may do, and for whom. Its name is that of its execution, so that none serves another one; the region
/// is not part of it, because sessions know none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    role: String,
    name: String,
    policy: SessionPolicy,
}

/// One session: where, and what for.
#[derive(Debug, Clone, Copy)]
pub struct SessionScope<'a> {
    /// Account of the role.
    pub account: &'a AccountId,
    /// The role.
    pub role: &'a RoleName,
    /// Region of the clients that use the session; the function's own when none.
    pub region: Option<&'a Region>,
    /// ARN of the execution, whose name becomes the session's name, so that CloudTrail leads back to it.
    pub execution: &'a str,
    /// The session policy, so that a step can do no more than its job even where the role could.
    pub policy: SessionPolicy,
    /// What a refusal to assume the role means. A role in a new account appears some minutes after the account.
    pub when_refused: Fault,
}

impl<'a> SessionScope<'a> {
    /// A session in the account that is onboarded. A refusal is no more than `NotReady`: the role appears some minutes
    /// after the account.
    #[must_use]
    pub fn in_tenant(run: &'a Subject, region: Option<&'a Region>, policy: SessionPolicy) -> Self {
        let (account, role, execution) = (&run.account_id, &run.tenant_role, run.execution.as_str());
        Self { account, role, region, execution, policy, when_refused: Fault::NotReady }
    }

    /// A session in an account that is there for long, as those of the platform are: a refusal is none that time heals.
    #[must_use]
    pub fn in_platform(
        (account, role): (&'a AccountId, &'a RoleName),
        region: Option<&'a Region>,
        execution: &'a str,
        policy: SessionPolicy,
    ) -> Self {
        Self { account, role, region, execution, policy, when_refused: Fault::Denied }
    }
}

impl Sessions {
    /// `base` is the configuration of this function; `external_id` is demanded by the roles' trust policies.
    #[must_use]
    pub fn new(base: &SdkConfig, external_id: String) -> Self {
        Self { base: base.clone(), sts: Client::new(base), external_id, kept: Arc::default() }
    }

    /// The configuration of clients that act in the other account: with the session of an invocation before, when that
    /// was for the same execution, role and policy.
    pub async fn assume(&self, scope: SessionScope<'_>) -> Result<SdkConfig, StepError> {
        let role = role_arn(self.partition(), scope.account, scope.role);
        let key = Key { role, name: session_name(scope.execution), policy: scope.policy };
        let credentials = match self.kept(&key) {
            Some(credentials) => credentials,
            None => self.ask(key, scope).await?,
        };
        let mut config = self.base.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials));
        if let Some(region) = scope.region {
            config = config.region(SdkRegion::new(region.as_str().to_owned()));
        }
        Ok(config.build())
    }

    /// That of the function's own Region: no role of another partition can be assumed.
    fn partition(&self) -> Partition {
        self.base.region().map(|region| Partition::of(region.as_ref())).unwrap_or_default()
    }

    fn kept(&self, key: &Key) -> Option<Credentials> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|each| Instant::now() < each.until);
        kept.iter().find(|each| each.key == *key).map(|each| each.credentials.clone())
    }

    fn keep(&self, kept: Kept) {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.truncate(KEPT_MAX - 1);
        all.push_front(kept);
    }

    /// A new session. [STS `AssumeRole`]
    async fn ask(&self, key: Key, scope: SessionScope<'_>) -> Result<Credentials, StepError> {
        let until = Instant::now() + KEPT;
        let arn = &key.role;
        let answer = self
            .sts
            .assume_role()
            .role_arn(arn)
            .role_session_name(&key.name)
            .external_id(&self.external_id)
            .duration_seconds(SESSION_SECONDS)
            .policy(scope.policy.document()?)
            .send()
            .await
            .named("sts:AssumeRole")
            .map_err(|failure| refused(failure, arn, scope))?;
        let Some(given) = answer.credentials else {
            return Err(StepError::new(Fault::Bug, format!("sts:AssumeRole on {arn} answered without credentials")));
        };
        let expires = SystemTime::try_from(given.expiration).ok();
        let credentials =
            Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), expires, "berth");
        self.keep(Kept { key, until, credentials: credentials.clone() });
        Ok(credentials)
    }
}

/// The error of a session that was refused, or of a call that failed.
fn refused(failure: CallFailure, arn: &str, scope: SessionScope<'_>) -> StepError {
    // A new role may be on its way; a policy that denies outright is not.
    let error = if failure.is(&["AccessDenied"]) && !failure.mentions("with an explicit deny in") {
        let advice = match scope.when_refused {
            Fault::NotReady => wait(
                "a new account gets the role some minutes late",
                format!(
                    "deploy {arn} to the account (its StackSet instance may have failed), and let it trust this \
                         function's role with Berth's external id; then redrive the execution"
                ),
            ),
            _ => format!("let {arn} trust this function's role with Berth's external id, then redrive the execution"),
        };
        failure.as_fault(scope.when_refused, advice)
    } else {
        failure.or_common()
    };
    let error = error.for_account(scope.account);
    scope.region.into_iter().fold(error, StepError::in_region)
}

/// The name of a session: the execution's, as far as STS takes it.
#[must_use]
pub fn session_name(execution: &str) -> String {
    let name = execution.rsplit(':').next().unwrap_or(execution);
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "=,.@-_+".contains(c) { c } else { '-' };
    let name: String = name.chars().map(allowed).take(SESSION_NAME_MAX - "berth-".len()).collect();
    format!("berth-{name}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Part, PolicyFile};

    /// A policy of its own for each text; none of these is read.
    const fn policy(text: &'static str) -> SessionPolicy {
        PolicyFile::new(text).session(Part::Tenant)
    }

    #[test]
    fn a_session_is_named_after_its_execution() {
        let arn = "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:111122223333-g1";
        assert_eq!(session_name(arn), "berth-111122223333-g1");
    }

    #[test]
    fn a_session_name_never_breaks_the_rules_of_sts() {
        let name = session_name(&format!("weird name/{}", "x".repeat(100)));
        assert_eq!(name.len(), SESSION_NAME_MAX);
        assert!(name.starts_with("berth-weird-name-xx"));
    }

    #[test]
    fn a_session_serves_its_own_execution_role_and_policy_and_no_others() {
        let config = SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let sessions = Sessions::new(&config, "id".to_owned());
        let key =
            |role: &str, name: &str, text| Key { role: role.to_owned(), name: name.to_owned(), policy: policy(text) };
        let given = |id: &str| Credentials::new(id, "never-shown", None, None, "test");
        let mine = key("role", "berth-e", "vpc");
        let keep = |key: &Key, id: &str| {
            sessions.keep(Kept { key: key.clone(), until: Instant::now() + KEPT, credentials: given(id) });
        };
        keep(&mine, "mine");
        assert_eq!(sessions.kept(&mine).unwrap().access_key_id(), "mine");
        for other in [
            key("other", "berth-e", "vpc"),
            key("role", "berth-f", "vpc"),
            key("role", "berth-e", "subnet"),
            Key { policy: PolicyFile::new("vpc").session(Part::Network), ..mine.clone() },
        ] {
            assert!(sessions.kept(&other).is_none(), "{other:?}");
        }
        let shown = format!("{:?}", sessions.kept);
        assert!(shown.contains("mine") && !shown.contains("never-shown"), "{shown}");
    }

    #[test]
    fn an_old_session_is_asked_for_anew_and_few_are_kept() {
        let config = SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let sessions = Sessions::new(&config, "id".to_owned());
        let key = |n: usize| Key { role: "role".to_owned(), name: format!("berth-{n}"), policy: policy("") };
        let kept = |n: usize, until: Instant| Kept {
            key: key(n),
            until,
            credentials: Credentials::new("id", "secret", None, None, "test"),
        };
        sessions.keep(kept(0, Instant::now()));
        assert!(sessions.kept(&key(0)).is_none());
        for n in 1..=20 {
            sessions.keep(kept(n, Instant::now() + KEPT));
        }
        let known = (1..=20).filter(|n| sessions.kept(&key(*n)).is_some());
        assert_eq!(known.collect::<Vec<_>>(), (13..=20).collect::<Vec<_>>(), "the newest ones");
    }
}
