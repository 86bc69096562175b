//! Somebody else's automation that hears of accounts: a queue behind a rule on the accounts bus.

use serde_json::{Value, json};

use super::{HUB, Rig};

impl Rig {
    /// A queue that gets every event of Berth's about an account, or those of one `detail-type`. Its address.
    #[must_use]
    pub fn subscribe(&self, account: &str, detail_type: Option<&str>) -> String {
        let name = format!("told-{account}");
        let queue = format!("arn:aws:sqs:us-east-1:{HUB}:{name}");
        let rule = format!("arn:aws:events:us-east-1:{HUB}:rule/berth-accounts/{name}");
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" }, "Action": "sqs:SendMessage",
            "Resource": queue, "Condition": { "ArnEquals": { "aws:SourceArn": rule } },
        }] });
        let made = json!({ "QueueName": name, "Attributes": { "Policy": policy.to_string() } });
        let url = self.call(HUB, "sqs", "create_queue", &made)["QueueUrl"].as_str().expect("an address").to_owned();
        let mut pattern = json!({ "source": ["berth.accounts"], "detail": { "accountId": [account] } });
        if let Some(kind) = detail_type {
            pattern["detail-type"] = json!([kind]);
        }
        let (bus, pattern) = ("berth-accounts", pattern.to_string());
        self.call(HUB, "events", "put_rule", &json!({ "Name": name, "EventBusName": bus, "EventPattern": pattern }));
        let targets = json!({ "Rule": name, "EventBusName": bus, "Targets": [{ "Id": "queue", "Arn": queue }] });
        self.call(HUB, "events", "put_targets", &targets);
        url
    }

    /// The next event of that queue, taken off it; none when there is none.
    #[must_use]
    pub fn received(&self, queue: &str) -> Option<Value> {
        let answer = self.call(HUB, "sqs", "receive_message", &json!({ "QueueUrl": queue }));
        let message = answer["Messages"].get(0)?;
        let receipt = json!({ "QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"] });
        self.call(HUB, "sqs", "delete_message", &receipt);
        Some(serde_json::from_str(message["Body"].as_str()?).expect("an event is JSON"))
    }
}
