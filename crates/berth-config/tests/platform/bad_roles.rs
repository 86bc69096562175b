//! Roles that IAM would refuse, and trust that would let others in.

use berth_config::PlatformConfig;

use crate::{Bad, EXAMPLE, assert_bad};

const NAMES: &[Bad] = &[
    Bad {
        from: "name: \"{tenant}-developer\"",
        to: "name: \"{tenant}-developer-of-the-payment-team\"",
        line_of: "-developer-of-the-payment-team",
        path: "environments.dev.roles.roles[0].name",
        message: "the name has up to 70 characters, IAM takes 64",
    },
    Bad {
        from: "name: \"{tenant}-developer\"",
        to: "name: \"{user}-developer\"",
        line_of: "{user}-developer",
        path: "environments.dev.roles.roles[0].name",
        message: "\"{user}\" is not a placeholder",
    },
    Bad {
        from: "name: \"{tenant}-developer\"",
        to: "name: \"{tenant}/developer\"",
        line_of: "{tenant}/developer",
        path: "environments.dev.roles.roles[0].name",
        message: "\"{tenant}/developer\" is not a name that IAM takes",
    },
    Bad {
        from: "name: \"{tenant}-developer\"",
        to: "name: berthtenant",
        line_of: "name: berthtenant",
        path: "environments.dev.roles.roles[0].name",
        message: "the name is that of tenantRole",
    },
    Bad {
        from: "name: \"{tenant}-deployer\"",
        to: "name: \"{tenant}-Developer\"",
        line_of: "{tenant}-Developer",
        path: "environments.dev.roles.roles[1].name",
        message: "two roles have this name",
    },
    Bad {
        from: "key: deployer",
        to: "key: developer",
        line_of: "key: developer",
        path: "environments.dev.roles.roles[1].key",
        message: "developer is there twice",
    },
    Bad {
        from: "key: deployer",
        to: "key: Deployer",
        line_of: "key: Deployer",
        path: "environments.dev.roles.roles[1].key",
        message: "\"Deployer\" is not a key",
    },
    Bad {
        from: "name: berth-tenant-boundary",
        to: "name: berth-tenant-boundary\n        path: tenant/",
        line_of: "path: tenant/",
        path: "environments.dev.roles.boundary.path",
        message: "\"tenant/\" is not a path",
    },
    Bad {
        from: "sessionSecondsMax: 7200",
        to: "sessionSecondsMax: 43201",
        line_of: "sessionSecondsMax: 43201",
        path: "environments.dev.roles.roles[3].sessionSecondsMax",
        message: "43201 seconds is not the length of a session",
    },
];

#[test]
fn names_and_paths_of_roles_are_checked() {
    assert_bad(NAMES);
}

const TRUST: &[Bad] = &[
    Bad {
        from: "subject: \"repo:example/{tenant}:environment:{environment}\"",
        to: "subject: \"repo:example/{tenant}:*\"",
        line_of: "repo:example/{tenant}:*",
        path: "environments.dev.roles.roles[1].trust.oidc.subject",
        message: "\"repo:example/{tenant}:*\" holds a wildcard",
    },
    Bad {
        from: "subject: \"repo:example/{tenant}:environment:{environment}\"",
        to: "subject: \"repo:example/team-?:ref:refs/heads/main\"",
        line_of: "team-?",
        path: "environments.dev.roles.roles[1].trust.oidc.subject",
        message: "\"repo:example/team-?:ref:refs/heads/main\" holds a wildcard",
    },
    Bad {
        from: "audience: sts.amazonaws.com",
        to: "audience: \"*\"",
        line_of: "audience: \"*\"",
        path: "environments.dev.roles.roles[1].trust.oidc.audience",
        message: "\"*\" holds a wildcard",
    },
    Bad {
        from: "subject: \"repo:example/{tenant}:environment:{environment}\"",
        to: "subject: \"${aws:PrincipalTag/x}\"",
        line_of: "${aws:PrincipalTag/x}",
        path: "environments.dev.roles.roles[1].trust.oidc.subject",
        message: "\"${aws:PrincipalTag/x}\" is not a claim",
    },
    Bad {
        from: "provider: token.actions",
        to: "provider: https://token.actions",
        line_of: "https://token.actions",
        path: "environments.dev.roles.roles[1].trust.oidc.provider",
        message: "\"https://token.actions.githubusercontent.com\" is not an OIDC provider",
    },
    Bad {
        from: "arn:aws:iam::210987654321:role/platform-support",
        to: "*",
        line_of: "arn: \"*\"",
        path: "environments.dev.roles.roles[3].trust.platformRole.arn",
        message: "\"*\" is not the ARN of one role",
    },
    Bad {
        from: "role/platform-support",
        to: "root",
        line_of: ":root",
        path: "environments.dev.roles.roles[3].trust.platformRole.arn",
        message: "\"arn:aws:iam::210987654321:root\" is not the ARN of one role",
    },
    Bad {
        from: "externalId: \"support-{account}\"",
        to: "externalId: \"\"",
        line_of: "externalId: \"\"",
        path: "environments.dev.roles.roles[3].trust.platformRole.externalId",
        message: "\"\" is not an external id",
    },
    Bad {
        from: "permissionSet: { name: TenantDeveloper }",
        to: "permissionSet: { name: \"*\" }",
        line_of: "permissionSet: { name: \"*\" }",
        path: "environments.dev.roles.roles[0].trust.permissionSet.name",
        message: "\"*\" is not the name of a permission set",
    },
];

#[test]
fn trust_names_exactly_one_principal_and_exact_claims() {
    assert_bad(TRUST);
}

const POLICIES: &[Bad] = &[
    Bad {
        from: "arn:aws:iam::aws:policy/PowerUserAccess",
        to: "PowerUserAccess",
        line_of: "PowerUserAccess",
        path: "environments.dev.roles.roles[0].managedPolicies[0]",
        message: "\"PowerUserAccess\" is not the ARN of a managed policy",
    },
    Bad {
        from: "\"arn:aws:ecr:*:{account}:repository/{tenant}/*\"",
        to: "\"*\"\n                  Principal: \"*\"",
        line_of: "Principal: \"*\"",
        path: "environments.dev.roles.roles[1].inlinePolicies.push-images.Statement[0].Principal",
        message: "a policy of a role has no Principal",
    },
    Bad {
        from: "\"arn:aws:ecr:*:{account}:repository/{tenant}/*\"",
        to: "\"arn:aws:ecr:*:{account}:repository/{team}/*\"",
        line_of: "push-images:",
        path: "environments.dev.roles.roles[1].inlinePolicies.push-images",
        message: "\"{team}\" is not a placeholder",
    },
    Bad {
        from: "            read-own-secrets:",
        to: "            nothing: {}\n            read-own-secrets:",
        line_of: "nothing: {}",
        path: "environments.dev.roles.roles[2].inlinePolicies.nothing",
        message: "the policy document has no statement",
    },
    Bad {
        from: "            read-own-secrets:",
        to: "            text: \"{}\"\n            read-own-secrets:",
        line_of: "text: \"{}\"",
        path: "environments.dev.roles.roles[2].inlinePolicies.text",
        message: "a policy document is an object",
    },
    Bad {
        from: "read-own-secrets:",
        to: "\"read own secrets\":",
        line_of: "read own secrets",
        path: "environments.dev.roles.roles[2].inlinePolicies.read own secrets",
        message: "\"read own secrets\" is not the name of a policy",
    },
    Bad {
        from: "Effect: Deny\n              Action: [iam",
        to: "Effect: deny\n              Action: [iam",
        line_of: "Effect: deny",
        path: "environments.dev.roles.boundary.document.Statement[6].Effect",
        message: "the statement has no effect",
    },
];

#[test]
fn policies_are_checked() {
    assert_bad(POLICIES);
}

#[test]
fn a_cluster_without_a_role_for_it_is_refused() {
    assert_bad(&[Bad {
        from: "roles: *roles",
        to: "roles: { boundary: *boundary, roles: [{ key: a, name: a, trust: { podIdentity: {} } }] }",
        line_of: "roles: { boundary:",
        path: "environments.staging.roles.roles",
        message: "no role has access to the cluster",
    }]);
}

const WITHOUT_BOUNDARY: &[Bad] = &[
    Bad {
        from: "    roles:\n      boundary: *boundary\n",
        to: "    roles:\n",
        line_of: "    roles:",
        path: "environments.prod.roles.boundary",
        message: "roles need a permissions boundary: without one, BerthTenant may not make them",
    },
    Bad {
        from: "roles: *roles",
        to: "roles: { roles: [{ key: a, name: a, trust: { podIdentity: {} }, access: edit }] }",
        line_of: "roles: { roles:",
        path: "environments.staging.roles.boundary",
        message: "roles need a permissions boundary: without one, BerthTenant may not make them",
    },
    Bad {
        from: "boundary: *boundary",
        to: "boundary: {}",
        line_of: "boundary: {}",
        path: "environments.prod.roles.boundary.name",
        message: "missing field `name`",
    },
];

/// `BerthTenant` has `CreateRole` only within a boundary: without one every onboarding would end as `Denied`.
#[test]
fn roles_without_a_permissions_boundary_are_refused_with_what_to_add() {
    assert_bad(WITHOUT_BOUNDARY);
}

#[test]
fn a_boundary_that_does_not_protect_itself_is_warned_of_with_every_way_out() {
    let warned = |from: &str, to: &str| -> Vec<String> {
        let text = EXAMPLE.replacen(from, to, 1);
        assert_ne!(text, EXAMPLE, "the example has no {from:?}");
        let (_, warnings) = PlatformConfig::parse_with_warnings(&text).unwrap();
        let here = "environments.dev.roles.boundary.document";
        warnings.into_iter().filter(|warning| warning.path == here).map(|warning| warning.message).collect()
    };
    let ways = [
        ("iam:DeleteRolePermissionsBoundary", "take it off a role"),
        ("iam:PutRolePermissionsBoundary", "put another in its place"),
        ("iam:CreateUser", "make a user without it"),
    ];
    for (action, way) in ways {
        let message = format!("whoever is within the boundary can step out of it: {way} ({action})");
        assert_eq!(warned(action, "s3:DeleteBucket"), [message]);
    }
    let all = warned("Action: \"*\", Resource: \"*\" }\n", "Action: \"s3:*\", Resource: \"*\" }\n");
    assert_eq!(all, Vec::<String>::new());
}
