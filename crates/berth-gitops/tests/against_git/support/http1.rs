//! Just enough HTTP/1.1 for a git server: requests with a length or in chunks, and whole answers.

use std::{
    collections::HashMap,
    io::{self, BufRead, Read, Write},
};

/// A request that has been read to its end.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header (name in lower case), or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Reads the next request; `None` if the client has closed the connection.
pub(crate) fn read_request(stream: &mut (impl BufRead + ?Sized)) -> io::Result<Option<Request>> {
    let first = read_line(stream)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (Some(method), Some(target)) = (words.next().filter(|word| !word.is_empty()), words.next()) else {
        return Ok(None);
    };
    let mut headers = HashMap::new();
    loop {
        let line = read_line(stream)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut request = Request { method, path: path.to_owned(), query: query.to_owned(), headers, body: Vec::new() };
    request.body = read_body(stream, &request)?;
    Ok(Some(request))
}

fn read_body(stream: &mut (impl BufRead + ?Sized), request: &Request) -> io::Result<Vec<u8>> {
    if request.header("transfer-encoding") == "chunked" {
        return read_chunks(stream);
    }
    let mut body = vec![0; request.header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn read_chunks(stream: &mut (impl BufRead + ?Sized)) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&read_line(stream)?, 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; length];
        stream.read_exact(&mut chunk)?;
        read_line(stream)?;
        if length == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk);
    }
}

fn read_line(stream: &mut (impl BufRead + ?Sized)) -> io::Result<String> {
    let mut line = String::new();
    stream.take(16_384).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn empty(status: u16) -> Self {
        Self { status: format!("{status} Fault"), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Reads what a CGI program printed.
    pub(crate) fn from_cgi(output: &[u8]) -> io::Result<Self> {
        let end = output.windows(4).position(|window| window == b"\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
        let mut answer = Self { status: "200 OK".into(), headers: Vec::new(), body: output[end + 4..].to_vec() };
        for line in String::from_utf8_lossy(&output[..end]).lines() {
            match line.split_once(": ") {
                Some(("Status", status)) => status.clone_into(&mut answer.status),
                Some((name, value)) => answer.headers.push((name.into(), value.into())),
                None => {}
            }
        }
        Ok(answer)
    }

    /// Asks a server on this machine, one request to a connection.
    #[allow(dead_code, reason = "the matrix of servers stands before them")]
    pub(crate) fn of_server(port: u16, path: &str, request: &Request) -> io::Result<Self> {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let mut head = format!("{} {path}{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", request.method);
        for name in ["content-type", "accept", "git-protocol"] {
            if !request.header(name).is_empty() {
                head.extend([name, ": ", request.header(name), "\r\n"]);
            }
        }
        head.extend(["Content-Length: ", &request.body.len().to_string(), "\r\n\r\n"]);
        stream.write_all(head.as_bytes())?;
        // A server may answer without reading everything.
        let _ = stream.write_all(&request.body);
        Self::read(&mut io::BufReader::new(stream))
    }

    #[allow(dead_code, reason = "as above")]
    fn read(stream: &mut impl BufRead) -> io::Result<Self> {
        let status = read_line(stream)?;
        let status = status.split_once(' ').ok_or(io::ErrorKind::InvalidData)?.1.to_owned();
        let mut answer = Self { status, headers: Vec::new(), body: Vec::new() };
        let (mut length, mut is_chunked) = (None, false);
        loop {
            let line = read_line(stream)?;
            let Some((name, value)) = line.split_once(':') else { break };
            match (name.to_ascii_lowercase().as_str(), value.trim()) {
                ("content-length", value) => length = value.parse::<u64>().ok(),
                ("transfer-encoding", value) => is_chunked = value == "chunked",
                ("connection", _) => {}
                (_, value) => answer.headers.push((name.to_owned(), value.to_owned())),
            }
        }
        if is_chunked {
            answer.body = read_chunks(stream)?;
        } else {
            stream.take(length.unwrap_or(u64::MAX)).read_to_end(&mut answer.body)?;
        }
        Ok(answer)
    }

    /// Sends it in pieces, each as late as a slow line would bring it.
    #[allow(clippy::disallowed_methods, reason = "it is the server that is slow")]
    pub(crate) fn trickle(&self, stream: &mut impl Write, bytes: usize) -> io::Result<()> {
        self.send(stream, Some(0))?;
        for piece in self.body.chunks(bytes.max(1)) {
            std::thread::sleep(std::time::Duration::from_millis(5));
            stream.write_all(piece)?;
            stream.flush()?;
        }
        Ok(())
    }

    /// Sends it, or only the first `bytes` bytes of its body.
    pub(crate) fn send(&self, stream: &mut impl Write, bytes: Option<usize>) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {}\r\nContent-Length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        stream.write_all(&self.body[..bytes.unwrap_or(self.body.len()).min(self.body.len())])?;
        stream.flush()
    }
}
