//! What users get after a deploy, by how it is purged: on the emulator, with edges that misbehave and users
//! who keep asking.
//!
//! ```text
//! cargo bench --bench freshness > docs/data/freshness.csv
//! ```
//!
//! Each run is a project of its own: all edges have the old pages, the new ones are purged, and one user at
//! each edge asks for all pages over and over. Times are real ones.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)] // As in tests.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use purgit::emulator::azure_china_cdn::{AzureChinaCdn, KEY_ID, KEY_VALUE};
use purgit::emulator::{Behaviour, EdgeSettings, Emulator, Running, Settings};
use purgit::transport::USER_AGENT;
use tokio::net::TcpListener;
use tokio::process::Command;

const PAGES: usize = 20;
const EDGES: usize = 3;

/// How long users are watched from the start of the purge.
const WATCHED: Duration = Duration::from_secs(16);
/// Between two rounds of one user.
const ROUND: Duration = Duration::from_millis(100);

/// What is wrong.
struct Scenario {
    name: &'static str,
    /// From the start of the purge until the origin has the new pages.
    deployed_after: Duration,
    /// How long the origin takes to answer.
    origin_takes: Duration,
    /// Of the last edge; the others are as they should be.
    last_edge: &'static str,
    /// The last edge starts without any page, and its user comes so long before the purge.
    early: Duration,
}

const SCENARIOS: [Scenario; 4] = [
    Scenario {
        name: "the origin is 3 s late",
        deployed_after: Duration::from_secs(3),
        origin_takes: Duration::from_millis(5),
        last_edge: "plain",
        early: Duration::ZERO,
    },
    Scenario {
        name: "one edge takes purges 3 s late",
        deployed_after: Duration::ZERO,
        origin_takes: Duration::from_millis(5),
        last_edge: "lag=3s",
        early: Duration::ZERO,
    },
    Scenario {
        name: "fetches at one edge race with the purge",
        deployed_after: Duration::ZERO,
        origin_takes: Duration::from_millis(1_500),
        last_edge: "race",
        early: Duration::from_millis(500),
    },
    Scenario {
        name: "one edge takes no purges",
        deployed_after: Duration::ZERO,
        origin_takes: Duration::from_millis(5),
        last_edge: "deaf",
        early: Duration::ZERO,
    },
];

/// How it is purged: with the proof, with the gate.
const STRATEGIES: [(&str, bool, bool); 4] = [
    ("purge", false, false),
    ("purge and proof", true, false),
    ("gate and purge", false, true),
    ("gate and purge and proof", true, true),
];

#[tokio::main]
async fn main() {
    println!("scenario,strategy,exit,seconds,purged,edge_gets,origin_gets,course");
    for scenario in &SCENARIOS {
        for (strategy, proof, gate) in STRATEGIES {
            run(scenario, proof, gate)
                .await
                .print(scenario.name, strategy);
        }
    }
}

/// What a run came to.
struct Run {
    exit: i32,
    took: Duration,
    /// When a round ended, at which edge, and how many pages of it were stale.
    rounds: Vec<(Duration, usize, usize)>,
    purged: usize,
    edge_gets: u64,
    origin_gets: u64,
}

impl Run {
    /// Stale pages at all edges, whenever that changes.
    fn course(&self) -> Vec<(Duration, usize)> {
        let mut at = [PAGES; EDGES];
        let mut course = vec![(Duration::ZERO, PAGES * EDGES)];
        for (when, edge, stale) in &self.rounds {
            at[*edge] = *stale;
            let all = at.iter().sum();
            if course[course.len() - 1].1 != all {
                course.push((*when, all));
            }
        }
        course
    }

    /// With the course as `seconds:stale`.
    fn print(&self, scenario: &str, strategy: &str) {
        let course = self.course().into_iter();
        let course = course.map(|(when, stale)| format!("{:.1}:{stale}", when.as_secs_f64()));
        let course: Vec<_> = course.collect();
        println!(
            "{scenario},{strategy},{},{:.1},{},{},{},{}",
            self.exit,
            self.took.as_secs_f64(),
            self.purged,
            self.edge_gets,
            self.origin_gets,
            course.join(" "),
        );
    }
}

/// A server that has the old pages until it has the new ones.
struct Origin {
    takes: Duration,
    new_from: Mutex<Option<Instant>>,
    asked_by_purgit: AtomicU64,
}

async fn answer(
    State(origin): State<Arc<Origin>>,
    request: Request,
) -> ([(header::HeaderName, &'static str); 1], String) {
    let agent = request.headers().get(header::USER_AGENT);
    if agent.is_some_and(|agent| agent == USER_AGENT) {
        origin.asked_by_purgit.fetch_add(1, Ordering::Relaxed);
    }
    let is_new = (origin.new_from.lock().unwrap()).is_some_and(|from| from <= Instant::now());
    tokio::time::sleep(origin.takes).await;
    let path = request.uri().path();
    (
        [(header::CONTENT_TYPE, "text/html")],
        page(path.trim_start_matches('/'), is_new),
    )
}

fn page(name: &str, is_new: bool) -> String {
    format!("{name} {}\n", if is_new { "new" } else { "old" })
}

fn names() -> impl Iterator<Item = String> {
    (0..PAGES).map(|number| format!("page-{number}.html"))
}

async fn run(scenario: &Scenario, proof: bool, gate: bool) -> Run {
    let origin = Arc::new(Origin {
        takes: scenario.origin_takes,
        new_from: Mutex::new(None),
        asked_by_purgit: AtomicU64::new(0),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&origin));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let url = format!("http://{address}/");
    let last: Behaviour = scenario.last_edge.parse().unwrap();
    let edge = EdgeSettings {
        others: vec![Behaviour::default(), last],
        ..EdgeSettings::new(purgit::emulator::Origin::Url(url.parse().unwrap()))
    };
    let settings = Settings {
        edge: Some(edge),
        ..Settings::default()
    };
    let cdn = Emulator::start(settings, Box::<AzureChinaCdn>::default())
        .await
        .unwrap();

    let project = tempfile::tempdir().unwrap();
    write_project(project.path(), &cdn, proof, gate.then_some(&*url));
    write_pages(project.path(), false);
    let (exit, _) = purgit(project.path(), &["state", "baseline"]).await;
    assert_eq!(exit, 0);
    let is_cold = !scenario.early.is_zero();
    for edge in &cdn.edges()[..EDGES - usize::from(is_cold)] {
        assert_eq!(stale_at(&client(), &edge.to_string()).await, PAGES);
    }
    write_pages(project.path(), true);

    let start = Instant::now() + scenario.early;
    *origin.new_from.lock().unwrap() = Some(start + scenario.deployed_after);
    let rounds = Arc::new(Mutex::new(Vec::new()));
    let users: Vec<_> = (0..EDGES)
        .map(|edge| {
            tokio::spawn(user(
                edge,
                cdn.edges()[edge].to_string(),
                start,
                Arc::clone(&rounds),
            ))
        })
        .collect();
    tokio::time::sleep_until(start.into()).await;
    let (exit, printed) = purgit(
        project.path(),
        &["apply", "--format", "json", "--force=max-change-percent"],
    )
    .await;
    let took = start.elapsed();
    for user in users {
        user.await.unwrap();
    }
    server.abort();
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let urls = cdn.purge_log().iter().map(|task| task.items.len()).sum();
    let mut rounds = std::mem::take(&mut *rounds.lock().unwrap());
    rounds.sort();
    Run {
        exit,
        took,
        rounds,
        purged: urls,
        edge_gets: printed["result"]["verified"]["requests"]
            .as_u64()
            .unwrap_or(0),
        origin_gets: origin.asked_by_purgit.load(Ordering::Relaxed),
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Asks for all pages, again and again.
async fn user(
    edge: usize,
    address: String,
    start: Instant,
    rounds: Arc<Mutex<Vec<(Duration, usize, usize)>>>,
) {
    let client = client();
    while start.elapsed() < WATCHED {
        let stale = stale_at(&client, &address).await;
        let when = start.elapsed();
        rounds.lock().unwrap().push((when, edge, stale));
        tokio::time::sleep(ROUND).await;
    }
}

/// How many pages an edge serves that are not the new ones.
async fn stale_at(client: &reqwest::Client, address: &str) -> usize {
    let asked = names().map(|name| async move {
        let get = client.get(format!("http://{address}/{name}"));
        let answer = get.header("host", "www.example.com").send().await.unwrap();
        answer.text().await.unwrap() != page(&name, true)
    });
    let stale = futures_util::future::join_all(asked).await;
    stale.into_iter().filter(|is_stale| *is_stale).count()
}

fn write_pages(project: &Path, is_new: bool) {
    let folder = project.join("public");
    std::fs::create_dir_all(&folder).unwrap();
    for name in names() {
        std::fs::write(folder.join(&name), page(&name, is_new)).unwrap();
    }
}

fn write_project(project: &Path, cdn: &Running, proof: bool, origin: Option<&str>) {
    let mut manifest = cdn.manifest().replace("\"127.0.0.1\"", "www.example.com");
    manifest = manifest.replace(
        "interval: 100ms, maxInterval: 1s",
        "interval: 20ms, maxInterval: 100ms",
    );
    if let Some(origin) = origin {
        manifest += &format!("  origin: {{ url: \"{origin}\", interval: 500ms, timeout: 10s }}\n");
    }
    if proof {
        let edges: Vec<_> = cdn
            .edges()
            .iter()
            .map(|edge| format!("\"http://{edge}\""))
            .collect();
        manifest += &format!(
            "  verify: {{ edges: [{}], acceptEncoding: [identity], timeout: 4s, rebound: 1 }}\n",
            edges.join(", ")
        );
    }
    manifest += "---\napiVersion: purgit/v1alpha1\nkind: Site\nmetadata: { name: docs }\n\
                 spec:\n  endpoint: www\n  baseUrl: https://www.example.com/\n  content: { root: public }\n";
    std::fs::write(project.join("purgit.yaml"), manifest).unwrap();
}

/// Exit code and stdout.
async fn purgit(project: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_purgit"))
        .current_dir(project)
        .env_clear()
        .env("AZURE_CDN_KEY_ID", KEY_ID)
        .env("AZURE_CDN_KEY_VALUE", KEY_VALUE)
        .args(arguments)
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), text)
}
