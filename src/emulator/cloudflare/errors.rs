//! The errors of this API.

use serde_json::{Value, json};

use crate::emulator::error_codes::error_codes;
use crate::emulator::exchange::Reply;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    pub code: u32,
    /// `[O]`; `[I]` if several were seen.
    pub status: u16,
    message: &'static str,
}

error_codes! {
    INVALID_TOKEN = 1000, 401, "Invalid API Token";
    NO_KIND = 1012, 400, "Request must contain one of \"purge_everything\", \"files\", \"tags\", \"hosts\" or \"prefixes\"";
    NOT_TRUE = 1013, 400, "'purge_everything' must be true";
    NO_ARRAY = 1014, 400, "must be an array";
    PURGE_ERRORS = 1016, 400, "One or more cache purge errors";
    OTHER_ZONES_URL = 1082, 400, "You can only purge files for this zone.";
    INVALID_URL = 1084, 400, "which is an invalid URL.";
    EVERYTHING_AND = 1092, 400, "Request cannot contain \"purge_everything\" and any of \"files\", \"tags\", \"hosts\" or \"prefixes\"";
    TOO_MANY_FILES = 1094, 400, "Exceeded maximum amount of files that can be purged on a single request";
    LONG_TAG = 1100, 400, "The tag is too long or not printable ASCII";
    TOO_MANY_TAGS = 1101, 400, "Exceeded maximum amount of tags that can be purged on a single request";
    TOO_MANY_HOSTS = 1111, 400, "Exceeded maximum amount of hosts that can be purged on a single request";
    LONG_HOST = 1114, 400, "The host is too long";
    BAD_HOST = 1115, 400, "The host is invalid";
    RATE_LIMIT = 1134, 429, "Unable to purge, rate limit reached. Please wait and consider throttling your request speed";
    VISITOR_RULE = 1136, 400, "Unable to purge files on an environment with a rule that selects by visitor";
    BAD_HEADERS = 6003, 400, "Invalid request headers";
    NO_ROUTE = 7003, 404, "Could not route, perhaps your object identifier is invalid?";
    NOT_ALLOWED = 10000, 403, "Authentication error";
}

#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    errors: Vec<Value>,
    word: String,
}

impl ErrorCode {
    const fn new(code: u32, status: u16, message: &'static str) -> Self {
        Self {
            code,
            status,
            message,
        }
    }

    pub(super) fn usual(self) -> Refusal {
        self.with(self.message)
    }

    pub(super) fn with(self, message: impl Into<String>) -> Refusal {
        let message = message.into();
        Refusal {
            status: self.status,
            word: format!("{}: {message}", self.code),
            errors: vec![json!({ "code": self.code, "message": message })],
        }
    }
}

impl Refusal {
    pub(super) fn and(mut self, next: Self) -> Self {
        self.errors.extend(next.errors);
        self
    }

    /// Adds an error to the chain of the first one.
    pub(super) fn because(mut self, code: u32, message: &str) -> Self {
        if let Some(first) = self.errors.first_mut() {
            first["error_chain"] = json!([{ "code": code, "message": message }]);
        }
        self
    }

    pub(super) fn reply(self) -> Reply {
        let body = json!({
            "success": false, "errors": self.errors, "messages": [], "result": null
        });
        Reply {
            error: Some(self.word),
            ..Reply::json(self.status, &body)
        }
    }
}
