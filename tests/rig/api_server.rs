//! What stands behind the endpoint of an EKS cluster: a real API server, or one that answers what a test says.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use reqwest::Method;
use serde_json::{Value, json};

use super::Rig;

/// A request that an API server got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Method and path.
    pub line: String,
    /// Whom the cluster says that it is from.
    pub user: String,
    /// Their groups.
    pub groups: Vec<String>,
}

/// Answers every request with what was set last.
#[derive(Debug, Clone)]
pub struct FakeApiServer {
    url: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    status: u16,
    body: Value,
    asked: Vec<Asked>,
}

impl FakeApiServer {
    /// One that knows no Tenant.
    ///
    /// # Panics
    /// When there is no port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Mutex::new(Shared { status: 503, body: Value::Null, asked: Vec::new() }));
        let fake = Self { url, shared };
        let serving = fake.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever hangs up is not answered.
                let _ = serving.answer(&stream);
            }
        });
        fake
    }

    /// Answers from now on with this status and body.
    pub fn set(&self, status: u16, body: &Value) {
        let mut shared = self.shared();
        (shared.status, shared.body) = (status, body.clone());
    }

    /// Answers from now on that there is no Tenant of this name.
    pub fn set_missing(&self, name: &str) {
        let details = json!({ "name": name, "group": "tenancy.berth.dev", "kind": "tenants" });
        let message = format!("tenants.tenancy.berth.dev {name:?} not found");
        self.set(404, &json!({ "kind": "Status", "reason": "NotFound", "message": message, "details": details }));
    }

    /// Requests so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.shared().asked.clone()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream).lines();
        let line = lines.next().transpose()?.unwrap_or_default();
        let mut asked = Asked { line: line.replace(" HTTP/1.1", ""), user: String::new(), groups: Vec::new() };
        for header in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
            match header.split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("impersonate-user") => {
                    value.clone_into(&mut asked.user);
                }
                Some((name, value)) if name.eq_ignore_ascii_case("impersonate-group") => {
                    asked.groups.push(value.to_owned());
                }
                _ => {}
            }
        }
        let (status, body) = {
            let mut shared = self.shared();
            shared.asked.push(asked);
            (shared.status, shared.body.to_string())
        };
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        )
    }
}

impl Rig {
    /// Puts a fake behind the endpoint of a cluster.
    pub fn put_fake(&self, cluster: &str, fake: &FakeApiServer) {
        self.put_api_server(cluster, &json!({ "url": fake.url }));
    }

    /// Puts an API server behind the endpoint of a cluster: its URL, and how to be an administrator there.
    pub fn put_api_server(&self, cluster: &str, server: &Value) {
        self.gateway(Method::PUT, &format!("clusters/{cluster}"), Some(server));
    }
}
