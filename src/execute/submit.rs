//! Submitting one operation: intent, request, acceptance.

use chrono::{DateTime, Utc};
use futures_util::future::try_join;
use tokio::time::Instant;

use super::account::Shortage;
use super::failure::{End, Failure};
use super::follow;
use super::intent;
use super::items::{self, Items};
use super::room::{self, NotSent};
use super::session::Session;
use super::{EntryOutcome, Event, late, now, tell};
use crate::operation::sweep::Sweep;
use crate::operation::{Item, Operation, Task};
use crate::provider::{Answer, Counts, Effect, ItemReport, Progress};
use crate::state::{LedgerKey, Outcome, Record, StateError, Told};

pub(super) enum Submitted<'a> {
    /// Nothing is left to ask about.
    Over(Vec<EntryOutcome>),
    Accepted(Box<follow::Following<'a>>),
}

pub(super) async fn submit<'a>(
    session: &'a Session<'a>,
    operation: Operation,
    is_late: bool,
) -> Result<Vec<Submitted<'a>>, StateError> {
    if is_late {
        session.hold.resume().await?;
    }
    let submitted = match is_late && late::is_overtaken(session, &operation) {
        true => over(late::overtaken(session, operation)),
        false => submit_one(session, operation).await?,
    };
    session.hold.pause().await?;
    Ok(submitted)
}

async fn submit_one<'a>(
    session: &'a Session<'a>,
    operation: Operation,
) -> Result<Vec<Submitted<'a>>, StateError> {
    let mut tried = try_submit(session, operation, None).await?;
    let refused_at = Instant::now();
    loop {
        match tried {
            Tried::Over(submitted) => return Ok(submitted),
            Tried::Full(operation) => {
                tried = try_submit(session, operation, Some(refused_at)).await?;
            }
        }
    }
}

enum Tried<'a> {
    Over(Vec<Submitted<'a>>),
    /// The CDN has no room for it.
    Full(Operation),
}

/// Submits an operation, after a pause if the CDN had no room for it; `full_since` is when it first said so.
async fn try_submit<'a>(
    session: &'a Session<'a>,
    operation: Operation,
    full_since: Option<Instant>,
) -> Result<Tried<'a>, StateError> {
    // Room before a slot: waiting for room must not block questions about other operations.
    let room = room::room(session, &operation, full_since.is_some()).await?;
    let intended = match room {
        Ok(_) => {
            let is_to_be_sent = || not_to_be_sent(session, &operation).is_none();
            intent::intend_ahead(session, &operation, is_to_be_sent).await?
        }
        Err(_) => None,
    };
    let slot = session.slot(&operation.items).await;
    let room = match not_to_be_sent(session, &operation) {
        None => room,
        Some(reason) => Err(reason),
    };
    let room = match room {
        Ok(room) => room,
        Err(reason) => {
            // So that all skipped operations are recorded together.
            drop(slot);
            if let Some((_, at)) = intended {
                intent::withdraw(session, &operation, at).await?;
            }
            return not_sent(session, operation, reason).await.map(Tried::Over);
        }
    };
    let (ahead, at) = match intended {
        Some((permit, at)) => (Some(permit), at),
        None => (None, intent::intend(session, &operation).await?),
    };
    session.event(Event::Submitting {
        endpoint: operation.endpoint.clone(),
        urls: operation.items.len(),
    });
    if let Some(fleet) = session.provider().fleet() {
        let task = Sweep::new(fleet.recipe()).task(fleet.rules());
        accept(session, &operation, &task, None).await?;
        drop((slot, ahead));
        let following = follow::Following::accepted(session, operation, task, &[], None, room);
        return Ok(Tried::Over(vec![Submitted::Accepted(Box::new(following))]));
    }
    let (answer, correlation_id) = match session.purge(&operation, at).await? {
        Ok(answered) => answered,
        Err(failure) => {
            // If the operation is split, its parts need both.
            drop((slot, room));
            if room::is_awaited(session, &operation, &failure, full_since).await? {
                return Ok(Tried::Full(operation));
            }
            return failed(session, operation, &failure).await.map(Tried::Over);
        }
    };
    // If recording is slow, the next request does not wait for it.
    let slot = ahead.is_none().then_some(slot);
    let (task, known, ask_after) = match answer {
        Answer::Settled(reports) => {
            let settled = settle(session, &operation, &reports).await?;
            return Ok(Tried::Over(over(settled)));
        }
        Answer::Running {
            task,
            known,
            ask_after,
        } => (task, known, ask_after),
    };
    accept(session, &operation, &task, correlation_id).await?;
    drop((slot, ahead));
    session.event(Event::Accepted {
        endpoint: operation.endpoint.clone(),
        task: task.id.clone(),
        urls: operation.items.len(),
    });
    let following = follow::Following::accepted(session, operation, task, &known, ask_after, room);
    Ok(Tried::Over(vec![Submitted::Accepted(Box::new(following))]))
}

async fn accept(
    session: &Session<'_>,
    operation: &Operation,
    task: &Task,
    correlation_id: Option<String>,
) -> Result<(), StateError> {
    let accepted = Record::Accept {
        id: operation.id.clone(),
        task: task.clone(),
        correlation_id,
        at: now(session.ports),
    };
    session.ports.recorder.record(accepted).await
}

fn over<'a>(outcomes: Vec<EntryOutcome>) -> Vec<Submitted<'a>> {
    vec![Submitted::Over(outcomes)]
}

fn not_to_be_sent(session: &Session<'_>, operation: &Operation) -> Option<NotSent> {
    if let Some(failure) = session.failure() {
        return Some(NotSent::by(&failure.message, None));
    }
    if let Some(stop) = session.stopped() {
        return Some(NotSent::stopped(session, stop));
    }
    let shortage = session.allowance.exhaustion(&operation.items)?;
    Some(NotSent::short(shortage))
}

/// Skips an operation; if a quota is used up that only some of its items use, the others are sent.
async fn not_sent<'a>(
    session: &'a Session<'a>,
    operation: Operation,
    reason: NotSent,
) -> Result<Vec<Submitted<'a>>, StateError> {
    let is_quota = session.allowance.exhaustion(&operation.items).is_some();
    match session.allowance.divided_by_quota(&operation.items) {
        Some(counts) if is_quota && reason.deferred => {
            submit_parts(session, by_quota(operation, counts)).await
        }
        Some(_) | None => skip(session, &operation, reason, Vec::new())
            .await
            .map(over),
    }
}

async fn failed<'a>(
    session: &'a Session<'a>,
    operation: Operation,
    failure: &Failure,
) -> Result<Vec<Submitted<'a>>, StateError> {
    session.halt_on(failure);
    let withdraw = Record::Withdraw {
        id: operation.id.clone(),
    };
    let not_sent = match failure.effect {
        Effect::Items if is_divisible(session, &operation, failure) => {
            session.ports.recorder.record(withdraw).await?;
            let middle = operation.items.len() / 2;
            return submit_parts(session, operation.split(|index, _| index < middle)).await;
        }
        Effect::Exhausted { until } => {
            let divided = session.allowance.divided_by_quota(&operation.items);
            if let Some(counts) = divided.filter(|_| !failure.in_doubt) {
                session.ports.recorder.record(withdraw).await?;
                return submit_parts(session, by_quota(operation, counts)).await;
            }
            let shortage = shortage(session, &operation, failure, until);
            session.allowance.exhaust(&operation.items, &shortage);
            if let Some(told) = exhausted(session, &operation, until) {
                session.ports.recorder.record(told).await?;
            }
            Some(NotSent::short(shortage))
        }
        Effect::Full => Some(NotSent::short(Shortage {
            message: failure.message.clone(),
            hint: failure.hint.clone(),
        })),
        Effect::Step
        | Effect::Items
        | Effect::Endpoint
        | Effect::Credentials
        | Effect::Forgotten
        | Effect::InDoubt => match failure.end {
            End::Stopped(stop) => {
                session.note_stop(stop);
                Some(NotSent::by(&failure.message, failure.hint.clone()))
            }
            End::Final | End::Exhausted => None,
        },
    };
    if let Some(reason) = not_sent.filter(|_| !failure.in_doubt) {
        let skipped = skip(session, &operation, reason, vec![withdraw]);
        return skipped.await.map(over);
    }
    let outcome = match failure.in_doubt {
        true => Outcome::Unknown,
        false => Outcome::Failed,
    };
    let mut items = Items::new(&operation.items);
    items.close(|_| true, outcome, Some(&failure.message));
    let recorded = record(session, &operation, &mut items, failure.hint.as_deref());
    recorded.await.map(over)
}

/// Whether some of a refused operation's items may succeed without the others.
fn is_divisible(session: &Session<'_>, operation: &Operation, failure: &Failure) -> bool {
    !failure.in_doubt && operation.items.len() > 1 && session.may_split()
}

fn by_quota(operation: Operation, counts: Counts) -> (Operation, Operation) {
    let is_counted = |item: &Item| counts.of(std::slice::from_ref(item)) > 0;
    operation.split(|_, item| is_counted(item))
}

async fn submit_parts<'a>(
    session: &'a Session<'a>,
    (one, other): (Operation, Operation),
) -> Result<Vec<Submitted<'a>>, StateError> {
    session.hold.divide();
    // The first part takes the turn of the whole operation.
    let (one, other) = (submit_one(session, one), submit(session, other, false));
    let (mut ones, others) = try_join(Box::pin(one), Box::pin(other)).await?;
    ones.extend(others);
    Ok(ones)
}

/// Why a refused operation must wait for another day: someone else may have used the quota.
fn shortage(
    session: &Session<'_>,
    operation: &Operation,
    failure: &Failure,
    until: Option<DateTime<Utc>>,
) -> Shortage {
    let renewal = || {
        session
            .allowance
            .renewal(&operation.items, now(session.ports))
    };
    let mut message = failure.message.clone();
    if let Some(until) = until.or_else(renewal) {
        let when = until.format("; there is quota again from %Y-%m-%d %H:%M:%SZ");
        message += &when.to_string();
    }
    Shortage {
        message,
        hint: failure.hint.clone(),
    }
}

/// Records that a quota is used up, for later plans.
fn exhausted(
    session: &Session<'_>,
    operation: &Operation,
    until: Option<DateTime<Utc>>,
) -> Option<Record> {
    let now = now(session.ports);
    let (budget, used) = session.allowance.surely_exhausted(&operation.items)?;
    let key = LedgerKey::of(budget, now)?;
    let (window, turns_at) = budget.period(now)?;
    let told = Told {
        used,
        limit: None,
        booked: session.ports.recorder.snapshot().spent(&key),
        window,
        // Ignores a time in the past.
        until: until.filter(|until| *until > now).unwrap_or(turns_at),
    };
    Some(Record::Tell {
        scope: key.scope,
        counts: key.counts,
        told,
    })
}

/// Leaves an operation to a later run; `records` go before the record of that.
async fn skip(
    session: &Session<'_>,
    operation: &Operation,
    reason: NotSent,
    mut records: Vec<Record>,
) -> Result<Vec<EntryOutcome>, StateError> {
    let (entries, message) = (operation.entries(), reason.message.clone());
    let at = now(session.ports);
    let (outcome, skipped) = match reason.deferred {
        true => (
            Outcome::Deferred,
            Record::Defer {
                entries,
                message,
                at,
            },
        ),
        false => (
            Outcome::Skipped,
            Record::Skip {
                entries,
                message,
                at,
            },
        ),
    };
    records.push(skipped);
    session.ports.recorder.record_all(records).await?;
    let mut items = Items::new(&operation.items);
    items.close(|_| true, outcome, Some(&reason.message));
    let hint = reason.hint.as_deref();
    Ok(tell(session, &operation.serves, &mut items, hint).0)
}

/// Records an answer that leaves nothing to ask about.
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
    hint: Option<&str>,
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
