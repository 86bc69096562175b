//! How accounts leave a tenant's custom resource, how they are suspended in it, and what people wrote that stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use berth_crd::{AccountEntry, CrError, Leaving, Left, Tenant, is_suspended, join, leave, suspend, validate};
use proptest::prelude::*;
use serde_json::{Value, json};

fn entry(environment: &str, id: &str, block: &str) -> AccountEntry {
    let input = json!({
        "tenant": "payments", "displayName": "payments", "contactEmail": null, "costCenter": "cc-1",
        "ownerGroups": ["payments-leads"], "cluster": "shared-dev-1", "clusterRegion": "eu-west-1", "stage": "dev",
        "environment": environment, "accountId": id,
        "regions": [
            { "region": "eu-west-1", "vpcId": "vpc-0000000000000000a", "cidrs": [block], "transitGatewayAttachmentId": "tgw-attach-0000000000000000a" },
        ],
        "roles": [{ "name": "developer", "arn": format!("arn:aws:iam::{id}:role/tenant/developer"), "access": "edit" }],
    });
    serde_json::from_value(input).unwrap()
}

fn dev() -> AccountEntry {
    entry("dev", "111122223333", "10.42.0.0/20")
}

fn prod() -> AccountEntry {
    entry("prod", "444455556666", "10.43.0.0/20")
}

fn leaving(entry: &AccountEntry) -> Leaving {
    Leaving {
        tenant: entry.tenant.clone(),
        cluster: entry.cluster.clone(),
        environment: entry.environment.clone(),
        account_id: entry.account_id.clone(),
    }
}

fn both() -> String {
    join(Some(&join(None, &dev()).unwrap()), &prod()).unwrap()
}

fn changed(left: Left) -> String {
    let Left::Changed(text) = left else { panic!("{left:?}") };
    text
}

#[test]
fn the_last_account_takes_the_file_with_it() {
    let alone = join(None, &dev()).unwrap();
    assert_eq!(leave(&alone, &leaving(&dev())).unwrap(), Left::Removed);
}

#[test]
fn of_two_accounts_the_other_one_keeps_all_that_it_had() {
    let left = changed(leave(&both(), &leaving(&prod())).unwrap());
    assert_eq!(left, join(None, &dev()).unwrap(), "as if prod had never come");
    assert_eq!(validate(&left, Some(&both())), Ok(()));
}

#[test]
fn an_account_that_is_not_in_the_file_changes_nothing() {
    let alone = join(None, &dev()).unwrap();
    assert_eq!(leave(&alone, &leaving(&prod())).unwrap(), Left::Unchanged);
    let other = Leaving { account_id: "999988887777".parse().unwrap(), ..leaving(&dev()) };
    assert_eq!(leave(&alone, &other).unwrap(), Left::Unchanged, "the environment is another account's");
    assert_eq!(suspend(&alone, &other, true).unwrap(), Left::Unchanged);
}

#[test]
fn domains_and_namespaces_go_and_what_people_wrote_elsewhere_stays() {
    let text = both().replace("  namespaces:\n", "  # the namespaces, by hand\n  namespaces:\n");
    let text = text.replace(
        "spec:\n",
        "spec:\n  domains: # of the shop\n  - host: shop.example.com\n    namespace: prod\n  - host: dev.example.com # dev\n    namespace: dev\n",
    );
    assert_eq!(validate(&text, None), Ok(()));
    let left = changed(leave(&text, &leaving(&prod())).unwrap());
    assert_eq!(validate(&left, Some(&text)), Ok(()));
    assert!(
        left.contains("# the namespaces, by hand") && left.contains("# dev") && left.contains("# of the shop"),
        "{left}"
    );
    let tenant: Tenant = serde_yaml_ng::from_str(&left).unwrap();
    assert_eq!(tenant.spec.domains.len(), 1);
    assert_eq!(tenant.spec.network.egress_cidrs, ["10.42.0.0/20"]);
    let last = changed(leave(&text, &leaving(&dev())).unwrap());
    assert!(last.contains("shop.example.com") && !last.contains("dev.example.com"), "{last}");
}

#[test]
fn a_block_that_another_account_has_too_stays_reachable() {
    let same = entry("prod", "444455556666", "10.42.0.0/20");
    let text = join(Some(&join(None, &dev()).unwrap()), &same).unwrap();
    let left = changed(leave(&text, &leaving(&same)).unwrap());
    let tenant: Tenant = serde_yaml_ng::from_str(&left).unwrap();
    assert_eq!(tenant.spec.network.egress_cidrs, ["10.42.0.0/20"]);
}

#[test]
fn a_suspended_account_alone_loses_access_and_comes_back_as_it_was() {
    let text = both();
    let suspended = changed(suspend(&text, &leaving(&prod()), true).unwrap());
    assert_eq!(validate(&suspended, Some(&text)), Ok(()));
    let tenant: Tenant = serde_yaml_ng::from_str(&suspended).unwrap();
    assert!(tenant.spec.is_suspended(&"prod".parse().unwrap()) && !tenant.spec.is_suspended(&"dev".parse().unwrap()));
    assert_eq!(suspend(&suspended, &leaving(&prod()), true).unwrap(), Left::Unchanged);
    let is_it = |text: &str, who: &AccountEntry| is_suspended(text, &leaving(who)).unwrap();
    assert!(is_it(&suspended, &prod()) && !is_it(&suspended, &dev()) && !is_it(&text, &prod()));
    assert_eq!(join(Some(&suspended), &prod()).unwrap(), suspended, "a run of the onboarding lets nobody in again");
    assert_eq!(changed(suspend(&suspended, &leaving(&prod()), false).unwrap()), text);
    assert_eq!(suspend(&text, &leaving(&prod()), false).unwrap(), Left::Unchanged);
}

#[test]
fn a_file_that_is_not_this_tenant_on_this_cluster_is_refused() {
    let text = both();
    let cases: [(Leaving, &str); 3] = [
        (Leaving { tenant: "billing".parse().unwrap(), ..leaving(&dev()) }, "is not this tenant"),
        (Leaving { cluster: "shared-prod-1".parse().unwrap(), ..leaving(&dev()) }, "spec.placement.cluster"),
        (Leaving { environment: "prod".parse().unwrap(), ..leaving(&dev()) }, "as environment"),
    ];
    for (leaving, said) in cases {
        for error in [leave(&text, &leaving).unwrap_err(), suspend(&text, &leaving, true).unwrap_err()] {
            assert!(error.is_not_owned() && error.to_string().contains(said), "{error}");
        }
    }
    assert!(matches!(leave("a: [", &leaving(&dev())), Err(CrError::Unreadable(_))));
    let wrong = text.replace("  accounts:\n", "  accounts: 7\n  others:\n");
    assert!(matches!(leave(&wrong, &leaving(&dev())), Err(CrError::WrongType { .. })), "{wrong}");
}

proptest! {
    #[test]
    fn whatever_the_order_who_joined_and_left_leaves_no_trace(
        order in Just(vec![0_usize, 1, 2, 3]).prop_shuffle(), gone in 0_usize..4, is_suspended in any::<bool>(),
    ) {
        let names = ["dev", "prod", "staging", "test"];
        let one = |n: &usize| entry(names[*n], &format!("11112222333{n}"), &format!("10.4{n}.0.0/20"));
        let with = |who: &[usize]| who.iter().map(one).fold(None, |text: Option<String>, entry| {
            Some(join(text.as_deref(), &entry).unwrap())
        }).unwrap();
        let mut text = with(&order);
        if is_suspended {
            text = changed(suspend(&text, &leaving(&one(&gone)), true).unwrap());
        }
        let left = changed(leave(&text, &leaving(&one(&gone))).unwrap());
        prop_assert_eq!(validate(&left, Some(&text)), Ok(()));
        let others: Vec<usize> = order.iter().copied().filter(|n| *n != gone).collect();
        let value = |text: &str| {
            let mut value: Value = serde_yaml_ng::from_str(text).unwrap();
            value["spec"]["displayName"] = json!(null);
            value["spec"]["placement"]["stage"] = json!(null);
            value["spec"]["costCenter"] = json!(null);
            value
        };
        prop_assert_eq!(value(&left), value(&with(&others)));
        prop_assert_eq!(leave(&left, &leaving(&one(&gone))).unwrap(), Left::Unchanged);
    }
}
