//! `[io]` Asks edges, a few requests at once, and waits for edges that lag. On tokio's clock.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::judge::{is_since, unasked};
use super::original::{Told, is_comparable};
use super::question::{most_ways, ways};
use super::{Answer, Encoding, Evidence, Question, Settings, Verdict, judge};
use crate::clock::Clock;
use crate::error::chain;
use crate::transport::dns::{ResolveError, Resolver};
use crate::transport::fetch::{Connect, Fetch, Fetched};
use crate::transport::rate::RateLimiter;
use crate::transport::{Request, TransportError, TransportErrorKind};

/// Concurrent requests, for all endpoints: as many as a browser has open to a few hosts.
const MAX_AT_ONCE: usize = 8;

/// Requests per second, for all endpoints. After a purge each may reach the origin.
const MAX_PER_SECOND: f64 = 50.0;

/// Pause before asking again; doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Most tries for an answer that proves nothing, if no proof is required: a time-out may pass, but bytes
/// that are changed on the way will be changed again.
const UNKNOWN_TRIES: usize = 3;

/// Unanswered questions in a row after which an edge is no longer asked in this round: each takes as long
/// as a request may.
const MAX_UNANSWERED: usize = 8;

const LEFT_ALONE: &str = "not asked: the edge had stopped answering";

/// The addresses of hosts, by resolver.
type Found<'q> = BTreeMap<(Resolver, &'q str), Result<Vec<IpAddr>, ResolveError>>;

#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    pub fetch: &'a dyn Fetch,
    pub clock: &'a dyn Clock,
    pub cancel: &'a CancellationToken,
    /// Whether to ask again while an edge may lag.
    pub wait: bool,
    /// In addition to the time-outs of the settings.
    pub deadline: Option<Instant>,
}

#[derive(Debug, Default)]
pub struct Asked {
    /// In the order of the questions; `None` after a cancellation or the deadline.
    pub evidence: Vec<Option<Evidence>>,
    pub requests: usize,
}

/// Most requests to edges about so many questions of an endpoint, in a run that waits and purges again.
pub fn most_requests(settings: &Settings, questions: usize) -> usize {
    let (mut times, mut begun, mut pause) = (1, Duration::ZERO, FIRST_PAUSE);
    while begun < settings.timeout {
        times += 1;
        begun += pause;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    questions * most_ways(settings) * times * (1 + settings.rebound)
}

pub type Telling<'a> = Pin<Box<dyn Future<Output = Vec<Option<Told>>> + Send + 'a>>;

/// The port to origins.
pub trait Originals: Send {
    /// Asks origins for the URLs of these questions, each at most once; `None` if no origin can tell.
    fn tell<'a>(&'a mut self, asking: Asking<'a>, questions: Vec<&'a Question>) -> Telling<'a>;

    /// Requests sent.
    fn requests(&self) -> usize;
}

/// A request that takes its answer.
pub trait Ask: Send {
    fn request(&self) -> Request;

    /// The address to connect to, in place of the host's own.
    fn connect(&self) -> Option<Connect>;

    fn take(&mut self, at: DateTime<Utc>, answer: Result<&Fetched, &TransportError>);

    /// Called instead if the request was not sent, because the server had stopped answering.
    fn leave(&mut self, at: DateTime<Utc>) {
        let _ = at;
    }
}

#[derive(Debug)]
struct Probe<'q> {
    question: usize,
    asked: &'q Question,
    settings: &'q Settings,
    edge: Option<Connect>,
    encoding: Encoding,
    answer: Option<Evidence>,
    /// The edge's answer, if its bytes alone prove nothing.
    unproven: Option<(DateTime<Utc>, Fetched)>,
    told: Option<Told>,
    requests: usize,
    /// From the edge's `Retry-After`.
    not_before: Option<Instant>,
}

impl Probe<'_> {
    fn was_fetched_since(&self) -> bool {
        let answer = self.answer.as_ref();
        answer.is_some_and(|answer| is_since(self.asked, answer))
    }

    fn is_open(&self, asking: Asking<'_>, round: usize, started: Instant) -> bool {
        let is_over = |at: Instant| at.saturating_duration_since(started) >= self.settings.timeout;
        let is_late = is_over(Instant::now()) || self.not_before.is_some_and(is_over);
        match self.answer.as_ref().map(|answer| answer.verdict) {
            Some(Verdict::Fresh) => false,
            Some(_) if !asking.wait || is_late => false,
            Some(Verdict::Stale) if self.was_fetched_since() => false,
            None | Some(Verdict::Stale) => true,
            Some(Verdict::Unknown) => self.settings.required || round < UNKNOWN_TRIES,
        }
    }

    fn judged(&self, at: DateTime<Utc>, fetched: Result<&Fetched, &TransportError>) -> Evidence {
        let answer = Answer {
            edge: self.edge,
            accept_encoding: self.encoding,
            at,
            fetched,
            original: self.told.as_ref(),
        };
        judge(self.asked, &answer)
    }

    fn compare(&mut self, told: Told) {
        self.told = Some(told);
        if let Some((at, fetched)) = self.unproven.take() {
            self.answer = Some(self.judged(at, Ok(&fetched)));
        }
    }
}

impl Ask for Probe<'_> {
    fn request(&self) -> Request {
        self.asked.request(self.encoding)
    }

    fn connect(&self) -> Option<Connect> {
        self.edge
    }

    fn take(&mut self, at: DateTime<Utc>, fetched: Result<&Fetched, &TransportError>) {
        self.requests += 1;
        let wait = fetched.ok().and_then(retry_after);
        self.not_before = wait.and_then(|wait| Instant::now().checked_add(wait));
        let is_stale = |known: &Evidence| known.verdict == Verdict::Stale;
        // What was proven stale stays stale until the edge serves something else.
        if !(self.answer.as_ref().is_some_and(is_stale) && is_refusal(fetched)) {
            let answer = self.judged(at, fetched);
            let is_open = |fetched: &&Fetched| {
                self.told.is_none()
                    && answer.verdict != Verdict::Fresh
                    && is_comparable(self.asked, fetched)
            };
            let unproven = fetched.ok().filter(is_open);
            self.unproven = unproven.map(|fetched| (at, fetched.clone()));
            self.answer = Some(answer);
        }
    }

    fn leave(&mut self, at: DateTime<Utc>) {
        let error = TransportErrorKind::Connect.into();
        let unasked = self.judged(at, Err(&error));
        self.answer.get_or_insert(Evidence {
            why: LEFT_ALONE.to_owned(),
            ..unasked
        });
    }
}

/// Unanswered questions in a row, by address and host.
#[derive(Debug, Default)]
struct Silence(Mutex<BTreeMap<(Option<Connect>, String), usize>>);

impl Silence {
    fn count(&self, of: &impl Ask, count: impl FnOnce(&mut usize)) -> usize {
        let url = of.request().url;
        let host = url.split('/').nth(2).unwrap_or_default();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry((of.connect(), host.to_owned())).or_default();
        count(known);
        *known
    }

    fn note(&self, of: &impl Ask, fetched: Result<&Fetched, &TransportError>) {
        let is_unanswered = match fetched {
            Ok(fetched) => fetched.status == 429,
            Err(error) => matches!(
                error.kind,
                TransportErrorKind::Connect | TransportErrorKind::Timeout
            ),
        };
        self.count(of, |count| {
            *count = if is_unanswered { *count + 1 } else { 0 };
        });
    }
}

/// How long an overloaded edge wants to be left alone.
fn retry_after(fetched: &Fetched) -> Option<Duration> {
    let seconds = fetched.header("retry-after")?.trim().parse().ok()?;
    matches!(fetched.status, 429 | 503).then(|| Duration::from_secs(seconds))
}

/// Whether an answer says nothing about what the edge has.
fn is_refusal(fetched: Result<&Fetched, &TransportError>) -> bool {
    fetched.is_ok_and(|fetched| matches!(fetched.status, 401 | 403 | 407 | 429 | 500..))
        || fetched.is_err()
}

impl Asking<'_> {
    /// Sends requests, a few at once, within the rate; skips servers that stop answering. False if cancelled.
    pub async fn round<'q, A: Ask + 'q>(
        self,
        asked: impl IntoIterator<Item = &'q mut A>,
        rate: Option<&RateLimiter>,
    ) -> bool {
        let silence = &Silence::default();
        let ask = |one: &'q mut A| async move {
            if silence.count(one, |_| ()) >= MAX_UNANSWERED {
                return one.leave(self.clock.now());
            }
            if let Some(rate) = rate {
                rate.acquire(1.0).await;
            }
            let fetching = self
                .fetch
                .fetch(one.request(), one.connect(), self.deadline);
            let fetched = fetching.await;
            // A request that the deadline cut off says nothing about the server.
            if fetched.is_ok() || self.deadline.is_none_or(|at| Instant::now() < at) {
                silence.note(one, fetched.as_ref());
                one.take(self.clock.now(), fetched.as_ref());
            }
        };
        let asking: Vec<_> = asked.into_iter().map(ask).collect();
        let asked = stream::iter(asking).buffer_unordered(MAX_AT_ONCE);
        let asked = asked.collect::<()>();
        self.cancel.run_until_cancelled(asked).await.is_some()
    }

    /// Asks every question in every way, and again while an edge lags, each with the settings of its
    /// endpoint. If bytes alone prove nothing, compares with the origin's answer.
    pub async fn ask(
        self,
        questions: &[(&Settings, Question)],
        originals: &mut dyn Originals,
    ) -> Asked {
        let known = originals.requests();
        let found = self.resolve(questions).await;
        let mut probes = Vec::new();
        let mut answers: Vec<Vec<Option<Evidence>>> = vec![Vec::new(); questions.len()];
        for (index, (settings, question)) in questions.iter().enumerate() {
            let mut edges = BTreeSet::new();
            for resolver in &settings.resolvers {
                match found.get(&(*resolver, question.url.host())) {
                    Some(Ok(addresses)) => edges.extend(addresses.iter().map(|address| Connect {
                        address: *address,
                        port: None,
                        plain: false,
                    })),
                    Some(Err(error)) => {
                        let at = self.clock.now();
                        answers[index].push(Some(unasked(question, &chain(error), at)));
                    }
                    // Cancelled.
                    None => answers[index].push(None),
                }
            }
            let ways = ways(settings, &edges).into_iter();
            probes.extend(ways.map(|(edge, encoding)| Probe {
                question: index,
                asked: question,
                settings,
                edge,
                encoding,
                answer: None,
                unproven: None,
                told: None,
                requests: 0,
                not_before: None,
            }));
        }
        let rate = RateLimiter::new(MAX_PER_SECOND, MAX_PER_SECOND);
        let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
        for round in 0.. {
            let open = probes.iter_mut();
            let open: Vec<_> = open
                .filter(|probe| probe.is_open(self, round, started))
                .collect();
            let is_over = |deadline| Instant::now() >= deadline;
            if open.is_empty() || (round > 0 && self.deadline.is_some_and(is_over)) {
                break;
            }
            if round > 0 {
                let asked_for = open.iter().filter_map(|probe| probe.not_before).max();
                let until = Instant::now() + pause;
                let until = asked_for.map_or(until, |asked_for| until.max(asked_for));
                let until = self.deadline.map_or(until, |deadline| until.min(deadline));
                let slept = tokio::time::sleep_until(until);
                if self.cancel.run_until_cancelled(slept).await.is_none() {
                    break;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            if !self.round(open, Some(&rate)).await {
                break;
            }
            self.compare(&mut probes, originals).await;
        }
        let requests: usize = probes.iter().map(|probe| probe.requests).sum();
        for probe in probes {
            // After a cancellation, there is no verdict on an edge that may lag.
            let is_over = !self.cancel.is_cancelled() || !probe.is_open(self, 0, started);
            answers[probe.question].push(probe.answer.filter(|_| is_over));
        }
        let deciding = |answers: Vec<Option<Evidence>>| {
            Evidence::deciding(answers.into_iter().collect::<Option<_>>()?)
        };
        Asked {
            evidence: answers.into_iter().map(deciding).collect(),
            requests: requests + originals.requests() - known,
        }
    }

    async fn compare(self, probes: &mut [Probe<'_>], originals: &mut dyn Originals) {
        let open = probes.iter().filter(|probe| probe.unproven.is_some());
        let open: BTreeMap<_, _> = open.map(|probe| (probe.question, probe.asked)).collect();
        if open.is_empty() {
            return;
        }
        let told = originals.tell(self, open.values().copied().collect());
        let told = open.into_keys().zip(told.await);
        let told: BTreeMap<_, _> = told
            .filter_map(|(question, told)| Some((question, told?)))
            .collect();
        for probe in probes {
            if let Some(told) = told.get(&probe.question) {
                probe.compare(told.clone());
            }
        }
    }

    /// Looks up each host once with each resolver.
    async fn resolve<'q>(self, questions: &'q [(&Settings, Question)]) -> Found<'q> {
        let wanted = questions.iter().flat_map(|(settings, question)| {
            let resolvers = settings.resolvers.iter();
            resolvers.map(|resolver| (*resolver, question.url.host()))
        });
        let wanted: BTreeSet<_> = wanted.collect();
        let mut found = Found::new();
        for (resolver, host) in wanted {
            let asked = self.fetch.resolve(resolver, host);
            let Some(addresses) = self.cancel.run_until_cancelled(asked).await else {
                break;
            };
            found.insert((resolver, host), addresses);
        }
        found
    }
}
