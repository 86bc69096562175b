//! The outputs of the hub's stack: what nobody has to write down. [CloudFormation `DescribeStacks`]

use std::collections::BTreeMap;

use xmlparser::{ElementEnd, Token, Tokenizer};

use super::signed;
use crate::{outcome::Problem, target::Deployment};

/// The outputs of a stack by their keys.
pub(crate) async fn outputs(deployment: &Deployment, stack: &str) -> Result<BTreeMap<String, String>, Problem> {
    let body = format!("Action=DescribeStacks&Version=2010-05-15&StackName={}", escaped(stack));
    let answer = signed::post(deployment, "cloudformation", "/", &[signed::FORM], body).await?;
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    if status.is_success() {
        return Ok(pairs(&text));
    }
    let said = |name| value(&text, name);
    let (code, message) = (said("Code").unwrap_or_else(|| status.to_string()), said("Message").unwrap_or_default());
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

/// The text of the first element of a name.
pub(crate) fn value(xml: &str, name: &str) -> Option<String> {
    values(xml).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Every element that holds a text alone, in order. What is no XML holds none.
fn values(xml: &str) -> Vec<(String, String)> {
    let mut values = Vec::new();
    let mut open = String::new();
    let mut text = String::new();
    for token in Tokenizer::from(xml).map_while(Result::ok) {
        match token {
            Token::ElementStart { local, .. } => {
                local.as_str().clone_into(&mut open);
                text.clear();
            }
            Token::Text { text: part } | Token::Cdata { text: part, .. } => text.push_str(part.as_str()),
            Token::ElementEnd { end: ElementEnd::Close(_, local), .. } => {
                if local.as_str() == open {
                    values.push((std::mem::take(&mut open), unescaped(&text)));
                }
                text.clear();
            }
            _ => {}
        }
    }
    values
}

fn unescaped(text: &str) -> String {
    // The ampersand last: what it makes is no entity again.
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
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
