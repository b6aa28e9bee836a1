//! `[io]` Asking, a few at once, and waiting for edges that lag. On tokio's clock.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Answer, Encoding, Evidence, Question, Settings, Verdict, judge, way};
use crate::clock::Clock;
use crate::transport::fetch::{Connect, Fetch};

/// Requests at once, of all endpoints: as many as a browser has open to a few hosts.
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

    async fn ask(&mut self, asking: Asking<'_>) {
        let request = self.asked.request(self.encoding);
        let fetched = asking.fetch.fetch(request, self.edge, asking.deadline);
        let fetched = fetched.await;
        let answer = Answer {
            edge: self.edge,
            accept_encoding: self.encoding,
            at: asking.clock.now(),
            fetched: fetched.as_ref(),
        };
        self.answer = Some(judge(self.asked, &answer));
    }
}

impl Asking<'_> {
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
            let asking: Vec<_> = open.into_iter().map(|thread| thread.ask(self)).collect();
            let asked = stream::iter(asking).buffer_unordered(MAX_AT_ONCE);
            let asked = asked.collect::<()>();
            if self.cancel.run_until_cancelled(asked).await.is_none() {
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
