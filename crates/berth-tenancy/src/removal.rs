//! What a person does so that something goes which is left over.

use crate::{AccountId, BaselinePart, LeftOver, Thing};

/// How something that is still there is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// What has to be done before the command removes it, as a sentence without a full stop; none when nothing has.
    pub first: Option<String>,
    /// The command, exactly as a person types it.
    pub command: String,
}

impl Removal {
    /// Of an account that is to leave, or is not Berth's any more: whatever it has goes with it.
    #[must_use]
    pub fn with_account(account: &AccountId) -> Self {
        Self { first: None, command: format!("berth offboard {account} --yes") }
    }

    /// Of an account that stays.
    #[must_use]
    pub fn of(account: &AccountId, left: &LeftOver) -> Self {
        let is_part = matches!(left.thing, Thing::BaselinePart { .. });
        if let Some(region) = left.thing.region().filter(|_| !is_part) {
            return Self { first: None, command: format!("berth offboard {account} --region {region} --yes") };
        }
        Self { first: first(left), command: format!("berth onboard {account}") }
    }
}

/// Why the next onboarding would not remove it, turned into what changes that; none where it would.
fn first(left: &LeftOver) -> Option<String> {
    if left.until_next_run {
        return None;
    }
    if left.remove {
        return Some(what_keeps(&left.thing));
    }
    let change = if left.thing.is_access() { "take `leftOver: report` out of" } else { "set `leftOver: remove` in" };
    Some(format!("{change} platform.yaml and deploy"))
}

/// What a step that was to remove it has found in its way.
fn what_keeps(thing: &Thing) -> String {
    match thing {
        Thing::SignIn { .. } => "put `identityCenter` back into platform.yaml and deploy".to_owned(),
        Thing::AccessEntry { at: None, cluster, .. } | Thing::PodIdentity { at: None, cluster, .. } => {
            format!("put the cluster {cluster}, with `eks`, back into platform.yaml and deploy")
        }
        Thing::AccessEntry { .. }
        | Thing::PodIdentity { .. }
        | Thing::BaselinePart { part: BaselinePart::ConfigRule(_), .. } => "give it Berth's tags back".to_owned(),
        Thing::Role { .. } => "give it Berth's tags back, and take it out of instance profiles".to_owned(),
        Thing::Boundary { .. } => "give it Berth's tags back, and take it off roles and users that have it".to_owned(),
        Thing::OidcProvider { .. } => {
            "give it Berth's tags back, and end the trust of the account's other roles in it".to_owned()
        }
        Thing::BaselinePart { part: BaselinePart::ConfigRecorder, .. } => {
            "give it Berth's tags back, and delete the rules that need it".to_owned()
        }
        Thing::BaselinePart { part: BaselinePart::BackupPlan, .. } => {
            "give it Berth's tags back, and take selections of others out of it".to_owned()
        }
        Thing::BaselinePart { part: BaselinePart::BackupVault(_), .. } => {
            "give it Berth's tags back, and wait until its recovery points have ended, or delete them".to_owned()
        }
        Thing::File { path } => format!("take the account's entry out of {path}"),
        Thing::Tag { key, .. } => format!("find out who sets the tag {key}"),
        Thing::Attachment { .. } | Thing::Vpc { .. } | Thing::Baseline { .. } => {
            "take its region out of platform.yaml and deploy".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn account() -> AccountId {
        "111122223333".parse().unwrap()
    }

    fn role() -> Thing {
        Thing::Role { name: "a".to_owned(), arn: "arn:aws:iam::111122223333:role/tenant/x-a".to_owned() }
    }

    #[test]
    fn of_an_account_that_leaves_everything_goes_with_it() {
        let removal = Removal::with_account(&account());
        assert_eq!((removal.first, removal.command.as_str()), (None, "berth offboard 111122223333 --yes"));
    }

    #[test]
    fn of_an_account_that_stays_a_region_goes_alone() {
        let region = || "eu-west-1".parse().unwrap();
        let attachment = Thing::Attachment { region: region(), id: Some("tgw-attach-1".to_owned()) };
        for thing in
            [Thing::Baseline { region: region(), parts: None }, attachment, Thing::Vpc { region: region(), id: None }]
        {
            let removal = Removal::of(&account(), &LeftOver::new(thing, false));
            let command = "berth offboard 111122223333 --region eu-west-1 --yes";
            assert_eq!((removal.first, removal.command.as_str()), (None, command));
        }
    }

    #[test]
    fn a_thing_of_the_baseline_of_a_region_that_stays_goes_with_an_onboarding() {
        let rule = BaselinePart::ConfigRule("berth-volumes".to_owned());
        let rule = |remove| {
            LeftOver::new(Thing::BaselinePart { region: "eu-west-1".parse().unwrap(), part: rule.clone() }, remove)
        };
        let of = |left: &LeftOver| Removal::of(&account(), left);
        assert_eq!(of(&rule(false)).command, "berth onboard 111122223333");
        assert_eq!(of(&rule(false)).first.unwrap(), "set `leftOver: remove` in platform.yaml and deploy");
        assert_eq!(of(&rule(true)).first.unwrap(), "give it Berth's tags back");
    }

    #[test]
    fn access_goes_with_the_next_onboarding_once_nothing_is_in_the_way() {
        let first = |left: LeftOver| {
            let removal = Removal::of(&account(), &left);
            assert_eq!(removal.command, "berth onboard 111122223333");
            removal.first
        };
        let upgraded = LeftOver { until_next_run: true, ..LeftOver::new(role(), false) };
        assert_eq!(first(upgraded), None, "the next run removes it, whatever the policy of this one was");
        let reported = first(LeftOver::new(role(), false)).unwrap();
        assert_eq!(reported, "take `leftOver: report` out of platform.yaml and deploy");
        let provider = Thing::OidcProvider { arn: "arn".to_owned() };
        let reported = first(LeftOver::new(provider, false)).unwrap();
        assert_eq!(reported, "set `leftOver: remove` in platform.yaml and deploy");
        assert!(first(LeftOver::new(role(), true)).unwrap().contains("tags back"), "the step could not prove it");
        let lost = Thing::AccessEntry { role: "arn".to_owned(), cluster: "old".to_owned(), at: None };
        assert!(first(LeftOver::new(lost, true)).unwrap().contains("the cluster old, with `eks`, back"));
    }
}
