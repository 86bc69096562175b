//! The organization's own tags of one account: the more special wins.

use std::collections::BTreeMap;

use berth_tenancy::OrganizationTags;

use crate::{
    Environment, PlatformConfig, RoleTemplate, TagSpecification,
    template::{Names, UnknownPlaceholder, render},
};

/// Platform, then environment, then type of resource, then role.
pub(crate) fn tags(
    config: &PlatformConfig,
    environment: &Environment,
    names: Names<'_>,
) -> Result<OrganizationTags, UnknownPlaceholder> {
    let mut all = rendered(&config.tags, names)?;
    all.extend(rendered(&environment.tags, names)?);
    let of_kind =
        |TagSpecification { resource_type, tags }: &TagSpecification| Ok((*resource_type, rendered(tags, names)?));
    let by_kind = config.tag_specifications.iter().map(of_kind).collect::<Result<_, _>>()?;
    let roles = environment.roles.roles.iter().filter(|role| !role.tags.is_empty());
    let of_role = |role: &RoleTemplate| Ok((role.key.clone(), rendered(&role.tags, names)?));
    let by_role = roles.map(of_role).collect::<Result<_, _>>()?;
    Ok(OrganizationTags { all, by_kind, by_role })
}

fn rendered(tags: &BTreeMap<String, String>, names: Names<'_>) -> Result<BTreeMap<String, String>, UnknownPlaceholder> {
    tags.iter().map(|(key, value)| Ok((key.clone(), render(value, names)?))).collect()
}
