//! Roles in other accounts: who may assume them, and what they allow.

use std::collections::BTreeMap;

use super::{
    cloudformation::{
        Allow, Any, Call, Document, ManagedPolicy, Ordered, Policy, Resource, reference, substituted, yaml,
    },
    function::{AssumedRole, Function},
    wiring::Wiring,
};

impl Wiring<'_> {
    /// What a template says of a role of Berth in its account.
    pub(super) fn of_role(&self, what: &str, role: AssumedRole) -> Option<String> {
        match (what, role) {
            ("principals", _) => Some(self.principals(role)),
            // One managed policy for each function: all of them in one would be longer than IAM allows.
            ("managed policies", AssumedRole::Tenant) => Some(self.managed_policies(role)),
            ("policy ARNs", AssumedRole::Tenant) => Some(yaml(&self.policy_arns(role))),
            ("policies", AssumedRole::Network | AssumedRole::Read | AssumedRole::SignIn | AssumedRole::Cluster) => {
                Some(self.inline_policies(role))
            }
            _ => None,
        }
    }

    /// Functions that assume a role.
    fn assuming(&self, role: AssumedRole) -> impl Iterator<Item = &Function> {
        self.functions.iter().copied().filter(move |function| function.declared.assumes.contains(&role))
    }

    /// The exact roles of the hub that may assume it.
    fn principals(&self, role: AssumedRole) -> String {
        let arn = |function: &Function| {
            substituted(format!("arn:${{AWS::Partition}}:iam::${{HubAccountId}}:role/berth-{}", function.name))
        };
        let arns: Vec<Call> = self.assuming(role).map(arn).collect();
        yaml(&BTreeMap::from([("Principal", BTreeMap::from([("AWS", arns)]))]))
    }

    fn document(&self, function: &Function, role: AssumedRole) -> Document<Allow<'_>> {
        let statements = self.policies.get(&function.name).and_then(|policy| policy.0.get(&role.part()));
        Document::of(statements.into_iter().flatten().map(Allow::from).collect())
    }

    fn inline_policies(&self, role: AssumedRole) -> String {
        let policies = self.assuming(role).map(|function| Policy {
            policy_name: function.name.clone(),
            policy_document: self.document(function, role),
        });
        yaml(&BTreeMap::from([("Policies", policies.collect::<Vec<_>>())]))
    }

    fn managed_policies(&self, role: AssumedRole) -> String {
        let policies = self.assuming(role).map(|function| {
            let name = format!("berth-{}", function.name);
            // Never another text: CloudFormation would have to replace the policy, and cannot, as it is named.
            let description = format!("What {name} may do here");
            let policy_document = self.document(function, role);
            let policy = ManagedPolicy { managed_policy_name: name, description, policy_document };
            let id = format!("{}Policy", function.pascal_case());
            (id, Any::ManagedPolicy(Resource::new("AWS::IAM::ManagedPolicy", policy)))
        });
        yaml(&Ordered(policies.collect()))
    }

    fn policy_arns(&self, role: AssumedRole) -> Vec<Call> {
        self.assuming(role).map(|function| reference(&format!("{}Policy", function.pascal_case()))).collect()
    }
}
