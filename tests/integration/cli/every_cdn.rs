//! What holds for every CDN of the registry, on the command line.

use std::collections::BTreeMap;

use purgit::emulator::{self, ApiKind, ApiOptions, Emulator, Running, Settings};
use purgit::provider::{ProviderKind, REGISTRY};
use serde_json::Value;

use crate::common::{Environment, RUNTIME};

/// Each kind of target in a manifest, and whether a CDN without it is told what to use instead.
const KINDS: [(&str, &str); 5] = [
    ("file", "  files: [\"https://www.example.com/a.png\"]\n"),
    (
        "directory",
        "  directories: [\"https://www.example.com/d/\"]\n",
    ),
    ("tag", "  tags: [news]\n"),
    ("host", "  hosts: [www.example.com]\n"),
    ("everything", "  everything: true\n"),
];

const SITE: &str = "apiVersion: purgit/v1alpha1\nkind: Site\nmetadata: { name: docs }\nspec:\n  \
                    endpoint: www\n  baseUrl: https://www.example.com/docs/\n  content: { root: public }\n";

fn purge(targets: &str) -> String {
    format!(
        "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: {{ name: p }}\nspec:\n  endpoint: www\n  \
         revision: \"1\"\n{targets}"
    )
}

/// A project for that CDN, as `init` writes it, with a site.
fn project(kind: &ProviderKind) -> Environment {
    let env = Environment::new();
    env.run(&format!("init --provider {} -q", kind.name))
        .code(0);
    std::fs::remove_file(env.root().join("purges/example.yaml")).unwrap();
    env.write("purges/site.yaml", SITE);
    env.write("public/index.html", "one");
    env.write("public/b.html", "two");
    env
}

#[test]
fn a_manifest_of_one_cdn_changed_to_another_plans_the_same_entries() {
    let mut planned: BTreeMap<&str, Vec<(&str, Value)>> = BTreeMap::new();
    for kind in REGISTRY {
        let env = project(kind);
        for (target, yaml) in KINDS {
            env.write("purges/purge.yaml", &purge(yaml));
            let valid = env.run("validate");
            if valid.code == Some(0) {
                let plan = env.run("plan --format json --force max-directories:www");
                let changes = plan.code(0).json()["changes"].take();
                planned
                    .entry(target)
                    .or_default()
                    .push((kind.name, changes));
            } else {
                valid
                    .code(1)
                    .stderr_has("purges/purge.yaml:")
                    .stderr_has("hint: ");
            }
        }
    }
    assert_eq!(planned["file"].len(), REGISTRY.len());
    for (target, plans) in planned {
        assert!(plans.len() > 1, "{target}");
        for (name, changes) in &plans {
            assert_eq!(changes.as_array().unwrap().len(), 4, "{name}: {changes}");
            assert_eq!(*changes, plans[0].1, "{name} and {}", plans[0].0);
        }
    }
}

fn start(kind: &ApiKind, hosts: &[&str]) -> Running {
    let options = ApiOptions {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        ..ApiOptions::default()
    };
    let api = (kind.build)(&options).unwrap();
    let settings = Settings::default();
    RUNTIME.block_on(Emulator::start(settings, api)).unwrap()
}

/// Points a project at an emulator.
fn connect(env: &mut Environment, cdn: &Running) {
    let manifest = cdn.manifest().replace("interval: 100ms", "interval: 10ms");
    env.write("purgit.yaml", &manifest);
    for (name, value) in cdn.credentials() {
        env.set(name, &value);
    }
}

/// Whether there is no API in front of the caches, which knows endpoints and hosts.
fn asks_nodes(found: &str) -> bool {
    found.contains("ok      node         http://127.0.0.1:")
}

#[test]
fn doctor_finds_nothing_wrong_with_an_emulator() {
    for kind in emulator::REGISTRY {
        let cdn = start(kind, &[]);
        let mut env = Environment::new();
        connect(&mut env, &cdn);
        env.purge("spring", &["/a.png"], &[], "1");
        let well = env.run("doctor").code(0);
        for word in ["warning", "failed"] {
            assert!(!well.stdout.contains(word), "{}: {well}", kind.name);
        }
        let purged = cdn.purge_log();
        if asks_nodes(&well.stdout) {
            // Of what nobody has.
            let mut items = purged.iter().flat_map(|task| &task.items);
            assert!(items.all(|item| item.text.ends_with("/nothing-is-here")));
        } else {
            assert!(well.stdout.contains("ok      endpoint     known"), "{well}");
            assert!(purged.is_empty(), "{}", kind.name);
        }
        let name = cdn.credentials()[0].0;
        env.set(name, "not-a-real-key-either");
        env.run("doctor")
            .code(1)
            .stdout_has("failed  credentials  ")
            .stdout_has("hint: ");
    }
}

#[test]
fn doctor_compares_the_hosts_with_those_of_the_emulator() {
    for kind in emulator::REGISTRY {
        let cdn = start(kind, &["www.example.org"]);
        let mut env = Environment::new();
        connect(&mut env, &cdn);
        if asks_nodes(&env.run("doctor").stdout) {
            // A cache takes any host.
            continue;
        }
        env.run("doctor")
            .stdout_has("ok      hosts        as at the CDN: ")
            .stdout_has("example.org");
        env.edit("purgit.yaml", "www.example.org", "www.example.com");
        env.run("doctor")
            .stdout_has("warning hosts        the CDN does not name www.example.com; it names ");
    }
}

/// Also while something runs: its task is nothing that the other CDN knows.
#[test]
fn the_state_survives_the_move_of_an_endpoint_to_another_cdn() {
    let kinds = emulator::REGISTRY;
    let mut all_left = 0;
    for (from, to) in kinds.iter().zip(kinds.iter().cycle().skip(1)) {
        let pair = format!("{} to {}", from.name, to.name);
        let [old, new] = [from, to].map(|kind| start(kind, &[]));
        let mut env = Environment::new();
        connect(&mut env, &old);
        env.purge("spring", &["/a.png"], &[], "1");
        env.run("apply").code(0).stdout_has("1 Succeeded");
        old.inject("stuck".parse().unwrap()).unwrap();
        env.purge("summer", &["/b.png"], &[], "1");
        // A CDN whose answer is the last word has no task to leave behind.
        let left = env.run("apply --no-wait").code == Some(8);
        let before = env.state();

        connect(&mut env, &new);
        let address = "purge/spring/file/https://www.example.com/a.png";
        let listed = env.run("state list").code(0).stderr_is_empty();
        let is_listed = |line: &str| line.contains(address) && line.starts_with("Succeeded");
        assert!(listed.stdout.lines().any(is_listed), "{pair}: {listed}");
        env.run(&format!("state show {address}"))
            .code(0)
            .stdout_has("Succeeded");
        env.run("status").code(0).stdout_has("1 entry is confirmed");
        env.run("history")
            .code(0)
            .stdout_has("1 Succeeded in 1 request");
        assert_eq!(env.state().entries, before.entries, "{pair}");

        // What was confirmed is not purged again; what was under way is, at the new one.
        env.run("apply --auto-approve");
        env.run("apply").code(0);
        let purged = new.purge_log();
        assert_eq!(purged.len(), usize::from(left), "{pair}");
        env.run("plan").code(0).stdout_has("No changes");
        all_left += usize::from(left);
    }
    assert!(all_left > 0, "no task was left behind");
}
