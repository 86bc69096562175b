//! What people and GitOps tools read: the status of a Tenant. Pure.
//!
//! Conditions keep the rules of kstatus: `Ready`, `Reconciling` while it goes on by itself, `Stalled` when a person is
//! needed; the last two are there only while they are true. Nothing moves without a change: a time is the one at which a
//! condition's `status` last changed.
//! <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>

use berth_crd::{AccessState, AccessStatus, Condition, ConditionStatus, NamespaceStatus, Tenant, TenantStatus};
use jiff::Timestamp;

use crate::{
    decide::{NamespaceDecision, NamespaceState},
    names,
    object::Kind,
    observed::Observed,
};

/// Messages are cut here; the schema allows more, but nobody reads more.
const MESSAGE_CHARS_MAX: usize = 1000;

/// A part of a tenant that has a condition of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Namespaces, their limits and service accounts: `NamespacesReady`.
    Namespaces,
    /// `NetworkPoliciesReady`.
    NetworkPolicies,
    /// `AccessReady`.
    Access,
    /// `CertificatesReady`.
    Certificates,
}

impl Part {
    const ALL: [Self; 4] = [Self::Namespaces, Self::NetworkPolicies, Self::Access, Self::Certificates];

    fn condition(self) -> &'static str {
        match self {
            Self::Namespaces => "NamespacesReady",
            Self::NetworkPolicies => "NetworkPoliciesReady",
            Self::Access => "AccessReady",
            Self::Certificates => "CertificatesReady",
        }
    }
}

impl From<Kind> for Part {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::NetworkPolicy | Kind::CiliumNetworkPolicy => Self::NetworkPolicies,
            Kind::ResourceQuota | Kind::LimitRange | Kind::ServiceAccount => Self::Namespaces,
            Kind::Certificate => Self::Certificates,
            Kind::RoleBinding => Self::Access,
        }
    }
}

/// Why a tenant is not ready. `reason` of the conditions; an interface: never rename one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Somebody else made a namespace or object of our name.
    NotOwned,
    /// The server refuses an object for what it says.
    Refused,
    /// The operator may not do it.
    Denied,
    /// Another manager has a field of an adopted object.
    FieldConflict,
    /// An older tenant serves the host.
    HostTaken,
    /// The CRD on the cluster lacks fields that the operator needs.
    CrdTooOld,
    /// The object cannot be read.
    Unreadable,
    /// A deletion waits for a person, because many tenants went at once.
    BrakeHeld,
    /// A namespace is being deleted.
    Terminating,
    /// The certificate is being issued.
    Issuing,
    /// The tenant is being deleted.
    Deleting,
    /// The server did not answer as it should; it is asked again.
    Unavailable,
}

impl Reason {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotOwned => "NotOwned",
            Self::Refused => "Refused",
            Self::Denied => "Denied",
            Self::FieldConflict => "FieldConflict",
            Self::HostTaken => "HostTaken",
            Self::CrdTooOld => "CrdTooOld",
            Self::Unreadable => "Unreadable",
            Self::BrakeHeld => "BrakeHeld",
            Self::Terminating => "Terminating",
            Self::Issuing => "Issuing",
            Self::Deleting => "Deleting",
            Self::Unavailable => "Unavailable",
        }
    }

    /// Whether it ends only when a person does something.
    #[must_use]
    pub fn needs_a_person(self) -> bool {
        match self {
            Self::NotOwned
            | Self::Refused
            | Self::Denied
            | Self::FieldConflict
            | Self::HostTaken
            | Self::CrdTooOld
            | Self::Unreadable
            | Self::BrakeHeld => true,
            Self::Terminating | Self::Issuing | Self::Deleting | Self::Unavailable => false,
        }
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The part that is not ready because of it.
    pub part: Part,
    /// Why.
    pub reason: Reason,
    /// What, and what to do; a sentence without full stop.
    pub message: String,
}

impl Problem {
    /// A problem.
    #[must_use]
    pub fn new(part: Part, reason: Reason, message: impl Into<String>) -> Self {
        Self { part, reason, message: message.into() }
    }
}

/// What is wrong with a tenant by the decisions alone: whatever acting says comes to that.
#[must_use]
pub fn problems(tenant: &str, decisions: &[NamespaceDecision], observed: &Observed) -> Vec<Problem> {
    let mut problems = Vec::new();
    for decision in decisions {
        if let Some(problem) = of_namespace(tenant, decision) {
            problems.push(problem);
        }
        problems.extend(decision.foreign.iter().map(|foreign| {
            let (kind, namespace, name) = (foreign.kind.name(), &foreign.namespace, &foreign.name);
            let plural = foreign.kind.resource().3;
            let adopt = names::ADOPT;
            let message = format!(
                "{kind} {namespace}/{name} is somebody else's and left alone; rename it, or give it to the tenant: \
                 kubectl label -n {namespace} {plural} {name} {adopt}={tenant}"
            );
            Problem::new(foreign.kind.into(), Reason::NotOwned, message)
        }));
        let pending = decision.pending_certificates.iter();
        problems.extend(pending.map(|message| Problem::new(Part::Certificates, Reason::Issuing, message)));
    }
    let taken = observed.hosts_taken.iter();
    problems.extend(taken.map(|(host, other)| {
        let message = format!("host {host} is served by tenant {other}, which named it first");
        Problem::new(Part::Certificates, Reason::HostTaken, message)
    }));
    problems
}

fn of_namespace(tenant: &str, decision: &NamespaceDecision) -> Option<Problem> {
    let name = &decision.name;
    let adopt = names::ADOPT;
    match &decision.state {
        NamespaceState::Kept | NamespaceState::Retained => None,
        NamespaceState::NotOwned => Some(Problem::new(
            Part::Namespaces,
            Reason::NotOwned,
            format!(
                "namespace {name} is somebody else's and left alone; give it to the tenant: \
                 kubectl label namespace {name} {adopt}={tenant}"
            ),
        )),
        // One that the spec does not name any more is only shown.
        NamespaceState::Terminating(_) if !decision.is_wanted => None,
        NamespaceState::Terminating(blockers) => {
            let message = format!("namespace {name} is being deleted{}", because(blockers));
            Some(Problem::new(Part::Namespaces, Reason::Terminating, message))
        }
    }
}

fn because(blockers: &[String]) -> String {
    if blockers.is_empty() { String::new() } else { format!(": {}", blockers.join(" ")) }
}

/// The status of a tenant at `now`, after acting: `problems` are those of the decisions and those that acting met.
#[must_use]
pub fn status(
    tenant: &Tenant,
    decisions: &[NamespaceDecision],
    problems: &[Problem],
    observed: &Observed,
    now: Timestamp,
) -> TenantStatus {
    let mut conditions = vec![ready(tenant, problems)];
    conditions.extend(progress(problems));
    conditions.extend(Part::ALL.map(|part| of_part(part, tenant, problems, observed)));
    let before = tenant.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    TenantStatus {
        observed_generation: tenant.metadata.generation,
        conditions: dated(conditions, tenant.metadata.generation, before, now),
        namespaces: decisions.iter().map(|decision| namespace_status(decision, problems)).collect(),
        access: access(tenant, problems),
    }
}

/// The status of a tenant with which nothing is done: what was known of its namespaces stays.
#[must_use]
pub fn stopped(
    generation: Option<i64>,
    before: Option<TenantStatus>,
    problem: &Problem,
    now: Timestamp,
) -> TenantStatus {
    let known = before.unwrap_or_default();
    let problems = std::slice::from_ref(problem);
    let mut conditions = vec![not_ready(problem, problems)];
    conditions.extend(progress(problems));
    let conditions = dated(conditions, generation, &known.conditions, now);
    TenantStatus { observed_generation: generation, conditions, ..known }
}

fn condition(type_: &str, status: ConditionStatus, reason: &str, message: &str) -> Condition {
    Condition {
        type_: type_.to_owned(),
        status,
        reason: reason.to_owned(),
        message: message.chars().take(MESSAGE_CHARS_MAX).collect(),
        observed_generation: None,
        last_transition_time: String::new(),
    }
}

fn told<'a>(problems: impl Iterator<Item = &'a Problem>) -> String {
    problems.map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
}

/// The problem to name first: what needs a person is never hidden behind what ends by itself.
pub(crate) fn first(problems: &[Problem]) -> Option<&Problem> {
    problems.iter().find(|problem| problem.reason.needs_a_person()).or_else(|| problems.first())
}

fn ready(tenant: &Tenant, problems: &[Problem]) -> Condition {
    let Some(first) = first(problems) else {
        let (reason, message) = if tenant.spec.suspended {
            ("Suspended", "everything is as the spec says; access is taken away")
        } else {
            ("Reconciled", "everything is as the spec says")
        };
        return condition("Ready", ConditionStatus::True, reason, message);
    };
    not_ready(first, problems)
}

fn not_ready(first: &Problem, problems: &[Problem]) -> Condition {
    condition("Ready", ConditionStatus::False, first.reason.as_str(), &told(problems.iter()))
}

/// `Reconciling` and `Stalled`, while they are true.
fn progress(problems: &[Problem]) -> Vec<Condition> {
    let of = |type_: &str, person: bool| {
        let these = || problems.iter().filter(move |problem| problem.reason.needs_a_person() == person);
        let first = these().next()?;
        Some(condition(type_, ConditionStatus::True, first.reason.as_str(), &told(these())))
    };
    // A tool that sees Stalled gives up waiting, so it is not Reconciling as well.
    of("Stalled", true).or_else(|| of("Reconciling", false)).into_iter().collect()
}

fn of_part(part: Part, tenant: &Tenant, problems: &[Problem], observed: &Observed) -> Condition {
    let these: Vec<Problem> = problems.iter().filter(|problem| problem.part == part).cloned().collect();
    if let Some(first) = first(&these) {
        return condition(part.condition(), ConditionStatus::False, first.reason.as_str(), &told(these.iter()));
    }
    let (status, reason, message) = match part {
        Part::Access if tenant.spec.suspended => (ConditionStatus::True, "Suspended", "access is taken away"),
        Part::Certificates if tenant.spec.domains.is_empty() => {
            (ConditionStatus::True, "NoDomains", "no host is named")
        }
        Part::Certificates if !observed.optional_kinds.contains(&Kind::Certificate) => {
            (ConditionStatus::Unknown, "NoCertManager", "the cluster has no cert-manager: certificates are not made")
        }
        Part::NetworkPolicies if observed.optional_kinds.contains(&Kind::CiliumNetworkPolicy) => {
            (ConditionStatus::True, "Reconciled", "as NetworkPolicy and as CiliumNetworkPolicy")
        }
        _ => (ConditionStatus::True, "Reconciled", "as the spec says"),
    };
    condition(part.condition(), status, reason, message)
}

/// Gives conditions their generation, and the time since when their status is what it is.
fn dated(
    mut conditions: Vec<Condition>,
    generation: Option<i64>,
    before: &[Condition],
    now: Timestamp,
) -> Vec<Condition> {
    for condition in &mut conditions {
        let same = before.iter().find(|old| old.type_ == condition.type_ && old.status == condition.status);
        condition.observed_generation = generation;
        condition.last_transition_time = same.map_or_else(|| seconds(now), |same| same.last_transition_time.clone());
    }
    conditions
}

/// RFC 3339 in whole seconds, as every `metav1.Time`.
#[must_use]
pub fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn namespace_status(decision: &NamespaceDecision, problems: &[Problem]) -> NamespaceStatus {
    let (phase, message) = match &decision.state {
        // It may not have been made: then a problem says so.
        NamespaceState::Kept => {
            let unmade = problems.iter().find(|problem| {
                problem.part == Part::Namespaces
                    && problem.message.starts_with(&format!("namespace {}:", decision.name))
            });
            (if unmade.is_some() { "Pending" } else { "Active" }, unmade.map(|problem| problem.message.clone()))
        }
        NamespaceState::NotOwned => ("NotOwned", None),
        NamespaceState::Terminating(blockers) => {
            ("Terminating", Some(blockers.join(" ")).filter(|text| !text.is_empty()))
        }
        NamespaceState::Retained => {
            ("Retained", Some("the spec does not name it; nobody of the tenant has access".into()))
        }
    };
    NamespaceStatus {
        name: decision.name.clone(),
        environment: decision.environment.clone(),
        phase: Some(phase.to_owned()),
        message: message.map(|text| text.chars().take(MESSAGE_CHARS_MAX).collect()),
    }
}

/// The roles of the tenant's accounts: whether their group has its rights. Their access entries are in AWS, and unknown here.
fn access(tenant: &Tenant, problems: &[Problem]) -> Vec<AccessStatus> {
    let wrong = problems.iter().find(|problem| problem.part == Part::Access);
    let message = wrong.map(|problem| problem.message.chars().take(MESSAGE_CHARS_MAX).collect::<String>());
    let of = |account: &berth_crd::Account| {
        let is_suspended = tenant.spec.suspended || account.suspended;
        let state = match (wrong, is_suspended) {
            (Some(problem), _) if problem.reason.needs_a_person() => AccessState::Failed,
            (Some(_), _) | (None, true) => AccessState::Pending,
            (None, false) => AccessState::Ready,
        };
        let who = if tenant.spec.suspended { "tenant" } else { "account" };
        let message = message.clone().or_else(|| is_suspended.then(|| format!("the {who} is suspended")));
        let status = |role: &berth_crd::AccountRole| AccessStatus {
            principal_arn: role.arn.clone(),
            access_entry_arn: None,
            state,
            message: message.clone(),
        };
        account.roles.iter().map(status).collect::<Vec<_>>()
    };
    tenant.spec.accounts.iter().flat_map(of).collect()
}
