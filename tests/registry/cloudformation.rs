//! Resources of CloudFormation and SAM, as far as the registry writes them.
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html>
#![allow(clippy::struct_field_names, reason = "fields have the names of CloudFormation's properties")]

use std::collections::BTreeMap;

use berth_aws::{Effect, Statement};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_saphyr::{FlowMap, FlowSeq, Tagged};

use super::function::Queue;

/// A function of CloudFormation in its short form: `!Ref Id`.
pub(super) type Call = Tagged<String>;

/// `!Ref Id`.
pub(super) fn reference(id: &str) -> Call {
    Tagged(id.to_owned(), Some("!Ref".to_owned()))
}

/// `!GetAtt Id.Arn`.
pub(super) fn arn(id: &str) -> Call {
    Tagged(format!("{id}.Arn"), Some("!GetAtt".to_owned()))
}

/// `!Sub text`.
pub(super) fn substituted(text: String) -> Call {
    Tagged(text, Some("!Sub".to_owned()))
}

/// A value as YAML, without an end of document.
pub(super) fn yaml(value: &impl Serialize) -> String {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(value, options).unwrap_or_else(|error| panic!("{error}"))
}

/// A value of a manifest or of a policy. What is no text stays on one line: mostly it is a function of CloudFormation.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Short {
    Plain(Value),
    List(Vec<Short>),
    Map(FlowMap<Value>),
}

impl From<Value> for Short {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(_) => Self::Map(FlowMap(value)),
            plain => Self::Plain(plain),
        }
    }
}

/// A mapping in the order in which it was made.
pub(super) struct Ordered<T>(pub(super) Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// A resource.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Resource<P> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<FlowMap<Metadata>>,
    properties: P,
}

impl<P> Resource<P> {
    pub(super) fn new(r#type: &'static str, properties: P) -> Self {
        Self { r#type, metadata: None, properties }
    }

    pub(super) fn with_metadata(self, metadata: Metadata) -> Self {
        Self { metadata: Some(FlowMap(metadata)), ..self }
    }
}

/// Any resource that is written here.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Any<'a> {
    Role(Resource<Role<'a>>),
    Function(Box<Resource<Function>>),
    Permission(Resource<Permission>),
    Rule(Resource<Rule>),
    Machine(Box<Resource<StateMachine>>),
    ManagedPolicy(Resource<ManagedPolicy<'a>>),
}

/// How SAM builds a function.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metadata {
    build_method: &'static str,
    build_properties: BTreeMap<&'static str, String>,
}

impl Metadata {
    pub(super) fn of(binary: String) -> Self {
        Self { build_method: "rust-cargolambda", build_properties: BTreeMap::from([("Binary", binary)]) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Role<'a> {
    pub(super) role_name: String,
    pub(super) assume_role_policy_document: FlowMap<Document<Trust>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) managed_policy_arns: Vec<Call>,
    pub(super) policies: Vec<Policy<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Policy<'a> {
    pub(super) policy_name: String,
    pub(super) policy_document: Document<Allow<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ManagedPolicy<'a> {
    pub(super) managed_policy_name: String,
    pub(super) description: String,
    pub(super) policy_document: Document<Allow<'a>>,
}

/// A document of IAM.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Document<S> {
    version: &'static str,
    statement: Vec<S>,
}

impl<S> Document<S> {
    pub(super) fn of(statement: Vec<S>) -> Self {
        Self { version: "2012-10-17", statement }
    }
}

/// Lets a service take a role.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Trust {
    effect: &'static str,
    principal: BTreeMap<&'static str, &'static str>,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<BTreeMap<&'static str, BTreeMap<&'static str, Call>>>,
}

impl Trust {
    pub(super) fn of(service: &'static str) -> Self {
        let principal = BTreeMap::from([("Service", service)]);
        Self { effect: "Allow", principal, action: "sts:AssumeRole", condition: None }
    }

    /// The service on behalf of this account alone.
    pub(super) fn of_this_account(service: &'static str) -> Self {
        let account = BTreeMap::from([("aws:SourceAccount", reference("AWS::AccountId"))]);
        Self { condition: Some(BTreeMap::from([("StringEquals", account)])), ..Self::of(service) }
    }
}

/// A statement as templates have it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Allow<'a> {
    sid: &'a str,
    effect: Effect,
    action: Vec<&'a str>,
    resource: On,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'a Value>,
}

/// On what something is allowed.
#[derive(Serialize)]
#[serde(untagged)]
enum On {
    Policy(Short),
    Resources(Vec<Call>),
    Everything(&'static str),
}

impl<'a> Allow<'a> {
    pub(super) fn on(sid: &'a str, action: &[&'a str], resources: Vec<Call>) -> Self {
        Self {
            sid,
            effect: Effect::Allow,
            action: action.to_vec(),
            resource: On::Resources(resources),
            condition: None,
        }
    }

    pub(super) fn on_everything(sid: &'a str, action: &[&'a str]) -> Self {
        Self { resource: On::Everything("*"), ..Self::on(sid, action, Vec::new()) }
    }

    /// Whether it allows nothing.
    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.resource, On::Resources(resources) if resources.is_empty())
    }
}

impl<'a> From<&'a Statement> for Allow<'a> {
    fn from(Statement { sid, why: _, effect, action, resource, condition }: &'a Statement) -> Self {
        let action = action.iter().map(String::as_str).collect();
        let resource = On::Policy(resource.clone().into());
        Self { sid, effect: *effect, action, resource, condition: condition.as_ref() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Function {
    pub(super) function_name: String,
    pub(super) description: String,
    pub(super) role: Call,
    pub(super) timeout: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory_size: Option<u32>,
    pub(super) tags: FlowMap<BTreeMap<&'static str, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) layers: Option<FlowSeq<Vec<Call>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<Environment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) events: Option<Ordered<Event>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Environment {
    variables: BTreeMap<String, Short>,
}

impl Environment {
    pub(super) fn of(variables: BTreeMap<String, Value>) -> Self {
        Self { variables: variables.into_iter().map(|(name, value)| (name, value.into())).collect() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Event {
    pub(super) r#type: &'static str,
    pub(super) properties: SqsEvent,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SqsEvent {
    queue: Call,
    batch_size: Short,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_batching_window_in_seconds: Option<Short>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scaling_config: Option<FlowMap<BTreeMap<&'static str, u32>>>,
    function_response_types: FlowSeq<[&'static str; 1]>,
}

impl SqsEvent {
    pub(super) fn of(queue: &Queue) -> Self {
        let concurrency = queue.concurrency_max.map(|most| FlowMap(BTreeMap::from([("MaximumConcurrency", most)])));
        Self {
            queue: arn(&queue.resource),
            batch_size: queue.batch_size.clone().into(),
            maximum_batching_window_in_seconds: queue.window_seconds.clone().map(Short::from),
            scaling_config: concurrency,
            function_response_types: FlowSeq(["ReportBatchItemFailures"]),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Permission {
    pub(super) action: &'static str,
    pub(super) function_name: Call,
    pub(super) principal: &'static str,
    pub(super) source_arn: Call,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) schedule_expression: Short,
    pub(super) state: Short,
    pub(super) targets: Vec<FlowMap<RuleTarget>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RuleTarget {
    pub(super) id: String,
    pub(super) arn: Call,
    pub(super) input: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StateMachine {
    name: String,
    r#type: &'static str,
    /// Each deployment is a version; executions finish on the one that they were started with.
    auto_publish_alias: &'static str,
    role: Call,
    definition_uri: String,
    definition_substitutions: Ordered<Call>,
    logging: Logging,
    tracing: FlowMap<BTreeMap<&'static str, bool>>,
    tags: FlowMap<BTreeMap<&'static str, &'static str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Logging {
    level: &'static str,
    /// Payloads stay out of the logs; the history has them.
    include_execution_data: bool,
    destinations: FlowSeq<[BTreeMap<&'static str, BTreeMap<&'static str, Call>>; 1]>,
}

impl StateMachine {
    pub(super) fn of(name: &str, substitutions: Vec<(String, Call)>) -> Self {
        let group = BTreeMap::from([("LogGroupArn", arn("StateMachineLogs"))]);
        Self {
            name: format!("berth-{name}"),
            r#type: "STANDARD",
            auto_publish_alias: "live",
            role: arn(&format!("{}Role", super::pascal_case(name))),
            definition_uri: format!("../statemachines/{name}.asl.json"),
            definition_substitutions: Ordered(substitutions),
            logging: Logging {
                level: "ERROR",
                include_execution_data: false,
                destinations: FlowSeq([BTreeMap::from([("CloudWatchLogsLogGroup", group)])]),
            },
            tracing: FlowMap(BTreeMap::from([("Enabled", true)])),
            tags: FlowMap(BTreeMap::from([("berth:managed-by", "berth")])),
        }
    }
}
