//! A proxy between the operator and the API server: it counts requests, holds who changed what, and can end the operator at
//! any of them. It speaks HTTP to the operator and is an administrator to the server, or somebody that it impersonates.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

type Answer = Response<http_body_util::combinators::UnsyncBoxBody<Bytes, reqwest::Error>>;

/// When the operator is ended, seen from the request that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The server never sees the request.
    Before,
    /// The server has done it, and the operator never hears.
    After,
}

/// What the proxy does and has seen.
pub(crate) struct Proxy {
    server: String,
    client: reqwest::Client,
    /// User and groups of whoever asks; without, an administrator.
    user: Option<(String, Vec<String>)>,
    /// Only requests whose path has this text are counted.
    counted: String,
    seen: AtomicUsize,
    kill: Mutex<Option<(usize, Moment, u32)>>,
    changes: Mutex<Vec<String>>,
    passed: Mutex<Vec<Passed>>,
}

/// A request with the server's answer.
#[derive(Debug, Clone)]
pub(crate) struct Passed {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    /// The role of the binding that it writes.
    pub(crate) role: Option<String>,
}

impl Proxy {
    /// Starts a proxy in front of `server`, and gives its address.
    pub(crate) async fn start(
        server: &berth_kube_testing::Server,
        user: Option<(&str, &[&str])>,
        counted: &str,
    ) -> (Arc<Self>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Arc::new(Self {
            server: server.url().to_owned(),
            client: server.client().unwrap(),
            user: user.map(|(user, groups)| (user.to_owned(), groups.iter().map(|&group| group.to_owned()).collect())),
            counted: counted.to_owned(),
            seen: AtomicUsize::new(0),
            kill: Mutex::new(None),
            changes: Mutex::new(Vec::new()),
            passed: Mutex::new(Vec::new()),
        });
        tokio::spawn(serve(listener, proxy.clone()));
        (proxy, address)
    }

    /// Ends the process at the request of this number, counted from one.
    pub(crate) fn kill_at(&self, number: usize, moment: Moment, process: u32) {
        *self.kill.lock().unwrap() = Some((number, moment, process));
    }

    /// Requests that were counted.
    pub(crate) fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    /// Changes that were asked for: method and path; of the lease, and events, are not among them.
    pub(crate) fn changes(&self) -> Vec<String> {
        self.changes.lock().unwrap().clone()
    }

    /// Requests that the server has answered.
    pub(crate) fn passed(&self) -> Vec<Passed> {
        self.passed.lock().unwrap().clone()
    }

    /// Ends the process if this is the request and the moment.
    fn end(&self, number: usize, moment: Moment) {
        let Some((at, when, process)) = *self.kill.lock().unwrap() else { return };
        if (number, moment) == (at, when) {
            let killed = std::process::Command::new("kill").args(["-9", &process.to_string()]).status().unwrap();
            assert!(killed.success());
        }
    }

    async fn pass(&self, request: Request<Incoming>) -> Option<Answer> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let number = if path.contains(&self.counted) { self.seen.fetch_add(1, Ordering::SeqCst) + 1 } else { 0 };
        if parts.method != Method::GET && !path.contains("/leases") && !path.contains("/events") {
            self.changes.lock().unwrap().push(format!("{} {path}", parts.method));
        }
        self.end(number, Moment::Before);
        let method = parts.method.to_string();
        let mut forwarded = self.client.request(parts.method, format!("{}{path}", self.server));
        for (name, value) in &parts.headers {
            if name != "host" && name != "content-length" && name != "accept-encoding" {
                forwarded = forwarded.header(name, value);
            }
        }
        if let Some((user, groups)) = &self.user {
            forwarded = forwarded.header("impersonate-user", user);
            for group in groups {
                forwarded = forwarded.header("impersonate-group", group);
            }
        }
        let body = body.collect().await.ok()?.to_bytes();
        let role = serde_json::from_slice(&body)
            .ok()
            .and_then(|body: Value| body.pointer("/roleRef/name")?.as_str().map(str::to_owned));
        let answer = forwarded.body(body).send().await.ok()?;
        self.end(number, Moment::After);
        self.passed.lock().unwrap().push(Passed { method, path, status: answer.status().as_u16(), role });
        let mut response = Response::builder().status(answer.status());
        if let Some(type_) = answer.headers().get("content-type") {
            response = response.header("content-type", type_);
        }
        let chunks = stream::unfold(answer, |mut answer| async {
            match answer.chunk().await {
                Ok(Some(chunk)) => Some((Ok(Frame::data(chunk)), answer)),
                Ok(None) => None,
                Err(error) => Some((Err(error), answer)),
            }
        });
        response.body(StreamBody::new(chunks.boxed()).boxed_unsync()).ok()
    }
}

async fn serve(listener: TcpListener, proxy: Arc<Proxy>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let proxy = proxy.clone();
        let passes = service_fn(move |request| {
            let proxy = proxy.clone();
            // A server that is not there is a connection that breaks.
            async move { proxy.pass(request).await.ok_or(std::io::Error::other("the server does not answer")) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), passes));
    }
}
