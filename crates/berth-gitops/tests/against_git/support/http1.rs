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
    let mut body = Vec::new();
    if request.header("transfer-encoding") == "chunked" {
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
    let length = request.header("content-length").parse().unwrap_or(0);
    body.resize(length, 0);
    stream.read_exact(&mut body)?;
    Ok(body)
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
