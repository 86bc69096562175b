//! The hub's own resources: functions with their roles and triggers, and state machines.

use std::collections::{BTreeMap, BTreeSet};

use berth_aws::Part;
use serde_saphyr::{FlowMap, FlowSeq};

use super::{
    cloudformation::{
        Allow, Any, Document, Environment, Event, Function as Lambda, Metadata, Ordered, Permission, Policy, Resource,
        Role, Rule, RuleTarget, SqsEvent, StateMachine, Trust, arn, reference, yaml,
    },
    function::{Function, Schedule},
    machine::Machine,
    wiring::Wiring,
};

impl Wiring<'_> {
    /// Each function with its role and its schedule.
    pub(super) fn lambdas(&self) -> String {
        let resources = self.functions.iter().flat_map(|function| {
            let (id, mut resources) = (function.pascal_case(), Vec::new());
            resources.push((format!("{id}Role"), Any::Role(self.role_of(function))));
            resources.push((format!("{id}Function"), Any::Function(Box::new(lambda(function)))));
            if let Some(schedule) = &function.declared.trigger.schedule {
                resources.extend(scheduled(function, schedule));
            }
            resources
        });
        yaml(&Ordered(resources.collect()))
    }

    fn role_of(&self, function: &Function) -> Resource<Role<'_>> {
        let statements = self.policies.get(&function.name).and_then(|policy| policy.0.get(&Part::Hub));
        let statement = statements.into_iter().flatten().map(Allow::from).collect();
        let policy = Policy { policy_name: function.name.clone(), policy_document: Document::of(statement) };
        Resource::new(
            "AWS::IAM::Role",
            Role {
                role_name: format!("berth-{}", function.name),
                assume_role_policy_document: FlowMap(Document::of(vec![Trust::of("lambda.amazonaws.com")])),
                managed_policy_arns: vec![reference("WriteFunctionLogs")],
                policies: vec![policy],
            },
        )
    }

    /// Each state machine with its role.
    pub(super) fn state_machines(&self) -> String {
        let resources = self.machines.iter().flat_map(|machine| {
            let id = machine.pascal_case();
            [
                (format!("{id}Role"), Any::Role(self.role_of_machine(machine))),
                (id, Any::Machine(Box::new(self.machine(machine)))),
            ]
        });
        yaml(&Ordered(resources.collect()))
    }

    /// Each task of a machine with its function, and the placeholder by which it names what it calls.
    fn targets(&self, machine: &Machine) -> Vec<(String, &Function)> {
        let targets = machine.tasks().into_iter().filter_map(|state| {
            let arguments = &state.body["Arguments"];
            let named = arguments["FunctionName"].as_str().or_else(|| arguments["QueueUrl"].as_str())?;
            let placeholder = named.strip_prefix("${")?.strip_suffix('}')?.to_owned();
            let of_state = |each: &&&Function| each.declared.states.contains(&state.name);
            Some((placeholder, *self.functions.iter().find(of_state)?))
        });
        targets.collect()
    }

    fn machine(&self, machine: &Machine) -> Resource<StateMachine> {
        let substitutions = self.targets(machine).into_iter().map(|(placeholder, function)| {
            let target = match &function.declared.trigger.queue {
                Some(queue) => reference(&queue.resource),
                None => arn(&format!("{}Function", function.pascal_case())),
            };
            (placeholder, target)
        });
        let mut seen = BTreeSet::new();
        let substitutions = substitutions.filter(|(name, _)| seen.insert(name.clone())).collect();
        Resource::new("AWS::Serverless::StateMachine", StateMachine::of(&machine.name, substitutions))
    }

    fn role_of_machine(&self, machine: &Machine) -> Resource<Role<'_>> {
        let (mut functions, mut queues) = (Vec::new(), Vec::new());
        for (_, function) in self.targets(machine) {
            let (list, id) = match &function.declared.trigger.queue {
                Some(queue) => (&mut queues, queue.resource.clone()),
                None => (&mut functions, format!("{}Function", function.pascal_case())),
            };
            if !list.contains(&id) {
                list.push(id);
            }
        }
        let over = |ids: Vec<String>| ids.iter().map(|id| arn(id)).collect::<Vec<_>>();
        let statement = [
            Allow::on("RunSteps", &["lambda:InvokeFunction"], over(functions)),
            Allow::on("SendToQueues", &["sqs:SendMessage"], over(queues)),
            Allow::on_everything("DeliverLogs", &DELIVER_LOGS),
            Allow::on_everything("Trace", &TRACE),
        ];
        let statement = statement.into_iter().filter(|allow| !allow.is_empty()).collect();
        Resource::new(
            "AWS::IAM::Role",
            Role {
                role_name: format!("berth-{}", machine.name),
                assume_role_policy_document: FlowMap(Document::of(vec![Trust::of_this_account(
                    "states.amazonaws.com",
                )])),
                managed_policy_arns: Vec::new(),
                policies: vec![Policy { policy_name: machine.name.clone(), policy_document: Document::of(statement) }],
            },
        )
    }

    /// Roles of functions that assume a role elsewhere.
    pub(super) fn trusted(&self) -> String {
        let trusted = self.functions.iter().filter(|function| !function.declared.assumes.is_empty());
        let roles: Vec<_> = trusted.map(|function| arn(&format!("{}Role", function.pascal_case()))).collect();
        yaml(&roles)
    }
}

/// What a state machine needs for its log, beside its own work. These actions know no resources.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html>
const DELIVER_LOGS: [&str; 8] = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
];

/// The same for its traces.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html>
const TRACE: [&str; 4] =
    ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"];

fn lambda(function: &Function) -> Resource<Lambda> {
    let declared = &function.declared;
    let mut variables = declared.environment.clone();
    if declared.platform {
        variables.insert("BERTH_PLATFORM".to_owned(), "/opt/platform.yaml".into());
    }
    let events = declared.trigger.queue.as_ref().map(|queue| {
        let name = queue.resource.strip_suffix("Queue").unwrap_or(&queue.resource).to_owned();
        Ordered(vec![(name, Event { r#type: "SQS", properties: SqsEvent::of(queue) })])
    });
    let binary = function.name.clone();
    let metadata = Metadata::of(binary.clone());
    let properties = Lambda {
        function_name: format!("berth-{binary}"),
        description: function.description.clone(),
        role: arn(&format!("{}Role", function.pascal_case())),
        timeout: declared.timeout_seconds,
        memory_size: declared.memory_megabytes,
        tags: FlowMap(BTreeMap::from([("berth:binary", binary)])),
        layers: declared.platform.then(|| FlowSeq(vec![reference("PlatformLayer")])),
        environment: (!variables.is_empty()).then(|| Environment::of(variables)),
        events,
    };
    Resource::new("AWS::Serverless::Function", properties).with_metadata(metadata)
}

/// The rule of a schedule, and its permission to invoke the function.
fn scheduled(function: &Function, schedule: &Schedule) -> [(String, Any<'static>); 2] {
    let id = schedule.id.clone().unwrap_or_else(|| function.pascal_case());
    let lambda = format!("{}Function", function.pascal_case());
    let permission = Permission {
        action: "lambda:InvokeFunction",
        function_name: reference(&lambda),
        principal: "events.amazonaws.com",
        source_arn: arn(&format!("{id}Rule")),
    };
    let target = function.name.split('-').next().unwrap_or_default().to_owned();
    let rule = Rule {
        name: format!("berth-{}", function.name),
        description: schedule.description.clone(),
        schedule_expression: schedule.expression.clone().into(),
        state: schedule.state.clone().unwrap_or_else(|| "ENABLED".into()).into(),
        targets: vec![FlowMap(RuleTarget { id: target, arn: arn(&lambda), input: "{}" })],
    };
    [
        (format!("{id}Permission"), Any::Permission(Resource::new("AWS::Lambda::Permission", permission))),
        (format!("{id}Rule"), Any::Rule(Resource::new("AWS::Events::Rule", rule))),
    ]
}
