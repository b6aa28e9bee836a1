//! `[io]` Asking, a few at once, and waiting for edges that lag. On tokio's clock.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Answer, Encoding, Evidence, Question, Settings, Verdict, judge, way};
use crate::clock::Clock;
use crate::transport::fetch::{Connect, Fetch, Fetched};
use crate::transport::rate::RateLimiter;
use crate::transport::{Request, TransportError};

/// Requests at once in a round: as many as a browser has open to a few hosts.
const MAX_AT_ONCE: usize = 8;

/// Pause before asking again; doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Times in all that an answer that proves nothing is asked for, where nobody requires a proof: a
/// time-out passes, while bytes that are changed on the way stay so.
const UNKNOWN_TRIES: usize = 3;

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
    /// In order of the questions; `None` where it was cancelled before.
    pub evidence: Vec<Option<Evidence>>,
    /// Requests sent.
    pub requests: usize,
}

/// What is asked for, and takes the answer.
pub trait Ask: Send {
    fn request(&self) -> Request;

    /// Where to connect, if not where the name leads.
    fn connect(&self) -> Option<Connect>;

    /// Takes what came in at that time.
    fn take(&mut self, at: DateTime<Utc>, answer: Result<&Fetched, &TransportError>);
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
}

impl Thread<'_> {
    /// Whether asking again may tell more.
    fn is_open(&self, asking: Asking<'_>, round: usize, started: Instant) -> bool {
        let is_late = started.elapsed() >= self.settings.timeout;
        match self.answer.as_ref().map(|answer| answer.verdict) {
            Some(Verdict::Fresh) => false,
            Some(_) if !asking.wait || is_late => false,
            None | Some(Verdict::Stale) => true,
            Some(Verdict::Unknown) => self.settings.required || round < UNKNOWN_TRIES,
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
        let answer = Answer {
            edge: self.edge,
            accept_encoding: self.encoding,
            at,
            fetched,
        };
        self.answer = Some(judge(self.asked, &answer));
    }
}

impl Asking<'_> {
    /// Asks all of these, a few at once, within the rate if there is one; false when it was cancelled.
    pub async fn round<'q, A: Ask + 'q>(
        self,
        asked: impl IntoIterator<Item = &'q mut A>,
        rate: Option<&RateLimiter>,
    ) -> bool {
        let ask = |one: &'q mut A| async move {
            if let Some(rate) = rate {
                rate.acquire(1.0).await;
            }
            let fetched = self
                .fetch
                .fetch(one.request(), one.connect(), self.deadline);
            let fetched = fetched.await;
            one.take(self.clock.now(), fetched.as_ref());
        };
        let asking: Vec<_> = asked.into_iter().map(ask).collect();
        let asked = stream::iter(asking).buffer_unordered(MAX_AT_ONCE);
        let asked = asked.collect::<()>();
        self.cancel.run_until_cancelled(asked).await.is_some()
    }

    /// Asks every question in every way, and again while an edge lags; each with the settings of its
    /// endpoint.
    pub async fn ask(self, questions: &[(&Settings, Question)]) -> Asked {
        let mut threads: Vec<_> = questions
            .iter()
            .enumerate()
            .flat_map(|(index, (settings, question))| {
                way(settings)
                    .into_iter()
                    .map(move |(edge, encoding)| Thread {
                        question: index,
                        asked: question,
                        settings,
                        edge,
                        encoding,
                        answer: None,
                    })
            })
            .collect();
        let (started, mut requests, mut pause) = (Instant::now(), 0, FIRST_PAUSE);
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
                let until = Instant::now() + pause;
                let until = self.deadline.map_or(until, |deadline| until.min(deadline));
                let slept = self
                    .cancel
                    .run_until_cancelled(tokio::time::sleep_until(until));
                if slept.await.is_none() {
                    break;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            requests += open.len();
            if !self.round(open, None).await {
                break;
            }
        }
        let mut answers: Vec<Vec<Option<Evidence>>> = vec![Vec::new(); questions.len()];
        for thread in threads {
            answers[thread.question].push(thread.answer);
        }
        let whole = |answers: Vec<Option<Evidence>>| {
            Evidence::deciding(answers.into_iter().collect::<Option<_>>()?)
        };
        Asked {
            evidence: answers.into_iter().map(whole).collect(),
            requests,
        }
    }
}
