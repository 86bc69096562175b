//! The GraphQL documents that are sent, and what errors in an answer mean.
//!
//! <https://docs.github.com/en/graphql/reference/commits>. Errors come with status 200: each has a type, a path to the
//! field that it belongs to, and a message.

use serde_json::{Value, json};

use super::api::Api;
use crate::{CommitId, Missing, RepoError, git::http::Failure};

/// What of a file is asked for. Its mode tells a regular file from links and submodules.
const FILE: &str = "{ mode oid object { ... on Blob { byteSize isTruncated text } } }";

/// Asks for the commit at the branch, or at `at`, and for what is at paths and folders there: one moment, one request.
pub(super) fn read(api: &Api, at: Option<&CommitId>, paths: &[&str], folders: &[&str]) -> Value {
    let mut variables = json!({ "owner": api.address.owner, "name": api.address.name });
    let mut declared = String::from("$owner: String!, $name: String!");
    let mut fields =
        String::from("oid message parents(first: 5) { nodes { oid message parents(first: 5) { nodes { oid } } } }");
    let files = paths.iter().enumerate().map(|(number, path)| ("f", number, path, FILE));
    let folders = folders.iter().enumerate().map(|(number, path)| ("d", number, path, "{ mode }"));
    for (kind, number, path, selection) in files.chain(folders) {
        declared.extend([", $", kind, &number.to_string(), ": String!"]);
        let field = format!(" {kind}{number}: file(path: ${kind}{number}) {selection}");
        fields.push_str(&field);
        set(&mut variables, &format!("{kind}{number}"), json!(path));
    }
    let commit = format!("... on Commit {{ {fields} }}");
    let repository = if let Some(at) = at {
        declared.push_str(", $oid: GitObjectID!");
        set(&mut variables, "oid", json!(at.as_str()));
        format!("object(oid: $oid) {{ {commit} }}")
    } else {
        declared.push_str(", $branch: String!");
        set(&mut variables, "branch", json!(format!("refs/heads/{}", api.address.branch)));
        format!("ref(qualifiedName: $branch) {{ target {{ {commit} }} }}")
    };
    let query = format!("query({declared}) {{ repository(owner: $owner, name: $name) {{ {repository} }} }}");
    json!({ "query": query, "variables": variables })
}

/// Makes one commit on a branch, if its head is still the expected one.
pub(super) fn commit(input: &Value) -> Value {
    let query =
        "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }";
    json!({ "query": query, "variables": { "input": input } })
}

/// Pull requests of one branch in an answer. Forks' are among them, and cannot be filtered out by the request.
pub(super) const PULL_REQUESTS_MAX: usize = 100;

/// Asks for the newest pull requests of each branch. A fork's branch of the same name counts too: its are marked.
pub(super) fn pull_requests(api: &Api, branches: &[&str]) -> Value {
    let mut variables = json!({ "owner": api.address.owner, "name": api.address.name, "base": api.address.branch });
    let mut declared = String::from("$owner: String!, $name: String!, $base: String!");
    let mut fields = String::new();
    for (number, branch) in branches.iter().enumerate() {
        declared.extend([", $b", &number.to_string(), ": String!"]);
        let field = format!(
            " p{number}: pullRequests(headRefName: $b{number}, baseRefName: $base, last: {PULL_REQUESTS_MAX}) \
             {{ nodes {{ state isCrossRepository mergedBy {{ login }} }} }}"
        );
        fields.push_str(&field);
        set(&mut variables, &format!("b{number}"), json!(branch));
    }
    let query = format!("query({declared}) {{ repository(owner: $owner, name: $name) {{{fields} }} }}");
    json!({ "query": query, "variables": variables })
}

fn set(variables: &mut Value, name: &str, value: Value) {
    if let Some(variables) = variables.as_object_mut() {
        variables.insert(name.to_owned(), value);
    }
}

/// Whether the error says that nothing is at a path that was asked for.
fn is_absent_file(error: &Value) -> bool {
    let last = error.get("path").and_then(Value::as_array).and_then(|path| path.last()).and_then(Value::as_str);
    let is_file = last.is_some_and(|alias| {
        alias.strip_prefix(['f', 'd']).is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    is_file && kind(error) == "NOT_FOUND"
}

fn kind(error: &Value) -> &str {
    error.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// The data of an answer, or what its first error means.
pub(super) async fn data(api: &Api, answer: &Value, changes: bool) -> Result<Value, Failure> {
    let errors = answer.get("errors").and_then(Value::as_array).into_iter().flatten();
    let Some(error) = errors.into_iter().find(|error| !is_absent_file(error)) else {
        return Ok(answer.get("data").cloned().unwrap_or_default());
    };
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let said = api.scrub(message).await;
    Err(match kind(error) {
        "STALE_DATA" => Failure::Clear(RepoError::LostRace { reason: Some(said) }),
        "RATE_LIMITED" | "RATE_LIMIT" => Failure::Clear(api.rate_limited()),
        "FORBIDDEN" | "INSUFFICIENT_SCOPES" => {
            Failure::Clear(RepoError::Unauthorized { status: 403, said: Some(said) })
        }
        "NOT_FOUND" => Failure::Clear(RepoError::NotFound(Missing::Repository)),
        _ if message.contains("Expected branch to point to") => {
            Failure::Clear(RepoError::LostRace { reason: Some(said) })
        }
        // GitHub's words for its own trouble, which may come after the effect; they have no type.
        "" | "INTERNAL" if message.contains("Something went wrong") || message.contains("timeout") => {
            let what = if changes { "take the commit" } else { "answer" };
            Failure::Uncertain(RepoError::Transport { what, status: Some(200), source: None })
        }
        _ if changes => Failure::Clear(RepoError::Rejected { reason: said }),
        _ => Failure::Clear(RepoError::Protocol(said)),
    })
}
