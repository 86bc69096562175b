//! The part of JSONata that our state machine uses, evaluated strictly: what JSONata would pass over in silence (a field
//! that is not there) is an error here, and so is every construct that is not listed.
//!
//! Supported: `$variable`, `.field`, `[index]`, `'text'`, `[a, b]` and `a = b`. Sequences behave as in JSONata: a field
//! of an array is the flattened list of the elements' fields, a list of one that was made so is its only element, and an
//! array that is a value stays an array, also with one element or none.
//! <https://docs.jsonata.org/processing#sequences>, <https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html>

use serde_json::{Map, Value};

/// Variables by name, without the dollar sign; `states` among them.
pub type Scope = Map<String, Value>;

/// The value of a template: a JSON value whose texts may be expressions. An error says where in the template it is.
pub fn render(template: &Value, scope: &Scope, at: &str) -> Result<Value, String> {
    match template {
        Value::String(text) => match expression(text).map_err(|problem| format!("{at}: {problem}"))? {
            None => Ok(template.clone()),
            Some(source) => evaluate(source, scope).map_err(|problem| format!("{at}: {source}: {problem}")),
        },
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.map(|(index, item)| render(item, scope, &format!("{at}[{index}]"))).collect()
        }
        Value::Object(fields) => {
            let mut rendered = Map::new();
            for (name, field) in fields {
                rendered.insert(name.clone(), render(field, scope, &format!("{at}.{name}"))?);
            }
            Ok(Value::Object(rendered))
        }
        _ => Ok(template.clone()),
    }
}

/// The expression inside `{% … %}`; none in a plain text. A text with something around the delimiters is an error.
pub fn expression(text: &str) -> Result<Option<&str>, String> {
    match text.strip_prefix("{%").and_then(|rest| rest.strip_suffix("%}")) {
        Some(inner) => Ok(Some(inner.trim())),
        None if text.contains("{%") || text.contains("%}") => Err(format!("{text:?} is not one whole expression")),
        None => Ok(None),
    }
}

/// The value of an expression. One that gives nothing is an error, as in Step Functions.
pub fn evaluate(source: &str, scope: &Scope) -> Result<Value, String> {
    let mut parser = Parser { rest: source, scope };
    let value = parser.comparison()?;
    parser.spaces();
    if !parser.rest.is_empty() {
        return Err(format!("not understood from {:?} on; compute it in Rust, or teach expression.rs", parser.rest));
    }
    value.single().ok_or_else(|| "gives nothing".to_owned())
}

/// What a part of an expression gives.
#[derive(Debug, Clone, PartialEq)]
enum Found {
    /// A JSON value.
    Value(Value),
    /// A list that JSONata made, which is nothing, its only element, or an array.
    Sequence(Vec<Value>),
}

impl Found {
    /// The value; none for an empty sequence.
    fn single(self) -> Option<Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Sequence(mut items) if items.len() < 2 => items.pop(),
            Self::Sequence(items) => Some(Value::Array(items)),
        }
    }

    /// The field `name` of the value, or of every element.
    fn field(self, name: &str) -> Result<Self, String> {
        let items = match self {
            Self::Value(Value::Array(items)) | Self::Sequence(items) => items,
            Self::Value(value) => return of_object(&value, name).map(Self::Value),
        };
        let found: Vec<Value> = items.iter().map(|item| of_object(item, name)).collect::<Result<_, _>>()?;
        match <[Value; 1]>::try_from(found) {
            Ok([Value::Array(only)]) => Ok(Self::Value(Value::Array(only))),
            Ok([only]) => Ok(Self::Sequence(vec![only])),
            Err(many) => Ok(Self::Sequence(many.into_iter().flat_map(flat).collect())),
        }
    }

    fn index(self, index: usize) -> Result<Self, String> {
        let Self::Value(Value::Array(items)) = self else { return Err(format!("[{index}] of what is no array")) };
        let length = items.len();
        items.into_iter().nth(index).map(Self::Value).ok_or_else(|| format!("no [{index}]: there are {length}"))
    }
}

fn flat(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        value => vec![value],
    }
}

fn of_object(value: &Value, name: &str) -> Result<Value, String> {
    let Value::Object(fields) = value else { return Err(format!("field `{name}` of what is no object")) };
    let known = || fields.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    fields.get(name).cloned().ok_or_else(|| format!("no field `{name}`; there are: {}", known()))
}

struct Parser<'a> {
    rest: &'a str,
    scope: &'a Scope,
}

impl Parser<'_> {
    fn spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.spaces();
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest;
        true
    }

    fn comparison(&mut self) -> Result<Found, String> {
        let left = self.term()?;
        if !self.take("=") {
            return Ok(left);
        }
        let right = self.term()?;
        Ok(Found::Value(Value::Bool(left.single() == right.single())))
    }

    fn term(&mut self) -> Result<Found, String> {
        if self.take("'") {
            return self.text();
        }
        if self.take("[") {
            return self.array();
        }
        if self.take("$") {
            return self.path();
        }
        Err(format!("not understood from {:?} on; compute it in Rust, or teach expression.rs", self.rest))
    }

    fn text(&mut self) -> Result<Found, String> {
        let (text, rest) = self.rest.split_once('\'').ok_or("a text without end")?;
        if text.contains('\\') {
            return Err("escapes are not understood".to_owned());
        }
        self.rest = rest;
        Ok(Found::Value(Value::from(text)))
    }

    /// An array constructor. Arrays that its parts give are joined, not nested, as in JSONata.
    fn array(&mut self) -> Result<Found, String> {
        let mut items = Vec::new();
        loop {
            items.extend(self.comparison()?.single().map(flat).unwrap_or_default());
            if self.take("]") {
                return Ok(Found::Value(Value::Array(items)));
            }
            if !self.take(",") {
                return Err("an array without end".to_owned());
            }
        }
    }

    fn path(&mut self) -> Result<Found, String> {
        let variable = self.name()?;
        let value = self.scope.get(&variable).ok_or_else(|| format!("no variable ${variable}"))?;
        let mut found = Found::Value(value.clone());
        loop {
            if let Some(rest) = self.rest.strip_prefix('.') {
                self.rest = rest;
                found = found.field(&self.name()?)?;
            } else if let Some(rest) = self.rest.strip_prefix('[') {
                let (index, rest) = rest.split_once(']').ok_or("an index without end")?;
                self.rest = rest;
                found = found.index(index.trim().parse().map_err(|_| format!("[{index}] is not understood"))?)?;
            } else {
                return Ok(found);
            }
        }
    }

    fn name(&mut self) -> Result<String, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        if name.is_empty() { Err(format!("a name is missing before {rest:?}")) } else { Ok(name.to_owned()) }
    }
}
