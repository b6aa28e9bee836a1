//! The error types of the API and the refusals that carry them.
//!
//! The eighteen words are `[D]`; which HTTP code goes with which is `[?]`, so the codes here are
//! defaults that [`Settings`](super::Settings) can change.

use std::fmt;
use std::time::Duration;

/// A documented error type `[D]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    missing_docs,
    reason = "the names are the documentation: they are the wire words"
)]
pub enum ErrorType {
    CredentialInvalid,
    ParameterMissing,
    ParameterInvalid,
    MissingAuthorizationHeader,
    InvalidRequestDateHeader,
    MissingRequestDateHeader,
    AuthorizationHeaderExpired,
    InvalidAuthorizationHeader,
    ApiKeyNotFound,
    InvalidApiKey,
    WrongSignature,
    SubscriptionNotFound,
    EndpointDoesNotBelongToSubscription,
    EndpointNotInActiveState,
    EndpointNotFound,
    MaliciousItemPathDetected,
    PermissionDenied,
    RequestThrottled,
}

impl ErrorType {
    /// Every type, in the order of the documents.
    pub const ALL: [Self; 18] = [
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

    /// The word in `ErrorInfo.Type` `[D]`.
    pub const fn as_str(self) -> &'static str {
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
        }
    }

    /// The type of that name, whatever its case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|error| error.as_str().eq_ignore_ascii_case(name))
    }

    /// The HTTP code unless the settings say otherwise `[?]`.
    pub const fn default_status(self) -> u16 {
        match self {
            Self::ParameterMissing | Self::ParameterInvalid | Self::MaliciousItemPathDetected => {
                400
            }
            Self::CredentialInvalid
            | Self::MissingAuthorizationHeader
            | Self::InvalidRequestDateHeader
            | Self::MissingRequestDateHeader
            | Self::AuthorizationHeaderExpired
            | Self::InvalidAuthorizationHeader
            | Self::ApiKeyNotFound
            | Self::InvalidApiKey
            | Self::WrongSignature => 401,
            Self::PermissionDenied | Self::EndpointDoesNotBelongToSubscription => 403,
            Self::SubscriptionNotFound | Self::EndpointNotFound => 404,
            Self::EndpointNotInActiveState => 409,
            Self::RequestThrottled => 429,
        }
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request that is turned down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The documented word.
    pub(super) error: ErrorType,
    /// For `ErrorInfo.Message`; texts are `[?]`.
    pub(super) message: String,
    /// Set where the situation, not the type, decides the HTTP code.
    pub(super) status: Option<u16>,
    /// For `Retry-After`.
    pub(super) retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal with the type's own HTTP code.
    pub(super) fn new(error: ErrorType, message: impl Into<String>) -> Self {
        Self {
            error,
            message: message.into(),
            status: None,
            retry_after: None,
        }
    }

    /// The same with another HTTP code.
    pub(super) fn with_status(self, status: u16) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }
}
