//! Addresses that overlap, and Transit Gateways that would break isolation.

use berth_config::PlatformConfig;

use crate::{Bad, EXAMPLE, assert_bad};

const POOLS: &[Bad] = &[
    Bad {
        from: "supernets: [10.20.0.0/14]",
        to: "supernets: [10.18.0.0/15]",
        // Regions are compared in the order of their names, so the second of the two is eu-west-1.
        line_of: "supernets: [10.16.0.0/14]",
        path: "environments.dev.regions.eu-west-1.addresses.ledger.supernets[0]",
        message: "10.16.0.0/14 overlaps 10.18.0.0/15 of the pool dev-eu-central-1",
    },
    Bad {
        from: "pool: dev-eu-central-1",
        to: "pool: dev-eu-west-1",
        line_of: "supernets: [10.16.0.0/14]",
        path: "environments.dev.regions.eu-west-1.addresses.ledger.supernets",
        message: "the pool dev-eu-west-1 has other supernets in \
                      environments.dev.regions.eu-central-1.addresses.ledger",
    },
    Bad {
        from: "supernets: [10.16.0.0/14]",
        to: "supernets: [10.16.0.0/14, 10.17.0.0/16]",
        line_of: "10.17.0.0/16",
        path: "environments.dev.regions.eu-west-1.addresses.ledger.supernets[1]",
        message: "10.17.0.0/16 overlaps 10.16.0.0/14 of the same pool",
    },
    Bad {
        from: "excluded: [10.16.0.0/20]",
        to: "excluded: [10.99.0.0/20]",
        line_of: "10.99.0.0/20",
        path: "environments.dev.regions.eu-west-1.addresses.ledger.excluded[0]",
        message: "10.99.0.0/20 is not inside a supernet of the pool",
    },
    Bad {
        from: "supernets: [10.20.0.0/14]",
        to: "supernets: [10.20.0.0/24]",
        line_of: "10.20.0.0/24",
        path: "environments.dev.regions.eu-central-1.addresses.ledger.supernets[0]",
        message: "10.20.0.0/24 is smaller than a VPC of /20",
    },
    Bad {
        from: "supernets: [10.20.0.0/14]",
        to: "supernets: [10.20.1.0/14]",
        line_of: "10.20.1.0/14",
        path: "environments.dev.regions.eu-central-1.addresses.ledger.supernets[0]",
        message: "10.20.1.0/14 has bits behind its prefix",
    },
    Bad {
        from: "supernets: [10.20.0.0/14]",
        to: "supernets: []",
        line_of: "supernets: []",
        path: "environments.dev.regions.eu-central-1.addresses.ledger.supernets",
        message: "the pool has no blocks",
    },
    Bad {
        from: "pool: dev-eu-central-1",
        to: "pool: Dev/Central",
        line_of: "pool: Dev/Central",
        path: "environments.dev.regions.eu-central-1.addresses.ledger.pool",
        message: "\"Dev/Central\" is not the name of a pool",
    },
    Bad {
        from: "poolId: ipam-pool-0e000000000000057",
        to: "poolId: pool-1",
        line_of: "poolId: pool-1",
        path: "environments.staging.regions.eu-west-1.addresses.ipam.poolId",
        message: "\"pool-1\" is not the id of an IPAM pool",
    },
    Bad {
        from: "poolId: ipam-pool-0e000000000000090, prefixLength: 19",
        to: "poolId: ipam-pool-0e000000000000090, prefixLength: 15",
        line_of: "prefixLength: 15",
        path: "environments.prod.regions.eu-west-1.addresses.ipam.prefixLength",
        message: "/15 is not the size of a VPC",
    },
];

#[test]
fn pools_of_the_ledger_are_checked() {
    assert_bad(POOLS);
}

const GATEWAYS: &[Bad] = &[
    Bad {
        from: "id: tgw-0e00000000000001a",
        to: "id: tgw-rtb-0e000000000000060",
        line_of: "id: tgw-rtb-0e000000000000060",
        path: "environments.dev.regions.eu-west-1.transitGateway.id",
        message: "\"tgw-rtb-0e000000000000060\" is not the id of a Transit Gateway",
    },
    Bad {
        from: "spokeRouteTable: tgw-rtb-0e00000000000005a",
        to: "spokeRouteTable: rtb-0e00000000000005a",
        line_of: "spokeRouteTable: rtb-0e00000000000005a",
        path: "environments.dev.regions.eu-west-1.transitGateway.spokeRouteTable",
        message: "\"rtb-0e00000000000005a\" is not the id of a Transit Gateway route table",
    },
    Bad {
        from: "sharedAttachments: [tgw-attach-0e000000000000071]",
        to: "sharedAttachments: [vpc-0e000000000000071]",
        line_of: "vpc-0e000000000000071",
        path: "environments.dev.regions.eu-west-1.transitGateway.sharedAttachments[0]",
        message: "\"vpc-0e000000000000071\" is not the id of a Transit Gateway attachment",
    },
    Bad {
        from: "propagateTo: [tgw-rtb-0e000000000000060]",
        to: "propagateTo: []",
        line_of: "propagateTo: []",
        path: "environments.dev.regions.eu-west-1.transitGateway.propagateTo",
        message: "no route table learns the tenant's block",
    },
    Bad {
        from: "propagateTo: [tgw-rtb-0e000000000000060]",
        to: "propagateTo: [tgw-rtb-0e000000000000060, tgw-rtb-0e00000000000005a]",
        line_of: "tgw-rtb-0e00000000000005a]",
        path: "environments.dev.regions.eu-west-1.transitGateway.propagateTo[1]",
        message: "tgw-rtb-0e00000000000005a is the spoke table of environments.dev.regions.eu-west-1.transitGateway",
    },
    Bad {
        // Another region's spoke table: it is enough that some tenant's attachment is associated with it.
        from: "propagateTo: [tgw-rtb-0c000000000000060]",
        to: "propagateTo: [tgw-rtb-0e00000000000005a]",
        line_of: "propagateTo: [tgw-rtb-0e00000000000005a]",
        path: "environments.dev.regions.eu-central-1.transitGateway.propagateTo[0]",
        message: "tgw-rtb-0e00000000000005a is the spoke table of environments.dev.regions.eu-west-1.transitGateway",
    },
    Bad {
        from: "propagateTo: [tgw-rtb-0e000000000000060]",
        to: "propagateTo: [tgw-rtb-0e000000000000060, tgw-rtb-0e000000000000060]",
        line_of: "propagateTo:",
        path: "environments.dev.regions.eu-west-1.transitGateway.propagateTo[1]",
        message: "tgw-rtb-0e000000000000060 is there twice",
    },
    Bad {
        from: "routes: [10.0.0.0/16]",
        to: "filteringAttachments: [tgw-attach-0e000000000000099]\n          routes: [10.0.0.0/16]",
        line_of: "filteringAttachments: [tgw-attach-0e000000000000099",
        path: "environments.dev.regions.eu-west-1.transitGateway.filteringAttachments[0]",
        message: "\"tgw-attach-0e000000000000099\" is not one of sharedAttachments",
    },
    Bad {
        from: "prefixLength: 20, supernets: [10.32.0.0/14]",
        to: "prefixLength: 20, supernets: [10.32.0.1/14]",
        line_of: "10.32.0.1/14",
        path: "environments.staging.regions.eu-west-1.addresses.ipam.supernets[0]",
        message: "10.32.0.1/14 has bits behind its prefix",
    },
    Bad {
        from: "routes: [10.0.0.0/16]",
        to: "routes: [10.0.0.1/16]",
        line_of: "10.0.0.1/16",
        path: "environments.dev.regions.eu-west-1.transitGateway.routes[0]",
        message: "10.0.0.1/16 has bits behind its prefix",
    },
];

/// What a changed example is warned of: path and message.
fn warned(from: &str, to: &str) -> Vec<(String, String)> {
    let text = EXAMPLE.replacen(from, to, 1);
    assert_ne!(text, EXAMPLE, "the example has no {from:?}");
    let (_, warnings) = PlatformConfig::parse_with_warnings(&text).unwrap();
    warnings.into_iter().map(|warning| (warning.path, warning.message)).collect()
}

#[test]
fn routes_into_tenants_blocks_are_warned_of_unless_an_appliance_filters() {
    assert_eq!(PlatformConfig::parse_with_warnings(EXAMPLE).unwrap().1, []);
    let routes = "environments.dev.regions.eu-west-1.transitGateway.routes[0]";
    let cases = [
        ("routes: [0.0.0.0/0]", "0.0.0.0/0 leads into the tenants' block 10.16.16.0/20"),
        ("routes: [10.32.0.0/16]", "10.32.0.0/16 leads into the tenants' block 10.32.0.0/13"),
    ];
    for (to, message) in cases {
        let warned = warned("routes: [10.0.0.0/16]", to);
        assert!(warned.contains(&(routes.to_owned(), message.to_owned())), "{warned:?}");
    }
    let filtered = "filteringAttachments: [tgw-attach-0e000000000000071]\n          routes: [0.0.0.0/0]";
    assert_eq!(warned("routes: [10.0.0.0/16]", filtered), []);
    // Excluded blocks are no tenant's.
    assert_eq!(warned("routes: [10.0.0.0/16]", "routes: [10.16.0.0/20]"), []);
    let unlisted = warned(", supernets: [10.32.0.0/14]", "");
    assert_eq!(unlisted[0].1, "the CIDRs of the pool are not in the file");
}

#[test]
fn transit_gateways_are_checked() {
    assert_bad(GATEWAYS);
}
