//! Who an account is by its match, and what it is given because of that.

use std::collections::{BTreeMap, BTreeSet};

use berth_tenancy::{
    AccountId, BaselinePlan, ClusterPlan, EnvironmentName, GIVEN_BOUNDARY, GIVEN_CLUSTER, GIVEN_ENTRIES, GIVEN_FILE,
    GIVEN_ROLE, Identity, Partition, RegionPlan, RolePlan, SignInPlan, TenantName, TenantSource, Thing,
};

use crate::{AccountFacts, MatchError, Onboarding, PlatformConfig, resolve};

impl PlatformConfig {
    /// Where Identity Center is, with nobody who signs in; none in a file without it.
    #[must_use]
    pub fn sign_in_of_nobody(&self) -> Option<SignInPlan> {
        resolve::sign_in_of_nobody(self)
    }

    /// The cluster of this name, when its access entries are Berth's.
    #[must_use]
    pub fn cluster_plan(&self, name: &str) -> Option<ClusterPlan> {
        let (name, cluster) = self.clusters.iter().find(|(known, _)| known.as_str() == name)?;
        resolve::cluster(name, cluster)
    }

    /// What this configuration gives an account that is this environment of this tenant, whatever unit it is in; none when
    /// the configuration has no such environment.
    ///
    /// # Errors
    /// As [`PlatformConfig::match_account`], for a file that was not checked.
    pub fn identity_of(
        &self,
        account: &AccountId,
        tenant: &TenantName,
        environment: &EnvironmentName,
    ) -> Result<Option<Identity>, MatchError> {
        let Some(declared) = self.environments.get(environment) else { return Ok(None) };
        let facts = AccountFacts {
            account_id: account.clone(),
            name: String::new(),
            email: None,
            state: "ACTIVE".to_owned(),
            ous: Vec::new(),
            joined: None,
            tags: BTreeMap::new(),
        };
        let onboarding = self.resolved(&facts, (tenant, TenantSource::Tag), environment, declared, String::new())?;
        Ok(Some(onboarding.identity()))
    }
}

impl Onboarding {
    /// Everything that an account of this match has when its onboarding has ended well: what the inventory is compared
    /// with.
    #[must_use]
    pub fn things(&self, account: &AccountId) -> Vec<Thing> {
        let partition = Partition::of(self.git_ops.cluster_region.as_str());
        let role_arn = |role: &RolePlan| role.arn(partition, account);
        let boundary = &self.roles.boundary;
        let mut things = vec![
            Thing::Boundary { arn: boundary.arn(partition, account) },
            Thing::File { path: self.git_ops.path.clone() },
        ];
        for RegionPlan { region, .. } in &self.regions {
            things.push(Thing::Vpc { region: region.clone(), id: None });
            things.push(Thing::Attachment { region: region.clone(), id: None });
        }
        let baseline = |plan: &BaselinePlan| Thing::Baseline { region: plan.region.clone(), parts: Some(plan.parts()) };
        things.extend(self.baselines.iter().map(baseline));
        for role in &self.roles.roles {
            things.push(Thing::Role { name: role.key.clone(), arn: role_arn(role) });
        }
        let providers = self.roles.roles.iter().filter_map(|role| role.trust.oidc_provider_arn(partition, account));
        let providers: BTreeSet<String> = providers.collect();
        things.extend(providers.into_iter().map(|arn| Thing::OidcProvider { arn }));
        for one in self.sign_in.iter().flat_map(|sign_in| &sign_in.assignments) {
            let (group, permission_set) = (one.group.clone(), one.permission_set.clone());
            things.push(Thing::SignIn { group, permission_set, group_id: None, permission_set_arn: None });
        }
        for cluster in &self.clusters {
            let roles = self.roles.roles.iter().filter(|role| role.access.is_some()).map(role_arn);
            let entry =
                |role| Thing::AccessEntry { role, cluster: cluster.name.to_string(), at: Some(cluster.clone()) };
            things.extend(roles.map(entry));
        }
        things.extend(self.pod_identity.iter().map(|planned| {
            let at = self.clusters.iter().find(|cluster| cluster.name == planned.cluster);
            planned.thing(at.cloned())
        }));
        things
    }

    /// What an account is given by this match.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let boundary = &self.roles.boundary;
        let mut given = BTreeMap::from([
            (GIVEN_CLUSTER.to_owned(), self.git_ops.cluster.to_string()),
            (GIVEN_FILE.to_owned(), self.git_ops.path.clone()),
            (GIVEN_BOUNDARY.to_owned(), format!("{}{}", boundary.path, boundary.name)),
        ]);
        for role in &self.roles.roles {
            given.insert(format!("{GIVEN_ROLE}{}", role.key), format!("{}{}", role.path, role.name));
        }
        for cluster in &self.clusters {
            let account = cluster.outside.as_ref().map_or("the hub account", |outside| outside.account.as_str());
            let place = format!("{} in {} of {account}", cluster.eks_name, cluster.region);
            given.insert(format!("{GIVEN_ENTRIES}{}", cluster.name), place);
        }
        Identity { tenant: self.tenant.clone(), environment: self.environment.clone(), given }
    }
}
