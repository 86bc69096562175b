//! An AWS of HTTP answers on loopback. It keeps what it was asked, and may stand behind a proxy that opens TLS.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedRequest {
    /// Method and target, as `GET /latest/api/token`, or `CONNECT dynamodb.eu-west-1.amazonaws.com:443`.
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl ReceivedRequest {
    /// The access key that signed it; empty when nobody did.
    pub(crate) fn key(&self) -> &str {
        let authorization = self.headers.get("authorization").map_or("", String::as_str);
        authorization.split_once("Credential=").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default())
    }

    /// The operation of a call in AWS JSON.
    pub(crate) fn operation(&self) -> &str {
        self.headers.get("x-amz-target").map_or("", |target| target.rsplit('.').next().unwrap_or_default())
    }
}

/// Status and body of an answer.
pub(crate) type Answer = (u16, String);

type Answers = dyn Fn(&ReceivedRequest) -> Option<Answer> + Send + Sync;

/// The server.
#[derive(Clone)]
pub(crate) struct Aws {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<ReceivedRequest>>>,
    answers: Arc<Answers>,
    tls: Option<Arc<ServerConfig>>,
}

impl Aws {
    /// One that answers what `answers` says; every other `Scan` finds nothing, and the rest is not there.
    pub(crate) fn start(answers: impl Fn(&ReceivedRequest) -> Option<Answer> + Send + Sync + 'static) -> Self {
        Self::serve(Arc::new(answers), None)
    }

    /// A proxy that reads along: it opens the TLS of every connection, as `host`, with a certificate that only `authority`
    /// vouches for. Answers it, and the authority's certificate in PEM.
    pub(crate) fn behind_a_proxy_that_reads_along(host: &str) -> (Self, String) {
        let (tls, authority) = certificates(host);
        (Self::serve(Arc::new(|_: &ReceivedRequest| None), Some(Arc::new(tls))), authority)
    }

    fn serve(answers: Arc<Answers>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let aws = Self { url, asked: Arc::default(), answers, tls };
        let serving = aws.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.connection(stream));
            }
        });
        aws
    }

    /// All that it was asked, oldest first.
    pub(crate) fn asked(&self) -> Vec<ReceivedRequest> {
        self.asked.lock().unwrap().clone()
    }

    /// The access key that signed the only scan of the ledger.
    pub(crate) fn scanned_by(&self) -> String {
        let asked = self.asked();
        let scans: Vec<&ReceivedRequest> = asked.iter().filter(|asked| asked.operation() == "Scan").collect();
        assert_eq!(scans.len(), 1, "{asked:#?}");
        scans[0].key().to_owned()
    }

    fn connection(&self, mut stream: TcpStream) {
        let Some(asked) = self.read(&mut stream) else { return };
        if !asked.line.starts_with("CONNECT ") {
            self.answer(&asked, &mut stream);
        } else if let Some(tls) = &self.tls {
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
            let mut inside = StreamOwned::new(ServerConnection::new(Arc::clone(tls)).unwrap(), stream);
            // Whoever does not trust the certificate hangs up.
            if let Some(asked) = self.read(&mut inside) {
                self.answer(&asked, &mut inside);
            }
        } else {
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        }
    }

    fn read(&self, stream: &mut impl Read) -> Option<ReceivedRequest> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
        let asked = ReceivedRequest { line, headers, body: String::from_utf8(body).unwrap() };
        self.asked.lock().unwrap().push(asked.clone());
        Some(asked)
    }

    fn answer(&self, asked: &ReceivedRequest, stream: &mut impl Write) {
        let nothing = r#"{"Items":[],"Count":0,"ScannedCount":0}"#.to_owned();
        let (status, body) = (self.answers)(asked).unwrap_or_else(|| match asked.operation() {
            "Scan" => (200, nothing),
            _ => (404, String::new()),
        });
        // The lifetime is what the metadata service says of its token.
        let head = format!(
            "HTTP/1.1 {status} Answer\r\ncontent-length: {}\r\nconnection: close\r\n\
             x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n\r\n",
            body.len()
        );
        // Whoever hangs up is not answered.
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).and_then(|()| stream.flush());
    }
}

fn certificates(host: &str) -> (ServerConfig, String) {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(authority, key);
    let own = KeyPair::generate().unwrap();
    let shown = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth();
    (config.with_single_cert(vec![shown.der().clone()], private).unwrap(), pem)
}
