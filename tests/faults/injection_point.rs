//! Where a scenario can be broken: its calls, named so that the same call has the same name in every run.

use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::rig::{Call, HUB, MANAGEMENT, NETWORK};

/// Whose account a call is made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The account that is onboarded.
    Tenant,
    /// The account of the Transit Gateways.
    Network,
    /// The organization's management account.
    Management,
    /// The account that Berth runs in.
    Hub,
}

impl Owner {
    const ALL: [Self; 4] = [Self::Tenant, Self::Network, Self::Management, Self::Hub];

    fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Network => "network",
            Self::Management => "management",
            Self::Hub => "hub",
        }
    }

    fn of(account: &str) -> Self {
        match account {
            NETWORK => Self::Network,
            MANAGEMENT => Self::Management,
            HUB => Self::Hub,
            _ => Self::Tenant,
        }
    }

    /// The account's id when `tenant` is onboarded.
    #[must_use]
    pub fn account(self, tenant: &str) -> &str {
        match self {
            Self::Tenant => tenant,
            Self::Network => NETWORK,
            Self::Management => MANAGEMENT,
            Self::Hub => HUB,
        }
    }
}

/// One call of a scenario: the nth of its kind. Calls of one kind may be made at once, so which of them is the nth differs
/// from run to run; that there is an nth does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InjectionPoint {
    /// The function, without `berth-`.
    pub function: String,
    /// Whose account.
    pub owner: Owner,
    /// The region.
    pub region: String,
    /// The service, by its signing name.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Counted from 1.
    pub nth: usize,
}

impl InjectionPoint {
    /// The same call, wherever it is made: a function does alike in every region.
    #[must_use]
    pub fn somewhere(&self) -> Self {
        Self { region: String::new(), ..self.clone() }
    }
}

impl fmt::Display for InjectionPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, owner, region, service, operation, nth } = self;
        write!(f, "{function}/{}/{region}/{service}:{operation}#{nth}", owner.name())
    }
}

impl FromStr for InjectionPoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no point; one is provision-vpc/tenant/eu-west-1/ec2:CreateVpc#1");
        let (path, nth) = text.rsplit_once('#').ok_or_else(wrong)?;
        let parts: Vec<&str> = path.split('/').collect();
        let [function, owner, region, call] = parts.as_slice() else { return Err(wrong()) };
        let (service, operation) = call.split_once(':').ok_or_else(wrong)?;
        Ok(Self {
            function: (*function).to_owned(),
            owner: Owner::ALL.into_iter().find(|each| each.name() == *owner).ok_or_else(wrong)?,
            region: (*region).to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            nth: nth.parse().ok().filter(|nth| *nth > 0).ok_or_else(wrong)?,
        })
    }
}

/// The points of recorded scenarios, each with the effect of its call. How often a step polls differs from run to run, so
/// a call counts as often as it is made in every recording.
#[must_use]
pub fn points(recordings: &[Vec<Call>]) -> BTreeMap<InjectionPoint, String> {
    let mut counted = recordings.iter().map(|calls| kinds(calls));
    let Some(mut least) = counted.next() else { return BTreeMap::new() };
    for counts in counted {
        least.retain(|kind, (count, _)| {
            let other = counts.get(kind).map_or(0, |(other, _)| *other);
            *count = other.min(*count);
            *count > 0
        });
    }
    let mut points = BTreeMap::new();
    for (kind, (count, effect)) in least {
        for nth in 1..=count {
            points.insert(InjectionPoint { nth, ..kind.clone() }, effect.clone());
        }
    }
    points
}

/// How many calls of each kind there are, and their effect.
fn kinds(calls: &[Call]) -> BTreeMap<InjectionPoint, (usize, String)> {
    let mut kinds: BTreeMap<InjectionPoint, (usize, String)> = BTreeMap::new();
    for call in calls {
        let kind = InjectionPoint {
            function: call.function.trim_start_matches("berth-").to_owned(),
            owner: Owner::of(&call.account),
            region: call.region.clone(),
            service: call.service.clone(),
            operation: call.operation.clone(),
            nth: 0,
        };
        kinds.entry(kind).or_insert_with(|| (0, call.effect.clone())).0 += 1;
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(account: &str, operation: &str) -> Call {
        Call {
            seq: 1,
            account: account.to_owned(),
            session: String::new(),
            region: "eu-west-1".to_owned(),
            service: "ec2".to_owned(),
            operation: operation.to_owned(),
            effect: "read".to_owned(),
            function: "berth-provision-vpc".to_owned(),
            request_id: "r".to_owned(),
            error: String::new(),
            trace: String::new(),
            parameters: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn every_call_that_all_recordings_have_is_a_point_and_no_other() {
        let tenant = "111122223333";
        let first = vec![call(tenant, "DescribeVpcs"), call(tenant, "DescribeVpcs"), call(NETWORK, "DescribeVpcs")];
        let second =
            vec![call("444455556666", "DescribeVpcs"), call(NETWORK, "DescribeVpcs"), call(tenant, "CreateVpc")];
        let names: Vec<String> = points(&[first, second]).into_keys().map(|point| point.to_string()).collect();
        let expected =
            ["provision-vpc/tenant/eu-west-1/ec2:DescribeVpcs#1", "provision-vpc/network/eu-west-1/ec2:DescribeVpcs#1"];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_point_is_read_back_from_its_name_and_anything_else_is_refused() {
        let name = "attach-transit-gateway/network/eu-west-1/ec2:SearchTransitGatewayRoutes#2";
        let point: InjectionPoint = name.parse().unwrap();
        assert_eq!((point.owner, point.nth, point.to_string().as_str()), (Owner::Network, 2, name));
        for wrong in ["", "a#1", "a/tenant/r/ec2:X#0", "a/nowhere/r/ec2:X#1", "a/tenant/r/ec2#1", "a/tenant/r/ec2:X"] {
            assert!(wrong.parse::<InjectionPoint>().is_err(), "{wrong}");
        }
    }
}
