//! Refusals of the classic API: each documented type with its meaning, its retry class and its
//! remedy; and what an HTTP status means where no type can be read.
//!
//! The HTTP code of a type is documented nowhere, so a type that is known decides alone.

use crate::provider::excerpt::{excerpt, html_excerpt};
use crate::provider::{ApiError, Effect, RetryClass};
use crate::transport::{Response, date};

/// Response header with the CDN's id of the request `[D]`.
pub const CORRELATION_HEADER: &str = "x-correlation-id";

/// `ErrorInfo.Type` `[D]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorType {
    /// Invalid credentials.
    CredentialInvalid,
    /// Parameter missing.
    ParameterMissing,
    /// Invalid parameter.
    ParameterInvalid,
    /// No `Authorization` header.
    MissingAuthorizationHeader,
    /// The request's date is not one, or not a lawful one.
    InvalidRequestDateHeader,
    /// No `x-azurecdn-request-date` header.
    MissingRequestDateHeader,
    /// The signature is too old, or too far ahead.
    AuthorizationHeaderExpired,
    /// The `Authorization` header has another form.
    InvalidAuthorizationHeader,
    /// No key of that id.
    ApiKeyNotFound,
    /// The key is not a valid one.
    InvalidApiKey,
    /// The signature is not that of the key.
    WrongSignature,
    /// No such subscription.
    SubscriptionNotFound,
    /// The endpoint is another subscription's.
    EndpointDoesNotBelongToSubscription,
    /// The endpoint is not in use, e.g. disabled or without ICP verification.
    EndpointNotInActiveState,
    /// No such endpoint.
    EndpointNotFound,
    /// A path looks like an attack.
    MaliciousItemPathDetected,
    /// The key may not do this.
    PermissionDenied,
    /// Too many requests.
    RequestThrottled,
    /// A word that is documented nowhere.
    Other(String),
}

impl ErrorType {
    /// Every documented type, in the order of the documents.
    pub const DOCUMENTED: [Self; 18] = [
        Self::CredentialInvalid,
        Self::ParameterMissing,
        Self::ParameterInvalid,
        Self::MissingAuthorizationHeader,
        Self::InvalidRequestDateHeader,
        Self::MissingRequestDateHeader,
        Self::AuthorizationHeaderExpired,
        Self::InvalidAuthorizationHeader,
        Self::ApiKeyNotFound,
        Self::InvalidApiKey,
        Self::WrongSignature,
        Self::SubscriptionNotFound,
        Self::EndpointDoesNotBelongToSubscription,
        Self::EndpointNotInActiveState,
        Self::EndpointNotFound,
        Self::MaliciousItemPathDetected,
        Self::PermissionDenied,
        Self::RequestThrottled,
    ];

    /// The type of that name, whatever its case.
    pub fn parse(word: &str) -> Self {
        Self::DOCUMENTED
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(word))
            .unwrap_or_else(|| Self::Other(word.to_owned()))
    }

    /// As the CDN spells it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::CredentialInvalid => "CredentialInvalid",
            Self::ParameterMissing => "ParameterMissing",
            Self::ParameterInvalid => "ParameterInvalid",
            Self::MissingAuthorizationHeader => "MissingAuthorizationHeader",
            Self::InvalidRequestDateHeader => "InvalidRequestDateHeader",
            Self::MissingRequestDateHeader => "MissingRequestDateHeader",
            Self::AuthorizationHeaderExpired => "AuthorizationHeaderExpired",
            Self::InvalidAuthorizationHeader => "InvalidAuthorizationHeader",
            Self::ApiKeyNotFound => "ApiKeyNotFound",
            Self::InvalidApiKey => "InvalidApiKey",
            Self::WrongSignature => "WrongSignature",
            Self::SubscriptionNotFound => "SubscriptionNotFound",
            Self::EndpointDoesNotBelongToSubscription => "EndpointDoesNotBelongToSubscription",
            Self::EndpointNotInActiveState => "EndpointNotInActiveState",
            Self::EndpointNotFound => "EndpointNotFound",
            Self::MaliciousItemPathDetected => "MaliciousItemPathDetected",
            Self::PermissionDenied => "PermissionDenied",
            Self::RequestThrottled => "RequestThrottled",
            Self::Other(word) => word,
        }
    }

    /// What it means; `None` for a word nobody documents.
    fn meaning(&self) -> Option<Meaning> {
        use RetryClass::{ClockSkew, Never, Throttled};
        let (retry, effect, hint) = match self {
            Self::CredentialInvalid => (
                Never,
                Effect::Credentials,
                "check `keyId` and `keyValue`: the key may have been deleted or made anew in the portal",
            ),
            Self::ParameterMissing => (
                Never,
                Effect::Step,
                "check that `apiUrl` is the API itself: something in between may drop the query or the body",
            ),
            Self::ParameterInvalid => (
                Never,
                Effect::Step,
                "check that the URLs belong to this endpoint's domain, and try a lower `itemsPerRequest`",
            ),
            Self::MissingAuthorizationHeader => (
                Never,
                Effect::Credentials,
                "purgit sends this header: check that no proxy in between removes `Authorization`",
            ),
            Self::InvalidRequestDateHeader => (
                ClockSkew,
                Effect::Endpoint,
                "check this machine's clock; the date is sent in UTC",
            ),
            Self::MissingRequestDateHeader => (
                Never,
                Effect::Endpoint,
                "purgit sends this header: check that no proxy in between removes `x-azurecdn-request-date`",
            ),
            Self::AuthorizationHeaderExpired => (
                ClockSkew,
                Effect::Credentials,
                "set this machine's clock: the signature carries its time",
            ),
            Self::InvalidAuthorizationHeader => (
                Never,
                Effect::Credentials,
                "check that `keyId` is the id of the key alone, without spaces or line ends",
            ),
            Self::ApiKeyNotFound => (
                Never,
                Effect::Credentials,
                "check `keyId`: this subscription has no key of that id",
            ),
            Self::InvalidApiKey => (
                Never,
                Effect::Credentials,
                "check `keyId`: it must be the id of an active key of this subscription",
            ),
            Self::WrongSignature => (
                Never,
                Effect::Credentials,
                "check `keyValue`: it must belong to `keyId` and have no quotes or line end around it; then this machine's clock",
            ),
            Self::SubscriptionNotFound => (Never, Effect::Endpoint, "check `subscriptionId`"),
            Self::EndpointDoesNotBelongToSubscription => (
                Never,
                Effect::Endpoint,
                "check that `endpointId` and `subscriptionId` belong together",
            ),
            Self::EndpointNotInActiveState => (
                Never,
                Effect::Endpoint,
                "enable the endpoint in the portal; a domain without a valid ICP filing cannot be purged",
            ),
            Self::EndpointNotFound => (
                Never,
                Effect::Endpoint,
                "check `endpointId`: the endpoint may have been deleted or migrated",
            ),
            Self::MaliciousItemPathDetected => (
                Never,
                Effect::Step,
                "look for unusual characters in the URLs of this request",
            ),
            Self::PermissionDenied => (
                Never,
                Effect::Credentials,
                "use a read-write key: a read-only one can ask about purges but not submit them",
            ),
            Self::RequestThrottled => (
                Throttled,
                Effect::Step,
                "lower `requestsPerSecond` or `concurrentRequests` in the endpoint's `limits`",
            ),
            Self::Other(_) => return None,
        };
        Some(Meaning {
            retry,
            effect,
            hint: Some(hint),
        })
    }
}

/// What an error means to a run.
#[derive(Debug, Clone, Copy)]
struct Meaning {
    retry: RetryClass,
    effect: Effect,
    hint: Option<&'static str>,
}

impl Meaning {
    fn error(self, response: &Response, summary: String) -> ApiError {
        ApiError {
            summary,
            retry: self.retry,
            effect: self.effect,
            hint: self.hint.map(ToOwned::to_owned),
            correlation_id: correlation_id(response),
            retry_after: date::retry_after(response),
        }
    }

    /// By HTTP status alone `[I]`.
    fn of_status(status: u16) -> Self {
        use RetryClass::{Never, Throttled, Transient};
        let (retry, effect, hint) = match status {
            300..=399 => (
                Never,
                Effect::Endpoint,
                Some(
                    "check `apiUrl`: a signed request is good for one host and path, so redirects are not followed",
                ),
            ),
            401 | 403 => (
                Never,
                Effect::Credentials,
                Some("check `keyId` and `keyValue`"),
            ),
            404 => (
                Never,
                Effect::Step,
                Some("check `apiUrl`, `subscriptionId` and `endpointId`"),
            ),
            407 => (
                Never,
                Effect::Endpoint,
                Some("check the proxy's credentials in `HTTPS_PROXY`"),
            ),
            413 => (
                Never,
                Effect::Step,
                Some("lower `itemsPerRequest` in the endpoint's `limits`"),
            ),
            429 => (
                Throttled,
                Effect::Step,
                Some(
                    "lower `requestsPerSecond` or `concurrentRequests` in the endpoint's `limits`",
                ),
            ),
            408 | 425 | 500..=599 => (Transient, Effect::InDoubt, None),
            400..=499 => (Never, Effect::Step, None),
            _ => (Never, Effect::InDoubt, None),
        };
        Self {
            retry,
            effect,
            hint,
        }
    }
}

/// The CDN's id of the request, for its support.
pub(super) fn correlation_id(response: &Response) -> Option<String> {
    let id = excerpt(response.header(CORRELATION_HEADER)?);
    (!id.is_empty()).then_some(id)
}

/// A refusal in the CDN's own envelope.
pub(super) fn refused(response: &Response, kind: Option<&str>, message: Option<&str>) -> ApiError {
    let status = response.status;
    let kind = kind.map(ErrorType::parse);
    let message = message.map(excerpt).filter(|message| !message.is_empty());
    let mut summary = match &kind {
        Some(kind) => format!(
            "the CDN refused the request with `{}`",
            excerpt(kind.as_str())
        ),
        None => format!("the CDN refused the request without a reason (HTTP {status})"),
    };
    if let Some(message) = message {
        summary = format!("{summary}: {message}");
    }
    let known = kind.as_ref().and_then(ErrorType::meaning);
    known
        .unwrap_or_else(|| {
            let meaning = Meaning::of_status(status);
            // The CDN itself says no, so there is no doubt, whatever the status.
            let effect = match meaning.effect {
                Effect::InDoubt => Effect::Step,
                certain @ (Effect::Step | Effect::Endpoint | Effect::Credentials) => certain,
            };
            Meaning { effect, ..meaning }
        })
        .error(response, summary)
}

/// A status that is no success, with a body that is not the CDN's.
pub(super) fn by_status(response: &Response) -> ApiError {
    let status = response.status;
    let meaning = Meaning::of_status(status);
    if (300..=399).contains(&status) {
        let target = response
            .header("location")
            .map_or_else(|| "elsewhere".to_owned(), location_host);
        let summary = format!("the answer is a redirect to {target} (HTTP {status})");
        return meaning.error(response, summary);
    }
    meaning.error(
        response,
        format!(
            "HTTP {status} without a reason of the CDN{}",
            shown(response)
        ),
    )
}

/// A success by its status, with a body that cannot be understood. `cut_short` when it ends in the
/// middle, so that a second try may bring the rest.
pub(super) fn unreadable(response: &Response, what: &str, cut_short: bool) -> ApiError {
    let meaning = Meaning {
        retry: if cut_short {
            RetryClass::Transient
        } else {
            RetryClass::Never
        },
        effect: Effect::InDoubt,
        hint: (!cut_short).then_some(
            "check `apiUrl` and the proxy: something other than the CDN's API may have answered",
        ),
    };
    meaning.error(
        response,
        format!("{what} (HTTP {}){}", response.status, shown(response)),
    )
}

/// `: <what the body says>`, or nothing for an empty body.
fn shown(response: &Response) -> String {
    let text = html_excerpt(&String::from_utf8_lossy(&response.body));
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}

/// The host a `Location` leads to; the rest of it may be long or hold a token.
fn location_host(location: &str) -> String {
    match url::Url::parse(location) {
        Ok(url) => url.host_str().map_or_else(
            || "elsewhere".to_owned(),
            |host| format!("`{}`", excerpt(host)),
        ),
        Err(_) => "another path of the same host".to_owned(),
    }
}
