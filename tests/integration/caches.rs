//! Real HTTP caches: Varnish, nginx, Traffic Server and Squid as Debian packages them.
//!
//! `.ci/run` installs them and sets [`server::DEMANDED`]; without it, a cache that is not installed is skipped, saying so.
//! Their configurations are those that `docs/http-caches.md` recommends: `tests/fixtures/caches`.

mod facts;
mod http;
mod origin;
mod server;
mod traps;

use std::sync::OnceLock;

use origin::Origin;
use server::{Kind, Server};

/// The host whose objects the caches hold.
const HOST: &str = "www.example.com";

/// What a purge must show, in the configurations of the tests.
const TOKEN: &str = "not-a-real-token";

/// A cache in front of an origin.
struct Node {
    origin: Origin,
    server: Server,
}

impl Node {
    /// One as it is recommended; nothing where it is not installed.
    fn start(kind: Kind) -> Option<Self> {
        Self::edited(kind, &[])
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
    fn get(&self, path: &str) -> String {
        self.server.ask("GET", path, &[("Host", HOST)]).body
    }

    /// Purges as the configuration wants it, and returns the status.
    fn purge(&self, path: &str) -> u16 {
        let headers = [("Host", HOST), ("X-Purge-Token", TOKEN)];
        self.server.ask("PURGE", path, &headers).status
    }

    /// Brings an object into the cache, and a new version to the origin.
    fn outdate(&self, path: &str) {
        let first = self.get(path);
        self.origin.change(path);
        assert_eq!(
            self.get(path),
            first,
            "{:?} does not keep {path}",
            self.server
        );
    }
}
