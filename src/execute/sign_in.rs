//! Getting a token for questions outside a run.

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::credential::Credentials;
use crate::provider::{ApiError, Granted, Provider, Token};
use crate::secret::Redactor;
use crate::transport::{Response, Transport, TransportError};

#[derive(Debug)]
pub enum NotSignedIn {
    NoAnswer(TransportError),
    Refused(Box<Response>, ApiError),
}

/// Exchanges credentials for a token, without retries; `None` if requests need none.
pub async fn sign_in(
    provider: &dyn Provider,
    credentials: &Credentials,
    transport: &dyn Transport,
    deadline: Instant,
    now: impl Fn() -> DateTime<Utc>,
) -> Result<Option<Token>, NotSignedIn> {
    let Some(exchange) = provider.exchange() else {
        return Ok(None);
    };
    let mut given: Option<Token> = None;
    loop {
        let redactor = redactor(credentials, given.as_ref());
        let request = exchange.request(credentials, given.as_ref(), now());
        let sent = transport.send(request, Some(deadline)).await;
        let response = sent.map_err(|error| NotSignedIn::NoAnswer(error.redacted(&redactor)))?;
        match exchange.token(&response, given.as_ref(), now()) {
            Err(error) => {
                let error = error.redacted(&redactor);
                return Err(NotSignedIn::Refused(Box::new(response), error));
            }
            Ok(Granted::Next(token)) if given.is_none() => given = Some(token),
            // No exchange has more than two steps.
            Ok(Granted::Token(token) | Granted::Next(token)) => return Ok(Some(token)),
        }
    }
}

/// Redacts every secret that a request with this token shows to the CDN.
pub fn redactor(credentials: &Credentials, token: Option<&Token>) -> Redactor {
    let token = token.map(|token| &token.value);
    Redactor::new(credentials.secrets().chain(token))
}
