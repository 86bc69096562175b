//! `berth validate --repository` on GitHub: which rights the App has shows in its tokens.

use serde_json::{Value, json};

use crate::alone;

#[test]
fn an_app_that_may_not_open_pull_requests_is_told_so_before_it_has_to() {
    let (rig, _alone) = alone();
    let pulls = rig.pulls().len();
    let validate = || {
        let (code, text) = rig.berth(&["validate", "--repository", "--json"]);
        let document: Value = serde_json::from_str(&text).unwrap();
        (code, document["repository"]["findings"].as_array().unwrap().clone())
    };
    let seen = |findings: &[Value], about: &str| {
        let finding = findings.iter().find(|finding| finding["about"] == about).cloned().unwrap();
        (finding["works"].clone(), finding["seen"].as_str().unwrap().to_owned())
    };
    let (code, findings) = validate();
    assert_eq!(code, 0, "{findings:?}");
    assert_eq!(seen(&findings, "secret").1, "the private key of a GitHub App");
    assert_eq!(seen(&findings, "read").1, "GitHub, as an App lets us read");
    assert_eq!(seen(&findings, "proposals"), (json!("yes"), "a pull request".to_owned()));

    rig.tell_github("grant", &json!({ "contents": "write", "metadata": "read" }));
    let (code, findings) = validate();
    assert_eq!((code, seen(&findings, "write").0), (1, json!("yes")), "{findings:?}");
    let (works, said) = seen(&findings, "proposals");
    assert!(works == "no" && said.starts_with("Denied: ") && said.contains("lacks"), "{said}");
    rig.tell_github("grant", &json!({ "contents": "write", "pull_requests": "write", "metadata": "read" }));
    assert_eq!((validate().0, rig.pulls().len()), (0, pulls));
}
