//! Every place where text of onboardings comes to rest, for tests that look where a secret must not be.

use std::fs;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{HUB, Rig};

/// Most messages that one answer of SQS holds.
const MESSAGES_MAX: usize = 10;

/// What is written at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `log`, `history`, `queue`, `ledger`, `settings` or `repository`, and which one.
    pub name: String,
    /// Everything there.
    pub text: String,
}

/// How a secret may show: as it is, and inside of base64 at each of the three positions that it can have there.
#[must_use]
pub fn disguises(secret: &str) -> Vec<String> {
    let within = |before: usize| {
        let padded = [vec![0; before], secret.as_bytes().to_vec()].concat();
        let text = STANDARD.encode(&padded);
        // Characters at both ends depend on what is around, too.
        text.get([0, 2, 3][before]..padded.len() / 3 * 4).unwrap_or_default().to_owned()
    };
    let encoded: Vec<String> = (0..3).map(within).collect();
    let for_addresses = encoded.iter().map(|text| text.replace('+', "-").replace('/', "_"));
    [secret.to_owned()].into_iter().chain(for_addresses).chain(encoded.clone()).collect()
}

impl Rig {
    /// Logs of functions, histories, queues and dead letters, the ledger, settings of functions, and the repository with
    /// every branch and all history.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        let mut places = self.function_logs();
        places.extend(self.histories());
        places.extend(self.messages());
        let place = |name: &str, text: String| Place { name: name.to_owned(), text };
        places.push(place("ledger", self.pages("dynamodb", "scan", &json!({ "TableName": "berth-ledger" }), &KEYS)));
        places.push(place("settings", self.call(HUB, "lambda", "list_functions", &json!({})).to_string()));
        places.push(place("repository", self.whole_repository()));
        places
    }

    fn function_logs(&self) -> Vec<Place> {
        let folder = self.logs().join("functions");
        let files = fs::read_dir(folder).expect("functions have logged").map(|entry| entry.expect("an entry").path());
        let read = |path: std::path::PathBuf| Place {
            name: format!("log {}", path.display()),
            text: String::from_utf8_lossy(&fs::read(&path).expect("a log")).into_owned(),
        };
        files.map(read).collect()
    }

    /// Input, output, error and cause of every execution, and every event of its history.
    fn histories(&self) -> Vec<Place> {
        let machine = json!({ "stateMachineArn": self.environment["BERTH_STATE_MACHINE_ARN"] });
        let listed = self.call(HUB, "stepfunctions", "list_executions", &machine);
        let executions = listed["executions"].as_array().expect("executions").iter();
        let history = |execution: &Value| {
            let which = json!({ "executionArn": execution["executionArn"] });
            let told = self.call(HUB, "stepfunctions", "describe_execution", &which);
            let events = self.pages("stepfunctions", "get_execution_history", &which, &["nextToken", "nextToken"]);
            Place { name: format!("history {}", execution["executionArn"]), text: format!("{told}\n{events}") }
        };
        executions.map(history).collect()
    }

    /// Messages that wait in any queue; they stay there.
    fn messages(&self) -> Vec<Place> {
        let listed = self.call(HUB, "sqs", "list_queues", &json!({}));
        let waiting = |url: &Value| {
            let asked = json!({
                "QueueUrl": url, "MaxNumberOfMessages": MESSAGES_MAX, "VisibilityTimeout": 0,
                "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"],
            });
            let text = self.call(HUB, "sqs", "receive_message", &asked);
            let count = text["Messages"].as_array().map_or(0, Vec::len);
            assert!(count < MESSAGES_MAX, "{url} may hold more than was read");
            Place { name: format!("queue {url}"), text: text.to_string() }
        };
        listed["QueueUrls"].as_array().expect("queues").iter().map(waiting).collect()
    }

    /// All pages of an answer; `token` is where a page names the next one, and where that is asked for.
    fn pages(&self, service: &str, operation: &str, asked: &Value, token: &[&str; 2]) -> String {
        let (mut asked, mut text) = (asked.clone(), String::new());
        loop {
            let page = self.call(HUB, service, operation, &asked);
            text.push_str(&page.to_string());
            match page.get(token[0]) {
                Some(next) if !next.is_null() => asked[token[1]] = next.clone(),
                _ => return text,
            }
        }
    }
}

/// Of DynamoDB's pages.
const KEYS: [&str; 2] = ["LastEvaluatedKey", "ExclusiveStartKey"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_recognised_wherever_it_is_in_base64() {
        let seen = |text: &str| disguises("correct horse battery").iter().any(|disguise| text.contains(disguise));
        for before in ["", "b", "be", "berth:"] {
            for after in ["", "!", "!!", "!!!"] {
                let whole = format!("{before}correct horse battery{after}");
                assert!(seen(&whole) && seen(&STANDARD.encode(&whole)), "{whole}");
            }
        }
        assert!(!seen("correct horse batterx") && !seen(&STANDARD.encode("correct horse batterx")));
        assert!(disguises("correct horse battery").iter().all(|disguise| disguise.len() > 20));
    }
}
