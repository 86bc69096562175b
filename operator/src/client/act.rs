//! Makes the changes that were decided, and says what came of them.

use futures::future::join_all;
use kube_client::{
    Client, Error,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::Value;

use super::{api, error, lease::Fence};
use crate::{
    decide::{Action, NamespaceDecision},
    names,
    object::Kind,
    status::{Part, Problem, Reason},
};

/// Makes all changes of all namespaces: those of one namespace after each other, namespaces at the same time. What fails is
/// a problem, and holds up nothing but what needs it.
pub(crate) async fn act(client: &Client, fence: &Fence, decisions: &[NamespaceDecision]) -> Vec<Problem> {
    let all = decisions.iter().map(|decision| async {
        let mut problems = Vec::new();
        for action in &decision.actions {
            // Nobody gets in before everything is there that keeps them in.
            if !problems.is_empty() && gives_access(action) {
                continue;
            }
            let done = match fence.check() {
                Ok(()) => perform(client, &decision.name, action).await,
                Err(closed) => Err(closed),
            };
            let Err(error) = done else { continue };
            let of_namespace = matches!(action, Action::CreateNamespace { .. });
            problems.push(problem(&decision.name, action, &error));
            // Nothing can be made in a namespace that is not there.
            if of_namespace {
                break;
            }
        }
        problems
    });
    join_all(all).await.into_iter().flatten().collect()
}

fn gives_access(action: &Action) -> bool {
    match action {
        Action::Apply { object, .. } | Action::Replace { object, .. } => object.kind == Kind::RoleBinding,
        Action::CreateNamespace { .. } | Action::ApplyNamespace { .. } | Action::Delete { .. } => false,
    }
}

async fn perform(client: &Client, namespace: &str, action: &Action) -> Result<(), Error> {
    match action {
        Action::CreateNamespace { body } => create_namespace(client, namespace, body).await,
        Action::ApplyNamespace { body, force } => {
            let params = applying(*force);
            api::namespaces(client).patch(namespace, &params, &Patch::Apply(body)).await.map(drop)
        }
        Action::Apply { object, force } => {
            let objects = api::objects(client, object.kind, &object.namespace);
            objects.patch(&object.name, &applying(*force), &Patch::Apply(&object.body)).await.map(drop)
        }
        Action::Replace { object, resource_version } => {
            let mut body: DynamicObject = serde_json::from_value(object.body.clone()).map_err(Error::SerdeError)?;
            body.metadata.resource_version = Some(resource_version.clone());
            let params = PostParams { field_manager: Some(names::MANAGER.to_owned()), ..PostParams::default() };
            api::objects(client, object.kind, &object.namespace).replace(&object.name, &params, &body).await.map(drop)
        }
        Action::Delete { kind, namespace, name, uid } => {
            let exactly = Preconditions { uid: Some(uid.clone()), ..Preconditions::default() };
            let params = DeleteParams::default().preconditions(exactly);
            match api::objects(client, *kind, namespace).delete(name, &params).await {
                Err(error) if !error::is_not_found(&error) => Err(error),
                _ => Ok(()),
            }
        }
    }
}

fn applying(force: bool) -> PatchParams {
    PatchParams { force, ..PatchParams::apply(names::MANAGER) }
}

/// Makes a namespace only if there is none: apply would take over one that somebody made just now. Then applies it, so
/// that labels which the tenant drops later can be dropped here, too.
async fn create_namespace(client: &Client, name: &str, body: &Value) -> Result<(), Error> {
    let namespaces = api::namespaces(client);
    let mut claim: DynamicObject = serde_json::from_value(body.clone()).map_err(Error::SerdeError)?;
    let labels = claim.metadata.labels.get_or_insert_default();
    let all = labels.len();
    labels.retain(|key, _| crate::desired::is_reserved(key));
    let is_whole = labels.len() == all;
    let params = PostParams { field_manager: Some(names::MANAGER.to_owned()), ..PostParams::default() };
    namespaces.create(&params, &claim).await?;
    if !is_whole {
        namespaces.patch(name, &applying(true), &Patch::Apply(body)).await?;
    }
    Ok(())
}

fn problem(namespace: &str, action: &Action, error: &Error) -> Problem {
    let (part, what) = match action {
        Action::CreateNamespace { .. } | Action::ApplyNamespace { .. } => {
            (Part::Namespaces, format!("namespace {namespace}"))
        }
        Action::Apply { object, .. } | Action::Replace { object, .. } => {
            (object.kind.into(), format!("{} {namespace}/{}", object.kind.name(), object.name))
        }
        Action::Delete { kind, name, .. } => ((*kind).into(), format!("{} {namespace}/{name}", kind.name())),
    };
    let reason = if error::is_conflict(error) { Reason::Unavailable } else { error::reason(error) };
    Problem::new(part, reason, format!("{what}: {}", error::message(error)))
}
