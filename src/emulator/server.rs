//! The API over HTTP: reads a request whole, lets the faults strike, answers, and keeps the journal.
//!
//! `X-Correlation-Id` is on every answer of the service `[D]`, but not on what a proxy would say in
//! its place. An unknown path or method has no documented answer `[?]`: 404 and 405 with the usual
//! body.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::stream;
use uuid::Uuid;

use super::answers;
use super::errors::{ErrorType, Refusal};
use super::faults::FaultKind;
use super::journal::RequestRecord;
use super::operations::{Call, Reply, json};
use super::routes::{self, NoRoute};
use super::service::Service;
use super::verify::{Claim, Header};
use super::wire::Switch;
use crate::provider::azure_china_cdn::signing::DATE_HEADER;

/// Largest request body read, in bytes: 2,000 URLs of 2 KiB, a day's quota in one request.
pub const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;

/// Support asks for it `[D]`.
const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

/// What a proxy in between says when it cannot reach the service.
const PROXY_PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

/// The API as an axum application.
pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new().fallback(handle).with_state(service)
}

/// What becomes of a request.
enum Outcome {
    Done(Reply),
    Refused(Refusal),
    /// Somebody other than the service answers.
    Foreign {
        status: u16,
        content_type: &'static str,
        body: &'static str,
    },
    /// The connection is reset.
    Cut,
}

async fn handle(
    State(service): State<Arc<Service>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response {
    let correlation_id = Uuid::new_v4();
    let (parts, body) = request.into_parts();
    let route = routes::route(parts.method.as_str(), parts.uri.path());
    let operation = route.ok().map(|route| route.operation);
    let faults = service.strike(operation);
    let mut outcome = match faults.iter().find_map(instead) {
        Some(outcome) => outcome,
        None => perform(&service, &parts, body, &faults).await,
    };
    let mut record = RequestRecord {
        at: service.skewed(&faults),
        method: parts.method.to_string(),
        path: parts
            .uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string),
        operation,
        status: None,
        error: None,
        message: None,
        items: 0,
        task: None,
        correlation_id,
        faults: faults.iter().map(ToString::to_string).collect(),
    };
    if let Outcome::Done(reply) = &outcome {
        record.items = reply.items;
        record.task = reply.task;
    }
    if faults.contains(&FaultKind::DropAfter) {
        outcome = Outcome::Cut;
    }
    let mut response = respond(&service, outcome, &mut record);
    if record.status.is_none() {
        switch.cut();
    }
    stamp(response.headers_mut(), record.at);
    if faults.contains(&FaultKind::Truncate) {
        response = truncate(response).await;
    }
    let delay: Duration = faults.iter().filter_map(FaultKind::delay).sum();
    // Recorded before the wait: a client that gives up takes the rest of this function with it.
    service.record(record);
    if delay > Duration::ZERO {
        tokio::time::sleep(delay).await;
    }
    response
}

/// What a fault puts in the place of the service's answer.
fn instead(fault: &FaultKind) -> Option<Outcome> {
    match fault {
        FaultKind::DropBefore => Some(Outcome::Cut),
        FaultKind::Status(status) => Some(Outcome::Foreign {
            status: *status,
            content_type: "text/plain",
            body: "The service is not well.",
        }),
        FaultKind::Html => Some(Outcome::Foreign {
            status: 502,
            content_type: "text/html",
            body: PROXY_PAGE,
        }),
        FaultKind::Throttle(wait) => Some(Outcome::Refused(Refusal {
            retry_after: *wait,
            ..Refusal::new(ErrorType::RequestThrottled, "Too many requests.")
        })),
        FaultKind::Expire => Some(Outcome::Refused(Refusal::new(
            ErrorType::AuthorizationHeaderExpired,
            "The request date is too far away.",
        ))),
        FaultKind::Error(error) => Some(Outcome::Refused(Refusal::new(
            *error,
            "Refused as the emulator was told to.",
        ))),
        FaultKind::DropAfter
        | FaultKind::Truncate
        | FaultKind::Slow(_)
        | FaultKind::Skew(_)
        | FaultKind::Stuck
        | FaultKind::FailUrl(_)
        | FaultKind::StatusWord(_) => None,
    }
}

async fn perform(service: &Service, parts: &Parts, body: Body, faults: &[FaultKind]) -> Outcome {
    let path = parts.uri.path();
    let route = match routes::route(parts.method.as_str(), path) {
        Ok(route) => route,
        Err(NoRoute::Path) => {
            let refusal = Refusal::new(
                ErrorType::ParameterInvalid,
                "There is nothing at this path.",
            );
            return Outcome::Refused(refusal.with_status(404));
        }
        Err(NoRoute::Method(only)) => {
            let message = format!("The method must be {only}.");
            let refusal = Refusal::new(ErrorType::ParameterInvalid, message);
            return Outcome::Refused(refusal.with_status(405));
        }
    };
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        let message = format!("The body is broken off or larger than {MAX_REQUEST_BYTES} bytes.");
        let refusal = Refusal::new(ErrorType::ParameterInvalid, message);
        return Outcome::Refused(refusal.with_status(413));
    };
    let call = Call {
        route,
        claim: Claim {
            method: parts.method.as_str(),
            path,
            query: parts.uri.query().unwrap_or_default(),
            date: text(&parts.headers, DATE_HEADER),
            authorization: text(&parts.headers, header::AUTHORIZATION.as_str()),
        },
        content_type: parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok()),
        body: &body,
    };
    match service.call(call, faults) {
        Ok(reply) => Outcome::Done(reply),
        Err(refusal) => Outcome::Refused(refusal),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Header<'a> {
    match headers.get(name).map(HeaderValue::to_str) {
        None => Header::Absent,
        Some(Ok(text)) => Header::Text(text),
        Some(Err(_)) => Header::Garbled,
    }
}

/// Builds the answer and notes it in the record; a cut connection gets an answer that is never sent.
fn respond(service: &Service, outcome: Outcome, record: &mut RequestRecord) -> Response {
    let (status, content_type, body, retry_after) = match outcome {
        Outcome::Cut => return Response::new(Body::empty()),
        Outcome::Done(reply) => (
            reply.status,
            "application/json; charset=utf-8",
            reply.body,
            None,
        ),
        Outcome::Foreign {
            status,
            content_type,
            body,
        } => (status, content_type, body.to_owned(), None),
        Outcome::Refused(refusal) => {
            record.error = Some(refusal.error);
            record.message = Some(refusal.message.clone());
            let usual = service.settings.answers.status_of(refusal.error);
            (
                refusal.status.unwrap_or(usual),
                "application/json; charset=utf-8",
                json(&answers::refused(&refusal)),
                refusal.retry_after,
            )
        }
    };
    record.status = Some(status);
    let from_service = content_type.starts_with("application/json");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if from_service && let Ok(id) = HeaderValue::from_str(&record.correlation_id.to_string()) {
        headers.insert(CORRELATION_HEADER, id);
    }
    if let Some(wait) = retry_after {
        // Whole seconds, rounded up: sooner would be refused again.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Sets `Date` from the service's clock, which may be off.
fn stamp(headers: &mut HeaderMap, now: DateTime<Utc>) {
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        headers.insert(header::DATE, date);
    }
}

/// Announces the whole body and sends half of it.
async fn truncate(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half: Result<Bytes, std::io::Error> = Ok(body.slice(..body.len() / 2));
    let broken = stream::once(async {
        // Lets the first half out before the error closes the connection.
        tokio::task::yield_now().await;
        Err(std::io::ErrorKind::UnexpectedEof.into())
    });
    let body = Body::from_stream(stream::iter([half]).chain(broken));
    Response::from_parts(parts, body)
}
