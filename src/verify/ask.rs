//! `[io]` Asking, a few at once, and waiting for edges that lag. On tokio's clock.

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
use super::question::{most_ways, way};
use super::{Answer, Encoding, Evidence, Question, Settings, Verdict, judge};
use crate::clock::Clock;
use crate::error::chain;
use crate::transport::dns::{ResolveError, Resolver};
use crate::transport::fetch::{Connect, Fetch, Fetched};
use crate::transport::rate::RateLimiter;
use crate::transport::{Request, TransportError, TransportErrorKind};

/// Requests at once, of all endpoints: as many as a browser has open to a few hosts.
const MAX_AT_ONCE: usize = 8;

/// Requests a second, of all endpoints. After a purge each may reach the origin.
const MAX_PER_SECOND: f64 = 50.0;

/// Pause before asking again; doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Times in all that an answer that proves nothing is asked for, where nobody requires a proof: a
/// time-out passes, while bytes that are changed on the way stay so.
const UNKNOWN_TRIES: usize = 3;

/// Questions in a row that an edge leaves unanswered before it is left alone for a while: each takes as
/// long as a request may.
const MAX_UNANSWERED: usize = 8;

/// Said of what was not asked because of that.
const LEFT_ALONE: &str = "not asked: the edge had stopped answering";

/// The addresses of hosts, by resolver.
type Found<'q> = BTreeMap<(Resolver, &'q str), Result<Vec<IpAddr>, ResolveError>>;

/// With what to ask, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    pub fetch: &'a dyn Fetch,
    pub clock: &'a dyn Clock,
    /// Ends all waiting.
    pub cancel: &'a CancellationToken,
    /// Whether to ask again while an edge may lag.
    pub wait: bool,
    /// Besides the time-outs of the settings.
    pub deadline: Option<Instant>,
}

/// What became of questions.
#[derive(Debug, Default)]
pub struct Asked {
    /// In order of the questions; `None` where it was cancelled, or the deadline came, before.
    pub evidence: Vec<Option<Evidence>>,
    /// Requests sent.
    pub requests: usize,
}

/// Most requests to edges about so many questions of an endpoint, in a run that waits and purges again. Who
/// only looks sends one in each way. Its origin is asked about each URL once at most.
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
    /// Asks for what stands at the URLs of these questions, each of which may be asked for once at most;
    /// `None` for what no origin is declared to tell of.
    fn tell<'a>(&'a mut self, asking: Asking<'a>, questions: Vec<&'a Question>) -> Telling<'a>;

    /// Requests sent.
    fn requests(&self) -> usize;
}

/// What is asked for, and takes the answer.
pub trait Ask: Send {
    fn request(&self) -> Request;

    /// Where to connect, if not where the name leads.
    fn connect(&self) -> Option<Connect>;

    /// Takes what came in at that time.
    fn take(&mut self, at: DateTime<Utc>, answer: Result<&Fetched, &TransportError>);

    /// Is told that it was not asked, since whom it asks had stopped answering.
    fn leave(&mut self, at: DateTime<Utc>) {
        let _ = at;
    }
}

/// One question, asked in one way.
#[derive(Debug)]
struct Thread<'q> {
    question: usize,
    asked: &'q Question,
    settings: &'q Settings,
    edge: Option<Connect>,
    encoding: Encoding,
    answer: Option<Evidence>,
    /// What the edge answered and when, where bytes alone prove nothing.
    unproven: Option<(DateTime<Utc>, Fetched)>,
    /// What the origin answers, once it was asked.
    told: Option<Told>,
    /// Requests sent.
    requests: usize,
    /// When the edge wants to be asked again.
    not_before: Option<Instant>,
}

impl Thread<'_> {
    fn was_fetched_since(&self) -> bool {
        let answer = self.answer.as_ref();
        answer.is_some_and(|answer| is_since(self.asked, answer))
    }

    /// Whether asking again may tell more.
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

    /// Takes what the origin answers.
    fn compare(&mut self, told: Told) {
        self.told = Some(told);
        if let Some((at, fetched)) = self.unproven.take() {
            self.answer = Some(self.judged(at, Ok(&fetched)));
        }
    }
}

impl Ask for Thread<'_> {
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
        // What was proven stale is so until the edge serves something else.
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

/// Questions in a row that somebody left unanswered, by where they were sent.
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
        let is_left = match fetched {
            Ok(fetched) => fetched.status == 429,
            Err(error) => matches!(
                error.kind,
                TransportErrorKind::Connect | TransportErrorKind::Timeout
            ),
        };
        self.count(of, |count| *count = if is_left { *count + 1 } else { 0 });
    }
}

/// How long an edge that has too much to do wants to be left alone.
fn retry_after(fetched: &Fetched) -> Option<Duration> {
    let seconds = fetched.header("retry-after")?.trim().parse().ok()?;
    matches!(fetched.status, 429 | 503).then(|| Duration::from_secs(seconds))
}

/// Whether an answer tells nothing of what the edge has.
fn is_refusal(fetched: Result<&Fetched, &TransportError>) -> bool {
    fetched.is_ok_and(|fetched| matches!(fetched.status, 401 | 403 | 407 | 429 | 500..))
        || fetched.is_err()
}

impl Asking<'_> {
    /// Asks all of these, a few at once, within the rate if there is one; who stops answering is left alone.
    /// False when it was cancelled.
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
            // An answer that was cut off tells nothing of who gave it.
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

    /// Asks every question in every way, and again while an edge lags; each with the settings of its
    /// endpoint. What bytes alone do not prove is compared with what origins answer.
    pub async fn ask(
        self,
        questions: &[(&Settings, Question)],
        originals: &mut dyn Originals,
    ) -> Asked {
        let known = originals.requests();
        let found = self.resolve(questions).await;
        let mut threads = Vec::new();
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
                    // It was cancelled.
                    None => answers[index].push(None),
                }
            }
            let ways = way(settings, &edges).into_iter();
            threads.extend(ways.map(|(edge, encoding)| Thread {
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
            let open = threads.iter_mut();
            let open: Vec<_> = open
                .filter(|thread| thread.is_open(self, round, started))
                .collect();
            let is_over = |deadline| Instant::now() >= deadline;
            if open.is_empty() || (round > 0 && self.deadline.is_some_and(is_over)) {
                break;
            }
            if round > 0 {
                let asked_for = open.iter().filter_map(|thread| thread.not_before).max();
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
            self.compare(&mut threads, originals).await;
        }
        let requests: usize = threads.iter().map(|thread| thread.requests).sum();
        for thread in threads {
            // Who was cancelled while an edge may lag has no verdict on it.
            let is_over = !self.cancel.is_cancelled() || !thread.is_open(self, 0, started);
            answers[thread.question].push(thread.answer.filter(|_| is_over));
        }
        let whole = |answers: Vec<Option<Evidence>>| {
            Evidence::deciding(answers.into_iter().collect::<Option<_>>()?)
        };
        Asked {
            evidence: answers.into_iter().map(whole).collect(),
            requests: requests + originals.requests() - known,
        }
    }

    /// Asks the origins about what is not proven.
    async fn compare(self, threads: &mut [Thread<'_>], originals: &mut dyn Originals) {
        let open = threads.iter().filter(|thread| thread.unproven.is_some());
        let open: BTreeMap<_, _> = open.map(|thread| (thread.question, thread.asked)).collect();
        if open.is_empty() {
            return;
        }
        let told = originals.tell(self, open.values().copied().collect());
        let told = open.into_keys().zip(told.await);
        let told: BTreeMap<_, _> = told
            .filter_map(|(question, told)| Some((question, told?)))
            .collect();
        for thread in threads {
            if let Some(told) = told.get(&thread.question) {
                thread.compare(told.clone());
            }
        }
    }

    /// The addresses to which resolvers lead, each host looked up once.
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
