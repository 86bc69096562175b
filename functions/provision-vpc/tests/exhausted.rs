//! What is said of a full pool, from answers of EC2 that come in pages.
#![allow(clippy::unwrap_used)]

use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    shared::IntoShared,
};
use aws_smithy_types::body::SdkBody;

use super::*;

const POOL: &str = "ipam-pool-1";

/// An EC2 that answers one error to `CreateVpc`, and pages of two to everything that is read.
#[derive(Debug, Clone)]
struct Ec2 {
    error: (&'static str, &'static str),
    provisioned: &'static [&'static str],
    /// Block and owner.
    allocated: &'static [(&'static str, &'static str)],
    may_look: bool,
}

impl Ec2 {
    fn client(&self) -> Client {
        let ec2 = self.clone();
        let config = aws_sdk_ec2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .http_client(http_client_fn(move |_, _| ec2.clone().into_shared()));
        Client::from_conf(config.build())
    }

    fn answer(&self, asked: &str) -> (u16, String) {
        let refused = |code, message| {
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
            )
        };
        let page = asked.split_once("NextToken=").map_or(0, |(_, token)| token[..1].parse::<usize>().unwrap());
        let listed = |operation: &str, set: &str, items: Vec<String>| {
            let items: String = items.into_iter().skip(page * 2).take(2).collect();
            let token = if items.is_empty() { String::new() } else { format!("<nextToken>{}</nextToken>", page + 1) };
            (200, format!("<{operation}Response><{set}>{items}</{set}>{token}</{operation}Response>"))
        };
        match asked {
            _ if asked.contains("Action=CreateVpc&") => (400, refused(self.error.0, self.error.1)),
            _ if !self.may_look => (403, refused("UnauthorizedOperation", "no")),
            _ if asked.contains("Action=GetIpamPoolCidrs&") => {
                let item = |cidr: &&str| format!("<item><cidr>{cidr}</cidr><state>provisioned</state></item>");
                let gone = "<item><cidr>10.9.0.0/16</cidr><state>deprovisioned</state></item>".to_owned();
                listed("GetIpamPoolCidrs", "ipamPoolCidrSet", self.provisioned.iter().map(item).chain([gone]).collect())
            }
            _ => {
                let item = |(cidr, owner): &(&str, &str)| {
                    format!("<item><cidr>{cidr}</cidr><resourceOwner>{owner}</resourceOwner></item>")
                };
                listed("GetIpamPoolAllocations", "ipamPoolAllocationSet", self.allocated.iter().map(item).collect())
            }
        }
    }
}

impl HttpConnector for Ec2 {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let asked = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        let (status, body) = self.answer(&asked);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))))
    }
}

const FULL: (&str, &str) = ("InvalidParameterValue", "The allocation size is too big for the pool.");
const OURS: &str = "111122223333";

fn ec2(provisioned: &'static [&'static str], allocated: &'static [(&'static str, &'static str)]) -> Ec2 {
    Ec2 { error: FULL, provisioned, allocated, may_look: true }
}

/// What the step answers when `CreateVpc` is refused; none when the pool is not said to be full.
async fn refused(ec2: &Ec2) -> Option<StepError> {
    let client = ec2.client();
    let sent = client.create_vpc().ipv4_ipam_pool_id(POOL).send().await.unwrap_err();
    let failure = CallFailure::of("ec2:CreateVpc", &sent);
    if !is_exhausted(&failure) {
        return None;
    }
    Some(error(&client, failure, POOL, 20, &OURS.parse().unwrap()).await)
}

#[tokio::test]
async fn a_full_pool_says_its_name_how_full_it_is_over_all_pages_and_what_to_add() {
    let allocated = &[
        ("10.0.0.0/20", "444455556666"),
        ("10.0.16.0/20", OURS),
        ("10.1.0.0/21", "444455556666"),
        ("10.1.8.0/22", "444455556666"),
        ("10.1.12.0/28", "777788889999"),
    ];
    let error = refused(&ec2(&["10.0.0.0/19", "10.1.0.0/20"], allocated)).await.unwrap();
    assert_eq!(error.fault, Fault::InvalidInput);
    assert_eq!(
        error.message,
        "ipam-pool-1 has no free /20: 11280 of 12288 addresses of 10.0.0.0/19, 10.1.0.0/20 are allocated (91 %), and \
         no free part is large enough or has rested since its release; ec2:CreateVpc failed: InvalidParameterValue: \
         The allocation size is too big for the pool."
    );
    assert!(error.hint.starts_with("provision a further CIDR, a /20 or larger, to ipam-pool-1"), "{}", error.hint);
    assert!(error.hint.contains("berth replay 111122223333"), "{}", error.hint);
}

#[tokio::test]
async fn a_view_of_ones_own_allocations_is_said_to_be_one() {
    let error = refused(&ec2(&["10.0.0.0/19"], &[("10.0.0.0/24", OURS)])).await.unwrap();
    let told = "256 of 8192 addresses of 10.0.0.0/19 are allocated (3 %) as far as 111122223333 sees, which is its own \
                allocations only: ask the pool's owner";
    assert!(error.message.contains(told), "{}", error.message);
    let all = refused(&ec2(&["10.0.0.0/20"], &[("10.0.0.0/20", OURS)])).await.unwrap();
    assert!(
        all.message.contains("4096 of 4096 addresses of 10.0.0.0/20 are allocated (100 %); ec2"),
        "{}",
        all.message
    );
    let blind = refused(&Ec2 { may_look: false, ..ec2(&[], &[]) }).await.unwrap();
    assert!(blind.message.contains("no free /20, and 111122223333 may not see how full it is"), "{}", blind.message);
    let empty = refused(&ec2(&[], &[])).await.unwrap();
    assert!(empty.message.contains("0 of 0 addresses of no CIDR are allocated (100 %)"), "{}", empty.message);
}

#[tokio::test]
async fn only_the_pools_size_is_exhaustion_and_not_everything_with_that_code() {
    let pool = ec2(&["10.0.0.0/19"], &[]);
    assert!(refused(&Ec2 { error: ("InsufficientCidrBlocks", "no"), ..pool.clone() }).await.is_some());
    for error in [
        ("InvalidParameterValue", "The resource is missing one or more of the resource tags required by the IPAM pool"),
        ("VpcLimitExceeded", "The maximum number of VPCs has been reached."),
    ] {
        assert!(refused(&Ec2 { error, ..pool.clone() }).await.is_none(), "{error:?}");
    }
}

#[tokio::test]
async fn a_pool_of_many_cidrs_is_listed_in_short() {
    let provisioned = &[
        "10.0.0.0/24",
        "10.0.1.0/24",
        "10.0.2.0/24",
        "10.0.3.0/24",
        "10.0.4.0/24",
        "10.0.5.0/24",
        "10.0.6.0/24",
        "10.0.7.0/24",
        "10.0.8.0/24",
        "10.0.9.0/24",
    ];
    let error = refused(&ec2(provisioned, &[])).await.unwrap();
    assert!(error.message.contains("0 of 2560 addresses of 10.0.0.0/24, "), "{}", error.message);
    assert!(error.message.contains("10.0.7.0/24, 2 more are allocated (0 %)"), "{}", error.message);
}
