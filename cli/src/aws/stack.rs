//! The outputs of the hub's stack: what nobody has to write down. [CloudFormation `DescribeStacks`]

use std::collections::BTreeMap;

use super::query::{self, Refusal, values};
use crate::{outcome::Problem, target::Deployment};

/// The outputs of a stack by their keys.
pub(crate) async fn outputs(deployment: &Deployment, stack: &str) -> Result<BTreeMap<String, String>, Problem> {
    let body = format!("Action=DescribeStacks&Version=2010-05-15&StackName={}", escaped(stack));
    let Refusal { code, message } = match query::call(deployment, "cloudformation", body).await? {
        Ok(text) => return Ok(pairs(&text)),
        Err(refusal) => refusal,
    };
    let what = format!("cloudformation:DescribeStacks of {stack} failed: {code}: {message}");
    Err(match code.as_str() {
        "ValidationError" => Problem::bad_input(
            format!("there is no stack {stack} in this account and region"),
            "give the account, region and stack of the hub: --profile, --region, and stack of the hub in config.toml; \
             or set BERTH_STATE_MACHINE_ARN",
        ),
        "AccessDenied" => Problem::failed(what, "allow cloudformation:DescribeStacks, or set BERTH_STATE_MACHINE_ARN"),
        code if crate::outcome::is_refused(code) => Problem::credentials(what, "sign in anew, or renew the keys"),
        _ => Problem::failed(what, "try again; the call is safe to repeat"),
    })
}

/// A name in a form: what is not a letter, digit or hyphen has no place in the name of a stack.
fn escaped(stack: &str) -> String {
    let kept = |c: &char| c.is_ascii_alphanumeric() || "-.:/".contains(*c);
    stack.chars().filter(kept).collect()
}

fn pairs(xml: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let mut key = None;
    for (name, value) in values(xml) {
        match name.as_str() {
            "OutputKey" => key = Some(value),
            "OutputValue" => pairs.extend(key.take().map(|key| (key, value))),
            _ => {}
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_whatever_stands_between_them() {
        let xml = "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
            <DescribeStacksResult><Stacks><member><StackName>berth</StackName><Outputs>\n\
            <member><Description>The ledger</Description><OutputKey>LedgerTableName</OutputKey>\
            <OutputValue>berth-ledger</OutputValue></member>\
            <member><OutputKey>DashboardUrl</OutputKey><OutputValue>https://x?a=1&amp;b=&lt;2&gt;</OutputValue>\
            <ExportName>x</ExportName></member></Outputs></member></Stacks></DescribeStacksResult>\
            </DescribeStacksResponse>";
        let wanted = [("DashboardUrl", "https://x?a=1&b=<2>"), ("LedgerTableName", "berth-ledger")];
        let wanted = wanted.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(pairs(xml), BTreeMap::from(wanted));
        assert!(pairs("<html>a proxy's page").is_empty());
    }

    #[test]
    fn the_name_of_a_stack_adds_nothing_to_the_call() {
        assert_eq!(escaped("berth&NextToken=x"), "berthNextTokenx");
    }
}
