//! What the example means for accounts: ignored with a reason, onboarded with everything, or a clear error.

use std::collections::BTreeMap;

use berth_config::{AccountFacts, Match, MatchError, Onboarding, PlatformConfig};
use berth_tenancy::{Addresses, DefaultVpc, Delivery, ExtensionsPlan, RoleTrust, TenantName, TenantSource};
use proptest::prelude::*;

use crate::{EXAMPLE, example};

/// An account of a developer team, as Organizations describes it.
fn facts() -> AccountFacts {
    AccountFacts {
        account_id: "111122223333".parse().unwrap(),
        name: "payments-dev".into(),
        email: Some("payments@example.com".into()),
        state: "ACTIVE".into(),
        ous: vec!["r-ab12".into(), "ou-ab12-dev00001".into()],
        joined: None,
        tags: BTreeMap::new(),
    }
}

fn tagged(key: &str, value: &str) -> AccountFacts {
    AccountFacts { tags: BTreeMap::from([(key.into(), value.into())]), ..facts() }
}

fn onboarded(facts: &AccountFacts) -> Onboarding {
    match example().match_account(facts) {
        Ok(Match::Onboard(onboarding)) => *onboarding,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_ignored(facts: &AccountFacts, reason: &str) {
    assert_eq!(example().match_account(facts), Ok(Match::Ignored { reason: reason.into() }));
}

#[test]
fn an_account_of_a_listed_unit_gets_everything() {
    let facts = AccountFacts { tags: BTreeMap::from([("cost-center".into(), "4711".into())]), ..facts() };
    let Onboarding {
        tenant,
        tenant_from,
        environment,
        regions,
        roles,
        baselines: _,
        default_vpc,
        sign_in,
        clusters,
        awaited_clusters,
        approval,
        extensions,
        git_ops,
        tenant_role,
        tags,
        pod_identity,
        reason,
    } = onboarded(&facts);
    assert_eq!(extensions, ExtensionsPlan::default(), "what platform.yaml does not say");
    assert!(tags.is_empty(), "{tags:?}");
    assert_eq!(approval.plan(true, false, 1), None, "what platform.yaml does not say");
    assert_eq!((tenant.as_str(), environment.as_str(), tenant_role.as_str()), ("payments", "dev", "BerthTenant"));
    assert_eq!(tenant_from, TenantSource::Name);
    assert_eq!(reason, "the organizational unit ou-ab12-dev00001 belongs to the environment dev");
    assert_eq!(default_vpc, DefaultVpc::Remove, "what platform.yaml does not say");
    assert_eq!((git_ops.cluster.as_str(), git_ops.cluster_region.as_str()), ("dev-euw1", "eu-west-1"));
    assert_eq!((git_ops.delivery, git_ops.answer_seconds_max), (Delivery::Push, 3600));
    assert_eq!(git_ops.path, "clusters/dev-euw1/tenants/df/payments.yaml");
    assert_eq!(git_ops.contact_email.as_deref(), Some("payments@example.com"));
    assert_eq!(git_ops.cost_center.as_deref(), Some("4711"));
    assert_eq!(git_ops.owner_groups, ["payments-leads"]);

    let names: Vec<&str> = regions.iter().map(|region| region.region.as_str()).collect();
    assert_eq!(names, ["eu-central-1", "eu-west-1"]);
    let west = regions.last().unwrap();
    let Addresses::Ledger { pool, supernets, excluded, prefix_length } = &west.network.addresses else {
        panic!("{west:?}")
    };
    assert_eq!((pool.as_str(), *prefix_length), ("dev-eu-west-1", 20));
    assert_eq!((supernets[0].to_string(), excluded[0].to_string()), ("10.16.0.0/14".into(), "10.16.0.0/20".into()));
    assert_eq!(west.network.zones, ["euw1-az1", "euw1-az2", "euw1-az3"]);
    assert_eq!(west.network.gateway_endpoints, ["s3", "dynamodb"]);
    assert_eq!(west.network.flow_logs.as_deref(), Some("arn:aws:s3:::berth-local-flow-logs"));
    assert_eq!(west.network.tiers.len(), 3);
    let gateway = &west.transit_gateway;
    assert_eq!((gateway.network_account.as_str(), gateway.network_role.as_str()), ("310987654321", "BerthNetwork"));
    assert_eq!(gateway.id, "tgw-0e00000000000001a");
    assert_eq!(gateway.spoke_route_table, "tgw-rtb-0e00000000000005a");
    assert_eq!(gateway.propagate_to, ["tgw-rtb-0e000000000000060"]);
    assert_eq!(gateway.shared_attachments, ["tgw-attach-0e000000000000071"]);
    assert_eq!(gateway.routes[0].to_string(), "10.0.0.0/16");
    assert_eq!(regions[0].network.flow_logs, None);

    assert_eq!(roles.boundary.name, "berth-tenant-boundary");
    let names: Vec<&str> = roles.roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(
        names,
        ["payments-developer", "payments-deployer", "payments-workload", "payments-support", "berth-backup"]
    );
    assert!(sign_in.is_some());
    assert_eq!(clusters.len(), 1);
    assert_eq!(awaited_clusters, clusters, "the tenant of this cluster is waited for");
    assert_eq!(pod_identity.len(), 1, "one role is for pods");
}

#[test]
fn the_innermost_listed_unit_decides_whether_an_account_leaves() {
    let text = EXAMPLE.replacen("startOn:", "exitUnits: [ou-ab12-out00001]\nstartOn:", 1);
    let platform = PlatformConfig::parse(&text).unwrap();
    let of = |units: &[&str]| {
        let ous = units.iter().map(|unit| (*unit).to_owned()).collect();
        platform.match_account(&AccountFacts { ous, ..facts() }).unwrap()
    };
    let leaves =
        Match::Ignored { reason: "accounts leave by the organizational unit ou-ab12-out00001 (exitUnits)".into() };
    assert_eq!(of(&["r-ab12", "ou-ab12-dev00001", "ou-ab12-out00001"]), leaves);
    assert_eq!(of(&["r-ab12", "ou-ab12-dev00001", "ou-ab12-out00001", "ou-ab12-any00001"]), leaves, "below it, too");
    assert!(matches!(of(&["r-ab12", "ou-ab12-out00001", "ou-ab12-dev00001"]), Match::Onboard(_)));
}

#[test]
fn the_contact_is_the_accounts_address_a_tags_value_or_nobody_by_choice() {
    let tags = BTreeMap::from([("contact".to_owned(), " team@example.com ".to_owned())]);
    let tagged = AccountFacts { tags, ..facts() };
    let contact = |line: &str, facts: &AccountFacts| {
        let text = EXAMPLE.replacen("costCenterTag:", &format!("{line}\ncostCenterTag:"), 1);
        match PlatformConfig::parse(&text).unwrap().match_account(facts) {
            Ok(Match::Onboard(onboarding)) => onboarding.git_ops.contact_email,
            other => panic!("{other:?}"),
        }
    };
    let own = facts().email;
    for (line, of_plain, of_tagged) in [
        ("", own.clone(), own.clone()),
        ("contactEmail: account", own.clone(), own),
        ("contactEmail: none", None, None),
        ("contactEmail: { tag: contact }", None, Some("team@example.com".to_owned())),
    ] {
        assert_eq!((contact(line, &facts()), contact(line, &tagged)), (of_plain, of_tagged), "{line}");
    }
}

#[test]
fn sign_in_groups_are_the_tenants_and_permission_sets_are_arns() {
    let sign_in = onboarded(&facts()).sign_in.unwrap();
    assert_eq!((sign_in.account.as_str(), sign_in.role.as_str()), ("999988887777", "BerthSignIn"));
    assert_eq!((sign_in.region.as_str(), sign_in.identity_store_id.as_str()), ("eu-west-1", "d-1ca1be4700"));
    let pairs: Vec<_> = sign_in.assignments.iter().map(|a| (a.group.as_str(), a.permission_set.as_str())).collect();
    assert_eq!(pairs, [("payments-developers", "TenantDeveloper"), ("payments-viewers", "TenantReader")]);
    let arn = "arn:aws:sso:::permissionSet/ssoins-1ca1be4700000001/ps-1ca1be4700000002";
    assert_eq!(sign_in.assignments[1].permission_set_arn.as_deref(), Some(arn));
}

#[test]
fn a_cluster_is_in_the_hub_unless_declared_elsewhere_or_not_berths() {
    let dev = onboarded(&facts()).clusters;
    let seen: Vec<_> = dev.iter().map(|c| (c.name.as_str(), c.eks_name.as_str(), c.region.as_str())).collect();
    assert_eq!(seen, [("dev-euw1", "dev-euw1", "eu-west-1")]);
    assert_eq!(dev[0].outside, None);
    let prod = onboarded(&AccountFacts { ous: vec!["ou-ab12-prd00001".into()], ..facts() }).clusters;
    let outside = prod[0].outside.as_ref().unwrap();
    assert_eq!((prod[0].name.as_str(), prod[0].eks_name.as_str()), ("prod-euw1", "shared-production"));
    assert_eq!((outside.account.as_str(), outside.role.as_str()), ("510987654321", "BerthCluster"));

    let prod_facts = AccountFacts { ous: vec!["ou-ab12-prd00001".into()], ..facts() };
    assert_eq!(onboarded(&prod_facts).awaited_clusters, [], "nobody asked for it");

    let text = EXAMPLE.replacen("eu-west-1, eks: {}, awaitReady: true", "eu-west-1", 1);
    let Ok(Match::Onboard(switched_off)) = PlatformConfig::parse(&text).unwrap().match_account(&facts()) else {
        panic!("the account is onboarded without access entries, too")
    };
    assert_eq!(switched_off.clusters, []);
}

#[test]
fn a_merge_is_waited_for_as_long_as_the_environment_says() {
    let facts = AccountFacts { ous: vec!["ou-ab12-prd00001".to_owned()], ..facts() };
    let git_ops = onboarded(&facts).git_ops;
    assert_eq!((git_ops.delivery, git_ops.answer_seconds_max), (Delivery::PullRequest, 7 * 24 * 3600));
}

#[test]
fn a_role_of_pods_is_pinned_to_the_cluster_and_named_as_a_workload() {
    let onboarding = onboarded(&facts());
    let RoleTrust::PodIdentityChain { cluster_arns, .. } = &onboarding.roles.roles[2].trust else {
        panic!("{:?}", onboarding.roles.roles[2].trust)
    };
    assert_eq!(cluster_arns, &["arn:aws:eks:eu-west-1:210987654321:cluster/dev-euw1"]);
    let [workload] = onboarding.git_ops.workloads.as_slice() else { panic!("{:?}", onboarding.git_ops.workloads) };
    let named = (workload.role.as_str(), workload.namespace.as_str(), workload.service_account.as_str());
    assert_eq!(named, ("workload", "payments-dev", "payments"));
    let [association] = onboarding.pod_identity.as_slice() else { panic!("{:?}", onboarding.pod_identity) };
    assert_eq!((association.cluster.as_str(), &association.workload), ("dev-euw1", workload));
    let thing = "pod identity association of payments-dev/payments on dev-euw1";
    let told: Vec<String> = onboarding.things(&facts().account_id).iter().map(ToString::to_string).collect();
    assert!(told.contains(&thing.to_owned()), "{told:?}");
}

/// One list of roles is for environments whose clusters are in several accounts.
#[test]
fn pods_have_a_role_of_their_clusters_account_first() {
    let staging = AccountFacts { ous: vec!["ou-ab12-stg00001".into()], ..facts() };
    for (facts, account) in [(facts(), "210987654321"), (staging, "510987654321")] {
        let associations = onboarded(&facts).pod_identity;
        let first: Vec<&str> = associations.iter().map(|planned| planned.workload.platform_role.as_str()).collect();
        assert_eq!(first, [format!("arn:aws:iam::{account}:role/tenant-pods")]);
    }
}

#[test]
fn pods_get_no_association_where_it_could_not_be_or_nobody_wants_it() {
    let planned = |from: &str, to: &str| {
        let text = EXAMPLE.replacen(from, to, 1);
        assert_ne!(text, EXAMPLE, "the example has no {from:?}");
        let (config, warnings) = PlatformConfig::parse_with_warnings(&text).unwrap();
        let Ok(Match::Onboard(onboarding)) = config.match_account(&facts()) else { panic!("it is onboarded") };
        let of_dev = |warning: &&berth_config::ConfigError| warning.path.starts_with("environments.dev.");
        let said: Vec<String> = warnings.iter().filter(of_dev).map(|warning| warning.message.clone()).collect();
        (onboarding.pod_identity.len(), said)
    };
    let none: (usize, Vec<String>) = (0, Vec::new());
    assert_eq!(planned("eu-west-1, eks: {}", "eu-west-1, eks: { podIdentity: false }"), none);
    assert_eq!(planned("              serviceAccount: \"{tenant}\"\n", ""), none, "any of the namespace");
    let other = "clusterArns: [\"arn:aws:eks:eu-west-1:210987654321:cluster/other\"]\n              namespace:";
    assert_eq!(planned("namespace: \"{tenant}-{environment}\"", &format!("{other} \"a\"")), none, "of another cluster");

    let (count, said) = planned("{clusterAccount}:role", "310987654321:role");
    let why = "pods of dev-euw1 have roles of its account 210987654321 first, and platformRole is none of them";
    assert_eq!((count, said), (0, vec![format!("pods get this role by no association of Berth's: {why}")]));
    let twice = "- key: twin\n          name: \"{tenant}-twin\"\n          trust:\n            podIdentityChain:\n              \
                 platformRole: \"arn:aws:iam::{clusterAccount}:role/tenant-pods\"\n              namespace: \
                 \"{tenant}-{environment}\"\n              serviceAccount: \"{tenant}\"\n        - key: workload";
    let (count, said) = planned("- key: workload", twice);
    assert_eq!((count, said.len()), (0, 2), "{said:?}");
    assert!(said[0].contains("another role is for the same pods"), "{said:?}");
}

#[test]
fn templates_of_roles_are_filled_in() {
    let roles = onboarded(&facts()).roles.roles;
    let subject = "repo:example/payments:environment:dev".to_owned();
    let oidc = |provider: &str, audience: &str| RoleTrust::Oidc {
        provider: provider.into(),
        audience: audience.into(),
        subject: subject.clone(),
    };
    assert_eq!(roles[1].trust, oidc("token.actions.githubusercontent.com", "sts.amazonaws.com"));
    let arn = "arn:aws:iam::210987654321:role/platform-support".to_owned();
    assert_eq!(roles[3].trust, RoleTrust::PlatformRole { arn, external_id: "support-111122223333".into() });
    assert_eq!((roles[0].session_seconds_max, roles[3].session_seconds_max), (3600, 7200));
    assert_eq!((roles[0].path.as_str(), roles[0].access.is_some(), roles[2].access), ("/tenant/", true, None));
    let resource = roles[2].inline_policies["read-own-secrets"].pointer("/Statement/0/Resource").unwrap();
    assert_eq!(resource, "arn:aws:secretsmanager:*:111122223333:secret:payments/*");
}

#[test]
fn accounts_of_the_platform_itself_are_ignored() {
    for (id, role) in [
        ("999988887777", "management"),
        ("310987654321", "network"),
        ("210987654321", "hub"),
        ("510987654321", "cluster"),
    ] {
        let facts = AccountFacts { account_id: id.parse().unwrap(), ..facts() };
        assert_ignored(&facts, &format!("it is the {role} account of the platform"));
    }
}

#[test]
fn accounts_that_are_closed_or_about_to_be_are_ignored() {
    for state in ["SUSPENDED", "PENDING_CLOSURE", "CLOSED"] {
        let facts = AccountFacts { state: state.into(), ..facts() };
        assert_ignored(&facts, &format!("the account is {state}, not ACTIVE"));
    }
}

#[test]
fn a_missing_or_unknown_state_is_an_error_so_that_no_account_is_lost() {
    for state in ["", "active", "NEW_STATE"] {
        let facts = AccountFacts { state: state.into(), ..facts() };
        let error = example().match_account(&facts).unwrap_err();
        let message = format!("Organizations reports the account's state as {state:?}, which is not known");
        assert!(matches!(error, MatchError::InvalidInput { .. }), "{error:?}");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn accounts_outside_of_listed_units_are_ignored_even_when_not_yet_active() {
    for ous in [vec![], vec!["r-ab12"], vec!["r-ab12", "ou-ab12-sus00001"]] {
        for state in ["ACTIVE", "PENDING_ACTIVATION", ""] {
            let ous = ous.iter().map(|ou| (*ou).to_owned()).collect();
            let facts = AccountFacts { ous, state: state.into(), ..facts() };
            assert_ignored(&facts, "no organizational unit on the account's path is listed in an environment");
        }
    }
}

#[test]
fn the_nearest_listed_unit_wins() {
    for (path, environment) in [
        (["r-ab12", "ou-ab12-prd00001", "ou-ab12-dev00001"], "dev"),
        (["r-ab12", "ou-ab12-dev00001", "ou-ab12-prd00001"], "prod"),
        (["r-ab12", "ou-ab12-stg00001", "ou-ab12-unknown1"], "staging"),
    ] {
        let facts = AccountFacts { ous: path.map(str::to_owned).to_vec(), ..facts() };
        assert_eq!(onboarded(&facts).environment.as_str(), environment, "{path:?}");
    }
}

#[test]
fn a_tag_keeps_an_account_out_and_a_vague_tag_is_asked_about() {
    assert_ignored(&tagged("berth:onboard", "false"), "the account's tag berth:onboard is \"false\"");
    assert_ignored(&tagged("berth:onboard", " False"), "the account's tag berth:onboard is \" False\"");
    assert_eq!(onboarded(&tagged("berth:onboard", "true")).tenant.as_str(), "payments");
    let error = example().match_account(&tagged("berth:onboard", "no")).unwrap_err();
    assert!(matches!(error, MatchError::InvalidInput { .. }), "{error:?}");
    assert_eq!(error.to_string(), "the account's tag berth:onboard is \"no\", neither true nor false");
    assert!(error.hint().contains("`false`"), "{error:?}");
}

#[test]
fn an_account_that_aws_still_activates_is_not_ready() {
    let facts = AccountFacts { state: "PENDING_ACTIVATION".into(), ..facts() };
    let error = example().match_account(&facts).unwrap_err();
    assert!(matches!(error, MatchError::NotReady { .. }), "{error:?}");
    assert_eq!(error.to_string(), "the account is still PENDING_ACTIVATION");
}

#[test]
fn a_tag_names_the_tenant_or_is_refused() {
    assert_eq!(onboarded(&tagged("berth:tenant", "ledger")).tenant.as_str(), "ledger");
    for bad in ["Ledger", "", "../ledger", "7up"] {
        let error = example().match_account(&tagged("berth:tenant", bad)).unwrap_err();
        let message = format!("the account's tag berth:tenant is {bad:?}, not the name of a tenant");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_name_that_gives_no_tenant_says_which_tag_to_set() {
    let facts = AccountFacts { name: "1e3".into(), ..facts() };
    let error = example().match_account(&facts).unwrap_err();
    assert_eq!(error.to_string(), "no name of a tenant can be made from the account's name \"1e3\"");
    assert!(error.hint().starts_with("set the tag berth:tenant of the account"), "{error:?}");
}

#[test]
fn a_blank_cost_center_is_none() {
    assert_eq!(onboarded(&tagged("cost-center", " ")).git_ops.cost_center, None);
}

prop_compose! {
    fn any_facts()(
        id in "[0-9]{12}",
        name in prop_oneof![any::<String>(), r"[ -~]{0,50}", "[a-z]{1,12}-(dev|prod)"],
        email in proptest::option::of(any::<String>()),
        state in prop_oneof![Just("ACTIVE".to_owned()), Just("PENDING_ACTIVATION".to_owned()), any::<String>()],
        ous in proptest::collection::vec(
            prop_oneof![Just("ou-ab12-dev00001".to_owned()), Just("ou-ab12-prd00001".to_owned()), any::<String>()], 0..4),
        tags in proptest::collection::btree_map(
            prop_oneof![Just("berth:tenant".to_owned()), Just("berth:onboard".to_owned()), any::<String>()],
            prop_oneof![Just("true".to_owned()), r"[a-z-]{0,45}", any::<String>()], 0..3),
    ) -> AccountFacts {
        AccountFacts { account_id: id.parse().unwrap(), name, email, state, ous, joined: None, tags }
    }
}

#[test]
fn any_account_gives_an_answer_and_a_matched_one_has_valid_names() {
    let config = example();
    proptest!(|(facts in any_facts())| {
        match config.match_account(&facts) {
            Ok(Match::Ignored { reason }) => prop_assert!(!reason.is_empty() && reason.len() < 1000),
            Err(error) => prop_assert!(!error.to_string().contains('\n') && !error.hint().is_empty()),
            Ok(Match::Onboard(done)) => {
                prop_assert!(done.tenant.as_str().parse::<TenantName>().is_ok());
                let parts: Vec<&str> = done.git_ops.path.split('/').collect();
                let file = format!("{}.yaml", done.tenant);
                prop_assert_eq!(parts.len(), 5);
                prop_assert_eq!(parts[4], file.as_str());
                prop_assert!(done.roles.roles.iter().all(|role| role.name.len() <= 64));
                prop_assert_eq!(config.match_account(&facts), Ok(Match::Onboard(done)));
            }
        }
    });
}

#[test]
fn any_name_of_a_listed_account_is_matched_or_asked_about() {
    let config = example();
    proptest!(|(name in prop_oneof![any::<String>(), r"[ -~]{0,50}"])| {
        let facts = AccountFacts { name, ..facts() };
        match config.match_account(&facts) {
            Ok(Match::Onboard(done)) => prop_assert!(done.tenant.as_str().parse::<TenantName>().is_ok()),
            Err(MatchError::InvalidInput { hint, .. }) => prop_assert!(hint.contains("berth:tenant")),
            other => prop_assert!(false, "{:?}", other),
        }
    });
}
