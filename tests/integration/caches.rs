//! Real HTTP caches: Varnish, nginx, Traffic Server and Squid as Debian packages them.
//!
//! `.ci/run` installs them and sets [`server::DEMANDED`]; without it, a cache that is not installed is skipped, saying so.
//! Their configurations are those that `docs/http-caches.md` recommends: `tests/fixtures/caches`.

mod facts;
mod http;
mod nodes;
mod origin;
mod purging;
mod server;
mod traps;

use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::thread;

use purgit::transport::{Request, Response, TransportError, TransportErrorKind};

use crate::common::Environment;
use origin::Origin;
use server::{Kind, Server};

/// The host whose objects the caches hold.
const HOST: &str = "www.example.com";

/// What a purge must show, in the configurations of the tests.
const TOKEN: &str = "not-a-real-token";

/// A cache in front of an origin.
pub(crate) struct Node {
    origin: Origin,
    server: Server,
}

impl Node {
    /// One as it is recommended; nothing where it is not installed.
    fn start(kind: Kind) -> Option<Self> {
        Self::edited(kind, &[])
    }

    /// A Varnish; nothing where it is not installed.
    pub(crate) fn varnish() -> Option<Self> {
        Self::start(Kind::Varnish)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Stops it, and returns when it is gone.
    pub(crate) fn stop(&mut self) {
        self.server.stop();
        while TcpStream::connect(self.address()).is_ok() {
            thread::yield_now();
        }
    }

    /// Its answer to a request of purgit's, to which the secret is added.
    pub(crate) fn answer(&self, request: &Request) -> Result<Response, TransportError> {
        if TcpStream::connect(self.address()).is_err() {
            return Err(TransportErrorKind::Connect.into());
        }
        let path = request.url.splitn(4, '/').nth(3).unwrap();
        let headers = request.headers.iter();
        let headers = headers.map(|(name, value)| (*name, value.expose()));
        let headers: Vec<_> = headers.chain([("X-Purge-Token", TOKEN)]).collect();
        let method = request.method.as_str();
        let ask = || self.server.ask(method, &format!("/{path}"), &headers);
        // It brings its own runtime, of which there can be one on a thread.
        let answer = thread::scope(|scope| scope.spawn(ask).join().unwrap());
        let mark = answer.header("Cache-Purge-Result");
        Ok(Response {
            status: answer.status,
            headers: mark
                .map(|mark| ("cache-purge-result".to_owned(), mark.to_owned()))
                .into_iter()
                .collect(),
            body: Vec::new(),
        })
    }

    /// One with pieces of its configuration replaced.
    fn edited(kind: Kind, edits: &[(&str, &str)]) -> Option<Self> {
        let origin = Origin::start();
        let server = Server::start(kind, edits, &origin)?;
        Some(Self { origin, server })
    }

    /// One for all tests of this process, which keep to paths of their own.
    fn shared(kind: Kind) -> Option<&'static Self> {
        static NODES: [OnceLock<Option<Node>>; Kind::ALL.len()] =
            [const { OnceLock::new() }; Kind::ALL.len()];
        NODES[kind as usize]
            .get_or_init(|| Self::start(kind))
            .as_ref()
    }

    /// What a visitor gets: the version that the origin had when it was asked.
    pub(crate) fn get(&self, path: &str) -> String {
        self.server.ask("GET", path, &[("Host", HOST)]).body
    }

    /// Purges as the configuration wants it, and returns the status.
    fn purge(&self, path: &str) -> u16 {
        let headers = [("Host", HOST), ("X-Purge-Token", TOKEN)];
        self.server.ask("PURGE", path, &headers).status
    }

    /// Brings an object into the cache, and a new version to the origin.
    pub(crate) fn outdate(&self, path: &str) {
        self.keep(path, &[]);
        self.origin.change(path);
    }

    /// Asks until the answer is the cache's own, which it may be a moment after the first answer.
    fn keep(&self, path: &str, headers: &[(&str, &str)]) {
        let headers = [&[("Host", HOST)], headers].concat();
        let asked = || self.origin.count("GET", path);
        for _ in 0..1000 {
            let before = asked();
            self.server.ask("GET", path, &headers);
            if asked() == before {
                return;
            }
        }
        panic!("{:?} does not keep {path}", self.server);
    }
}

/// All at the same time, since much of it is waiting.
fn at_once(kinds: &[Kind], test: impl Fn(Kind) + Sync) {
    let test = &test;
    thread::scope(|scope| {
        for kind in kinds {
            scope.spawn(move || test(*kind));
        }
    });
}

/// A project whose endpoint `www` has these caches; `more` of the block `httpCache`, lines of its own.
fn project(kind: Kind, servers: &[&Server], more: &str) -> Environment {
    let preset = match kind {
        Kind::Varnish => "varnish",
        Kind::Nginx => "nginx-purge",
        Kind::TrafficServer => "trafficserver",
        Kind::Squid => "squid",
    };
    let nodes: Vec<_> = servers
        .iter()
        .map(|server| format!("\"http://{}\"", server.address()))
        .collect();
    let token = match kind {
        Kind::TrafficServer => "",
        Kind::Varnish | Kind::Nginx | Kind::Squid => {
            "    headers: { X-Purge-Token: { env: PURGE_TOKEN } }\n"
        }
    };
    let mut environment = Environment::new();
    environment.set("PURGE_TOKEN", TOKEN);
    environment.set("TREE_SECRET", "not-a-real-secret");
    environment.write(
        "purgit.yaml",
        &format!(
            "apiVersion: purgit/v1alpha1\nkind: Project\nmetadata: {{ name: caches }}\n---\n\
             apiVersion: purgit/v1alpha1\nkind: Endpoint\nmetadata: {{ name: www }}\nspec:\n  \
             hosts: [{HOST}]\n  httpCache:\n    preset: {preset}\n    \
             nodes: {{ static: [{}] }}\n    secondPass: 0s\n{token}{more}",
            nodes.join(", "),
        ),
    );
    environment
}
