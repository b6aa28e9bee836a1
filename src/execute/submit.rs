//! Submitting one step: intent, request, acceptance.

use super::failure::{End, INTERRUPTED};
use std::collections::HashSet;

use futures_util::future::try_join;

use super::follow::{self, Followed};
use super::session::Session;
use super::{EntryOutcome, Event, Failure, Job, now, spread};
use crate::entry::Target;
use crate::provider::{Effect, Submission};
use crate::state::transition::ItemOutcome;
use crate::state::{Outcome, PendingOperation, Record, StateError};

/// Submits a job in its turn and follows it to its end.
pub(super) async fn submit(
    session: &Session<'_>,
    job: Job,
) -> Result<Vec<EntryOutcome>, StateError> {
    let slot = session.slot().await;
    if let Some(reason) = not_to_be_sent(session) {
        // So that all that is skipped is recorded together.
        drop(slot);
        return skip(session, &job, reason).await;
    }
    let endpoint = session.line.endpoint.name.clone();
    let intent = PendingOperation {
        id: job.id.clone(),
        endpoint: endpoint.clone(),
        intended_at: now(session.ports),
        task: None,
        accepted_at: None,
        asked_at: None,
        correlation_id: None,
        entries: job.entries.clone(),
    };
    session
        .ports
        .recorder
        .record(Record::Intend(intent))
        .await?;
    session.event(Event::Submitting {
        endpoint: endpoint.clone(),
        urls: job.step.len(),
    });
    let provider = session.provider();
    let answer = session
        .purge(
            |auth| provider.submit(&job.step, auth),
            |response| provider.submitted(response),
        )
        .await;
    let (task, settled) = match answer {
        Ok((Submission::Accepted { task, settled }, correlation_id)) => {
            let (id, at, accepted) = (job.id.clone(), now(session.ports), task.clone());
            session
                .ports
                .recorder
                .record(Record::Accept {
                    id,
                    task: accepted,
                    correlation_id,
                    at,
                })
                .await?;
            (task, settled)
        }
        Ok((Submission::Done, _)) => return settle(session, &job, Outcome::Succeeded, None).await,
        Err(failure) if is_divisible(&job, &failure) && session.may_split() => {
            drop(slot);
            return take_apart(session, job).await;
        }
        Err(failure) => return fail(session, &job, &failure).await,
    };
    drop(slot);
    session.event(Event::Accepted {
        endpoint,
        task: task.id.clone(),
        urls: job.step.len(),
    });
    let items = job.step.targets.clone();
    let followed = Followed {
        id: job.id,
        task,
        items,
        entries: job.entries,
    };
    follow::follow(session, followed, settled).await
}

fn not_to_be_sent(session: &Session<'_>) -> Option<String> {
    if let Some(failure) = session.failure() {
        return Some(format!("not attempted: {}", failure.message));
    }
    session
        .is_cancelled()
        .then(|| format!("not attempted: {INTERRUPTED}"))
}

/// Whether some of a refused step's URLs may do better without the others.
fn is_divisible(job: &Job, failure: &Failure) -> bool {
    failure.effect == Effect::Items && !failure.in_doubt && job.step.len() > 1
}

/// Submits the halves of a step of which the CDN did nothing.
async fn take_apart(session: &Session<'_>, job: Job) -> Result<Vec<EntryOutcome>, StateError> {
    let id = job.id.clone();
    session
        .ports
        .recorder
        .record(Record::Withdraw { id })
        .await?;
    let (one, other) = halves(job);
    let (one, other) = (submit(session, one), submit(session, other));
    let (mut outcomes, others) = try_join(Box::pin(one), Box::pin(other)).await?;
    outcomes.extend(others);
    Ok(outcomes)
}

/// The id of a half is that of the whole and its number: as unique, and readable in the state.
fn halves(job: Job) -> (Job, Job) {
    let (one, other) = job.step.halves();
    let has: HashSet<&Target> = one.targets.iter().collect();
    let (ones, others) = job
        .entries
        .into_iter()
        .partition(|(key, _)| has.contains(&key.target));
    let half = |number: u8, step, entries| Job {
        id: format!("{}.{number}", job.id),
        step,
        entries,
    };
    (half(1, one, ones), half(2, other, others))
}

async fn skip(
    session: &Session<'_>,
    job: &Job,
    reason: String,
) -> Result<Vec<EntryOutcome>, StateError> {
    let (entries, message, at) = (job.entries.clone(), reason.clone(), now(session.ports));
    session
        .ports
        .recorder
        .record(Record::Skip {
            entries,
            message,
            at,
        })
        .await?;
    Ok(tell(session, job, Outcome::Skipped, Some(reason)).0)
}

async fn fail(
    session: &Session<'_>,
    job: &Job,
    failure: &Failure,
) -> Result<Vec<EntryOutcome>, StateError> {
    session.halt_on(failure);
    let outcome = match failure.in_doubt {
        true => Outcome::Unknown,
        false if failure.end == End::Cancelled => Outcome::Skipped,
        false => Outcome::Failed,
    };
    settle(session, job, outcome, Some(failure.message.clone())).await
}

async fn settle(
    session: &Session<'_>,
    job: &Job,
    outcome: Outcome,
    message: Option<String>,
) -> Result<Vec<EntryOutcome>, StateError> {
    let (outcomes, items) = tell(session, job, outcome, message);
    let (id, at) = (job.id.clone(), now(session.ports));
    session
        .ports
        .recorder
        .record(Record::Settle { id, items, at })
        .await?;
    Ok(outcomes)
}

/// One outcome for the whole step, as entries and as items.
fn tell(
    session: &Session<'_>,
    job: &Job,
    outcome: Outcome,
    message: Option<String>,
) -> (Vec<EntryOutcome>, Vec<ItemOutcome>) {
    let item = |target: &Target| ItemOutcome {
        target: target.clone(),
        outcome,
        message: message.clone(),
    };
    let items: Vec<_> = job.step.targets.iter().map(item).collect();
    let endpoint = session.line.endpoint.name.clone();
    session.event(Event::Settled {
        endpoint,
        outcome,
        urls: items.len(),
        message,
    });
    (spread(&job.entries, &items), items)
}
