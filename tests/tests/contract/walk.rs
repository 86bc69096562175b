//! Walks the state machine from its start to its end: builds every payload, hands it to the step, and passes on what the
//! step answers. What Step Functions would refuse, or pass over in silence, ends the walk with an error that names it.

use berth_step::take_attempt;
use berth_tests::registry::Level;
use serde_json::{Map, Value, json};

use crate::{
    expression::{Scope, evaluate, expression, render},
    template::Template,
};

/// A function's answer to a payload, or why the payload is none.
pub type Answer<'a> = &'a dyn Fn(&str, &Value) -> Result<Value, String>;

/// The execution's ARN in every walk.
pub const EXECUTION: &str = "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:111122223333-g1";

/// What invokes a function that answers by a task token.
const LAMBDA_BY_TOKEN: &str = "arn:aws:states:::lambda:invoke.waitForTaskToken";

/// How a walk ended.
#[derive(Debug, Default)]
pub struct Walk {
    /// States in the order in which they were entered.
    pub entered: Vec<String>,
    /// Every call: the function and its payload.
    pub calls: Vec<(String, Value)>,
    /// What each state got from outside, and gave on, in bytes of JSON.
    pub sizes: Vec<(String, usize)>,
    /// The execution's output.
    pub output: Value,
}

/// Runs the machine on `input`.
pub fn walk(machine: &Value, template: &Template, input: Value, answer: Answer<'_>) -> Result<Walk, String> {
    let mut walker = Walker { template, answer, walk: Walk::default() };
    let output = walker.level(&Level::top(machine), input, &mut Scope::new())?;
    walker.walk.output = output;
    Ok(walker.walk)
}

struct Walker<'a> {
    template: &'a Template,
    answer: Answer<'a>,
    walk: Walk,
}

impl Walker<'_> {
    /// Runs the states of a level to their end. Variables that it assigns end with it.
    fn level(&mut self, level: &Level<'_>, input: Value, variables: &mut Scope) -> Result<Value, String> {
        let (mut name, mut value) = (level.start().to_owned(), input);
        loop {
            let state = level.states().get(&name).ok_or_else(|| format!("{}: no state {name:?}", level.at))?;
            self.walk.entered.push(name.clone());
            let (output, next) =
                self.state(level, &name, state, value, variables).map_err(|p| format!("{name}.{p}"))?;
            match next {
                None => return Ok(output),
                Some(next) => (name, value) = (next, output),
            }
        }
    }

    /// Runs one state: its output, and the state after it.
    fn state(
        &mut self,
        level: &Level<'_>,
        name: &str,
        state: &Value,
        input: Value,
        variables: &mut Scope,
    ) -> Result<(Value, Option<String>), String> {
        let kind = state["Type"].as_str().unwrap_or_default();
        only(state, allowed(kind)?)?;
        let mut scope = variables.clone();
        let context = json!({
            "Execution": { "Id": EXECUTION, "Name": "111122223333-g1", "RedriveCount": 0 },
            "State": { "RetryCount": 0 },
            "Task": { "Token": "token-1" },
        });
        scope.insert("states".into(), json!({ "input": input, "context": context }));
        let result = match kind {
            "Succeed" => return Ok((input, None)),
            "Choice" => return choose(state, input, &scope, variables),
            "Task" => self.task(state, &scope)?,
            "Parallel" => {
                let branches = level.inside(name);
                let run = branches.iter().map(|branch| self.nested(branch, input.clone(), variables));
                Value::Array(run.collect::<Result<_, _>>()?)
            }
            _ => self.map(level, name, state, &scope, variables)?,
        };
        self.walk.sizes.push((format!("what {name} got"), result.to_string().len()));
        scope["states"]["result"] = result.clone();
        // AWS evaluates both against the variables as they were before the state.
        let output = state.get("Output").map_or(Ok(result), |output| render(output, &scope, "Output"))?;
        assign(state, &scope, variables)?;
        self.walk.sizes.push((format!("what {name} gives"), output.to_string().len()));
        let next = state["Next"].as_str().map(str::to_owned);
        match (next, state["End"].as_bool()) {
            (Some(next), None) => Ok((output, Some(next))),
            (None, Some(true)) => Ok((output, None)),
            _ => Err("neither Next nor End, or both".to_owned()),
        }
    }

    /// Runs a branch or an item. It sees the variables around it; its own end with it.
    fn nested(&mut self, level: &Level<'_>, input: Value, outer: &Scope) -> Result<Value, String> {
        self.level(level, input, &mut outer.clone())
    }

    fn map(
        &mut self,
        level: &Level<'_>,
        name: &str,
        state: &Value,
        scope: &Scope,
        variables: &Scope,
    ) -> Result<Value, String> {
        let Value::Array(items) = render(&state["Items"], scope, "Items")? else {
            return Err("Items is no array: JSONata unwraps a list of one that it made itself".to_owned());
        };
        let processor = level.inside(name).into_iter().next().ok_or("no ItemProcessor")?;
        items.into_iter().map(|item| self.nested(&processor, item, variables)).collect()
    }

    /// Calls the function behind a task, or the one that reads the task's queue.
    fn task(&mut self, state: &Value, scope: &Scope) -> Result<Value, String> {
        let limit = render(&state["TimeoutSeconds"], scope, "TimeoutSeconds")?;
        if limit.as_u64().is_none_or(|seconds| seconds == 0) {
            return Err(format!("TimeoutSeconds: {limit} is no limit"));
        }
        let arguments = &state["Arguments"];
        let (target, message) = match state["Resource"].as_str() {
            Some("arn:aws:states:::lambda:invoke" | LAMBDA_BY_TOKEN) => ("FunctionName", "Payload"),
            Some("arn:aws:states:::sqs:sendMessage.waitForTaskToken") => ("QueueUrl", "MessageBody"),
            other => return Err(format!("Resource: {other:?} is not one that the walk knows")),
        };
        only(arguments, &[target, message])?;
        let name = arguments[target].as_str().and_then(|text| text.strip_prefix("${")?.strip_suffix('}'));
        let name = name.ok_or_else(|| format!("Arguments.{target}: is no substitution"))?;
        let function = self.template.functions.get(name);
        let function = function.ok_or_else(|| format!("Arguments.{target}: {name} leads to no function"))?;
        let mut payload = render(&arguments[message], scope, &format!("Arguments.{message}"))?;
        // The function takes it out in the same way, for its log line.
        if target == "FunctionName" && take_attempt(&mut payload) != Some(0) {
            return Err("Arguments.Payload.attempt: is not how often the state was tried before".to_owned());
        }
        let answer = (self.answer)(&function.binary, &payload)
            .map_err(|problem| format!("Arguments.{message}: {} refuses it: {problem}", function.binary))?;
        self.walk.calls.push((function.binary.clone(), payload));
        // What a Lambda answers is in Payload; what SendTaskSuccess was given is the result itself.
        let is_by_token = state["Resource"] == LAMBDA_BY_TOKEN;
        Ok(if target == "FunctionName" && !is_by_token {
            json!({ "Payload": answer, "StatusCode": 200 })
        } else {
            answer
        })
    }
}

fn choose(
    state: &Value,
    input: Value,
    scope: &Scope,
    variables: &mut Scope,
) -> Result<(Value, Option<String>), String> {
    for (index, rule) in state["Choices"].as_array().into_iter().flatten().enumerate() {
        let at = format!("Choices[{index}]");
        only(rule, &["Condition", "Next", "Assign", "Output", "Comment"]).map_err(|p| format!("{at}.{p}"))?;
        let condition = rule["Condition"].as_str().map(expression).transpose()?.flatten();
        let condition = condition.ok_or_else(|| format!("{at}.Condition: is no expression"))?;
        let holds = evaluate(condition, scope).map_err(|p| format!("{at}.Condition: {condition}: {p}"))?;
        if holds == Value::Bool(true) {
            assign(rule, scope, variables).map_err(|p| format!("{at}.{p}"))?;
            let output = rule.get("Output").map_or(Ok(input), |output| render(output, scope, "Output"))?;
            return Ok((output, rule["Next"].as_str().map(str::to_owned)));
        }
    }
    let default = state["Default"].as_str().ok_or("Default: is missing, so that an execution may fail here")?;
    Ok((input, Some(default.to_owned())))
}

fn assign(state: &Value, scope: &Scope, variables: &mut Scope) -> Result<(), String> {
    let none = Map::new();
    for (name, template) in state.get("Assign").and_then(Value::as_object).unwrap_or(&none) {
        variables.insert(name.clone(), render(template, scope, &format!("Assign.{name}"))?);
    }
    Ok(())
}

/// Fields that a state may have. Step Functions refuses others when the machine is deployed.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html>
fn allowed(kind: &str) -> Result<&'static [&'static str], String> {
    Ok(match kind {
        "Task" => &[
            "Type",
            "Comment",
            "Resource",
            "Arguments",
            "Assign",
            "Output",
            "TimeoutSeconds",
            "HeartbeatSeconds",
            "Retry",
            "Catch",
            "Next",
            "End",
        ],
        "Choice" => &["Type", "Comment", "Choices", "Default"],
        "Parallel" => &["Type", "Comment", "Branches", "Assign", "Output", "Retry", "Catch", "Next", "End"],
        "Map" => &[
            "Type",
            "Comment",
            "Items",
            "ItemProcessor",
            "MaxConcurrency",
            "Assign",
            "Output",
            "Retry",
            "Catch",
            "Next",
            "End",
        ],
        "Succeed" => &["Type", "Comment"],
        other => return Err(format!("Type: {other:?} is not one that the walk knows")),
    })
}

/// Refuses fields that are not listed.
fn only(object: &Value, names: &[&str]) -> Result<(), String> {
    let fields = object.as_object().ok_or("is no object")?;
    match fields.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(format!("{name}: is not a field that belongs here")),
        None => Ok(()),
    }
}
