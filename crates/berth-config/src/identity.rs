//! Who an account is by its match, and what it is given because of that.

use std::collections::BTreeMap;

use berth_tenancy::{
    AccountId, EnvironmentName, GIVEN_BOUNDARY, GIVEN_CLUSTER, GIVEN_ENTRIES, GIVEN_FILE, GIVEN_ROLE, Identity,
    TenantName, TenantSource,
};

use crate::{AccountFacts, MatchError, Onboarding, PlatformConfig};

impl PlatformConfig {
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
