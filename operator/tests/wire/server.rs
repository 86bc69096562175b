//! What an API server says on the wire, as far as the operator hears it: objects by their paths, and answers that a
//! scenario puts in their place. It knows no rules: those are the real server's, in the tests beside.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use kube_client::{Client, Config};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Content type of server-side apply.
const APPLY: &str = "application/apply-patch+yaml";

/// A change that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Method and path.
    pub(crate) line: String,
    pub(crate) body: Value,
}

/// An answer in place of the server's own.
#[derive(Debug)]
struct Said {
    method: Method,
    /// What the path ends with.
    path: String,
    status: Value,
    fired: bool,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    changes: Vec<Change>,
    said: Vec<Said>,
}

/// The server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Server(Arc<Mutex<State>>);

/// A `Status`, as the server writes its refusals.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message })
}

impl Server {
    /// Starts one with these objects, and a client for it.
    pub(crate) async fn start(objects: &[(&str, Value)]) -> (Self, Client) {
        let server = Self::default();
        for (path, object) in objects {
            server.put(path, object.clone());
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                let answers = service_fn(move |request| {
                    let server = server.clone();
                    async move { Ok::<_, Infallible>(server.answer(request).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answers));
            }
        });
        (server, berth_operator::client::connect(Config::new(url.parse().unwrap())).unwrap())
    }

    /// Stores an object as it is.
    pub(crate) fn put(&self, path: &str, object: Value) {
        self.0.lock().unwrap().store(path, object);
    }

    /// An object.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        self.0.lock().unwrap().objects.get(path).cloned()
    }

    /// Says this from now on to requests of this method whose path ends so.
    pub(crate) fn says(&self, method: Method, path: &str, status: Value) {
        self.0.lock().unwrap().said.push(Said { method, path: path.to_owned(), status, fired: false });
    }

    /// Whether everything was said that should be: else a scenario shows nothing.
    pub(crate) fn has_said_all(&self) -> bool {
        self.0.lock().unwrap().said.iter().all(|said| said.fired)
    }

    /// Changes that were asked for, with those that were refused, since this was asked last.
    pub(crate) fn changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.0.lock().unwrap().changes)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap_or_default();
        let is_apply = parts.headers.get("content-type").is_some_and(|type_| type_ == APPLY);
        let answer = {
            let mut state = self.0.lock().unwrap();
            if parts.method != Method::GET {
                state
                    .changes
                    .push(Change { line: format!("{} {}", parts.method, parts.uri.path()), body: body.clone() });
            }
            state.answer(&parts.method, parts.uri.path(), parts.uri.query().unwrap_or_default(), body, is_apply)
        };
        let code = if answer["kind"] == "Status" { answer["code"].as_u64().unwrap_or(200) } else { 200 };
        let response =
            Response::builder().status(u16::try_from(code).unwrap()).header("content-type", "application/json");
        response.body(Full::new(Bytes::from(answer.to_string()))).unwrap()
    }
}

impl State {
    fn store(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = format!("uid-{}", self.version).into();
        }
        if object["metadata"]["name"].is_null() {
            object["metadata"]["name"] = path.rsplit('/').next().unwrap().into();
        }
        self.objects.insert(path.to_owned(), object.clone());
        object
    }

    fn answer(&mut self, method: &Method, path: &str, query: &str, body: Value, is_apply: bool) -> Value {
        let mut said = self.said.iter_mut().filter(|said| said.method == method && path.ends_with(&said.path));
        if let Some(said) = said.next() {
            said.fired = true;
            return said.status.clone();
        }
        let main = path.strip_suffix("/status").unwrap_or(path);
        let there = self.objects.get(main).cloned();
        match (method.as_str(), there) {
            ("GET", Some(object)) => object,
            ("GET", None) => self.list(path, query),
            ("POST", _) => {
                let path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap());
                if self.objects.contains_key(&path) {
                    return status(409, "AlreadyExists", "already exists");
                }
                self.store(&path, body)
            }
            ("PATCH", None) if is_apply => self.store(path, body),
            ("PATCH", Some(mut object)) => {
                merge(&mut object, body);
                self.store(main, object)
            }
            ("PUT", Some(object)) if object["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"] => {
                self.store(path, body)
            }
            ("PUT", Some(_)) => status(409, "Conflict", "the object has been modified"),
            ("DELETE", Some(object)) => {
                self.objects.remove(path);
                object
            }
            _ => status(404, "NotFound", "not found"),
        }
    }

    /// Objects one level below a path that carry the labels. Of a kind that nobody serves: 404.
    fn list(&self, path: &str, query: &str) -> Value {
        let served = [
            "namespaces",
            "tenants",
            "resourcequotas",
            "limitranges",
            "serviceaccounts",
            "networkpolicies",
            "rolebindings",
        ];
        if !served.contains(&path.rsplit('/').next().unwrap()) {
            return status(404, "NotFound", "not found");
        }
        let wanted = query.split('&').find_map(|pair| pair.strip_prefix("labelSelector=")).unwrap_or_default();
        let wanted = wanted.replace("%2F", "/").replace("%3D", "=").replace("%2C", ",");
        let has = |object: &Value, pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            object["metadata"]["labels"][key].as_str().is_some_and(|found| value.is_empty() || found == value)
        };
        let below = self.objects.iter().filter(|(at, _)| at.rsplit_once('/').is_some_and(|(parent, _)| parent == path));
        let items = below.map(|(_, object)| object);
        let items: Vec<&Value> = items
            .filter(|object| wanted.split(',').filter(|pair| !pair.is_empty()).all(|pair| has(object, pair)))
            .collect();
        json!({ "kind": "List", "apiVersion": "v1", "metadata": {}, "items": items })
    }
}

/// RFC 7386.
fn merge(into: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *into = patch;
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(&key);
        } else {
            merge(&mut into[key.as_str()], value);
        }
    }
}
