//! The organization's own tags: what AWS would refuse, and what the account then gets.

use std::collections::BTreeMap;

use berth_config::{AccountFacts, Match, PlatformConfig};
use berth_tenancy::{ORGANIZATION_TAGS_MAX, ResourceKind, Tags};

use crate::{Bad, EXAMPLE, assert_bad, edited, example};

const TOP: &str = "version: 1\n";

const TAGS: &[Bad] = &[
    Bad {
        from: TOP,
        to: "version: 1\ntags: { \"\": x }\n",
        line_of: "tags:",
        path: "tags.",
        message: "the key of a tag has 1 to 128 characters",
    },
    Bad {
        from: TOP,
        to: "version: 1\ntags:\n  Owner: a\n  Cost*Center: x\n",
        line_of: "Cost*Center",
        path: "tags.Cost*Center",
        message: "\"Cost*Center\" is not a key that AWS takes",
    },
    Bad {
        from: TOP,
        to: "version: 1\ntags:\n  AWS:owner: x\n",
        line_of: "AWS:owner",
        path: "tags.AWS:owner",
        message: "keys that start with aws: are reserved",
    },
    Bad {
        from: TOP,
        to: "version: 1\ntags:\n  berth:managed-by: somebody\n",
        line_of: "berth:managed-by",
        path: "tags.berth:managed-by",
        message: "keys that start with berth: are reserved",
    },
    Bad {
        from: TOP,
        to: "version: 1\ntags:\n  Name: \"{tenant}\"\n",
        line_of: "Name",
        path: "tags.Name",
        message: "the tag Name is Berth's to set",
    },
    Bad {
        from: TOP,
        to: "version: 1\ntags:\n  CostCenter: a\n  costcenter: b\n",
        line_of: "costcenter: b",
        path: "tags.costcenter",
        message: "\"costcenter\" and \"CostCenter\" differ only in case",
    },
    Bad {
        from: TOP,
        to: "version: 1\ntags:\n  Owner: \"{team}\"\n",
        line_of: "{team}",
        path: "tags.Owner",
        message: "\"{team}\" is not a placeholder",
    },
    Bad {
        from: TOP,
        to: "version: 1\ntags:\n  Owner: \"a;b\"\n",
        line_of: "a;b",
        path: "tags.Owner",
        message: "\"a;b\" is not a value that AWS takes",
    },
    Bad {
        from: TOP,
        to: "version: 1\ntags:\n  Owner: \"a\\tb\"\n",
        line_of: "Owner",
        path: "tags.Owner",
        message: "\"a\\tb\" is not a value that AWS takes",
    },
    Bad {
        from: TOP,
        to: "version: 1\ntagSpecifications:\n  - resourceType: vpc\n    tags: { a: b }\n  - resourceType: vpc\n    tags: { c: d }\n",
        line_of: "resourceType: vpc",
        path: "tagSpecifications[1].resourceType",
        message: "vpc is there twice",
    },
    Bad {
        from: TOP,
        to: "version: 1\ntags: { Owner: a }\ntagSpecifications:\n  - resourceType: role\n    tags:\n      owner: b\n",
        line_of: "owner: b",
        path: "tagSpecifications[0].tags.owner",
        message: "\"owner\" and \"Owner\" differ only in case",
    },
];

#[test]
fn tags_that_aws_would_refuse_are_refused_on_their_line() {
    assert_bad(TAGS);
}

#[test]
fn an_unknown_type_of_resource_is_refused_with_the_known_ones() {
    let (text, errors) =
        edited(TOP, "version: 1\ntagSpecifications:\n  - resourceType: vpn-gateway\n    tags: { a: b }\n");
    let [error] = errors.as_slice() else { panic!("{errors:?}") };
    let line = text.lines().nth(usize::try_from(error.line).unwrap() - 1).unwrap();
    assert!(
        line.contains("vpn-gateway") && error.message.contains("transit-gateway-attachment, role, "),
        "{line}: {error}"
    );
}

/// The example with this many tags of the platform.
fn with(count: usize, value: &str) -> Vec<String> {
    let lines: Vec<String> = (0..count).map(|n| format!("  key-{n}: \"{value}\"\n")).collect();
    let tags = lines.concat();
    let (_, errors) = edited(TOP, &format!("version: 1\ntags:\n{tags}"));
    errors.into_iter().map(|error| error.message).collect()
}

#[test]
fn as_many_and_as_long_as_aws_takes_and_no_more() {
    assert_eq!(with(ORGANIZATION_TAGS_MAX, ""), Vec::<String>::new());
    let message =
        format!("{} tags come together on one resource; at most {ORGANIZATION_TAGS_MAX}", ORGANIZATION_TAGS_MAX + 1);
    assert_eq!(with(ORGANIZATION_TAGS_MAX + 1, ""), [message]);
    let (fits, long) = ("é".repeat(216), "é".repeat(217));
    assert_eq!(with(1, &format!("{fits}{{tenant}}")), Vec::<String>::new());
    assert_eq!(with(1, &format!("{long}{{tenant}}")), ["the value has up to 257 characters, AWS takes 256"]);
    let (_, errors) = edited(TOP, &format!("version: 1\ntags:\n  {}: x\n", "k".repeat(129)));
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn the_tags_of_environments_and_of_roles_meet_those_of_the_platform() {
    let environment = edited("    organizationalUnits:", "    tags: { owner: b }\n    organizationalUnits:").0;
    let text = environment.replacen(TOP, "version: 1\ntags: { Owner: a }\n", 1);
    let errors = PlatformConfig::parse(&text).unwrap_err();
    let [error] = errors.as_slice() else { panic!("{errors}") };
    assert_eq!(error.path, "environments.dev.tags.owner");
    assert_eq!(error.message, "\"owner\" and \"Owner\" differ only in case");

    let role = "        - key: developer\n";
    let text = EXAMPLE.replacen(role, "        - key: developer\n          tags: { OWNER: c }\n", 1);
    assert_ne!(text, EXAMPLE);
    let text = text.replacen(TOP, "version: 1\ntags: { Owner: a }\n", 1);
    let errors = PlatformConfig::parse(&text).unwrap_err();
    let [error] = errors.as_slice() else { panic!("{errors}") };
    assert_eq!(error.path, "environments.dev.roles.roles[0].tags.OWNER");
}

#[test]
fn the_more_special_wins_and_templates_are_filled_in() {
    let text = EXAMPLE.replacen(
        "    organizationalUnits:",
        "    tags: { Owner: \"{environment}\" }\n    organizationalUnits:",
        1,
    );
    let text = text.replacen(
        TOP,
        "version: 1\ntags: { Owner: nobody, Cost: \"{tenant} {account}\" }\n\
         tagSpecifications: [{ resourceType: vpc-flow-log, tags: { Cost: logs } }]\n",
        1,
    );
    let role = "        - key: developer\n";
    let text = text.replacen(role, &format!("{role}          tags: {{ Cost: \"{{tenant}} developers\" }}\n"), 1);
    let config = PlatformConfig::parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let facts = AccountFacts {
        account_id: "111122223333".parse().unwrap(),
        name: "Payments".into(),
        email: None,
        state: "ACTIVE".into(),
        ous: vec![example().environments[&"dev".parse().unwrap()].organizational_units[0].to_string()],
        joined: None,
        tags: BTreeMap::new(),
    };
    let Ok(Match::Onboard(matched)) = config.match_account(&facts) else { panic!("not onboarded") };
    let tags = |cost: &str| Tags::from_iter([("Owner", "dev"), ("Cost", cost)]);
    assert_eq!(matched.tags.of(ResourceKind::Vpc), tags("payments 111122223333"));
    assert_eq!(matched.tags.of(ResourceKind::VpcFlowLog), tags("logs"));
    assert_eq!(matched.tags.of_role("developer"), tags("payments developers"));
    assert_eq!(matched.tags.of_role("viewer"), tags("payments 111122223333"));
}
