//! The operator has the rights that it uses, and no other: it does everything that it ever does, and then each right that
//! the chart gives is taken away from somebody who has all others, whom the server must refuse one of those requests.

use std::collections::BTreeSet;

use berth_operator::object::Kind;
use futures::future::join_all;
use kube_client::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, OPERATOR, own_cluster, tenant, until},
    proxy::{Passed, Proxy},
    replica::Replica,
    roles::{self, OPERATOR_RULES},
    running::{settings, until_ready},
};

const RBAC: &str = "rbac.authorization.k8s.io";

/// One right: a verb on a resource, maybe of one object only. What a request needs has the same form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    verb: String,
    group: String,
    resource: String,
    name: Option<String>,
}

impl Right {
    fn covers(&self, needed: &Self) -> bool {
        let same = (&self.verb, &self.group, &self.resource) == (&needed.verb, &needed.group, &needed.resource);
        same && (self.name.is_none() || self.name == needed.name)
    }

    fn rule(&self) -> Value {
        let mut rule = json!({ "apiGroups": [self.group], "resources": [self.resource], "verbs": [self.verb] });
        if let Some(name) = &self.name {
            rule["resourceNames"] = json!([name]);
        }
        rule
    }
}

/// Every right of these rules on its own.
fn rights(rules: &Value) -> Vec<Right> {
    let texts = |rule: &Value, field: &str| -> Vec<String> {
        let list = rule[field].as_array().into_iter().flatten();
        list.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut all = Vec::new();
    for rule in rules.as_array().unwrap() {
        let mut names: Vec<_> = texts(rule, "resourceNames").into_iter().map(Some).collect();
        if names.is_empty() {
            names.push(None);
        }
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                for verb in texts(rule, "verbs") {
                    let right = |name: &Option<String>| Right {
                        verb: verb.clone(),
                        group: group.clone(),
                        resource: resource.clone(),
                        name: name.clone(),
                    };
                    all.extend(names.iter().map(right));
                }
            }
        }
    }
    all
}

/// What a request needs. Nothing for what everybody may ask: which kinds there are.
fn needed(passed: &Passed) -> Vec<Right> {
    let (path, query) = passed.path.split_once('?').unwrap_or((&passed.path, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => ("", [].as_slice()),
    };
    let (resource, name, sub) = match rest {
        ["namespaces", _, resource, rest @ ..] | [resource, rest @ ..] => (*resource, rest.first(), rest.get(1)),
        [] => return Vec::new(),
    };
    let resource = sub.map_or_else(|| resource.to_owned(), |sub| format!("{resource}/{sub}"));
    let right = |verb: &str| Right {
        verb: verb.to_owned(),
        group: group.to_owned(),
        resource: resource.clone(),
        name: name.map(|name| (*name).to_owned()),
    };
    let verb = match passed.method.as_str() {
        "GET" if name.is_some() => "get",
        "GET" if query.contains("watch=true") => "watch",
        "GET" => "list",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        other => panic!("{other}"),
    };
    let mut all = vec![right(verb)];
    // Whoever makes something by applying it needs both.
    if verb == "patch" && passed.status == 201 {
        all.push(right("create"));
    }
    all.extend(passed.role.iter().map(|role| Right {
        verb: "bind".to_owned(),
        group: RBAC.to_owned(),
        resource: "clusterroles".to_owned(),
        name: Some(role.clone()),
    }));
    all
}

/// Objects of each kind that nobody wants any more, as an operator of another version may have left them.
async fn leave_over(cluster: &Cluster, namespace: &str) {
    for kind in Kind::ALL {
        let objects = cluster.kind(kind, namespace);
        let ours = ListParams::default().labels("app.kubernetes.io/managed-by=berth-operator");
        let mut copy = objects.list(&ours).await.unwrap().items.remove(0);
        copy.metadata.name = Some("left-over".to_owned());
        (copy.metadata.uid, copy.metadata.resource_version, copy.metadata.managed_fields) = (None, None, None);
        objects.create(&PostParams::default(), &copy).await.unwrap();
        until(&format!("{kind:?} left-over is gone"), || async {
            objects.get_opt("left-over").await.unwrap().is_none().then_some(())
        })
        .await;
    }
}

/// Opens doors that only a replacement closes.
async fn open_doors(cluster: &Cluster, namespace: &str) {
    let wrong = [
        (Kind::ResourceQuota, "berth", json!({ "spec": { "hard": { "secrets": "1" } } })),
        (
            Kind::NetworkPolicy,
            "berth-default-deny",
            json!({ "spec": { "podSelector": { "matchLabels": { "nobody": "has" } } } }),
        ),
    ];
    for (kind, name, change) in wrong {
        let objects = cluster.kind(kind, namespace);
        let before = objects.get(name).await.unwrap().data["spec"].clone();
        objects.patch(name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
        until(&format!("{kind:?} {name} is mended"), || async {
            (objects.get(name).await.unwrap().data["spec"] == before).then_some(())
        })
        .await;
    }
}

/// Has an operator do everything that it ever does, and returns its requests.
async fn everything_it_does(cluster: &Cluster) -> Vec<Passed> {
    cluster.install_neighbours().await;
    let leases = cluster.objects("coordination.k8s.io", "v1", "Lease", "leases", "default");
    let _ = leases.delete("berth-operator", &DeleteParams::default()).await;
    let (proxy, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    let _replica = Replica::start("a", address, &settings());
    let mut all = tenant("all", &["dev"]);
    all["spec"]["deletionPolicy"] = "Delete".into();
    all["spec"]["domains"] = json!([{ "host": "all.example.com", "namespace": "dev", "issuer": "letsencrypt" }]);
    cluster.apply(&all).await;
    until("it waits for its certificate", || async {
        cluster.condition("all", "Ready").await.filter(|(_, reason, _)| reason == "Issuing")
    })
    .await;
    cluster.issue("all-dev", "all.example.com").await;
    until_ready(cluster, "all").await;
    leave_over(cluster, "all-dev").await;
    open_doors(cluster, "all-dev").await;
    all["spec"]["namespaces"][0]["labels"] = json!({ "team": "all" });
    cluster.apply(&all).await;
    let of_team = ListParams::default().labels("team=all");
    until("its label", || async { cluster.namespaces().list(&of_team).await.unwrap().items.pop() }).await;

    cluster.apply(&tenant("left", &["dev"])).await;
    until_ready(cluster, "left").await;
    cluster.tenants().delete("left", &DeleteParams::default()).await.unwrap();
    let bindings = cluster.kind(Kind::RoleBinding, "left-dev");
    until("nobody of a tenant that is gone gets in", || async {
        bindings.list(&ListParams::default()).await.unwrap().items.is_empty().then_some(())
    })
    .await;
    cluster.tenants().delete("all", &DeleteParams::default()).await.unwrap();
    until("its namespace is being deleted", || async {
        cluster
            .namespaces()
            .get_opt("all-dev")
            .await
            .unwrap()
            .is_none_or(|it| it.metadata.deletion_timestamp.is_some())
            .then_some(())
    })
    .await;
    until("the lease is renewed", || async {
        proxy.passed().iter().any(|passed| passed.method == "PUT" && passed.path.contains("/leases/")).then_some(())
    })
    .await;
    proxy.passed()
}

/// Whether the server lets a user do something.
async fn may(cluster: &Cluster, user: &str, right: &Right) -> bool {
    let (resource, sub) = right.resource.split_once('/').unwrap_or((&right.resource, ""));
    let review = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
        "user": user, "resourceAttributes": { "verb": right.verb, "group": right.group, "resource": resource,
            "subresource": sub, "name": right.name, "namespace": "default" } } });
    let url = format!("{}/apis/authorization.k8s.io/v1/subjectaccessreviews", cluster.server.url());
    let asked = cluster.http.post(url).header("content-type", "application/json").body(review.to_string());
    let answer: Value = serde_json::from_str(&asked.send().await.unwrap().text().await.unwrap()).unwrap();
    answer["status"]["allowed"].as_bool().unwrap_or_else(|| panic!("{answer}"))
}

/// A user who has these rights, when this returns.
async fn give(cluster: &Cluster, user: &str, rights: &[Right]) {
    let rules: Vec<Value> = rights.iter().map(Right::rule).collect();
    roles::apply(&cluster.client, &json!({ "kind": "ClusterRole", "metadata": { "name": user }, "rules": rules }))
        .await;
    let binding = json!({ "kind": "ClusterRoleBinding", "metadata": { "name": user },
        "roleRef": { "apiGroup": RBAC, "kind": "ClusterRole", "name": user },
        "subjects": [{ "apiGroup": RBAC, "kind": "User", "name": user }] });
    roles::apply(&cluster.client, &binding).await;
    until(&format!("{user} has rights"), || async { may(cluster, user, rights.last().unwrap()).await.then_some(()) })
        .await;
}

#[tokio::test]
async fn the_chart_gives_it_the_rights_that_it_uses_and_no_other() {
    let Some(cluster) = own_cluster().await else { return };
    let passed = everything_it_does(&cluster).await;
    let refused: Vec<_> = passed.iter().filter(|passed| passed.status == 403).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let given: Vec<Right> = OPERATOR_RULES.iter().flat_map(|(file, ..)| rights(&roles::rules(file))).collect();
    let used: BTreeSet<Right> = passed.iter().flat_map(needed).collect();
    let is_only = |right: &Right, used: &Right| {
        let mut others = given.iter().filter(|other| *other != right);
        right.covers(used) && !others.any(|other| other.covers(used))
    };
    let only_by = |right: &Right| used.iter().find(|used| is_only(right, used));
    let idle: Vec<&Right> = given.iter().filter(|right| only_by(right).is_none()).collect();
    assert!(idle.is_empty(), "given, and never used: {idle:#?}");
    let (cluster, given, only_by) = (&cluster, &given, &only_by);
    // What was reckoned, asked of the server: with all rights each request is allowed, without its own it is not.
    give(cluster, "with-all", given).await;
    for used in &used {
        assert!(may(cluster, "with-all", used).await, "{used:?}");
    }
    let refusals = given.iter().enumerate().map(|(number, right)| async move {
        let others: Vec<Right> = given.iter().filter(|other| *other != right).cloned().collect();
        let without = format!("without-{number}");
        give(cluster, &without, &others).await;
        let used = only_by(right).unwrap();
        assert!(!may(cluster, &without, used).await, "{used:?} without {right:?}");
    });
    join_all(refusals).await;
    assert!(given.len() > 40, "{}", given.len());
    cluster.uninstall_neighbours().await;
}
