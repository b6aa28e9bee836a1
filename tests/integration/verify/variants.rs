//! Variants of a URL: each is asked for, since a cache keeps an answer of its own for each.

use std::collections::BTreeMap;

use purgit::verify::ask::Asking;
use purgit::verify::{Question, Variant, Verdict, Wanted};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::asking::{Edges, TokioClock, Undeclared, settings};
use super::fixture::Edges as World;
use super::{content, fetched, question};

fn set(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    let fields = fields.iter();
    fields
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn shown(sets: &[BTreeMap<String, String>]) -> Vec<String> {
    Variant::all(sets).iter().map(Variant::to_string).collect()
}

#[test]
fn every_variant_counts_once_and_encodings_are_none() {
    let german = || set(&[("Accept-Language", "de")]);
    assert_eq!(shown(&[]), [""]);
    assert_eq!(shown(&[german()]), ["accept-language: de"]);
    let same = set(&[("accept-language", "de"), ("Accept-Encoding", "gzip")]);
    let sets = [set(&[]), german(), same, set(&[("Accept-Encoding", "br")])];
    assert_eq!(shown(&sets), ["", "accept-language: de"]);
}

#[tokio::test(start_paused = true)]
async fn a_variant_that_is_stale_is_found_and_told() {
    let edges = Edges::new(|way, _| {
        let body = if way.ends_with(" de") { "old" } else { "new" };
        Ok(fetched(200, &[], body))
    });
    let variants = Variant::all(&[set(&[]), set(&[("Accept-Language", "de")])]);
    let settings = settings();
    let questions = variants.into_iter().map(|variant| {
        let question = question(Wanted::Content(content("new")), None);
        (
            &settings,
            Question {
                variant,
                ..question
            },
        )
    });
    let questions: Vec<_> = questions.collect();
    let asking = Asking {
        fetch: &edges,
        clock: &TokioClock(Instant::now()),
        cancel: &CancellationToken::new(),
        wait: false,
        deadline: None,
    };
    let asked = asking.ask(&questions, &mut Undeclared).await;
    assert_eq!(asked.requests, 8);
    let evidence: Vec<_> = asked.evidence.into_iter().flatten().collect();
    let said = evidence
        .iter()
        .map(|one| (one.verdict, one.variant.as_deref()));
    let expected = [
        (Verdict::Fresh, None),
        (Verdict::Stale, Some("accept-language: de")),
    ];
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

/// In place of its CDN, a cache with these variants.
fn vary(world: &World, variants: &str) {
    let manifest = world.read("purgit.yaml");
    let (front, rest) = manifest.split_once("  azureChinaCdn:").unwrap();
    let (_, rest) = rest.split_once("  verify:").unwrap();
    let cache = format!(
        "{{ preset: varnish, nodes: {{ static: [\"http://127.0.0.1:1\"] }}, variants: [{variants}] }}"
    );
    let manifest = format!("{front}  httpCache: {cache}\n  verify:{rest}");
    world.write("purgit.yaml", &manifest);
}

#[test]
fn each_variant_of_a_cache_is_asked_for() {
    let world = World::new(&["plain"], "acceptEncoding: [identity]");
    vary(
        &world,
        "{}, { Accept-Language: de }, { Accept-Encoding: gzip }",
    );
    world.publish("a.html", "a 1");
    world.run("state baseline").code(0);
    world
        .run("verify")
        .code(0)
        .stdout_has("1 fresh, 0 stale, 0 unknown in 2 requests");
    world
        .run("plan --verify")
        .code(0)
        .stderr_has("asking the edges for 1 entry: 2 requests");
}

#[test]
fn the_page_that_an_origin_makes_is_another_one_for_each_variant() {
    let origin = "timeout: 1ms, expect: { header: X-Cache, equals: MISS }";
    let world = World::compared(&["plain"], "acceptEncoding: [identity]", origin);
    vary(&world, "{}, { Accept-Language: de }");
    world.write("public/a.html", "{{ page }}");
    world.deploy("a.html", "rendered");
    world.run("state baseline").code(0);
    // Each variant is asked of the edge and of the origin.
    world
        .run("verify")
        .code(0)
        .stdout_has("1 fresh, 0 stale, 0 unknown in 4 requests");
}
