//! An environment with an emulated CDN, which this process runs.

use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use purgit::emulator::azure_china_cdn::{AzureChinaCdn, KEY_ID, KEY_VALUE};
use purgit::emulator::{EdgeSettings, Emulator, Origin, RequestRecord, Running, Settings};
use tokio::runtime::Runtime;

use super::Environment;
use super::process::PATIENCE;

/// Runs the servers of all tests: a runtime each would be threads in plenty.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Quick questions: a test should not wait for what takes no time.
const POLL: &str = "{ interval: 10ms, maxInterval: 50ms, timeout: 30s }";

/// See the module.
pub(crate) struct World {
    environment: Environment,
    pub(crate) cdn: Running,
}

/// How a [`World`] is to be.
#[derive(Default)]
pub(crate) struct WorldBuilder {
    limits: String,
    safety: String,
    has_edge: bool,
}

impl WorldBuilder {
    /// With an edge for `www.example.com` before the folder `public`.
    pub(crate) fn edge(self) -> Self {
        Self {
            has_edge: true,
            ..self
        }
    }

    /// More of `spec.limits`, e.g. `itemsPerRequest: 2`.
    pub(crate) fn limits(self, limits: &str) -> Self {
        let limits = limits.to_owned();
        Self { limits, ..self }
    }

    /// `spec.safety` of the project, e.g. `maxUrls: 2`.
    pub(crate) fn safety(self, safety: &str) -> Self {
        let safety = safety.to_owned();
        Self { safety, ..self }
    }

    pub(crate) fn build(self) -> World {
        let mut environment = Environment::new();
        let mut settings = Settings::default();
        if self.has_edge {
            environment.write("public/index.html", "");
            let mut edge = EdgeSettings::new(Origin::Folder(environment.root().join("public")));
            edge.public_host = Some("www.example.com".to_owned());
            settings.edge = Some(edge);
        }
        let start = Emulator::start(settings, Box::<AzureChinaCdn>::default());
        let cdn = RUNTIME.block_on(start).unwrap();
        environment.set("AZURE_CDN_KEY_ID", KEY_ID);
        environment.set("AZURE_CDN_KEY_VALUE", KEY_VALUE);
        environment.write("purgit.yaml", &cdn.manifest());
        if self.has_edge {
            let hosts = "\"127.0.0.1\", \"www.example.com\"";
            environment.edit("purgit.yaml", "\"127.0.0.1\"", hosts);
        }
        let poll = "{ interval: 100ms, maxInterval: 1s, timeout: 5m }";
        environment.edit("purgit.yaml", poll, POLL);
        if !self.limits.is_empty() {
            let limits = "{ requestsPerSecond: 1000, concurrentRequests: 16 }";
            let all = match self.limits.contains("requestsPerSecond") {
                true => format!("{{ {} }}", self.limits),
                false => format!("{{ requestsPerSecond: 1000, {} }}", self.limits),
            };
            environment.edit("purgit.yaml", limits, &all);
        }
        if !self.safety.is_empty() {
            let name = "metadata: { name: emulated }\n";
            let safety = format!("{name}spec: {{ safety: {{ {} }} }}\n", self.safety);
            environment.edit("purgit.yaml", name, &safety);
        }
        World { environment, cdn }
    }
}

impl World {
    /// A CDN that does everything at once, and a project for it.
    pub(crate) fn new() -> Self {
        WorldBuilder::default().build()
    }

    pub(crate) fn builder() -> WorldBuilder {
        WorldBuilder::default()
    }

    /// A CDN whose tasks run until [`World::finish`].
    pub(crate) fn slow() -> Self {
        let world = Self::new();
        world.fault("stuck");
        world
    }

    /// Lets the URLs of running tasks that end so be done.
    pub(crate) fn finish(&self, end: &str) {
        self.cdn.finish(|url| url.ends_with(end));
    }

    /// Lets something go wrong, as written on the command line of `purgit emulator`.
    pub(crate) fn fault(&self, fault: &str) {
        let fault: purgit::emulator::Fault = fault.parse().unwrap();
        self.cdn.inject(fault).unwrap();
    }

    /// Answered (or cut) requests that submit a purge.
    pub(crate) fn posts(&self) -> usize {
        self.count("purge")
    }

    /// Answered questions about a purge.
    pub(crate) fn queries(&self) -> usize {
        self.count("query")
    }

    fn count(&self, operation: &str) -> usize {
        let requests = self.cdn.requests();
        let of = |request: &&RequestRecord| request.operation == Some(operation);
        requests.iter().filter(of).count()
    }

    /// Every URL the CDN accepted, in order.
    pub(crate) fn purged(&self) -> Vec<String> {
        let log = self.cdn.purge_log();
        let items = log.into_iter().flat_map(|task| task.items);
        items.map(|item| item.text).collect()
    }

    /// Waits until the CDN was asked about a purge.
    pub(crate) fn wait_for_query(&self) {
        let mut requests = self.cdn.watch();
        if self.queries() > 0 {
            return;
        }
        let asked = async {
            loop {
                let request = requests.recv().await.unwrap();
                if request.operation == Some("query") {
                    return;
                }
            }
        };
        RUNTIME
            .block_on(async { tokio::time::timeout(PATIENCE, asked).await })
            .expect("a question");
    }

    /// Waits until the CDN accepted that many purges, whether it answered yet or not.
    pub(crate) fn wait_for_acceptance(&self, purges: usize) {
        let accepted = async {
            while self.cdn.purge_log().len() < purges {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        RUNTIME
            .block_on(async { tokio::time::timeout(PATIENCE, accepted).await })
            .expect("an acceptance");
    }
}

impl Deref for World {
    type Target = Environment;

    fn deref(&self) -> &Environment {
        &self.environment
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Environment {
        &mut self.environment
    }
}
