//! What the dashboard and the alarms read is what the functions emit: a metric that nobody emits is a graph that is always
//! empty, and an alarm that never rings.

use std::collections::BTreeSet;

use berth_step::{APPROVALS, EMITTED, Fault, NAMESPACE, NO_FAULT, STANDINGS};
use berth_tests::registry::{Machine, machines};
use serde_json::Value as Json;
use serde_yaml_ng::Value;

use crate::hub_for;

/// One metric of Berth's that is read somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Read {
    at: String,
    metric: String,
    dimensions: Vec<(String, String)>,
}

fn template() -> Value {
    serde_yaml_ng::from_str(include_str!("../../../infra/hub.yaml")).unwrap()
}

/// The dashboard's body, without what `!Sub` puts in: names of resources are text wherever they stand.
fn dashboard(template: &Value) -> Json {
    let Value::Tagged(body) = &template["Resources"]["Dashboard"]["Properties"]["DashboardBody"] else {
        panic!("the dashboard's body is no !Sub");
    };
    serde_json::from_str(body.value.as_str().unwrap()).expect("the dashboard's body is JSON")
}

/// The metrics of Berth's namespace in the widgets of a dashboard.
fn of_widgets(dashboard: &Json) -> Vec<Read> {
    let mut read = Vec::new();
    for widget in dashboard["widgets"].as_array().unwrap() {
        for metric in widget["properties"]["metrics"].as_array().into_iter().flatten() {
            let texts: Vec<&str> = metric.as_array().unwrap().iter().filter_map(Json::as_str).collect();
            if texts[0] == NAMESPACE {
                let pairs = texts[2..].chunks(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect();
                let at = widget["properties"]["title"].to_string();
                read.push(Read { at, metric: texts[1].to_owned(), dimensions: pairs });
            }
        }
    }
    read
}

/// The metrics of Berth's namespace that alarms watch.
fn of_alarms(template: &Value) -> Vec<Read> {
    let mut read = Vec::new();
    for (id, resource) in template["Resources"].as_mapping().unwrap() {
        let properties = &resource["Properties"];
        if resource["Type"] == "AWS::CloudWatch::Alarm" && properties["Namespace"] == NAMESPACE {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let dimensions = properties["Dimensions"].as_sequence().unwrap();
            let dimensions = dimensions.iter().map(|pair| (text(&pair["Name"]), text(&pair["Value"]))).collect();
            read.push(Read { at: text(id), metric: text(&properties["MetricName"]), dimensions });
        }
    }
    read
}

/// Why a metric that is read is never there.
fn problem(read: &Read) -> Option<String> {
    let mut names: Vec<&str> = read.dimensions.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let emitted = EMITTED.iter().chain([&STANDINGS, &APPROVALS]).any(|directive| {
        directive.metrics.iter().any(|metric| metric.name == read.metric)
            && directive.dimensions.iter().any(|set| {
                let mut set = set.to_vec();
                set.sort_unstable();
                set == names
            })
    });
    if !emitted {
        return Some(format!("{}: nobody emits {} by {names:?}", read.at, read.metric));
    }
    let of_machine = |machine: &Machine| hub_for(&machine.name).functions.into_values().map(|function| function.binary);
    let steps: Vec<String> = machines().iter().flat_map(of_machine).collect();
    read.dimensions.iter().find_map(|(name, value)| {
        let known = match name.as_str() {
            "Step" => steps.contains(value),
            "Function" => ["detect-drift", "sweep-accounts"].contains(&value.as_str()),
            _ => value == NO_FAULT || Fault::ALL.iter().any(|fault| fault.name() == value),
        };
        (!known).then(|| format!("{}: {name} is never {value}", read.at))
    })
}

#[test]
fn every_metric_that_the_dashboard_and_the_alarms_read_is_emitted() {
    let template = template();
    let (widgets, alarms) = (of_widgets(&dashboard(&template)), of_alarms(&template));
    assert!(widgets.len() >= 3 * 8 && !alarms.is_empty(), "{} in widgets, {} in alarms", widgets.len(), alarms.len());
    let problems: Vec<String> = widgets.iter().chain(&alarms).filter_map(problem).collect();
    assert!(problems.is_empty(), "infra/hub.yaml:\n  {}", problems.join("\n  "));
}

#[test]
fn a_metric_that_nobody_emits_and_a_fault_that_does_not_exist_are_found() {
    let read = |metric: &str, name: &str, value: &str| Read {
        at: "x".to_owned(),
        metric: metric.to_owned(),
        dimensions: vec![(name.to_owned(), value.to_owned())],
    };
    assert_eq!(problem(&read("Calls", "Step", "provision-vpc")), None);
    assert!(problem(&read("Calls", "Fault", "Bug")).unwrap().contains("nobody emits Calls"));
    assert!(problem(&read("Errors", "Step", "provision-vpc")).unwrap().contains("nobody emits Errors"));
    assert!(problem(&read("Invocations", "Fault", "Bugs")).unwrap().contains("is never Bugs"));
    assert!(problem(&read("Duration", "Step", "provision")).unwrap().contains("is never provision"));
}

#[test]
fn every_standing_is_a_line_of_the_dashboard() {
    let read = of_widgets(&dashboard(&template()));
    for metric in STANDINGS.metrics.iter().chain(APPROVALS.metrics) {
        assert!(read.iter().any(|read| read.metric == metric.name), "{} is not on the dashboard", metric.name);
    }
}

#[test]
fn every_fault_is_a_line_of_the_dashboard() {
    let read = of_widgets(&dashboard(&template()));
    for fault in Fault::ALL {
        let line = ("Fault".to_owned(), fault.name().to_owned());
        assert!(read.iter().any(|read| read.dimensions.contains(&line)), "{fault} is not on the dashboard");
    }
}

/// Alarms of every template, by name.
fn alarms() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra");
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let template: Value = serde_yaml_ng::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for (_, resource) in template["Resources"].as_mapping().into_iter().flatten() {
            if resource["Type"] == "AWS::CloudWatch::Alarm" {
                names.insert(resource["Properties"]["AlarmName"].as_str().expect("an alarm has a name").to_owned());
            }
        }
    }
    names
}

#[test]
fn every_alarm_is_explained_and_every_explanation_is_of_an_alarm() {
    let page = include_str!("../../../docs/alarms.md");
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let explained: BTreeSet<String> = page.lines().filter_map(row).collect();
    let alarms = alarms();
    assert!(alarms.len() > 5, "{alarms:?}");
    assert_eq!(alarms, explained, "left: infra/*.yaml, right: docs/alarms.md");
}
