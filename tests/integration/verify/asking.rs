//! Asking: every way, a few at once, again while an edge lags, and never for ever.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use purgit::clock::Clock;
use purgit::transport::dns::{ResolveError, Resolver};
use purgit::transport::fetch::{Connect, Fetch, Fetched, Fetching, Resolving};
use purgit::transport::{Request, TransportError, TransportErrorKind};
use purgit::verify::ask::{Asked, Asking, Originals, Telling, most_requests};
use purgit::verify::{Encoding, Question, Settings, Verdict, Wanted};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{content, fetched, question};
use crate::state_fixture::at;

type Answer = dyn Fn(&str, usize) -> Result<Fetched, TransportError> + Send + Sync;

/// Answers by the way of asking, as `edge encoding`, and how often it was asked in that way.
pub(super) struct Edges {
    answer: Box<Answer>,
    pub(super) asked: Mutex<BTreeMap<String, usize>>,
    at_once: Mutex<(usize, usize)>,
}

impl std::fmt::Debug for Edges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Edges")
    }
}

impl Edges {
    pub(super) fn new(
        answer: impl Fn(&str, usize) -> Result<Fetched, TransportError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            answer: Box::new(answer),
            asked: Mutex::default(),
            at_once: Mutex::default(),
        }
    }
}

impl Fetch for Edges {
    fn fetch(
        &self,
        request: Request,
        connect: Option<Connect>,
        _: Option<Instant>,
    ) -> Fetching<'_> {
        let encoding = request
            .headers
            .iter()
            .find(|(name, _)| *name == "accept-encoding");
        let encoding = encoding
            .map(|(_, value)| value.expose().to_owned())
            .unwrap_or_default();
        let edge = connect.map_or_else(|| "-".to_owned(), |connect| connect.to_string());
        let headers = request.headers.iter();
        let mut language = headers.filter(|(name, _)| *name == "accept-language");
        let language = language
            .next()
            .map(|(_, value)| format!(" {}", value.expose()));
        let way = format!("{edge} {encoding}{}", language.unwrap_or_default());
        Box::pin(async move {
            let count = {
                let mut asked = self.asked.lock().unwrap();
                let count = asked.entry(way.clone()).or_default();
                *count += 1;
                *count
            };
            {
                let mut at_once = self.at_once.lock().unwrap();
                at_once.0 += 1;
                at_once.1 = at_once.1.max(at_once.0);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.at_once.lock().unwrap().0 -= 1;
            (self.answer)(&way, count)
        })
    }

    fn resolve<'a>(&'a self, resolver: Resolver, host: &'a str) -> Resolving<'a> {
        assert_eq!(host, "www.example.com");
        let last = resolver.0.port();
        Box::pin(async move {
            match u8::try_from(last) {
                Ok(last) => Ok(vec![[203, 0, 113, last].into(), [203, 0, 113, 9].into()]),
                Err(_) => Err(ResolveError::NoAnswer(resolver)),
            }
        })
    }
}

/// No origin is declared.
pub(super) struct Undeclared;

impl Originals for Undeclared {
    fn tell<'a>(&'a mut self, _: Asking<'a>, questions: Vec<&'a Question>) -> Telling<'a> {
        Box::pin(async move { vec![None; questions.len()] })
    }

    fn requests(&self) -> usize {
        0
    }
}

/// Goes with tokio's clock.
#[derive(Debug)]
pub(super) struct TokioClock(pub(super) Instant);

impl Clock for TokioClock {
    fn now(&self) -> DateTime<Utc> {
        at(0) + TimeDelta::from_std(self.0.elapsed()).unwrap()
    }
}

pub(super) fn settings() -> Settings {
    let edge = |last| Connect {
        address: [203, 0, 113, last].into(),
        port: None,
        plain: false,
    };
    Settings {
        edges: vec![edge(1), edge(2)],
        accept_encoding: vec![Encoding::Identity, Encoding::Gzip],
        timeout: Duration::from_secs(60),
        ..Settings::default()
    }
}

fn new() -> Question {
    question(Wanted::Content(content("new")), None)
}

async fn asked(edges: &Edges, settings: &Settings, wait: bool, questions: usize) -> Asked {
    let asking = Asking {
        fetch: edges,
        clock: &TokioClock(Instant::now()),
        cancel: &CancellationToken::new(),
        wait,
        deadline: None,
    };
    asking
        .ask(&vec![(settings, new()); questions], &mut Undeclared)
        .await
}

fn verdict(asked: &Asked) -> Option<Verdict> {
    asked.evidence[0].as_ref().map(|evidence| evidence.verdict)
}

#[tokio::test(start_paused = true)]
async fn every_edge_is_asked_for_every_encoding_once() {
    let edges = Edges::new(|_, _| Ok(fetched(200, &[], "new")));
    let asked = asked(&edges, &settings(), true, 1).await;
    assert_eq!((verdict(&asked), asked.requests), (Some(Verdict::Fresh), 4));
    let ways: Vec<_> = edges.asked.lock().unwrap().keys().cloned().collect();
    assert_eq!(
        ways,
        [
            "203.0.113.1 gzip",
            "203.0.113.1 identity",
            "203.0.113.2 gzip",
            "203.0.113.2 identity"
        ]
    );
    assert_eq!(asked.evidence[0].as_ref().unwrap().answers, 4);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_a_few_at_once() {
    let edges = Edges::new(|_, _| Ok(fetched(200, &[], "new")));
    let asked = asked(&edges, &settings(), true, 50).await;
    assert_eq!(asked.requests, 200);
    assert_eq!(edges.at_once.lock().unwrap().1, 8);
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_lags_is_waited_for_and_the_others_are_left_alone() {
    let edges = Edges::new(|way, count| {
        let lags = way == "203.0.113.2 gzip" && count <= 3;
        Ok(fetched(200, &[], if lags { "old" } else { "new" }))
    });
    let begun = Instant::now();
    let asked = asked(&edges, &settings(), true, 1).await;
    assert_eq!(
        (verdict(&asked), asked.requests),
        (Some(Verdict::Fresh), 4 + 3)
    );
    // 1 s, 2 s, 4 s.
    assert_eq!(begun.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn one_way_that_stays_stale_decides_and_the_time_is_bounded() {
    let edges = Edges::new(|way, _| {
        let lies = way == "203.0.113.2 gzip";
        Ok(fetched(
            200,
            &[("x-cache", "HIT")],
            if lies { "old" } else { "new" },
        ))
    });
    let begun = Instant::now();
    let first = asked(&edges, &settings(), true, 1).await;
    let evidence = first.evidence[0].clone().unwrap();
    assert_eq!(evidence.verdict, Verdict::Stale);
    assert_eq!(evidence.edge.as_deref(), Some("203.0.113.2"));
    assert_eq!(evidence.accept_encoding, Some(Encoding::Gzip));
    assert_eq!(evidence.cache.as_deref(), Some("HIT"));
    // After 1, 3, 7, 15, 31 and 61 s.
    assert_eq!((first.requests, begun.elapsed().as_secs()), (4 + 6, 61));
    // Who does not wait asks once.
    let begun = Instant::now();
    let again = asked(&edges, &settings(), false, 1).await;
    assert_eq!((verdict(&again), again.requests), (Some(Verdict::Stale), 4));
    assert_eq!(begun.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_proves_nothing_is_asked_for_a_few_times_unless_proof_is_required() {
    let edges = Edges::new(|_, _| Err(TransportErrorKind::Timeout.into()));
    let asked_thrice = asked(&edges, &settings(), true, 1).await;
    assert_eq!(
        (verdict(&asked_thrice), asked_thrice.requests),
        (Some(Verdict::Unknown), 12)
    );
    let required = Settings {
        required: true,
        ..settings()
    };
    let asked_on = asked(&edges, &required, true, 1).await;
    assert_eq!(
        (verdict(&asked_on), asked_on.requests),
        (Some(Verdict::Unknown), 28)
    );
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_was_stale_and_then_refuses_is_not_taken_for_better() {
    let edges = Edges::new(|_, count| match count {
        1 => Ok(fetched(200, &[], "old")),
        2 => Ok(fetched(403, &[], "who are you?")),
        _ => Err(TransportErrorKind::Timeout.into()),
    });
    let refused = asked(&edges, &settings(), true, 1).await;
    assert_eq!(verdict(&refused), Some(Verdict::Stale));
    // What it serves instead says more.
    let edges = Edges::new(|_, count| {
        let body = if count == 1 { "old" } else { "minified" };
        Ok(fetched(200, &[], body))
    });
    let changed = asked(&edges, &settings(), true, 1).await;
    assert_eq!(verdict(&changed), Some(Verdict::Unknown));
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_does_not_answer_is_left_alone() {
    let edges = Edges::new(|way, _| match way.starts_with("203.0.113.1") {
        true => Err(TransportErrorKind::Timeout.into()),
        false => Ok(fetched(200, &[], "new")),
    });
    let found = asked(&edges, &settings(), true, 50).await;
    let verdicts = found.evidence.iter().flatten();
    assert_eq!(
        verdicts
            .filter(|one| one.verdict == Verdict::Unknown)
            .count(),
        50
    );
    let last = found.evidence[49].as_ref().unwrap();
    assert_eq!(last.why, "not asked: the edge had stopped answering");
    assert_eq!(last.edge.as_deref(), Some("203.0.113.1"));
    // The other edge was asked for all; this one three times for as many as are asked at once.
    let silent = edges.asked.lock().unwrap()["203.0.113.1 gzip"];
    assert!(silent <= 3 * 15, "{silent}");
    assert!(
        (100..=100 + 3 * 15).contains(&found.requests),
        "{}",
        found.requests
    );
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_wants_a_rest_gets_it() {
    let rest = |seconds: &'static str| {
        Edges::new(move |_, count| match count {
            1 => Ok(fetched(429, &[("retry-after", seconds)], "")),
            _ => Ok(fetched(200, &[], "new")),
        })
    };
    let one = Settings {
        accept_encoding: vec![Encoding::Identity],
        ..settings()
    };
    let begun = Instant::now();
    let found = asked(&rest("40"), &one, true, 1).await;
    assert_eq!((verdict(&found), found.requests), (Some(Verdict::Fresh), 4));
    assert_eq!(begun.elapsed().as_secs(), 40);
    // Longer than anybody waits.
    let found = asked(&rest("61"), &one, true, 1).await;
    assert_eq!(
        (verdict(&found), found.requests),
        (Some(Verdict::Unknown), 2)
    );
}

#[tokio::test(start_paused = true)]
async fn requests_are_spread_over_time() {
    let edges = Edges::new(|_, _| Ok(fetched(200, &[], "new")));
    let begun = Instant::now();
    let found = asked(&edges, &settings(), true, 100).await;
    assert_eq!(found.requests, 400);
    // Fifty at once, and fifty a second from then on.
    assert_eq!(begun.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_than_are_promised() {
    let edges = Edges::new(|_, _| Ok(fetched(200, &[], "old")));
    for seconds in [1, 2, 60, 61, 300] {
        let settings = Settings {
            timeout: Duration::from_secs(seconds),
            rebound: 0,
            ..settings()
        };
        let found = asked(&edges, &settings, true, 1).await;
        let most = most_requests(&settings, 1);
        // Answers take a while.
        assert!(
            (most - 4..=most).contains(&found.requests),
            "{seconds}: {} of {most}",
            found.requests
        );
    }
    assert_eq!(most_requests(&Settings::default(), 50), 50 * 3 * 15 * 2);
}

/// What is told of an edge that serves something old when the asking is cancelled after so long.
async fn cancelled_after(pause: Duration) -> Asked {
    let edges = Edges::new(|_, _| Ok(fetched(200, &[], "old")));
    let cancel = CancellationToken::new();
    let settings = settings();
    let questions = [(&settings, new())];
    let asking = Asking {
        fetch: &edges,
        clock: &TokioClock(Instant::now()),
        cancel: &cancel,
        wait: true,
        deadline: None,
    };
    let mut origins = Undeclared;
    let asking = asking.ask(&questions, &mut origins);
    let stop = async {
        tokio::time::sleep(pause).await;
        cancel.cancel();
    };
    tokio::join!(asking, stop).0
}

#[tokio::test(start_paused = true)]
async fn who_cancels_while_an_edge_may_lag_has_no_verdict() {
    let begun = Instant::now();
    let asked = cancelled_after(Duration::from_secs(10)).await;
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(asked.evidence, [None]);
}

#[tokio::test(start_paused = true)]
async fn who_cancels_gets_no_verdict_that_was_not_reached() {
    let asked = cancelled_after(Duration::from_millis(5)).await;
    assert_eq!(asked.evidence, [None]);
}

#[tokio::test(start_paused = true)]
async fn old_bytes_that_a_cache_got_after_the_purge_are_not_waited_for() {
    let answer = |_: &str, _| {
        let headers = [("age", "10"), ("date", &*super::http(at(0)))];
        Ok(fetched(200, &headers, "old"))
    };
    let edges = Edges::new(answer);
    let mut question = new();
    // Before what the cache has, and after it as long as it is asked.
    for (since, requests) in [(at(-60), 4), (at(3600), 28)] {
        question.since = Some(since);
        let asking = Asking {
            fetch: &edges,
            clock: &TokioClock(Instant::now()),
            cancel: &CancellationToken::new(),
            wait: true,
            deadline: None,
        };
        let asked = asking
            .ask(&[(&settings(), question.clone())], &mut Undeclared)
            .await;
        assert_eq!(
            (verdict(&asked), asked.requests),
            (Some(Verdict::Stale), requests)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn edges_that_resolvers_lead_to_are_asked_once_each() {
    let edges = Edges::new(|_, _| Ok(fetched(200, &[], "new")));
    let resolvers = ["192.0.2.1:7", "192.0.2.1:8"].map(|text| Resolver::parse(text).unwrap());
    let settings = Settings {
        edges: Vec::new(),
        resolvers: resolvers.to_vec(),
        accept_encoding: vec![Encoding::Identity],
        ..settings()
    };
    let found = asked(&edges, &settings, true, 2).await;
    assert_eq!((verdict(&found), found.requests), (Some(Verdict::Fresh), 6));
    let ways: Vec<_> = edges.asked.lock().unwrap().keys().cloned().collect();
    assert_eq!(
        ways,
        [
            "203.0.113.7 identity",
            "203.0.113.8 identity",
            "203.0.113.9 identity"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_does_not_answer_proves_nothing() {
    let edges = Edges::new(|_, _| Ok(fetched(200, &[], "new")));
    let settings = Settings {
        edges: Vec::new(),
        resolvers: vec![Resolver::parse("192.0.2.1:5353").unwrap()],
        ..settings()
    };
    let found = asked(&edges, &settings, true, 1).await;
    assert_eq!(
        (verdict(&found), found.requests),
        (Some(Verdict::Unknown), 0)
    );
    let evidence = found.evidence[0].as_ref().unwrap();
    assert_eq!(evidence.why, "the resolver 192.0.2.1:5353 does not answer");
}
