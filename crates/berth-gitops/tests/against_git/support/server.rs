//! A git server on loopback: `git http-backend` behind Basic auth, with faults at chosen requests.

use std::{
    ffi::OsString,
    io::{self, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    PASSWORD, Repository, USER,
    http1::{Answer, Request, read_request},
};

/// The kinds of request that git makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// `GET info/refs`, for reading.
    Advertisement,
    /// `GET info/refs`, for pushing.
    PushAdvertisement,
    /// `POST git-upload-pack` that lists refs.
    List,
    /// `POST git-upload-pack` that fetches.
    Fetch,
    /// `POST git-receive-pack`.
    Push,
    /// The server's own API.
    Api,
}

/// Does something to the repository, and gives the body of an answer.
pub(crate) type Answering = dyn FnOnce(&Repository) -> Vec<u8> + Send;

/// What goes wrong with one request.
pub(crate) enum Fault {
    /// This status and these headers instead of an answer; git is not asked.
    Status(u16, &'static [(&'static str, &'static str)]),
    /// This body instead of git's; git is not asked.
    Body(Vec<u8>),
    /// The connection closes; git is not asked.
    CutBefore,
    /// Git does what it is asked; the connection closes without a byte of answer.
    CutAfter,
    /// Git does what it is asked; the connection closes after this many bytes of the answer's body.
    CutWithin(usize),
    /// Git does what it is asked; the answer is this status.
    StatusAfter(u16),
    /// Git does what it is asked; the answer comes in pieces of this many bytes, with a pause after each.
    #[allow(dead_code, reason = "the matrix of servers uses it")]
    Trickle(usize),
    /// Something else happens to the repository just before git is asked.
    First(Box<dyn FnOnce(&Repository) + Send>),
    /// Something else happens to the repository, and its outcome is the body; git is not asked.
    Instead(Box<Answering>),
    /// This status and body instead of an answer; git is not asked.
    Says(u16, &'static str),
}

/// A server with one repository, until it is dropped.
pub(crate) struct GitServer {
    pub(crate) repository: Arc<Repository>,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// Another server than `git http-backend`, for the same repository.
pub(crate) type Backend = Box<dyn Fn(&Request) -> io::Result<Answer> + Send + Sync>;

/// The server's own API.
pub(crate) type Api = Box<dyn Fn(&Repository, &Request) -> Answer + Send + Sync>;

struct Shared {
    repository: Arc<Repository>,
    backend: Option<Backend>,
    api: Mutex<Option<Api>>,
    authorization: String,
    speaks_v2: AtomicBool,
    demands_multi_ack: AtomicBool,
    /// Takes the place of git's own name.
    agent: Mutex<Option<&'static str>>,
    stopping: AtomicBool,
    faults: Mutex<Vec<(Service, Fault)>>,
    served: Mutex<Vec<(Service, usize)>>,
}

impl GitServer {
    /// Admits the one user, by Basic.
    pub(crate) fn start(repository: Repository) -> Self {
        Self::admitting(repository, of_user())
    }

    /// Stands before another server, and admits the one user.
    #[allow(dead_code, reason = "the matrix of servers does")]
    pub(crate) fn before(repository: Repository, backend: Backend) -> Self {
        Self::with(repository, of_user(), Some(backend))
    }

    /// Admits who sends exactly this header.
    pub(crate) fn admitting(repository: Repository, authorization: String) -> Self {
        Self::with(repository, authorization, None)
    }

    fn with(repository: Repository, authorization: String, backend: Option<Backend>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let repository = Arc::new(repository);
        let shared = Arc::new(Shared {
            repository: Arc::clone(&repository),
            backend,
            api: Mutex::default(),
            authorization,
            speaks_v2: AtomicBool::new(true),
            demands_multi_ack: AtomicBool::new(false),
            agent: Mutex::default(),
            stopping: AtomicBool::new(false),
            faults: Mutex::default(),
            served: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.stopping.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&accepting)) else { continue };
                std::thread::spawn(move || shared.serve(&stream));
            }
        });
        Self { repository, address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/tenants.git", self.address)
    }

    /// The same repository, in folders.
    pub(crate) fn url_in(&self, folders: &str) -> String {
        format!("http://{}{folders}/tenants.git", self.address)
    }

    /// Gives the server an API, which admits as it likes.
    pub(crate) fn answer_api(&self, api: Api) {
        *self.shared.api.lock().unwrap() = Some(api);
    }

    /// Makes the server forget protocol version 2.
    pub(crate) fn speak_only_v0(&self) {
        self.shared.speaks_v2.store(false, Ordering::SeqCst);
    }

    /// Makes the server take no fetch from a client that does not say `multi_ack`, as Azure Repos does.
    pub(crate) fn demand_multi_ack(&self) {
        self.speak_only_v0();
        self.shared.demands_multi_ack.store(true, Ordering::SeqCst);
    }

    /// Makes the server name itself otherwise.
    pub(crate) fn call_itself(&self, agent: &'static str) {
        *self.shared.agent.lock().unwrap() = Some(agent);
    }

    /// Lets `fault` happen to the next request of this kind that no earlier fault is meant for.
    pub(crate) fn fault(&self, service: Service, fault: Fault) {
        self.shared.faults.lock().unwrap().push((service, fault));
    }

    /// Forgets the faults that have not happened yet.
    pub(crate) fn heal(&self) {
        self.shared.faults.lock().unwrap().clear();
    }

    /// The faults that have not happened yet.
    pub(crate) fn faults_left(&self) -> usize {
        self.shared.faults.lock().unwrap().len()
    }

    /// The requests since the last call, each with the size of its answer.
    pub(crate) fn take_served(&self) -> Vec<(Service, usize)> {
        std::mem::take(&mut *self.shared.served.lock().unwrap())
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, so that it sees the flag.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Ok(Some(request)) = read_request(&mut reader) {
            if !self.answer(&request, stream).unwrap_or(false) {
                let _ = stream.shutdown(std::net::Shutdown::Both);
                return;
            }
        }
    }

    /// Answers one request; `false` closes the connection.
    fn answer(&self, request: &Request, mut stream: &TcpStream) -> io::Result<bool> {
        let service = service_of(request);
        if service != Service::Api && request.header("authorization") != self.authorization {
            self.note(service, 0);
            Answer::empty(401).with("WWW-Authenticate", "Basic realm=\"git\"").send(&mut stream, None)?;
            return Ok(true);
        }
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            let position = faults.iter().position(|(at, _)| *at == service);
            position.map(|position| faults.remove(position).1)
        };
        let (mut sent, mut pieces) = (None, None);
        let multi_ack = |request: &Request| request.body.windows(9).any(|window| window == b"multi_ack");
        let answer = match fault {
            None if service == Service::Fetch
                && self.demands_multi_ack.load(Ordering::SeqCst)
                && !multi_ack(request) =>
            {
                let said = b"TF401041: The Git protocol sent is not as expected (Clients must support multi-ack.).";
                Answer { body: said.to_vec(), ..Answer::empty(400) }
            }
            None => self.ask_git(request)?,
            Some(Fault::First(happening)) => {
                happening(&self.repository);
                self.ask_git(request)?
            }
            Some(Fault::Status(status, headers)) => {
                headers.iter().fold(Answer::empty(status), |answer, (name, value)| answer.with(name, value))
            }
            Some(Fault::Instead(happening)) => {
                Answer { status: "200 OK".into(), headers: Vec::new(), body: happening(&self.repository) }
            }
            Some(Fault::Says(status, said)) => Answer { body: said.as_bytes().to_vec(), ..Answer::empty(status) },
            Some(Fault::Body(body)) => Answer { status: "200 OK".into(), headers: Vec::new(), body },
            Some(Fault::CutBefore) => return Ok(false),
            Some(Fault::CutAfter) => {
                self.ask_git(request)?;
                return Ok(false);
            }
            Some(Fault::CutWithin(bytes)) => {
                sent = Some(bytes);
                self.ask_git(request)?
            }
            Some(Fault::Trickle(bytes)) => {
                pieces = Some(bytes);
                self.ask_git(request)?
            }
            Some(Fault::StatusAfter(status)) => {
                self.ask_git(request)?;
                Answer::empty(status)
            }
        };
        self.note(service, answer.body.len());
        match pieces {
            Some(bytes) => answer.trickle(&mut stream, bytes)?,
            None => answer.send(&mut stream, sent)?,
        }
        Ok(sent.is_none())
    }

    fn note(&self, service: Service, bytes: usize) {
        self.served.lock().unwrap().push((service, bytes));
    }

    fn ask_git(&self, request: &Request) -> io::Result<Answer> {
        if service_of(request) == Service::Api {
            let api = self.api.lock().unwrap();
            return Ok(api.as_ref().map_or_else(|| Answer::empty(404), |api| api(&self.repository, request)));
        }
        if let Some(backend) = &self.backend {
            return backend(request);
        }
        let protocol = if self.speaks_v2.load(Ordering::SeqCst) { request.header("git-protocol") } else { "" };
        let mut git = Command::new("git");
        git.arg("http-backend").env("GIT_PROTOCOL", protocol);
        git.envs(self.agent.lock().unwrap().map(|agent| ("GIT_USER_AGENT", agent)));
        ask_cgi(git, self.repository.root(), request)
    }
}

/// Runs a CGI program as git's own is run: <https://git-scm.com/docs/git-http-backend>. What `program` sets counts.
pub(crate) fn ask_cgi(mut program: Command, root: &Path, request: &Request) -> io::Result<Answer> {
    let ours: Vec<(OsString, Option<OsString>)> =
        program.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    program
        .env("HOME", root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", request.path.find("/tenants.git").map_or(&*request.path, |at| &request.path[at..]))
        .env("QUERY_STRING", &request.query)
        .env("REQUEST_METHOD", &request.method)
        .env("REMOTE_USER", USER)
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("CONTENT_TYPE", request.header("content-type"))
        .env("CONTENT_LENGTH", request.body.len().to_string());
    program.envs(ours.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut stdin = child.stdin.take().unwrap();
    let body = request.body.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&body));
    let output = child.wait_with_output()?;
    // A server may answer without reading everything.
    let _ = writer.join().unwrap();
    Answer::from_cgi(&output.stdout)
}

fn of_user() -> String {
    format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")))
}

fn service_of(request: &Request) -> Service {
    if request.path.starts_with("/api/") {
        Service::Api
    } else if request.path.ends_with("/git-receive-pack") {
        Service::Push
    } else if request.path.ends_with("/info/refs") {
        if request.query.ends_with("git-receive-pack") { Service::PushAdvertisement } else { Service::Advertisement }
    } else if request.body.windows(15).any(|window| window == b"command=ls-refs") {
        Service::List
    } else {
        Service::Fetch
    }
}
