//! Following a task until every URL of it is settled, the deadline comes, or the run is cancelled.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::session::{Cancelled, Failure, Session};
use super::{EntryOutcome, Event, now, spread};
use crate::desired::{CdnUrl, EntryKey, Generation, Kind};
use crate::provider::{Effect, Inquiry, ItemReport, Progress, Report, Task, same_url};
use crate::state::transition::ItemOutcome;
use crate::state::{Outcome, PendingOperation, StateError};

/// By how much the pause between two questions grows. Half again reaches the default longest
/// pause (30 s) from the first (5 s) after five questions.
const PAUSE_GROWTH: f64 = 1.5;

/// Said of a failure about which the CDN says no more. One device that drops out can mark a purge
/// as failed while the rest finished [D].
const FAILED: &str = "the CDN reports the purge as failed; it may have reached part of the edge";

/// An accepted task and what hangs on it.
pub(super) struct Followed {
    /// Id of the operation in the state.
    pub(super) id: String,
    pub(super) task: Task,
    pub(super) items: Vec<(Kind, CdnUrl)>,
    pub(super) entries: Vec<(EntryKey, Option<Generation>)>,
}

/// Asks about a task of an earlier run, at once and then as about any other.
pub(super) async fn resume(
    session: &Session<'_>,
    operation: PendingOperation,
) -> Result<Vec<EntryOutcome>, StateError> {
    let Some(task) = operation.task else {
        return Ok(Vec::new());
    };
    session.event(Event::Resumed {
        endpoint: operation.endpoint,
        task: task.id.clone(),
        entries: operation.entries.len(),
    });
    let mut items: Vec<_> = operation
        .entries
        .iter()
        .map(|(key, _)| (key.kind, key.url.clone()))
        .collect();
    items.sort_unstable();
    items.dedup();
    let followed = Followed {
        id: operation.id,
        task,
        items,
        entries: operation.entries,
    };
    Following::new(session, followed)
        .run(Duration::ZERO, true)
        .await
}

/// Asks about a task that was accepted just now; at once when the CDN called it `settled`.
pub(super) async fn follow(
    session: &Session<'_>,
    followed: Followed,
    settled: bool,
) -> Result<Vec<EntryOutcome>, StateError> {
    let first = if settled {
        Duration::ZERO
    } else {
        session.line.endpoint.poll.interval
    };
    Following::new(session, followed)
        .run(first, session.waiting.wait)
        .await
}

struct Following<'a> {
    session: &'a Session<'a>,
    followed: Followed,
    deadline: Instant,
    /// Items not settled yet, by kind and URL, with the CDN's last word on each.
    open: BTreeMap<(Kind, CdnUrl), Progress>,
    settled: Vec<ItemOutcome>,
    /// How many of `settled` are recorded.
    saved: usize,
    /// Whether the CDN was asked at least once.
    asked: bool,
}

impl<'a> Following<'a> {
    fn new(session: &'a Session<'a>, followed: Followed) -> Self {
        let patience = session
            .waiting
            .timeout
            .unwrap_or(session.line.endpoint.poll.timeout);
        let open = followed
            .items
            .iter()
            .map(|item| (item.clone(), Progress::Running))
            .collect();
        let deadline = Instant::now() + patience;
        Self {
            session,
            followed,
            deadline,
            open,
            settled: Vec::new(),
            saved: 0,
            asked: false,
        }
    }

    async fn run(mut self, first: Duration, ask: bool) -> Result<Vec<EntryOutcome>, StateError> {
        let poll = self.session.line.endpoint.poll;
        let mut pause = first;
        let mut next = poll.interval;
        while ask && !self.open.is_empty() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if self.pause(pause.min(left)).await.is_err() || self.session.failure().is_some() {
                break;
            }
            self.asked = true;
            match self.ask().await {
                Err(failure) if failure.effect == Effect::Credentials => {
                    self.session.halt_on(&failure);
                    break;
                }
                Err(failure) if failure.is_final => {
                    // The CDN does not know the task any more: nobody can tell how it ended.
                    let message = Some(failure.message);
                    self.close(|_| true, Outcome::Unknown, message.as_deref());
                }
                // After a failure that was retried already, the next round asks again.
                Ok(()) | Err(_) => {}
            }
            let over = Instant::now() >= self.deadline;
            if over {
                let message = Some("the CDN answered with a status word that is not known");
                self.close(
                    |progress| progress == Progress::Unknown,
                    Outcome::Unknown,
                    message,
                );
            }
            self.save().await?;
            if over || !self.session.waiting.wait {
                if !self.open.is_empty() {
                    self.note_waiting().await?;
                }
                break;
            }
            pause = next;
            next = next.mul_f64(PAUSE_GROWTH).min(poll.max_interval);
        }
        Ok(self.outcomes())
    }

    /// Waits; an error when there is to be no more waiting.
    async fn pause(&self, delay: Duration) -> Result<(), Cancelled> {
        tokio::select! {
            biased;
            () = self.session.waiting.hurry.cancelled() => Err(Cancelled),
            paused = self.session.pause(delay) => paused,
        }
    }

    async fn ask(&mut self) -> Result<(), Failure> {
        let reported = match self.inquire(Inquiry::Items).await? {
            Report::Items(items) => items,
            Report::Overall { progress, message } => {
                self.conclude(|_, _| true, progress, message.as_deref());
                return Ok(());
            }
        };
        let unreported = self.take(&reported);
        if unreported.is_empty() {
            return Ok(());
        }
        // The list may be null, empty or short [?]; the operation as a whole tells about the rest.
        if let Report::Overall { progress, message } = self.inquire(Inquiry::Overall).await? {
            let is_unreported =
                |kind, url: &CdnUrl| unreported.binary_search(&(kind, url.clone())).is_ok();
            self.conclude(is_unreported, progress, message.as_deref());
        }
        Ok(())
    }

    async fn inquire(&self, inquiry: Inquiry) -> Result<Report, Failure> {
        let _slot = self.session.slot().await;
        let provider = self.session.provider();
        let task = &self.followed.task;
        let (report, _) = self
            .session
            .call(
                |auth| provider.inquire(task, inquiry, auth),
                |response| provider.reported(inquiry, response),
            )
            .await?;
        Ok(report)
    }

    /// Takes over what was reported per URL; returns the open items that were not.
    fn take(&mut self, reported: &[ItemReport]) -> Vec<(Kind, CdnUrl)> {
        let mut by_url: BTreeMap<(Kind, &str), Progress> = BTreeMap::new();
        for item in reported {
            by_url.insert((item.kind, item.url.as_str()), item.progress);
        }
        let mut unreported = Vec::new();
        let open: Vec<_> = self.open.keys().cloned().collect();
        for (kind, url) in open {
            let progress = by_url.get(&(kind, url.as_str())).copied().or_else(|| {
                let same =
                    |item: &&ItemReport| item.kind == kind && same_url(&url, kind, &item.url);
                reported.iter().find(same).map(|item| item.progress)
            });
            match progress {
                Some(progress) => self.conclude_item(kind, &url, progress, None),
                None => unreported.push((kind, url)),
            }
        }
        unreported
    }

    fn conclude(
        &mut self,
        which: impl Fn(Kind, &CdnUrl) -> bool,
        progress: Progress,
        message: Option<&str>,
    ) {
        let open: Vec<_> = self.open.keys().cloned().collect();
        for (kind, url) in open.into_iter().filter(|(kind, url)| which(*kind, url)) {
            self.conclude_item(kind, &url, progress, message);
        }
    }

    fn conclude_item(
        &mut self,
        kind: Kind,
        url: &CdnUrl,
        progress: Progress,
        message: Option<&str>,
    ) {
        let outcome = match progress {
            Progress::Running | Progress::Unknown => {
                self.open.insert((kind, url.clone()), progress);
                return;
            }
            Progress::Succeeded => Outcome::Succeeded,
            Progress::Failed => Outcome::Failed,
        };
        let failed = (progress == Progress::Failed).then_some(FAILED);
        let message = message.or(failed).map(str::to_owned);
        self.open.remove(&(kind, url.clone()));
        self.settled.push(ItemOutcome {
            kind,
            url: url.clone(),
            outcome,
            message,
        });
    }

    /// Ends open items with an outcome that is not the CDN's.
    fn close(&mut self, which: impl Fn(Progress) -> bool, outcome: Outcome, message: Option<&str>) {
        let open = std::mem::take(&mut self.open);
        for ((kind, url), progress) in open {
            if which(progress) {
                let message = message.map(str::to_owned);
                self.settled.push(ItemOutcome {
                    kind,
                    url,
                    outcome,
                    message,
                });
            } else {
                self.open.insert((kind, url), progress);
            }
        }
    }

    /// Records and announces what was settled since the last time.
    async fn save(&mut self) -> Result<(), StateError> {
        let fresh = self.settled[self.saved..].to_vec();
        if fresh.is_empty() {
            return Ok(());
        }
        self.saved = self.settled.len();
        let mut told: BTreeMap<(Outcome, Option<&str>), usize> = BTreeMap::new();
        for item in &fresh {
            *told
                .entry((item.outcome, item.message.as_deref()))
                .or_default() += 1;
        }
        for ((outcome, message), urls) in told {
            let endpoint = self.session.line.endpoint.name.clone();
            let message = message.map(str::to_owned);
            self.session.event(Event::Settled {
                endpoint,
                outcome,
                urls,
                message,
            });
        }
        let (id, at) = (self.followed.id.clone(), now(self.session.ports));
        self.session
            .ports
            .recorder
            .record(move |state| state.settle(&id, &fresh, at))
            .await
    }

    /// Records that the CDN is at it still, for whoever reads the state meanwhile.
    async fn note_waiting(&self) -> Result<(), StateError> {
        let (id, at) = (self.followed.id.clone(), now(self.session.ports));
        self.session
            .ports
            .recorder
            .record(move |state| state.asked(&id, at))
            .await
    }

    /// How every entry stands; what is still open is left to the next run.
    fn outcomes(mut self) -> Vec<EntryOutcome> {
        let outcome = if self.asked {
            Outcome::InProgress
        } else {
            Outcome::Submitted
        };
        self.close(|_| true, outcome, None);
        spread(&self.followed.entries, &self.settled)
    }
}
