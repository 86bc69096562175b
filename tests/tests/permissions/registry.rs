//! What a folder declares is read strictly: what is not understood is refused, with the place.

use berth_tests::registry::{Function, functions, steps};

/// The manifest of a function `f` that declares this.
fn parsed(declared: &str) -> Result<Function, Vec<String>> {
    let head = "[package]\nname = \"f\"\ndescription = \"Does it.\"\n\n[package.metadata.berth]\n";
    Function::parse("f", &format!("{head}{declared}"))
}

#[test]
fn functions_of_states_of_queues_of_schedules_and_of_people_are_read() {
    let cases = [
        "states = [\"DoIt\", \"UndoIt\"]",
        "trigger = { queue = { resource = \"WorkQueue\", batch-size = 10 } }",
        "trigger = { schedule = { description = \"d\", expression = \"rate(1 day)\" } }",
        "trigger = { direct = true }",
        "states = [\"DoIt\"]\ntrigger = { direct = true, schedule = { description = \"d\", expression = { Ref = \"P\" } } }",
    ];
    for case in cases {
        let function =
            parsed(&format!("timeout-seconds = 60\n{case}")).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!((function.description.as_str(), function.pascal_case().as_str()), ("Does it", "F"), "{case}");
    }
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    let direct = "timeout-seconds = 60\ntrigger = { direct = true }\n";
    let cases = [
        ("timeout-seconds = 60".to_owned(), "nothing invokes the function"),
        ("trigger = { direct = true }".to_owned(), "missing field `timeout-seconds`"),
        (direct.replace("60", "901"), "timeout-seconds: Lambda takes 1 to 900, not 901"),
        (format!("{direct}memory = 512"), "unknown field `memory`"),
        (format!("{direct}assumes = [\"tenants\"]"), "unknown variant `tenants`"),
        (format!("{direct}retry = {{ Denied = {{ attempts-max = 3 }} }}"), "retry.Denied: it is never retried"),
        (format!("{direct}retry = {{ Slow = {{ attempts-max = 3 }} }}"), "retry.Slow: there is no such fault"),
        (format!("{direct}retry = {{ Conflict = {{}} }}"), "retry.Conflict: says nothing"),
        (
            "timeout-seconds = 60\ntrigger = { queue = { resource = \"Work\", batch-size = 1 } }".to_owned(),
            "trigger.queue.resource: the resource of a queue ends with Queue",
        ),
    ];
    for (declared, problem) in cases {
        let found = parsed(&declared).expect_err(&declared).join("\n");
        assert!(found.starts_with("functions/f/Cargo.toml: ") && found.contains(problem), "{declared}: {found}");
    }
    let elsewhere = Function::parse(
        "g",
        "[package]\nname = \"f\"\ndescription = \"\"\n[package.metadata.berth]\ntimeout-seconds = 1\ntrigger.direct = true",
    );
    assert_eq!(elsewhere.unwrap_err(), ["functions/g/Cargo.toml: the package f is in a folder of another name"]);
}

#[test]
fn steps_come_in_the_order_of_the_machine() {
    let names: Vec<&str> = steps().iter().map(|step| step.name.as_str()).collect();
    let place = |name| names.iter().position(|each| *each == name).unwrap_or_else(|| panic!("{name}: {names:?}"));
    assert!(place("plan-onboarding") < place("provision-vpc"));
    assert!(place("provision-vpc") < place("attach-transit-gateway"));
    assert!(place("attach-transit-gateway") < place("create-tenant-roles"));
    assert!(place("plan-onboarding") < place("commit-tenant"));
    assert!(place("commit-tenant") < place("provision-vpc"), "it is asked before anything is made");
    assert!(names.len() < functions().len(), "some functions are of no state");
}
