//! The CRD's CEL rules, evaluated as the API server evaluates them.
//!
//! A rule that reads `oldSelf` runs only where an old value can be matched to the new one: fields by name, items of a
//! list-map by their keys, items of other lists never.
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#transition-rules>

use cel::{Context, Program, Value as CelValue};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Violation, child, lists};

/// One rule with its program.
struct Rule {
    source: String,
    message: String,
    program: Program,
    is_transition: bool,
}

/// A document as CEL reads it: whole numbers are `int`. `serde_json` gives those that are not negative as unsigned, which
/// [`cel`] 0.15 takes for `uint`, and in CEL nothing is added to a `uint` but another one.
struct Document<'a>(&'a Value);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Number(number) => match number.as_i64() {
                Some(int) => serializer.serialize_i64(int),
                None => number.serialize(serializer),
            },
            Value::Array(items) => serializer.collect_seq(items.iter().map(Document)),
            Value::Object(fields) => serializer.collect_map(fields.iter().map(|(name, value)| (name, Document(value)))),
            other => other.serialize(serializer),
        }
    }
}

/// The rules of a schema node and of the nodes below it.
pub(super) struct Node {
    rules: Vec<Rule>,
    properties: Vec<(String, Node)>,
    items: Option<(Box<Node>, Vec<String>)>,
}

impl Node {
    pub(super) fn new(schema: &Value) -> Result<Self, String> {
        let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten();
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let items =
            schema.get("items").map(|items| Ok::<_, String>((Box::new(Self::new(items)?), lists::keys(schema))));
        Ok(Self {
            rules: rules.map(compile).collect::<Result<_, _>>()?,
            properties: properties
                .map(|(name, schema)| Ok::<_, String>((name.clone(), Self::new(schema)?)))
                .collect::<Result<_, _>>()?,
            items: items.transpose()?,
        })
    }

    pub(super) fn check(&self, value: &Value, old: Option<&Value>, path: &str, violations: &mut Vec<Violation>) {
        violations.extend(self.rules.iter().filter_map(|rule| rule.check(value, old, path)));
        for (name, node) in &self.properties {
            if let Some(value) = value.get(name) {
                node.check(value, old.and_then(|old| old.get(name)), &child(path, name), violations);
            }
        }
        let (Some((node, keys)), Some(items)) = (&self.items, value.as_array()) else { return };
        let old_items = old.and_then(Value::as_array).filter(|_| !keys.is_empty());
        for (index, item) in items.iter().enumerate() {
            let same = |old: &&Value| lists::key_of(old, keys) == lists::key_of(item, keys);
            let old = old_items.and_then(|old| old.iter().find(same));
            node.check(item, old, &format!("{path}[{index}]"), violations);
        }
    }
}

fn compile(rule: &Value) -> Result<Rule, String> {
    let text = |key: &str| rule.get(key).and_then(Value::as_str).map(str::to_owned);
    let source = text("rule").ok_or("a CEL rule without text")?;
    let program =
        Program::compile(&source).map_err(|error| format!("the rule {source:?} does not compile: {error}"))?;
    let is_transition = program.references().has_variable("oldSelf");
    let message = text("message").unwrap_or_else(|| format!("failed rule: {source}"));
    Ok(Rule { source, message, program, is_transition })
}

impl Rule {
    /// A rule that cannot be evaluated is broken, as in the API server.
    fn check(&self, value: &Value, old: Option<&Value>, path: &str) -> Option<Violation> {
        if self.is_transition && old.is_none() {
            return None;
        }
        let broken = |message: String| {
            let (field, rule) = (path.to_owned(), self.source.clone());
            Some(Violation { field, rule, message })
        };
        let mut context = Context::default();
        let bound = context.add_variable("self", Document(value)).map_err(|error| error.to_string());
        let bound = bound.and_then(|()| match old {
            Some(old) => context.add_variable("oldSelf", Document(old)).map_err(|error| error.to_string()),
            None => Ok(()),
        });
        if bound.is_err() {
            return broken(format!("the value cannot be given to the rule: {}", self.message));
        }
        match self.program.execute(&context) {
            Ok(CelValue::Bool(true)) => None,
            Ok(CelValue::Bool(false)) => broken(self.message.clone()),
            Ok(_) | Err(_) => broken(format!("the rule cannot be evaluated: {}", self.message)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_of_a_document_are_ints_wherever_they_stand() {
        let rule = json!({ "rule": "self.limits.all(limit, limit.pods + 1 <= 5) && self.limits.size() + 1 > 1" });
        let node = Node::new(&json!({ "x-kubernetes-validations": [rule] })).unwrap();
        let broken = |pods: i64| {
            let mut violations = Vec::new();
            node.check(&json!({ "limits": [{ "pods": pods }] }), None, "spec", &mut violations);
            violations.into_iter().map(|violation| violation.message).collect::<Vec<_>>()
        };
        assert_eq!(broken(-1), Vec::<String>::new());
        assert_eq!(broken(4), Vec::<String>::new());
        let [message] = &broken(5)[..] else { unreachable!("one rule") };
        assert!(message.starts_with("failed rule: "), "it was evaluated: {message}");
    }
}
