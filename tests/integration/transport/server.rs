//! A server of raw bytes: what an HTTP library would not send, it can.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Time between two bytes of [`Answer::Drip`]: with it, the body takes longer than any test.
const DRIP: Duration = Duration::from_millis(100);

/// What to do with each connection.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// Close before the request is read.
    HangUp,
    /// Close once the request has come.
    HangUpAfterwards,
    /// Read on and say nothing.
    Silence,
    /// These bytes for every request; the connection stays open.
    Bytes(Vec<u8>),
    /// A head that announces a body, and the body a byte at a time, for ever.
    Drip,
    /// These bytes, then close.
    BytesAndClose(Vec<u8>),
}

/// A server on a free port, until it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    connections: Arc<Mutex<usize>>,
    requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(Mutex::new(0));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (count, heard) = (connections.clone(), requests.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *count.lock().unwrap() += 1;
                tokio::spawn(serve(stream, answer.clone(), heard.clone()));
            }
        });
        Self {
            address,
            connections,
            requests,
            task,
        }
    }

    /// A server that answers a plain text.
    pub(super) async fn saying(status: &str, headers: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n");
        Self::start(Answer::Bytes([head.as_bytes(), body].concat())).await
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// Heads of the requests so far, each with its body behind it.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, answer: Answer, heard: Arc<Mutex<Vec<String>>>) {
    if matches!(answer, Answer::HangUp) {
        return;
    }
    while let Some(request) = read_request(&mut stream).await {
        heard.lock().unwrap().push(request);
        match &answer {
            Answer::HangUp | Answer::HangUpAfterwards => return,
            Answer::Silence => {}
            Answer::Bytes(bytes) => {
                if stream.write_all(bytes).await.is_err() {
                    return;
                }
            }
            Answer::Drip => {
                let mut bytes: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n";
                while stream.write_all(bytes).await.is_ok() {
                    tokio::time::sleep(DRIP).await;
                    bytes = b".";
                }
                return;
            }
            Answer::BytesAndClose(bytes) => {
                let _ = stream.write_all(bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
        }
    }
}

/// One request, or `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse()
                        .ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                return Some(text);
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}
