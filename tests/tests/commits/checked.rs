//! `berth validate --repository`: what is wrong with the repository is said before an onboarding meets it, and nothing is
//! changed.

use berth_tests::rig::{InPlace, Rig};
use serde_json::{Value, json};

use crate::alone;

/// The findings by what they are about, and the exit code.
fn validate(rig: &Rig, more: &[&str]) -> (i32, Vec<Value>) {
    let (code, text) = rig.berth(&[&["validate", "--repository", "--json"], more].concat());
    let document: Value = serde_json::from_str(&text).unwrap();
    assert!(document["repository"]["url"].as_str().unwrap().ends_with("/tenants.git"), "{document}");
    (code, document["repository"]["findings"].as_array().unwrap().clone())
}

/// What is said about one thing, and whether it works.
fn about<'a>(findings: &'a [Value], what: &str) -> (&'a str, &'a str, &'a str) {
    let finding = findings.iter().find(|finding| finding["about"] == what).unwrap_or_else(|| panic!("{findings:?}"));
    let text = |key: &str| finding[key].as_str().unwrap_or_default();
    (text("works"), text("seen"), text("next"))
}

#[test]
fn a_repository_that_works_is_said_to_work_and_is_left_as_it_was() {
    let (rig, _alone) = alone();
    let platform = rig.platform_file();
    let before = rig.references();
    let (code, findings) = validate(rig, &[&platform]);
    assert_eq!(code, 0, "{findings:?}");
    assert!(findings.iter().all(|finding| finding["works"] == "yes" && finding.get("next").is_none()), "{findings:?}");
    assert_eq!(about(&findings, "secret").1, "a user and a password");
    assert!(about(&findings, "read").1.starts_with("a git server (git/"), "{findings:?}");
    assert!(about(&findings, "branch").1.starts_with("main is at "), "{findings:?}");
    assert_eq!(about(&findings, "folder").1, "clusters/shared-dev-1/tenants: nothing is in the way");
    assert!(about(&findings, "write").1.contains("takes commits from us"));
    assert_eq!(about(&findings, "proposals").1, "a branch, which a person merges");
    assert_eq!(rig.references(), before);

    let (code, shown) = rig.berth(&["validate", "--repository"]);
    assert!(code == 0 && shown.starts_with("works: http://") && shown.contains("✓ write"), "{shown}");
    let (code, shown) = rig.berth(&["validate", &platform, "--repository"]);
    assert!(code == 0 && shown.starts_with("valid: ") && shown.contains("\nworks: "), "{shown}");
}

#[test]
fn a_wrong_secret_is_denied_and_one_that_is_none_is_not_even_tried() {
    let (rig, _alone) = alone();
    let right = rig.secret();
    rig.put_secret(r#"{"username":"berth","password":"canary-of-a-password-that-is-wrong"}"#);
    let (code, findings) = validate(rig, &[]);
    let (works, seen, next) = about(&findings, "read");
    assert_eq!((code, works), (1, "no"), "{findings:?}");
    assert!(seen.starts_with("Denied: ") && seen.contains("HTTP 401"), "{seen}");
    assert_eq!(next, "renew the credentials in the secret of BERTH_GITOPS_SECRET");
    assert_eq!(findings.len(), 2, "nothing else is tried: {findings:?}");

    rig.put_secret(r#"{"user":"canary-of-a-secret-that-is-malformed"}"#);
    let (code, findings) = validate(rig, &[]);
    let (works, seen, next) = about(&findings, "secret");
    assert_eq!((code, works, findings.len()), (1, "no", 1), "{findings:?}");
    assert!(seen.starts_with("InvalidInput: ") && next.contains("docs/gitops.md"), "{seen} {next}");
    assert!(!json!(findings).to_string().contains("canary"), "{findings:?}");

    rig.put_secret(&right);
    assert_eq!(validate(rig, &[]).0, 0, "the renewed secret is read");
}

#[test]
fn an_address_without_a_repository_is_invalid() {
    let (rig, _alone) = alone();
    rig.with_repository(InPlace::Nothing, || {
        let (code, findings) = validate(rig, &[]);
        let (works, seen, next) = about(&findings, "read");
        assert_eq!((code, works), (1, "no"), "{findings:?}");
        assert!(
            seen.starts_with("InvalidInput: ") && seen.contains("there is no git repository at this address"),
            "{seen}"
        );
        assert!(next.contains("BERTH_GITOPS_URL"), "{next}");
        let (code, shown) = rig.berth(&["validate", "--repository"]);
        assert!(code == 1 && shown.starts_with("does not work: http://") && shown.contains("Next: check"), "{shown}");
    });
}

#[test]
fn an_empty_repository_and_a_missing_branch_are_told_apart() {
    let (rig, _alone) = alone();
    rig.with_repository(InPlace::Empty, || {
        let (code, findings) = validate(rig, &[]);
        let (works, seen, next) = about(&findings, "branch");
        assert_eq!((code, works, seen), (1, "no", "the repository is empty"), "{findings:?}");
        assert_eq!(next, "make a first commit on main by hand");
        assert_eq!(about(&findings, "write").0, "yes", "{findings:?}");
    });
    rig.with_repository(InPlace::Branch("trunk"), || {
        let (code, findings) = validate(rig, &[]);
        let (works, seen, next) = about(&findings, "branch");
        assert_eq!((code, works), (1, "no"), "{findings:?}");
        assert_eq!(seen, "the repository has no branch main; it has trunk");
        assert!(next.contains("GitOpsBranch"), "{next}");
    });
    assert_eq!(validate(rig, &[]).0, 0);
}

#[test]
fn who_may_not_push_and_what_is_in_the_way_is_said() {
    let (rig, _alone) = alone();
    let platform = rig.platform_file();
    rig.with_repository(InPlace::ReadOnly, || {
        let (code, findings) = validate(rig, &[&platform]);
        assert_eq!((code, about(&findings, "read").0), (1, "yes"), "{findings:?}");
        let (works, seen, _) = about(&findings, "write");
        assert!(works == "no" && seen.starts_with("Denied: "), "{findings:?}");
        assert_eq!(about(&findings, "proposals").0, "no", "{findings:?}");
        let (works, seen, next) = about(&findings, "folder");
        assert!(works == "no" && seen.contains("clusters/shared-dev-1"), "a file where a folder should be: {seen}");
        assert_eq!(next, "replace what is in the way by a folder");
    });
}
