//! A tiny origin: every body carries a version, every request is counted, and an answer can be held back.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::SystemTime;

use crate::common::PATIENCE;

/// A server on a free port, for as long as this process runs.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) port: u16,
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    /// By path: how often it changed.
    versions: BTreeMap<String, u64>,
    /// By path: header lines to answer with.
    headers: BTreeMap<String, String>,
    held: BTreeSet<String>,
    /// Method, host and path of every request.
    requests: Vec<[String; 3]>,
}

impl Origin {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::default();
        let state = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, state) = (stream.unwrap(), Arc::clone(&state));
                thread::spawn(move || serve(&stream, &state));
            }
        });
        Self { port, shared }
    }

    /// Another version of what is at a path.
    pub(super) fn change(&self, path: &str) {
        *self.state().versions.entry(path.to_owned()).or_default() += 1;
    }

    /// Header lines with which a path is answered, each ending in `\r\n`.
    pub(super) fn answer_with(&self, path: &str, headers: &str) {
        self.state()
            .headers
            .insert(path.to_owned(), headers.to_owned());
    }

    /// Answers requests of a path only once it is released, with the version of when they came.
    pub(super) fn hold(&self, path: &str) {
        self.state().held.insert(path.to_owned());
    }

    pub(super) fn release(&self, path: &str) {
        self.state().held.remove(path);
        self.shared.1.notify_all();
    }

    /// How many requests of that method came for a path.
    pub(super) fn count(&self, method: &str, path: &str) -> usize {
        count(&self.state(), method, path)
    }

    /// Waits until that many `GET`s of a path have come.
    pub(super) fn wait_for(&self, path: &str, number: usize) {
        let lacks = |state: &mut State| count(state, "GET", path) < number;
        let waited = self
            .shared
            .1
            .wait_timeout_while(self.state(), PATIENCE, lacks);
        let timed_out = waited.unwrap().1.timed_out();
        assert!(!timed_out, "no {number}. request for {path}");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }
}

fn count(state: &State, method: &str, path: &str) -> usize {
    let of = |request: &&[String; 3]| request[0] == method && request[2] == path;
    state.requests.iter().filter(of).count()
}

fn serve(stream: &TcpStream, shared: &(Mutex<State>, Condvar)) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        // In one piece: two would wait for each other's acknowledgement.
        let sent = (&mut &*stream).write_all(answer(&request, shared).as_bytes());
        if sent.is_err() || header(&request, "connection").eq_ignore_ascii_case("close") {
            return;
        }
    }
}

/// The lines of a request's head; the requests of these tests have no body.
fn read(reader: &mut BufReader<&TcpStream>) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return Some(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

fn header<'a>(request: &'a [String], name: &str) -> &'a str {
    let line = request.iter().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    });
    line.unwrap_or_default()
}

fn answer(request: &[String], shared: &(Mutex<State>, Condvar)) -> String {
    let mut words = request[0].split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let mut state = shared.0.lock().unwrap();
    let named = [method, header(request, "host"), path].map(str::to_owned);
    state.requests.push(named);
    shared.1.notify_all();
    let version = state.versions.get(path).map_or(1, |changes| changes + 1);
    let headers = state.headers.get(path).cloned().unwrap_or_default();
    let held = |state: &mut State| state.held.contains(path);
    drop(shared.1.wait_while(state, held).unwrap());
    let body = format!("{path} {} v{version}\n", header(request, "accept-language"));
    let length = body.len();
    let body = if method == "HEAD" { "" } else { &body };
    let date = httpdate::fmt_http_date(SystemTime::now());
    format!(
        "HTTP/1.1 200 OK\r\nDate: {date}\r\nCache-Control: max-age=600\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )
}
