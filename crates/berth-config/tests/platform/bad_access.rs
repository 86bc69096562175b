//! Identity Center, sign-in and clusters that cannot work, or that would let in more than was meant.

use crate::{Bad, assert_bad, edited};

const CENTER: &[Bad] = &[
    Bad {
        from: "instanceArn: arn:aws:sso:::instance/ssoins-1ca1be4700000001",
        to: "instanceArn: arn:aws:sso:::instance/ssoins-1ca1",
        line_of: "instance/ssoins-1ca1",
        path: "identityCenter.instanceArn",
        message: "\"arn:aws:sso:::instance/ssoins-1ca1\" is not the ARN of an instance",
    },
    Bad {
        from: "identityStoreId: d-1ca1be4700",
        to: "identityStoreId: 1ca1be4700",
        line_of: "identityStoreId: 1ca1be4700",
        path: "identityCenter.identityStoreId",
        message: "\"1ca1be4700\" is not the id of an identity store",
    },
    Bad {
        from: "TenantReader: arn:aws:sso:::permissionSet/ssoins-1ca1be4700000001/",
        to: "TenantReader: arn:aws:sso:::permissionSet/ssoins-1ca1be4700000009/",
        line_of: "ssoins-1ca1be4700000009",
        path: "identityCenter.permissionSets.TenantReader",
        message: "\"arn:aws:sso:::permissionSet/ssoins-1ca1be4700000009/ps-1ca1be4700000002\" is not the ARN of a \
                  permission set of this instance",
    },
    Bad {
        from: "    TenantReader: arn:aws",
        to: "    \"Tenant*\": arn:aws",
        line_of: "Tenant*",
        path: "identityCenter.permissionSets.Tenant*",
        message: "\"Tenant*\" is not the name of a permission set",
    },
];

#[test]
fn an_instance_of_identity_center_that_cannot_exist_is_refused() {
    assert_bad(CENTER);
}

const SIGN_IN: &[Bad] = &[
    Bad {
        from: "group: \"{tenant}-developers\"",
        to: "group: \"{tenant}-*\"",
        line_of: "{tenant}-*",
        path: "environments.dev.signIn[0].group",
        message: "\"{tenant}-*\" holds a wildcard",
    },
    Bad {
        from: "group: \"{tenant}-developers\"",
        to: "group: \"{team}-developers\"",
        line_of: "{team}-developers",
        path: "environments.dev.signIn[0].group",
        message: "\"{team}\" is not a placeholder",
    },
    Bad {
        from: "group: \"{tenant}-developers\"",
        to: "group: \" \"",
        line_of: "group: \" \"",
        path: "environments.dev.signIn[0].group",
        message: "\" \" is not the name of a group",
    },
    Bad {
        from: "permissionSet: TenantDeveloper",
        to: "permissionSet: \"{tenant}-developer\"",
        line_of: "{tenant}-developer\" }",
        path: "environments.dev.signIn[0].permissionSet",
        message: "\"{tenant}-developer\" is not the name of a permission set",
    },
    Bad {
        from: "{ group: \"{tenant}-viewers\", permissionSet: TenantReader }",
        to: "{ group: \"{tenant}-developers\", permissionSet: TenantDeveloper }",
        line_of: "- { group: \"{tenant}-developers\"",
        path: "environments.dev.signIn[1]",
        message: "{tenant}-developers with TenantDeveloper is there twice",
    },
];

#[test]
fn every_line_of_sign_in_means_one_group_and_one_permission_set() {
    assert_bad(SIGN_IN);
}

#[test]
fn sign_in_without_identity_center_is_refused_once_for_each_environment() {
    let start = crate::EXAMPLE.find("identityCenter:").unwrap();
    let end = crate::EXAMPLE.find("# The role in every new account").unwrap();
    let (_, errors) = edited(&crate::EXAMPLE[start..end], "");
    let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    // Staging has dev's list by an alias: one mistake, reported where it was written.
    assert_eq!(paths, ["environments.dev.signIn", "environments.prod.signIn"]);
    assert!(errors.iter().all(|error| error.message == "there is no Identity Center to sign in through"));
}

const CLUSTERS: &[Bad] = &[
    Bad {
        from: "account: \"510987654321\", role: BerthCluster",
        to: "account: \"510987654321\"",
        line_of: "account: \"510987654321\"",
        path: "clusters.prod-euw1.eks.account",
        message: "there is no role to reach 510987654321",
    },
    Bad {
        from: "account: \"510987654321\", role: BerthCluster",
        to: "role: BerthCluster",
        line_of: "role: BerthCluster",
        path: "clusters.prod-euw1.eks.role",
        message: "the account of the role BerthCluster is not said",
    },
    Bad {
        from: "account: \"510987654321\", role: BerthCluster",
        to: "account: \"210987654321\", role: BerthCluster",
        line_of: "role: BerthCluster",
        path: "clusters.prod-euw1.eks.account",
        message: "210987654321 is the hub account",
    },
    Bad {
        from: "account: \"510987654321\", role: BerthCluster",
        to: "account: \"510987654321\", role: \"Berth*\"",
        line_of: "Berth*",
        path: "clusters.prod-euw1.eks.role",
        message: "\"Berth*\" is not the name of an IAM role",
    },
];

#[test]
fn a_cluster_that_is_waited_for_says_where_it_is() {
    assert_bad(&[Bad {
        from: "eks: {}, awaitReady: true",
        to: "awaitReady: true",
        line_of: "awaitReady: true }",
        path: "clusters.dev-euw1.awaitReady",
        message: "there is no `eks` to find the cluster by",
    }]);
}

#[test]
fn a_cluster_outside_of_the_hub_needs_its_account_and_one_exact_role() {
    assert_bad(CLUSTERS);
}

#[test]
fn the_account_of_a_cluster_that_nobody_names_stands_for_no_role() {
    assert_bad(&[Bad {
        from: "hub:\n  account: \"210987654321\"\n",
        to: "",
        line_of: "platformRole",
        path: "environments.dev.roles.roles[2].trust.podIdentityChain.platformRole",
        message: "nothing says which account the cluster dev-euw1 is in",
    }]);
}
