//! The errors of Azure Resource Manager.

use serde_json::json;

use crate::emulator::error_codes::error_codes;
use crate::emulator::exchange::Reply;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    pub code: &'static str,
    /// `[D]`, except `[I]` for those with `BadRequest`.
    pub status: u16,
}

error_codes! {
    BAD_REQUEST = "BadRequest", 400;
    BAD_VERSION = "InvalidApiVersionParameter", 400;
    NO_VERSION = "MissingApiVersionParameter", 400;
    NO_SUCH_VERSION = "NoRegisteredProviderFound", 400;
    BAD_TOKEN = "InvalidAuthenticationToken", 401;
    OLD_TOKEN = "ExpiredAuthenticationToken", 401;
    NO_TOKEN = "AuthenticationFailed", 401;
    FORBIDDEN = "AuthorizationFailed", 403;
    NO_RESOURCE = "ResourceNotFound", 404;
    NO_PARENT = "ParentResourceNotFound", 404;
    NO_GROUP = "ResourceGroupNotFound", 404;
    NO_SUBSCRIPTION = "SubscriptionNotFound", 404;
    NOT_REGISTERED = "MissingSubscriptionRegistration", 409;
    CONFLICT = "Conflict", 409;
    THROTTLED = "SubscriptionRequestsThrottled", 429;
    TOO_MANY = "TooManyRequests", 429;
}

impl ErrorCode {
    const fn new(code: &'static str, status: u16) -> Self {
        Self { code, status }
    }

    pub(super) fn reply(self, message: impl Into<String>) -> Reply {
        let message = message.into();
        let word = format!("{}: {message}", self.code);
        let body = json!({ "error": { "code": self.code, "message": message } });
        let reply = Reply::json(self.status, &body);
        let reply = match self.status {
            401 => reply.header("www-authenticate", "Bearer"),
            _ => reply,
        };
        Reply {
            error: Some(word),
            ..reply
        }
    }
}
