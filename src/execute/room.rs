//! Waiting for room at the CDN, which other operations of this run or of others take.

use std::fmt::Display;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::Event;
use super::account::{Room, Shortage};
use super::failure::{Failure, Stop};
use super::session::Session;
use crate::operation::{Operation, Serve};
use crate::provider::Effect;
use crate::state::{Record, State, StateError};

/// The message of an operation that another run may have sent.
const TAKEN_OVER: &str =
    "not attempted: another run changed how it stands while this one waited for room at the CDN";

/// Why an operation is left to another run.
pub(super) struct NotSent {
    /// Stays planned; nothing is wrong.
    pub(super) deferred: bool,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl NotSent {
    pub(super) fn by(reason: impl Display, hint: Option<String>) -> Self {
        Self {
            deferred: false,
            message: format!("not attempted: {reason}"),
            hint,
        }
    }

    pub(super) fn stopped(session: &Session<'_>, stop: Stop) -> Self {
        session.note_stop(stop);
        Self::by(stop, None)
    }

    pub(super) fn short(Shortage { message, hint }: Shortage) -> Self {
        Self {
            deferred: true,
            message,
            hint,
        }
    }
}

/// Waits for room at the CDN, after a pause if it `was_full`. While all remaining operations wait, other
/// runs may write the state.
pub(super) async fn room(
    session: &Session<'_>,
    operation: &Operation,
    was_full: bool,
) -> Result<Result<Room, NotSent>, StateError> {
    let recorder = session.ports.recorder;
    let mut room = pin!(session.unless_stopped(async {
        if was_full {
            tokio::time::sleep(pause(session)).await;
        }
        session.allowance.room(&operation.items).await
    }));
    let mut taken_over = false;
    let found = if let Some(found) = room.as_mut().now_or_never() {
        found
    } else {
        let before = standing(&recorder.snapshot(), operation);
        session.hold.pause().await?;
        let found = room.await;
        session.hold.resume().await?;
        taken_over = standing(&recorder.snapshot(), operation) != before;
        found
    };
    Ok(match found {
        Ok(Ok(_)) if taken_over => Err(NotSent::short(Shortage {
            message: TAKEN_OVER.to_owned(),
            hint: Some("run `purgit apply` again for what is still to be purged".to_owned()),
        })),
        Ok(room) => room.map_err(NotSent::short),
        Err(stop) => Err(NotSent::stopped(session, stop)),
    })
}

/// What another run may change about the entries of an operation.
fn standing(state: &State, operation: &Operation) -> Vec<impl PartialEq + use<>> {
    let of = |serve: &Serve| {
        let observed = state.entries.get(&serve.key);
        let observed = observed.map(|one| (one.generation.clone(), one.attempt.clone()));
        let pending = state.pending_operations.of(&serve.key);
        (
            observed,
            pending.map(|one| one.id.clone()),
            state.due.get(&serve.key).cloned(),
        )
    };
    operation.serves.iter().map(of).collect()
}

/// Whether to try again, because the CDN only had no room; withdraws the intent then.
pub(super) async fn is_awaited(
    session: &Session<'_>,
    operation: &Operation,
    failure: &Failure,
    full_since: Option<Instant>,
) -> Result<bool, StateError> {
    let patience = session.client.endpoint.poll.timeout;
    let is_patient = full_since.is_none_or(|since| since.elapsed() < patience);
    let is_full = failure.effect == Effect::Full && !failure.in_doubt;
    if !is_full || !is_patient || !session.waiting.wait {
        return Ok(false);
    }
    let id = operation.id.clone();
    let withdraw = Record::Withdraw { id };
    session.ports.recorder.record(withdraw).await?;
    session.event(Event::Retrying {
        endpoint: operation.endpoint.clone(),
        reason: failure.message.clone(),
        delay: pause(session),
    });
    Ok(true)
}

/// The pause before another try. The CDN does not announce room, so it is the longest between questions.
fn pause(session: &Session<'_>) -> Duration {
    session.client.endpoint.poll.max_interval
}
