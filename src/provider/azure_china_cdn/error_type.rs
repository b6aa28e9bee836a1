//! The documented error types of the classic API, each with its retry class, effect and remedy.

use crate::provider::Effect;
use crate::provider::plain_http::Meaning;
use crate::transport::retry::RetryClass;

/// `ErrorInfo.Type` `[D]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorType {
    CredentialInvalid,
    ParameterMissing,
    ParameterInvalid,
    MissingAuthorizationHeader,
    /// The date is missing or invalid.
    InvalidRequestDateHeader,
    MissingRequestDateHeader,
    AuthorizationHeaderExpired,
    /// The `Authorization` header has the wrong form.
    InvalidAuthorizationHeader,
    ApiKeyNotFound,
    InvalidApiKey,
    WrongSignature,
    SubscriptionNotFound,
    /// The endpoint belongs to another subscription.
    EndpointDoesNotBelongToSubscription,
    /// The endpoint is not in use, e.g. disabled or without ICP verification.
    EndpointNotInActiveState,
    EndpointNotFound,
    MaliciousItemPathDetected,
    /// The key lacks the permission.
    PermissionDenied,
    RequestThrottled,
    /// An undocumented word.
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

    /// The type with this name, in any case.
    pub fn parse(word: &str) -> Self {
        Self::DOCUMENTED
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(word))
            .unwrap_or_else(|| Self::Other(word.to_owned()))
    }

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

    /// What it means; `None` for an undocumented word.
    pub(super) fn meaning(&self) -> Option<Meaning> {
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
                Effect::Items,
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
                Effect::Items,
                "look for unusual characters in these URLs",
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
        Some(Meaning::new(retry, effect, hint))
    }
}
