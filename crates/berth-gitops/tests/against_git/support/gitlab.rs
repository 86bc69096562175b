//! Acts as GitLab where Berth can tell: push options make merge requests, and an API lists them.
//!
//! <https://docs.gitlab.com/topics/git/commit/#push-options>,
//! <https://docs.gitlab.com/api/merge_requests/#list-project-merge-requests>

use std::fs;

use serde_json::{Value, json};

use super::{
    GitServer, Repository,
    http1::{Answer, Request},
};

/// The folders that the project is in, as groups of GitLab's are.
pub(crate) const GROUP: &str = "/platform/tenants-of-acme";
/// Admitted by the API, in `PRIVATE-TOKEN`.
pub(crate) const API_TOKEN: &str = "glpat-canary-7";

/// What GitLab does with a push, as far as git's own protocol shows it: a file for each merge request, the options of the
/// last push in `options`, and a line for people.
const HOOK: &str = r#"#!/bin/sh
create= target= title= remove=false
i=0
: >options
while [ $i -lt "${GIT_PUSH_OPTION_COUNT:-0}" ]; do
  eval "option=\$GIT_PUSH_OPTION_$i"; i=$((i+1))
  printf '%s\n' "$option" >>options
  case "$option" in
    merge_request.create) create=1 ;;
    merge_request.target=*) target=${option#*=} ;;
    merge_request.title=*) title=${option#*=} ;;
    merge_request.remove_source_branch) remove=true ;;
  esac
done
mkdir -p merge_requests
while read -r old new ref; do
  branch=${ref#refs/heads/} open=
  for file in merge_requests/*; do
    if grep -qsx "source_branch=$branch" "$file" && grep -qsx state=opened "$file"; then open=$file; fi
  done
  if [ -n "$open" ]; then
    sed -i "s/^sha=.*/sha=$new/" "$open"
  elif [ -n "$create" ]; then
    number=$(($(ls merge_requests | wc -l) + 1))
    printf '%s\n' state=opened "source_branch=$branch" "target_branch=$target" "sha=$new" "title=$title" \
      "force_remove_source_branch=$remove" >"merge_requests/$(printf %04d $number)"
    printf '\nView merge request for %s:\n  %s/-/merge_requests/%s\n\n' "$branch" "$(cat address)" $number
  fi
done
"#;

/// Makes the server act as GitLab from now on.
pub(crate) fn act(server: &GitServer) {
    let repository = &server.repository;
    repository.git(&["config", "receive.advertisePushOptions", "true"]);
    repository.hook("post-receive", HOOK);
    fs::write(folder(repository).join("address"), address(server)).unwrap();
    fs::create_dir(folder(repository).join("merge_requests")).unwrap();
    server.answer_api(Box::new(answer));
}

/// The project's page.
pub(crate) fn address(server: &GitServer) -> String {
    server.url_in(GROUP).trim_end_matches(".git").to_owned()
}

/// What a person does to a merge request: `closed`, `merged`.
pub(crate) fn set_state(repository: &Repository, number: usize, state: &str) {
    let file = folder(repository).join(format!("merge_requests/{number:04}"));
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once('\n').unwrap();
    assert!(before.starts_with("state="), "{before}");
    fs::write(&file, format!("state={state}\n{rest}")).unwrap();
}

/// A merge request of somebody else, made now.
pub(crate) fn of_somebody_else(repository: &Repository) {
    let number = fs::read_dir(folder(repository).join("merge_requests")).unwrap().count() + 1;
    let text = format!("state=opened\nsource_branch=topic-{number}\ntarget_branch=main\nsha=0\ntitle=T\n");
    fs::write(folder(repository).join(format!("merge_requests/{number:04}")), text).unwrap();
}

/// The options of the last push.
pub(crate) fn options(repository: &Repository) -> Vec<String> {
    let text = fs::read_to_string(folder(repository).join("options")).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Every merge request, the oldest first.
pub(crate) fn merge_requests(repository: &Repository) -> Vec<Value> {
    let mut files: Vec<_> =
        fs::read_dir(folder(repository).join("merge_requests")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().enumerate().map(|(at, file)| read(at + 1, &fs::read_to_string(file).unwrap())).collect()
}

fn folder(repository: &Repository) -> std::path::PathBuf {
    repository.root().join("tenants.git")
}

fn read(number: usize, text: &str) -> Value {
    let mut request = json!({ "iid": number, "source_project_id": 1, "target_project_id": 1 });
    for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
        request[key] = json!(value);
    }
    if request["state"] == "merged" {
        request["merge_user"] = json!({ "username": "mona" });
    }
    request["web_url"] = json!(format!("https://gitlab.example.com/p/-/merge_requests/{number}"));
    request
}

/// "List project merge requests": with a token for it, by pages, the newest first.
fn answer(repository: &Repository, request: &Request) -> Answer {
    let said = |status: &str, body: &Value| Answer {
        status: status.to_owned(),
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    };
    if request.header("private-token") != API_TOKEN {
        return said("401 Unauthorized", &json!({ "message": "401 Unauthorized" }));
    }
    let project = format!("{GROUP}/tenants").trim_start_matches('/').replace('/', "%2F");
    if request.method != "GET" || request.path != format!("/api/v4/projects/{project}/merge_requests") {
        return said("404 Not Found", &json!({ "message": "404 Project Not Found" }));
    }
    let asked = |key: &str| {
        let pair = request.query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        pair.unwrap_or_default().to_owned()
    };
    let number = |key: &str| asked(key).parse::<usize>().unwrap();
    assert_eq!([asked("order_by"), asked("sort"), asked("state")], ["created_at", "desc", "all"]);
    let mut found = merge_requests(repository);
    found.retain(|request| request["target_branch"] == json!(asked("target_branch")));
    found.reverse();
    let page: Value =
        found.into_iter().skip((number("page") - 1) * number("per_page")).take(number("per_page")).collect();
    said("200 OK", &page)
}
