//! Sends a request and logs it: one line for `-v`, headers and sizes for `-vv`.

use tokio::time::Instant;

use super::{Patience, Request, Response, Transport, TransportError};
use crate::error::chain;

/// Sends a request, to a cache node if `node` is given, and logs the result. `request_id` extracts the
/// CDN's request id, for its support.
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
