//! Starts the processes of one server in order, and waits until each answers.

use std::{
    net::TcpListener,
    path::Path,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use reqwest::{Certificate, Client, Identity as ClientIdentity, StatusCode};
use serde_json::{Value, json};

use crate::{
    Feature, START_SECONDS_MAX, Scope, Server, ServerError,
    arguments::{self, GROUP, Ports},
    certificates::{Authority, Identity},
    process::Process,
    programs::{Programs, Source},
};

/// Somebody may take a port between the look and the start: then others are tried.
const TRIES: u32 = 4;
/// Between two looks whether a server answers.
const PAUSE: Duration = Duration::from_millis(100);
/// Below the range from which Linux hands out ports by itself (32768 to 60999).
const PORTS: std::ops::Range<u16> = 20_000..32_000;

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

pub(crate) async fn with_retries(programs: &Programs, scope: Scope) -> Result<Server, ServerError> {
    let mut tried = 1;
    loop {
        match once(programs, scope).await {
            Err(ServerError::NotReady { log, .. }) if tried < TRIES && log.contains("address already in use") => {
                tried += 1;
            }
            done => return done,
        }
    }
}

async fn once(programs: &Programs, scope: Scope) -> Result<Server, ServerError> {
    let folder = tempfile::Builder::new().prefix("berth-kubernetes-").tempdir();
    let folder = folder.map_err(|source| ServerError::Io { what: "no folder can be made".to_owned(), source })?;
    let (authority, ports) = (Authority::new()?, ports());
    let admin = authority.write(folder.path())?;
    let is_split = programs.source == Source::Debian;
    let has_core = !is_split || scope == Scope::Core;
    let of = |port: u16| format!("https://127.0.0.1:{port}");
    let url = of(if has_core { ports.core } else { ports.custom });
    let crd_url = of(if is_split { ports.custom } else { ports.core });
    write_kubeconfig(folder.path(), "kubeconfig", &url)?;
    write_kubeconfig(folder.path(), "crd.kubeconfig", &crd_url)?;

    let mut server = Server {
        processes: Vec::new(),
        // The guardian of etcd removes it.
        folder: folder.keep(),
        authority,
        features: features(programs, has_core),
        url,
        crd_url,
        admin,
    };
    let start = |program: &'static str, arguments: Vec<String>, last: bool| {
        Process::start(program, &programs.path(program), &arguments, &server.folder, last)
    };
    let etcd = start("etcd", arguments::etcd(ports, &server.folder), true)?;
    if has_core {
        let core = start("kube-apiserver", arguments::core(ports, is_split), false)?;
        server.processes = vec![core, etcd];
        ready(&mut server, &of(ports.core), "/readyz").await?;
        if programs.has("kube-controller-manager") {
            let controllers = Process::start(
                "kube-controller-manager",
                &programs.path("kube-controller-manager"),
                &arguments::controllers(is_split),
                &server.folder,
                false,
            )?;
            server.processes.insert(0, controllers);
        }
    } else {
        server.processes = vec![etcd];
    }
    if is_split {
        let custom = Process::start(
            "crd-apiserver",
            &programs.path("crd-apiserver"),
            &arguments::custom(ports, has_core),
            &server.folder,
            false,
        )?;
        server.processes.insert(0, custom);
        // Its /readyz stays red alone: it waits for informers of core objects.
        ready(&mut server, &of(ports.custom), CRDS).await?;
        if has_core {
            aggregate(&server, ports).await?;
        }
    }
    Ok(server)
}

fn features(programs: &Programs, has_core: bool) -> Vec<Feature> {
    let mut features = Vec::new();
    if has_core {
        features.push(Feature::CoreObjects);
    }
    if has_core && programs.has("kube-controller-manager") {
        features.push(Feature::Controllers);
    }
    if programs.source == Source::Assets {
        features.push(Feature::Admission);
    }
    features
}

/// Four free ports. Every process begins elsewhere, and no two servers of a process look at the same ones.
fn ports() -> Ports {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let span = PORTS.end - PORTS.start;
    let begin = u16::try_from(std::process::id() % u32::from(span)).unwrap_or_default();
    let mut free = std::iter::repeat_with(|| {
        PORTS.start + (begin.wrapping_mul(7) % span + NEXT.fetch_add(1, Ordering::Relaxed)) % span
    })
    .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    // The iterator never ends; a port that is not free after all makes the start try again.
    let mut next = || free.next().unwrap_or(PORTS.start);
    Ports { etcd: next(), peers: next(), core: next(), custom: next() }
}

pub(crate) fn client(authority: &Authority, admin: &Identity) -> Result<Client, ServerError> {
    let identity = ClientIdentity::from_pem(format!("{}{}", admin.certificate, admin.key).as_bytes())
        .map_err(ServerError::Client)?;
    let certificate = Certificate::from_pem(authority.pem().as_bytes()).map_err(ServerError::Client)?;
    Client::builder()
        .no_proxy()
        .tls_certs_only([certificate])
        .identity(identity)
        .timeout(Duration::from_secs(START_SECONDS_MAX))
        .build()
        .map_err(ServerError::Client)
}

/// JSON is YAML too, and needs no writer of YAML.
fn write_kubeconfig(folder: &Path, name: &str, url: &str) -> Result<(), ServerError> {
    let file = |name: &str| folder.join(name).display().to_string();
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "test", "cluster": { "server": url, "certificate-authority": file("ca.crt") } }],
        "users": [{ "name": "admin", "user": { "client-certificate": file("admin.crt"), "client-key": file("admin.key") } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "admin" } }],
        "current-context": "test",
    });
    let path = folder.join(name);
    std::fs::write(&path, config.to_string())
        .map_err(|source| ServerError::Io { what: format!("{} cannot be written", path.display()), source })
}

/// Waits until the server answers, or one of the processes has ended.
async fn ready(server: &mut Server, url: &str, path: &str) -> Result<(), ServerError> {
    let looks = START_SECONDS_MAX * 1000 / 100;
    let client = server.client()?;
    for _ in 0..looks {
        let answer = client.get(format!("{url}{path}")).timeout(Duration::from_secs(10)).send().await;
        if answer.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            return Ok(());
        }
        for process in &mut server.processes {
            if process.has_ended() {
                return Err(process.not_ready());
            }
        }
        pause().await;
    }
    Err(server
        .processes
        .first()
        .map_or(ServerError::NotReady { program: "nothing", log: String::new() }, Process::not_ready))
}

#[expect(clippy::disallowed_methods, reason = "a server that starts says nothing when it is ready; no product code")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

/// Lets the first server send requests for the group to the second one.
async fn aggregate(server: &Server, ports: Ports) -> Result<(), ServerError> {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "crd-apiserver" },
        "spec": { "type": "ExternalName", "externalName": "localhost", "ports": [{ "port": ports.custom }] },
    });
    let api = json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": format!("v1alpha1.{GROUP}") },
        "spec": {
            "group": GROUP, "version": "v1alpha1", "groupPriorityMinimum": 1000, "versionPriority": 10,
            "insecureSkipTLSVerify": true,
            "service": { "name": "crd-apiserver", "namespace": "default", "port": ports.custom },
        },
    });
    post(server, &format!("{}/api/v1/namespaces/default/services", server.url), &service).await?;
    post(server, &format!("{}/apis/apiregistration.k8s.io/v1/apiservices", server.url), &api).await
}

async fn post(server: &Server, url: &str, object: &Value) -> Result<(), ServerError> {
    let refused = |answer: String| ServerError::Refused { what: url.to_owned(), answer };
    let client = server.client()?;
    // The namespace `default` comes some moments after the server.
    for _ in 0..START_SECONDS_MAX * 10 {
        let request = client.post(url).header("content-type", "application/json").body(object.to_string());
        let answer = request.send().await.map_err(ServerError::Client)?;
        match answer.status() {
            StatusCode::CREATED | StatusCode::CONFLICT => return Ok(()),
            StatusCode::NOT_FOUND => pause().await,
            _ => return Err(refused(answer.text().await.unwrap_or_default())),
        }
    }
    Err(refused("not found".to_owned()))
}

/// Makes or replaces the CRD, and waits until its objects can be listed.
pub(crate) async fn install(server: &Server, crd: &Value) -> Result<(), ServerError> {
    let client = server.client()?;
    apply(&client, &server.crd_url, crd).await?;
    served(server, &client, crd).await?;
    if server.crd_url != server.url {
        let mut beside = crd.clone();
        without_rules(&mut beside);
        apply(&client, &server.url, &beside).await?;
    }
    Ok(())
}

/// Takes out of a CRD what a server of 1.20 does not know: its CEL rules.
pub fn without_rules(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("x-kubernetes-validations");
            fields.values_mut().for_each(without_rules);
        }
        Value::Array(items) => items.iter_mut().for_each(without_rules),
        _ => {}
    }
}

/// Server-side apply of a CRD.
async fn apply(client: &Client, url: &str, crd: &Value) -> Result<(), ServerError> {
    let name = text(crd, "/metadata/name");
    let url = format!("{url}{CRDS}/{name}?fieldManager=berth-kube-testing&force=true");
    let request = client.patch(&url).header("content-type", "application/apply-patch+yaml").body(crd.to_string());
    let answer = request.send().await.map_err(ServerError::Client)?;
    if !answer.status().is_success() {
        let answer = answer.text().await.unwrap_or_default();
        return Err(ServerError::Refused { what: format!("the CRD {name}"), answer });
    }
    Ok(())
}

fn text<'a>(crd: &'a Value, pointer: &str) -> &'a str {
    crd.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Waits until objects of a CRD can be listed.
async fn served(server: &Server, client: &Client, crd: &Value) -> Result<(), ServerError> {
    let (plural, group) = (text(crd, "/spec/names/plural"), text(crd, "/spec/group"));
    let version = text(crd, "/spec/versions/0/name");
    let list = format!("{}/apis/{group}/{version}/{plural}", server.url);
    for _ in 0..START_SECONDS_MAX * 10 {
        let answer = client.get(&list).send().await.map_err(ServerError::Client)?;
        if answer.status() == StatusCode::OK {
            return Ok(());
        }
        pause().await;
    }
    Err(ServerError::Refused { what: list, answer: "it was not served in time".to_owned() })
}
