//! The errors of this API, which have no common envelope `[O]`.

use serde_json::{Value, json};

use crate::emulator::error_codes::error_codes;
use crate::emulator::exchange::Reply;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    /// Its name in faults; the service has no error codes.
    pub name: &'static str,
    pub status: u16,
    form: Form,
    message: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Message,
    /// `msg`, and `detail` or `details`.
    Detail(&'static str),
    /// `status` and `reason`.
    Reason,
}

// All [O] unless marked; the statuses of LONG_KEY and BAD_BATCH are [I].
error_codes! {
    NO_TOKEN = "credentials", 401, Form::Message, "Provided credentials are missing or invalid";
    NOT_ALLOWED = "not-authorized", 403, Form::Message, "You are not authorized to perform this action";
    NO_HOST = "no-service", 404, Form::Detail("details"), "Cannot find service";
    NO_RECORD = "no-record", 404, Form::Detail("detail"), "Couldn't find Service";
    MALFORMED = "malformed", 400, Form::Message, "Malformed purge request";
    TOO_MANY_KEYS = "too-many-keys", 400, Form::Reason, "Batch surrogate key request only supports up to 256 surrogate keys";
    LONG_KEY = "long-key", 400, Form::Reason, "surrogate key too long, must be less than 1024 bytes";
    BAD_BATCH = "bad-batch", 400, Form::Reason, "Surrogate keys are needed, in the header or in the body";
    LONG_URL = "long-url", 414, Form::Message, "URI Too Long";
    RATE_LIMIT = "rate-limit", 429, Form::Message, "You have exceeded your hourly rate limit. Please contact support@fastly.com if you think this is a mistake.";
}

impl ErrorCode {
    const fn new(name: &'static str, status: u16, form: Form, message: &'static str) -> Self {
        Self {
            name,
            status,
            form,
            message,
        }
    }

    pub(super) fn usual(self) -> Reply {
        self.with(self.message)
    }

    pub(super) fn with(self, message: &str) -> Reply {
        let body: Value = match self.form {
            Form::Message => json!({ "msg": message }),
            Form::Detail(name) => json!({ "msg": "Record not found", name: message }),
            Form::Reason => json!({ "status": "fail", "reason": message }),
        };
        Reply {
            error: Some(format!("{}: {message}", self.name)),
            ..Reply::json(self.status, &body)
        }
    }
}
