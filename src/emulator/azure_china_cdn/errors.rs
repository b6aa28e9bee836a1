//! The API's error types and the refusals that contain them.
//!
//! The eighteen words are `[D]`. Their HTTP codes are `[?]`, so [`AzureChinaCdn`](super::AzureChinaCdn) can
//! change them.

use std::fmt;
use std::time::Duration;

macro_rules! error_types {
    ($($name:ident => $status:literal,)*) => {
        /// A documented error type `[D]`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorType { $($name,)* }

        impl ErrorType {
            /// In the order of the documents.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
            pub(super) const WORDS: &[&str] = &[$(stringify!($name),)*];

            /// The HTTP code unless the settings change it `[?]`.
            pub const fn default_status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }
        }
    };
}

error_types! {
    CredentialInvalid => 401,
    ParameterMissing => 400,
    ParameterInvalid => 400,
    MissingAuthorizationHeader => 401,
    InvalidRequestDateHeader => 401,
    MissingRequestDateHeader => 401,
    AuthorizationHeaderExpired => 401,
    InvalidAuthorizationHeader => 401,
    ApiKeyNotFound => 401,
    InvalidApiKey => 401,
    WrongSignature => 401,
    SubscriptionNotFound => 404,
    EndpointDoesNotBelongToSubscription => 403,
    EndpointNotInActiveState => 409,
    EndpointNotFound => 404,
    MaliciousItemPathDetected => 400,
    PermissionDenied => 403,
    RequestThrottled => 429,
}

impl fmt::Display for ErrorType {
    /// The word in `ErrorInfo.Type` `[D]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiRefusal {
    pub(super) error: ErrorType,
    /// For `ErrorInfo.Message`; texts are `[?]`.
    pub(super) message: String,
    /// The HTTP code, if the situation decides it and not the type.
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<Duration>,
}

pub(super) fn refuse(error: ErrorType, message: impl Into<String>) -> ApiRefusal {
    ApiRefusal {
        error,
        message: message.into(),
        status: None,
        retry_after: None,
    }
}

impl ApiRefusal {
    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}
