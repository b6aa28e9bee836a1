//! `purgit demo`

use crate::common::Environment;

/// What the contract promises.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

#[test]
fn each_tour_tells_the_truth_without_network_or_set_up() {
    for kind in purgit::emulator::REGISTRY {
        tour(kind.name);
    }
}

fn tour(provider: &str) {
    let mut env = Environment::new();
    // No name can be looked up and no proxy answers, so only loopback is left.
    env.set("HTTPS_PROXY", "http://127.0.0.1:1");
    env.set("HTTP_PROXY", "http://127.0.0.1:1");
    let temporary = env.folder().join("home").display().to_string();
    env.set("TMPDIR", &temporary);
    let before = env.files();
    let start = std::time::Instant::now();
    let output = env.run(&format!("demo --provider {provider}")).code(0);
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    let commands: Vec<_> = output
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .map(|line| {
            line.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(
        commands,
        [
            "curl -i",
            "curl -i",
            "echo '<h1>Spring",
            "curl -i",
            "cat purges/spring.yaml",
            "purgit plan",
            "purgit apply",
            "curl -i",
            "purgit plan",
            "cat purges/shop.yaml",
            "purgit state",
            "echo '<h1>Spring",
            "purgit purge",
            "curl -i",
            "tail -n",
            "purgit apply",
            "curl -i",
        ]
    );
    let stale = output.stdout.find("X-Cache: HIT\n\n<h1>Spring sale: 10 %");
    let fresh = output.stdout.find("X-Cache: MISS\n\n<h1>Spring sale: 50 %");
    assert!(stale.unwrap() < fresh.unwrap(), "{output:?}");
    let too_early = output
        .stdout
        .rfind("X-Cache: MISS\n\n<h1>Spring sale: 50 %");
    let gated = output.stdout.find("X-Cache: MISS\n\n<h1>Spring sale: 70 %");
    assert!(too_early.unwrap() < gated.unwrap(), "{output:?}");
    output
        .stderr_has("waits for the origin, which still serves the bytes of generation ")
        .stdout_has("Origin: 1 ready, 0 held in ")
        .stdout_has("Applied: 1 Succeeded")
        .stdout_has("No changes:")
        .stderr_lacks("warning");
    assert_eq!(env.files(), before, "nothing is left behind");
}
