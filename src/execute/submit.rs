//! Submitting one operation: intent, request, acceptance.

use futures_util::future::try_join;

use super::account::Exhaustion;
use super::failure::{End, Failure, Stop};
use super::follow;
use super::items::{self, Items};
use super::session::Session;
use super::{EntryOutcome, Event, now, tell};
use crate::operation::Operation;
use crate::provider::{Answer, Effect, ItemReport, Progress};
use crate::state::{Outcome, PendingOperation, Record, StateError};
use crate::transport::REQUEST_TIMEOUT;

/// What became of a submission.
pub(super) enum Submitted<'a> {
    /// Nothing is left to ask about.
    Over(Vec<EntryOutcome>),
    /// The CDN runs it.
    Accepted(Box<follow::Following<'a>>),
}

/// Submits an operation in its turn.
pub(super) async fn submit<'a>(
    session: &'a Session<'a>,
    operation: Operation,
) -> Result<Vec<Submitted<'a>>, StateError> {
    // Room first: what waits for it must not keep questions about others from being asked.
    let room = session.allowance.room(&operation.items);
    let room = session.unless_stopped(room).await;
    let slot = session.slot().await;
    if let Some(reason) = not_to_be_sent(session, &operation) {
        // So that all that is skipped is recorded together.
        drop((slot, room));
        return skip(session, &operation, reason).await.map(over);
    }
    // Stopped while waiting, or the semaphores were closed, which they never are.
    let Ok(Ok(room)) = room else {
        return skip(session, &operation, NotSent::by(Stop::Cancelled))
            .await
            .map(over);
    };
    intend(session, &operation).await?;
    session.event(Event::Submitting {
        endpoint: operation.endpoint.clone(),
        urls: operation.items.len(),
    });
    session.ports.recorder.ensure(REQUEST_TIMEOUT).await?;
    let (answer, correlation_id) = match session.purge(&operation).await? {
        Ok(answered) => answered,
        Err(failure) if is_divisible(&operation, &failure) && session.may_split() => {
            drop((slot, room));
            return take_apart(session, operation).await;
        }
        Err(failure) => return fail(session, &operation, &failure).await.map(over),
    };
    let (task, known, ask_after) = match answer {
        Answer::Settled(reports) => return settle(session, &operation, &reports).await.map(over),
        Answer::Running {
            task,
            known,
            ask_after,
        } => (task, known, ask_after),
    };
    let accepted = Record::Accept {
        id: operation.id.clone(),
        task: task.clone(),
        correlation_id,
        at: now(session.ports),
    };
    session.ports.recorder.record(accepted).await?;
    drop(slot);
    session.event(Event::Accepted {
        endpoint: operation.endpoint.clone(),
        task: task.id.clone(),
        urls: operation.items.len(),
    });
    let following = follow::Following::accepted(session, operation, task, &known, ask_after, room);
    Ok(vec![Submitted::Accepted(Box::new(following))])
}

fn over<'a>(outcomes: Vec<EntryOutcome>) -> Vec<Submitted<'a>> {
    vec![Submitted::Over(outcomes)]
}

/// Records what is about to be sent, and books it.
async fn intend(session: &Session<'_>, operation: &Operation) -> Result<(), StateError> {
    let mut records = session.booking(&operation.items, 1);
    records.push(Record::Intend(PendingOperation {
        id: operation.id.clone(),
        endpoint: operation.endpoint.clone(),
        intended_at: now(session.ports),
        task: None,
        accepted_at: None,
        asked_at: None,
        correlation_id: None,
        sends: 1,
        entries: operation.entries(),
    }));
    session.ports.recorder.record_all(records).await
}

/// Why an operation is not sent.
struct NotSent {
    /// Whether it only waits for quota.
    deferred: bool,
    message: String,
    hint: Option<String>,
}

impl NotSent {
    fn by(reason: impl std::fmt::Display) -> Self {
        Self {
            deferred: false,
            message: format!("not attempted: {reason}"),
            hint: None,
        }
    }
}

fn not_to_be_sent(session: &Session<'_>, operation: &Operation) -> Option<NotSent> {
    if let Some(failure) = session.failure() {
        return Some(NotSent::by(&failure.message));
    }
    if let Some(stop) = session.stopped() {
        return Some(NotSent::by(stop));
    }
    let exhaustion = session
        .allowance
        .exhaustion(&operation.items, now(session.ports))?;
    Some(NotSent {
        deferred: true,
        message: exhaustion.message,
        hint: exhaustion.hint,
    })
}

/// Whether some of a refused operation's items may do better without the others.
fn is_divisible(operation: &Operation, failure: &Failure) -> bool {
    failure.effect == Effect::Items && !failure.in_doubt && operation.items.len() > 1
}

/// Submits the halves of an operation of which the CDN did nothing.
async fn take_apart<'a>(
    session: &'a Session<'a>,
    operation: Operation,
) -> Result<Vec<Submitted<'a>>, StateError> {
    let id = operation.id.clone();
    session
        .ports
        .recorder
        .record(Record::Withdraw { id })
        .await?;
    let (one, other) = operation.halves();
    let (one, other) = (submit(session, one), submit(session, other));
    let (mut ones, others) = try_join(Box::pin(one), Box::pin(other)).await?;
    ones.extend(others);
    Ok(ones)
}

async fn skip(
    session: &Session<'_>,
    operation: &Operation,
    reason: NotSent,
) -> Result<Vec<EntryOutcome>, StateError> {
    let (entries, message) = (operation.entries(), reason.message.clone());
    let at = now(session.ports);
    let (skipped, outcome) = match reason.deferred {
        true => (
            Record::Defer {
                entries,
                message,
                at,
            },
            Outcome::Deferred,
        ),
        false => (
            Record::Skip {
                entries,
                message,
                at,
            },
            Outcome::Skipped,
        ),
    };
    session.ports.recorder.record(skipped).await?;
    let mut items = Items::new(&operation.items);
    items.close(|_| true, outcome, Some(&reason.message));
    Ok(tell(session, &operation.serves, &mut items, reason.hint).0)
}

async fn fail(
    session: &Session<'_>,
    operation: &Operation,
    failure: &Failure,
) -> Result<Vec<EntryOutcome>, StateError> {
    session.halt_on(failure);
    if let Effect::Exhausted { until } = failure.effect
        && !failure.in_doubt
    {
        return defer(session, operation, failure, until).await;
    }
    let outcome = match failure.end {
        _ if failure.in_doubt => Outcome::Unknown,
        End::Stopped(_) => Outcome::Skipped,
        End::Final | End::Exhausted => Outcome::Failed,
    };
    let mut items = Items::new(&operation.items);
    items.close(|_| true, outcome, Some(&failure.message));
    record(session, operation, &mut items, failure.hint.clone()).await
}

/// Leaves an operation for which there is no quota to a later run, and notes that the account has
/// none: others may have spent it.
async fn defer(
    session: &Session<'_>,
    operation: &Operation,
    failure: &Failure,
    until: Option<chrono::DateTime<chrono::Utc>>,
) -> Result<Vec<EntryOutcome>, StateError> {
    let at = now(session.ports);
    let until = until.or_else(|| session.allowance.renewal(&operation.items, at));
    let when = until.map(|until| {
        until
            .format("; there is quota again from %Y-%m-%d %H:%M:%SZ")
            .to_string()
    });
    let message = format!("{}{}", failure.message, when.unwrap_or_default());
    let why = Exhaustion {
        message: message.clone(),
        hint: failure.hint.clone(),
    };
    session.allowance.exhaust(&operation.items, at, &why);
    let id = operation.id.clone();
    session
        .ports
        .recorder
        .record(Record::Withdraw { id })
        .await?;
    let reason = NotSent {
        deferred: true,
        message,
        hint: why.hint,
    };
    skip(session, operation, reason).await
}

/// Takes over an answer after which there is nothing to ask about.
async fn settle(
    session: &Session<'_>,
    operation: &Operation,
    reports: &[ItemReport],
) -> Result<Vec<EntryOutcome>, StateError> {
    let mut items = Items::new(&operation.items);
    items.take(reports);
    items.close(|_: Progress| true, Outcome::Unknown, Some(follow::UNCLEAR));
    record(session, operation, &mut items, None).await
}

async fn record(
    session: &Session<'_>,
    operation: &Operation,
    items: &mut Items,
    hint: Option<String>,
) -> Result<Vec<EntryOutcome>, StateError> {
    let (outcomes, ends) = tell(session, &operation.serves, items, hint);
    let settled = Record::Settle {
        id: operation.id.clone(),
        items: items::outcomes(&operation.serves, &ends),
        at: now(session.ports),
    };
    session.ports.recorder.record(settled).await?;
    Ok(outcomes)
}
