//! What the configuration means for one account: not ours, or everything that it gets.

use berth_tenancy::{
    BaselinePlan, ClusterPlan, DefaultVpc, EnvironmentName, ExtensionsPlan, GitOpsPlan, OrganizationTags,
    OrganizationalUnitId, Partition, PodIdentityPlan, RegionPlan, RoleName, RolesPlan, SignInPlan, TenantName,
    TenantSource, tenant_path,
};

use crate::{
    AccountFacts, ApprovalRules, Environment, PlatformConfig, resolve,
    template::{Names, UnknownPlaceholder, render},
    tenant_name,
};

/// What the configuration means for one account.
#[derive(Debug, Clone, PartialEq)]
pub enum Match {
    /// The account is not ours, or asked to be left alone.
    Ignored {
        /// Why, in one sentence.
        reason: String,
    },
    /// The account is ours.
    Onboard(Box<Onboarding>),
}

/// Everything that an account gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Onboarding {
    /// The tenant that owns it.
    pub tenant: TenantName,
    /// What the tenant's name was read from.
    pub tenant_from: TenantSource,
    /// Its environment.
    pub environment: EnvironmentName,
    /// One entry for each region of the environment, in the order of their names.
    pub regions: Vec<RegionPlan>,
    /// IAM roles, templates filled in.
    pub roles: RolesPlan,
    /// What becomes of the account's default VPCs.
    pub default_vpc: DefaultVpc,
    /// The baseline of each region that has any.
    pub baselines: Vec<BaselinePlan>,
    /// Who signs in through IAM Identity Center; none when the environment declares nobody.
    pub sign_in: Option<SignInPlan>,
    /// Clusters on which the tenant's roles get access entries.
    pub clusters: Vec<ClusterPlan>,
    /// EKS Pod Identity associations on these clusters.
    pub pod_identity: Vec<PodIdentityPlan>,
    /// Clusters on which the tenant has to be Ready before the onboarding ends.
    pub awaited_clusters: Vec<ClusterPlan>,
    /// What of the platform's own is called.
    pub extensions: ExtensionsPlan,
    /// Whether people are asked before a run changes anything.
    pub approval: ApprovalRules,
    /// Where the tenant's custom resource goes, and what it says.
    pub git_ops: GitOpsPlan,
    /// Role in the account that the steps assume.
    pub tenant_role: RoleName,
    /// The organization's own tags, templates filled in.
    pub tags: OrganizationTags,
    /// Why it is ours, in one sentence.
    pub reason: String,
}

/// Why an account can be neither ignored nor onboarded. `Display` is what happened; the hint is what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// Somebody has to change something first: the fault `InvalidInput`.
    #[error("{message}")]
    InvalidInput {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// AWS has not finished with the account: the fault `NotReady`.
    #[error("{message}")]
    NotReady {
        /// What is awaited.
        message: String,
        /// What to do when it takes too long.
        hint: String,
    },
}

impl MatchError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &str {
        match self {
            Self::InvalidInput { hint, .. } | Self::NotReady { hint, .. } => hint,
        }
    }
}

/// The innermost unit of an account that is listed anywhere.
enum Nearest<'a> {
    /// It belongs to an environment.
    Environment(&'a str, &'a EnvironmentName, &'a Environment),
    /// Accounts leave by it.
    Exit(&'a str),
}

impl PlatformConfig {
    /// Decides about one account. Pure: the same facts always give the same answer.
    ///
    /// Reasons to ignore come first, so that nobody waits for, or is asked to repair, an account that is not ours.
    pub fn match_account(&self, facts: &AccountFacts) -> Result<Match, MatchError> {
        if let Some(reason) = self.core_account(facts).or_else(|| closed(facts)) {
            return Ok(Match::Ignored { reason });
        }
        let (unit, name, environment) = match self.nearest_unit(&facts.ous) {
            Some(Nearest::Environment(unit, name, environment)) => (unit, name, environment),
            Some(Nearest::Exit(unit)) => {
                let reason = format!("accounts leave by the organizational unit {unit} (exitUnits)");
                return Ok(Match::Ignored { reason });
            }
            None => {
                let reason = "no organizational unit on the account's path is listed in an environment".to_owned();
                return Ok(Match::Ignored { reason });
            }
        };
        if let Some(reason) = self.opted_out(facts)? {
            return Ok(Match::Ignored { reason });
        }
        living(facts)?;
        let (tenant, tenant_from) = self.tenant(facts, name)?;
        let reason = format!("the organizational unit {unit} belongs to the environment {name}");
        self.resolved(facts, (&tenant, tenant_from), name, environment, reason)
            .map(|onboarding| Match::Onboard(Box::new(onboarding)))
    }

    /// Everything that an account of this environment and this tenant gets.
    pub(crate) fn resolved(
        &self,
        facts: &AccountFacts,
        tenant: (&TenantName, TenantSource),
        name: &EnvironmentName,
        environment: &Environment,
        reason: String,
    ) -> Result<Onboarding, MatchError> {
        let hint = || "check platform.yaml with `berth validate`".to_owned();
        // A checked configuration has only templates that render.
        let onboarding = self
            .onboarding(facts, tenant, name, environment, reason)
            .map_err(|error| MatchError::InvalidInput { message: format!("platform.yaml: {error}"), hint: hint() })?;
        onboarding.ok_or_else(|| MatchError::InvalidInput {
            message: format!("platform.yaml: the cluster {} is not one of `clusters`", environment.cluster),
            hint: hint(),
        })
    }

    /// Why an account with a part in the platform is left alone.
    fn core_account(&self, facts: &AccountFacts) -> Option<String> {
        let id = &facts.account_id;
        let hub = self.hub.as_ref().is_some_and(|hub| hub.account == *id);
        let mut clusters = self.clusters.values().filter_map(|cluster| cluster.eks.as_ref());
        let roles = [
            (self.organization.management_account == *id, "management"),
            (self.network.account == *id, "network"),
            (hub, "hub"),
            (self.identity_center.as_ref().is_some_and(|center| center.account.as_ref() == Some(id)), "sign-in"),
            (clusters.any(|eks| eks.account.as_ref() == Some(id)), "cluster"),
        ];
        roles.iter().find(|(is, _)| *is).map(|(_, role)| format!("it is the {role} account of the platform"))
    }

    /// What the innermost unit says that is listed anywhere.
    fn nearest_unit<'a>(&'a self, ous: &'a [String]) -> Option<Nearest<'a>> {
        ous.iter().rev().find_map(|unit| {
            let lists = |units: &[OrganizationalUnitId]| units.iter().any(|listed| listed.as_str() == unit);
            if lists(&self.exit_units) {
                return Some(Nearest::Exit(unit));
            }
            let found = self.environments.iter().find(|(_, environment)| lists(&environment.organizational_units));
            found.map(|(name, environment)| Nearest::Environment(unit, name, environment))
        })
    }

    /// Why the account's tag keeps it out. A value that is neither `true` nor `false` is not guessed at: onboarding an
    /// account that somebody meant to keep out is worse than asking.
    fn opted_out(&self, facts: &AccountFacts) -> Result<Option<String>, MatchError> {
        let Some(value) = facts.tags.get(&self.ignore_tag) else { return Ok(None) };
        match value.trim().to_ascii_lowercase().as_str() {
            "false" => Ok(Some(format!("the account's tag {} is {}", self.ignore_tag, shown(value)))),
            "true" | "" => Ok(None),
            _ => Err(MatchError::InvalidInput {
                message: format!("the account's tag {} is {}, neither true nor false", self.ignore_tag, shown(value)),
                hint: format!("set the tag {} to `false` to keep the account out, or remove it", self.ignore_tag),
            }),
        }
    }

    /// The tenant, by the account's tag, else by its name.
    fn tenant(
        &self,
        facts: &AccountFacts,
        environment: &EnvironmentName,
    ) -> Result<(TenantName, TenantSource), MatchError> {
        let rule = "lower-case letters, digits and hyphens, starting with a letter, at most 40 characters";
        if let Some(value) = facts.tags.get(&self.tenant_tag) {
            let tenant = value.parse().map_err(|_| MatchError::InvalidInput {
                message: format!("the account's tag {} is {}, not the name of a tenant", self.tenant_tag, shown(value)),
                hint: format!("set the tag to a name of {rule}"),
            })?;
            return Ok((tenant, TenantSource::Tag));
        }
        let tenant =
            tenant_name::from_account_name(&facts.name, environment).ok_or_else(|| MatchError::InvalidInput {
                message: format!("no name of a tenant can be made from the account's name {}", shown(&facts.name)),
                hint: format!("set the tag {} of the account to the tenant's name ({rule})", self.tenant_tag),
            })?;
        Ok((tenant, TenantSource::Name))
    }

    /// Fills everything in; none when the environment's cluster is not known.
    fn onboarding(
        &self,
        facts: &AccountFacts,
        (tenant, tenant_from): (&TenantName, TenantSource),
        name: &EnvironmentName,
        environment: &Environment,
        reason: String,
    ) -> Result<Option<Onboarding>, UnknownPlaceholder> {
        let Some(cluster) = self.clusters.get(&environment.cluster) else { return Ok(None) };
        let names = Names { tenant: tenant.as_str(), environment: name.as_str(), account: facts.account_id.as_str() };
        let mut roles = resolve::roles(&environment.roles, names)?;
        let hub = self.hub.as_ref().map(|hub| &hub.account);
        resolve::pin_cluster(&mut roles, &environment.cluster, cluster, hub);
        roles.roles.extend(resolve::backup_role(environment, Partition::of(cluster.region.as_str())));
        let git_ops = GitOpsPlan {
            cluster: environment.cluster.clone(),
            cluster_region: cluster.region.clone(),
            path: tenant_path(&environment.cluster, tenant),
            delivery: environment.git_ops.mode,
            answer_seconds_max: environment.git_ops.answer_seconds_max(),
            contact_email: self.contact_email.of(facts),
            cost_center: facts.tags.get(&self.cost_center_tag).filter(|value| !value.trim().is_empty()).cloned(),
            owner_groups: self.owner_groups.iter().map(|group| render(group, names)).collect::<Result<_, _>>()?,
            workloads: resolve::workloads(&roles),
            leaves: None,
        };
        let clusters: Vec<ClusterPlan> = resolve::cluster(&environment.cluster, cluster).into_iter().collect();
        Ok(Some(Onboarding {
            tenant: tenant.clone(),
            tenant_from,
            environment: name.clone(),
            regions: environment.regions.iter().map(|(r, c)| resolve::region(r, c, self)).collect(),
            default_vpc: environment.default_vpc,
            pod_identity: resolve::associations(&roles, &environment.cluster, cluster, hub).0,
            roles,
            baselines: resolve::baselines(environment, &facts.account_id),
            sign_in: resolve::sign_in(self, &environment.sign_in, names)?,
            awaited_clusters: clusters.iter().filter(|_| cluster.await_ready).cloned().collect(),
            clusters,
            approval: environment.approval.rules(),
            extensions: environment.after.iter().cloned().collect(),
            git_ops,
            tenant_role: self.tenant_role.clone(),
            tags: resolve::tags(self, environment, names)?,
            reason,
        }))
    }
}

/// Why an account that is closed, or about to be, is left alone.
fn closed(facts: &AccountFacts) -> Option<String> {
    let closed = matches!(facts.state.as_str(), "SUSPENDED" | "PENDING_CLOSURE" | "CLOSED");
    closed.then(|| format!("the account is {}, not ACTIVE", facts.state))
}

/// Only an ACTIVE account can be onboarded. A state that is missing or new is an error, not a reason to ignore: an
/// account of ours must never be lost in silence.
fn living(facts: &AccountFacts) -> Result<(), MatchError> {
    match facts.state.as_str() {
        "ACTIVE" => Ok(()),
        "PENDING_ACTIVATION" => Err(MatchError::NotReady {
            message: "the account is still PENDING_ACTIVATION".into(),
            hint: "open a case with AWS Support: the account's verification may be pending; then redrive the execution"
                .into(),
        }),
        unknown => Err(MatchError::InvalidInput {
            message: format!("Organizations reports the account's state as {}, which is not known", shown(unknown)),
            hint: "look at `aws organizations describe-account`; onboard the account again once it is ACTIVE".into(),
        }),
    }
}

/// Hostile text for a message: quoted, escaped, and never longer than 80 characters.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(80).collect::<String>())
}
