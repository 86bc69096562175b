//! Policy documents: what is checked before IAM sees them, and templates inside them.

use serde_json::Value;

use crate::template::{Names, UnknownPlaceholder, render};

/// Versions of the policy language.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>
const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];

/// Fills templates in every text of a document; keys stay as they are.
pub(crate) fn render_document(document: &Value, names: Names<'_>) -> Result<Value, UnknownPlaceholder> {
    Ok(match document {
        Value::String(text) => Value::String(render(text, names)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| render_document(item, names)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| Ok((key.clone(), render_document(value, names)?)));
            Value::Object(fields.collect::<Result<_, _>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => document.clone(),
    })
}

/// Length of a document as IAM counts it: characters, without white space between them.
pub(crate) fn length(document: &Value) -> usize {
    document.to_string().chars().count()
}

/// What is wrong with the outline of an identity policy: the path below the document, what, and what to do.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>
pub(crate) fn outline(document: &Value) -> Vec<(String, String, &'static str)> {
    let Some(fields) = document.as_object() else {
        let hint = "write `Version` and `Statement` as fields, not as a text";
        return vec![(String::new(), "a policy document is an object".into(), hint)];
    };
    let hint = "add `Statement` with at least one statement";
    let (statements, single) = match fields.get("Statement") {
        Some(Value::Array(items)) if !items.is_empty() => (items.as_slice(), false),
        Some(one @ Value::Object(_)) => (std::slice::from_ref(one), true),
        _ => return vec![(String::new(), "the policy document has no statement".into(), hint)],
    };
    let mut problems = Vec::new();
    if fields.get("Version").is_some_and(|version| !VERSIONS.iter().any(|known| version == known)) {
        let hint = "write \"2012-10-17\", in quotes";
        problems.push((".Version".to_owned(), "IAM has no such version of its policy language".into(), hint));
    }
    for (n, statement) in statements.iter().enumerate() {
        let path = if single { ".Statement".to_owned() } else { format!(".Statement[{n}]") };
        statement_outline(&path, statement, &mut problems);
    }
    problems
}

fn statement_outline(path: &str, statement: &Value, problems: &mut Vec<(String, String, &'static str)>) {
    if !matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny")) {
        let hint = "write `Effect: Allow` or `Effect: Deny`";
        problems.push((format!("{path}.Effect"), "the statement has no effect".into(), hint));
    }
    if statement.get("Action").is_none() && statement.get("NotAction").is_none() {
        problems.push((path.to_owned(), "the statement names no action".into(), "add `Action`"));
    }
    for key in ["Principal", "NotPrincipal"] {
        if statement.get(key).is_some() {
            let hint = "remove it; who may assume the role is said by `trust`";
            problems.push((format!("{path}.{key}"), format!("a policy of a role has no {key}"), hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_single_statement_may_stand_without_a_list() {
        assert_eq!(outline(&json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})), []);
    }

    #[test]
    fn every_problem_of_a_document_is_found_at_its_place() {
        let document = json!({"Statement": [
            {"Effect": "allow", "Action": "s3:*"},
            {"Effect": "Deny", "NotPrincipal": "*"},
        ]});
        let paths: Vec<String> = outline(&document).into_iter().map(|(path, ..)| path).collect();
        assert_eq!(paths, [".Statement[0].Effect", ".Statement[1]", ".Statement[1].NotPrincipal"]);
    }

    #[test]
    fn texts_are_filled_in_and_keys_are_not() {
        let names = Names { tenant: "payments", environment: "dev", account: "111122223333" };
        let done = render_document(&json!({"{tenant}": ["{tenant}", "${aws:username}", 1, null]}), names);
        assert_eq!(done, Ok(json!({"{tenant}": ["payments", "${aws:username}", 1, null]})));
    }
}
