use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection to the server, which stays open.
pub struct Connection {
    reader: BufReader<TcpStream>,
    address: SocketAddr,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { reader: BufReader::new(stream), address })
    }

    /// Sends a request and reads the whole answer.
    pub fn call(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Result<Answer> {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n{body}", self.address, body.len());
        self.reader.get_mut().write_all(request.as_bytes())?;
        let head = self.head()?;
        let mut body = vec![0; head.length.unwrap_or(0)];
        if head.chunked {
            self.chunks(|chunk| body.extend_from_slice(chunk))?;
        } else {
            self.reader.read_exact(&mut body)?;
        }
        Ok(Answer { status: head.status, body })
    }

    /// Sends the head of a request whose body follows in chunks; gives the way to write them.
    pub fn begin(&self, path: &str, headers: &str) -> Result<TcpStream> {
        let mut stream = self.reader.get_ref().try_clone()?;
        let head = format!("POST {path} HTTP/1.1\r\nHost: {}\r\n{headers}Transfer-Encoding: chunked\r\n\r\n", self.address);
        stream.write_all(head.as_bytes())?;
        Ok(stream)
    }

    /// Reads the answer to [`Connection::begin`], chunk by chunk.
    pub fn streamed(&mut self, each: impl FnMut(&[u8])) -> Result<u16> {
        let head = self.head()?;
        if !head.chunked {
            bail!("{}: an answer in one piece", head.status);
        }
        self.chunks(each)?;
        Ok(head.status)
    }

    fn head(&mut self) -> Result<Head> {
        let mut line = String::new();
        self.line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).with_context(|| format!("no status: {line:?}"))?;
        let mut head = Head { status, length: None, chunked: false };
        loop {
            self.line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { return Ok(head) };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = value.trim().parse().ok(),
                "transfer-encoding" => head.chunked = true,
                _ => {}
            }
        }
    }

    // RFC 9112 7.1.
    fn chunks(&mut self, mut each: impl FnMut(&[u8])) -> Result<()> {
        let (mut line, mut chunk) = (String::new(), Vec::new());
        loop {
            self.line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16).with_context(|| format!("no chunk: {line:?}"))?;
            chunk.resize(length + 2, 0);
            self.reader.read_exact(&mut chunk)?;
            if length == 0 {
                return Ok(());
            }
            each(&chunk[..length]);
        }
    }

    fn line(&mut self, line: &mut String) -> Result<()> {
        line.clear();
        if self.reader.read_line(line)? == 0 {
            bail!("the server has closed the connection");
        }
        Ok(())
    }
}

struct Head {
    status: u16,
    length: Option<usize>,
    chunked: bool,
}

/// Writes one chunk of a body; an empty one ends it.
pub fn chunk(stream: &mut impl Write, bytes: &[u8]) -> Result<()> {
    write!(stream, "{:x}\r\n", bytes.len())?;
    stream.write_all(bytes)?;
    stream.write_all(b"\r\n")?;
    Ok(())
}
