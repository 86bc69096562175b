//! Who an account is: bound once, compared by every later plan.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::LazyLock;

use berth_config::{AccountFacts, Match, Onboarding, PlatformConfig};
use berth_events::Transfer;
use berth_ledger::{Bound, Record, SignInRecord};
use berth_step::{Fault, StepError};
use berth_tenancy::{Claim, Identity, Mode, Plan};
use jiff::Timestamp;
use plan_onboarding::{OnboardingRequest, bind, claimed, joins, plan, subject, transfer_plan};
use serde_json::json;

const TAG: &str = "berth:tenant";

static EXAMPLE: LazyLock<String> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/platform.example.yaml");
    std::fs::read_to_string(path).unwrap()
});

/// What a plan is made from.
#[derive(Clone)]
struct Situation {
    facts: AccountFacts,
    platform: String,
}

impl Situation {
    fn new(name: &str) -> Self {
        let facts = AccountFacts {
            account_id: "111122223333".parse().unwrap(),
            name: name.to_owned(),
            email: None,
            state: "ACTIVE".to_owned(),
            ous: vec!["ou-ab12-dev00001".to_owned()],
            joined: None,
            tags: [].into(),
        };
        Self { facts, platform: EXAMPLE.clone() }
    }

    fn tagged(mut self, tenant: &str) -> Self {
        self.facts.tags.insert(TAG.to_owned(), tenant.to_owned());
        self
    }

    fn in_unit(mut self, unit: &str) -> Self {
        self.facts.ous = vec![unit.to_owned()];
        self
    }

    fn edited(mut self, from: &str, to: &str) -> Self {
        assert!(self.platform.contains(from), "{from}");
        self.platform = self.platform.replace(from, to);
        self
    }

    fn matched(&self) -> Onboarding {
        match PlatformConfig::parse(&self.platform).unwrap().match_account(&self.facts).unwrap() {
            Match::Onboard(matched) => *matched,
            Match::Ignored { reason } => panic!("{reason}"),
        }
    }

    fn plan(&self) -> Plan {
        let account = self.facts.account_id.clone();
        let request = OnboardingRequest {
            account,
            mode: Mode::Apply,
            generation: None,
            allow_disruption: false,
            only_planned: None,
            repairs: None,
            transfer: None,
        };
        plan(subject(&self.facts, &self.matched(), None, &request, "arn"), self.matched())
    }

    fn wanted(&self) -> Identity {
        self.matched().identity()
    }

    fn bind(&self, record: Option<&Record>) -> Result<Bound, StepError> {
        bind(record, &self.wanted(), &self.facts, &self.matched(), None, at(2))
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The record of an account that was onboarded in this situation.
fn bound(situation: &Situation) -> Record {
    let binding = bind(None, &situation.wanted(), &situation.facts, &situation.matched(), None, at(1)).unwrap().binding;
    let record = json!({
        "accountId": "111122223333", "status": "onboarded", "generation": 1, "since": "2026-11-01T00:00:00Z",
        "binding": binding,
    });
    serde_json::from_value(record).unwrap()
}

/// As a version before bindings wrote it.
fn unbound(situation: &Situation) -> Record {
    let plan = situation.plan();
    let role = |role: &berth_tenancy::RolePlan| json!({ "name": role.key, "arn": format!("arn:aws:iam::111122223333:role{}{}", role.path, role.name) });
    let record = json!({
        "accountId": "111122223333", "status": "onboarded", "generation": 1, "since": "2026-11-01T00:00:00Z",
        "tenant": plan.run.tenant, "environment": plan.run.environment,
        "roles": plan.roles.roles.iter().map(role).collect::<Vec<_>>(),
        "commit": { "sha": "0", "path": plan.git_ops.path },
    });
    serde_json::from_value(record).unwrap()
}

#[test]
fn the_first_plan_binds_and_the_same_plan_again_changes_nothing() {
    let situation = Situation::new("payments-dev");
    let first = situation.bind(None).unwrap();
    assert!(first.is_new);
    assert_eq!((first.seen, first.binding.revision, first.binding.since), (None, 1, at(2)));
    let again = situation.bind(Some(&bound(&situation))).unwrap();
    assert!(!again.is_new);
    assert_eq!((again.seen, again.binding.revision, again.binding.since), (Some(1), 1, at(1)));
}

#[test]
fn an_account_of_an_earlier_version_is_bound_to_what_it_has() {
    let situation = Situation::new("payments-dev");
    let adopted = situation.bind(Some(&unbound(&situation))).unwrap();
    assert!(!adopted.is_new);
    assert_eq!((adopted.seen, adopted.binding.revision), (None, 1));
    assert_eq!(adopted.binding.identity, situation.wanted());
}

#[test]
fn whatever_would_make_the_account_another_one_is_refused() {
    let payments = Situation::new("payments-dev");
    let role = "name: \"{tenant}-developer\"\n          trust: { permissionSet: { name: TenantDeveloper } }";
    for (changed, both) in [
        (Situation::new("harvest-dev"), ["payments/dev", "harvest/dev"]),
        (payments.clone().tagged("harvest"), ["payments/dev", "harvest/dev"]),
        (payments.clone().in_unit("ou-ab12-prd00001").tagged("payments"), ["payments/dev", "payments/prod"]),
        (payments.clone().in_unit("ou-ab12-stg00001"), ["payments/dev", "payments-dev/staging"]),
        (payments.clone().edited("  dev:\n", "  development:\n"), ["payments/dev", "payments-dev/development"]),
        (payments.clone().edited("cluster: dev-euw1", "cluster: prod-euw1"), ["dev-euw1", "prod-euw1"]),
        (
            payments.clone().edited("dev-euw1: { region: eu-west-1,", "dev-euw1: { region: eu-west-3,"),
            ["dev-euw1 in eu-west-1", "dev-euw1 in eu-west-3"],
        ),
        (
            payments.clone().edited(role, &role.replace("-developer\"", "-builder\"")),
            ["/tenant/payments-developer", "/tenant/payments-builder"],
        ),
        (payments.clone().edited("name: berth-tenant-boundary", "name: tenant-boundary"), ["berth-tenant", "tenant-b"]),
    ] {
        let error = changed.bind(Some(&bound(&payments))).unwrap_err();
        assert_eq!(error.fault, Fault::NotOwned, "{error}");
        assert!(both.iter().all(|side| error.message.contains(side)), "{both:?}: {error}");
        assert!(error.hint.contains("undo it") && error.hint.contains("berth transfer 111122223333 --to"), "{error}");
        assert!(!error.fault.is_retryable());
        let earlier = changed.bind(Some(&unbound(&payments)));
        let in_old_records = !both.iter().any(|side| side.contains("boundary") || side.contains(" in eu-west"));
        assert_eq!(earlier.is_err(), in_old_records && !error.message.contains("boundary is"), "{both:?}");
    }
}

#[test]
fn a_late_tag_that_names_the_same_tenant_is_no_change() {
    let payments = Situation::new("payments-dev");
    let tagged = payments.clone().tagged("payments").bind(Some(&bound(&payments))).unwrap();
    assert_eq!((tagged.seen, tagged.binding.revision), (Some(1), 2), "how it is known is written down");
    let renamed = Situation::new("harvest-dev").tagged("payments");
    assert!(renamed.bind(Some(&bound(&payments))).is_ok(), "a tag holds the tenant whatever the name becomes");
}

#[test]
fn a_new_role_is_given_and_one_that_left_is_remembered() {
    let payments = Situation::new("payments-dev");
    let more = payments.clone().edited("- key: workload", "- key: worker");
    let both = more.bind(Some(&bound(&payments))).unwrap().binding.identity;
    assert!(both.given.contains_key("role workload") && both.given.contains_key("role worker"), "{both:?}");
}

#[test]
fn a_record_whose_parts_disagree_is_for_a_person_to_decide() {
    let payments = Situation::new("payments-dev");
    // An earlier version planned the account under another name and failed: the record names both.
    let torn = Record { tenant: "harvest".parse().ok(), ..unbound(&payments) };
    for situation in [&payments, &Situation::new("harvest-dev")] {
        let error = situation.bind(Some(&torn)).unwrap_err();
        assert_eq!(error.fault, Fault::NotOwned, "{error}");
    }
}

fn claim(environment: &str, account: &str) -> Claim {
    Claim {
        tenant: "payments".parse().unwrap(),
        environment: environment.parse().unwrap(),
        account_id: account.parse().unwrap(),
        since: at(0),
    }
}

#[test]
fn a_second_claimant_is_refused_with_both_accounts_and_the_tag() {
    for situation in [Situation::new("Payments  (DEV)"), Situation::new("other-dev").tagged("payments")] {
        let source = situation.matched().tenant_from;
        let claims = [claim("dev", "999900001111")];
        let error = joins(&claims, &situation.wanted(), &situation.facts, source, TAG).unwrap_err();
        assert_eq!(error.to_string(), claimed(&claims[0], &situation.facts, source, TAG).to_string());
        assert_eq!(error.fault, Fault::NotOwned);
        for text in ["999900001111", "111122223333", "payments", "dev"] {
            assert!(error.message.contains(text), "{text}: {error}");
        }
        assert!(error.hint.contains("set its tag berth:tenant in Organizations"), "{error}");
        assert!(!error.hint.contains("by hand"), "nobody is led to write this account into the other one's file");
    }
}

#[test]
fn a_plan_shows_a_join_as_a_join() {
    let situation = Situation::new("payments-dev");
    let changes = |claims: &[Claim]| {
        let source = situation.matched().tenant_from;
        joins(claims, &situation.wanted(), &situation.facts, source, TAG).unwrap()
    };
    assert_eq!(changes(&[]), None);
    assert_eq!(
        changes(&[claim("dev", "111122223333"), claim("prod", "999900001111")]).unwrap(),
        "join the tenant payments, because its name is \"payments-dev\": prod is 999900001111",
    );
}

/// The record of an account that was onboarded, with what was made.
fn onboarded(situation: &Situation) -> Record {
    let mut record = unbound(situation);
    record.binding = bound(situation).binding;
    let sign_in = situation.matched().sign_in.unwrap();
    record.sign_in = sign_in
        .assignments
        .iter()
        .map(|each| SignInRecord { group: each.group.clone(), permission_set: each.permission_set.clone() })
        .collect();
    record.cluster_access = serde_json::from_value(json!([{
        "cluster": "dev-euw1",
        "entries": [{ "role": record.roles[0].arn, "groups": ["tenant:payments:dev:edit"] }],
    }]))
    .unwrap();
    let network = json!({ "vpcId": "vpc-1", "cidr": "10.0.0.0/20", "attachmentId": "tgw-attach-1" });
    record.regions = [("eu-west-1".parse().unwrap(), serde_json::from_value(network).unwrap())].into();
    record
}

fn wish(to: &str, is_old_access_removed: bool) -> Transfer {
    let (tenant, environment) = to.split_once('/').unwrap();
    Transfer { tenant: tenant.parse().unwrap(), environment: environment.parse().unwrap(), is_old_access_removed }
}

#[test]
fn a_transfer_lists_what_is_taken_away_first_and_what_moves() {
    let (was, now) = (Situation::new("payments-dev"), Situation::new("harvest-dev"));
    let record = onboarded(&was);
    let transfer = transfer_plan(&record, &was.wanted(), &now.wanted(), &now.matched());
    assert_eq!((transfer.from.as_str(), transfer.to.as_str()), ("payments/dev", "harvest/dev"));
    let kinds: Vec<&str> = transfer.taken_away.iter().map(|line| line.split(' ').next().unwrap()).collect();
    let order: Vec<&str> = {
        let mut seen = kinds.clone();
        seen.dedup();
        seen
    };
    assert_eq!(order, ["entry", "access", "sign-in", "role", "permissions"], "{:?}", transfer.taken_away);
    assert!(transfer.taken_away.iter().any(|line| line.contains("payments-developers with TenantDeveloper")));
    assert!(transfer.taken_away.iter().any(|line| line.contains("tenants/df/payments.yaml")));
    assert!(transfer.moves.iter().any(|line| line.contains("vpc-1") && line.contains("10.0.0.0/20")));
    assert!(transfer.made_anew.iter().any(|line| line.ends_with("role/tenant/harvest-developer")));
    assert!(transfer.made_anew.iter().any(|line| line.contains("harvest-developers with")));
}

#[test]
fn a_transfer_binds_anew_only_when_no_access_of_before_is_left() {
    let (was, now) = (Situation::new("payments-dev"), Situation::new("harvest-dev"));
    let record = onboarded(&was);
    let bind = |request: &Transfer, record: &Record| {
        bind(Some(record), &now.wanted(), &now.facts, &now.matched(), Some(request), at(9))
    };
    let refused = bind(&wish("harvest/dev", false), &record).unwrap_err();
    assert_eq!(refused.fault, Fault::InvalidInput, "{refused}");
    assert!(
        refused.message.contains("sign-in of payments-developers") && refused.hint.contains("--old-access-removed")
    );
    let other = bind(&wish("ferry/dev", true), &record).unwrap_err();
    assert!(other.message.contains("ferry/dev") && other.message.contains("harvest/dev"), "{other}");
    // A run that failed may have made roles that no record lists.
    let failed = bind(&wish("harvest/dev", false), &bound(&was)).unwrap_err();
    assert!(failed.message.contains("role/tenant/payments-developer"), "{failed}");
    for record in [&record, &bound(&was)] {
        let bound = bind(&wish("harvest/dev", true), record).unwrap();
        assert_eq!(bound.binding.identity, now.wanted());
        assert_eq!((bound.seen, bound.binding.revision, bound.binding.since), (Some(1), 2, at(9)));
        assert_eq!(bound.released.unwrap().to_string(), "payments/dev");
    }
    // All of it was taken away, by a run that said so.
    let removal = json!({ "since": "2026-11-01T00:00:00Z", "execution": "arn:access" });
    let bare = Record { access_removed: serde_json::from_value(removal).unwrap(), ..bound(&was) };
    assert_eq!(bind(&wish("harvest/dev", false), &bare).unwrap().binding.identity, now.wanted());
    // A retry of the same request, after it was written.
    let again = bind(&wish("harvest/dev", true), &bound(&now)).unwrap();
    assert_eq!((again.released, again.binding.revision), (None, 1));
}
