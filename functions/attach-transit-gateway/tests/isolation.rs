//! Configurations of the gateway and the verdict on each. `docs/isolation.md` names these tests.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use berth_isolation::{AssociatedWith, PropagationState, Target};
use berth_step::{Decision, Fault, StepError};

use crate::{
    Input, State,
    decide::decide,
    decide_tests::{ID, association, details, input, learned, owned, spoke_route, whole, with},
};

/// What somebody did to the network.
type Change = fn(&mut State);

const NETWORK: &str = "310987654321";
const TENANT: &str = "999988887777";

/// The fault over a change, before any route of the VPC is made.
fn breach_of(input: &Input, change: impl FnOnce(&mut State)) -> StepError {
    let mut observed = with(change);
    observed.routes.clear();
    match decide(input, &observed) {
        Err(error) => error,
        Ok(decision) => panic!("no fault, but {decision:?}"),
    }
}

/// Each change is `NotOwned`, with these words for what is wrong.
fn assert_breaches(table: &[(Change, &str)]) {
    for (change, expected) in table {
        let error = breach_of(&input(), change);
        assert_eq!(
            (error.fault, error.message),
            (Fault::NotOwned, format!("isolation is not as planned in 310987654321: {expected}"),)
        );
        assert!(error.hint.len() > 20, "{}", error.hint);
    }
}

fn assert_isolated(input: &Input, change: impl FnOnce(&mut State)) {
    let decision = decide(input, &with(change));
    assert!(matches!(decision, Ok(Decision::Done(_))), "{decision:?}");
}

#[test]
fn an_association_that_is_not_the_spoke_tables_is_a_breach() {
    assert_breaches(&[
        (
            |observed| {
                association(observed).as_mut().unwrap().with = AssociatedWith::RouteTable("tgw-rtb-default".to_owned());
            },
            "tgw-attach-1 is associated with tgw-rtb-default; planned: tgw-rtb-spokes",
        ),
        (
            |observed| {
                association(observed).as_mut().unwrap().with = AssociatedWith::PolicyTable("tgw-ptb-1".to_owned());
            },
            "tgw-attach-1 is associated with the policy table tgw-ptb-1; planned: tgw-rtb-spokes",
        ),
        (
            |observed| association(observed).as_mut().unwrap().with = AssociatedWith::Unknown,
            "tgw-attach-1 is associated with something that is neither a route table nor a policy table; planned: \
             tgw-rtb-spokes",
        ),
    ]);
    // Not even with leave is something touched that nobody knows.
    let mut leave = input();
    leave.run.allow_disruption = true;
    let error = breach_of(&leave, |observed| association(observed).as_mut().unwrap().with = AssociatedWith::Unknown);
    assert_eq!(error.fault, Fault::NotOwned);
}

#[test]
fn surplus_propagation_and_options_of_the_gateway_are_breaches() {
    assert_breaches(&[
        (
            |observed| {
                details(observed).propagations.insert("tgw-rtb-spokes".to_owned(), PropagationState::Enabled);
            },
            "tgw-attach-1 propagates to tgw-rtb-shared, tgw-rtb-spokes; planned: tgw-rtb-shared",
        ),
        (
            |observed| details(observed).options.default_association = true,
            "tgw-1 has default association on and default propagation off; planned: off and off",
        ),
        (
            |observed| details(observed).options.default_propagation = true,
            "tgw-1 has default association off and default propagation on; planned: off and off",
        ),
        (
            |observed| details(observed).options.multicast = true,
            "tgw-1 carries multicast, which follows no route table",
        ),
    ]);
}

#[test]
fn a_spoke_route_to_what_is_not_shared_is_a_breach_whatever_its_type() {
    assert_breaches(&[
        (
            |observed| details(observed).spoke.routes.push(spoke_route("10.2.0.0/20", "tgw-attach-other")),
            "tgw-rtb-spokes has routes 10.2.0.0/20 (active) to tgw-attach-other; allowed attachments: \
                 tgw-attach-shared",
        ),
        (
            |observed| {
                let mut route = spoke_route("100.64.0.0/20", "tgw-attach-other");
                route.kind = "system".to_owned();
                details(observed).spoke.routes.push(route);
            },
            "tgw-rtb-spokes has routes 100.64.0.0/20 (\"system\", active) to tgw-attach-other; allowed attachments: \
             tgw-attach-shared",
        ),
        (
            |observed| {
                let other = Target { attachment: "tgw-attach-other".to_owned(), kind: "vpc".to_owned() };
                details(observed).spoke.routes[0].targets.push(other);
            },
            "tgw-rtb-spokes has routes 10.100.0.0/15 (active) to tgw-attach-shared, tgw-attach-other; allowed \
             attachments: tgw-attach-shared",
        ),
        (
            |observed| details(observed).spoke.routes[0].targets.clear(),
            "tgw-rtb-spokes has routes 10.100.0.0/15 (active) to nothing; allowed attachments: tgw-attach-shared",
        ),
        (
            |observed| details(observed).spoke.routes[0].targets[0].attachment.clear(),
            "tgw-rtb-spokes has routes 10.100.0.0/15 (active) to nothing; allowed attachments: tgw-attach-shared",
        ),
        (
            |observed| {
                let mut route = spoke_route("10.2.0.0/20", "tgw-attach-other");
                route.prefix_list = Some("pl-0a1b2c3d".to_owned());
                details(observed).spoke.routes.push(route);
            },
            "tgw-rtb-spokes has routes 10.2.0.0/20 of pl-0a1b2c3d (active) to tgw-attach-other; allowed attachments: \
             tgw-attach-shared",
        ),
        (
            |observed| {
                let mut route = spoke_route("fd00::/64", "tgw-attach-other");
                route.state = "blackhole".to_owned();
                details(observed).spoke.routes.push(route);
            },
            "tgw-rtb-spokes has routes fd00::/64 (blackhole) to tgw-attach-other; allowed attachments: \
             tgw-attach-shared",
        ),
        (
            |observed| {
                let mut route = spoke_route("10.2.0.0/20", "");
                route.state = "pending".to_owned();
                details(observed).spoke.routes.push(route);
            },
            "tgw-rtb-spokes has routes 10.2.0.0/20 (pending) to nothing; allowed attachments: tgw-attach-shared",
        ),
    ]);
}

#[test]
fn a_route_or_an_attachment_of_a_kind_that_nobody_knows_is_not_proven() {
    assert_breaches(&[
        (
            |observed| details(observed).spoke.routes[0].kind = "teleported".to_owned(),
            "tgw-rtb-spokes has routes that Berth does not understand: 10.100.0.0/15 (\"teleported\", active) to \
             tgw-attach-shared (attaching vpc)",
        ),
        (
            |observed| details(observed).spoke.routes[0].kind.clear(),
            "tgw-rtb-spokes has routes that Berth does not understand: 10.100.0.0/15 (\"\", active) to \
             tgw-attach-shared (attaching vpc)",
        ),
        (
            |observed| details(observed).spoke.routes[0].targets[0].kind = "wormhole".to_owned(),
            "tgw-rtb-spokes has routes that Berth does not understand: 10.100.0.0/15 (active) to tgw-attach-shared \
             (attaching wormhole)",
        ),
        (
            |observed| details(observed).spoke.routes[0].destination.clear(),
            "tgw-rtb-spokes has routes that Berth does not understand:  (active) to tgw-attach-shared (attaching vpc)",
        ),
    ]);
    for kind in ["static", "propagated", "system"] {
        assert_isolated(&input(), |observed| details(observed).spoke.routes[0].kind = kind.to_owned());
    }
}

#[test]
fn a_covering_route_needs_a_blackhole_for_every_block_of_the_tenants() {
    let egress = spoke_route("0.0.0.0/0", "tgw-attach-shared");
    let shown = "tgw-rtb-spokes leads blocks of tenants on, so that they meet behind it: 0.0.0.0/0 (active) to \
                 tgw-attach-shared for ";
    let table: [(&[&str], Option<&str>); 8] = [
        (&[], Some("10.0.0.0/12")),
        (&["10.0.0.0/12"], None),
        (&["10.0.0.0/8"], None),
        (&["0.0.0.0/1", "128.0.0.0/1"], None),
        (&["10.0.0.0/13"], Some("10.8.0.0/13")),
        (&["10.0.0.0/13", "10.8.0.0/13"], None),
        (&["10.1.0.0/20", "10.2.0.0/20"], Some("10.0.0.0/16")),
        // A default route that drops is none at all; a blackhole as wide as the covering route takes nothing out.
        (&["0.0.0.0/0"], Some("10.0.0.0/12")),
    ];
    for (blackholes, leaked) in table {
        let change = |observed: &mut State| {
            let blackholes = blackholes.iter().map(|block| spoke_route(block, ""));
            details(observed).spoke = whole(blackholes.chain([egress.clone()]).collect());
        };
        match leaked {
            None => assert_isolated(&input(), change),
            Some(block) => {
                let error = breach_of(&input(), change);
                assert_eq!(error.fault, Fault::NotOwned);
                assert!(error.message.ends_with(&format!("{shown}{block}")), "{}", error.message);
                assert!(
                    error.hint.contains(&format!("add a blackhole for {block} to tgw-rtb-spokes")),
                    "{}",
                    error.hint
                );
            }
        }
    }
}

#[test]
fn a_more_specific_route_behind_a_blackhole_leaks_again() {
    let error = breach_of(&input(), |observed| {
        details(observed).spoke.routes.push(spoke_route("10.2.0.0/24", "tgw-attach-shared"));
    });
    assert!(error.message.ends_with("10.2.0.0/24 (active) to tgw-attach-shared for 10.2.0.0/24"), "{}", error.message);
}

#[test]
fn blocks_that_only_the_tables_know_count_as_tenants_too() {
    let mut unknown = input();
    unknown.transit_gateway.tenant_blocks.clear();
    let egress = |observed: &mut State| {
        details(observed).spoke =
            whole(vec![spoke_route("0.0.0.0/0", "tgw-attach-shared"), spoke_route("10.1.0.0/20", "")]);
    };
    let error = breach_of(&unknown, egress);
    assert!(error.message.ends_with("for 10.2.0.0/20"), "the neighbour's block: {}", error.message);
    assert_isolated(&unknown, |observed| {
        egress(observed);
        details(observed).spoke.routes.push(spoke_route("10.2.0.0/20", ""));
    });
    // What a shared service propagates is no tenant's.
    assert_isolated(&unknown, |observed| {
        details(observed)
            .learning
            .get_mut("tgw-rtb-shared")
            .unwrap()
            .routes
            .push(learned("10.100.0.0/16", "tgw-attach-shared"));
    });
}

#[test]
fn peering_vpn_connect_and_others_are_covering_routes_like_any() {
    for kind in ["peering", "tgw-peering", "vpn", "vpn-concentrator", "connect", "direct-connect-gateway", "client-vpn"]
    {
        let lead = |destination: &'static str| {
            move |observed: &mut State| {
                let mut route = spoke_route(destination, "tgw-attach-shared");
                route.targets[0].kind = kind.to_owned();
                details(observed).spoke.routes.push(route);
            }
        };
        assert_isolated(&input(), lead("192.168.0.0/16"));
        let error = breach_of(&input(), lead("10.4.0.0/16"));
        assert!(error.message.ends_with("for 10.4.0.0/16"), "{kind}: {}", error.message);
    }
}

#[test]
fn the_platforms_word_for_an_appliance_that_filters_stands() {
    let mut filtered = input();
    filtered.transit_gateway.filtering_attachments = vec!["tgw-attach-shared".to_owned()];
    let egress =
        |observed: &mut State| details(observed).spoke = whole(vec![spoke_route("0.0.0.0/0", "tgw-attach-shared")]);
    assert_isolated(&filtered, egress);
    // Of two ways out, both must filter.
    filtered.transit_gateway.shared_attachments.push("tgw-attach-second".to_owned());
    let error = breach_of(&filtered, |observed| {
        egress(observed);
        let second = Target { attachment: "tgw-attach-second".to_owned(), kind: "vpc".to_owned() };
        details(observed).spoke.routes[0].targets.push(second);
    });
    assert_eq!(error.fault, Fault::NotOwned);
}

#[test]
fn a_table_that_learns_other_blocks_or_from_other_vpcs_is_a_breach() {
    fn shared(observed: &mut State) -> &mut Vec<berth_isolation::GatewayRoute> {
        &mut details(observed).learning.get_mut("tgw-rtb-shared").unwrap().routes
    }
    assert_breaches(&[
        (
            |observed| shared(observed).push(learned("10.16.0.0/24", ID)),
            "tgw-rtb-shared learns 10.16.0.0/24 (active) to tgw-attach-1; planned: 10.1.0.0/20 of tgw-attach-1",
        ),
        (
            |observed| shared(observed).push(learned("2001:db8::/56", ID)),
            "tgw-rtb-shared learns 2001:db8::/56 (active) to tgw-attach-1; planned: 10.1.0.0/20 of tgw-attach-1",
        ),
        (
            // A NAT of the gateway replaces what the VPC propagates.
            |observed| {
                shared(observed)[0].kind = "system".to_owned();
                shared(observed)[0].destination = "100.64.0.0/20".to_owned();
            },
            "tgw-rtb-shared learns 100.64.0.0/20 (\"system\", active) to tgw-attach-1; planned: 10.1.0.0/20 of \
             tgw-attach-1",
        ),
        (
            |observed| {
                let other = Target { attachment: "tgw-attach-other".to_owned(), kind: "vpc".to_owned() };
                shared(observed)[0].targets.push(other);
            },
            "tgw-rtb-shared learns 10.1.0.0/20 (active) to tgw-attach-1, tgw-attach-other; planned: 10.1.0.0/20 of \
             tgw-attach-1",
        ),
        (
            |observed| shared(observed)[0].state = "blackhole".to_owned(),
            "tgw-rtb-shared learns 10.1.0.0/20 (blackhole) to tgw-attach-1; planned: 10.1.0.0/20 of tgw-attach-1",
        ),
        (
            |observed| shared(observed).push(learned("10.1.4.0/24", "tgw-attach-other")),
            "tgw-rtb-shared leads parts of 10.1.0.0/20 elsewhere: 10.1.4.0/24 (active) to tgw-attach-other",
        ),
        (
            |observed| shared(observed)[0] = spoke_route("10.1.0.0/20", "tgw-attach-other"),
            "tgw-rtb-shared leads parts of 10.1.0.0/20 elsewhere: 10.1.0.0/20 (active) to tgw-attach-other",
        ),
    ]);
    // A blackhole inside leads nowhere, and what covers the block is less specific than it.
    assert_isolated(&input(), |observed| {
        let mut datacenter = learned("10.0.0.0/8", "tgw-attach-vpn");
        datacenter.targets[0].kind = "vpn".to_owned();
        shared(observed).extend([spoke_route("10.1.4.0/24", ""), datacenter]);
        shared(observed)[0].kind = "static".to_owned();
    });
}

#[test]
fn a_route_that_is_not_learned_yet_is_waited_for() {
    let changes: [Change; 3] = [
        |observed| details(observed).learning.clear(),
        |observed| {
            details(observed).learning.get_mut("tgw-rtb-shared").unwrap().routes.remove(0);
        },
        |observed| details(observed).learning.get_mut("tgw-rtb-shared").unwrap().routes[0].state = "pending".to_owned(),
    ];
    for change in changes {
        let error = breach_of(&input(), change);
        assert_eq!(error.fault, Fault::NotReady);
        assert_eq!(error.message, "tgw-rtb-shared does not show 10.1.0.0/20 of tgw-attach-1 yet");
    }
}

#[test]
fn a_route_to_the_vpc_in_any_other_table_is_a_breach() {
    assert_breaches(&[(
        |observed| {
            let list = whole(vec![spoke_route("10.1.0.0/24", ID)]);
            details(observed).elsewhere.insert("tgw-rtb-secret".to_owned(), list);
        },
        "more tables than tgw-rtb-shared lead to tgw-attach-1: tgw-rtb-secret has 10.1.0.0/24 (active) to tgw-attach-1",
    )]);
}

#[test]
fn whoever_is_associated_with_a_table_that_learns_must_be_shared() {
    assert_breaches(&[
        (
            |observed| {
                let stranger = owned("tgw-attach-other", TENANT);
                details(observed).tenants.insert(TENANT.to_owned(), "orders".to_owned());
                details(observed).users.push(("tgw-rtb-shared".to_owned(), stranger));
            },
            "attachments that are not shared are associated with a table that knows tenants: tgw-attach-other (vpc, \
             account 999988887777 of tenant orders) with tgw-rtb-shared",
        ),
        (
            |observed| details(observed).users.push(("tgw-rtb-shared".to_owned(), owned("tgw-attach-vpn", NETWORK))),
            "attachments that are not shared are associated with a table that knows tenants: tgw-attach-vpn (vpc, \
             account 310987654321) with tgw-rtb-shared",
        ),
    ]);
    let hint = |owner: &'static str| {
        let error = breach_of(&input(), |observed| {
            details(observed).tenants.insert(TENANT.to_owned(), "orders".to_owned());
            details(observed).users.push(("tgw-rtb-shared".to_owned(), owned("tgw-attach-x", owner)));
        });
        error.hint
    };
    assert!(hint(NETWORK).contains("add them to sharedAttachments"));
    assert!(!hint(TENANT).contains("add them to sharedAttachments"), "a tenant's is never to be called shared");
}

#[test]
fn a_policy_table_that_leads_to_a_table_that_learns_is_a_breach() {
    assert_breaches(&[
        (
            |observed| {
                let tables = ["tgw-rtb-shared".to_owned(), "tgw-rtb-onprem".to_owned()];
                details(observed).policies.insert("tgw-ptb-1".to_owned(), tables.into());
            },
            "policy tables of tgw-1 lead to tables that know tenants: tgw-ptb-1 to tgw-rtb-shared",
        ),
        (
            |observed| {
                let tables = ["a table that the answer does not name".to_owned()];
                details(observed).policies.insert("tgw-ptb-1".to_owned(), tables.into());
            },
            "policy tables of tgw-1 lead to tables that know tenants: tgw-ptb-1 to a table that the answer does \
                 not name",
        ),
    ]);
    assert_isolated(&input(), |observed| {
        details(observed).policies.insert("tgw-ptb-1".to_owned(), ["tgw-rtb-onprem".to_owned()].into());
    });
}

#[test]
fn a_shared_attachment_that_is_a_tenants_is_refused_with_its_owner() {
    for (owner, tenant) in [(TENANT, "orders"), ("111122223333", "payments")] {
        let error = breach_of(&input(), |observed| {
            details(observed).tenants.insert(TENANT.to_owned(), "orders".to_owned());
            details(observed).attachments.get_mut("tgw-attach-shared").unwrap().owner = owner.to_owned();
        });
        assert_eq!(error.fault, Fault::InvalidInput);
        let what =
            format!("sharedAttachments lists tgw-attach-shared, which belongs to account {owner} of tenant {tenant}");
        assert_eq!(error.message, what);
        assert!(error.hint.contains("remove tgw-attach-shared from sharedAttachments"), "{}", error.hint);
    }
    // An account of the platform that the ledger does not know as a tenant's.
    assert_isolated(&input(), |observed| {
        details(observed).attachments.get_mut("tgw-attach-shared").unwrap().owner = "555566667777".to_owned();
    });
}

#[test]
fn the_hint_over_a_leaking_route_never_proposes_to_share_what_is_a_tenants() {
    let hint = |owner: &'static str| {
        let error = breach_of(&input(), |observed| {
            let details = details(observed);
            details.tenants.insert(TENANT.to_owned(), "orders".to_owned());
            details.attachments.insert("tgw-attach-x".to_owned(), owned("tgw-attach-x", owner));
            details.spoke.routes.push(spoke_route("10.250.0.0/24", "tgw-attach-x"));
        });
        error.hint
    };
    assert!(hint(NETWORK).contains("add the attachment to sharedAttachments"));
    assert!(!hint(TENANT).contains("sharedAttachments"), "{}", hint(TENANT));
    assert!(hint(TENANT).contains("tgw-attach-x belongs to account 999988887777 of tenant orders"), "{}", hint(TENANT));
}

#[test]
fn what_was_not_read_to_its_end_is_not_proven() {
    let cut: [(Change, &str); 3] = [
        (|observed| details(observed).spoke.is_cut = true, "tgw-rtb-spokes has more than 2 routes"),
        (
            |observed| details(observed).learning.get_mut("tgw-rtb-shared").unwrap().is_cut = true,
            "tgw-rtb-shared has more than 2 routes",
        ),
        (
            |observed| {
                let list = berth_isolation::RouteList { routes: Vec::new(), is_cut: true };
                details(observed).elsewhere.insert("tgw-rtb-third".to_owned(), list);
            },
            "tgw-rtb-third has more than 0 routes",
        ),
    ];
    for (change, expected) in cut {
        let error = breach_of(&input(), change);
        assert_eq!(
            (error.fault, error.message),
            (Fault::InvalidInput, format!("{expected}: isolation cannot be proven"))
        );
    }
}

#[test]
fn a_message_names_the_first_breaches_and_counts_the_others() {
    let error = breach_of(&input(), |observed| {
        let other = |n: usize| spoke_route(&format!("10.2.{n}.0/24"), &format!("tgw-attach-{n}"));
        details(observed).spoke.routes.extend((0..200).map(other));
    });
    assert_eq!(error.fault, Fault::NotOwned);
    assert!(error.message.contains("10.2.7.0/24 (active) to tgw-attach-7; and 192 more; allowed"), "{}", error.message);
    assert!(error.message.len() < 1000, "{}", error.message);
}
