//! Recording intents before sending, and withdrawing them.

use chrono::{DateTime, Utc};
use tokio::sync::SemaphorePermit;

use super::now;
use super::session::Session;
use crate::operation::Operation;
use crate::state::{PendingOperation, Record, StateError};

/// If recording takes a round trip, records an operation before there is a slot for it, so that it is
/// batched with others. `None` if that saves nothing, or if the operation must not be sent.
pub(super) async fn intend_ahead<'a>(
    session: &'a Session<'_>,
    operation: &Operation,
    is_to_be_sent: impl Fn() -> bool,
) -> Result<Option<(SemaphorePermit<'a>, DateTime<Utc>)>, StateError> {
    let Some(permits) = &session.ahead else {
        return Ok(None);
    };
    // The semaphore is never closed.
    let permit = permits.acquire().await.ok();
    let Some(permit) = permit.filter(|_| is_to_be_sent()) else {
        return Ok(None);
    };
    Ok(Some((permit, intend(session, operation).await?)))
}

pub(super) async fn withdraw(
    session: &Session<'_>,
    operation: &Operation,
    at: DateTime<Utc>,
) -> Result<(), StateError> {
    let mut records = session.booking(operation, at, -1);
    let id = operation.id.clone();
    records.push(Record::Withdraw { id });
    session.ports.recorder.record_all(records).await
}

/// Records an intent and books its send. Returns the time of the booking.
pub(super) async fn intend(
    session: &Session<'_>,
    operation: &Operation,
) -> Result<DateTime<Utc>, StateError> {
    let at = now(session.ports);
    let mut records = session.booking(operation, at, 1);
    records.push(Record::Intend(PendingOperation {
        id: operation.id.clone(),
        endpoint: operation.endpoint.clone(),
        intended_at: at,
        task: None,
        accepted_at: None,
        asked_at: None,
        correlation_id: None,
        sends: 1,
        directories: operation.directories(),
        entries: operation.entries(),
    }));
    session.ports.recorder.record_all(records).await?;
    Ok(at)
}
