//! The digest of all resources: what changes it, and what must not.

use purgit::entry::{Target, TargetKind};
use purgit::manifest::digest;

use super::{ENDPOINT, PROJECT, purge, read};

const URLS: &str = "endpoint: www
files: [https://www.example.com/b, https://www.example.com/a]
directories: [https://www.example.com/d/]";

fn digest_of(files: &[(&str, &str)]) -> String {
    let parsed = read(files);
    assert!(parsed.project.is_some(), "{:?}", parsed.problems);
    digest(&parsed.project.unwrap())
}

/// The digest after one replacement in one of the texts.
fn digest_with(from: &str, to: &str) -> String {
    let change = |text: &str| text.replace(from, to);
    let purge = purge(URLS);
    assert!(
        [PROJECT, ENDPOINT, &purge]
            .iter()
            .any(|text| text.contains(from))
    );
    digest_of(&[
        ("purgit.yaml", &change(PROJECT)),
        ("a.yaml", &change(ENDPOINT)),
        ("b.yaml", &change(&purge)),
    ])
}

#[test]
fn it_looks_like_a_digest_and_stays_the_same() {
    let digest = digest_with("name: it", "name: it");
    insta::assert_snapshot!(digest, @"sha256:f1c5a3d3410559649af325c45484d4c7120924e55ae13fe1d13fd0cc43685ab2");
}

#[test]
fn files_order_and_spelling_do_not_matter() {
    let same = digest_with("name: it", "name: it");
    let one_file = format!("{}---\n{ENDPOINT}---\n{PROJECT}", purge(URLS));
    assert_eq!(digest_of(&[("purgit.yaml", &one_file)]), same);
    for (from, to) in [
        (
            "https://www.example.com/a",
            "HTTPS://www.example.com:443/%61",
        ),
        (
            "[https://www.example.com/b, https://www.example.com/a]",
            "[https://www.example.com/a, https://www.example.com/b, https://www.example.com/a]",
        ),
        (
            "[www.example.com, \"*.img.example.com\"]",
            "[\"*.IMG.example.com\", www.example.com]",
        ),
        ("directories:", "suspend: false\n  directories:"),
        (
            "metadata: { name: www }\n",
            "metadata: { name: www }\n# a comment\n",
        ),
    ] {
        assert_eq!(digest_with(from, to), same, "{from} → {to}");
    }
    let layout = format!("{PROJECT}spec: {{ manifests: [x], status: {{ file: s.yaml }} }}\n");
    assert_eq!(
        digest_of(&[
            ("purgit.yaml", &layout),
            ("a.yaml", ENDPOINT),
            ("b.yaml", &purge(URLS))
        ]),
        same
    );
}

#[test]
fn targets_of_each_kind_matter() {
    let files = [
        ("purgit.yaml", PROJECT),
        ("a.yaml", ENDPOINT),
        ("b.yaml", &purge(URLS)),
    ];
    let project = read(&files).project.unwrap();
    let mut seen = vec![digest(&project)];
    for (kind, text) in [
        (TargetKind::Tag, "www.example.com"),
        (TargetKind::Host, "www.example.com"),
        (TargetKind::Everything, ""),
    ] {
        let mut project = project.clone();
        let targets = &mut project.purges[0].targets;
        targets.insert(0, Target::parse(kind, text).unwrap());
        let digest = digest(&project);
        assert!(!seen.contains(&digest), "no change by {kind}");
        seen.push(digest);
    }
}

#[test]
fn whatever_decides_a_plan_matters() {
    let mut seen = vec![digest_with("name: it", "name: it")];
    for (from, to) in [
        ("name: it", "name: at"),
        ("https://www.example.com/a", "https://www.example.com/A"),
        ("/d/", "/d/e/"),
        ("endpoint: www", "endpoint: www\n  revision: 2"),
        ("endpoint: www", "endpoint: www\n  suspend: true"),
        (
            "endpoint: www",
            "endpoint: www\n  suspend: true\n  suspendUntil: 2026-12-01",
        ),
        ("000000000001", "000000000009"),
        ("hosts: [", "hosts: [b.example.com, "),
        (
            "  azureChinaCdn",
            "  limits: { itemsPerRequest: 7 }\n  azureChinaCdn",
        ),
        (
            "  azureChinaCdn",
            "  limits: { requestsPerSecond: 0.5 }\n  azureChinaCdn",
        ),
        (
            "  azureChinaCdn",
            "  limits: { dayStartsAt: 00:00Z }\n  azureChinaCdn",
        ),
        (
            "  azureChinaCdn",
            "  poll: { timeout: 1m }\n  azureChinaCdn",
        ),
        (
            "kind: Project",
            "spec: { safety: { maxUrls: 1 } }\nkind: Project",
        ),
    ] {
        let digest = digest_with(from, to);
        assert!(!seen.contains(&digest), "no change by {from} → {to}");
        seen.push(digest);
    }
}
