//! Sending a request with a trace in the log: one line for `-v`, headers and sizes for `-vv`.

use tokio::time::Instant;

use super::{Patience, Request, Response, Transport, TransportError};
use crate::error::chain;

/// Sends a request, where it is one to a cache node as to one, and logs how it went. `request_id` finds the CDN's own id of the request, for
/// its support.
pub async fn exchange(
    transport: &dyn Transport,
    request: Request,
    node: Option<Patience>,
    deadline: Option<Instant>,
    request_id: impl Fn(&Response) -> Option<String>,
) -> Result<Response, TransportError> {
    let line = format!("{} {}", request.method.as_str(), request.place());
    tracing::debug!(?request, "sending");
    let started = Instant::now();
    let answer = match node {
        None => transport.send(request, deadline).await,
        Some(patience) => transport.send_to_node(request, patience, deadline).await,
    };
    let time = started.elapsed().as_millis();
    match &answer {
        Ok(response) => {
            let id = request_id(response).map(|id| format!(" (request id {id})"));
            let id = id.unwrap_or_default();
            tracing::info!("{line} {} in {time} ms{id}", response.status);
            tracing::debug!(?response, "received");
        }
        Err(error) => tracing::info!("{line} failed after {time} ms: {}", chain(error)),
    }
    answer
}
