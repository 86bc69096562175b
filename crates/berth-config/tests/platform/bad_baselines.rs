//! Baselines that AWS would refuse in every account, and what belongs to one region only.

use crate::{Bad, PODS, assert_bad, edited, example};

const BACKUPS: &[Bad] = &[
    Bad {
        from: "vault: berth-backup",
        to: "vault: berth/backup",
        line_of: "vault: berth/backup",
        path: "environments.dev.baseline.backup.vault",
        message: "\"berth/backup\" is not the name of a vault",
    },
    Bad {
        from: "vault: berth-backup",
        to: "vault: berth-backup\n        kmsKey: alias/backup",
        line_of: "kmsKey: alias/backup",
        path: "environments.dev.baseline.backup.kmsKey",
        message: "\"alias/backup\" is not the ARN of a key",
    },
    Bad {
        from: "vault: berth-backup",
        to: "vault: berth-backup\n        kmsKey: arn:aws:kms:eu-west-1:111122223333:key/1",
        line_of: "kmsKey: arn",
        path: "environments.dev.baseline.backup.kmsKey",
        message: "a key in eu-west-1 cannot be used in eu-central-1",
    },
    Bad {
        from: "schedule: cron(0 3 * * ? *)",
        to: "schedule: cron(0 3 * * *)",
        line_of: "cron(0 3 * * *)",
        path: "environments.dev.baseline.backup.rules[0].schedule",
        message: "\"cron(0 3 * * *)\" is not a schedule",
    },
    Bad {
        from: "schedule: cron(0 3 * * ? *)",
        to: "schedule: rate(1 day)",
        line_of: "rate(1 day)",
        path: "environments.dev.baseline.backup.rules[0].schedule",
        message: "\"rate(1 day)\" is not a schedule",
    },
    Bad {
        from: "name: monthly",
        to: "name: daily",
        line_of: "name: daily",
        path: "environments.dev.baseline.backup.rules[1].name",
        message: "daily is there twice",
    },
    Bad {
        from: "name: monthly",
        to: "name: once a month",
        line_of: "once a month",
        path: "environments.dev.baseline.backup.rules[1].name",
        message: "\"once a month\" is not the name of a backup rule",
    },
    Bad {
        from: "deleteAfterDays: 365",
        to: "deleteAfterDays: 119",
        line_of: "deleteAfterDays: 119",
        path: "environments.dev.baseline.backup.rules[1].deleteAfterDays",
        message: "deleting after 119 days leaves less than 90 in cold storage",
    },
    Bad {
        from: "deleteAfterDays: 365",
        to: "deleteAfterDays: 365\n            startWindowMinutes: 30",
        line_of: "startWindowMinutes: 30",
        path: "environments.dev.baseline.backup.rules[1].startWindowMinutes",
        message: "30 minutes are too short a time to start in",
    },
    Bad {
        from: "deleteAfterDays: 365",
        to: "deleteAfterDays: 365\n            completionWindowMinutes: 500",
        line_of: "completionWindowMinutes: 500",
        path: "environments.dev.baseline.backup.rules[1].completionWindowMinutes",
        message: "500 minutes to end in are not an hour more than 480 to start in",
    },
    Bad {
        from: "{ key: backup, value: \"true\" }",
        to: "{ key: \"aws:backup\", value: \"true\" }",
        line_of: "aws:backup",
        path: "environments.dev.baseline.backup.tags[0].key",
        message: "\"aws:backup\" is not the key of a tag",
    },
    Bad {
        from: "name: \"{tenant}-deployer\"",
        to: "name: berth-backup",
        line_of: "name: berth-backup",
        path: "environments.dev.roles.roles[1].name",
        message: "berth-backup is the role that Berth makes for AWS Backup",
    },
];

#[test]
fn backups_that_aws_would_refuse_are_told_with_their_line() {
    assert_bad(BACKUPS);
}

const CONFIG: &[Bad] = &[
    Bad {
        from: "bucket: berth-local-config",
        to: "bucket: \"arn:aws:s3:::berth-local-config\"",
        line_of: "arn:aws:s3:::berth-local-config",
        path: "environments.dev.baseline.config.recorder.bucket",
        message: "\"arn:aws:s3:::berth-local-config\" is not the name of a bucket",
    },
    Bad {
        from: "prefix: config }",
        to: "prefix: /config }",
        line_of: "prefix: /config",
        path: "environments.dev.baseline.config.recorder.prefix",
        message: "\"/config\" is not a prefix",
    },
    Bad {
        from: "source: ENCRYPTED_VOLUMES",
        to: "source: encrypted-volumes",
        line_of: "source: encrypted-volumes",
        path: "environments.dev.baseline.config.rules[0].source",
        message: "\"encrypted-volumes\" is not the identifier of a managed rule",
    },
    Bad {
        from: "name: encrypted-volumes",
        to: "name: Encrypted Volumes",
        line_of: "Encrypted Volumes",
        path: "environments.dev.baseline.config.rules[0].name",
        message: "\"Encrypted Volumes\" is not the name of a rule",
    },
    Bad {
        from: "name: access-keys-rotated",
        to: "name: encrypted-volumes",
        line_of: "name: encrypted-volumes",
        path: "environments.dev.baseline.config.rules[1].name",
        message: "encrypted-volumes is there twice",
    },
    Bad {
        from: "[\"AWS::S3::Bucket\"]",
        to: "[Bucket]",
        line_of: "[Bucket]",
        path: "environments.dev.baseline.config.rules[2].scope.resourceTypes[0]",
        message: "\"Bucket\" is not a type of resource",
    },
    Bad {
        from: "[\"AWS::S3::Bucket\"]",
        to: "[]",
        line_of: "resourceTypes: []",
        path: "environments.dev.baseline.config.rules[2].scope.resourceTypes",
        message: "no type of resource is listed",
    },
];

#[test]
fn rules_and_recorders_that_aws_would_refuse_are_told_with_their_line() {
    assert_bad(CONFIG);
}

#[test]
fn a_regions_baseline_has_its_own_keys_and_nothing_of_the_whole_account() {
    let at = "        transitGateway: &euc1-gateway";
    assert_bad(&[
        Bad {
            from: at,
            to: "        baseline: { s3PublicAccessBlock: true }\n        transitGateway: &euc1-gateway",
            line_of: "s3PublicAccessBlock",
            path: "environments.dev.regions.eu-central-1.baseline.s3PublicAccessBlock",
            message: "it belongs to the whole account, not to a region",
        },
        Bad {
            from: at,
            to: "        baseline: { ebsEncryption: { kmsKey: \"arn:aws:kms:eu-west-1:111122223333:key/1\" } }\n        transitGateway: &euc1-gateway",
            line_of: "ebsEncryption",
            path: "environments.dev.regions.eu-central-1.baseline.ebsEncryption.kmsKey",
            message: "a key in eu-west-1 cannot be used in eu-central-1",
        },
        Bad {
            from: at,
            to: "        baseline: { config: {} }\n        transitGateway: &euc1-gateway",
            line_of: "baseline: { config: {} }",
            path: "environments.dev.regions.eu-central-1.baseline.config",
            message: "neither a recorder nor rules are declared",
        },
    ]);
}

#[test]
fn what_lets_others_into_a_role_that_pods_or_services_assume_is_refused() {
    assert_bad(&[
        Bad {
            from: PODS,
            to: "trust: { podIdentityChain: { platformRole: \"arn:aws:iam::210987654321:role/*\", namespace: a } }",
            line_of: "podIdentityChain",
            path: "environments.dev.roles.roles[2].trust.podIdentityChain.platformRole",
            message: "\"arn:aws:iam::210987654321:role/*\" is not the ARN of one role",
        },
        Bad {
            from: PODS,
            to: "trust: { podIdentityChain: { platformRole: \"arn:aws:iam::210987654321:role/pods\", namespace: \"*\" } }",
            line_of: "podIdentityChain",
            path: "environments.dev.roles.roles[2].trust.podIdentityChain.namespace",
            message: "\"*\" holds a wildcard",
        },
        Bad {
            from: PODS,
            to: "trust: { podIdentityChain: { platformRole: \"arn:aws:iam::210987654321:role/a\", namespace: a, clusterArns: [shared] } }",
            line_of: "clusterArns",
            path: "environments.dev.roles.roles[2].trust.podIdentityChain.clusterArns[0]",
            message: "\"shared\" is not the ARN of one EKS cluster",
        },
        Bad {
            from: PODS,
            to: "trust: { awsService: { name: \"*.amazonaws.com\" } }",
            line_of: "awsService",
            path: "environments.dev.roles.roles[2].trust.awsService.name",
            message: "\"*.amazonaws.com\" is not the principal of one service",
        },
    ]);
}

#[test]
fn a_pod_of_a_shared_cluster_may_be_named_by_templates() {
    let to = "trust: { podIdentityChain: { platformRole: \"arn:aws:iam::210987654321:role/pods\", namespace: \"{tenant}\" } }";
    assert_eq!(edited(PODS, to).1, []);
    assert!(example().environments.values().any(|environment| environment.baseline.is_some()));
}
