//! Files that are not YAML, or have the wrong shape: one error, the first.

use berth_config::PlatformConfig;
use proptest::prelude::*;

use crate::{Bad, EXAMPLE, PODS, assert_bad};

const LEAVING: &[Bad] = &[
    Bad {
        from: "    stage: staging",
        to: "    stage: staging\n    offboarding: { protected: true, auto: true }",
        line_of: "offboarding: { protected",
        path: "environments.staging.offboarding.auto",
        message: "accounts that are protected cannot leave by themselves",
    },
    Bad {
        from: "    stage: staging",
        to: "    stage: staging\n    offboarding: { graceDays: 91 }",
        line_of: "graceDays: 91",
        path: "environments.staging.offboarding.graceDays",
        message: "AWS deletes a closed account after 90 days",
    },
];

const DRIFT: &[Bad] = &[
    Bad {
        from: "version: 1",
        to: "version: 1\ndriftSchedule: daily",
        line_of: "driftSchedule: daily",
        path: "driftSchedule",
        message: "\"daily\" is not a schedule from rate(1 hour) to rate(30 days)",
    },
    Bad {
        from: "    stage: staging",
        to: "    stage: staging\n    onDrift: { repair: [role] }",
        line_of: "onDrift: { repair",
        path: "environments.staging.onDrift",
        message: "nobody looks for drift, so nothing is ever repaired",
    },
    Bad {
        from: "    stage: staging",
        to: "    stage: staging\n    onDrift: { repair: [roles] }",
        line_of: "onDrift: { repair",
        path: "environments.staging.onDrift.repair[0]",
        message: "unknown variant `roles`, expected one of `vpc`, `subnet`, `route-table`, `internet-gateway`, `vpc-endpoint`, `vpc-flow-log`, `transit-gateway-attachment`, `role`, `policy`, `oidc-provider`, `backup-vault`, `backup-plan`, `configuration-recorder`, `config-rule`, `access-entry`, `pod-identity-association`, `security-group`, `service-linked-role`, `delivery-channel`, `backup-selection`, `account-setting`, `sign-in`, `file`, `address-block`, `record`, `extension`",
    },
];

#[test]
fn schedules_and_repairs_that_do_nothing_are_refused() {
    assert_bad(DRIFT);
}

#[test]
fn rules_by_which_nobody_can_leave_are_refused() {
    assert_bad(LEAVING);
}

const SHAPES: &[Bad] = &[
    Bad {
        from: "stage: staging",
        to: "stge: staging",
        line_of: "stge: staging",
        path: "environments.staging.stge",
        message: "unknown field `stge`, expected one of organizationalUnits, cluster, stage, regions, defaultVpc, roles, gitOps, baseline, signIn, tags, approval, after, offboarding, onDrift",
    },
    Bad {
        from: "    stage: staging",
        to: "    stage: staging\n    cluster: prod-euw1",
        line_of: "cluster: prod-euw1",
        path: "environments.staging.cluster",
        message: "duplicate mapping key: cluster",
    },
    Bad {
        from: "  readRole: BerthRead",
        to: "",
        line_of: "organization:",
        path: "organization.readRole",
        message: "missing field `readRole`",
    },
    Bad {
        from: "\"310987654321\"",
        to: "\"31098765432\"",
        line_of: "account: \"31098765432\"",
        path: "network.account",
        message: "\"31098765432\" is not an AWS account id (exactly twelve digits)",
    },
    Bad {
        from: "[ou-ab12-stg00001]",
        to: "[r-ab12]",
        line_of: "[r-ab12]",
        path: "environments.staging.organizationalUnits[0]",
        message: "\"r-ab12\" is not the id of an organizational unit (like ou-ab12-l3zc8b3h)",
    },
    Bad {
        from: "routing: intra",
        to: "routing: internet",
        line_of: "routing: internet",
        path: "environments.dev.regions.eu-west-1.tiers[1].routing",
        message: "unknown variant `internet`, expected one of private, intra, attachment, public",
    },
    Bad {
        from: "prefixLength: 22",
        to: "prefixLength: 300",
        line_of: "prefixLength: 300",
        path: "environments.dev.regions.eu-west-1.tiers[0].prefixLength",
        message: "a whole number is expected here",
    },
    Bad {
        from: "supernets: [10.16.0.0/14]",
        to: "supernets: [\"fd00::/8\"]",
        line_of: "fd00::/8",
        path: "environments.dev.regions.eu-west-1.addresses.ledger.supernets[0]",
        message: "an IPv4 block is expected here",
    },
    Bad {
        from: "startOn: [controlTower, move]",
        to: "startOn: controlTower",
        line_of: "startOn: controlTower",
        path: "startOn",
        message: "a list is expected here",
    },
    Bad {
        from: PODS,
        to: "trust: podIdentity",
        line_of: "trust: podIdentity",
        path: "environments.dev.roles.roles[2].trust",
        message: "fields are expected here",
    },
    Bad {
        from: "{ ipam: { poolId: ipam-pool-0e000000000000057, prefixLength: 20, supernets: [10.32.0.0/14] } }",
        to: "{ ipam: { poolId: ipam-pool-0e000000000000057, prefixLength: 20, supernets: [10.32.0.0/14] }, ledger: {} }",
        line_of: "ledger: {}",
        path: "environments.staging.regions.eu-west-1.addresses.ledger",
        message: "only one kind is allowed here",
    },
];

#[test]
fn wrong_shapes_are_told_with_their_line_and_path() {
    assert_bad(SHAPES);
}

#[test]
fn errors_of_syntax_and_limits_have_a_line_but_no_path() {
    let bomb = |levels: usize| {
        let rest = (1..levels).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")));
        format!("a0: &a0 [x, x]\n{}", rest.collect::<String>())
    };
    let table = [
        ("version: [1\norganization:\n".to_owned(), 2),
        ("a: \"unclosed\nb: 1\n".to_owned(), 1),
        ("a: *nothing\n".to_owned(), 1),
        ("<<: {a: 1}\n".to_owned(), 1),
        ("a: 1\n---\nb: 2\n".to_owned(), 2),
        (bomb(9), 1),
        ("a: &a [*a]\n".to_owned(), 1),
        ("[".repeat(100_000), 1),
        ("- ".repeat(100_000), 1),
        ("{a: ".repeat(50_000), 1),
        (format!("a: {}1{}", "[".repeat(60), "]".repeat(60)), 1),
        ("x".repeat(2 << 20), 1),
        (String::new(), 1),
        ("# nothing\n".to_owned(), 1),
        ("- a\n- b\n".to_owned(), 1),
        ("\u{0}\u{feff}\u{7}".to_owned(), 1),
    ];
    for (text, line_min) in table {
        let start: String = text.chars().take(40).collect();
        let errors = PlatformConfig::parse(&text).expect_err(&start);
        let [error] = errors.as_slice() else { panic!("{start:?}: {errors}") };
        assert!(error.line >= line_min && error.column >= 1, "{start:?}: {error}");
        assert!(error.path.is_empty() && !error.hint.is_empty(), "{start:?}: {error}");
        assert!(error.message.len() < 200 && !error.message.contains("{ "), "{start:?}: {error}");
    }
}

#[test]
fn errors_are_shown_with_line_path_and_what_to_do() {
    let errors = PlatformConfig::parse(&EXAMPLE.replacen("version: 1", "version: 2", 1)).unwrap_err();
    let shown = "line 4, column 10: version: version 2 is not known\n  Next: write `version: 1`";
    assert_eq!(errors.to_string(), shown);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_the_parser_panic(text in r"[-a-z:&*{}\[\]#|>'!%@, \n\t\x00é]{0,200}") {
        prop_assert!(PlatformConfig::parse(&text).is_err());
    }

    #[test]
    fn no_damage_to_the_example_makes_the_parser_panic(
        start in 0..EXAMPLE.len(), length in 0usize..40, patch in r"[-a-z0-9:&*{}\[\] \n]{0,10}",
    ) {
        let bytes = EXAMPLE.as_bytes();
        let end = (start + length).min(bytes.len());
        let damaged = [&bytes[..start], patch.as_bytes(), &bytes[end..]].concat();
        if let Err(errors) = PlatformConfig::parse(&String::from_utf8_lossy(&damaged)) {
            prop_assert!(errors.as_slice().iter().all(|e| e.line >= 1 && e.column >= 1 && !e.hint.is_empty()));
        }
    }
}
