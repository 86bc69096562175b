//! What the tests of both parts of the step begin with: an account on one cluster, without roles or pods.

use std::collections::BTreeMap;

use berth_tenancy::{ClusterPlan, LeftOverTags, Mode, OrganizationTags, Subject};
use grant_cluster_access::{Input, ObservedCluster};

pub(crate) fn plan() -> ClusterPlan {
    ClusterPlan {
        name: "dev-euw1".parse().unwrap(),
        eks_name: "dev".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        outside: None,
    }
}

pub(crate) fn input() -> Input {
    Input {
        run: Subject {
            account_id: "111122223333".parse().unwrap(),
            account_name: "payments-dev".into(),
            tenant: "payments".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            execution: "arn:aws:states:us-east-1:210987654321:execution:m:e".into(),
            generation: 1,
            mode: Mode::Apply,
            tenant_role: "BerthTenant".parse().unwrap(),
            allow_disruption: false,
            opening_until: None,
            tags: OrganizationTags::default(),
            left_over_tags: LeftOverTags::default(),
            only_planned: None,
            repairs: None,
        },
        clusters: vec![plan()],
        roles: Vec::new(),
        pod_identity: Vec::new(),
        left_over: Vec::new(),
    }
}

/// The cluster, with nothing of the account on it.
pub(crate) fn cluster() -> ObservedCluster {
    let (status, authentication) = ("ACTIVE".to_owned(), "API".to_owned());
    ObservedCluster { plan: plan(), status, authentication, entries: BTreeMap::new(), associations: BTreeMap::new() }
}
