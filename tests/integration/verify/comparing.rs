//! Comparing with the origin: only where bytes alone prove nothing, and each URL once.

use std::time::Duration;

use chrono::TimeDelta;
use purgit::transport::fetch::Fetched;
use purgit::verify::ask::{Asked, Asking, Originals, Telling};
use purgit::verify::{Original, Question, Told, Verdict, Wanted};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::asking::{Edges, TokioClock, settings};
use super::fixture::Edges as World;
use super::{content, fetched, http, question};
use crate::schema::assert_valid;
use crate::state_fixture::at;

/// An origin that answers the same each time.
struct One {
    told: Told,
    asked: Vec<String>,
}

impl One {
    fn serving(body: &str) -> Self {
        Self {
            told: Ok(Original::new(&fetched(200, &[], body))),
            asked: Vec::new(),
        }
    }
}

impl Originals for One {
    fn tell<'a>(&'a mut self, _: Asking<'a>, questions: Vec<&'a Question>) -> Telling<'a> {
        let urls = questions
            .iter()
            .map(|question| question.url.as_str().to_owned());
        self.asked.extend(urls);
        Box::pin(async move { vec![Some(self.told.clone()); questions.len()] })
    }

    fn requests(&self) -> usize {
        self.asked.len()
    }
}

async fn asked(
    answer: impl Fn(&str, usize) -> Fetched + Send + Sync + 'static,
    question: Question,
    origin: &mut One,
) -> Asked {
    let asking = Asking {
        fetch: &Edges::new(move |way, count| Ok(answer(way, count))),
        clock: &TokioClock(Instant::now()),
        cancel: &CancellationToken::new(),
        wait: true,
        deadline: None,
    };
    asking.ask(&[(&settings(), question)], origin).await
}

fn new() -> Question {
    question(Wanted::Content(content("new")), None)
}

fn verdict(asked: &Asked) -> Option<Verdict> {
    asked.evidence[0].as_ref().map(|evidence| evidence.verdict)
}

#[tokio::test(start_paused = true)]
async fn what_the_origin_renders_is_fresh_at_once_and_asked_for_once() {
    let mut origin = One::serving("rendered");
    let asked = asked(|_, _| fetched(200, &[], "rendered"), new(), &mut origin).await;
    assert_eq!(verdict(&asked), Some(Verdict::Fresh));
    assert_eq!(origin.asked, ["https://www.example.com/a.html"]);
    // Two edges, two encodings, and the origin.
    assert_eq!(asked.requests, 5);
}

#[tokio::test(start_paused = true)]
async fn the_origin_is_not_asked_about_what_bytes_prove() {
    for (body, verdict_of) in [("new", Verdict::Fresh), ("old", Verdict::Stale)] {
        let mut origin = One::serving(body);
        let asked = asked(move |_, _| fetched(200, &[], body), new(), &mut origin).await;
        assert_eq!(verdict(&asked), Some(verdict_of));
        assert!(origin.asked.is_empty());
    }
    let mut origin = One::serving("rendered");
    let asked = asked(|_, _| fetched(403, &[], "rendered"), new(), &mut origin).await;
    assert_eq!(verdict(&asked), Some(Verdict::Unknown));
    assert!(origin.asked.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_lags_is_waited_for_until_it_serves_what_the_origin_does() {
    let since = at(0);
    // What the second edge has is older than the purge, until its third answer.
    let answer = move |way: &str, count: usize| {
        let is_old = way.starts_with("203.0.113.2") && count < 3;
        let age = if is_old { 60 } else { 0 };
        let headers = [("age", &*age.to_string()), ("date", &*http(since))];
        fetched(
            200,
            &headers,
            if is_old { "rendered 1" } else { "rendered 2" },
        )
    };
    let since = Some(since + TimeDelta::seconds(-10));
    let mut origin = One::serving("rendered 2");
    let begun = Instant::now();
    let asked = asked(answer, Question { since, ..new() }, &mut origin).await;
    assert_eq!(verdict(&asked), Some(Verdict::Fresh));
    assert!(begun.elapsed() >= Duration::from_secs(3));
    assert_eq!(origin.asked.len(), 1);
}

/// Two pages of a site that the origin renders, so that no edge serves the bytes that are declared, and a
/// file that tells the release, which is `r1`.
fn rendered(behaviours: &[&str], headers: &str) -> World {
    let origin = format!(
        "timeout: 1ms, interval: 1ms, expect: {{ file: /release.txt, equals: r1 }}, headers: {{ {headers} }}"
    );
    let world = World::compared(
        behaviours,
        "timeout: 1ms, acceptEncoding: [identity]",
        &origin,
    );
    for page in ["a.html", "b.html"] {
        world.write(&format!("public/{page}"), "{{ page }} 1");
        world.deploy(page, "rendered 1");
    }
    world.deploy("release.txt", "r1\n");
    world.run("state baseline").code(0);
    world.visit(&["a.html", "b.html"]);
    world
}

/// A page of it changes, and the release is there.
fn released(behaviours: &[&str]) -> World {
    let world = rendered(behaviours, "");
    world.write("public/a.html", "{{ page }} 2");
    world.deploy("a.html", "rendered 2");
    world.deploy("release.txt", "r2");
    world.edit("purgit.yaml", "equals: r1", "equals: r2");
    world
}

#[test]
fn a_page_that_the_origin_renders_is_proven() {
    let world = released(&["plain", "plain"]);
    // The edges, the page and the file that tells the release.
    world
        .run("apply")
        .code(0)
        .stdout_has("Verified: 1 fresh, 0 stale, 0 unknown in 4 requests\n");
    let all = world.run("verify --format json").code(0).json();
    assert_eq!(all["summary"]["fresh"], 2);
    let why = all["entries"][0]["evidence"]["why"].as_str();
    assert_eq!(why, Some("the bytes are those of the origin's answer"));
    assert_valid("verify", &all, "entries");
}

#[test]
fn an_edge_that_serves_other_bytes_than_the_origin_is_not_proven_fresh() {
    let world = released(&["plain", "deaf"]);
    world
        .run("apply")
        .code(0)
        .stdout_has("Verified: 0 fresh, 0 stale, 1 unknown");
    world
        .run("verify site/docs/a.html")
        .code(0)
        .stdout_has("; the origin answers otherwise")
        .stderr_lacks("hint: where pages are made");
}

#[test]
fn an_origin_that_lags_proves_nothing() {
    let world = released(&["plain"]);
    world.deploy("release.txt", "r1");
    world
        .run("verify site/docs/b.html")
        .code(0)
        .stdout_has("; the origin serves another release than `r2`");
    world.deploy("release.txt", "r2");
    world
        .run("verify site/docs/b.html")
        .code(0)
        .stdout_lacks("the origin serves another")
        .stdout_has("1 fresh");
}

#[test]
fn a_lost_state_is_found_again_where_the_origin_renders() {
    let world = rendered(&["plain"], "");
    std::fs::remove_file(world.root().join(".purgit/state.json")).unwrap();
    world
        .run("plan --verify")
        .code(0)
        .stdout_has("2 entries adopted")
        .stderr_has("asking the edges for 2 entries: 2 requests, and origins in 3 more at most");
    world.run("apply --verify").code(0);
    assert!(world.cdn.purge_log().is_empty());
}

#[test]
fn a_plan_reads_no_credentials_of_an_origin_while_verify_does() {
    let mut world = rendered(&["plain"], "X-Bypass: { env: BYPASS }");
    world.set("BYPASS", "not-a-real-key");
    world
        .run("plan --verify --explain site/docs/a.html")
        .code(0)
        .stdout_has(
            "the origin was not asked: no `origin.headers.x-bypass`: a plan reads no credentials",
        );
    world.run("verify").code(0).stdout_has("2 fresh");
    world.unset("BYPASS");
    world
        .run("verify site/docs/a.html")
        .code(0)
        .stdout_has("environment variable `BYPASS` is not set");
}
