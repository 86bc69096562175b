//! Calls in the Query protocol: a form is sent, and XML comes back. [AWS "Query requests"]

use xmlparser::{ElementEnd, Token, Tokenizer};

use super::signed;
use crate::{outcome::Problem, target::Deployment};

/// What a service says when it does not do what it was asked.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// AWS's code; the HTTP status where the answer has none.
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Asks a service; its answer, or why it refuses.
pub(crate) async fn call(
    deployment: &Deployment,
    service: &str,
    form: String,
) -> Result<Result<String, Refusal>, Problem> {
    let header = ("content-type", "application/x-www-form-urlencoded");
    let answer = signed::post(deployment, service, "/", &[header], form).await?;
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    if status.is_success() {
        return Ok(Ok(text));
    }
    let code = value(&text, "Code").unwrap_or_else(|| status.to_string());
    Ok(Err(Refusal { code, message: value(&text, "Message").unwrap_or_default() }))
}

/// The text of the first element of a name.
pub(crate) fn value(xml: &str, name: &str) -> Option<String> {
    values(xml).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Every element that holds a text alone, in order. What is no XML holds none.
pub(super) fn values(xml: &str) -> Vec<(String, String)> {
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
