//! The gateway's journal: which calls were made, by which function, for which execution; and fault rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
};

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::Rig;
use crate::registry::steps;

/// Newest calls that may still be under way.
const SETTLE_CALLS: u64 = 1_000;

/// One AWS call of a function.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Call {
    /// Its number.
    pub seq: u64,
    /// The account in which it was made.
    pub account: String,
    /// Name of the session, of a call by an assumed role: that of the execution.
    pub session: String,
    /// The region.
    pub region: String,
    /// The service, by its signing name.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// `read`, `session`, `execution`, `data` or `resource`.
    pub effect: String,
    /// The function.
    pub function: String,
    /// The invocation.
    pub request_id: String,
    /// Name of the error in the answer; empty for none.
    pub error: String,
    /// Trace header of X-Ray that the call had; empty for none.
    pub trace: String,
    /// Of a call that changes a resource, what it names, by the names of the API (`RoleName`, `ResourceId.1`).
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// A call, and when it was under way.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TimedCall {
    /// The call.
    #[serde(flatten)]
    pub call: Call,
    /// When it began, in seconds since 1970.
    pub time: f64,
    /// How long it took; none while it is under way.
    pub duration_ms: Option<f64>,
}

/// One invocation that ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Invocation {
    /// Its number.
    pub seq: u64,
    /// The function.
    pub function: String,
    /// Its id.
    pub request_id: String,
    /// The fault; empty for none.
    pub error_type: String,
}

/// The clock of what AWS does by itself, while it stands still.
#[derive(Debug)]
pub struct StoppedClock<'a> {
    rig: &'a Rig,
    _turn: MutexGuard<'static, ()>,
}

impl Drop for StoppedClock<'_> {
    fn drop(&mut self) {
        self.rig.clock("start");
    }
}

impl Rig {
    pub(super) fn gateway(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let request = self.http.request(method, format!("{}/_berth/{path}", self.endpoint));
        let request = body.iter().fold(request, |request, body| request.body(body.to_string()));
        let text = self.runtime.block_on(async { request.send().await?.error_for_status()?.text().await });
        serde_json::from_str(&text.expect("the gateway answers")).expect("the gateway answers JSON")
    }

    /// Calls of functions after the call number `since`.
    #[must_use]
    pub fn calls(&self, since: u64) -> Vec<Call> {
        self.timed_calls(since).into_iter().map(|timed| timed.call).collect()
    }

    /// The same, with their times.
    #[must_use]
    pub fn timed_calls(&self, since: u64) -> Vec<TimedCall> {
        let answer = self.gateway(Method::GET, &format!("calls?since={since}&plumbing=false"), None);
        let calls: Vec<TimedCall> = serde_json::from_value(answer["calls"].clone()).expect("calls");
        calls.into_iter().filter(|timed| !timed.call.function.is_empty()).collect()
    }

    /// Calls of the steps of one execution. Of functions that serve many executions at once (accept-event,
    /// commit-tenant, announce-outcome) it has none.
    #[must_use]
    pub fn calls_of(&self, execution: &str) -> Vec<Call> {
        let requests = self.requests_of(execution);
        assert!(!requests.is_empty(), "no step logged {execution}");
        // Not the calls of everything that was before: there may be tens of thousands.
        let since = self.began.lock().unwrap_or_else(PoisonError::into_inner).get(execution).copied().unwrap_or(0);
        self.calls(since).into_iter().filter(|call| requests.contains(&call.request_id)).collect()
    }

    /// Invocations that an execution's steps have logged.
    #[must_use]
    pub fn requests_of(&self, execution: &str) -> BTreeSet<String> {
        let mut requests = BTreeSet::new();
        for function in steps().iter().filter(|step| step.is_invoked_by_executions()) {
            let lines = self.log_lines(&format!("berth-{}", function.name));
            for line in lines.iter().filter(|line| line.contains(execution)) {
                let line: Value = serde_json::from_str(line).expect("functions log JSON");
                requests.extend(line["request"].as_str().map(str::to_owned));
            }
        }
        requests
    }

    /// Waits until no call and no invocation is under way: what a killed function has sent may still take effect, and a
    /// function goes on when its execution is stopped.
    pub fn settle(&self) {
        let since = self.last_call().saturating_sub(SETTLE_CALLS);
        self.until("calls that are under way", || {
            let calls = self.gateway(Method::GET, &format!("calls?since={since}"), None);
            let calls = calls["calls"].as_array().expect("calls");
            let is_ours = |call: &Value| call["function"] != "" || call["operation"] == "Invoke";
            let under_way = |call: &Value| call["status"].is_null() && is_ours(call);
            (!calls.iter().any(under_way)).then_some(())
        });
    }

    /// Has the gateway read functions and queues anew, after a change past it.
    pub fn refresh(&self) {
        self.gateway(Method::POST, "refresh", None);
    }

    /// Number of the newest call.
    #[must_use]
    pub fn last_call(&self) -> u64 {
        self.gateway(Method::GET, &format!("calls?since={}", u64::MAX), None)["last"].as_u64().expect("a number")
    }

    /// Invocations after the invocation number `since`.
    #[must_use]
    pub fn invocations(&self, since: u64) -> Vec<Invocation> {
        let answer = self.gateway(Method::GET, &format!("invocations?since={since}"), None);
        serde_json::from_value(answer["invocations"].clone()).expect("invocations")
    }

    /// Number of the newest invocation.
    #[must_use]
    pub fn last_invocation(&self) -> u64 {
        self.gateway(Method::GET, "invocations?function=none", None)["last"].as_u64().expect("a number")
    }

    /// Invokes a function as Step Functions does; what it answers, and whether that is an error.
    #[must_use]
    pub fn invoke(&self, function: &str, payload: &Value) -> (Value, bool) {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint);
        let key = &self.environment["AWS_ACCESS_KEY_ID"];
        // The gateway reads who asks, and of which service; it checks no signatures.
        let signed = format!("AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/lambda/aws4_request");
        let request = self.http.post(url).header("authorization", signed).body(payload.to_string());
        let (failed, text) = self.runtime.block_on(async {
            let answer = request.send().await.expect("the host answers");
            (answer.headers().contains_key("x-amz-function-error"), answer.text().await.expect("a body"))
        });
        (serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")), failed)
    }

    /// Sets a fault rule; its id.
    #[must_use]
    pub fn break_calls(&self, rule: &Value) -> u64 {
        self.gateway(Method::POST, "rules", Some(rule))["id"].as_u64().expect("an id")
    }

    /// Has the clock of what AWS does by itself stand still until the answer is dropped: attachments stay as they are. One
    /// test at a time.
    ///
    /// # Panics
    /// When the local AWS does not answer.
    #[must_use]
    pub fn stop_clock(&self) -> StoppedClock<'_> {
        static STOPPED: Mutex<()> = Mutex::new(());
        let turn = STOPPED.lock().unwrap_or_else(PoisonError::into_inner);
        self.clock("stop");
        StoppedClock { rig: self, _turn: turn }
    }

    /// Sets the clock of what AWS does by itself forward, in seconds of AWS's time.
    ///
    /// # Panics
    /// When the local AWS does not answer.
    pub fn advance_clock(&self, seconds: u32) {
        self.clock(&format!("advance?seconds={seconds}"));
    }

    fn clock(&self, command: &str) {
        let url = format!("{}/moto-api/clock/{command}", self.endpoint);
        let asked = self.runtime.block_on(async { self.http.post(url).send().await?.error_for_status() });
        asked.expect("the clock of the local AWS answers");
    }

    /// How often a rule has fired; the rule stays.
    #[must_use]
    pub fn fired_so_far(&self, rule: u64) -> u64 {
        let rules = self.gateway(Method::GET, "rules", None);
        let ours = rules["rules"].as_array().expect("rules").iter().find(|each| each["id"] == rule);
        ours.expect("the rule is still there")["fired"].as_u64().expect("a number")
    }

    /// Those of these rules that have fired.
    #[must_use]
    pub fn fired_of(&self, rules: &[u64]) -> Vec<u64> {
        let answer = self.gateway(Method::GET, "rules", None);
        let fired = answer["rules"].as_array().expect("rules").iter().filter(|rule| rule["fired"] != 0);
        fired.filter_map(|rule| rule["id"].as_u64()).filter(|id| rules.contains(id)).collect()
    }

    /// Ends what a rule breaks; how often it fired stays known.
    pub fn mend(&self, rule: u64) {
        self.gateway(Method::POST, &format!("rules/{rule}/mend"), None);
    }

    /// How often a rule fired; the rule goes.
    #[must_use]
    pub fn fired(&self, rule: u64) -> u64 {
        let fired = self.fired_so_far(rule);
        self.gateway(Method::DELETE, &format!("rules/{rule}"), None);
        fired
    }

    /// Whether announce-outcome has said of each of these that an execution ended: of ARNs, or of accounts whose
    /// executions are named after them. Unlike the ledger, its log can be read without keeping the local AWS from work.
    #[must_use]
    pub fn has_announced(&self, each: &[String]) -> bool {
        let lines = self.log_lines("berth-announce-outcome");
        let ends = lines.iter().filter(|line| line.contains(" ended ")).cloned().collect::<String>();
        each.iter().all(|one| ends.contains(one.as_str()))
    }

    /// Whole lines of JSON that a function has logged.
    #[must_use]
    pub fn log_lines(&self, function: &str) -> Vec<String> {
        let path = self.logs().join(format!("functions/{function}.log"));
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().filter(|line| line.starts_with('{') && line.ends_with('}')).map(str::to_owned).collect()
    }
}
