//! A project whose CDN has edges in front of an origin, and the program run in it.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use purgit::emulator::azure_china_cdn::{AzureChinaCdn, KEY_ID, KEY_VALUE};
use purgit::emulator::{Behaviour, EdgeSettings, Emulator, Origin, Running, Settings};

use crate::common::{Environment, RUNTIME};

/// The folder that is wanted, and the one that the origin has: `publish` makes them the same.
pub(crate) struct Edges {
    environment: Environment,
    pub(crate) cdn: Running,
    origin: tempfile::TempDir,
}

impl Deref for Edges {
    type Target = Environment;

    fn deref(&self) -> &Environment {
        &self.environment
    }
}

impl DerefMut for Edges {
    fn deref_mut(&mut self) -> &mut Environment {
        &mut self.environment
    }
}

impl Edges {
    /// With these behaviours, and more lines of the `verify` block.
    pub(crate) fn new(behaviours: &[&str], verify: &str) -> Self {
        Self::with(behaviours, |edges| proving(edges, verify))
    }

    /// The same with a server as origin, which knows of nothing that is published.
    pub(crate) fn before(origin: SocketAddr, behaviours: &[&str], verify: &str) -> Self {
        let origin = Origin::Url(format!("http://{origin}/").parse().unwrap());
        Self::of(Some(origin), behaviours, |edges| proving(edges, verify))
    }

    /// With an edge, a server that stands for the origin, and more lines of the `origin` block.
    pub(crate) fn gated(origin: &str) -> Self {
        Self::with(&["plain", "pass"], |edges| {
            format!("  origin: {{ url: \"http://{}/\", {origin} }}\n", edges[1])
        })
    }

    /// With these behaviours, a server that stands for the origin, and more lines of both blocks.
    pub(crate) fn compared(behaviours: &[&str], verify: &str, origin: &str) -> Self {
        let all: Vec<_> = behaviours.iter().copied().chain(["pass"]).collect();
        Self::with(&all, |edges| {
            let (last, edges) = edges.split_last().unwrap();
            let verify = proving(edges, verify);
            format!("{verify}  origin: {{ url: \"http://{last}/\", {origin} }}\n")
        })
    }

    /// With these behaviours, and lines of the endpoint for the edges.
    fn with(behaviours: &[&str], lines: impl Fn(&[SocketAddr]) -> String) -> Self {
        Self::of(None, behaviours, lines)
    }

    fn of(
        server: Option<Origin>,
        behaviours: &[&str],
        lines: impl Fn(&[SocketAddr]) -> String,
    ) -> Self {
        let origin = tempfile::tempdir().unwrap();
        let asked = server.unwrap_or_else(|| Origin::Folder(origin.path().to_owned()));
        let mut behaviours = behaviours.iter().map(|text| text.parse().unwrap());
        let settings = Settings {
            edge: Some(EdgeSettings {
                behaviour: behaviours.next().unwrap_or_default(),
                others: behaviours.collect::<Vec<Behaviour>>(),
                ..EdgeSettings::new(asked)
            }),
            ..Settings::default()
        };
        let api = Box::<AzureChinaCdn>::default();
        let cdn = RUNTIME.block_on(Emulator::start(settings, api)).unwrap();
        let mut environment = Environment::new();
        environment.set("AZURE_CDN_KEY_ID", KEY_ID);
        environment.set("AZURE_CDN_KEY_VALUE", KEY_VALUE);
        let lines = lines(cdn.edges());
        let manifest = cdn.manifest().replace("\"127.0.0.1\"", "www.example.com");
        let manifest = format!(
            "{}{lines}---\n\
             apiVersion: purgit/v1alpha1\n\
             kind: Site\n\
             metadata: {{ name: docs }}\n\
             spec:\n  endpoint: www\n  baseUrl: https://www.example.com/\n  content: {{ root: public }}\n  index: index.html\n",
            manifest.replace(
                "interval: 100ms, maxInterval: 1s",
                "interval: 10ms, maxInterval: 50ms"
            ),
        );
        environment.write("purgit.yaml", &manifest);
        Self {
            environment,
            cdn,
            origin,
        }
    }

    /// Changes a file of what is wanted, and what the origin has.
    pub(crate) fn publish(&self, path: &str, text: &str) {
        self.write(&format!("public/{path}"), text);
        self.deploy(path, text);
    }

    /// Changes only what the origin has.
    pub(crate) fn deploy(&self, path: &str, text: &str) {
        let path = self.origin_file(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Takes a file away from both.
    pub(crate) fn unpublish(&self, path: &str) {
        std::fs::remove_file(self.root().join("public").join(path)).unwrap();
        std::fs::remove_file(self.origin_file(path)).unwrap();
    }

    /// Takes a file away from the origin.
    pub(crate) fn undeploy(&self, path: &str) {
        std::fs::remove_file(self.origin_file(path)).unwrap();
    }

    fn origin_file(&self, path: &str) -> PathBuf {
        self.origin.path().join(path)
    }

    /// Lets every edge fetch what it does not have.
    pub(crate) fn visit(&self, paths: &[&str]) {
        for edge in self.cdn.edges() {
            for path in paths {
                let get = reqwest::Client::builder().no_proxy().build().unwrap();
                let get = get.get(format!("http://{edge}/{path}"));
                let get = get.header("host", "www.example.com").send();
                RUNTIME.block_on(get).unwrap();
            }
        }
    }
}

/// The block that has these edges asked.
fn proving(edges: &[SocketAddr], more: &str) -> String {
    let edges = edges.iter().map(|edge| format!("\"http://{edge}\""));
    let edges: Vec<_> = edges.collect();
    format!("  verify: {{ edges: [{}], {more} }}\n", edges.join(", "))
}
