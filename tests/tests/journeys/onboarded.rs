//! What must be true of an account that is onboarded, seen from outside of Berth.

use std::collections::BTreeMap;

use berth_ledger::Record;
use berth_tests::rig::{AttachmentSeen, RegionSeen, Rig, RoleSeen, World};

/// Checks the account, the network account and the repository against each other and against the ledger.
pub(crate) fn assert_onboarded(rig: &Rig, record: &Record) -> World {
    let account = record.account_id.as_str();
    let tenant = record.tenant.as_ref().unwrap().as_str();
    let world = rig.world(account);
    for (name, region) in &world.regions {
        let Some(known) = record.regions.get(&name.parse().unwrap()) else {
            assert!(region.vpcs.is_empty() && region.attachments.is_empty(), "{name} is not of this environment");
            continue;
        };
        assert_network(name, region, account, tenant);
        assert_eq!(known.vpc_id, region.vpcs[0].id);
        assert_eq!(known.cidr, region.vpcs[0].cidr);
        assert_eq!(known.attachment_id, region.attachments[0].id);
    }
    assert_roles(&world.roles, account, tenant);
    assert_access(&world, record, tenant);
    assert_committed(rig, record);
    world
}

/// One VPC, attached once, isolated.
fn assert_network(name: &str, region: &RegionSeen, account: &str, tenant: &str) {
    let [vpc] = region.vpcs.as_slice() else { panic!("{name}: exactly one VPC, not {:?}", region.vpcs) };
    assert_tags(&vpc.tags, account, tenant);
    assert_eq!(region.subnets.len(), 6, "{name}: three tiers over two zones, not {:?}", region.subnets);
    let [attachment] = region.attachments.as_slice() else {
        panic!("{name}: exactly one attachment, not {:?}", region.attachments)
    };
    assert_tags(&attachment.tags, account, tenant);
    let AttachmentSeen { id: _, vpc: attached, state, associated_with, propagated_to, tags: _ } = attachment;
    assert_eq!((attached, state.as_str()), (&vpc.id, "available"), "{name}");
    assert_eq!(associated_with.as_ref(), Some(&region.spoke_table), "{name}: associated with the spoke table only");
    assert_eq!(propagated_to.join(","), region.shared_table, "{name}: propagated to the shared services only");
    assert_eq!(region.spoke_leads_to, region.shared_vpcs, "{name}: no tenant reaches another one");
    assert_eq!(region.routes.len(), 1, "{name}: one route to the shared services, not {:?}", region.routes);
    assert_eq!(region.routes[0]["destination"], "10.255.0.0/16");
}

fn assert_roles(roles: &[RoleSeen], account: &str, tenant: &str) {
    let service_linked = |role: &&RoleSeen| role.arn.contains("role/aws-service-role/");
    let of_backup = |role: &&RoleSeen| role.arn.ends_with(":role/berth-backup");
    assert!(roles.iter().any(|role| of_backup(&role)), "AWS Backup has a role to work with");
    let ours: Vec<&RoleSeen> = roles.iter().filter(|role| !service_linked(role) && !of_backup(role)).collect();
    let arns: Vec<&str> = ours.iter().map(|role| role.arn.as_str()).collect();
    let arn = |key: &str| format!("arn:aws:iam::{account}:role/tenant/{tenant}-{key}");
    assert_eq!(arns, [arn("developer"), arn("viewer")]);
    for role in ours {
        assert_eq!(role.boundary, Some(format!("arn:aws:iam::{account}:policy/tenant/{tenant}-boundary")));
        let [statement] = role.trust["Statement"].as_array().unwrap().as_slice() else {
            panic!("exactly one statement: {}", role.trust)
        };
        assert_eq!(statement["Action"], "sts:AssumeRole");
        assert_eq!(statement["Principal"]["AWS"], format!("arn:aws:iam::{account}:root"));
        let condition = statement["Condition"].to_string();
        assert!(condition.contains(&format!("{account}:role/aws-reserved/sso.amazonaws.com/")), "{condition}");
        assert_eq!(role.attached.len(), 1, "{}: {:?}", role.arn, role.attached);
        assert_tags(&role.tags, account, tenant);
    }
}

/// Who signs in, and what the roles may do on the cluster: in the world as planned, and in the ledger.
fn assert_access(world: &World, record: &Record, tenant: &str) {
    let account = record.account_id.as_str();
    let assigned = world.assignments.iter().map(|seen| (seen.group.as_str(), seen.permission_set.as_str()));
    let [developers, viewers] = ["developers", "viewers"].map(|group| format!("{tenant}-{group}"));
    let wanted = [(developers.as_str(), "TenantDeveloper"), (viewers.as_str(), "TenantViewer")];
    assert_eq!(assigned.collect::<Vec<_>>(), wanted);
    let known = record.sign_in.iter().map(|known| (known.group.as_str(), known.permission_set.as_str()));
    assert_eq!(known.collect::<Vec<_>>(), wanted);

    let [cluster] = record.cluster_access.as_slice() else { panic!("one cluster, not {:?}", record.cluster_access) };
    assert_eq!(world.access_entries.len(), 2, "{:?}", world.access_entries);
    let accesses = [("developer", "edit"), ("viewer", "view")];
    let environment = record.environment.as_ref().unwrap();
    for ((entry, known), (role, access)) in world.access_entries.iter().zip(&cluster.entries).zip(accesses) {
        let arn = format!("arn:aws:iam::{account}:role/tenant/{tenant}-{role}");
        assert_eq!((entry.cluster.as_str(), entry.kind.as_str()), (cluster.cluster.as_str(), "STANDARD"));
        assert_eq!((&entry.role, &known.role), (&arn, &arn));
        assert_eq!(entry.groups, [format!("tenant:{tenant}:{environment}:{access}")]);
        assert_eq!(entry.groups, known.groups);
        assert_tags(&entry.tags, account, tenant);
        let id = world.roles.iter().find(|role| role.arn == arn).map(|role| role.id.as_str());
        assert_eq!(entry.tags.get("berth:role-id").map(String::as_str), id, "made for the role that is there");
    }
}

/// A commit on main whose file holds the account, and no other file.
fn assert_committed(rig: &Rig, record: &Record) {
    let commit = record.commit.as_ref().unwrap();
    let account = record.account_id.as_str();
    assert!(rig.is_on_main(&commit.sha), "{commit:?}");
    let file = rig.file(&commit.sha, &commit.path);
    assert!(file.contains(account), "{}:\n{file}", commit.path);
    for region in record.regions.values() {
        assert!(file.contains(&region.vpc_id) && file.contains(&region.attachment_id), "{file}");
    }
    assert_eq!(rig.files_naming(account).join(","), commit.path);
}

fn assert_tags(tags: &BTreeMap<String, String>, account: &str, tenant: &str) {
    let tag = |key: &str| tags.get(key).map(String::as_str);
    let found = (tag("berth:account"), tag("berth:tenant"), tag("berth:managed-by"));
    assert_eq!(found, (Some(account), Some(tenant), Some("berth")));
}
