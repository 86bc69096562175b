//! A stand-in for the three AWS services that the function calls, at the level of their JSON over HTTP.

use std::{
    collections::BTreeMap,
    io::{self, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use aws_sdk_sfn::config::{BehaviorVersion, Credentials, Region};
use serde_json::{Value, json};

use crate::git::http1::{Answer, read_request};

/// A running stand-in, until the test ends.
#[derive(Clone)]
pub(crate) struct Aws {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// What the services know, and what they were told.
#[derive(Default)]
struct State {
    records: BTreeMap<String, Value>,
    secret: Value,
    secrets_read: usize,
    answers: BTreeMap<String, Vec<Said>>,
    refusals: BTreeMap<String, &'static str>,
    refused: usize,
}

/// What a token was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// `SendTaskSuccess` with this output.
    Success(Value),
    /// `SendTaskFailure` with this error and the message of its cause.
    Failure(String, String),
}

impl Aws {
    pub(crate) fn start(secret: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { secret, ..State::default() }));
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&serving);
                std::thread::spawn(move || serve(&state, &stream));
            }
        });
        Self { address, state }
    }

    /// What a client is configured with.
    pub(crate) fn endpoint(&self) -> (String, Credentials, Region, BehaviorVersion) {
        let keys = Credentials::new("AKIDEXAMPLE", "not a secret", None, None, "test");
        (format!("http://{}", self.address), keys, Region::new("us-east-1"), BehaviorVersion::latest())
    }

    /// Puts an account's record into the ledger.
    pub(crate) fn put(&self, record: Value) {
        let account = record["accountId"].as_str().unwrap().to_owned();
        self.state.lock().unwrap().records.insert(account, record);
    }

    pub(crate) fn set_secret(&self, secret: Value) {
        self.state.lock().unwrap().secret = secret;
    }

    pub(crate) fn secrets_read(&self) -> usize {
        self.state.lock().unwrap().secrets_read
    }

    /// From now on the answer to this token is refused with this code.
    pub(crate) fn refuse(&self, token: &str, code: &'static str) {
        self.state.lock().unwrap().refusals.insert(token.to_owned(), code);
    }

    /// Answers that were refused since the last call; none is refused any more.
    pub(crate) fn heal(&self) -> usize {
        let mut state = self.state.lock().unwrap();
        state.refusals.clear();
        std::mem::take(&mut state.refused)
    }

    /// What this token was answered, last answer last.
    pub(crate) fn said(&self, token: &str) -> Vec<Said> {
        self.state.lock().unwrap().answers.get(token).cloned().unwrap_or_default()
    }

    /// Every token that was answered, with all of its answers.
    pub(crate) fn all_said(&self) -> BTreeMap<String, Vec<Said>> {
        self.state.lock().unwrap().answers.clone()
    }
}

fn serve(state: &Mutex<State>, stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    while let Ok(Some(request)) = read_request(&mut reader) {
        let operation = request.header("x-amz-target").rsplit('.').next().unwrap_or_default().to_owned();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let sent: io::Result<()> = match state.lock().unwrap().act(&operation, &body) {
            Ok(value) => answer(200, &value).send(&mut &*stream, None),
            Err(code) if code == "InternalError" => answer(500, &json!({ "__type": code })).send(&mut &*stream, None),
            Err(code) => answer(400, &json!({ "__type": code, "message": "no" })).send(&mut &*stream, None),
        };
        if sent.is_err() {
            return;
        }
    }
}

fn answer(status: u16, value: &Value) -> Answer {
    Answer { body: value.to_string().into_bytes(), ..Answer::empty(status) }
        .with("Content-Type", "application/x-amz-json-1.0")
}

impl State {
    fn act(&mut self, operation: &str, body: &Value) -> Result<Value, &'static str> {
        match operation {
            "BatchGetItem" => {
                let tables = body["RequestItems"].as_object().unwrap();
                let (table, wanted) = tables.iter().next().unwrap();
                let keys = wanted["Keys"].as_array().unwrap();
                assert!(keys.len() <= 100, "DynamoDB takes no more than 100 keys");
                let items: Vec<Value> = keys.iter().filter_map(|key| self.item(key)).collect();
                Ok(json!({ "Responses": { table: items } }))
            }
            "GetItem" => Ok(self.item(&body["Key"]).map_or_else(|| json!({}), |item| json!({ "Item": item }))),
            // A batch of the journal: how it is written is the ledger's own matter.
            "UpdateItem" => Ok(json!({})),
            "GetSecretValue" => {
                self.secrets_read += 1;
                Ok(json!({ "SecretString": self.secret.to_string() }))
            }
            "SendTaskSuccess" => {
                let output = serde_json::from_str(body["output"].as_str().unwrap()).unwrap();
                self.hear(body, Said::Success(output))
            }
            "SendTaskFailure" => {
                let cause: Value = serde_json::from_str(body["cause"].as_str().unwrap()).unwrap();
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                self.hear(body, Said::Failure(text(&body["error"]), text(&cause["errorMessage"])))
            }
            other => panic!("commit-tenant must not call {other}"),
        }
    }

    fn hear(&mut self, body: &Value, said: Said) -> Result<Value, &'static str> {
        let token = body["taskToken"].as_str().unwrap();
        if let Some(code) = self.refusals.get(token) {
            self.refused += 1;
            return Err(code);
        }
        self.answers.entry(token.to_owned()).or_default().push(said);
        Ok(json!({}))
    }

    fn item(&self, key: &Value) -> Option<Value> {
        let account = key["pk"]["S"].as_str()?.strip_prefix("account#")?;
        let record = self.records.get(account)?;
        Some(record.as_object()?.iter().map(|(name, value)| (name.clone(), attribute(value))).collect())
    }
}

/// A value in DynamoDB's own JSON.
fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(number) => json!({ "N": number.to_string() }),
        Value::String(text) => json!({ "S": text }),
        Value::Array(items) => json!({ "L": items.iter().map(attribute).collect::<Vec<_>>() }),
        Value::Object(map) => {
            let map: serde_json::Map<_, _> = map.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
            json!({ "M": map })
        }
    }
}
