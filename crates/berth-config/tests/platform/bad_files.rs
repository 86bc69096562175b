//! Files of the right shape that mean nothing good: accounts, environments, zones, tiers.

use berth_config::PlatformConfig;

use crate::{Bad, EXAMPLE, assert_bad};

const TOP: &[Bad] = &[
    Bad {
        from: "version: 1",
        to: "version: 2",
        line_of: "version: 2",
        path: "version",
        message: "version 2 is not known",
    },
    Bad {
        from: "id: o-berthlocal",
        to: "id: berthlocal",
        line_of: "id: berthlocal",
        path: "organization.id",
        message: "\"berthlocal\" is not the id of an organization",
    },
    Bad {
        from: "\"310987654321\"",
        to: "\"999988887777\"",
        line_of: "account: \"999988887777\"",
        path: "network.account",
        message: "999988887777 is the management account",
    },
    Bad {
        from: "account: \"210987654321\"",
        to: "account: \"999988887777\"",
        line_of: "account: \"999988887777\"",
        path: "hub.account",
        message: "999988887777 is the management account",
    },
    Bad {
        from: "tenantTag: berth:tenant",
        to: "tenantTag: berth:onboard",
        line_of: "tenantTag: berth:onboard",
        path: "tenantTag",
        message: "berth:onboard is there twice",
    },
    Bad {
        from: "costCenterTag: cost-center",
        to: "costCenterTag: aws:cost",
        line_of: "costCenterTag: aws:cost",
        path: "costCenterTag",
        message: "\"aws:cost\" is not the key of a tag",
    },
    Bad {
        from: "\"{tenant}-leads\"",
        to: "\"{team}-leads\"",
        line_of: "\"{team}-leads\"",
        path: "ownerGroups[0]",
        message: "\"{team}\" is not a placeholder",
    },
    Bad {
        from: "\"{tenant}-leads\"",
        to: "\"tenant:{tenant}:prod:admin\"",
        line_of: "\"tenant:{tenant}:prod:admin\"",
        path: "ownerGroups[0]",
        message: "\"tenant:{tenant}:prod:admin\" begins with tenant:, which is reserved",
    },
    Bad {
        from: "\"{tenant}-leads\"",
        to: "\"aws:{tenant}\"",
        line_of: "\"aws:{tenant}\"",
        path: "ownerGroups[0]",
        message: "\"aws:{tenant}\" begins with aws:, which is reserved",
    },
    Bad {
        from: "startOn: [controlTower, move]",
        to: "startOn: []",
        line_of: "startOn: []",
        path: "startOn",
        message: "no event starts an onboarding",
    },
    Bad {
        from: "startOn: [controlTower, move]",
        to: "startOn: [move, move]",
        line_of: "startOn: [move, move]",
        path: "startOn[1]",
        message: "move is there twice",
    },
    Bad {
        from: "startOn: [controlTower, move]",
        to: "startOn: [controlTower]\nexitUnits: [ou-ab12-out00001, ou-ab12-out00001]",
        line_of: "exitUnits: [ou-ab12-out00001, ou-ab12-out00001]",
        path: "exitUnits[1]",
        message: "ou-ab12-out00001 is there twice",
    },
];

#[test]
fn the_top_of_the_file_is_checked() {
    assert_bad(TOP);
}

const ENVIRONMENTS: &[Bad] = &[
    Bad {
        from: "[ou-ab12-stg00001]",
        to: "[ou-ab12-stg00001, ou-ab12-prd00001]",
        line_of: "[ou-ab12-stg00001, ou-ab12-prd00001]",
        path: "environments.staging.organizationalUnits[1]",
        message: "ou-ab12-prd00001 belongs to the environment prod already",
    },
    Bad {
        from: "environments:\n",
        to: "exitUnits: [ou-ab12-stg00001]\nenvironments:\n",
        line_of: "organizationalUnits: [ou-ab12-stg00001]",
        path: "environments.staging.organizationalUnits[0]",
        message: "ou-ab12-stg00001 is one of `exitUnits`, too",
    },
    Bad {
        from: "organizationalUnits: [ou-ab12-stg00001]",
        to: "organizationalUnits: []",
        line_of: "organizationalUnits: []",
        path: "environments.staging.organizationalUnits",
        message: "no unit belongs to this environment",
    },
    Bad {
        from: "cluster: dev-euw1",
        to: "cluster: dev-euw2",
        line_of: "cluster: dev-euw2",
        path: "environments.dev.cluster",
        message: "the cluster dev-euw2 is not one of `clusters`",
    },
    Bad {
        from: "  # -------------------------------------------------------------------------------------------------------- staging",
        to: "  test:\n    organizationalUnits: [ou-ab12-tst00001]\n    cluster: dev-euw1\n    regions: {}\n    roles: { boundary: *boundary, roles: [{ key: a, name: a, trust: { podIdentity: {} }, access: edit }] }",
        line_of: "regions: {}",
        path: "environments.test.regions",
        message: "there is no region",
    },
    Bad {
        from: "mergeDaysMax: 7",
        to: "mergeDaysMax: 8",
        line_of: "mergeDaysMax: 8",
        path: "environments.prod.gitOps.mergeDaysMax",
        message: "a merge is waited for 1 to 7 days",
    },
    Bad {
        from: "stage: development",
        to: "stage: \"\"",
        line_of: "stage: \"\"",
        path: "environments.dev.stage",
        message: "a stage has 1 to 40 characters",
    },
];

#[test]
fn environments_are_checked() {
    assert_bad(ENVIRONMENTS);
}

const ZONES_AND_TIERS: &[Bad] = &[
    Bad {
        from: "[euw1-az1, euw1-az2, euw1-az3]",
        to: "[euw1-az1, euw1-az2, euw1-az1]",
        line_of: "[euw1-az1, euw1-az2, euw1-az1]",
        path: "environments.dev.regions.eu-west-1.zones[2]",
        message: "euw1-az1 is there twice",
    },
    Bad {
        from: "[euw1-az1, euw1-az2, euw1-az3]",
        to: "[euw1-az1, eu-west-1b]",
        line_of: "[euw1-az1, eu-west-1b]",
        path: "environments.dev.regions.eu-west-1.zones[1]",
        message: "\"eu-west-1b\" is not the id of an availability zone in eu-west-1",
    },
    Bad {
        from: "[euc1-az1, euc1-az2, euc1-az3]",
        to: "[euc1-az1, euw1-az2]",
        line_of: "[euc1-az1, euw1-az2]",
        path: "environments.dev.regions.eu-central-1.zones[1]",
        message: "\"euw1-az2\" is not the id of an availability zone in eu-central-1",
    },
    Bad {
        from: "zones: [euw1-az1, euw1-az2, euw1-az3]",
        to: "zones: []",
        line_of: "zones: []",
        path: "environments.dev.regions.eu-west-1.zones",
        message: "0 zones are listed",
    },
    Bad {
        from: "routing: attachment",
        to: "routing: intra",
        line_of: "tiers: &tiers",
        path: "environments.dev.regions.eu-west-1.tiers",
        message: "0 tiers have the routing attachment",
    },
    Bad {
        from: "routing: intra",
        to: "routing: attachment",
        line_of: "tiers: &tiers",
        path: "environments.dev.regions.eu-west-1.tiers",
        message: "2 tiers have the routing attachment",
    },
    Bad {
        from: "routing: private",
        to: "routing: intra",
        line_of: "tiers: &tiers",
        path: "environments.dev.regions.eu-west-1.tiers",
        message: "no tier has the routing private",
    },
    Bad {
        from: "name: intra",
        to: "name: Intra",
        line_of: "name: Intra",
        path: "environments.dev.regions.eu-west-1.tiers[1].name",
        message: "\"Intra\" is not the name of a tier",
    },
    Bad {
        from: "prefixLength: 25",
        to: "prefixLength: 29",
        line_of: "prefixLength: 29",
        path: "environments.dev.regions.eu-west-1.tiers[1].prefixLength",
        message: "/29 is not the size of a subnet",
    },
    Bad {
        from: "prefixLength: 19",
        to: "prefixLength: 21",
        line_of: "tiers: *tiers",
        path: "environments.prod.regions.eu-west-1.tiers",
        message: "the subnets of 3 zones do not fit into a VPC of /21: no /22 is left for private in euw1-az3",
    },
    Bad {
        from: "gatewayEndpoints: [s3, dynamodb]",
        to: "gatewayEndpoints: [s3, s3]",
        line_of: "[s3, s3]",
        path: "environments.dev.regions.eu-west-1.gatewayEndpoints[1]",
        message: "s3 is there twice",
    },
    Bad {
        from: "\"arn:aws:s3:::berth-local-flow-logs\"",
        to: "berth-local-flow-logs",
        line_of: "bucketArn: berth-local-flow-logs",
        path: "environments.dev.regions.eu-west-1.flowLogs.bucketArn",
        message: "\"berth-local-flow-logs\" is not the ARN of a bucket",
    },
];

#[test]
fn zones_and_tiers_are_checked() {
    assert_bad(ZONES_AND_TIERS);
}

#[test]
fn every_mistake_is_reported_at_once_in_the_order_of_lines() {
    let edits = [
        ("prefixLength: 20\n        zones: [euw1", "prefixLength: 29\n        zones: [euw1"),
        ("cluster: dev-euw1", "cluster: nowhere"),
        ("version: 1", "version: 3"),
        ("id: tgw-0e00000000000001a", "id: tgw-x"),
        ("sessionSecondsMax: 7200", "sessionSecondsMax: 7"),
    ];
    let text = edits.iter().fold(EXAMPLE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    let errors = PlatformConfig::parse(&text).unwrap_err();
    let messages: Vec<&str> = errors.as_slice().iter().map(|error| error.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "version 3 is not known",
            "the cluster nowhere is not one of `clusters`",
            "/29 is not the size of a VPC",
            "\"tgw-x\" is not the id of a Transit Gateway",
            "7 seconds is not the length of a session",
        ]
    );
}
