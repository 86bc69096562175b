//! What the templates in `infra/` say between their markers.

use std::collections::BTreeMap;

use berth_aws::FunctionPolicy;

use super::{
    function::{AssumedRole, Function},
    machine::Machine,
};

/// What the templates are written from.
#[derive(Debug, Clone, Copy)]
pub struct Wiring<'a> {
    /// Steps in their order, then the other functions.
    pub functions: &'a [&'a Function],
    /// The policies beside them.
    pub policies: &'a BTreeMap<String, FunctionPolicy>,
    /// The state machines.
    pub machines: &'a [Machine],
}

impl Wiring<'_> {
    /// What stands between the markers of this name; none for a name that is not known.
    #[must_use]
    pub fn block(&self, name: &str) -> Option<String> {
        match name {
            "functions" => Some(self.lambdas()),
            "state machines" => Some(self.state_machines()),
            "roles that other accounts trust" => Some(self.trusted()),
            _ => {
                let (what, role) = name.strip_suffix(" role")?.split_once(" of the ")?;
                let role = AssumedRole::ALL.into_iter().find(|each| each.name() == role)?;
                self.of_role(what, role)
            }
        }
    }

    /// Where folders contradict themselves: a policy for a role that is not assumed, or a role without a policy.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let contradictions = |function: &&Function| {
            let policy = self.policies.get(&function.name);
            contradictions(function, policy)
        };
        self.functions.iter().flat_map(contradictions).collect()
    }
}

fn contradictions(function: &Function, policy: Option<&FunctionPolicy>) -> Vec<String> {
    let Some(policy) = policy else { return vec![format!("{} has no policy.json", function.name)] };
    let at = |problem: String| format!("functions/{}: {problem}", function.name);
    let mut problems = Vec::new();
    for role in AssumedRole::ALL {
        let declared = function.declared.assumes.contains(&role);
        let assumed = policy.0.get(&berth_aws::Part::Hub).into_iter().flatten().any(|statement| {
            let target = statement.resource.to_string();
            statement.action.iter().any(|action| action == "sts:AssumeRole") && target.contains(role.parameter())
        });
        if declared && !assumed {
            problems.push(at(format!("policy.json does not allow to assume ${{{}}}", role.parameter())));
        }
        if assumed && !declared {
            problems.push(at(format!("Cargo.toml: assumes: {:?} is missing", role.name())));
        }
        if declared && !policy.0.contains_key(&role.part()) {
            problems.push(at(format!("policy.json says nothing of {}, which {} needs", role.part(), role.parameter())));
        }
    }
    for part in policy.0.keys().filter(|part| **part != berth_aws::Part::Hub) {
        if !function.declared.assumes.iter().any(|role| role.part() == *part) {
            problems.push(at(format!("policy.json: no role of {part} is assumed")));
        }
    }
    problems
}
